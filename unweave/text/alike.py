"""Ids that look alike, as a table; how they are spelled stands in it on a terminal alone."""

from typing import Any

from lineage_store.counted import counted
from unweave.text.console import table_of

Answer = dict[str, Any]


def alike_parts(answer: Answer) -> list[Any]:
    """Show the ids that look alike, by number: of a file that was named, and of the workspace."""
    matches = [*answer.get("near", ()), *answer.get("alike", ())]
    if not matches:
        return []
    spellings = answer.get("spellings", {})
    table = table_of("looks alike", "spelled", "rows", "why")
    for match in sorted(matches, key=lambda match: match["number"]):
        number = match["number"]
        spelled = match.get("id") or spellings.get(number, "(shown on a terminal)")
        table.add_row(str(number), spelled, f"{match['rows']:,}", match["why"])
    return [table]


def others(answer: Answer) -> list[Any]:
    """Show that there are rows under other spellings, if there are or if that is not known."""
    parts = alike_parts(answer)
    if parts:
        parts = ["Other spellings have rows, which may be the same person's:", *parts]
    return [*parts, *not_compared(answer)]


def not_compared(answer: Answer) -> list[str]:
    """Say of how many subjects nothing can be said to look alike."""
    if not (count := answer.get("not_compared")):
        return []
    return [
        f"Of {counted(count, 'subject')} no spelling is known, since an earlier unweave took "
        f"them in: they "
        "were not compared. `unweave request add` with --source and --column compares a file's."
    ]
