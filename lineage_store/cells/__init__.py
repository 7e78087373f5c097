"""The data of a model as the gate wrote them, and what is counted of them.

gate             lets records through once: checked, keyed, typed
snapshot         what it wrote, and how it is read back; `snapshot_blocks` reads it by columns
column_summary   what a column holds, in summation form; `column_statistics` tells it as TFX does
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.cells.column_statistics import (
        Statistics,
        Summary,
        statistics_of,
    )
    from lineage_store.cells.column_summary import (
        NumberSummary,
        TextSummary,
        summary_of_numbers,
        summary_of_texts,
    )
    from lineage_store.cells.gate import (
        let_through,
    )
    from lineage_store.cells.snapshot import (
        Snapshot,
        describe,
        escape,
        load_snapshot,
        read_keys,
        read_places,
        read_snapshot,
        retained,
    )
    from lineage_store.cells.snapshot_blocks import (
        read_blocks,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "column_statistics": ("Statistics", "Summary", "statistics_of"),
            "column_summary": (
                "NumberSummary",
                "TextSummary",
                "summary_of_numbers",
                "summary_of_texts",
            ),
            "gate": ("let_through",),
            "snapshot": (
                "Snapshot",
                "describe",
                "escape",
                "load_snapshot",
                "read_keys",
                "read_places",
                "read_snapshot",
                "retained",
            ),
            "snapshot_blocks": ("read_blocks",),
        },
    )

__all__ = [
    "NumberSummary",
    "Snapshot",
    "Statistics",
    "Summary",
    "TextSummary",
    "describe",
    "escape",
    "let_through",
    "load_snapshot",
    "read_blocks",
    "read_keys",
    "read_places",
    "read_snapshot",
    "retained",
    "statistics_of",
    "summary_of_numbers",
    "summary_of_texts",
]
