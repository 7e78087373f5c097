"""Writing a model's data cell by cell, from rows in any order.

Rows are gathered in runs of some megabytes, each sorted by cell and row key; runs that memory has
no room for lie on disk until all rows are there. Then each cell's rows are taken from all runs,
sorted, and written once. The files depend on the rows and the layout alone. Memory holds one run,
and one cell.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.cells.cell import CellLayout
from lineage_store.cells.files import write_file
from lineage_store.cells.kept import KeptCell
from lineage_store.cells.lines import Lines, total_of
from lineage_store.placement import I64

RUN_BYTES = 1 << 26


@dataclass
class CellWriter:
    """Takes lines of rows, and writes the cells of a snapshot when all are there."""

    folder: Path
    layout: CellLayout
    headers: Mapping[str, bytes]
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    run_bytes: int = field(default_factory=lambda: RUN_BYTES)
    _pieces: list[tuple[I64, npt.NDArray[np.uint8], Any]] = field(default_factory=list)
    _bytes: int = 0
    _runs: list["_Run"] = field(default_factory=list)
    _totals: dict[int, int] = field(default_factory=dict)

    def add(self, numbers: I64, row_keys: npt.NDArray[np.uint8], lines: Lines) -> None:
        """Take the lines of some rows, with their keys (n, 16) and the numbers of their cells."""
        there, which = np.unique(numbers, return_inverse=True)
        sums = np.zeros((len(there), 8), np.uint64)
        np.add.at(sums, which, lines.digests)
        for number, one in zip(there.tolist(), sums, strict=True):
            self._totals[number] = self._totals.get(number, 0) + total_of(one[None])
        self._pieces.append((numbers, row_keys, lines.text))
        self._bytes += lines.text.nbytes
        if self._bytes >= self.run_bytes:
            self._runs.append(self._run().on_disk(self.folder / f"run-{len(self._runs)}.arrow"))

    def finish(self) -> Iterator[KeptCell]:
        """Write the cells, and yield what is kept of each, in the order of their numbers."""
        if self._pieces:
            self._runs.append(self._run())
        numbers = sorted(set().union(*(run.places for run in self._runs)))
        read = 0
        for number in numbers:
            name = self.layout.cell(number)
            content, rows = _merged([run.rows_of(number) for run in self._runs])
            content = self.headers[name.split] + content
            read += len(content)
            if read >= self.run_bytes:
                read = 0
                for run in self._runs:
                    run.give_back()
            written = write_file(self.folder, f"{name}.csv", content, self.random_bytes)
            yield KeptCell(name, rows, self._totals[number], written)
        for run in self._runs:
            run.remove()

    def _run(self) -> "_Run":
        import pyarrow as pa

        numbers = np.concatenate([one for one, _, _ in self._pieces])
        keys = np.concatenate([one for _, one, _ in self._pieces])
        lines = pa.concat_arrays([one for _, _, one in self._pieces])
        self._pieces, self._bytes = [], 0
        halves = np.ascontiguousarray(keys).view(">u8").astype(np.uint64)
        order = np.lexsort((halves[:, 1], halves[:, 0], numbers))
        there, starts = np.unique(numbers[order], return_index=True)
        ends = [*starts[1:].tolist(), len(order)]
        places = dict(zip(there.tolist(), zip(starts.tolist(), ends, strict=True), strict=True))
        return _Run(places, keys[order], lines.take(pa.array(order)))


@dataclass
class _Run:
    """Some rows, sorted by cell and row key; `places` says where each cell's begin and end."""

    places: Mapping[int, tuple[int, int]]
    keys: npt.NDArray[np.uint8] | None
    lines: Any
    file: Path | None = None

    def on_disk(self, file: Path) -> "_Run":
        """Write the rows to a file, and keep none of them in memory."""
        import pyarrow as pa

        assert self.keys is not None
        width = self.keys.shape[1]
        keys = pa.Array.from_buffers(
            pa.binary(width), len(self.keys), [None, pa.py_buffer(self.keys.tobytes())]
        )
        batch = pa.RecordBatch.from_arrays([keys, self.lines], names=["key", "line"])
        with pa.OSFile(str(file), "wb") as stream, pa.ipc.new_file(stream, batch.schema) as writer:
            writer.write_batch(batch)
        return _Run(self.places, None, None, file)

    def rows_of(self, number: int) -> tuple[npt.NDArray[np.uint8], Any] | None:
        """Return the keys and lines of a cell's rows; None if there are none."""
        if number not in self.places:
            return None
        if self.keys is None:
            self._open()
        assert self.keys is not None
        start, end = self.places[number]
        return self.keys[start:end], self.lines[start:end]

    def give_back(self) -> None:
        """Let go of the pages of the file that were read."""
        if self.file is not None:
            self.keys = self.lines = None

    def remove(self) -> None:
        """Remove the file."""
        self.give_back()
        if self.file is not None:
            self.file.unlink()

    def _open(self) -> None:
        import pyarrow as pa

        with pa.memory_map(str(self.file)) as stream:
            batch = pa.ipc.open_file(stream).get_batch(0)
        keys = batch.column(0)
        self.keys = np.frombuffer(keys.buffers()[1], np.uint8).reshape(len(keys), -1)
        self.lines = batch.column(1)


def _merged(parts: list[tuple[npt.NDArray[np.uint8], Any] | None]) -> tuple[bytes, int]:
    """Return the lines of a cell in row-key order, as the bytes of a file, and their number."""
    import pyarrow as pa

    there = [one for one in parts if one is not None]
    lines = there[0][1]
    if len(there) > 1:
        keys = np.concatenate([one for one, _ in there])
        halves = np.ascontiguousarray(keys).view(">u8").astype(np.uint64)
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        lines = pa.concat_arrays([one for _, one in there]).take(pa.array(order))
    return text_of(lines), len(lines)


def text_of(lines: Any) -> bytes:
    """Return the bytes of lines (a pyarrow BinaryArray), one after another."""
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return bytes(memoryview(data)[int(ends[0]) : int(ends[-1])])
