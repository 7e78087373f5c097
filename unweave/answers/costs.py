"""The expected cost of a request, asked of a live model: as plain values, and for people."""

from collections.abc import Sequence
from typing import Any

from lineage_store.counted import counted
from lineage_store.errors import BadInput
from lineage_store.index.models import ModelRecord
from lineage_store.placement import Partition
from lineage_store.rows import open_rows
from lineage_store.workspace import Workspace
from unlearning.families import DEFAULT, family_of
from unlearning.planning.expected_cost import expected_cost


def cost_of(
    workspace: Workspace, record: ModelRecord, *, pattern: Sequence[float] | None = None
) -> dict[str, Any]:
    """Return what a request to forget one row of a live model is expected to cost."""
    family = family_of(record.config.get("model_family", DEFAULT))
    if family.trail != "steps":
        raise BadInput(
            f"The model {record.id} is of the family {family.name}, from which rows are taken out "
            f"without a step: there is no cost in steps to expect."
        )
    counts = open_rows(workspace.absolute(record.paths["rows"])).counts
    partition = Partition(**record.config["partition"])
    return expected_cost(counts, partition, pattern=pattern).to_json()


def cost_lines(answer: dict[str, Any]) -> list[str]:
    """Return an expected cost as lines for people."""
    full, rows = answer["steps_full"], answer["shard_rows"]
    lines = [
        f"  band {one['band']}      {counted(one['rows'], 'row')}, {one['share']:.1%} of the "
        f"requests: "
        f"{_steps(one['steps'], full)}"
        for one in answer["bands"]
    ]
    return [
        *lines,
        f"  expected    {_steps(answer['steps'], full)}",
        f"  uniform     {_steps(answer['uniform_steps'], answer['uniform_steps_full'])}",
        f"  shards      {min(rows):,} to {counted(max(rows), 'row')}",
    ]


def _steps(steps: float, full: int) -> str:
    return f"{steps:,.1f} of {counted(full, 'step')} ({steps / full if full else 0.0:.1%})"
