"""The kinds of events of the desk: who may use it, who did, who read names, what was sent.

They are appended by the desk itself, which cannot sign; the next command signs a head with them in
it. `user` and `by` are numbers of the staff, as in all events.
"""

from dataclasses import dataclass

from lineage_store.log.event_kind import EventKind


@dataclass(frozen=True)
class UserAdded(EventKind):
    """Somebody may use the desk from now on, in a role."""

    name = "user added"

    user: str
    role: str
    by: str | None = None


@dataclass(frozen=True)
class UserInvitedAgain(EventKind):
    """Somebody sets password and second factor anew, by a new link: what they had is void."""

    name = "user invited again"

    user: str
    by: str | None = None


@dataclass(frozen=True)
class UserEnded(EventKind):
    """Somebody may not use the desk any more."""

    name = "user ended"

    user: str
    by: str | None = None


@dataclass(frozen=True)
class TokenMade(EventKind):
    """A program may use the desk by a token, in a role, to the end of a day."""

    name = "token made"

    token: str
    user: str
    role: str
    until: str
    by: str


@dataclass(frozen=True)
class TokenEnded(EventKind):
    """A token is taken no more."""

    name = "token ended"

    token: str
    user: str
    by: str


@dataclass(frozen=True)
class SignedIn(EventKind):
    """Somebody signed in at the desk."""

    name = "signed in"

    by: str


@dataclass(frozen=True)
class SignInRefused(EventKind):
    """Too often somebody tried to sign in as one of the users: for a while nobody can."""

    name = "sign-in refused"

    user: str


@dataclass(frozen=True)
class NamesShown(EventKind):
    """Somebody read the names that a request keeps; `because` is one of the desk's reasons."""

    name = "names shown"

    request: str
    because: str
    by: str


@dataclass(frozen=True)
class PersonLookedUp(EventKind):
    """Somebody looked up in which models a person has rows: why, and not whom."""

    name = "person looked up"

    because: str
    by: str


@dataclass(frozen=True)
class RunAsked(EventKind):
    """Somebody had the desk start what is due."""

    name = "run asked"

    by: str


@dataclass(frozen=True)
class AnswerSent(EventKind):
    """Somebody says that the answer to a request was sent to the person."""

    name = "answer sent"

    request: str
    by: str


@dataclass(frozen=True)
class OwnLinkMade(EventKind):
    """Somebody made a link by which the person of a request sees how it stands."""

    name = "own link made"

    request: str
    by: str


@dataclass(frozen=True)
class AnswerFetched(EventKind):
    """By the link of a request, what was sent to its person was fetched."""

    name = "answer fetched"

    request: str


@dataclass(frozen=True)
class WebhookMade(EventKind):
    """Another system is told from now on what happens to requests, by their numbers."""

    name = "webhook made"

    webhook: str
    by: str


@dataclass(frozen=True)
class WebhookEnded(EventKind):
    """A webhook is told nothing any more."""

    name = "webhook ended"

    webhook: str
    by: str


@dataclass(frozen=True)
class SettingChanged(EventKind):
    """Somebody changed a setting of the desk: which, and not what it is."""

    name = "setting changed"

    setting: str
    by: str


@dataclass(frozen=True)
class LetterMailed(EventKind):
    """What was written of a request was taken by the server for mail; `by` had it sent."""

    name = "letter mailed"

    request: str
    by: str


DESK_KINDS: tuple[type[EventKind], ...] = (
    UserAdded,
    UserInvitedAgain,
    UserEnded,
    TokenMade,
    TokenEnded,
    SignedIn,
    SignInRefused,
    NamesShown,
    PersonLookedUp,
    RunAsked,
    AnswerSent,
    OwnLinkMade,
    AnswerFetched,
    WebhookMade,
    WebhookEnded,
    SettingChanged,
    LetterMailed,
)
