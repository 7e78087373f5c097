"""A family: a kind of model that is learnt part by part, and leaves a trail to take rows out by.

Shards stand above all families. A shard is trained as a *part*: a pure function of its rows, the
configuration, the seed and the part's number. Whatever the engine asks of a kind of model, it asks
through these Protocols, and no other code names a family; a new one is a file and a line in
`known_families`. A family says what it can learn, opens a learner for the rows of one table, and
the learner learns parts into a ledger, answers and serves.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.claim import Claim
from lineage_store.data import Column, Schema, Task, Weighing
from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger, TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import Array, State
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.serving.evaluate import Predictor

Trail = Literal["steps", "sums", "structure", "optimum", "draws", "whole"]
When = Literal["never", "not yet", "change this"]
Progress = Callable[[int], None]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Unfit:
    """One reason why a family cannot serve here; `why` is a sentence with what to do instead."""

    when: When
    why: str


@dataclass(frozen=True)
class ModelSource:
    """The source of a model: the name under which it is recorded, and its text."""

    name: str
    text: str


@dataclass(frozen=True)
class Description:
    """What a ledger's header says of a learner, in the family's own terms."""

    spec: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    trainable: tuple[str, ...]


def nothing_given(part: int) -> State:
    """Give no state to start from."""
    return {}


@dataclass(frozen=True, kw_only=True)
class PartRun:
    """What learning a part needs besides its rows: by which options, for which model.

    `given` returns the weights that a part starts from; none for one that starts afresh.
    `interval` is what `Learner.interval` said, for all parts together.
    """

    options: TrainOptions
    model: str
    clock: Clock = time.perf_counter
    progress: Progress = lambda steps: None
    given: Callable[[int], State] = nothing_given
    interval: int = 0


class Learner(Predictor, Protocol):
    """A family's model for the rows of one table; what it needs to learn is loaded by now."""

    def describe(self) -> Description:
        """Return what the header of a ledger says of it."""

    def prepare(self, options: TrainOptions) -> None:
        """Make ready what learning takes, once for all parts."""

    def probed(self, store: RowStore, options: TrainOptions) -> TrainOptions:
        """Try out whether a run can be repeated, and return its options as it can afford them.

        Raises NotReproducible before anything is written.
        """

    def interval(self, store: RowStore, options: TrainOptions) -> int:
        """Return how often parts leave something to go back to; 0 is never."""

    def must_start_from(self, base: Ledger) -> None:
        """Raise BadInput if it cannot take the states of a base."""

    def learn(self, run: PartRun, store: RowStore, part: int, into: ShardLedger) -> None:
        """Learn a part from nothing, or from what it is given, and write its units."""

    def run(self, run: PartRun) -> Any:
        """Return a run as the strategies of the family are given it."""

    def representations(self, state: State, rows: Rows) -> Array:
        """Return what a part makes of rows before it answers (n, width), for who looks for poison.

        Raises BadInput, with what to do instead, if it makes nothing of them.
        """

    def relearnt(self, rows: RowSet) -> State | None:
        """Return the whole state of a part of these rows; None if steps are sampled instead."""

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel of the parts that have rows; raises BadInput if none has."""

    def serves(self, folder: Path, states: Sequence[State], *, rule: str) -> bool:
        """Say whether a SavedModel holds these states and no others."""


class UnitLearner(Learner, Protocol):
    """A learner whose parts are one unit, made of their rows at once."""

    def keep(
        self, run: PartRun, part: int, *, rows: RowSet, state: State, into: ShardLedger
    ) -> None:
        """Write a part's unit: its state, and which rows it is of."""


class SumsLearner(UnitLearner, Protocol):
    """A learner whose parts are sums over their rows, from which rows are subtracted."""

    def less(self, state: State, gone: RowSet, *, left: RowSet) -> State | None:
        """Return a part's state without rows, which leave others; None if all must be read again.

        `left` are those that remain, for who sums what several rows have to do with each other.
        Raises CheckFailed if they are not in it.
        """


class TreesLearner(UnitLearner, Protocol):
    """A learner whose parts are a structure of their rows, which is mended where rows go."""

    def mended(self, state: State, before: RowSet, gone: npt.NDArray[np.int64]) -> State | None:
        """Return a part's state without rows, which leave others; None if it must be learnt again.

        `before` are its rows, and `gone` the places of those that go. Raises CheckFailed if the
        state is not of these rows.
        """


class OptimumLearner(UnitLearner, Protocol):
    """A learner whose parts are an optimum over their rows, to which one converges again."""

    def converged(self, state: State, left: RowSet) -> State:
        """Return what learning rows gives, from the state of a part that had others besides."""


class WholeLearner(Learner, Protocol):
    """A learner whose parts are trained whole, by code of which nothing is known but its result."""

    def made(self, rows: RowSet) -> State:
        """Return the whole state of a part of these rows, made in another process than `relearnt`.

        A part without rows has none.
        """

    def keep_made(
        self, run: PartRun, part: int, *, rows: RowSet, state: State, into: ShardLedger,
        seconds: float,
    ) -> None:  # fmt: skip
        """Write a part's unit, which so many seconds made: its state, and which rows it is of."""


