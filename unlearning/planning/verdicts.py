"""Verdicts: what becomes of every artifact downstream of the deleted rows (law 4).

One table a kind of artifact. A new type of artifact needs a line in one of them. A strategy says
what becomes of the units that it changes; that one is *proven unaffected* is said by the engine's
list alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.claim import Claim
from lineage_store.errors import LeftAsItIs, MissingVerdict
from lineage_store.graph import LineageNode
from unlearning.planning.downstream import Downstream
from unlearning.strategies.decision import Decision, Unit
from unlearning.strategies.strategy import Strategy


@dataclass(frozen=True)
class Verdict:
    """One decision for `count` artifacts of a kind that are alike."""

    kind: str
    verdict: str
    why: str
    count: int


REGENERATED = {
    "Examples": "written again by ExampleGen from what the gate lets through without the rows",
    "ExampleStatistics": "computed again from the examples without the rows",
    "Schema": "computed again from the new statistics",
    "ExampleAnomalies": "found again in the new statistics",
    "components.Rows": "written again from the examples without the rows",
}
REPLACED = {
    "components.Ledger": "replaced by the ledger of the new model",
    "Model": "replaced by the new model",
    "PushedModel": "taken out of the serving folder when the new one is pushed",
}
RECORDS = {
    "components.CheckReport": "a record without data",
    "components.RequestReport": "a record without data",
    "components.DetectionReport": "a record of counts",
    "components.Evaluation": "a record of means over many rows",
    "components.Plan": "a record without data",
    "components.ModelRecord": "a record without data",
    "lineage.Request": "a record without data",
    "ModelBlessing": "a record without data",
    "components.Certificate": "a record without data",
    "components.ErasureReport": "a record without data",
}
BY_STAGE = (
    "lineage.Checkpoint",
    "lineage.Batch",
    "lineage.Update",
    "lineage.Shard",
)

UNAFFECTED = "proven unaffected"
BEFORE = "it was made before any deleted row was seen in its shard"


def verdicts(
    descendants: Iterable[LineageNode],
    *,
    decisions: Sequence[Decision],
    strategy: Strategy[Any],
    found: Mapping[int, Downstream],
    claim: Claim,
    derived_until: str,
    slices: int,
) -> tuple[Verdict, ...]:
    """Give every artifact downstream of the data a verdict; alike ones are counted together.

    `found` is what the engine found to depend on the rows, by shard, and `claim` that of the
    result. Stages from number `slices` on are repairs. Raises MissingVerdict, naming the first
    artifact that nothing here decides on.
    """
    by_shard = {decision.shard: decision for decision in decisions}
    counted: Counter[tuple[str, str, str]] = Counter()
    for node in descendants:
        if node.kind in REGENERATED:
            verdict, why = "regenerated", REGENERATED[node.kind]
        elif node.kind in REPLACED:
            verdict = "updated" if claim.leaves_derived else "retrained"
            why = REPLACED[node.kind]
            if all(decision.leaves for decision in decisions):
                verdict, why = "erased", "the model is withdrawn"
            elif node.kind == "PushedModel":
                verdict = "erased"
        elif node.kind in RECORDS:
            verdict, why = UNAFFECTED, RECORDS[node.kind]
        elif node.kind in BY_STAGE and node.shard in by_shard:
            decision, affected = by_shard[node.shard], found.get(node.shard)
            verdict, why = _stage_verdict(
                node, decision, affected, derived_until, strategy=strategy, slices=slices
            )
        else:
            raise MissingVerdict(
                f"The artifact {node.id} of type {node.kind} is downstream of the rows, and "
                f"nothing decides what becomes of it: nothing was changed. Erase it and mark "
                f"it DELETED, or add a rule for its type."
            )
        counted[(node.kind, verdict, why)] += 1
    return tuple(Verdict(*key, count) for key, count in sorted(counted.items()))


def _stage_verdict(
    node: LineageNode,
    decision: Decision,
    affected: Downstream | None,
    derived_until: str,
    *,
    strategy: Strategy[Any],
    slices: int,
) -> tuple[str, str]:
    """Say what becomes of a unit: what the decision leaves is judged here, the rest is told."""
    stage = node.stage if node.stage is not None else 0
    stays = decision.stays
    if node.kind == "lineage.Shard":
        if decision.changes:
            return "regenerated", decision.why
        return _unaffected(node, affected, decision.why)
    resumes = stage == stays.stages and stays.resume is not None
    if resumes and node.position is not None and node.position <= (stays.resume or 0):
        why = "it was made before any deleted row was seen, and is taken over"
        return _unaffected(node, affected, why)
    if not decision.changes or stage < stays.stages:
        return _unaffected(node, affected, BEFORE)
    if decision.leaves:
        return "erased", decision.why
    depends = _depends(node, affected)
    unit = Unit(node.kind, stage, node.position, depends, is_repair=stage >= slices)
    fate = strategy.verdict(decision, unit, until=derived_until)
    if fate is None or (depends and fate.verdict == UNAFFECTED):
        return _unaffected(node, affected, BEFORE)
    return fate.verdict, fate.why


def _unaffected(node: LineageNode, affected: Downstream | None, why: str) -> tuple[str, str]:
    """Say of what is left as it is that it is unaffected; raises LeftAsItIs if it is not."""
    if _depends(node, affected):
        raise LeftAsItIs(
            f"The plan leaves the artifact {node.id} of type {node.kind} as it is, and it depends "
            f"on deleted rows: nothing was changed; ask for another strategy."
        )
    return UNAFFECTED, why


def _depends(node: LineageNode, affected: Downstream | None) -> bool:
    """Say whether a unit depends on the rows; a shard does if any unit of it does."""
    if affected is None:
        return False
    return node.stage is None or affected.holds(node.stage, node.position)
