"""The parts of a live model: what each learnt from, unit by unit, and which cells its rows lie in.

Read from the ledger and from what the data's snapshot knows of its cells: numbers alone, and a part
at a time, however many there are.
"""

from dataclasses import dataclass
from pathlib import Path

from lineage_store.cells.kept import CELLS_FILE, load_cells
from lineage_store.errors import NothingFound
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import open_ledger
from lineage_store.workspace.folder import Workspace


@dataclass(frozen=True)
class PartUnit:
    """One thing in a part that rows have a share in, and the model for which it was learnt.

    `kept` says that the state after it is there, to forget from.
    """

    number: int
    kind: str
    rows: int
    steps: int
    learnt_for: str
    kept: bool


@dataclass(frozen=True)
class DataCell:
    """Rows of one split, slice and bucket of a part."""

    split: str
    slice: int
    bucket: int
    rows: int


@dataclass(frozen=True)
class Part:
    """One part of a model: its rows, its units, and its cells, None where they are not told."""

    number: int
    rows: int
    units: tuple[PartUnit, ...]
    cells: tuple[DataCell, ...] | None

    @property
    def learnt_for(self) -> tuple[str, ...]:
        """The models for which its units were learnt, each once."""
        return tuple(dict.fromkeys(unit.learnt_for for unit in self.units))


def parts_of(
    workspace: Workspace, model: ModelRecord, *, first: int, size: int
) -> tuple[Part, ...]:
    """Return so many parts of a model from a number on; none of a model that has ended."""
    if model.state != "live":
        return ()
    ledger = open_ledger(workspace.absolute(model.paths["ledger"]))
    cells = _cells(workspace.absolute(model.paths["data"]))
    found = []
    for number in range(first, min(first + size, ledger.partition.shards)):
        shard = ledger.shard(number)
        stages = shard.stages()
        units = tuple(
            PartUnit(
                one.stage, one.kind, one.rows, one.steps, one.model, shard.has_checkpoint(one.stage)
            )
            for one in stages
        )
        ours = None if cells is None else cells.get(number, ())
        found.append(Part(number, stages[-1].rows if stages else 0, units, ours))
    return tuple(found)


def part_of(workspace: Workspace, model: ModelRecord, number: int) -> Part:
    """Return one part; raises NothingFound for one that there is not, or not any more."""
    found = parts_of(workspace, model, first=number, size=1)
    if not found:
        raise NothingFound(f"{model.id} has no part {number}, or has ended.")
    return found[0]


def count_of_parts(workspace: Workspace, model: ModelRecord) -> int:
    """Return how many parts a model has; 0 of one that has ended."""
    if model.state != "live":
        return 0
    return open_ledger(workspace.absolute(model.paths["ledger"])).partition.shards


def _cells(folder: Path) -> dict[int, tuple[DataCell, ...]] | None:
    """Return the cells of each part; None of data of before there were cells."""
    if not (folder / CELLS_FILE).exists():
        return None
    found: dict[int, tuple[DataCell, ...]] = {}
    for one in load_cells(folder):
        at = one.id
        cell = DataCell(at.split, at.slice, at.bucket, one.rows)
        found[at.shard] = (*found.get(at.shard, ()), cell)
    return found
