"""Folders of pictures: classes by folder or by a table, each pixel a number of its own row."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lineage_store.errors import BadInput
from lineage_store.sources import pictures
from lineage_store.sources.source import open_source, records_of

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
COLOURED = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 14


def save(path, pixels):
    """Write a picture, with the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def fields_of(source):
    """The texts of each row."""
    return [fields for _, fields in records_of(source)]


def texts(pixels):
    """The texts of a picture's pixels, row by row."""
    return [str(one) for one in pixels.ravel().tolist()]


def test_the_class_is_the_folder(tmp_path):
    save(tmp_path / "dog" / "b.png", GREY)
    save(tmp_path / "cat" / "z.bmp", GREY + 1)
    save(tmp_path / "cat" / "_hidden.png", GREY)
    save(tmp_path / "cat" / "a.PNG", 255 - GREY)
    source = open_source(tmp_path)
    names = ("path", "class", *(f"pixel[{y}][{x}]" for y in range(2) for x in range(3)))
    assert source.columns() == names
    assert source.kinds() == dict.fromkeys(names[2:], "number")
    assert list(records_of(source)) == [
        (1, ["cat/a.PNG", "cat", *texts(255 - GREY)]),
        (2, ["cat/z.bmp", "cat", *texts(GREY + 1)]),
        (3, ["dog/b.png", "dog", *texts(GREY)]),
    ]
    assert (source.name, source.unit) == (str(tmp_path), "row")
    assert source.description == "pictures of 3 x 2 pixels"


def test_without_folders_there_is_no_class(tmp_path):
    save(tmp_path / "a.png", COLOURED)
    source = open_source(tmp_path)
    assert source.columns()[:2] == ("path", "pixel[0][0][0]") and len(source.columns()) == 19
    assert fields_of(source) == [["a.png", *texts(COLOURED)]]


@pytest.fixture
def listed(tmp_path):
    """Return a function that writes a table beside two pictures, and opens the folder."""
    save(tmp_path / "a.png", GREY)
    save(tmp_path / "more" / "b.png", GREY + 1)

    def write(*rows, header=("who", "filename", "y")):
        with (tmp_path / "list.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return open_source(tmp_path)

    return write


def test_a_table_says_of_whom_each_picture_is(listed):
    source = listed(("anna", "more/b.png", 1), ("bob", "a.png", 0), ("anna", "a.png", 1))
    assert source.columns()[:4] == ("who", "filename", "y", "pixel[0][0]")
    assert list(records_of(source)) == [
        (2, ["anna", "more/b.png", "1", *texts(GREY + 1)]),
        (3, ["bob", "a.png", "0", *texts(GREY)]),
        (4, ["anna", "a.png", "1", *texts(GREY)]),
    ]
    assert source.unit == "line"


@settings(max_examples=20)
@given(st.data())
def test_any_pictures_taken_out_change_nothing_else(new_folder, data):
    shape = data.draw(st.sampled_from([(1, 2), (2, 2), (2, 1, 3)]))
    size = math.prod(shape)
    drawn = st.lists(st.integers(0, 255), min_size=size, max_size=size)
    images = data.draw(st.lists(drawn, min_size=1, max_size=5))
    folder = new_folder()
    for place, values in enumerate(images):
        pixels = np.array(values, np.uint8).reshape(shape)
        save(folder / f"class{place % 2}" / f"{place}.png", pixels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "AT_ONCE", data.draw(st.sampled_from([1, 9, 1 << 18])))
        source = open_source(folder)
        names, kinds, fields = source.columns(), source.kinds(), fields_of(source)
    files = sorted(folder.rglob("*.png"))
    assert [texts(np.array(Image.open(file))) for file in files] == [one[2:] for one in fields]
    gone = data.draw(st.sets(st.sampled_from(range(len(files))), max_size=len(files) - 1))
    for place in gone:
        files[place].unlink()
    fewer = open_source(folder)
    assert (fewer.columns(), fewer.kinds()) == (names, kinds)
    assert fields_of(fewer) == [one for place, one in enumerate(fields) if place not in gone]


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (GREY[:, :2], "of row 2 of .* has 2 x 2 pixels, and the first 3 x 2 pixels"),
        (COLOURED, "has 3 x 2 pixels in colours, and the first 3 x 2 pixels: make all of one"),
        (np.zeros((2, 3, 4), np.uint8), "of row 2 of .* is of the mode RGBA: save it in grey"),
        (np.zeros((2, 3), np.uint16), "is of the mode I;16"),
        (np.zeros((1025, 1024), np.uint8), "has 1024 x 1025 pixels, .* 1,048,576 values at most"),
    ],
)
def test_a_picture_unlike_the_first_is_refused_by_its_row(tmp_path, pixels, words):
    save(tmp_path / "x" / "a.png", GREY)
    save(tmp_path / "x" / "anna.png", pixels)
    refused(tmp_path, words)


def refused(folder, words):
    """Assert that a folder is refused, and nobody's picture named."""
    with pytest.raises(BadInput, match=words) as found:
        source = open_source(folder)
        source.columns()
        fields_of(source)
    assert "anna" not in str(found.value)


def test_what_is_no_picture_is_refused_by_its_row(tmp_path):
    save(tmp_path / "x" / "a.png", GREY)
    whole = (tmp_path / "x" / "a.png").read_bytes()
    for data in (b"", b"a,b\n1,2\n", whole[:-30], whole[:40], b"GIF89a" + whole):
        (tmp_path / "x" / "anna.png").write_bytes(data)
        refused(tmp_path, "The picture of row 2 of .* cannot be read: it is not there, damaged")


@pytest.mark.parametrize("name", ["../anna.png", "/etc/anna.png", "more/../../anna.png", ""])
def test_a_table_names_files_in_its_folder_alone(tmp_path, listed, name):
    save(tmp_path.parent / "anna.png", GREY)
    listed(("x", "a.png", 1), ("y", name, 2))
    refused(tmp_path, "The picture of line 3 of .*list.csv is not in the folder")


def test_a_table_of_pictures_that_are_not_there_or_not_named_is_refused(tmp_path, listed):
    listed(("x", "anna.png", 1), ("y", "b.png", 2))
    refused(tmp_path, "The picture of line 2 of .*list.csv cannot be read: it is not there")
    with pytest.raises(BadInput, match="No column of .*list.csv says which picture a row has"):
        listed(("x", "a.png", 1), ("y", "b.png", 2), header=("who", "photo", "y"))
    listed(header=("who", "file", "y"))
    refused(tmp_path, "There is no row with a picture")


def test_a_folder_that_says_no_class_is_refused(tmp_path):
    save(tmp_path / "a.png", GREY)
    save(tmp_path / "x" / "b.png", GREY)
    refused(tmp_path, "lie in it and in folders")
    for name in ("list.csv", "more.csv"):
        (tmp_path / name).write_text("file,y\na.png,1\n")
    refused(tmp_path, "holds pictures and 2 other files: leave one table")
