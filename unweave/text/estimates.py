"""Estimates and what it took, for people."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from lineage_store.counted import counted
from unweave.text.console import table_of


def estimate_table(plan: Mapping[str, Any]) -> Table:
    """Return what each strategy would cost as a table; the chosen one is marked."""
    table = table_of("strategy", "result", "steps", "learns s", "about bytes", "")
    for one in plan["estimates"]:
        chosen = "chosen" if one["strategy"] == plan["strategy"] else ""
        costs = [f"{one['steps']:,}", f"{one['seconds']:.1f}", f"{one['bytes']:,}"]
        if one["why_not"] is not None:
            costs, chosen = ["", "", ""], one["why_not"]
        table.add_row(one["strategy"], one["guarantee"], *costs, chosen)
    return table


def estimate_lines(change: Mapping[str, Any]) -> list[str]:
    """Return what the unlearning was estimated to take beside what it took."""
    lines = []
    for name, costs in (("estimated", change["estimate"]), ("took", change["actual"])):
        if costs is not None:
            lines.append(
                f"  {name:<11} {costs['seconds']:.1f} s, {counted(costs['steps'], 'step')}, "
                f"{counted(costs['bytes'], 'byte')}"
            )
    return lines
