"""How near a result is to its retrained twin, in numbers and in words.

The relative distance is d(unlearned, twin) / d(untouched, twin), over all trainable weights: 0 is
the twin itself, 1 is what doing nothing gives. At 1 or more a deletion made no progress, and every
text says so in these words.

The numbers depend on the deleted rows: who retrains with a guess of them and gets the same number
has confirmed it (law 9). So they are told once, to whoever ran the deletion, and what stays says in
a word whether the result is closer.
"""

import math
from dataclasses import dataclass
from typing import Literal

Nearness = Literal["unmeasured", "closer", "not closer"]

UNMEASURED: Nearness = "unmeasured"
CLOSER: Nearness = "closer"
NOT_CLOSER: Nearness = "not closer"
NO_PROGRESS = "no progress"

TOLD: dict[Nearness, str] = {
    UNMEASURED: f"its distance to the retrained twin is {UNMEASURED}",
    CLOSER: "it is closer to the retrained twin than the untouched model",
    NOT_CLOSER: f"it is not closer to the retrained twin than the untouched model: {NO_PROGRESS}",
}


@dataclass(frozen=True, kw_only=True)
class Distances:
    """The Euclidean distances of all trainable weights to the twin's; None if not measured."""

    unlearned: float | None = None
    untouched: float | None = None

    @property
    def relative(self) -> float | None:
        """The first as a share of the second.

        None if either was not measured, or if the untouched model is the twin already.
        """
        if self.unlearned is None or not self.untouched:
            return None
        return self.unlearned / self.untouched

    @property
    def nearness(self) -> Nearness:
        """What outlives the deletion of them."""
        if self.unlearned is None or self.untouched is None:
            return UNMEASURED
        return CLOSER if self.unlearned < self.untouched else NOT_CLOSER

    @property
    def in_words(self) -> str:
        """How near the result is to the twin, compared with the untouched model."""
        if self.unlearned is None or self.untouched is None:
            return TOLD[UNMEASURED]
        share = self.relative
        if share is None:
            if not self.unlearned:
                return "it is as near to the retrained twin as the untouched model, which equals it"
            share = math.inf
        text = (
            f"its distance to the retrained twin is {share:.4g} times that of the untouched model"
        )
        return f"{text}: {NO_PROGRESS}" if share >= 1 else text
