"""The append-only event log, which an auditor can check.

events  appended, signed and verified; `kinds` what unweave logs
merkle  trees as Certificate Transparency builds them; `subtrees` the log's own, as it is kept
proofs  of inclusion and consistency, to be checked offline
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.log.events import ORIGIN, LogConnection, TreeHead
    from lineage_store.log.kinds import (
        KINDS,
        DeletionAsked,
        DeletionTakenBack,
        EvidenceDrawn,
        ModelMade,
        RowsDeleted,
        of_kind,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "events": ("LogConnection", "ORIGIN", "TreeHead"),
            "kinds": (
                "KINDS",
                "DeletionAsked",
                "DeletionTakenBack",
                "EvidenceDrawn",
                "ModelMade",
                "RowsDeleted",
                "of_kind",
            ),
        },
    )

__all__ = [
    "KINDS",
    "ORIGIN",
    "DeletionAsked",
    "DeletionTakenBack",
    "EvidenceDrawn",
    "LogConnection",
    "ModelMade",
    "RowsDeleted",
    "TreeHead",
    "events",
    "merkle",
    "of_kind",
    "proofs",
    "subtrees",
]
