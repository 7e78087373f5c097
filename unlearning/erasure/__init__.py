"""Deleted means gone: models and rows are taken away, and a scan proves it.

erase           the order of a deletion run, and its erasure
retired         the end of a model that nobody asked to be deleted
scan            searches every file of a workspace for what must be gone
entries         what lies in a folder: names, links, attributes and files
left_out        ids that what stays has too, and who decides on them
residues        what was found is told, before the run if it can be known then
tokens          which values give a row away
spellings       how a text may be written
matcher         finds many patterns at once
contents        bytes that may stand in a file, or in something within it
packed_streams  what is packed, wherever it begins
file_formats    what stands within a content, by its format
tables          the values of databases and tables
search          one file, and all that is in it
erased_digests  by which a copy of an erased file is found later
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.erasure.erased_digests import digests_served, ended_digests, lengths_of
    from unlearning.erasure.left_out import LeftOut, find_left_out, must_be_decided
    from unlearning.erasure.residues import look_before
    from unlearning.erasure.retired import finish_retired, must_be_retirable, retire, retire_over
    from unlearning.erasure.scan import scan_apart
    from unlearning.erasure.tokens import row_tokens
else:
    __getattr__ = lazily(
        __name__,
        {
            "erased_digests": ("digests_served", "ended_digests", "lengths_of"),
            "left_out": ("LeftOut", "find_left_out", "must_be_decided"),
            "residues": ("look_before",),
            "retired": ("finish_retired", "must_be_retirable", "retire", "retire_over"),
            "scan": ("scan_apart",),
            "tokens": ("row_tokens",),
        },
    )

__all__ = [
    "LeftOut",
    "digests_served",
    "ended_digests",
    "erase",
    "find_left_out",
    "finish_retired",
    "lengths_of",
    "look_before",
    "must_be_decided",
    "must_be_retirable",
    "retire",
    "retire_over",
    "row_tokens",
    "scan_apart",
]
