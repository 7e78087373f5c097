"""Which letter a request is due, by what has become of it."""

from typing import Literal, get_args

from lineage_store.errors import BadInput

Kind = Literal[
    "received",
    "more-needed",
    "cannot-identify",
    "extended",
    "held",
    "done",
    "approximate",
    "nothing-found",
    "refused",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
LANGUAGES = ("en", "de")

# What erasure may be refused for: Article 17(3), and requests that are manifestly unfounded or
# excessive, in particular because they are repeated (Article 12(5)(b)).
GROUNDS = ("17(3)(a)", "17(3)(b)", "17(3)(c)", "17(3)(d)", "17(3)(e)", "12(5)(b)")

# What does less than was asked names the reason, complaint and remedy (Article 12(4)).
OF_LESS: frozenset[Kind] = frozenset({"cannot-identify", "held", "approximate", "refused"})

_BY_STATE: dict[str, Kind] = {
    "more is needed": "more-needed",
    "cannot identify": "cannot-identify",
    "held": "held",
    "done": "done",
    "nothing found": "nothing-found",
    "refused": "refused",
}


def kind_due(state: str, *, extended: bool, approximate: bool) -> Kind:
    """Return the letter for a request in a state; raises BadInput where nobody is written to.

    `extended` says that its time was, `approximate` that the result is one of these still.
    """
    if state == "cancelled":
        raise BadInput("The request was taken back: there is nothing to answer.")
    if state == "done" and approximate:
        return "approximate"
    return _BY_STATE.get(state, "extended" if extended else "received")
