"""The files of a request: its plans, and what comes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lineage_store.canonical import canonical_json, read_json, reading_own, write_atomic
from lineage_store.workspace import RequestFolder
from unlearning.planning.model_plan import ModelPlan


def save_plan(folder: RequestFolder, plans: Sequence[ModelPlan]) -> None:
    """Write the plans of all models into the request's folder."""
    write_atomic(folder.plan, canonical_json([plan.to_json() for plan in plans]) + b"\n")


def load_plan(folder: RequestFolder) -> list[ModelPlan]:
    """Read the plans of a request; raises Damaged if they are not as they were written."""
    with reading_own(folder.plan):
        return [ModelPlan.from_json(item) for item in read_json(folder.plan)]


def load_scan(folder: RequestFolder) -> Mapping[str, Any]:
    """Read what the erasure's scan said."""
    scan: Mapping[str, Any] = read_json(folder.erasure)
    return scan
