"""The plan: what will be done to one model, decided before anything is changed.

A plan computes the inference again without the deleted rows (law 2), asks the strategy for a
decision on every shard, and gives a verdict to every artifact downstream of the rows (law 4). It
reads; it never writes, and it needs no TensorFlow.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.errors import MissingVerdict, NothingToLearn
from lineage_store.gate import EVAL, Snapshot, infer, retained
from lineage_store.inference import Inference
from lineage_store.ledger import Ledger
from lineage_store.lineage_node import LineageNode
from lineage_store.row_index import IndexedRows
from lineage_store.row_store import RowStore
from unlearning.strategies import (
    ShardDecision,
    Situation,
    Strategy,
    StrategyGuarantee,
    choose,
)

WITHDRAW = "withdraw"


@dataclass(frozen=True)
class Verdict:
    """One decision for `count` artifacts of a kind that are alike."""

    kind: str
    verdict: str
    why: str
    count: int


@dataclass(frozen=True)
class ModelPlan:
    """What will be done to one model; `model_after` is None if it is withdrawn.

    With early stopping, `steps_planned` and `steps_full` are the most that there can be.
    """

    model_before: str
    model_after: str | None
    strategy: str
    guarantee: StrategyGuarantee
    why: str
    rows_found: int
    rows_by_split: Mapping[str, int]
    shards: tuple[ShardDecision, ...]
    steps_planned: int
    steps_full: int
    verdicts: tuple[Verdict, ...]
    inference_changed: bool
    early_stop: int | None = None

    @property
    def affected_shards(self) -> list[int]:
        """The shards that change."""
        return [decision.shard for decision in self.shards if decision.action != "kept"]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self) | {
            "rows_by_split": dict(self.rows_by_split),
            "shards": [decision.to_json() for decision in self.shards],
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ModelPlan":
        """Read the value back."""
        return cls(
            **{
                **value,
                "shards": tuple(ShardDecision.from_json(item) for item in value["shards"]),
                "verdicts": tuple(Verdict(**item) for item in value["verdicts"]),
            }
        )


@dataclass(frozen=True)
class Asked:
    """What the requester wants of the result."""

    guarantee: StrategyGuarantee | None = None
    strategy: str | None = None

    def chosen(self) -> Strategy:
        """Return the strategy; raises BadInput if there is none."""
        return choose(guarantee=self.guarantee, name=self.strategy)


def plan_model(
    *,
    model_before: str,
    model_after: str,
    ledger: Ledger,
    snapshot: Snapshot,
    store: RowStore,
    deleted: IndexedRows,
    asked: Asked,
    code: str,
    environment: Mapping[str, Any],
    descendants: Iterable[LineageNode],
    derived_until: str,
) -> ModelPlan:
    """Plan the deletion of rows from one model.

    `descendants` are all artifacts downstream of the data in the lineage; `derived_until` is the
    end date of what an approximate result keeps. Raises BadInput if the strategy asked for cannot
    serve, MissingVerdict if a descendant is of a kind that nobody decides on.
    """
    strategy = asked.chosen()
    inference, nothing_left = _inference_without(snapshot, deleted)
    counts = _counts_without(store, deleted)
    if inference is not None and not any(sum(row) for row in counts):
        inference, nothing_left = None, "no row is left to train on"
    changed = inference is not None and inference != snapshot.inference
    situation = Situation(
        ledger=ledger,
        deleted={
            place: deleted.row_keys[where]
            for place, where in deleted.by_slice(
                shards=ledger.partition.shards, slices=ledger.partition.slices
            ).items()
        },
        new_counts=counts,
        fresh_start=_fresh_start(ledger, changed, code, environment),
        watched=_watched(ledger, store, deleted),
    )
    steps_full = sum(
        stage.steps
        for shard in range(ledger.partition.shards)
        for stage in situation.new_stages(shard)
    )
    if inference is None:
        decisions: tuple[ShardDecision, ...] = tuple(
            ShardDecision(shard, "empty", 0, 0, nothing_left)
            for shard in range(ledger.partition.shards)
        )
        name, guarantee, why = WITHDRAW, "exact", f"the model is withdrawn: {nothing_left}"
        steps_full = 0
    else:
        decisions = strategy.decide(situation)
        name, guarantee = strategy.name, strategy.guarantee
        why = situation.fresh_start or _why(strategy, asked)
    return ModelPlan(
        model_before=model_before,
        model_after=None if inference is None else model_after,
        strategy=name,
        guarantee=guarantee,  # type: ignore[arg-type]  # mypy widens the literal "exact"
        why=why,
        rows_found=len(deleted),
        rows_by_split=dict(Counter(deleted.splits)),
        shards=decisions,
        steps_planned=sum(decision.steps for decision in decisions),
        steps_full=steps_full,
        verdicts=verdicts(
            descendants, decisions=decisions, guarantee=guarantee, derived_until=derived_until
        ),
        inference_changed=changed,
        early_stop=ledger.header.get("early_stop"),
    )


def _inference_without(snapshot: Snapshot, deleted: IndexedRows) -> tuple[Inference | None, str]:
    features = tuple(name for name, _ in snapshot.inference.features)
    records = retained(snapshot, deleted.key_set())
    try:
        return infer(records, features=features, label=snapshot.inference.label), ""
    except NothingToLearn as error:
        return None, str(error)


def _counts_without(store: RowStore, deleted: IndexedRows) -> list[list[int]]:
    counts = [list(row) for row in store.counts]
    places = deleted.by_slice(shards=len(counts), slices=len(counts[0]))
    for (shard, slice_), where in places.items():
        counts[shard][slice_] -= len(where)
    return counts


def _watched(ledger: Ledger, store: RowStore, deleted: IndexedRows) -> frozenset[tuple[int, int]]:
    """Return the places of deleted evaluation rows that had a part in when stages ended."""
    if ledger.header.get("early_stop") is None:
        return frozenset()
    places = deleted.by_slice(
        shards=ledger.partition.shards, slices=ledger.partition.slices, split=EVAL
    )
    return frozenset(place for place in places if any(store.counts[place[0]]))


def _fresh_start(
    ledger: Ledger, inference_changed: bool, code: str, environment: Mapping[str, Any]
) -> str | None:
    """Say why nothing of the old run may be reused, or None if it may."""
    header = ledger.header
    if inference_changed:
        return "without the rows a column type, the task or the classes change"
    if header["code"] != code:
        return "the code that trains is not the code that trained this model"
    if dict(header["environment"]) != dict(environment):
        before, now = _flat(header["environment"]), _flat(environment)
        names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        return f"the environment differs from the one that trained this model ({', '.join(names)})"
    return None


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment with its packages among the rest, so that each can be named."""
    packages = environment.get("packages", {})
    return {**environment, "packages": None, **packages}


