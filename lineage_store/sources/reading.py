"""How a table is to be read, as far as a user says it; what he leaves open its first bytes tell."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lineage_store.errors import BadInput
from lineage_store.sources.number_spelling import SIGNS, NumberSpelling

NO_QUOTE = "none"
QUOTES = ('"', "'", NO_QUOTE)
DELIMITERS = {"tab": "\t", "\\t": "\t", "space": " "}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is said of a CSV file; None and nothing are what is not said.

    `header` is whether its first line has the names of the columns, `columns` are the names of one
    without. `decimal` and `thousands` are signs in its numbers. `named` are columns that whoever
    asks knows to be there: a first line that has them all is one of names. `ids` are those whose
    texts are no numbers, however they look.
    """

    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header: bool | None = None
    columns: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    named: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raise BadInput for what cannot be, or does not go together."""
        for name, words in (("delimiter", DELIMITERS), ("decimal", SIGNS), ("thousands", SIGNS)):
            value = getattr(self, name)
            object.__setattr__(self, name, words.get(value, value))
        if self.delimiter is not None and not _may_delimit(self.delimiter):
            raise BadInput("A `delimiter` is one ASCII character, or the word tab or space.")
        if self.quote not in (None, *QUOTES):
            raise BadInput(f"A `quote` is one of {' '.join(QUOTES)}.")
        if self.encoding is not None:
            _must_be_of_text(self.encoding)
        if self.columns and self.header:
            raise BadInput("`columns` are the names of a table without a `header`: give one.")
        if len(set(self.columns)) < len(self.columns):
            raise BadInput("A name stands twice in `columns`: each column has one of its own.")
        if self.decimal not in (".", ","):
            raise BadInput("A `decimal` sign is a point or a comma.")
        if self.thousands not in ("", *SIGNS.values()) or self.thousands == self.decimal:
            raise BadInput(
                "The sign between `thousands` is a comma, a point, a space or an apostrophe, and "
                "not the `decimal` one."
            )

    @property
    def numbers(self) -> NumberSpelling:
        """How the table spells its numbers."""
        return NumberSpelling(self.decimal, self.thousands)

    def knowing(self, named: Iterable[str | None], *, ids: Iterable[str | None] = ()) -> "Reading":
        """Return the same with names of columns that are known to be there, and which are ids."""
        known, own = (frozenset(name for name in some if name is not None) for some in (named, ids))
        return replace(self, named=known, ids=own)

    @property
    def says(self) -> tuple[str, ...]:
        """What of it is said, by the names of the fields."""
        names = ("delimiter", "quote", "encoding", "header", "columns", "decimal", "thousands")
        return tuple(name for name in names if getattr(self, name) != getattr(AS_IT_IS, name))


AS_IT_IS = Reading()


def _may_delimit(sign: str) -> bool:
    return len(sign) == 1 and sign.isascii() and sign not in "\"'\r\n"


def _must_be_of_text(encoding: str) -> None:
    try:
        known = "a".encode(encoding).decode(encoding) == "a"
    except (LookupError, UnicodeError, ValueError):
        known = False
    if not known:
        raise BadInput(
            f"There is no encoding {encoding!r} of text: give one such as utf-8, latin-1, "
            f"cp1252 or utf-16."
        )
