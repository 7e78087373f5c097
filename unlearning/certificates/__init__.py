"""The signed proof of a deletion.

envelope       sealed, signed and verified
statement      what it says
finish         the end of a run: certificate written, request closed, once
log_inclusion  the request stood in the signed log before anything went
shared_run     one run for several people, a certificate for each
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.certificates.envelope import check_claims, verify
    from unlearning.certificates.finish import certify, forget_open_file
    from unlearning.certificates.log_inclusion import check_opening, log_asked, log_taken_back
    from unlearning.certificates.shared_run import check_place
else:
    __getattr__ = lazily(
        __name__,
        {
            "envelope": ("check_claims", "verify"),
            "finish": ("certify", "forget_open_file"),
            "log_inclusion": ("check_opening", "log_asked", "log_taken_back"),
            "shared_run": ("check_place",),
        },
    )

__all__ = [
    "certify",
    "check_claims",
    "check_opening",
    "check_place",
    "forget_open_file",
    "log_asked",
    "log_taken_back",
    "verify",
]
