"""A claim: what a result may say of itself, with the numbers and the assumptions behind it.

    bits          the whole state equals the retrained reference's, byte for byte: the word *exact*
    tolerance     it lies within `bound` of the reference, in `norm`
    law           it has the distribution of the reference
    certified     (epsilon, delta)-indistinguishable from the reference under the assumptions
    bounded       its distance to the reference is at most `bound`
    approximate   no bound is claimed; distances that were measured stand beside it

Only `bits` settles a request for good; every other claim leaves something that still depends on the
deleted rows, and so has an end date. Of several claims about one result the weakest holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Level = Literal["bits", "tolerance", "law", "certified", "bounded", "approximate"]
LEVELS: tuple[Level, ...] = get_args(Level)  # the strongest first
Word = Literal["exact", "certified", "approximate"]


@dataclass(frozen=True)
class Bridge:
    """Of `total` recorded units, `again` were taken again in another environment, bits equal."""

    again: int
    total: int


@dataclass(frozen=True)
class Claim:
    """The level of a result, and what it is worth.

    `bridged` stands where code or environment differ from those that made what was reused, and the
    replay of a sample agreed. `bound` is a distance in `norm`; `epsilon` and `delta` hold per
    release. `assumptions` are sentences.
    """

    level: Level
    bridged: Bridge | None = None
    bound: float | None = None
    norm: str = ""
    epsilon: float | None = None
    delta: float | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def word(self) -> Word:
        """The guarantee in one of the three words that people ask for."""
        if self.level == "bits":
            return "exact"
        return "certified" if self.level == "certified" else "approximate"

    @property
    def settles(self) -> bool:
        """Whether the request may be closed for good."""
        return self.level == "bits"

    @property
    def leaves_derived(self) -> bool:
        """Whether what is left still depends on the deleted rows, and so needs an end date."""
        return not self.settles

    def weaker(self, other: "Claim") -> "Claim":
        """Return the claim that holds where both must; of equal levels a bridged one is weaker."""
        mine, its = (LEVELS.index(claim.level) for claim in (self, other))
        if mine == its:
            return self if other.bridged is None else other
        return self if mine > its else other

    def in_words(self) -> str:
        """Say it in a few words: the level, and on what it stands."""
        if self.bridged is not None:
            units = f"{self.bridged.again} of {self.bridged.total} units taken again"
            return f"{self.level}, bridged: {units}"
        numbers = [
            *([] if self.bound is None else [f"{self.norm or 'distance'} at most {self.bound:g}"]),
            *([] if self.epsilon is None else [f"epsilon {self.epsilon:g}"]),
            *([] if self.delta is None else [f"delta {self.delta:g}"]),
        ]
        return f"{self.level} ({', '.join(numbers)})" if numbers else self.level

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON: the level, and what else is said."""
        told: dict[str, Any] = {"level": self.level}
        if self.bridged is not None:
            told["bridged"] = {"again": self.bridged.again, "total": self.bridged.total}
        for name in ("bound", "epsilon", "delta"):
            if getattr(self, name) is not None:
                told[name] = getattr(self, name)
        if self.norm:
            told["norm"] = self.norm
        if self.assumptions:
            told["assumptions"] = list(self.assumptions)
        return told

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Claim":
        """Read the value back."""
        bridged = value.get("bridged")
        return cls(
            level=value["level"],
            bridged=None if bridged is None else Bridge(**bridged),
            bound=value.get("bound"),
            norm=value.get("norm", ""),
            epsilon=value.get("epsilon"),
            delta=value.get("delta"),
            assumptions=tuple(value.get("assumptions", ())),
        )


BITS = Claim("bits")
APPROXIMATE = Claim("approximate")


def claim_of(word: str) -> Claim:
    """Return the claim behind a guarantee's word, as records of an earlier unweave have it.

    A model that was trained is its own reference: `trained` is `bits`.
    """
    if word in ("exact", "trained"):
        return BITS
    return Claim("certified") if word == "certified" else APPROXIMATE
