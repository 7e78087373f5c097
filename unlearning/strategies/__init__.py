"""The ways to take rows out of a shard, a file each.

strategy          the Protocol, and what a strategy is given
decision          what it answers: decisions, costs, fates, words; past_decision what outlives it
known_strategies  the registry
retrain_shards    exact: retrain from the last checkpoint that never saw the rows
amnesiac          approximate: subtract the updates of batches that held a row
amnesiac_marginal approximate: take back what the rows added to the last epoch
update_parts      exact: take rows out of sums, trees, an optimum
retrain_whole     exact: train whole shards again; withdraw a model of which nothing is left
shard_decision    the decision that the strategies for stages share; `shard_cost` what one costs
exposure          how much of a run a deletion touches
last_epoch        of a shard, taken again without the rows
regenerate        an update that was not recorded, computed again
repair            a short fine-tune after a subtraction
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.strategies.decision import Decision, Exposure
    from unlearning.strategies.known_strategies import choose, strategy_of
    from unlearning.strategies.past_decision import PastDecision
    from unlearning.strategies.retrain_whole import RetrainWholeShards
else:
    __getattr__ = lazily(
        __name__,
        {
            "decision": ("Decision", "Exposure"),
            "known_strategies": ("choose", "strategy_of"),
            "past_decision": ("PastDecision",),
            "retrain_whole": ("RetrainWholeShards",),
        },
    )

__all__ = ["Decision", "Exposure", "PastDecision", "RetrainWholeShards", "choose", "strategy_of"]
