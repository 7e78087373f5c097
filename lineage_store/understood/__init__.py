"""What was understood of a table, for whoever gave it: before a model is trained, and never kept.

column_watch   one column as its rows go by
table_watch    all columns, and whose rows they are
side_watch     who is learnt from and judged by
understanding  what is told of it all: kinds and why, people, classes by number
advice         what looks odd, each with the option that says otherwise

Nothing here decides anything of a model: it looks on while the gate reads. Values are told to the
terminal of who gave the table, if he asks, and else to nobody.
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.understood.side_watch import (
        SideWatch,
    )
    from lineage_store.understood.table_watch import (
        TableWatch,
        Watched,
    )
    from lineage_store.understood.understanding import (
        ColumnTold,
        Understanding,
        understanding_of,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "side_watch": ("SideWatch",),
            "table_watch": ("TableWatch", "Watched"),
            "understanding": ("ColumnTold", "Understanding", "understanding_of"),
        },
    )

__all__ = ["ColumnTold", "SideWatch", "TableWatch", "Understanding", "Watched", "understanding_of"]
