"""Shards that are trained whole: by code that takes rows and leaves a model, and says no more.

shard_trainer  what trains one shard, and what its training depends on
whole_ledger   what is left of each shard, and what was tried of it
train_whole    shards are trained, twice where that shows something, or taken over by content
pinned         this process computes as every other does
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.whole_shards.pinned import pin_whole, pinned_variables
    from unlearning.whole_shards.shard_trainer import MODEL, ShardTrainer, WholeShard
    from unlearning.whole_shards.train_whole import train_whole_shards
    from unlearning.whole_shards.whole_ledger import (
        KeptShard,
        WholeLedger,
        is_whole_ledger,
        open_whole_ledger,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "pinned": ("pin_whole", "pinned_variables"),
            "shard_trainer": ("MODEL", "ShardTrainer", "WholeShard"),
            "train_whole": ("train_whole_shards",),
            "whole_ledger": (
                "KeptShard",
                "WholeLedger",
                "is_whole_ledger",
                "open_whole_ledger",
            ),
        },
    )

__all__ = [
    "MODEL",
    "KeptShard",
    "ShardTrainer",
    "WholeLedger",
    "WholeShard",
    "is_whole_ledger",
    "open_whole_ledger",
    "pin_whole",
    "pinned_variables",
    "train_whole_shards",
]
