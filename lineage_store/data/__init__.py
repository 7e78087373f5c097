"""What comes in: columns, and the records and blocks that are made of rows.

schema        the columns of a table by name and kind, and what some of them are for
record        rows on their way through the gate
columns       what the user says of a table's columns, and the header that must fit
keyed_blocks  the rows of a table in blocks, keyed; `keys_seen` counts the keys
csv_table     a table as text, and its columns as a model takes them, strictly
evidence      what some rows say of their columns, merged with what others say
inference     the schema of rows: kinds of columns, the task, the classes
typed_block   texts as values of a schema's columns, in bulk
number_text   numbers as text; `number_arrays` whole columns of them
row_weights   what rows count for
risk          how likely a row is to be withdrawn, by rules from its own text
source_ids    from row keys back to ids, with the source file
near_matches  ids that look like the same subject's
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.data.columns import (
        Columns,
        TableHeader,
        kinds_said,
        open_table,
        placed_by_row,
        read_headers,
    )
    from lineage_store.data.csv_table import (
        Table,
        read_table,
        tables_of,
    )
    from lineage_store.data.evidence import (
        Evidence,
    )
    from lineage_store.data.inference import (
        in_terms_of,
        infer,
    )
    from lineage_store.data.keyed_blocks import (
        read_blocks_of,
    )
    from lineage_store.data.near_matches import (
        ids_in,
        near_ids,
    )
    from lineage_store.data.number_text import (
        class_text,
        column_number,
        days_of,
        parse_number,
    )
    from lineage_store.data.record import (
        EVAL,
        KEYED,
        PLACE,
        ROW,
        SPLITS,
        TRAIN,
        UNLABELLED,
        Block,
        Record,
        in_blocks,
        records_in,
    )
    from lineage_store.data.risk import (
        parse_rules,
    )
    from lineage_store.data.row_weights import (
        Weighing,
    )
    from lineage_store.data.schema import (
        Column,
        Label,
        Roles,
        Schema,
        Task,
    )
    from lineage_store.data.source_ids import (
        SourceRow,
        rows_by_key,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "columns": (
                "Columns",
                "TableHeader",
                "kinds_said",
                "open_table",
                "placed_by_row",
                "read_headers",
            ),
            "csv_table": ("Table", "read_table", "tables_of"),
            "evidence": ("Evidence",),
            "inference": ("in_terms_of", "infer"),
            "keyed_blocks": ("read_blocks_of",),
            "near_matches": ("ids_in", "near_ids"),
            "number_text": ("class_text", "column_number", "days_of", "parse_number"),
            "record": (
                "EVAL",
                "KEYED",
                "PLACE",
                "ROW",
                "SPLITS",
                "TRAIN",
                "UNLABELLED",
                "Block",
                "Record",
                "in_blocks",
                "records_in",
            ),
            "risk": ("parse_rules",),
            "row_weights": ("Weighing",),
            "schema": ("Column", "Label", "Roles", "Schema", "Task"),
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
    "Block",
    "Column",
    "Columns",
    "Evidence",
    "Label",
    "Record",
    "Roles",
    "Schema",
    "SourceRow",
    "Table",
    "TableHeader",
    "Task",
    "Weighing",
    "class_text",
    "column_number",
    "days_of",
    "ids_in",
    "in_blocks",
    "in_terms_of",
    "infer",
    "kinds_said",
    "near_ids",
    "open_table",
    "parse_number",
    "parse_rules",
    "placed_by_row",
    "read_blocks_of",
    "read_headers",
    "read_table",
    "records_in",
    "rows_by_key",
    "tables_of",
]
