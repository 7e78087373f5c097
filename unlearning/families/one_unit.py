"""What families have in common whose parts are one unit, made of the rows at once, by no steps.

Their learners have nothing to make ready, to try out or to go back to, their families no module, no
stage and no draw. What differs is how rows become a state, and what it answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lineage_store.claim import BITS, Claim
from lineage_store.data import Schema, Task, Weighing
from lineage_store.errors import BadInput
from lineage_store.ledger import Kind, Ledger, ShardLedger, TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import Array, State
from unlearning.families.family import Description, ModelSource, PartRun, SumsRun, Trail
from unlearning.families.sums_unit import NO_SOURCE, in_one, keep_unit, serves_alike


@dataclass(frozen=True)
class MadeAtOnce(ABC):
    """A learner, for the columns and the label of one table, of parts made of their rows at once.

    Their unit is recorded under its `kind`.
    """

    kind: ClassVar[Kind]
    schema: Schema

    @property
    def task(self) -> Task | None:
        """What the label makes it; None of one that learns without."""
        return self.schema.label.task

    @property
    @abstractmethod
    def units(self) -> int:
        """The units of an answer: classes, or one."""

    @abstractmethod
    def predict(self, state: State, rows: Rows) -> Array:
        """Return the answers (n, units) of a part."""

    @abstractmethod
    def targets(self, rows: Rows) -> Array:
        """Return the right answers (n,), numbers of classes or values."""

    @abstractmethod
    def relearnt(self, rows: RowSet) -> State:
        """Return the whole state of a part of these rows; none of no rows."""

    @abstractmethod
    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel of the parts that have rows."""

    def describe(self) -> Description:
        """Return columns, task and classes; nothing is optimized step by step."""
        label = self.schema.label
        spec = {
            "numbers": list(self.schema.names("number")),
            "strings": list(self.schema.names("text")),
            "task": label.task,
            "classes": list(label.classes),
        }
        return Description(spec, {}, ())

    def prepare(self, options: TrainOptions) -> None:
        """Do nothing: nothing is made ready."""
        return

    def probed(self, store: RowStore, options: TrainOptions) -> TrainOptions:
        """Return the options as they are: what is made of integers can only be repeated."""
        return options

    def interval(self, store: RowStore, options: TrainOptions) -> int:
        """Return 0: there is nothing to go back to, and no need of it."""
        return 0

    def must_start_from(self, base: Ledger) -> None:
        """Refuse nothing: no run of such a family has a base (`unfit_for_sums`)."""
        return

    def learn(self, run: PartRun, store: RowStore, part: int, into: ShardLedger) -> None:
        """Learn the rows of a part at once; one without rows gets no state at all."""
        rows = store.stage_rows(part, len(store.counts[part]) - 1)
        self.keep(run, part, rows=rows, state=self.relearnt(rows), into=into)

    def representations(self, state: State, rows: Rows) -> Array:
        """Refuse: there is nothing between a row and its answer."""
        raise BadInput(
            "This family makes nothing of a row before it answers, which the spectral method looks "
            "at: use `method` loss."
        )

    def keep(
        self, run: PartRun, part: int, *, rows: RowSet, state: State, into: ShardLedger
    ) -> None:
        """Write the one unit of a part."""
        keep_unit(run, part, rows=rows, state=state, into=into, kind=self.kind)

    def serves(self, folder: Path, states: Sequence[State], *, rule: str) -> bool:
        """Say whether a folder holds the files that these states are served by."""
        return serves_alike(folder, lambda made: self.export(states, made, rule=rule))


@dataclass(frozen=True)
class OneUnit(MadeAtOnce):
    """A learner, for the columns and the label of one table, of parts that are sums."""

    kind: ClassVar[Kind] = "sums"

    @abstractmethod
    def less(self, state: State, gone: RowSet, *, left: RowSet) -> State | None:
        """Return a part's state without rows; None if those that they leave must be read again."""

    def run(self, run: PartRun) -> SumsRun:
        """Return the run that strategies of sums are given."""
        return SumsRun(self, run)


class SumsFamily:
    """What a family of such learners answers whatever it learns."""

    trail: Trail = "sums"
    claim: Claim = BITS
    weighing: Weighing = "none"

    def completed(self, options: TrainOptions) -> TrainOptions:
        """Return options with one shard and one slice where nothing else was asked for."""
        return in_one(options)

    def source(self, module: Path | None) -> ModelSource:
        """Return that there is none."""
        return NO_SOURCE

    def must_be_followed(self, source: ModelSource) -> None:
        """Do nothing: there is no module that could import anything."""

    def pin(self) -> None:
        """Do nothing: integers are summed alike everywhere."""

    def steps(self, counts: Sequence[int], partition: Partition) -> int:
        """Return 0: nothing is trained step by step."""
        return 0
