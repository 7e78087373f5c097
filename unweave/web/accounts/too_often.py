"""How often something may be done by one: so many times within so many seconds, counted in memory.

A new process counts anew: what it guards takes Argon2's time besides.
"""

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock

AT_MOST = 10_000  # of whom anything is counted


@dataclass
class Limit:
    """At most `times` within `seconds`, for each; `clock` tells seconds."""

    times: int
    seconds: float
    clock: Callable[[], float]
    _seen: dict[Hashable, deque[float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def allows(self, who: Hashable) -> bool:
        """Say whether somebody may once more, and count it if so."""
        with self._lock:
            now = self.clock()
            if who not in self._seen and len(self._seen) >= AT_MOST:
                self._forget(now)
            seen = self._seen.setdefault(who, deque())
            while seen and seen[0] <= now - self.seconds:
                seen.popleft()
            if len(seen) >= self.times:
                return False
            seen.append(now)
            return True

    def forget(self, who: Hashable) -> None:
        """Count from the beginning for somebody."""
        with self._lock:
            self._seen.pop(who, None)

    def _forget(self, now: float) -> None:
        """Drop whose last time is long ago; of too many, all: a flood is nobody's account."""
        kept = {who: seen for who, seen in self._seen.items() if seen[-1] > now - self.seconds}
        self._seen = kept if len(kept) < AT_MOST else {}
