"""The signed proof of a deletion.

envelope       sealed, signed and verified
shape          which fields a statement has; `rules` that it must keep; `judgement` by both
statement      what it says
finish         the end of a run: certificate written, request closed, once
sealing        the files that a run's end leaves, for each person their own
log_inclusion  the request stood in the signed log before anything went
shared_run     one run for several people, a certificate for each
receipts       what opens a certificate's commitments, handed out once
opened         commitments to weights that are still there
moments        times that cannot be
spoken_of      whether a certificate is somebody's, by their receipt
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.certificates.envelope import verify
    from unlearning.certificates.finish import certify, forget_open_file
    from unlearning.certificates.judgement import judge
    from unlearning.certificates.log_inclusion import log_asked, log_taken_back
    from unlearning.certificates.moments import from_ahead, odd_moments
    from unlearning.certificates.opened import open_commitments
    from unlearning.certificates.receipts import hand_out, receipt_name, sweep_receipts
    from unlearning.certificates.sealing import seal_for_each
    from unlearning.certificates.spoken_of import read_receipt, why_not_of
    from unlearning.certificates.statement import KEPT
else:
    __getattr__ = lazily(
        __name__,
        {
            "envelope": ("verify",),
            "finish": ("certify", "forget_open_file"),
            "judgement": ("judge",),
            "log_inclusion": ("log_asked", "log_taken_back"),
            "moments": ("from_ahead", "odd_moments"),
            "opened": ("open_commitments",),
            "receipts": ("hand_out", "receipt_name", "sweep_receipts"),
            "sealing": ("seal_for_each",),
            "spoken_of": ("read_receipt", "why_not_of"),
            "statement": ("KEPT",),
        },
    )

__all__ = [
    "KEPT",
    "certify",
    "forget_open_file",
    "from_ahead",
    "hand_out",
    "judge",
    "log_asked",
    "log_taken_back",
    "odd_moments",
    "open_commitments",
    "read_receipt",
    "receipt_name",
    "seal_for_each",
    "sweep_receipts",
    "verify",
    "why_not_of",
]
