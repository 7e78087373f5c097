"""What a letter says: facts of the register, each under one name that templates use.

Nothing here is written anew: what a request, a certificate or a description does not have is None,
and a sentence that needs it is left out.
"""

from dataclasses import dataclass
from datetime import date

from lineage_store.requests import Controller


@dataclass(frozen=True)
class Proven:
    """What one certificate says of one person: their deletion, its day, and the rows."""

    deletion: str
    on: date
    rows: int
    receipt_handed_out: date | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts of a letter; `today` is its date, and `due` the last day by the law.

    `first_due` is the last day of the time that was not extended. `until` is when an approximate
    result is made exact, or a hold ends. `regime` is the law that the time is counted by.
    """

    request: str
    to: str | None
    today: date
    received: date
    due: date
    first_due: date
    regime: str
    controller: Controller
    extended: str | None = None
    doubt: str | None = None
    ground: str | None = None
    reason: str | None = None
    until: date | None = None
    proven: tuple[Proven, ...] = ()

    @property
    def rows(self) -> int:
        """The rows that were taken out, as the certificates say."""
        return sum(one.rows for one in self.proven)

    @property
    def receipts_spent(self) -> tuple[Proven, ...]:
        """The certificates whose receipts were handed out before."""
        return tuple(one for one in self.proven if one.receipt_handed_out is not None)
