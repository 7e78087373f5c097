"""Predictions as a table: a row's id or number, the prediction, each class's probability.

Of a model of several labels these are the first one's; the others' follow, by the labels' names.

In CSV no text is taken for a formula (`printed.cell_of_csv`), and a number is the shortest text
that reads back as the same one. Parquet has all of it as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from unweave.text.printed import cell_of_csv

Rows = Sequence[str] | Sequence[int]
Said = Sequence[str] | Sequence[float]
NO_LABELS: Mapping[str, Any] = MappingProxyType({})


class OfLabel(Protocol):
    """What is said of a label of some rows; `probabilities` (n, classes)."""

    @property
    def predictions(self) -> Said:
        """Names of classes, or values."""

    @property
    def probabilities(self) -> npt.NDArray[Any]:
        """Those of the classes, in order; of a regression there are none."""


class Piece(OfLabel, Protocol):
    """Some rows with what is said of them, and of each further label by its name."""

    @property
    def rows(self) -> Rows:
        """Their ids, or numbers."""

    @property
    def further(self) -> Mapping[str, OfLabel]:
        """What is said of further labels."""


def names_of(
    rows_by: str, classes: Sequence[str], further: Mapping[str, Sequence[str]] = NO_LABELS
) -> list[str]:
    """Return the names of the columns, `further` labels' by their names and classes.

    Raises BadInput if rows are called by one of the others.
    """
    others = ["prediction", *(f"probability_{name}" for name in classes)]
    for label, its in further.items():
        others += [f"prediction_{label}", *(f"probability_{label}_{name}" for name in its)]
    return _beside(rows_by, others)


def names_of_items(rows_by: str) -> list[str]:
    """Return the names of the columns of recommendations; raises BadInput as `names_of`."""
    return _beside(rows_by, ["item", "score"])


def _beside(rows_by: str, others: list[str]) -> list[str]:
    if rows_by in others:
        raise BadInput(
            f"The answer has a column {rows_by!r} of its own: call the column of row ids otherwise."
        )
    return [rows_by, *others]


def csv_line(names: Iterable[str]) -> str:
    """Return texts as one line of CSV, without its end."""
    return ",".join(map(cell_of_csv, names))


def csv_lines(rows: Rows, labels: Iterable[tuple[Said, npt.NDArray[Any]]]) -> Iterator[str]:
    """Yield the lines of some rows; of each label predictions, and probabilities (n, classes)."""
    columns = [_cells(rows)]
    for predictions, probabilities in labels:
        columns += [_cells(predictions), *map(_numbers, probabilities.T)]
    return map(",".join, zip(*columns, strict=True))


def answer_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of predictions that are an answer."""
    if "items" in answer:
        yield from _item_lines(answer)
        return
    rows, further = answer["rows"], answer.get("further_labels", NO_LABELS)
    classes = {name: label.get("classes", ()) for name, label in further.items()}
    yield csv_line(names_of(answer["rows_by"], answer.get("classes", ()), classes))
    labels = []
    for label in (answer, *further.values()):
        probabilities = np.array(label.get("probabilities", ()), np.float64)
        shaped = probabilities.reshape(len(rows), len(label.get("classes", ())))
        labels.append((label["predictions"], shaped))
    yield from csv_lines(rows, labels)


def _item_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    yield csv_line(names_of_items(answer["rows_by"]))
    for row, items, scores in zip(answer["rows"], answer["items"], answer["scores"], strict=True):
        shaped = np.array(scores, np.float64).reshape(len(items), 1)
        yield from csv_lines([row] * len(items), [(items, shaped)])


def write_csv(stream: BinaryIO, names: Sequence[str], pieces: Iterable[Piece]) -> int:
    """Write pieces as CSV in UTF-8, and return how many rows they have."""
    stream.write(csv_line(names).encode("utf-8") + b"\n")
    written = 0
    for piece in pieces:
        labels = ((one.predictions, one.probabilities) for one in _labels(piece))
        lines = csv_lines(piece.rows, labels)
        stream.write("".join(f"{line}\n" for line in lines).encode("utf-8"))
        written += len(piece.rows)
    return written


def write_parquet(stream: BinaryIO, names: Sequence[str], pieces: Iterable[Piece]) -> int:
    """Write pieces as Parquet, and return how many rows they have."""
    import pyarrow as pa
    from pyarrow import parquet

    written, writer = 0, None
    for piece in pieces:
        columns = [pa.array(piece.rows)]
        for label in _labels(piece):
            columns.append(pa.array(label.predictions))
            columns += [pa.array(np.ascontiguousarray(one)) for one in label.probabilities.T]
        table = pa.Table.from_arrays(columns, names=list(names))
        writer = writer or parquet.ParquetWriter(stream, table.schema)
        writer.write_table(table)
        written += len(piece.rows)
    if writer is not None:
        writer.close()
    return written


def _labels(piece: Piece) -> list[OfLabel]:
    return [piece, *piece.further.values()]


def _cells(values: Rows | Said) -> Sequence[str]:
    if len(values) and isinstance(values[0], float):
        return _numbers(np.array(values, np.float64))
    return [cell_of_csv(str(value)) for value in values]


def _numbers(values: npt.NDArray[Any]) -> Sequence[str]:
    doubles, singles = values.astype(np.float64), values.astype(np.float32)
    short = np.where(singles == doubles, singles.astype(str), doubles.astype(str))
    texts: list[str] = short.tolist()
    return texts
