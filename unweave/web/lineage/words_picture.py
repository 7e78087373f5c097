"""A model's line as one column in words, drawn as `unweave graph` draws it, from index and ledger.

What the command reads from ML Metadata the desk does not open: it counts what the ledger has.
"""

from collections.abc import Sequence

from lineage_store.counted import counted
from lineage_store.questions import Part
from unweave.graphs.in_words import (
    DATA,
    DELETION,
    LEARNT,
    MODELS,
    SHARDS,
    TRAINING,
    Box,
    Column,
    draw,
)
from unweave.web.lineage.levels import Lineage

NAMED = 4  # that a box names


def picture_of(lineage: Lineage, parts: Sequence[Part]) -> bytes:
    """Return the picture as SVG; `parts` are all of them, or the first where there are many."""
    return draw(_column(lineage, parts), title=f"{lineage.model.model}: how it came about")


def _column(lineage: Lineage, parts: Sequence[Part]) -> Column:
    boxes: list[Box] = []
    before = [one.model for one in lineage.line if one.model in _before(lineage)]
    if before:
        boxes.append(Box(MODELS, True, f"Earlier models: {_named(before)}", "erased by deletions"))
    if lineage.deletions:
        boxes.append(Box(DELETION, False, f"Deletions: {_named(lineage.deletions)}", ""))
    if lineage.base is not None:
        boxes.append(Box(MODELS, False, f"Base: {lineage.base}", "the weights it started from"))
    boxes += _learning(lineage, parts)
    state = "in use" if lineage.model.live else "ended: erased but for its record"
    boxes.append(Box(MODELS, not lineage.model.live, f"Model: {lineage.model.model}", state))
    if lineage.started:
        after = f"Started from it: {_named(lineage.started)}"
        boxes.append(Box(MODELS, False, after, "models that learnt on"))
    return Column(tuple(boxes), tuple((n, n + 1) for n in range(len(boxes) - 1)))


def _learning(lineage: Lineage, parts: Sequence[Part]) -> list[Box]:
    if not parts:
        return []
    units = [unit for part in parts for unit in part.units]
    cells = [cell for part in parts for cell in part.cells or ()]
    kept = sum(unit.kept for unit in units)
    told = counted(lineage.model.rows, "row")
    told += f" in {counted(len(cells), 'cell')}" if cells else ""
    return [
        Box(DATA, False, "The data", told),
        Box(SHARDS, False, "Shards", counted(lineage.count, "part")),
        Box(TRAINING, False, "Training", counted(len(units), "unit")),
        Box(LEARNT, False, "Learnt on the way", f"{counted(kept, 'state')} kept"),
    ]


def _before(lineage: Lineage) -> frozenset[str]:
    names = [one.model for one in lineage.line]
    return frozenset(names[: names.index(lineage.model.model)])


def _named(names: Sequence[str]) -> str:
    if len(names) <= NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:2])} to {names[-1]}, {len(names)} in all"
