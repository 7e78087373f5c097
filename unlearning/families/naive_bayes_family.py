"""Naive Bayes: one part's sums are its whole state, and its trail (`naive_bayes`).

One shard is best: a row is taken out of the sums exactly, whatever else there is, so nothing is
gained by cutting the data, and no accuracy lost. There are no stages, steps, draws or modules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Schema, Task, Weighing
from lineage_store.ledger import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore, pieces
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.bayes.naive_bayes import (
    Sums,
    added,
    difference,
    nothing,
    probabilities,
    subtracted,
    sums_of,
)
from unlearning.bayes.naive_bayes_serving import export_sums
from unlearning.encoding.key_encoding import KEYS, KeyEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.encoding.value_keys import class_key
from unlearning.families.family import (
    Learner,
    ModelSource,
    Unfit,
    not_one_label,
)
from unlearning.families.one_unit import OneUnit, SumsFamily
from unlearning.families.sums_unit import unfit_for_sums
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
    "unlearning.bayes.naive_bayes.subtracted",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {"model_family", "aggregate"}


def summed(rows: RowSet) -> State:
    """Return the whole state of a part: the sums of its rows, read piece by piece.

    There is none without rows. Rows that all have weight 0 are summed to nothing, which is a state.
    """
    total = nothing()
    for piece in pieces(rows, SUMMED_AT_ONCE):
        total = added(total, sums_of(piece[KEYS], piece.labels, piece.weights))
    return _as_state(total) if len(rows) else {}


def _as_state(sums: Sums) -> State:
    return {f"{WEIGHTS}{name}": array for name, array in sums.arrays().items()}


def _as_sums(state: Mapping[str, Array]) -> Sums:
    return Sums.from_state({name.removeprefix(WEIGHTS): one for name, one in state.items()})


@dataclass(frozen=True)
class NaiveBayesLearner(OneUnit):
    """Naive Bayes for the columns and classes of one table."""

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

    def relearnt(self, rows: RowSet) -> State:
        """Return the sums of rows."""
        return summed(rows)

    def less(self, state: State, gone: RowSet, *, left: RowSet) -> State:
        """Return a part's sums without those of rows that were among them."""
        return _as_state(subtracted(_as_sums(state), _as_sums(summed(gone))))

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel: the shipped graph, and one file of all sums."""
        export_sums(
            [_as_sums(state) if state else None for state in states],
            folder,
            schema=self.schema,
            rule=rule,
        )


class NaiveBayes(SumsFamily):
    """The family `naive-bayes`."""

    name = "naive-bayes"
    tasks: tuple[Task, ...] = ("classification",)
    weighing: Weighing = "whole"

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
        found += not_one_label(schema, family=self.name, weighing=self.weighing)
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

    def code(self) -> str:
        """Return the digest of the code that encodes rows and sums them."""
        return code_digest(ROOTS)

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return the versions of what counts and hashes; no processor changes an integer."""
        return environment_of(PACKAGES)

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return KeyEncoding(schema)

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the columns and classes of a store."""
        return NaiveBayesLearner(store.schema)

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return the Euclidean distance of all counts."""
        return difference(_as_sums(one), _as_sums(other))
