"""What bodies calls had, for as long as the process lives: keyed by a key of its own, on no disk.

A digest of a body that lay on a disk would tell, once somebody is forgotten, whom it was about.
"""

import hmac
import os
from dataclasses import dataclass, field
from threading import Lock

AT_MOST = 10_000  # calls whose bodies are remembered


@dataclass
class Bodies:
    """By which call which body was sent, as a keyed digest; the oldest are forgotten."""

    key: bytes = field(default_factory=lambda: os.urandom(32))
    _seen: dict[bytes, bytes] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def remember(self, call: bytes, body: bytes) -> None:
        """Remember the body of a call."""
        with self._lock:
            while len(self._seen) >= AT_MOST:
                del self._seen[next(iter(self._seen))]
            self._seen[call] = hmac.digest(self.key, body, "sha256")

    def is_same(self, call: bytes, body: bytes) -> bool | None:
        """Say whether a call had this body; None if that is not known any more."""
        with self._lock:
            known = self._seen.get(call)
        if known is None:
            return None
        return hmac.compare_digest(known, hmac.digest(self.key, body, "sha256"))
