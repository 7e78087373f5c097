"""The one gate for data: sources, inference, and the snapshots that come out.

schema        the columns of a table by name and kind, and what some of them are for
gate          lets records through once: checked, keyed, typed
snapshot      what it wrote, and how it is read back; `snapshot_blocks` reads it by columns
source        where rows come from: a table of text; `csv_file` one that is a CSV file
csv_source    the records of a table, keyed
csv_table     a CSV file as text, and its columns as a model takes them
inference     the schema of rows: kinds of columns, the task, the classes
number_text   numbers as text
column_summary  what a column holds, in summation form; `column_statistics` tells it as TFX does
risk          how likely a row is to be withdrawn, by rules from its own text
source_ids    from row keys back to ids, with the source file
near_matches  ids that look like the same subject's
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.data.column_statistics import Statistics, Summary, statistics_of
    from lineage_store.data.column_summary import (
        NumberSummary,
        TextSummary,
        summary_of_numbers,
        summary_of_texts,
    )
    from lineage_store.data.csv_source import (
        Columns,
        TableHeader,
        read_headers,
        read_records,
    )
    from lineage_store.data.csv_table import Table, read_table
    from lineage_store.data.gate import infer, let_through
    from lineage_store.data.inference import in_terms_of
    from lineage_store.data.near_matches import ids_in, near_ids
    from lineage_store.data.number_text import class_text, column_number, parse_number
    from lineage_store.data.risk import parse_rules
    from lineage_store.data.schema import Column, Kind, Label, Roles, Schema, Task
    from lineage_store.data.snapshot import (
        EVAL,
        KEYED,
        PLACE,
        ROW,
        SPLITS,
        TRAIN,
        UNLABELLED,
        Record,
        Snapshot,
        describe,
        escape,
        load_snapshot,
        read_keys,
        read_places,
        read_snapshot,
        retained,
    )
    from lineage_store.data.snapshot_blocks import read_blocks
    from lineage_store.data.source import open_source
    from lineage_store.data.source_ids import SourceRow, rows_by_key
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
            "csv_source": ("Columns", "TableHeader", "read_headers", "read_records"),
            "csv_table": ("Table", "read_table"),
            "gate": ("infer", "let_through"),
            "inference": ("in_terms_of",),
            "near_matches": ("ids_in", "near_ids"),
            "number_text": ("class_text", "column_number", "parse_number"),
            "risk": ("parse_rules",),
            "schema": ("Column", "Kind", "Label", "Roles", "Schema", "Task"),
            "snapshot": (
                "EVAL",
                "KEYED",
                "PLACE",
                "ROW",
                "Record",
                "SPLITS",
                "Snapshot",
                "TRAIN",
                "UNLABELLED",
                "describe",
                "escape",
                "load_snapshot",
                "read_keys",
                "read_places",
                "read_snapshot",
                "retained",
            ),
            "snapshot_blocks": ("read_blocks",),
            "source": ("open_source",),
            "source_ids": ("SourceRow", "rows_by_key"),
        },
    )

__all__ = [
    "EVAL",
    "KEYED",
    "PLACE",
    "ROW",
    "SPLITS",
    "TRAIN",
    "UNLABELLED",
    "Column",
    "Columns",
    "Kind",
    "Label",
    "NumberSummary",
    "Record",
    "Roles",
    "Schema",
    "Snapshot",
    "SourceRow",
    "Statistics",
    "Summary",
    "Table",
    "TableHeader",
    "Task",
    "TextSummary",
    "class_text",
    "column_number",
    "describe",
    "escape",
    "ids_in",
    "in_terms_of",
    "infer",
    "let_through",
    "load_snapshot",
    "near_ids",
    "open_source",
    "parse_number",
    "parse_rules",
    "read_blocks",
    "read_headers",
    "read_keys",
    "read_places",
    "read_records",
    "read_snapshot",
    "read_table",
    "retained",
    "rows_by_key",
    "statistics_of",
    "summary_of_numbers",
    "summary_of_texts",
]