@dataclass(frozen=True)
class SumsRun:
    """What strategies of sums are given: who learns, and the run."""

    learner: SumsLearner
    part_run: PartRun


@dataclass(frozen=True)
class TreesRun:
    """What strategies of trees are given: who learns, and the run."""

    learner: TreesLearner
    part_run: PartRun


@dataclass(frozen=True)
class OptimumRun:
    """What strategies of an optimum are given: who learns, and the run."""

    learner: OptimumLearner
    part_run: PartRun


@dataclass(frozen=True)
class WholeRun:
    """What strategies of whole parts are given: who learns, and the run."""

    learner: WholeLearner
    part_run: PartRun


class Family(Protocol):
    """A kind of model."""

    @property
    def name(self) -> str:
        """The name on the command line, in ledgers and in JSON (`model_family`)."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that it can learn; none of one that learns without a label."""

    @property
    def trail(self) -> Trail:
        """What training leaves behind so that rows can be taken out again."""

    @property
    def claim(self) -> Claim:
        """The strongest claim that a removal of its own can keep."""

    @property
    def weighing(self) -> Weighing:
        """Which weights of rows it takes; the gate lets no others through."""

    def completed(self, options: TrainOptions) -> TrainOptions:
        """Return options in which what the user left open is as it is best for the family."""

    def unfit(
        self,
        schema: Schema | None,
        options: TrainOptions,
        *,
        module: bool = False,
        base: bool = False,
    ) -> Sequence[Unfit]:
        """Return all reasons why it cannot learn so; none if it can.

        `schema` is None before the table was read; `module` and `base` say what was given.
        """

    def source(self, module: Path | None) -> ModelSource:
        """Return the source of its models; raises BadInput for a module that does not fit."""

    def must_be_followed(self, source: ModelSource) -> None:
        """Raise NotReproducible for a source that imports what cannot be fingerprinted."""

    def code(self) -> str:
        """Return the digest of the code on which its bits depend."""

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return what its bits depend on besides; `text` is the source."""

    def pin(self) -> None:
        """Make this process compute as every other does; safe to call again."""

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how a model of this source reads the rows of a table."""

    def steps(self, counts: Sequence[int], partition: Partition) -> int:
        """Return the steps of a part with so many rows in each of its slices."""

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the rows of a store, of whatever split, by a run's options."""

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return how far two whole states of a part lie apart; None if that means nothing.

        `names` are those that the header calls trainable.
        """


def not_one_label(
    schema: Schema, *, family: str, weighing: Weighing, arrays: bool = False
) -> list[Unfit]:
    """Return why a family cannot serve that learns one label, from rows with such weights.

    `arrays` says whether it reads columns of arrays.
    """
    found = _of_names(family, items=schema.said.items, labels=schema.labels)
    if schema.arrays and not arrays:
        named = ", ".join(map(repr, schema.arrays))
        why = f"The family {family} reads no arrays, and {named} holds some"
        found.append(Unfit("never", f"{why}: leave it out, or give a `module` of Keras."))
    if len(schema.labels) > 1:
        why = f"The family {family} learns one label, and {len(schema.labels)} columns were named"
        found.append(Unfit("not yet", f"{why}: train a model for each of them."))
    if len(schema.weights) > 1:
        why = f"A row counts for one weight, and {len(schema.weights)} columns were named"
        found.append(Unfit("change this", f"{why}: name one of them."))
    if schema.weights and weighing == "none":
        why = f"The family {family} takes no weights of rows"
        found.append(Unfit("not yet", f"{why}: leave {_named(schema.weights)} out."))
    return found


def must_fit_names(family: Family, *, items: str | None, labels: Sequence[str]) -> None:
    """Raise BadInput if a family that learns to tell a label is given none, or a column of items.

    All of this is known before a row is read.
    """
    if family.tasks:
        must_be_fit(_of_names(family.name, items=items, labels=labels))


def _of_names(family: str, *, items: str | None, labels: Sequence[object]) -> list[Unfit]:
    found = []
    if items is not None:
        why = f"The family {family} reads columns of features, and no items"
        found.append(Unfit("change this", f"{why}: leave `item_column` out."))
    if not labels:
        why = f"The family {family} learns to tell a label, and no column was named as one"
        least = "take a family that needs none (docs/families.md)"
        found.append(Unfit("change this", f"{why}: name it with `label`, or {least}."))
    return found


def _named(columns: Sequence[Column]) -> str:
    return ", ".join(f"the column {column.name!r}" for column in columns)


def must_be_fit(found: Sequence[Unfit]) -> None:
    """Raise BadInput with all reasons, and what each can come to, if there are any."""
    if found:
        raise BadInput(" ".join(f"{one.when.capitalize()}: {one.why}" for one in found))


def planned_steps(family: Family, store: RowStore, partition: Partition) -> int:
    """Count the planned steps of a whole training run; early stopping may take fewer."""
    return sum(family.steps(counts, partition) for counts in store.counts)
