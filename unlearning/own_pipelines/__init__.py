"""Forgetting from a pipeline of somebody's own, without TFX: what is decided, shown and signed.

own_asked    who is to be forgotten, and under what the manifest knows them
going_rows   whose rows go, in which shards they lie, and by what they would be recognised
own_request  the request as it is recorded before anything is changed, and found again after a kill
own_checks   what must hold of the run without them, and must not of the one before
own_scan     the folders in which nothing of them may be left
own_proof    the certificate, in the form that every deletion has
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.own_pipelines.going_rows import GoingOwnRows, find_own_rows
    from unlearning.own_pipelines.own_asked import OwnAsked
    from unlearning.own_pipelines.own_checks import Gated, check_own, must_hold, shard_verbs
    from unlearning.own_pipelines.own_proof import (
        OwnChange,
        OwnModel,
        certify_own,
        published_state,
    )
    from unlearning.own_pipelines.own_request import OwnRequest, open_own, resume_own
    from unlearning.own_pipelines.own_scan import OwnFolders, scan_own, values_elsewhere
else:
    __getattr__ = lazily(
        __name__,
        {
            "going_rows": ("GoingOwnRows", "find_own_rows"),
            "own_asked": ("OwnAsked",),
            "own_checks": ("Gated", "check_own", "must_hold", "shard_verbs"),
            "own_proof": ("OwnChange", "OwnModel", "certify_own", "published_state"),
            "own_request": ("OwnRequest", "open_own", "resume_own"),
            "own_scan": ("OwnFolders", "scan_own", "values_elsewhere"),
        },
    )

__all__ = [
    "Gated",
    "GoingOwnRows",
    "OwnAsked",
    "OwnChange",
    "OwnFolders",
    "OwnModel",
    "OwnRequest",
    "certify_own",
    "check_own",
    "find_own_rows",
    "must_hold",
    "open_own",
    "published_state",
    "resume_own",
    "scan_own",
    "shard_verbs",
    "values_elsewhere",
]
