"""The rights of a person besides erasure: which there are, and how one that was invoked stands.

articles   the rights by name, the grounds of each, for what each may be refused, and how it ends
invoked    what a request invokes, and what has become of that
"""

from lineage_store.rights.articles import (
    ENDS,
    EVERY_END,
    EVERY_REFUSAL,
    GROUNDS,
    MARKETING,
    RIGHTS,
    TAKEN_BACK,
    Right,
    grounds_to_refuse,
    must_be_ground,
)
from lineage_store.rights.invoked import (
    ERASURE,
    RESTRICTED,
    TO_BE_ANSWERED,
    TO_BE_CORRECTED,
    TO_BE_LIFTED,
    TO_BE_RESTRICTED,
    TO_BE_WEIGHED,
    WAITING_FOR_A_FEE,
    Invoked,
)

__all__ = [
    "ENDS",
    "ERASURE",
    "EVERY_END",
    "EVERY_REFUSAL",
    "GROUNDS",
    "MARKETING",
    "RESTRICTED",
    "RIGHTS",
    "TAKEN_BACK",
    "TO_BE_ANSWERED",
    "TO_BE_CORRECTED",
    "TO_BE_LIFTED",
    "TO_BE_RESTRICTED",
    "TO_BE_WEIGHED",
    "WAITING_FOR_A_FEE",
    "Invoked",
    "Right",
    "grounds_to_refuse",
    "must_be_ground",
]
