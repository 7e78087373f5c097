"""Checkpoints within a stage, so that a deletion need not go back to the slice's boundary.

A stage meets every one of its rows in its first epoch, so only in that epoch can a checkpoint be
older than a row of its own slice, and only there are checkpoints kept: one after every so many
batches, given as a number or by what all of them may weigh on disk. Where updates are to be
regenerated (`regenerate`) they are kept in all epochs.
"""

import re
from collections.abc import Iterable

from lineage_store.ledger import TrainOptions
from lineage_store.placement import Stage

REGENERATE = "regenerate"  # the policy of `record` under which updates are computed again
REGENERATED_FROM = 100


def steps_with_checkpoints(stage: Stage, options: TrainOptions) -> int:
    """Return how many of a stage's planned steps, from the first on, may have checkpoints."""
    return stage.steps if options.record == REGENERATE else stage.batches


def interval(options: TrainOptions, stages: Iterable[Stage], *, state_bytes: int) -> int:
    """Return after how many batches a checkpoint is kept; 0 is never.

    `stages` are all stages of all shards; `state_bytes` is the size of one checkpoint. A budget is
    kept by the model's checkpoints within stages; those at the ends of stages are always there.
    """
    if options.checkpoint_every is not None:
        return options.checkpoint_every
    if options.checkpoint_budget is None:
        return REGENERATED_FROM if options.record == REGENERATE else 0
    counts = [steps_with_checkpoints(stage, options) for stage in stages]
    affordable = options.checkpoint_budget // max(state_bytes, 1)
    if not affordable:
        return 0
    # The least number that fits, found by halving: the larger it is, the fewer are kept.
    low, high = 1, max(counts, default=1)
    while low < high:
        middle = (low + high) // 2
        if sum(kept_in(count, middle) for count in counts) <= affordable:
            high = middle
        else:
            low = middle + 1
    return low


def kept_in(of: int, every: int) -> int:
    """Count the checkpoints after the first `of` steps of a stage: none after the last of these."""
    return max(of - 1, 0) // every


def is_kept(step: int, *, of: int, every: int) -> bool:
    """Say whether a checkpoint is kept after a step of a stage, counted from 0."""
    return bool(every) and (step + 1) % every == 0 and step + 1 < of


def adapts(text: str) -> bool:
    """Say whether a module might adapt a shard's start to its first rows: whether it says "adapt".

    If it does, no state of the stage that meets those rows is free of them.
    """
    return re.search(r"\badapt(_to_labels)?\b", text) is not None
