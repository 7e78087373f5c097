"""The values of a deletion's report: what people are told about one finished request.

They come from three places, and the first binds the others: the certificate, whose signature is
checked; the plan, whose digest the certificate holds; and the index, for what neither says (how the
models measure, what training took, where in the event log the deletion stands). None of these holds
an id, a name or a value of a person, so no report does.
"""

import functools
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest, digest_json, read_json
from lineage_store.claim import APPROXIMATE, Claim, claim_of
from lineage_store.errors import CheckFailed, Unfinished
from lineage_store.index import deletions, queue
from lineage_store.index.models import ModelRecord, find_model
from lineage_store.index.models import models as all_models
from lineage_store.keys import load_public_key
from lineage_store.ledger import Timings
from lineage_store.log import RowsDeleted, of_kind, subtrees
from lineage_store.processing import names_of_lines
from lineage_store.requests import law_in_force, load_controller
from lineage_store.workspace import RequestFolder, Workspace
from unlearning.certificates import verify
from unlearning.planning import Estimate, ModelPlan, Verdict
from unlearning.strategies import Decision, PastDecision
from unlearning.verification import UNMEASURED, Check, Distances, Nearness
from unweave.answers.clock import clock
from unweave.report.evaluation import Judged, judged

WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Cost:
    """Steps as planned, as taken, and of training all shards; seconds of the steps that were taken.

    `estimates` are what each strategy was expected to cost, `expected` of that which was taken, and
    `timings` what it took: empty, or None, of a deletion by an earlier unweave.
    """

    planned: int
    taken: int
    full: int
    seconds: float
    estimates: tuple[Estimate, ...] = ()
    expected: Estimate | None = None
    timings: Timings | None = None


@dataclass(frozen=True)
class BaseModel:
    """The model that one was trained from, before the deletion and after; None if afresh."""

    before: str
    after: str | None


@dataclass(frozen=True)
class ModelChange:
    """What became of one model; `after`, its weights and its metrics are None if it was withdrawn.

    `near` says how near the weights are to the retrained twin's, which of an exact result nobody
    asks; `judged` is None where behaviour was not, and `done` is what its strategy says of it. An
    approximate result may be promised to be exact by a day. It may have a `name`.
    """

    before: str
    after: str | None
    weights_before: str
    weights_after: str | None
    claim: Claim
    basis: str | None
    strategy: str
    why: str
    rows_by_split: Mapping[str, int]
    slices: int
    shards: tuple[Decision, ...]
    verdicts: tuple[Verdict, ...]
    checks: tuple[Check, ...]
    near: Nearness
    cost: Cost
    metrics_before: Mapping[str, Any]
    metrics_after: Mapping[str, Any] | None
    derived_until: str | None
    base: BaseModel | None
    judged: Judged | None = None
    exact_due_by: str | None = None
    done: tuple[str, ...] = ()
    name: str | None = None

    @property
    def bridged(self) -> str | None:
        """What the result is called if it stands on a bridge; None of any other."""
        return None if self.claim.bridged is None else self.claim.in_words()

    @property
    def outcome(self) -> str:
        """What the result may be called: the word for its claim, if there is one."""
        return WITHDRAWN if self.after is None else self.claim.word

    @property
    def settled(self) -> bool:
        """Whether there is a result, and nothing of it depends on the rows."""
        return self.after is not None and self.claim.settles

    @property
    def weak(self) -> bool:
        """Whether how near the result is to the twin is all that can be said of it."""
        return self.after is not None and self.claim.word == APPROXIMATE.word

    @property
    def cells(self) -> int:
        """How many cells a shard is told in: its slices, where which of them changed was kept.

        A deletion that is past says it of whole shards (`past_plan`).
        """
        return 1 if any(isinstance(one, PastDecision) for one in self.shards) else self.slices

    @property
    def touched(self) -> tuple[Decision, ...]:
        """The shards that change."""
        return tuple(decision for decision in self.shards if decision.changes)


