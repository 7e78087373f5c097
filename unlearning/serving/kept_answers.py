"""What each part answered on the evaluation rows, kept beside the ledger to be asked no more.

    answers/s003.npy     what part 3 answered, in row-key order of the rows, (n, units)
    answers/marks.json   by what these files are known again

An answer follows from a part's state and from the rows, in the pieces in which they were asked
about. So after a deletion the answers of a part are taken over where its state is the old one and
the evaluation rows are: the bits are those of all parts asked anew. They are erased with the ledger
that they lie beside. Of a single part nothing is kept, since there are no others.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lineage_store.canonical import (
    canonical_json,
    link_or_copy,
    read_json,
    reading_own,
    write_atomic,
)
from lineage_store.cells import Mark
from lineage_store.errors import Damaged
from lineage_store.rows import Rows
from lineage_store.tensors import Array, State

FOLDER, MARKS = "answers", "marks.json"
NPY: Any = np.lib.format  # it has types in newer NumPy only


class Predicts(Protocol):
    """What answers from the state of a part."""

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the answers (n, units) of a part with this state."""


class Answers(Protocol):
    """Who tells what a part answers on a piece of some rows, of which so many came before."""

    def of(self, learner: Predicts, part: int, state: State, rows: Rows, *, start: int) -> Array:
        """Return the answers (n, units)."""


class AskedAnew:
    """Every part is asked, and nothing is kept."""

    def of(self, learner: Predicts, part: int, state: State, rows: Rows, *, start: int) -> Array:
        """Return what the part answers now."""
        return learner.predict(state, rows)


@dataclass
class KeptAnswers:
    """Answers of `rows` evaluation rows in a folder; parts that `earlier` has are not asked again.

    `earlier` are files of an older folder by their parts (`known_answers`).
    """

    folder: Path
    rows: int
    earlier: Mapping[int, Path]
    _open: dict[int, Any] = field(default_factory=dict)

    def of(self, learner: Predicts, part: int, state: State, rows: Rows, *, start: int) -> Array:
        """Return what the part answered before, or answers now."""
        here = slice(start, start + len(rows))
        if part in self.earlier:
            if part not in self._open:
                self.folder.mkdir(parents=True, exist_ok=True)
                link_or_copy(self.earlier[part], _file(self.folder, part))
                self._open[part] = np.load(_file(self.folder, part), mmap_mode="r")
            answers: Array = self._open[part][here]
            return answers
        answers = learner.predict(state, rows)
        if part not in self._open:
            self.folder.mkdir(parents=True, exist_ok=True)
            shape = (self.rows, *answers.shape[1:])
            self._open[part] = NPY.open_memmap(
                _file(self.folder, part), mode="w+", dtype=answers.dtype, shape=shape
            )
        self._open[part][here] = answers
        return answers

    def close(self) -> None:
        """Write down by what the files are known again."""
        for part, opened in self._open.items():
            if part not in self.earlier:
                opened.flush()
        parts, self._open = sorted(self._open), {}
        marks = {str(part): [*astuple(Mark.of(_file(self.folder, part)))] for part in parts}
        if marks:
            write_atomic(self.folder / MARKS, canonical_json(marks) + b"\n")


def known_answers(folder: Path) -> dict[int, Path]:
    """Return the files of a folder that are as they were written, by their parts."""
    if not (folder / MARKS).exists():
        return {}
    try:
        with reading_own(folder / MARKS):
            marks: Mapping[str, list[int]] = read_json(folder / MARKS)
            found = {int(part): Mark(*mark) for part, mark in marks.items()}
    except Damaged:
        return {}  # they are asked for again
    files = {part: _file(folder, part) for part in found}
    return {part: file for part, file in files.items()
            if file.exists() and Mark.of(file) == found[part]}  # fmt: skip


def _file(folder: Path, part: int) -> Path:
    return folder / f"s{part:03d}.npy"