def _why(strategy: Strategy, asked: Asked) -> str:
    if asked.strategy is not None:
        return f"{strategy.name} was asked for by name"
    return f"{strategy.name} is the strategy that gives {strategy.guarantee} results"


REGENERATED = {
    "Examples": "written again by ExampleGen from what the gate lets through without the rows",
    "ExampleStatistics": "computed again from the examples without the rows",
    "Schema": "computed again from the new statistics",
    "components.Rows": "written again from the examples without the rows",
}
REPLACED = {
    "components.Ledger": "replaced by the ledger of the new model",
    "Model": "replaced by the new model",
    "PushedModel": "taken out of the serving folder when the new one is pushed",
}
RECORDS = {
    "components.CheckReport": "a record without data",
    "components.Plan": "a record without data",
    "components.ModelRecord": "a record without data",
    "lineage.Request": "a record without data",
    "ModelBlessing": "a record without data",
    "components.Certificate": "a record without data",
    "components.ErasureReport": "a record without data",
}
BY_STAGE = ("lineage.Checkpoint", "lineage.Batch", "lineage.Update", "lineage.Shard")


def verdicts(
    descendants: Iterable[LineageNode],
    *,
    decisions: tuple[ShardDecision, ...],
    guarantee: str,
    derived_until: str,
) -> tuple[Verdict, ...]:
    """Give every artifact downstream of the rows a verdict; alike ones are counted together.

    Raises MissingVerdict, naming the first artifact that nothing here decides on.
    """
    by_shard = {decision.shard: decision for decision in decisions}
    counted: Counter[tuple[str, str, str]] = Counter()
    for node in descendants:
        if node.kind in REGENERATED:
            verdict, why = "regenerated", REGENERATED[node.kind]
        elif node.kind in REPLACED:
            verdict = "updated" if guarantee == "approximate" else "retrained"
            why = REPLACED[node.kind]
            if all(decision.action == "empty" for decision in decisions):
                verdict, why = "erased", "the model is withdrawn"
            elif node.kind == "PushedModel":
                verdict = "erased"
        elif node.kind in RECORDS:
            verdict, why = "proven unaffected", RECORDS[node.kind]
        elif node.kind in BY_STAGE and node.shard in by_shard:
            verdict, why = _stage_verdict(node, by_shard[node.shard], derived_until)
        else:
            raise MissingVerdict(
                f"The artifact {node.id} of type {node.kind} is downstream of the rows, and "
                f"nothing decides what becomes of it: nothing was changed. Erase it and mark "
                f"it DELETED, or add a rule for its type."
            )
        counted[(node.kind, verdict, why)] += 1
    return tuple(Verdict(*key, count) for key, count in sorted(counted.items()))


def _stage_verdict(
    node: LineageNode, decision: ShardDecision, derived_until: str
) -> tuple[str, str]:
    if node.kind == "lineage.Shard":
        return (
            ("proven unaffected", decision.why)
            if decision.action == "kept"
            else ("regenerated", decision.why)
        )
    stage = node.stage if node.stage is not None else 0
    if decision.action == "kept" or stage < decision.kept_stages:
        return "proven unaffected", "it was made before any deleted row was seen in its shard"
    if decision.action == "empty":
        return "erased", decision.why
    if decision.action == "retrained":
        return "retrained", "it is of a stage that saw the rows"
    if node.kind == "lineage.Checkpoint" or node.position in decision.positions:
        return "erased", "it learnt from the rows"
    return f"retained: derived until {derived_until}", "it was computed after the rows were learnt"
