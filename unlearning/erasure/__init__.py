"""Deleted means gone: models and rows are taken away, and a scan proves it.

erase           the order of a deletion run, and its erasure
scan            searches every file of a workspace for what must be gone
tokens          which values give a row away, and how they may be written
file_formats    what files hold besides their own bytes
erased_digests  by which a copy of an erased file is found later
sealed_request  what a running deletion remembers, sealed
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.erasure.erased_digests import ended_digests
    from unlearning.erasure.scan import scan_apart
    from unlearning.erasure.sealed_request import OpenRequest, destroy_open, load_open, save_open
    from unlearning.erasure.tokens import row_tokens
else:
    __getattr__ = lazily(
        __name__,
        {
            "erased_digests": ("ended_digests",),
            "scan": ("scan_apart",),
            "sealed_request": ("OpenRequest", "destroy_open", "load_open", "save_open"),
            "tokens": ("row_tokens",),
        },
    )

__all__ = [
    "OpenRequest",
    "destroy_open",
    "ended_digests",
    "erase",
    "load_open",
    "row_tokens",
    "save_open",
    "scan_apart",
]
