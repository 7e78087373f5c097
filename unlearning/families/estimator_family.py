"""Anybody's estimator: an object with `fit` and `predict` of a library that stores it without code.

A part is one estimator, fitted whole to its rows (`estimators.estimator_module` says how), and the
file that its library makes of it. Nothing is taken out of one: a part that loses rows is fitted
again, to those that remain (SISA with one slice, Bourtoule et al. 2021, section IV). So it is
shards that make deletions cheap here.

What another's code does is not known, so it is tried: in training every part is fitted twice, in
processes whose hashes differ, and refused where its bytes do; in a deletion what is fitted again is
fitted once more by the engine's check.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lineage_store.claim import BITS, Claim
from lineage_store.data import Schema, Task, Weighing
from lineage_store.errors import BadInput, NotReproducible
from lineage_store.ledger import Kind, ShardLedger, TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import Array, State, first_difference
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.encoding.text_and_number_encoding import (
    NUMBERS,
    TEXTS,
    TextAndNumberEncoding,
)
from unlearning.encoding.value_keys import class_key
from unlearning.estimators.estimator_module import (
    EstimatorModule,
    EstimatorSpec,
    frame_of,
    spec_of_columns,
)
from unlearning.estimators.estimator_part import (
    EstimatorPart,
    needs_no_estimator,
    spread_over,
)
from unlearning.estimators.fitting import RowsToFit, built_alike
from unlearning.estimators.fitting_processes import HASHES, OTHER_HASHES, fitted_apart
from unlearning.estimators.known_formats import FORMATS
from unlearning.estimators.model_format import StoredModel
from unlearning.families.family import (
    Learner,
    ModelSource,
    PartRun,
    Trail,
    Unfit,
    WholeRun,
    not_one_label,
)
from unlearning.families.one_unit import MadeAtOnce
from unlearning.families.sums_unit import keep_unit, unfit_for_sums
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment_of_module
from unlearning.fingerprint.module_imports import library_names, must_be_followed
from unlearning.keras_models.module_file import module_text
from unlearning.serving.aggregation import aggregation_for
from unlearning.serving.served_estimator import export_estimators

PACKAGES = ("numpy", "pandas", "pyfarmhash", "safetensors", "scipy")
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.text_and_number_encoding.TextAndNumberEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.estimators.fitting.fitted",
    "unlearning.families.estimator_family.EstimatorLearner",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {"model_family", "aggregate", "by_table"}
ASKED_AT_ONCE = 64


@dataclass(frozen=True)
class EstimatorLearner(MadeAtOnce):
    """A module's estimator, for the columns and the label of one table."""

    kind: ClassVar[Kind] = "fit"
    module: EstimatorModule
    seed: int

    @property
    def units(self) -> int:
        """The units of an answer: classes, or one."""
        return len(self.schema.label.classes) or 1

    @functools.cached_property
    def _classes(self) -> list[int]:
        return [class_key(name) for name in self.schema.label.classes]

    @functools.cached_property
    def _asked(self) -> dict[bytes, StoredModel]:
        return {}

    def spec(self, classes: Sequence[int] | Array) -> EstimatorSpec:
        """Return what an estimator is told of the table, and of the classes of a part."""
        names = zip(self._classes, self.schema.label.classes, strict=True)
        known = tuple(name for key, name in names if key in classes)
        return spec_of_columns(self.schema, seed=self.seed, classes=known)

    def must_fit(self) -> None:
        """Raise BadInput for a module whose estimator cannot be built or stored."""
        built_alike(self.module, self.spec(self._classes))

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the answers (n, units) by the estimator of a part."""
        part = EstimatorPart.from_state(state)
        told: Array | None = None
        if part.suffix:
            spec = self.spec(part.classes)
            frame = frame_of(spec, rows[NUMBERS], _texts(rows, spec))
            asked, features = self._loaded(part), self.module.features(frame, spec)
            told = asked.shares(features) if self._classes else asked.values(features)
        if not self._classes:
            return np.zeros((len(rows), 1)) if told is None else told.reshape(-1, 1)
        return spread_over(told, part, classes=self._classes, rows=len(rows))

    def _loaded(self, part: EstimatorPart) -> StoredModel:
        if part.file not in self._asked:
            while len(self._asked) >= ASKED_AT_ONCE:
                self._asked.pop(next(iter(self._asked)))
            asked = FORMATS.read(part.suffix, part.file, self.schema.label.task)
            self._asked[part.file] = asked
        return self._asked[part.file]

    def targets(self, rows: Rows) -> Array:
        """Return the right answers (n,), numbers of classes or values."""
        if not self._classes:
            return rows.labels
        number = {key: place for place, key in enumerate(self._classes)}
        return np.array([number[int(key)] for key in rows.labels], dtype=np.int64)

    def learn(self, run: PartRun, store: RowStore, part: int, into: ShardLedger) -> None:
        """Fit the estimator of a part twice, in two processes, and keep it.

        Raises NotReproducible where the two differ.
        """
        rows = store.stage_rows(part, len(store.counts[part]) - 1)
        start = run.clock()
        state = self.made(rows)
        seconds = run.clock() - start
        if state and (other := first_difference(state, self.relearnt(rows))):
            raise NotReproducible(
                f"The estimator of part {part}, fitted twice to the same rows in two processes, is "
                f"not the same ({other}), so nothing could be forgotten from it to the bit: give "
                f"it a seed (`spec.seed`), one thread, and nothing that reads clocks or addresses."
            )
        self.keep_made(run, part, rows=rows, state=state, into=into, seconds=seconds)

    def keep_made(
        self, run: PartRun, part: int, *, rows: RowSet, state: State, into: ShardLedger,
        seconds: float,
    ) -> None:  # fmt: skip
        """Write a part's estimator, which so many seconds made."""
        keep_unit(
            run, part, rows=rows, state=state, into=into, kind=self.kind, seconds=seconds
        )  # fmt: skip

    def made(self, rows: RowSet) -> State:
        """Return the whole state of a part of these rows, as it is made first."""
        return self._fitted(rows, hash_seed=HASHES)

    def relearnt(self, rows: RowSet) -> State:
        """Return the same, made in another process whose hashes differ."""
        return self._fitted(rows, hash_seed=OTHER_HASHES)

    def _fitted(self, rows: RowSet, *, hash_seed: int) -> State:
        if not len(rows):
            return {}
        told = rows.take(np.arange(len(rows)))
        if told.weights is not None:
            told = told.take(np.flatnonzero(told.weights))
        there = {int(key) for key in told.labels} if self._classes else set()
        classes = [key for key in self._classes if key in there]
        part = EstimatorPart(len(told), np.array(classes, np.int64))
        if needs_no_estimator(len(told), classes, task=self.schema.label.task):
            return part.to_state()
        spec = self.spec(classes)
        suffix, file = fitted_apart(
            self.module,
            spec,
            _to_fit(told, spec, classes),
            libraries=library_names(self.module.text),
            hash_seed=hash_seed,
        )
        return replace(part, suffix=suffix, file=file).to_state()

    def run(self, run: PartRun) -> WholeRun:
        """Return the run that strategies of whole parts are given."""
        return WholeRun(self, run)

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the files of all parts, and what says how to ask them."""
        parts = [EstimatorPart.from_state(state) for state in states if state]
        export_estimators(parts, folder, schema=self.schema, rule=rule, seed=self.seed)


def _texts(rows: Rows, spec: EstimatorSpec) -> npt.NDArray[Any]:
    """Return the texts of rows (n, M), str."""
    found = np.empty((len(rows), len(spec.strings)), object)
    if spec.strings:
        for place in np.ndindex(*found.shape):
            found[place] = rows[TEXTS][place].decode("utf-8")
    return found


def _to_fit(rows: Rows, spec: EstimatorSpec, classes: Sequence[int]) -> RowsToFit:
    if classes:
        number = {key: place for place, key in enumerate(classes)}
        targets: Array = np.array([number[int(key)] for key in rows.labels], np.int64)
    else:
        targets = rows.labels.astype(np.float64)
    weights = None if rows.weights is None else rows.weights.astype(np.float64)
    return RowsToFit(rows[NUMBERS], _texts(rows, spec), targets, weights)


class EstimatorFamily:
    """The family `estimator`."""

    name = "estimator"
    tasks: tuple[Task, ...] = ("classification", "regression")
    trail: Trail = "whole"
    claim: Claim = BITS
    weighing: Weighing = "any"

    def completed(self, options: TrainOptions) -> TrainOptions:
        """Return options with the shards of the table, unless they are given, and one slice."""
        by_table = options.shards is None and options.slices is None
        slices = 1 if options.slices is None else options.slices
        return replace(options, slices=slices, by_table=by_table and options.partition.bands == 1)

    def unfit(
        self,
        schema: Schema | None,
        options: TrainOptions,
        *,
        module: bool = False,
        base: bool = False,
    ) -> Sequence[Unfit]:
        """Return why it cannot learn so; what a module's estimator does is tried."""
        name = "An estimator"
        found = unfit_for_sums(name, options, taken=TAKEN, module=False, base=base)
        if not module:
            why = f"{name} is built by a `module` with build_estimator(spec), and none was given"
            found.append(Unfit("change this", f"{why}: see docs/families.md."))
        if schema is None:
            return found
        found += not_one_label(schema, family=self.name, weighing=self.weighing)
        if len(schema.labels) == 1:
            try:
                aggregation_for(options.aggregate, task=schema.label.task)
            except BadInput as error:
                found.append(Unfit("change this", str(error)))
        return found

    def source(self, module: Path | None) -> ModelSource:
        """Return a module's source; its name is never a path."""
        if module is None:
            raise BadInput("An estimator is built by a `module`, and none was given.")
        text = module_text(module)
        EstimatorModule(text, module.name).must_load()
        return ModelSource("user module", text)

    def must_be_followed(self, source: ModelSource) -> None:
        """Raise NotReproducible for a module that imports what cannot be fingerprinted."""
        must_be_followed(source.text, module=source.name)

    def code(self) -> str:
        """Return the digest of the code that reads rows and lets estimators be fitted."""
        return code_digest(ROOTS)

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return versions, the processor, and what a module imports."""
        return environment_of_module(PACKAGES, text)

    def pin(self) -> None:
        """Do nothing: processes that fit are started with what they need."""

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return TextAndNumberEncoding(schema)

    def steps(self, counts: Sequence[int], partition: Partition) -> int:
        """Return 0: nothing is trained step by step."""
        return 0

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the columns and the label of a store.

        Raises BadInput for a module whose estimator cannot be built or stored.
        """
        module = EstimatorModule(source.text, source.name)
        learner = EstimatorLearner(store.schema, module, options.seed)
        learner.must_fit()
        return learner

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return 0 for the same bytes; of others nothing is known that would be a distance."""
        same = one.keys() == other.keys() and first_difference(one, other) is None
        return 0.0 if same else None
