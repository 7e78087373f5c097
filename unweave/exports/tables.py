"""Tables as CSV and as Parquet: the one writer of tables, whatever they are of.

In CSV no text is taken for a formula (`printed.cell_of_csv`), and what is not there is an empty
cell. Parquet has numbers, moments (UTC) and texts, and null.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from unweave.text.printed import cell_of_csv

Cell = str | int | float | None
Holds = Literal["text", "number", "moment"]
EVENTS: Mapping[str, Holds] = {"seq": "number", "time": "moment", "kind": "text", "body": "text"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: what its columns are called and hold, and its rows; moments are ISO 8601 texts."""

    name: str
    columns: Mapping[str, Holds]
    rows: Sequence[Sequence[Cell]]


def csv_line(cells: Iterable[Cell]) -> str:
    """Return cells as one line of CSV, without its end."""
    return ",".join("" if one is None else cell_of_csv(str(one)) for one in cells)


def csv_lines(names: Iterable[str], rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    """Yield the head of a table and then its rows, each without its end."""
    yield csv_line(names)
    yield from map(csv_line, rows)


def csv_of(table: Table) -> bytes:
    """Return a table as CSV in UTF-8."""
    return "".join(f"{line}\n" for line in csv_lines(table.columns, table.rows)).encode("utf-8")


def parquet_of(table: Table) -> bytes:
    """Return a table as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"text": pa.string(), "number": pa.int64(), "moment": pa.timestamp("ms", tz="UTC")}
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    arrays = [
        pa.array([_moment(one) if holds == "moment" else one for one in column], types[holds])
        for column, holds in zip(columns, table.columns.values(), strict=True)
    ]
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, names=list(table.columns)), out)
    return out.getvalue()


def event_row(*, seq: int, time: str, kind: str, body: Mapping[str, Any]) -> list[Cell]:
    """Return the row of an event, of the columns `EVENTS`."""
    return [seq, time, kind, json.dumps(body, sort_keys=True, ensure_ascii=False)]


def _moment(cell: Cell) -> datetime | None:
    return None if cell is None else datetime.fromisoformat(str(cell))