@dataclass(frozen=True)
class Proof:
    """How the certificate can be told from another: digests, key, place in the event log.

    `position` is the number of the event, None if the log does not hold it.
    """

    certificate: str
    key_id: str
    position: int | None
    log_size: int
    workspace_key: str
    tool: Mapping[str, str]
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class ServedRequest:
    """A request of the queue that a deletion served: its days, and whether it was late.

    `done` is the day on which it ended.
    """

    id: str
    received: str
    due: str
    late: bool
    done: str | None = None


@dataclass(frozen=True)
class Waiting:
    """How many are to be told, or to confirm, and how many of them were, or have."""

    of: int
    done: int


@dataclass(frozen=True)
class Report:
    """One finished request. `subjects` counts what was named: people or, by `kind`, rows.

    `upgrades` are the approximate requests whose results this one makes exact, and `served` those
    of the queue that it answers, for a `controller`; `recipients` are to be told, and `places` that
    serve to confirm, where that was asked for.
    """

    request_id: str
    requested: str
    certified: str
    kind: str
    guarantee_asked: str | None
    strategy_asked: str | None
    subjects: int
    rows: int
    models: tuple[ModelChange, ...]
    erasure: Mapping[str, int]
    not_covered: tuple[str, ...]
    proof: Proof
    upgrades: tuple[str, ...] = ()
    served: tuple[ServedRequest, ...] = ()
    controller: str | None = None
    recipients: Waiting | None = None
    places: Waiting | None = None

    @property
    def claim(self) -> Claim | None:
        """The weakest of the models' claims; None if all are withdrawn."""
        left = [one.claim for one in self.models if one.after is not None]
        return functools.reduce(Claim.weaker, left) if left else None

    @property
    def outcome(self) -> str:
        """What all models together may be called."""
        return WITHDRAWN if self.claim is None else self.claim.word


def report_of(workspace: Workspace, connection: sqlite3.Connection, request_id: str) -> Report:
    """Read the report of a request from its certificate, its plan and the index.

    Raises NothingFound for an unknown request, Unfinished for one that still runs, CheckFailed if
    certificate or plan is not what was signed.
    """
    request = deletions.find_request(connection, request_id)
    folder = workspace.request(request_id)
    if request.state != "done":
        raise Unfinished(
            f"The deletion {request_id} is not finished, so there is nothing to report: run the "
            f"same forget command again, which finishes it."
        )
    sealed = _read(folder.certificate, request_id)
    found = verify(sealed, load_public_key(workspace.public_key))
    if not found.ok or found.statement is None:
        raise CheckFailed(f"The certificate of {request_id} cannot be reported: {found.detail}")
    predicate = found.statement["predicate"]
    _read(folder.plan, request_id)
    plans = {value["model_before"]: value for value in read_json(folder.plan)}
    position, size = _position(connection, request_id, digest(sealed))
    names = names_of_lines(workspace)
    families = {one.id: one.family for one in all_models(connection)}
    return Report(
        request_id=request_id,
        requested=predicate["request"]["requested"],
        certified=predicate["certified"],
        kind="row" if request.options.get("rows") else "subject",
        guarantee_asked=request.options.get("guarantee"),
        strategy_asked=request.options.get("strategy"),
        subjects=len(predicate["subjects"]),
        rows=predicate["rows"]["count"],
        models=tuple(
            replace(
                _change(change, plans.get(change["before"]["id"]), connection, folder),
                name=names.get(families.get(change["before"]["id"], ""), (None, False))[0],
            )
            for change in predicate["models"]
        ),
        erasure=predicate["erasure"],
        not_covered=tuple(predicate["not_covered"]),
        proof=Proof(
            certificate=digest(sealed),
            key_id=json.loads(sealed)["signatures"][0]["keyid"],
            position=position,
            log_size=size,
            workspace_key=predicate["workspace_key"],
            tool=predicate["tool"],
            environment=predicate["environment"],
        ),
        upgrades=tuple(one["request"] for one in predicate.get("upgrades", ())),
        served=_served(workspace, connection, request_id),
        controller=load_controller(workspace).name,
    )


