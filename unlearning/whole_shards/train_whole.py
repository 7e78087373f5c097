"""Shards are trained whole, or taken over where nothing that went into them has changed.

*Reuse is by content*: of rows, code, parameters, environment and all else that a training is given.
*Reuse is earned by replay* (law 3): before a run takes over anything it trains the smallest of the
shards again, in a process with other hashes, and compares all bytes of the model. A run that takes
over nothing trains its smallest shard twice likewise. So each run trains one shard more than it
needs, and a ledger always says whether code of anybody's came to the same bits twice. What one
shard cannot show of the others is said in what is claimed.

What does not come to the same bits is never taken over: then all shards are trained again.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from lineage_store.canonical import link_or_copy, sync_tree
from lineage_store.errors import CheckFailed, NothingToLearn
from unlearning.whole_shards.shard_trainer import (
    MODEL,
    ShardTrainer,
    WholeShard,
    differing_names,
    state_of,
)
from unlearning.whole_shards.whole_ledger import How, KeptShard, Trial, WholeLedger

HASHES, OTHER_HASHES = 0, 1
AGAIN = "again"


def train_whole_shards(
    trainer: ShardTrainer, *, earlier: Sequence[WholeLedger], into: Path
) -> WholeLedger:
    """Train all shards with rows, or take them over from ledgers of before, the newest first.

    Raises NothingToLearn if no shard has a row, CheckFailed if a training leaves no model.
    """
    shards = trainer.shards()
    filled = [shard for shard in shards if shard.rows]
    if not filled:
        raise NothingToLearn("No shard has a row left: withdraw the model.")
    into.mkdir(parents=True, exist_ok=True)
    kept = _known(filled, earlier)
    trial: Trial = "taken again"
    tried = min(kept, key=lambda number: kept[number][1].rows, default=None)
    differs: list[str] = []
    if tried is not None:
        _, shard = kept[tried]
        differs = _again(trainer, tried, dict(shard.state), into / AGAIN)
        kept = {} if differs else kept
    made = _ledger(trainer, filled, kept, into, before=earlier[0] if earlier else None)
    if tried is None or differs:
        trial = "trained twice"
        least = min(made, key=lambda shard: shard.rows)
        tried = least.number
        differs = _again(trainer, tried, dict(least.state), into / AGAIN)
    ledger = WholeLedger(into, len(shards), tuple(made), trial, tried, tuple(differs))
    sync_tree(into, within=into)
    ledger.write()
    return ledger


def _known(
    shards: Sequence[WholeShard], earlier: Sequence[WholeLedger]
) -> dict[int, tuple[WholeLedger, KeptShard]]:
    """Find shards of before that were made of the same, and whose files are as they were."""
    found: dict[int, tuple[WholeLedger, KeptShard]] = {}
    for ledger in earlier:
        if not ledger.repeatable:
            continue
        for one in ledger.shards:
            same = any(one.is_of(shard) for shard in shards)
            if same and one.number not in found and ledger.is_as_recorded(one):
                found[one.number] = ledger, one
    return found


def _ledger(
    trainer: ShardTrainer,
    shards: Sequence[WholeShard],
    kept: dict[int, tuple[WholeLedger, KeptShard]],
    into: Path,
    *,
    before: WholeLedger | None,
) -> list[KeptShard]:
    made = []
    contents = {} if before is None else {one.number: one.content for one in before.shards}
    for shard in shards:
        place = into / "shards" / f"{shard.number:03d}"
        place.parent.mkdir(exist_ok=True)
        how: How = "trained"
        if shard.number in kept:
            source, one = kept[shard.number]
            shutil.copytree(source.place(one.number), place, copy_function=link_or_copy)
            how = "taken over"
        else:
            _train(trainer, shard.number, HASHES, place)
        changed = differing_names(contents.get(shard.number, shard.content), shard.content)
        told = dict(shard.content)
        made.append(KeptShard(shard.number, shard.rows, told, state_of(place), how, tuple(changed)))
    return made


def _again(trainer: ShardTrainer, shard: int, state: dict[str, str], scratch: Path) -> list[str]:
    """Train a shard again, with other hashes, and return the files that come out otherwise."""
    try:
        _train(trainer, shard, OTHER_HASHES, scratch)
        return differing_names(state, state_of(scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _train(trainer: ShardTrainer, shard: int, hash_seed: int, into: Path) -> None:
    into.mkdir()
    trainer.train(shard, hash_seed=hash_seed, into=into)
    if not any((into / MODEL).rglob("*")):
        raise CheckFailed(
            f"The training of shard {shard} left no model: it must write one where it is told to."
        )
