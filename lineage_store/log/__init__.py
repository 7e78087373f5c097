"""The append-only event log, which an auditor can check.

events  appended, signed and verified; `kinds` what unweave logs, `desk_kinds` what is done at the
        desk; `event_kind` what all have in common
merkle  trees as Certificate Transparency builds them; `subtrees` the log's own, as it is kept
clock_went_back  where its times do, and who said what to that
proofs  of inclusion and consistency, to be checked offline
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.log.clock_went_back import (
        SAY_WHICH,
        ClockJump,
        clock_jumps,
        explain_jump,
        open_jumps,
    )
    from lineage_store.log.desk_kinds import (
        AnswerFetched,
        AnswerSent,
        LetterMailed,
        NamesShown,
        OwnLinkMade,
        PersonLookedUp,
        RunAsked,
        SettingChanged,
        SignedIn,
        SignInRefused,
        TokenEnded,
        TokenMade,
        UserAdded,
        UserEnded,
        UserInvitedAgain,
        WebhookEnded,
        WebhookMade,
    )
    from lineage_store.log.event_kind import fields_of
    from lineage_store.log.events import ORIGIN, LogConnection, TreeHead
    from lineage_store.log.kinds import (
        KINDS,
        DeletionAsked,
        DeletionTakenBack,
        EvidenceDrawn,
        LineServed,
        ModelMade,
        ModelRetired,
        RowsDeleted,
        of_kind,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "clock_went_back": (
                "ClockJump",
                "SAY_WHICH",
                "clock_jumps",
                "explain_jump",
                "open_jumps",
            ),
            "desk_kinds": (
                "AnswerFetched",
                "AnswerSent",
                "LetterMailed",
                "NamesShown",
                "OwnLinkMade",
                "PersonLookedUp",
                "RunAsked",
                "SettingChanged",
                "SignInRefused",
                "SignedIn",
                "TokenEnded",
                "TokenMade",
                "UserAdded",
                "UserEnded",
                "UserInvitedAgain",
                "WebhookEnded",
                "WebhookMade",
            ),
            "event_kind": ("fields_of",),
            "events": ("LogConnection", "ORIGIN", "TreeHead"),
            "kinds": (
                "KINDS",
                "DeletionAsked",
                "DeletionTakenBack",
                "EvidenceDrawn",
                "LineServed",
                "ModelMade",
                "ModelRetired",
                "RowsDeleted",
                "of_kind",
            ),
        },
    )

__all__ = [
    "KINDS",
    "ORIGIN",
    "SAY_WHICH",
    "AnswerFetched",
    "AnswerSent",
    "ClockJump",
    "DeletionAsked",
    "DeletionTakenBack",
    "EvidenceDrawn",
    "LetterMailed",
    "LineServed",
    "LogConnection",
    "ModelMade",
    "ModelRetired",
    "NamesShown",
    "OwnLinkMade",
    "PersonLookedUp",
    "RowsDeleted",
    "RunAsked",
    "SettingChanged",
    "SignInRefused",
    "SignedIn",
    "TokenEnded",
    "TokenMade",
    "TreeHead",
    "UserAdded",
    "UserEnded",
    "UserInvitedAgain",
    "WebhookEnded",
    "WebhookMade",
    "clock_jumps",
    "events",
    "explain_jump",
    "fields_of",
    "merkle",
    "of_kind",
    "open_jumps",
    "proofs",
    "subtrees",
]
