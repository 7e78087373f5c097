"""A visit: who asks for a page, and what they sent with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lineage_store.errors import BadInput
from unweave.web.accounts.users import User

LONGEST_TEXT = 20_000  # characters of one field


@dataclass(frozen=True)
class Form:
    """What a form sent: the values of each field, in their order, and files by field."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a field without white space at its ends; raises BadInput if it is missing."""
        found = self.maybe(name)
        if found is None:
            raise FieldMissing(name)
        return found

    def maybe(self, name: str) -> str | None:
        """Return a field, or None where it is missing or empty."""
        given = self.values.get(name, ())
        if len(given) > 1:
            raise BadInput("A field was sent twice.")
        found = given[0].strip() if given else ""
        if len(found) > LONGEST_TEXT:
            raise BadInput(f"A field holds more than {LONGEST_TEXT:,} characters.")
        return found or None

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a field."""
        return self.values.get(name, ())

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the lines of a field that are not empty, as a browser breaks them.

        Not by `splitlines`: an id that holds another separator would become the ids of two others.
        """
        lines = self.text(name).replace("\r\n", "\n").split("\n")
        return tuple(line.strip() for line in lines if line.strip())

    def ticked(self, name: str) -> bool:
        """Say whether a box was ticked."""
        return bool(self.values.get(name))


class FieldMissing(BadInput):
    """A form was sent without a field that it needs; the page says at which."""

    def __init__(self, name: str) -> None:
        super().__init__("Something is missing in the form.")
        self.name = name


@dataclass(frozen=True)
class Visit:
    """One request for a page: by whom, with what in its address, and with which form.

    `user` is None of who is not signed in. `token` is what a form of this page must send back,
    `own` the cookie of whoever sees a request of their own. `named` is whom a proxy says that it
    signed in, where it does that. What another site `led_here` comes without the desk's cookie.
    """

    user: User | None
    named: User | None = None
    led_here: bool = False
    token: str = ""
    cookie: str | None = None
    own: str | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Form = field(default_factory=Form)

    @property
    def who(self) -> User:
        """Who is signed in; the matrix let them in."""
        assert self.user is not None
        return self.user
