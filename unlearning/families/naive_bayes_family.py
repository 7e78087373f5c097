"""Naive Bayes: one part's sums are its whole state, and its trail (`naive_bayes`).

One shard is best: a row is taken out of the sums exactly, whatever else there is, so nothing is
gained by cutting the data, and no accuracy lost. There are no stages, steps, draws or modules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.claim import BITS, Claim
from lineage_store.data import Schema, Task
from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger, TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore, pieces
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.encoding.key_encoding import KEYS, KeyEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.encoding.value_keys import class_key
from unlearning.families.family import (
    Description,
    Learner,
    ModelSource,
    PartRun,
    SumsRun,
    Trail,
    Unfit,
    not_one_label,
)
from unlearning.families.naive_bayes import (
    Sums,
    added,
    difference,
    nothing,
    probabilities,
    subtracted,
    sums_of,
)
from unlearning.families.naive_bayes_serving import export_sums
from unlearning.families.sums_unit import NO_SOURCE, in_one, keep_sums, serves_alike, unfit_for_sums
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment_of

SUMMED_AT_ONCE = 100_000
PACKAGES = ("numpy", "pyfarmhash", "safetensors")
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.key_encoding.KeyEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.families.naive_bayes_family.summed",
    "unlearning.families.naive_bayes.subtracted",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {"model_family", "aggregate"}


def summed(rows: RowSet) -> State:
    """Return the whole state of a part: the sums of its rows, read piece by piece."""
    total = nothing()
    for piece in pieces(rows, SUMMED_AT_ONCE):
        total = added(total, sums_of(piece[KEYS], piece.labels))
    return _as_state(total)


def _as_state(sums: Sums) -> State:
    return {f"{WEIGHTS}{name}": array for name, array in sums.to_state().items()}


def _as_sums(state: Mapping[str, Array]) -> Sums:
    return Sums.from_state({name.removeprefix(WEIGHTS): one for name, one in state.items()})


@dataclass(frozen=True)
class NaiveBayesLearner:
    """Naive Bayes for the columns and classes of one table."""

    schema: Schema

    @property
    def task(self) -> Task:
        """What the label makes it."""
        return self.schema.label.task

    @property
    def units(self) -> int:
        """The units of an answer: classes."""
        return len(self.schema.label.classes)

    @property
    def _classes(self) -> list[int]:
        return [class_key(name) for name in self.schema.label.classes]

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the probabilities (n, classes) by the sums of a part."""
        return probabilities(_as_sums(state), rows[KEYS], classes=self._classes)

    def targets(self, rows: Rows) -> Array:
        """Return the numbers of the classes of rows."""
        number = {key: place for place, key in enumerate(self._classes)}
        return np.array([number[int(key)] for key in rows.labels], dtype=np.int64)

    def describe(self) -> Description:
        """Return columns, task and classes; nothing is optimized."""
        label = self.schema.label
        spec = {
            "numbers": list(self.schema.names("number")),
            "strings": list(self.schema.names("text")),
            "task": label.task,
            "classes": list(label.classes),
        }
        return Description(spec, {}, ())

    def prepare(self, options: TrainOptions) -> None:
        """Do nothing: sums need nothing made ready."""

    def probed(self, store: RowStore, options: TrainOptions) -> TrainOptions:
        """Return the options as they are: sums of integers can only be repeated."""
        return options

    def interval(self, store: RowStore, options: TrainOptions) -> int:
        """Return 0: there is nothing to go back to, and no need of it."""
        return 0

    def must_start_from(self, base: Ledger) -> None:
        """Refuse nothing: no run of this family has a base (`NaiveBayes.unfit`)."""

    def learn(self, run: PartRun, store: RowStore, part: int, into: ShardLedger) -> None:
        """Sum the rows of a part; one without rows gets no state at all."""
        rows = store.stage_rows(part, len(store.counts[part]) - 1)
        self.keep(run, part, rows=rows, state=summed(rows), into=into)

    def run(self, run: PartRun) -> SumsRun:
        """Return the run that strategies of sums are given."""
        return SumsRun(self, run)

    def representations(self, state: State, rows: Rows) -> Array:
        """Refuse: there is nothing between a row and its answer."""
        raise BadInput(
            "Naive Bayes makes nothing of a row before it answers, which the spectral method looks "
            "at: use `method` loss."
        )

    def relearnt(self, rows: RowSet) -> State | None:
        """Return the sums of rows."""
        return summed(rows)

    def less(self, state: State, gone: RowSet) -> State:
        """Return a part's sums without those of rows that were among them."""
        return _as_state(subtracted(_as_sums(state), _as_sums(summed(gone))))

    def keep(
        self, run: PartRun, part: int, *, rows: RowSet, state: State, into: ShardLedger
    ) -> None:
        """Write the one unit of a part: its sums."""
        keep_sums(run, part, rows=rows, state=state, into=into)

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel: the shipped graph, and one file of all sums."""
        export_sums(
            [_as_sums(state) for state in states],
            folder,
            schema=self.schema,
            rule=rule,
        )

    def serves(self, folder: Path, states: Sequence[State], *, rule: str) -> bool:
        """Say whether a folder holds the files that these sums are served by."""
        return serves_alike(folder, lambda made: self.export(states, made, rule=rule))


class NaiveBayes:
    """The family `naive-bayes`."""

    name = "naive-bayes"
    tasks: tuple[Task, ...] = ("classification",)
    trail: Trail = "sums"
    claim: Claim = BITS

    def completed(self, options: TrainOptions) -> TrainOptions:
        """Return options with one shard and one slice where nothing else was asked for."""
        return in_one(options)

    def unfit(
        self,
        schema: Schema | None,
        options: TrainOptions,
        *,
        module: bool = False,
        base: bool = False,
    ) -> Sequence[Unfit]:
        """Return all reasons why it cannot learn so."""
        found = unfit_for_sums("Naive Bayes", options, taken=TAKEN, module=module, base=base)
        if options.aggregate not in ("mean", "vote"):
            why = f"`aggregate` {options.aggregate} is for numbers, and naive Bayes tells classes"
            found.append(Unfit("change this", f"{why}: choose mean or vote."))
        if schema is None:
            return found
        found += not_one_label(schema, family=self.name)
        found += [
            Unfit(
                "never",
                f"Naive Bayes tells classes, and the label column {label.name!r} holds numbers: "
                f"take another family, or a label of classes.",
            )
            for label in schema.labels
            if label.task not in self.tasks
        ]
        return found

    def source(self, module: Path | None) -> ModelSource:
        """Return that there is none."""
        return NO_SOURCE

    def must_be_followed(self, source: ModelSource) -> None:
        """Do nothing: there is no module that could import anything."""

    def code(self) -> str:
        """Return the digest of the code that encodes rows and sums them."""
        return code_digest(ROOTS)

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return the versions of what counts and hashes; no processor changes an integer."""
        return environment_of(PACKAGES)

    def pin(self) -> None:
        """Do nothing: integers are summed alike everywhere."""

    def encoding(self, schema: Schema) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return KeyEncoding(schema)

    def steps(self, counts: Sequence[int], partition: Partition) -> int:
        """Return 0: nothing is trained step by step."""
        return 0

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the columns and classes of a store."""
        return NaiveBayesLearner(store.schema)

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return the Euclidean distance of all counts."""
        return difference(_as_sums(one), _as_sums(other))
