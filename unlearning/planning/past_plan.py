"""What outlives a deletion of its plans and checks: counts by kind and shard (law 9).

While it runs, a plan names the stages and steps that saw the rows. Which these are follows from the
rows' keys alone, so whoever has the secret could try guesses against such a list for ever. With the
end of the run it is put away: what people are told is kept, and no place within a shard. What a
strategy would have written is a size of the old model's: its order is kept (`roughly`).
"""

from dataclasses import replace

from lineage_store.without_numbers import roughly
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.verdicts import Verdict
from unlearning.strategies.decision import DecisionWords
from unlearning.strategies.past_decision import PastDecision, past_decision, without_places


def past_plan(plan: ModelPlan) -> ModelPlan:
    """Return what outlives a plan; of one that is past already, the same."""
    if all(isinstance(decision, PastDecision) for decision in plan.shards):
        return plan
    counts: dict[tuple[str, str, str], int] = {}
    for one in plan.verdicts:
        key = (one.kind, one.verdict, without_places(one.why))
        counts[key] = counts.get(key, 0) + one.count
    words = plan.words
    return replace(
        plan,
        shards=tuple(map(past_decision, plan.shards)),
        estimates=tuple(replace(one, bytes=roughly(one.bytes)) for one in plan.estimates),
        verdicts=tuple(Verdict(*key, count) for key, count in sorted(counts.items())),
        said=DecisionWords(
            tuple(map(without_places, words.done)),
            {name: without_places(line) for name, line in words.lines.items()},
            words.numbers,
        ),
    )
