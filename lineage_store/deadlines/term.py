"""One request's clock: when it came, what stopped or extended it, and by when it is due.

It runs from the day of receipt, not from the day on which somebody typed the request in. It stops,
where the law has that, from the day on which more was asked for, because of a reasonable doubt who
the person is (GDPR, Article 12(6)), to the day on which that came: those days are added to the end.
Who cannot be identified at all is told so (Article 11(2)), and may say more. It may be extended
once, to the regime's longer period, if the person is told within the first (Article 12(3)).

To answer by the last day is a limit and no aim: an answer is due without undue delay, so the days
that a request is open are told beside it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from lineage_store.deadlines.regime import Regime
from lineage_store.deadlines.working_days import NO_HOLIDAYS, Holidays
from lineage_store.errors import BadInput

Standing = Literal["more is needed", "cannot identify"]
MORE_IS_NEEDED: Standing = "more is needed"
CANNOT_IDENTIFY: Standing = "cannot identify"


@dataclass(frozen=True)
class Stop:
    """A request could not be gone on with from a day on, and why, to a day if that has come.

    The clock stands only where more was `asked` for: who is told that nobody can tell who they are
    was asked for nothing.
    """

    since: str
    why: Standing = MORE_IS_NEEDED
    until: str | None = None
    asked: bool = True

    def days(self, today: str) -> int:
        """Return for how many days that was."""
        return (date.fromisoformat(self.until or today) - date.fromisoformat(self.since)).days


@dataclass(frozen=True)
class Extension:
    """The period was extended, on a day, for one of the reasons that the law names."""

    on: str
    because: str


@dataclass(frozen=True)
class Term:
    """What happened to a request's clock; days are ISO 8601."""

    received: str
    regime: str
    stops: tuple[Stop, ...] = ()
    extension: Extension | None = None

    @property
    def standing(self) -> Standing | None:
        """Why the request stands: more was asked for and has not come, or nobody can tell whose."""
        if not self.stops or self.stops[-1].until is not None:
            return None
        return self.stops[-1].why

    def due(self, regime: Regime, *, today: str, holidays: Holidays = NO_HOLIDAYS) -> str:
        """Return the last day for an answer; of a clock that stands, as if it went on today."""
        period = regime.extended if self.extension is not None else regime.answer
        return self._end(period.after(date.fromisoformat(self.received)), regime, today, holidays)

    def first_due(self, regime: Regime, *, today: str, holidays: Holidays = NO_HOLIDAYS) -> str:
        """Return the last day of the period that is not extended."""
        return replace(self, extension=None).due(regime, today=today, holidays=holidays)

    def _end(self, day: date, regime: Regime, today: str, holidays: Holidays) -> str:
        for stop in self.stops if regime.stops else ():
            if stop.asked and stop.since <= day.isoformat():  # what came too late moves nothing
                day += timedelta(days=stop.days(today))
        return (holidays.first_working_day(day) if regime.to_working_day else day).isoformat()

    def stopped(self, why: Standing, *, today: str) -> "Term":
        """Return the term of a request that stands from today on; raises BadInput if it does so."""
        if self.standing == why:
            raise BadInput(f"That is said already, since {self.stops[-1].since}: {why}.")
        if self.standing is not None:  # more was asked for, and did not help
            return replace(self, stops=(*self.stops[:-1], replace(self.stops[-1], why=why)))
        stop = Stop(today, why, asked=why == MORE_IS_NEEDED)
        return replace(self, stops=(*self.stops, stop))

    def resumed(self, *, on: str, today: str) -> "Term":
        """Return the term of a request that goes on from a day; raises BadInput if it does so."""
        if self.standing is None:
            raise BadInput("Nothing was asked for, so nothing has come: the clock is running.")
        last = self.stops[-1]
        if not last.since <= on <= today:
            raise BadInput(
                f"What was asked for on {last.since} cannot have come on {on}: give a day from "
                f"then to today."
            )
        return replace(self, stops=(*self.stops[:-1], replace(last, until=on)))

    def extended(
        self, regime: Regime, *, because: str, today: str, holidays: Holidays = NO_HOLIDAYS
    ) -> "Term":
        """Return the term extended; raises BadInput once its first period is over, or twice."""
        if because not in regime.because:
            raise BadInput(
                f"Under {regime.name} a period is extended for {' or '.join(regime.because)} "
                f"({regime.law})."
            )
        if self.extension is not None:
            raise BadInput(f"It was extended on {self.extension.on}, and that is done once.")
        first = self.first_due(regime, today=today, holidays=holidays)
        if today > first:
            raise BadInput(
                f"The first period ended on {first}: the person had to be told of an extension "
                f"until then ({regime.law})."
            )
        return replace(self, extension=Extension(today, because))

    def stood(self, today: str) -> int:
        """Return for how many days the clock stood."""
        return sum(stop.days(today) for stop in self.stops if stop.asked)

    def with_earlier(self, received: str) -> "Term":
        """Return the term of a request that had come in before, too."""
        return replace(self, received=min(self.received, received))

    def days_open(self, day: str) -> int:
        """Return for how many days it has been open on a day, those on which it stood included."""
        return (date.fromisoformat(day) - date.fromisoformat(self.received)).days

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "received": self.received,
            "regime": self.regime,
            "stops": [asdict(stop) for stop in self.stops],
            "extension": None if self.extension is None else asdict(self.extension),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Term":
        """Read what `to_json` wrote."""
        extension = value["extension"]
        return cls(
            value["received"],
            value["regime"],
            tuple(Stop(**one) for one in value["stops"]),
            None if extension is None else Extension(**extension),
        )


def received_on(day: str | None, *, today: str, long_ago: bool = False) -> str:
    """Return the day on which a request came in: today if none is given.

    Raises BadInput for a day to come, and for one more than a year back unless `long_ago` says so.
    """
    if day is None:
        return today
    if day > today:
        raise BadInput(f"The day of receipt is {day}, and today is {today}: it has not come yet.")
    year_ago = (date.fromisoformat(today) - timedelta(days=365)).isoformat()
    if day < year_ago and not long_ago:
        raise BadInput(
            f"It is said to have come on {day}, more than a year ago: if that is so, say "
            f"`long_ago`; it is late then."
        )
    return day
