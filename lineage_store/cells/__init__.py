"""The data of a model as the gate wrote them, cell by cell, and what is counted of them.

cell             which cell a row lies in
gate             lets records through once: checked, keyed, typed; `staged` between its two passes
lines            rows as the lines of a file; `cell_writer` the files, in any order of rows
kept             what a snapshot knows of its cells; `cell_evidence` what these say of the columns
snapshot         what the gate wrote, and how it is read; `snapshot_blocks` reads it by columns
some_rows        some of its rows, from the cells that hold them
whole            whether a snapshot is as it was written, byte for byte
files            files by cell, written once and linked; `without` a snapshot without rows that go
column_summary   what a column holds, in summation form; `column_statistics` tells it as TFX does
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.cells.cell import (
        CellId,
        CellLayout,
    )
    from lineage_store.cells.column_statistics import (
        Statistics,
        statistics_of,
    )
    from lineage_store.cells.column_summary import (
        NumberSummary,
        Summary,
        TextSummary,
        summary_from_json,
        summary_of_numbers,
        summary_of_texts,
    )
    from lineage_store.cells.files import (
        keep_by_cell,
        keep_once,
        same_cells,
    )
    from lineage_store.cells.gate import (
        let_through,
    )
    from lineage_store.cells.kept import (
        KeptCell,
        Mark,
        is_of_nonces,
    )
    from lineage_store.cells.lines import (
        escape,
    )
    from lineage_store.cells.snapshot import (
        Snapshot,
        describe,
        load_snapshot,
        read_all_keys,
        read_file,
        read_keys,
        read_places,
        read_snapshot,
        retained,
    )
    from lineage_store.cells.snapshot_blocks import (
        parse_block,
        read_blocks,
        read_cell,
    )
    from lineage_store.cells.some_rows import (
        read_some,
    )
    from lineage_store.cells.without import (
        GoingRows,
        evidence_without,
        write_without,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "cell": (
                "CellId",
                "CellLayout",
            ),
            "column_statistics": (
                "Statistics",
                "statistics_of",
            ),
            "column_summary": (
                "NumberSummary",
                "Summary",
                "TextSummary",
                "summary_from_json",
                "summary_of_numbers",
                "summary_of_texts",
            ),
            "gate": ("let_through",),
            "files": (
                "keep_by_cell",
                "keep_once",
                "same_cells",
            ),
            "kept": ("KeptCell", "Mark", "is_of_nonces"),
            "lines": ("escape",),
            "snapshot": (
                "Snapshot",
                "describe",
                "load_snapshot",
                "read_file",
                "read_all_keys",
                "read_keys",
                "read_places",
                "read_snapshot",
                "retained",
            ),
            "snapshot_blocks": (
                "parse_block",
                "read_blocks",
                "read_cell",
            ),
            "some_rows": ("read_some",),
            "without": (
                "GoingRows",
                "evidence_without",
                "write_without",
            ),
        },
    )

__all__ = [
    "CellId",
    "CellLayout",
    "GoingRows",
    "KeptCell",
    "Mark",
    "NumberSummary",
    "Snapshot",
    "Statistics",
    "Summary",
    "TextSummary",
    "describe",
    "escape",
    "evidence_without",
    "is_of_nonces",
    "keep_by_cell",
    "keep_once",
    "let_through",
    "load_snapshot",
    "parse_block",
    "read_all_keys",
    "read_blocks",
    "read_cell",
    "read_file",
    "read_keys",
    "read_places",
    "read_snapshot",
    "read_some",
    "retained",
    "same_cells",
    "statistics_of",
    "summary_from_json",
    "summary_of_numbers",
    "summary_of_texts",
    "write_without",
]
