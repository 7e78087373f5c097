"""Plans that the engine refuses, whoever made them: a strategy, or a hand in `plan.json`.

A decision says what becomes of each unit of a shard. What it leaves as it is, or in the sum, must
not be downstream of the rows that go (`downstream`):

    kept                 leaves the whole shard
    retrained            leaves the stages before `kept_stages`, and the steps up to `resume`
    subtracted           leaves those as well, and the updates of all steps but `positions`; what an
    corrected            earlier subtraction took need not be taken again
    updated              leaves nothing of sums, and is of sums alone: their bytes are compared with
                         those of the rows that remain (`taken_again`)
    empty                leaves nothing, but then no row may remain

What is exact retrains, keeps or empties: subtracting leaves steps that started from weights which
had learnt from the rows.
"""

from collections.abc import Mapping, Sequence

from lineage_store.errors import LeftAsItIs
from lineage_store.ledger import ShardLedger
from unlearning.planning.downstream import Downstream
from unlearning.strategies.strategy import ShardDecision, Situation

EXACT = "exact"
MADE_AGAIN = ("kept", "retrained", "empty")
ACTIONS = (*MADE_AGAIN, "subtracted", "corrected")


def must_leave_nothing(
    decisions: Sequence[ShardDecision],
    found: Mapping[int, Downstream],
    situation: Situation,
    *,
    strategy: str,
    guarantee: str,
) -> None:
    """Check a strategy's decisions against the engine's own list of downstream units.

    `guarantee` is that of the result. Raises LeftAsItIs, naming the strategy, the shard and the
    unit, for the first that would stay as it is.
    """
    wanted, told = range(situation.partition.shards), [one.shard for one in decisions]
    if told != list(wanted):
        shard = next((one for one in wanted if told.count(one) != 1), 0)
        raise _refused(strategy, f"does not decide once about every shard: look at shard {shard}")
    for decision in decisions:
        one = found.get(decision.shard)
        wrong = _wrong(decision, one, situation, exact=guarantee == EXACT)
        if wrong is not None:
            why = "" if one is None else f", although {one.why}"
            raise _refused(strategy, f"{wrong} of shard {decision.shard}{why}")


def _wrong(
    decision: ShardDecision, found: Downstream | None, situation: Situation, *, exact: bool
) -> str | None:
    """Say what a decision does that it must not, of which unit; None if there is nothing."""
    stages = situation.ledger.shard(decision.shard).stages()
    if decision.action == "updated" and any(one.kind == "sums" for one in stages):
        anew = found is not None and found.anew
        return "leaves its sums" if decision.kept_stages or anew else None
    if decision.action not in (MADE_AGAIN if exact else ACTIONS):
        return f"calls what is {decision.action} {EXACT}, and leaves the later steps"
    if decision.action == "empty":
        return "drops the rows that remain" if sum(situation.new_counts[decision.shard]) else None
    if found is None:
        return None
    if decision.action == "kept" or decision.kept_stages > found.stage:
        return f"leaves stage {found.stage}"
    if decision.action == "retrained":
        resume = decision.resume
        return None if resume is None or resume < found.position else f"leaves step {resume}"
    if found.anew:
        return "leaves the steps"
    return _in_the_sum(decision, found, situation.ledger.shard(decision.shard))


def _in_the_sum(decision: ShardDecision, found: Downstream, shard: ShardLedger) -> str | None:
    """Say which step's update, that saw a row, neither is nor was taken back."""
    taken = frozenset(decision.positions)
    if shard.correction() is None or decision.action == "corrected":
        taken |= shard.subtracted()
    left = min(set(found.saw) - taken, default=None)
    return None if left is None else f"leaves the update of step {left}"


def _refused(strategy: str, what: str) -> LeftAsItIs:
    return LeftAsItIs(
        f"The plan of the strategy {strategy} {what}: nothing was changed; ask for another "
        f"strategy."
    )
