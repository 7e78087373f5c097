"""What a letter says: facts of the register, each under one name that templates use.

Nothing here is written anew: what a request, a certificate or a description does not have is None,
and a sentence that needs it is left out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from lineage_store.requests import Controller
from lineage_store.rights import Right

Receipt = Literal["enclosed", "handed out", "expired", "not enclosed"]


@dataclass(frozen=True, kw_only=True)
class Proven:
    """What one certificate says of one person: their deletion, its day, and the rows.

    `number` is that of its files in the pack, None if it is the only one. An `exact_since` day is
    that on which exact models took the place of approximate ones, by the deletion `exact_by`.
    `place` is the other workspace that it is of, whose folder of the pack has the files.
    """

    deletion: str
    on: date
    rows: int
    number: int | None
    receipt: Receipt
    handed_out: date | None = None
    exact_by: str | None = None
    exact_since: date | None = None
    place: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON; days are ISO 8601."""
        days = ("on", "handed_out", "exact_since")
        told = asdict(self)
        return told | {name: told[name] and told[name].isoformat() for name in days}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Proven":
        """Read what `to_json` wrote."""
        days = ("on", "handed_out", "exact_since")
        read = {name: told[name] and date.fromisoformat(told[name]) for name in days}
        return cls(**{**told, **read})


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """What became of a request in another workspace, in which it was filed, too: the `place`.

    `outcome` is how it ended there. All else is as of `Facts`.
    """

    place: str
    request: str
    outcome: str
    found: int | None = None
    alike: str | None = None
    exact: bool = False
    approximate: bool = False
    until: date | None = None
    proven: tuple[Proven, ...] = ()

    @property
    def rows(self) -> int:
        """The rows that were taken out there, as the certificates say."""
        return sum(one.rows for one in self.proven)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON; days are ISO 8601."""
        until = None if self.until is None else self.until.isoformat()
        return asdict(self) | {"until": until, "proven": [one.to_json() for one in self.proven]}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Elsewhere":
        """Read what `to_json` wrote."""
        until = told["until"] and date.fromisoformat(told["until"])
        proven = tuple(Proven.from_json(one) for one in told["proven"])
        return cls(**{**told, "until": until, "proven": proven})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts of a letter; `today` is its date, and `due` the last day by the law.

    `first_due` is the last day of the time that was not extended. `until` is when an approximate
    result is made exact, or a hold ends. `regime` is the law that the time is counted by. `asked`
    counts what was named, of a `kind` (subject or row), and `found` what there were data of.
    `alike` says what of other spellings there was. `exact` is true where that is shown for every
    model, and `enclosed` where the certificates go with the letter. `right` is what the request
    invokes, on a `ground`, which of a refusal is that of the refusal; a `fee` is an amount; an
    objection may be against `marketing`. What is restricted is so `since` a day: models carry it
    (`carried`), or it was taken out of them (`kept`); `lifts_on` and `because` say of its end.
    `held` are the rows that are sent, some of them `joint`. `recipients` are named ones who have
    something of the person's, and `unconfirmed` places that have not confirmed that they serve the
    new models. `elsewhere` is what became of it in other workspaces that the letter answers for.
    """

    request: str
    to: str | None
    today: date
    received: date
    due: date
    first_due: date
    regime: str
    controller: Controller
    kind: str = "subject"
    asked: int = 1
    found: int | None = None
    alike: str | None = None
    exact: bool = False
    enclosed: bool = False
    extended: str | None = None
    doubt: str | None = None
    fee: str | None = None
    ground: str | None = None
    reason: str | None = None
    until: date | None = None
    proven: tuple[Proven, ...] = ()
    right: Right = "erasure"
    marketing: bool = False
    since: date | None = None
    carried: bool = False
    kept: bool = False
    lifts_on: date | None = None
    because: str | None = None
    ended: date | None = None
    held: int = 0
    joint: bool = False
    recipients: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def late(self) -> bool:
        """Whether the last day by the law has passed."""
        return self.today > self.due

    @property
    def missing(self) -> int:
        """Of how many that were named there were no data; 0 if that is not known."""
        return 0 if self.found is None else max(0, self.asked - self.found)

    @property
    def rows(self) -> int:
        """The rows that were taken out, as the certificates say."""
        return sum(one.rows for one in self.proven)
