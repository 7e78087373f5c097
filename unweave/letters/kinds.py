"""Which letter a request is due, by what has become of it."""

from typing import Literal, get_args

from lineage_store.errors import BadInput
from lineage_store.rights import RESTRICTED, TO_BE_LIFTED, TO_BE_WEIGHED, WAITING_FOR_A_FEE, Right

Kind = Literal[
    "received",
    "more-needed",
    "cannot-identify",
    "fee",
    "extended",
    "held",
    "done",
    "approximate",
    "nothing-found",
    "refused",
    "restricted",
    "to-be-lifted",
    "lifted",
    "access",
    "portability",
    "rectified",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
LANGUAGES = ("en", "de")

# What does less than was asked names the reason, complaint and remedy (Article 12(4)).
OF_LESS: frozenset[Kind] = frozenset(
    {"cannot-identify", "fee", "held", "approximate", "refused", "to-be-lifted"}
)

_BY_STATE: dict[str, Kind] = {
    "more is needed": "more-needed",
    "cannot identify": "cannot-identify",
    "held": "held",
    WAITING_FOR_A_FEE: "fee",
    "done": "done",
    "nothing found": "nothing-found",
    "refused": "refused",
    RESTRICTED: "restricted",
    TO_BE_WEIGHED: "restricted",
    TO_BE_LIFTED: "to-be-lifted",
    "lifted": "lifted",
}
_WHEN_DONE: dict[Right, Kind] = {
    "access": "access",
    "portability": "portability",
    "rectification": "rectified",
}


def kind_due(state: str, *, extended: bool, approximate: bool, right: Right = "erasure") -> Kind:
    """Return the letter for a request in a state; raises BadInput where nobody is written to.

    `extended` says that its time was, `approximate` that the result is one of these still.
    """
    if state == "cancelled":
        raise BadInput("The request was taken back: there is nothing to answer.")
    if state == "done" and approximate:
        return "approximate"
    if state == "done" and right in _WHEN_DONE:
        return _WHEN_DONE[right]
    return _BY_STATE.get(state, "extended" if extended else "received")
