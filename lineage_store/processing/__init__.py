"""What models and people's data are used for: the record of processing (Article 30 GDPR).

named_models  under what name models are served, and what they are for
retention   until when versions of named models are kept
named_recipients  whom data or models were given to, and who of them was told
recipients  where models were pushed that held deleted rows
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.processing.named_models import (
        NamedModel,
        SaidOfModel,
        find_named,
        live_by_line,
        load_named,
        model_of_name,
        named_by,
        names_of_lines,
        save_named,
        serve_names,
    )
    from lineage_store.processing.named_recipients import (
        Recipient,
        changed,
        load_recipients,
        save_recipients,
        with_one_more,
    )
    from lineage_store.processing.retention import KeptUntil, kept_until
else:
    __getattr__ = lazily(
        __name__,
        {
            "named_models": (
                "NamedModel",
                "SaidOfModel",
                "find_named",
                "live_by_line",
                "load_named",
                "model_of_name",
                "named_by",
                "names_of_lines",
                "save_named",
                "serve_names",
            ),
            "named_recipients": (
                "Recipient",
                "changed",
                "load_recipients",
                "save_recipients",
                "with_one_more",
            ),
            "retention": ("KeptUntil", "kept_until"),
        },
    )

__all__ = [
    "KeptUntil",
    "NamedModel",
    "Recipient",
    "SaidOfModel",
    "changed",
    "find_named",
    "kept_until",
    "live_by_line",
    "load_named",
    "load_recipients",
    "model_of_name",
    "named_by",
    "names_of_lines",
    "recipients",
    "save_named",
    "save_recipients",
    "serve_names",
    "with_one_more",
]
