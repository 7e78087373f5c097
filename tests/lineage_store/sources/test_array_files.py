"""NumPy's files are read row by row, whatever their order and type; nothing is unpickled."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as from_numpy

from lineage_store.errors import BadInput
from lineage_store.sources import array_files
from lineage_store.sources.array_files import NumpyFile
from lineage_store.sources.data_frame import table_in_memory
from lineage_store.sources.source import records_of


def fields_of(source):
    """The texts of each row."""
    return [fields for _, fields in records_of(source)]


def dtypes():
    """Types of arrays that have text, of either byte order."""
    numbers = from_numpy.integer_dtypes() | from_numpy.unsigned_integer_dtypes()
    return numbers | from_numpy.floating_dtypes(sizes=(16, 32, 64)) | from_numpy.boolean_dtypes()


@st.composite
def arrays(draw, rows):
    """An array with so many rows, laid out by rows or by columns."""
    shape = (rows, *draw(st.lists(st.integers(1, 3), max_size=2)))
    found = draw(from_numpy.arrays(draw(dtypes()), shape))
    return np.asfortranarray(found) if draw(st.booleans()) else found


@pytest.fixture(scope="session")
def saved(new_folder):
    """Return a function that saves arrays by their names, and returns the source that they are."""
    folder = new_folder()

    def save(*, compressed=False, **given_arrays):
        path = folder / "given.npz"
        (np.savez_compressed if compressed else np.savez)(path, **given_arrays)
        return NumpyFile(path)

    return save


@given(st.data())
def test_any_arrays_are_read_as_the_dict_of_them_and_rows_taken_out_change_nothing(saved, data):
    rows = data.draw(st.integers(0, 5))
    named = {"x": data.draw(arrays(rows)), "y": data.draw(arrays(rows))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_files, "AT_ONCE", data.draw(st.sampled_from([1, 20, 1 << 18])))
        source = saved(compressed=data.draw(st.booleans()), **named)
        names, kinds, fields = source.columns(), source.kinds(), fields_of(source)
    in_memory = table_in_memory(named)
    assert (names, kinds, fields) == (
        in_memory.columns(), in_memory.kinds(), fields_of(in_memory),
    )  # fmt: skip
    kept = np.array(sorted(data.draw(st.sets(st.integers(0, rows - 1)))) if rows else [], int)
    fewer = saved(**{name: one[kept] for name, one in named.items()})
    assert (fewer.columns(), fewer.kinds()) == (names, kinds)
    assert fields_of(fewer) == [fields[place] for place in kept]


def test_an_array_of_its_own_is_called_after_its_file(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1.5, np.nan], [2, 3]], ">f4"))
    source = NumpyFile(tmp_path / "x.npy")
    assert source.columns() == ("x[0]", "x[1]")
    assert source.kinds() == {"x[0]": "number", "x[1]": "number"}
    assert list(records_of(source)) == [(1, ["1.5", ""]), (2, ["2.0", "3.0"])]
    np.save(tmp_path / "d.npy", np.array(["2026-11-29", "NaT"], "M8[D]"))
    assert fields_of(NumpyFile(tmp_path / "d.npy")) == [["2026-11-29"], [""]]


class Ran(Exception):
    """What the file says was done."""


def ran():
    """What a file asks for."""
    raise Ran


class Bomb:
    """An object that does something when it is unpickled."""

    def __reduce__(self):
        return ran, ()


def test_nothing_is_unpickled(tmp_path):
    np.save(tmp_path / "x.npy", np.array([Bomb()], object), allow_pickle=True)
    with pytest.raises(Ran):
        np.load(tmp_path / "x.npy", allow_pickle=True)
    for ask in (NumpyFile.columns, NumpyFile.kinds, fields_of):
        with pytest.raises(BadInput, match="'x' in .* holds Python objects, which only unpickling"):
            ask(NumpyFile(tmp_path / "x.npy"))
    (tmp_path / "y.npy").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(BadInput, match="cannot be read as NumPy's"):
        NumpyFile(tmp_path / "y.npy").columns()


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"x": np.arange(2), "y": np.arange(3)}, "no common number of rows"),
        ({"x": np.array(1)}, "no common number of rows"),
        ({}, "no common number of rows"),
        ({"x": np.array([b"anna"])}, r"'x' of .* holds values of the type \|S4"),
        ({"x": np.array([1j])}, "holds values of the type complex128"),
        ({"x": np.zeros(2, [("a", int)])}, "holds values of the type"),
    ],
)
def test_what_is_no_table_is_refused(saved, named, words):
    with pytest.raises(BadInput, match=words):
        saved(**named).columns()


def header_of(shape):
    """The first bytes of an `.npy` file that says it has a shape."""
    text = f"{{'descr': '<f8', 'fortran_order': True, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.encode()


@pytest.mark.parametrize(
    "shape", ["(10**6, 10**6)", "(1000000000000, 2)", "(0, 1000000000000)", "(-1, 2)"]
)
def test_a_shape_that_cannot_be_is_refused_at_once(tmp_path, shape):
    (tmp_path / "x.npy").write_bytes(header_of(shape) + b"\0" * 64)
    with pytest.raises(BadInput, match="damaged, breaks off"):
        NumpyFile(tmp_path / "x.npy").columns()


@pytest.mark.parametrize("cut", [0, 3, 9, 60, -1])
def test_a_damaged_file_is_told(saved, tmp_path, cut):
    for whole in (saved(x=np.arange(9)).path.read_bytes(), npy_of(np.arange(9))):
        (tmp_path / "x").write_bytes(whole[:cut])
        with pytest.raises(BadInput, match=r"x cannot be read as NumPy's"):
            fields_of(NumpyFile(tmp_path / "x"))
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        NumpyFile(tmp_path / "none").columns()


def npy_of(array):
    """The bytes of an `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_a_zip_that_holds_something_else_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.txt", "anna")
    with pytest.raises(BadInput, match="cannot be read as NumPy's"):
        NumpyFile(tmp_path / "x.npz").columns()


def test_progress_ends_at_the_size(saved, monkeypatch):
    monkeypatch.setattr(array_files, "AT_ONCE", 20)
    source, places = saved(x=np.arange(95), y=np.arange(95)), []
    assert [len(rows) for rows in source.batches(places.append)] == [10] * 9 + [5]
    assert places == sorted(places) and places[-1] == source.size
