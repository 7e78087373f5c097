"""Plans that the engine refuses, whoever made them: a strategy, or a hand in `plan.json`.

A decision says what it leaves as it is, or in the sum (`Decision.stays`), and none of that may be
downstream of the rows that go (`downstream`):

    no change            leaves the whole shard
    trained anew         leaves the stages that stay, and the steps up to `resume`
    patched              leaves those as well, and the part of all steps but `taken_back`; what an
                         earlier subtraction took need not be taken again; of sums it leaves
                         nothing: their bytes are compared with those of the rows that remain
    leaves the model     leaves nothing, but then no row may remain

What settles a request is trained anew, unchanged or gone: a patch leaves steps that started from
weights which had learnt from the rows.
"""

from collections.abc import Mapping, Sequence

from lineage_store.claim import Claim
from lineage_store.errors import LeftAsItIs
from lineage_store.ledger import ShardLedger
from unlearning.planning.downstream import Downstream
from unlearning.strategies.decision import Decision, is_patched
from unlearning.strategies.strategy import Situation


def must_leave_nothing(
    decisions: Sequence[Decision],
    found: Mapping[int, Downstream],
    situation: Situation,
    *,
    strategy: str,
    claim: Claim,
) -> None:
    """Check a strategy's decisions against the engine's own list of downstream units.

    `claim` is that of the strategy. Raises LeftAsItIs, naming the strategy, the shard and the
    unit, for the first that would stay as it is.
    """
    wanted, decided = range(situation.partition.shards), [one.shard for one in decisions]
    if decided != list(wanted):
        shard = next((one for one in wanted if decided.count(one) != 1), 0)
        raise _refused(strategy, f"does not decide once about every shard: look at shard {shard}")
    for decision in decisions:
        one = found.get(decision.shard)
        wrong = _wrong(decision, one, situation, claim=claim)
        if wrong is not None:
            why = "" if one is None else f", although {one.why}"
            raise _refused(strategy, f"{wrong} of shard {decision.shard}{why}")


def _wrong(
    decision: Decision, found: Downstream | None, situation: Situation, *, claim: Claim
) -> str | None:
    """Say what a decision does that it must not, of which unit; None if there is nothing."""
    stages = situation.ledger.shard(decision.shard).stages()
    if is_patched(decision) and any(one.at_once for one in stages):
        anew = found is not None and found.anew
        return f"leaves its {stages[0].kind}" if decision.stays.stages or anew else None
    if claim.settles and is_patched(decision):
        return f"calls what is {decision.verb} {claim.word}, and leaves the later steps"
    if decision.leaves:
        return "drops the rows that remain" if sum(situation.new_counts[decision.shard]) else None
    if found is None:
        return None
    stays = decision.stays
    if not decision.changes or stays.stages > found.stage:
        return f"leaves stage {found.stage}"
    if decision.anew:
        resume = stays.resume
        return None if resume is None or resume < found.position else f"leaves step {resume}"
    if found.anew:
        return "leaves the steps"
    return _in_the_sum(decision, found, situation.ledger.shard(decision.shard))


def _in_the_sum(decision: Decision, found: Downstream, shard: ShardLedger) -> str | None:
    """Say which step's update, that saw a row, neither is nor was taken back."""
    taken_back = frozenset(decision.stays.taken_back)
    if shard.correction() is None or decision.stays.goes_on:
        taken_back |= shard.subtracted()
    left = min(set(found.saw) - taken_back, default=None)
    return None if left is None else f"leaves the update of step {left}"


def _refused(strategy: str, what: str) -> LeftAsItIs:
    return LeftAsItIs(
        f"The plan of the strategy {strategy} {what}: nothing was changed; ask for another "
        f"strategy."
    )
