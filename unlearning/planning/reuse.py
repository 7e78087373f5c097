"""What a plan takes over of an old ledger, and how that was earned: by replay (law 3).

A plan is made without taking a step; whether what it takes over is what today's code would make is
found out when it is carried out (`earned`), and kept here with the plan, so that a run that was
killed does the same when it is started again.

Where code or environment differ from those that made the ledger, nothing is taken over. But if
that was accepted, what a replay agrees with is: such a result is *bridged*, which is a claim of
its own.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.claim import BITS, Bridge, Claim
from lineage_store.ledger import Ledger
from unlearning.fingerprint.environment import differing
from unlearning.fingerprint.equivalent import same_code

NOTHING_RECORDED = "the ledger of an earlier unweave recorded none"
BRIDGED_BASE = "the weights that it started from are bridged"


@dataclass(frozen=True)
class Earned:
    """Of `of` steps of a shard that were to be taken over, `again` were taken again.

    `failure` says why it is retrained instead, if it is.
    """

    shard: int
    again: int
    of: int
    failure: str | None = None


@dataclass(frozen=True)
class Reuse:
    """How what is taken over was earned; `shards` are all of which anything was to be.

    `bridged` says why bits might differ, where they might; `base` is the bridge that the model's
    base stands on, if it does. `settled` says that all was taken again that can be.
    """

    shards: tuple[Earned, ...] = ()
    bridged: str = ""
    base: Bridge | None = None
    settled: bool = False

    @property
    def kept(self) -> tuple[Earned, ...]:
        """The shards of which something is taken over."""
        return tuple(one for one in self.shards if one.failure is None)

    @property
    def replayed(self) -> Bridge:
        """How many steps were taken again, of those that are taken over."""
        return Bridge(sum(one.again for one in self.kept), sum(one.of for one in self.kept))

    @property
    def claim(self) -> Claim:
        """What bits on this ground may be called."""
        mine = self.replayed if self.bridged and self.kept else None
        if mine is None or self.base is None:
            return Claim("bits", bridged=mine or self.base)
        both = Bridge(mine.again + self.base.again, mine.total + self.base.total)
        return Claim("bits", bridged=both)

    def in_words(self) -> str:
        """Say what was taken again, and what that cannot rule out."""
        again, of = self.replayed.again, self.replayed.total
        if not of:
            return "nothing is taken over"
        replayed = f"replayed: {again:,} of {of:,} units"
        if not again:
            return f"{replayed}: {NOTHING_RECORDED}"
        rest = "" if again == of else "; that another one differs, a sample cannot rule out"
        return replayed + rest

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self) | {"shards": [asdict(one) for one in self.shards]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Reuse":
        """Read the value back."""
        base = value["base"]
        return cls(
            shards=tuple(Earned(**one) for one in value["shards"]),
            bridged=value["bridged"],
            base=None if base is None else Bridge(**base),
            settled=value["settled"],
        )


def claim_of_ledger(ledger: Ledger) -> Claim:
    """Return what a model that starts from a ledger's weights may claim at most.

    A format that does not tell it is older than bridges, and an approximate base is told of by its
    record (`BaseAfter`).
    """
    return ledger.header.claim or BITS


def others_made_it(ledger: Ledger, code: str, environment: Mapping[str, Any]) -> str | None:
    """Say why bits of an old ledger might not be today's, by the fingerprints; None if they are."""
    header = ledger.header
    if not same_code(header.code, code):
        return "the code that trains is not the code that trained this model"
    if names := differing(header.environment, environment):
        return f"the environment differs from the one that trained this model ({', '.join(names)})"
    if header.claim is not None and header.claim.bridged is not None:
        return "what this model took over was made elsewhere, and only a sample of it taken again"
    return None
