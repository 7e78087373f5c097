"""The rights that a request may invoke, as the GDPR has them (Regulation (EU) 2016/679).

erasure        Article 17(1): "the right to obtain from the controller the erasure of personal data
               concerning him or her without undue delay", where one of the grounds (a) to (f)
               applies, and as far as none of 17(3) does
withdrawal     Article 7(3): "the right to withdraw his or her consent at any time", which is the
               ground 17(1)(b) for erasure
access         Article 15(1), (2) and, for the copy, (3), which "shall not adversely affect the
               rights and freedoms of others" (15(4))
portability    Article 20(1): "personal data concerning him or her, which he or she has provided to
               a controller, in a structured, commonly used and machine-readable format", where
               processing is by consent or contract and by automated means; 20(4) as 15(4)
rectification  Article 16: "rectification of inaccurate personal data concerning him or her"
restriction    Article 18(1), where one of (a) to (d) applies. Restricted data "shall, with the
               exception of storage, only be processed with the data subject's consent or for the
               establishment, exercise or defence of legal claims or for the protection of the
               rights of another natural or legal person" or for public interest (18(2)), and the
               person "shall be informed by the controller before the restriction of processing is
               lifted" (18(3))
objection      Article 21(1): the controller "shall no longer process the personal data unless the
               controller demonstrates compelling legitimate grounds"; pending that, restriction
               (18(1)(d)); upheld, erasure (17(1)(c)). Against direct marketing (21(2)) nothing is
               weighed: "the personal data shall no longer be processed for such purposes" (21(3)).
               21(6): research and statistics, "unless the processing is necessary for the
               performance of a task carried out for reasons of public interest"
"""

from collections.abc import Mapping
from typing import Literal, get_args

from lineage_store.errors import BadInput

Right = Literal[
    "erasure", "withdrawal", "access", "portability", "rectification", "restriction", "objection"
]
RIGHTS: tuple[Right, ...] = get_args(Right)
MARKETING = "21(2)"

GROUNDS: Mapping[Right, tuple[str, ...]] = {
    "erasure": tuple(f"17(1)({letter})" for letter in "abcdef"),
    "withdrawal": ("17(1)(b)",),
    "access": (),
    "portability": (),
    "rectification": (),
    "restriction": tuple(f"18(1)({letter})" for letter in "abcd"),
    "objection": ("21(1)", MARKETING, "21(6)"),
}
# What holds where nothing else was said; a restriction's must be said, since its end follows.
USUAL: Mapping[Right, str] = {"withdrawal": "17(1)(b)", "objection": "21(1)"}

# "Where requests [...] are manifestly unfounded or excessive, in particular because of their
# repetitive character, the controller may either: (a) charge a reasonable fee taking into account
# the administrative costs [...]; or (b) refuse to act on the request" (12(5)), and has to show it.
EXCESSIVE = "12(5)(b)"
EXCEPTIONS = tuple(f"17(3)({letter})" for letter in "abcde")
REFUSALS: Mapping[Right, tuple[str, ...]] = {
    "erasure": EXCEPTIONS,
    "withdrawal": EXCEPTIONS,
    "access": ("15(4)",),
    "portability": ("20(1)", "20(3)", "20(4)"),
    "rectification": ("16",),
    "restriction": ("18(1)",),
    "objection": ("21(1)", "21(6)", *EXCEPTIONS),
}

# How each ground of a restriction ends, but by the person, who may take it back at any time.
TAKEN_BACK = "taken back"
ENDS: Mapping[str, tuple[str, ...]] = {
    "18(1)(a)": ("verified", "corrected"),  # "for a period enabling the controller to verify"
    "18(1)(b)": ("lawful", "consent"),  # it was unlawful, and erasure was opposed
    "18(1)(c)": ("claims over",),  # required "for ... legal claims"
    "18(1)(d)": ("overridden",),  # "pending the verification whether the legitimate grounds ..."
    "21(1)": ("overridden",),
    "21(6)": ("overridden",),
}
EVERY_REFUSAL = tuple(
    dict.fromkeys((*EXCEPTIONS, EXCESSIVE, *(one for of in REFUSALS.values() for one in of)))
)
EVERY_END = tuple(dict.fromkeys((*(one for of in ENDS.values() for one in of), TAKEN_BACK)))


def must_be_ground(right: str, ground: str | None) -> str | None:
    """Return the ground of a right: the one given, or the one that holds where none was.

    Raises BadInput for a right or a ground that there is not, and for a restriction without one.
    """
    if right not in RIGHTS:
        raise BadInput(f"There is no right called {right!r}; there are {', '.join(RIGHTS)}.")
    known = GROUNDS[right]
    if ground is None:
        if right == "restriction":
            raise BadInput(
                f"A restriction names its ground, since its end follows from that: one of "
                f"{', '.join(known)}."
            )
        return USUAL.get(right)
    if ground not in known:
        which = f"one of {', '.join(known)}" if known else "none that is named"
        raise BadInput(f"The ground of {right} is {which}.")
    return ground


def grounds_to_refuse(right: Right) -> tuple[str, ...]:
    """Return the articles for which a right may be refused."""
    return (*REFUSALS[right], EXCESSIVE)
