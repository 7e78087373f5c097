"""What a storage budget affords for later approximate deletions: `record` all with `record_budget`.

The most exact codec is taken by which the updates of all steps fit whatever they hold; a bound of
each codec's bytes a parameter says so, although updates are smaller as a rule. If none fits,
nothing is recorded but checkpoints from which updates are computed again, as often as the budget
affords, by the arithmetic of `checkpoint_budget`. The choice stands in the ledger's header, so a
deletion keeps it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lineage_store.ledger import BLOCK, LOSSLESS, SUMMABLE, TrainOptions
from lineage_store.placement import Stage
from lineage_store.tensors import Array
from unlearning.training.step_checkpoints import REGENERATE, interval

# At most, without compression; in order of exactness, as in `SUMMABLE`.
BYTES_A_PARAMETER = {"float32": 4.0, "bfloat16": 2.0, "int8": 1.0 + 4.0 / BLOCK}
HEAD, HEAD_A_TENSOR = 1024, 256  # names, shapes, frame and the archive's entry


def affordable(
    options: TrainOptions,
    stages: Iterable[Stage],
    *,
    trainable: Mapping[str, Array],
    state: Mapping[str, Array],
) -> TrainOptions:
    """Return options with codec and policy as their budget affords; else as they are.

    `stages` are all stages of all shards; `trainable` are the weights that an update changes, and
    `state` is what a checkpoint holds.
    """
    if options.record_budget is None or options.record != "all":
        return options
    planned = list(stages)
    steps = sum(stage.steps for stage in planned)
    for codec in SUMMABLE:
        if steps * most_bytes(codec, trainable) <= options.record_budget:
            return replace(options, update_codec=codec)
    chosen = replace(
        options,
        record=REGENERATE,
        update_codec=LOSSLESS,
        checkpoint_budget=options.record_budget,
    )
    every = interval(chosen, planned, state_bytes=checkpoint_bytes(state))
    return replace(chosen, checkpoint_budget=None, checkpoint_every=every)


def most_bytes(codec: str, trainable: Mapping[str, Array]) -> int:
    """Return what the update of one step takes at most, in bytes."""
    parameters = sum(array.size for array in trainable.values())
    parts = -(-parameters // BLOCK) * BLOCK  # the last block is as long as the others
    return round(parts * BYTES_A_PARAMETER[codec]) + HEAD + HEAD_A_TENSOR * len(trainable)


def checkpoint_bytes(state: Mapping[str, Array]) -> int:
    """Return what the file of a checkpoint takes at most, in bytes."""
    return sum(array.nbytes for array in state.values()) + HEAD + HEAD_A_TENSOR * len(state)
