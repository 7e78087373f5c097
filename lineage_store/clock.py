"""The time as it is written down, in whole seconds: read from a clock when something happens.

Whoever logs, signs or registers is given a clock, never one time for a whole run. A pipeline hands
its components texts and numbers alone, so they are told by how many seconds the run's clock is
ahead of the machine's: by none, unless somebody gave the run another clock.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

Clock = Callable[[], str]


def time_text(moment: datetime) -> str:
    """Return a moment as it is written down."""
    return moment.replace(microsecond=0).isoformat()


def machine_time() -> datetime:
    """Return the time of this machine."""
    return datetime.now(timezone.utc)


def seconds_ahead(clock: Clock) -> int:
    """Return by how many seconds a clock is ahead of this machine's."""
    before, now, after = time_text(machine_time()), clock(), time_text(machine_time())
    if before <= now <= after:
        return 0  # it is the machine's, in whole seconds
    ahead = datetime.fromisoformat(now) - datetime.fromisoformat(after)
    return round(ahead.total_seconds())


def clock_ahead(seconds: int) -> Clock:
    """Return a clock that is ahead of this machine's by some seconds."""
    return lambda: time_text(machine_time() + timedelta(seconds=seconds))
