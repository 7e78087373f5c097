"""The record of a live model made again: the log says what it is, the disk says the rest.

    event log    family, snapshot, guarantee, request, digests, when it was made, whether it ended
    ledger       found by its commitment, wherever it lies below `tfx/`; options, steps, metrics
    its folder   the other outputs lie beside the ledger, by the names of the components

Three things are written nowhere else and are taken over from the record that there is. Without it,
how many rows were kept out comes from a model of the same family, or is told as 0; so do the
columns that named people and rows, or they are not known any more. Until when an approximate result
may keep what is derived comes from the plan or from another model of the same request, or is the
day on which it was made.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.claim import claim_of
from lineage_store.errors import CheckFailed
from lineage_store.index import LoggedModel, manifest
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import Ledger, open_ledger, published_ledger
from lineage_store.workspace import RequestFolder, Workspace
from unlearning.planning.plan_file import load_plan
from unlearning.registry.new_model import NewModel
from unlearning.registry.register import describe_model

DATE = len("2026-01-31")
DERIVED = "retained: derived until "

# Where the components of the pipelines leave their outputs: name -> components, output.
OUTPUTS = {
    "examples": (("GatedExampleGen", "CsvExampleGen"), "examples"),
    "statistics": (("GatedStatisticsGen", "StatisticsGen"), "statistics"),
    "schema": (("SchemaGen",), "schema"),
    "anomalies": (("ExampleValidator",), "anomalies"),
    "rows": (("RowIndexer",), "rows"),
    "pushed_artifact": (("Pusher",), "pushed_model"),
}
OPTIONAL = ("anomalies",)
TRAINERS = ("LineageTrainer", "Unlearner")


@dataclass(frozen=True)
class OnDisk:
    """What there is of a live model: its ledger, its folders by name, and what is missing."""

    ledger: Ledger | None
    paths: Mapping[str, Path]
    missing: tuple[str, ...]


def on_disk(workspace: Workspace, logged: LoggedModel, known: ModelRecord | None) -> OnDisk:
    """Find what a live model was recorded with; the record that there is only says where to begin.

    A ledger counts only if it is the one that the log names.
    """
    ledger = next(_ledgers(workspace, logged, known), None)
    if ledger is None:
        return OnDisk(None, {}, ("ledger",))
    paths = {
        "data": workspace.snapshot(logged.id),
        **_beside(ledger.folder),
        "pushed": _newest(workspace.serving(logged.family).glob("[0-9]*")),
    }
    missing = [name for name, path in paths.items() if path is None or not path.exists()]
    found = {name: path for name, path in paths.items() if path is not None}
    return OnDisk(ledger, found, tuple(missing))


def record_again(
    workspace: Workspace,
    logged: LoggedModel,
    found: OnDisk,
    *,
    known: ModelRecord | None,
    others: Mapping[str, ModelRecord],
) -> ModelRecord:
    """Return the record that a live model should have; nothing of it may be missing on disk.

    Raises OSError, ValueError, KeyError or CheckFailed for files that cannot be read.
    """
    new = NewModel(
        model=logged.id,
        family=logged.family,
        snapshot=logged.snapshot,
        guarantee=logged.guarantee,
        request=logged.request,
        extra=_extra(workspace, logged, known, others),
    )
    return describe_model(workspace, new, paths=found.paths, created=logged.created)


def _ledgers(
    workspace: Workspace, logged: LoggedModel, known: ModelRecord | None
) -> Iterator[Ledger]:
    recorded = known.paths.get("ledger") if known is not None else None
    folders = [] if recorded is None else [workspace.absolute(recorded)]
    for pattern in ("*/ledger", "*/*/ledger", "*/*/ledger/*", "*/*/*/*/ledger"):
        folders += sorted(workspace.pipeline_root.glob(pattern))
    for folder in folders:
        try:
            ledger = open_ledger(folder)
            if ledger.header.model == logged.id and published_ledger(ledger) == logged.ledger:
                yield ledger
        except (OSError, ValueError, KeyError, TypeError, CheckFailed):
            continue  # no ledger, or not a whole one


def _beside(ledger: Path) -> dict[str, Path | None]:
    """Return the other outputs of the run that made a ledger, as the backend lays them out.

    LocalDagRunner has `component/output/number`; Kubeflow on Vertex `component_id/output`, where
    each component has another id; the direct backend `output`, all of them in one folder.
    """
    numbered = ledger.name != "ledger"
    component = ledger.parents[1] if numbered else ledger.parent
    trainer = next((name for name in TRAINERS if component.name.startswith(name)), None)
    if trainer is None:
        return {
            "rows": ledger.parent / "rows",
            "ledger": ledger,
            "model": ledger.parent / "model",
        }
    suffix = component.name.removeprefix(trainer)
    parts, below = (suffix, "/[0-9]*") if numbered else (suffix.rpartition("_")[0] + "_*", "")
    found = {
        name: _newest(
            folder
            for other in others
            for folder in component.parent.glob(f"{other}{parts}/{output}{below}")
        )
        for name, (others, output) in OUTPUTS.items()
        if name not in OPTIONAL or any(component.parent.glob(f"{others[0]}{parts}"))
    }
    model = ledger.parents[1] / "model" / ledger.name if numbered else ledger.parent / "model"
    return {**found, "ledger": ledger, "model": model}


def _newest(folders: Iterable[Path]) -> Path | None:
    """Return the folder with the highest number, or else the one that was made last."""
    return max(folders, key=_age, default=None)


def _age(folder: Path) -> tuple[int, int]:
    number = int(folder.name) if folder.name.isdigit() else 0
    return number, folder.stat().st_mtime_ns


def _extra(
    workspace: Workspace,
    logged: LoggedModel,
    known: ModelRecord | None,
    others: Mapping[str, ModelRecord],
) -> dict[str, Any]:
    if known is not None:
        names = (*manifest.OF_THE_GATE, "derived_until")
        return {name: known.report[name] for name in names if name in known.report}
    extra: dict[str, Any] = {"excluded": 0}
    for one in others.values():
        if one.family == logged.family:
            extra |= manifest.of_the_gate(one)
    if claim_of(logged.guarantee).leaves_derived and logged.request is not None:
        extra["derived_until"] = max(
            (
                *_planned_dates(workspace.request(logged.request), logged.id),
                *(
                    one.report["derived_until"]
                    for one in others.values()
                    if one.request == logged.request and "derived_until" in one.report
                ),
            ),
            default=logged.created[:DATE],
        )
    return extra


def _planned_dates(folder: RequestFolder, model: str) -> list[str]:
    if not folder.plan.exists():
        return []
    return [
        verdict.verdict.removeprefix(DERIVED)
        for plan in load_plan(folder)
        if plan.model_after == model
        for verdict in plan.verdicts
        if verdict.verdict.startswith(DERIVED)
    ]
