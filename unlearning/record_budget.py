"""What a storage budget affords for later approximate deletions: `--record all --record-budget`.

The most exact codec is taken by which the updates of all steps fit whatever they hold; a bound of
each codec's bytes a parameter says so, although updates are smaller as a rule. If none fits,
nothing is recorded but checkpoints from which updates are computed again, as often as the budget
affords, by the arithmetic of `--checkpoint-budget`. The choice stands in the ledger's header, so a
deletion keeps it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lineage_store.placement import Stage
from lineage_store.tensors import Array
from lineage_store.update_codecs import BLOCK, LOSSLESS, SUMMABLE
from unlearning.step_checkpoints import REGENERATE, interval
from unlearning.train_config import TrainConfig

# At most, without compression; in order of exactness, as in `SUMMABLE`.
BYTES_A_PARAMETER = {"float32": 4.0, "bfloat16": 2.0, "int8": 1.0 + 4.0 / BLOCK}
HEAD, HEAD_A_TENSOR = 1024, 256  # names, shapes, frame and the archive's entry


def affordable(
    config: TrainConfig,
    stages: Iterable[Stage],
    *,
    trainable: Mapping[str, Array],
    state: Mapping[str, Array],
) -> TrainConfig:
    """Return a configuration with codec and policy as its budget affords; else as it is.

    `stages` are all stages of all shards; `trainable` are the weights that an update changes, and
    `state` is what a checkpoint holds.
    """
    if config.record_budget is None or config.record != "all":
        return config
    planned = list(stages)
    steps = sum(stage.steps for stage in planned)
    for codec in SUMMABLE:
        if steps * most_bytes(codec, trainable) <= config.record_budget:
            return replace(config, update_codec=codec)
    chosen = replace(
        config,
        record=REGENERATE,
        update_codec=LOSSLESS,
        checkpoint_budget=config.record_budget,
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
