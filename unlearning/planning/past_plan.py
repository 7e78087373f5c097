"""What outlives a deletion of its plans and checks: counts by kind and shard (law 9).

While it runs, a plan names the stages and steps that saw the rows. Which these are follows from the
rows' keys alone, so whoever has the secret could try guesses against such a list for ever. With the
end of the run it is put away: what people are told is kept, and no place within a shard.
"""

import re
from dataclasses import replace

from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.verdicts import Verdict
from unlearning.strategies.decision import Told
from unlearning.strategies.past_decision import PastDecision, past_decision

NUMBER = r"\d+(?:,\d{3})*"
PLACES = re.compile(
    rf"\b(stage|slice|step|batch|update|epoch)(s?) {NUMBER}(?:(?: to|,| and| or) {NUMBER})*"
)
ROWS_LEFT = "it loses rows"


def without_places(text: str) -> str:
    """Return a text that names no place within a shard: `stage 2 of shard 1`, `a stage of ...`."""
    return PLACES.sub(lambda found: f"{found[1]}s" if found[2] else _one(found[1]), text)


def _one(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def past_plan(plan: ModelPlan) -> ModelPlan:
    """Return what outlives a plan; of one that is past already, the same."""
    if all(isinstance(decision, PastDecision) for decision in plan.shards):
        return plan
    reasons = {decision.why for decision in plan.shards if decision.changes}
    counts: dict[tuple[str, str, str], int] = {}
    for one in plan.verdicts:
        why = ROWS_LEFT if one.why in reasons else without_places(one.why)
        key = (one.kind, one.verdict, why)
        counts[key] = counts.get(key, 0) + one.count
    told = plan.told
    return replace(
        plan,
        shards=tuple(map(past_decision, plan.shards)),
        verdicts=tuple(Verdict(*key, count) for key, count in sorted(counts.items())),
        said=Told(
            tuple(map(without_places, told.done)),
            {name: without_places(line) for name, line in told.lines.items()},
            told.numbers,
        ),
    )
