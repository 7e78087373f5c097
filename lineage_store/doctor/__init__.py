"""Two records of the same thing compared, and put right: MLMD, and the row index.

differences       what a comparison found to differ
modes             who may read the workspace
rows              the row index against the snapshots
metadata          MLMD against what it should hold
rebuilt_metadata  what it should hold, built anew from ledgers, records and log
repair_metadata   writes what is missing
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.doctor.differences import Difference
    from lineage_store.doctor.metadata import compare_metadata
    from lineage_store.doctor.modes import close_modes, loose_modes
    from lineage_store.doctor.rebuilt_metadata import Rebuilt, rebuild
    from lineage_store.doctor.repair_metadata import write_missing
    from lineage_store.doctor.rows import compare_parts, compare_rows, fault_of, write_again
else:
    __getattr__ = lazily(
        __name__,
        {
            "differences": ("Difference",),
            "metadata": ("compare_metadata",),
            "modes": ("close_modes", "loose_modes"),
            "rebuilt_metadata": ("Rebuilt", "rebuild"),
            "repair_metadata": ("write_missing",),
            "rows": ("compare_parts", "compare_rows", "fault_of", "write_again"),
        },
    )

__all__ = [
    "Difference",
    "Rebuilt",
    "close_modes",
    "compare_metadata",
    "compare_parts",
    "compare_rows",
    "fault_of",
    "loose_modes",
    "rebuild",
    "write_again",
    "write_missing",
]
