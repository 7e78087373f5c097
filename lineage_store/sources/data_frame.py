"""Tables in memory: a pandas or polars DataFrame, an Arrow table, a dict of NumPy arrays.

None of these libraries is imported here unless one of its tables is given, but for pyarrow and
NumPy. An index of pandas is no column. A column of Python objects declares no kind: each value is
spelled by its own type, so that no value's text depends on the others (pandas makes floats of whole
numbers, and objects of texts, where one is missing). A NumPy array of more dimensions is as many
columns as a row has numbers: `x[0]`, or `x[0][1]` of three dimensions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from lineage_store.texts.arrow_columns import AT_ONCE, ArrowColumns, Declared
from lineage_store.texts.text_rows import Progress, TextRows
from lineage_store.texts.value_texts import NoText, from_numpy, text_of_value

WANTED = "a pandas or polars DataFrame, an Arrow table or a dict of NumPy arrays"
OBJECTS = np.dtype(object)
PROTOCOL_SINCE = 14
"""The first pyarrow that takes a table of any library by Arrow's C stream."""


@dataclass(frozen=True, eq=False)
class ArrowTable(Declared):
    """A table of Arrow's, or one that another library gives as such."""

    table: Any = field(repr=False)
    name: str = "the table"

    @property
    def description(self) -> str:
        """What it was taken for."""
        return f"{self.name} in memory"

    @property
    def size(self) -> int:
        """How many rows there are to read."""
        return int(self.table.num_rows)

    def declared(self) -> ArrowColumns:
        """Return the columns; raises BadInput for a type that has no text."""
        return ArrowColumns(self.name, self.table.schema)

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some at a time; `progress` is told how many rows were read."""
        return reporting_rows(self.declared().rows(self.table.to_batches()), progress)


@dataclass(frozen=True, eq=False)
class ColumnsInMemory(Declared):
    """Named columns of one length: NumPy arrays (n,), series of pandas, or Python's sequences."""

    given: Sequence[tuple[str, Any]] = field(repr=False)
    name: str

    @property
    def description(self) -> str:
        """What it was taken for."""
        return f"{self.name} in memory"

    @property
    def size(self) -> int:
        """How many rows there are to read."""
        return len(self.given[0][1]) if self.given else 0

    def declared(self) -> ArrowColumns:
        """Return the columns; raises BadInput for a type that has no text."""
        return ArrowColumns(self.name, batch_of(self.given, slice(0, 0), name=self.name).schema)

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some at a time; `progress` is told how many rows were read."""
        at_once = max(1, AT_ONCE // max(1, len(self.given)))
        batches = (
            batch_of(self.given, slice(start, start + at_once), name=self.name)
            for start in range(0, self.size, at_once)
        )
        return reporting_rows(self.declared().rows(batches), progress)


def table_in_memory(data: Any) -> ArrowTable | ColumnsInMemory:
    """Return the source that a table in memory is; raises BadInput for anything else."""
    if isinstance(data, Mapping):
        return _of_arrays(data)
    if any(one.__module__.startswith("pandas.") for one in type(data).__mro__):
        return _of_pandas(data)
    table = _as_arrow(data)
    if type(table).__name__ != "Table":
        raise BadInput(f"A {type(data).__name__} is no table that can be read: give {WANTED}.")
    return ArrowTable(table, "the table" if type(data) is type(table) else "the data frame")


def columns_of_array(name: str, values: npt.NDArray[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the columns that an array (n, ...) is, each (n,), by their names."""
    for place in np.ndindex(values.shape[1:]):
        chosen: tuple[Any, ...] = (slice(None), *place)
        yield name + "".join(f"[{one}]" for one in place), values[chosen]


def batch_of(columns: Sequence[tuple[str, Any]], rows: slice, *, name: str) -> Any:
    """Return some rows of named columns as a record batch; `name` is what messages call them.

    A column of objects is one of strings, or of nothing if there are no rows. Raises BadInput for
    a value or a type that has no text.
    """
    import pyarrow as pa

    found = []
    for column, values in columns:
        try:
            found.append(_array(values[rows]))
        except UnicodeError:
            raise BadInput(
                f"The column {column!r} of {name} holds text that is not Unicode: correct it."
            ) from None
        except (TypeError, ValueError, pa.ArrowException) as error:
            type_ = error if isinstance(error, NoText) else getattr(values, "dtype", "object")
            raise BadInput(
                f"The column {column!r} of {name} holds values of the type {type_}, which have no "
                f"form as text: leave it out, or make numbers, texts or dates of it."
            ) from None
    return pa.RecordBatch.from_arrays(found, names=[column for column, _ in columns])


def reporting_rows(batches: Iterator[TextRows], progress: Progress | None) -> Iterator[TextRows]:
    """Yield rows, and tell after each batch how many there were."""
    for rows in batches:
        yield rows
        if progress:
            progress(int(rows.numbers[-1]))


def _array(values: Any) -> Any:
    """Return a column's values as a pyarrow array; raises NoText for what has none."""
    import pyarrow as pa

    if getattr(values, "dtype", OBJECTS) == OBJECTS:
        if not len(values):
            return pa.nulls(0)
        if {*map(type, values)} <= {str, type(None)}:
            return pa.array(values, pa.string())
        return pa.array(list(map(text_of_value, values)), pa.string())
    if isinstance(values, np.ndarray):
        return from_numpy(values)
    return pa.array(values, from_pandas=True)


def _of_arrays(data: Mapping[Any, Any]) -> ColumnsInMemory:
    columns: list[tuple[str, Any]] = []
    for name, values in data.items():
        column = _name(name)
        if isinstance(values, np.ma.MaskedArray):
            raise BadInput(f"The array {column!r} is masked: fill what is missing with NaN first.")
        if isinstance(values, np.ndarray) and values.ndim:
            columns += columns_of_array(column, values)
        elif isinstance(values, Sequence) and not isinstance(values, str | bytes):
            columns.append((column, values))
        else:
            raise BadInput(
                f"The value of {column!r} is a {type(values).__name__}: give a dict of NumPy "
                f"arrays with a row each for every example."
            )
    lengths = {len(values) for _, values in columns}
    if len(lengths) > 1:
        raise BadInput(
            f"The arrays have {' and '.join(map(str, sorted(lengths)))} rows: give them one length."
        )
    return ColumnsInMemory(columns, "the dict of arrays")


def _of_pandas(data: Any) -> ColumnsInMemory:
    if getattr(data, "ndim", 0) != 2:
        raise BadInput(f"A {type(data).__name__} of pandas is no table: give a DataFrame.")
    series = [data.iloc[:, place] for place in range(data.shape[1])]
    columns = [
        (_name(one.name), one.to_numpy() if isinstance(one.dtype, np.dtype) else one.array)
        for one in series
    ]
    return ColumnsInMemory(columns, "the data frame")


def _name(name: Any) -> str:
    if isinstance(name, str | int | np.integer):
        return str(name)
    raise BadInput(f"A column's name is a {type(name).__name__}: give every column a name of text.")


def _as_arrow(data: Any) -> Any:
    """Return a table of any library as Arrow's; None if it is none."""
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all()
    try:
        if hasattr(data, "to_arrow"):
            return data.to_arrow()
        newer = int(pa.__version__.partition(".")[0]) >= PROTOCOL_SINCE
        if hasattr(data, "__arrow_c_stream__") and newer:
            return pa.table(data)
    except Exception:  # of another library, whose words may hold values
        raise BadInput(
            f"The {type(data).__name__} cannot be given to Arrow: a column has a type that Arrow "
            f"lacks."
        ) from None
    return None
