"""Where rows come from: a table of text, behind one small Protocol."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from lineage_store.texts.text_rows import Kind, Progress, TextRows


class Source(Protocol):
    """One table: named columns, and rows of text, each with the number of where it stands."""

    @property
    def name(self) -> str:
        """What messages call it, without a value of it."""

    @property
    def unit(self) -> str:
        """What the numbers of its rows count: lines, or rows."""

    @property
    def description(self) -> str:
        """What it was taken for, and what that was told from."""

    @property
    def size(self) -> int:
        """How much there is to read, in what `progress` is told."""

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; raises BadInput for what cannot be read."""

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds of those columns for which the source itself declares one."""

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some at a time, so that memory is bounded.

        `progress` is told how much was read. Raises BadInput for what does not fit, after the rows
        before it.
        """