def _served(
    workspace: Workspace, connection: sqlite3.Connection, request_id: str
) -> tuple[ServedRequest, ...]:
    """Return the requests that a deletion served, but exact phases, which nobody asked for."""
    law = law_in_force(workspace)
    clocked = (
        (one, clock(one, law, today=(one.ended or one.created)[:10]))
        for one in queue.of_run(connection, request_id)
        if one.follows is None
    )
    return tuple(
        ServedRequest(one.id, at["received"], at["due_by_law"], at["late"], one.ended)
        for one, at in clocked
    )


def _read(file: Path, request_id: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CheckFailed(
            f"The file {file.name} of the deletion {request_id} cannot be read: restore the "
            f"workspace from a backup."
        ) from error


def _position(
    connection: sqlite3.Connection, request_id: str, certificate: str
) -> tuple[int | None, int]:
    """Return which event tells of a certificate, and how many there are."""
    numbers = [
        event.seq
        for event, deleted in of_kind(connection, RowsDeleted)
        if (deleted.request, deleted.certificate) == (request_id, certificate)
    ]
    return numbers[-1] if numbers else None, subtrees.size_of(connection)


def _change(
    change: Mapping[str, Any],
    planned: Mapping[str, Any] | None,
    connection: sqlite3.Connection,
    folder: RequestFolder,
) -> ModelChange:
    """Put together what the certificate, the plan that it names and the index say of a model."""
    name = change["before"]["id"]
    plan = None if planned is None else ModelPlan.from_json(planned)
    if plan is None or change["plan"] not in (digest_json(planned), digest_json(plan.to_json())):
        raise CheckFailed(
            f"The plan for {name} is not the one that the certificate names: restore the workspace "
            f"from a backup."
        )
    before = find_model(connection, name)
    after = find_model(connection, change["after"]["id"]) if change["after"] else None
    base = change.get("base")
    return ModelChange(
        before=name,
        after=after.id if after else None,
        weights_before=change["before"]["weights"],
        weights_after=change["after"]["weights"] if change["after"] else None,
        claim=Claim.from_json(change["claim"])
        if "claim" in change
        else claim_of(change["guarantee"]),
        basis=change.get("basis"),
        strategy=change["strategy"],
        why=plan.why,
        rows_by_split=change["rows"],
        slices=before.config["partition"]["slices"],
        shards=plan.shards,
        verdicts=tuple(Verdict(**verdict) for verdict in change["verdicts"]),
        checks=tuple(Check(**check) for check in change.get("checks", ())),
        near=_near(change.get("distance_to_twin", UNMEASURED)),
        cost=_cost(plan, after),
        metrics_before=before.report["metrics"],
        metrics_after=after.report["metrics"] if after else None,
        derived_until=after.report.get("derived_until") if after else None,
        base=BaseModel(base["before"], base["after"]) if base else None,
        judged=judged(folder, name, change.get("evaluation")),
        exact_due_by=change.get("exact_due_by"),
        done=plan.words.done,
    )


def _near(near: Nearness | Mapping[str, float | None]) -> Nearness:
    if isinstance(near, str):
        return near
    # An earlier unweave certified the numbers.
    return Distances(unlearned=near["unlearned"], untouched=near["untouched"]).nearness


def _cost(plan: ModelPlan, after: ModelRecord | None) -> Cost:
    report = after.report if after else {}
    return Cost(
        planned=plan.steps_planned,
        taken=report.get("steps", 0),
        full=plan.steps_full,
        seconds=report.get("step_seconds", 0.0),
        estimates=plan.estimates,
        expected=plan.estimate,
        timings=Timings(**report["timings"]) if "timings" in report else None,
    )
