"""Keras models: trained in stages of recorded steps, with checkpoints to go back to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage_store.claim import BITS, Claim
from lineage_store.data import Schema, Task, Weighing
from lineage_store.errors import BadInput
from lineage_store.ledger import SHARDS, SLICES, TrainOptions
from lineage_store.placement import Partition, schedule
from lineage_store.rows import RowStore
from lineage_store.tensors import State, distance
from unlearning.encoding.keras_encoding import KerasEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.families.family import Learner, ModelSource, Trail, Unfit, not_one_label
from unlearning.families.keras_parts import KerasParts
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fingerprint.environment import environment
from unlearning.fingerprint.module_imports import must_be_followed
from unlearning.keras_learning import class_weights
from unlearning.keras_learning.make import make_learner, reads_texts
from unlearning.keras_models.module_file import (
    BUILT_IN,
    built_in_text,
    load_module,
    module_text,
    spec_of,
)
from unlearning.serving.aggregation import aggregation_for

OF_OTHERS = {
    **dict.fromkeys(("penalty", "scales", "features", "similarity", "neighbours"), "sums"),
    "clusters": "clusterings",
    **dict.fromkeys(("trees", "tree_share", "tree_depth", "candidates", "leaf_rows"), "forests"),
}


def _of_several_labels(options: TrainOptions, *, module: bool) -> Iterator[Unfit]:
    """Yield why several labels do not fit; whether a module's outputs do is tried."""
    if not module:
        why = "The built-in model tells one label: give a `module` with an output for each"
        yield Unfit("not yet", f"{why}, or train a model for each.")
    if options.class_weights != class_weights.ALIKE:
        why = "`class_weights` are for one label, as in Keras itself"
        yield Unfit("change this", f"{why}: leave them out, and give the rows weights.")


class KerasFamily:
    """The family `keras`."""

    name = "keras"
    tasks: tuple[Task, ...] = ("classification", "regression")
    trail: Trail = "steps"
    claim: Claim = BITS
    weighing: Weighing = "any"

    def completed(self, options: TrainOptions) -> TrainOptions:
        """Return options with the shards and slices of the table, unless any are given.

        Rows under risk rules need slices of their own, so there the table says nothing.
        """
        if options.shards is None and options.slices is None and options.partition.bands == 1:
            return replace(options, by_table=True)
        return replace(
            options,
            shards=SHARDS if options.shards is None else options.shards,
            slices=SLICES if options.slices is None else options.slices,
        )

    def unfit(
        self,
        schema: Schema | None,
        options: TrainOptions,
        *,
        module: bool = False,
        base: bool = False,
    ) -> Sequence[Unfit]:
        """Return why columns do not fit, or options the task; what a module does is tried."""
        found = [
            Unfit("never", f"A network has no use for `{name}`, which is of {what}: leave it out.")
            for name, what in OF_OTHERS.items()
            if getattr(options, name) != getattr(TrainOptions(), name)
        ]
        if schema is not None:
            if len(schema.labels) > 1:
                found += _of_several_labels(options, module=module or base)
            one = replace(schema, labels=schema.labels[:1])
            found += not_one_label(one, family=self.name, weighing=self.weighing, arrays=True)
            if schema.arrays and not (module or base):
                named = ", ".join(map(repr, schema.arrays))
                why = f"The built-in model reads no arrays, and {named} holds some"
                found.append(Unfit("not yet", f"{why}: give a `module`, or leave it out."))
        for label in () if schema is None else schema.labels:
            for fits, name in (
                (aggregation_for, options.aggregate),
                (class_weights.must_fit, options.class_weights),
            ):
                try:
                    fits(name, task=label.task)
                except BadInput as error:
                    found.append(Unfit("change this", str(error)))
        return list(dict.fromkeys(found))

    def source(self, module: Path | None) -> ModelSource:
        """Return a module's source, or the built-in one's; its name is never a path."""
        if module is None:  # the built-in one would import Keras, and needs no check
            return ModelSource(BUILT_IN, built_in_text())
        text = module_text(module)
        pin_tensorflow()
        load_module(text, name=module.name)
        return ModelSource("user module", text)

    def must_be_followed(self, source: ModelSource) -> None:
        """Raise NotReproducible for a module that imports what cannot be fingerprinted."""
        must_be_followed(source.text, module=source.name)

    def code(self) -> str:
        """Return the digest of the code that trains."""
        return code_digest()

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return versions and settings, and what a module imports."""
        return environment(text)

    def pin(self) -> None:
        """Set TensorFlow to one thread and deterministic kernels."""
        pin_tensorflow()

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how a model reads the rows of a table: as they are, texts only if it says so.

        Raises BadInput for a module whose model does not fit the table.
        """
        texts = reads_texts(source.text, name=source.name, spec=spec_of(schema))
        return KerasEncoding(schema, texts=texts)

    def steps(self, counts: Sequence[int], partition: Partition) -> int:
        """Return the steps of all stages of a shard."""
        return sum(stage.steps for stage in schedule(counts, partition))

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Build the model of a module's source."""
        return KerasParts(
            make_learner(
                source.text,
                name=source.name,
                store=store,
                seed=options.seed,
                device=options.device,
            )
        )

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return the Euclidean distance in the trainable weights; None if shapes differ."""
        if one.keys() != other.keys() or any(one[n].shape != other[n].shape for n in one):
            return None
        return distance(one, other, names=names if one else ())
