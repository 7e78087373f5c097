"""The ways to take rows out of a shard, a file each.

strategy          the Protocol, and what a strategy is given and decides
known_strategies  the registry
retrain_shards    exact: retrain from the last checkpoint that never saw the rows
amnesiac          approximate: subtract the updates of batches that held a row
amnesiac_marginal approximate: take back what the rows added to the last epoch
exposure          how much of a run a deletion touches
last_epoch        of a shard, taken again without the rows
regenerate        an update that was not recorded, computed again
repair            a short fine-tune after a subtraction
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.strategies.exposure import Exposure
    from unlearning.strategies.known_strategies import choose
    from unlearning.strategies.strategy import ShardDecision
else:
    __getattr__ = lazily(
        __name__,
        {
            "exposure": ("Exposure",),
            "known_strategies": ("choose",),
            "strategy": ("ShardDecision",),
        },
    )

__all__ = ["Exposure", "ShardDecision", "choose"]
