"""Provenance: a source is suspect if the model is better on trusted data without its rows.

Source: Baracaldo, Chen, Ludwig and Safavi, "Mitigating Poisoning Attacks on Machine Learning
Models: A Data Provenance Based Approach", AISec 2017. They compare accuracies with and without each
source's rows against a threshold; here the threshold is a test: an exact one-sided sign test on the
trusted rows that only one of the two models gets right, at a stated level divided by the number of
sources (Bonferroni), so that chance alone seldom accuses anybody.

Filtering training data by provenance is claimed by a patent (IBM, US 11,689,566). Nothing calls
this unless it is asked for by name; see docs/poison.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEVEL = 0.01

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SourceVerdict:
    """A source, by its number: trusted accuracy with and without its rows, and the test.

    `p` is the chance of so many trusted rows gained, or more, if its rows made no difference.
    """

    source: int
    rows: int
    accuracy_with: float
    accuracy_without: float
    p: float
    suspect: bool


def judge_sources(
    right_with: Right, right_without: Sequence[Right], rows: Sequence[int], *, level: float = LEVEL
) -> tuple[SourceVerdict, ...]:
    """Judge each source by which trusted rows (t,) the models with and without it get right."""
    found = []
    for source, without in enumerate(right_without):
        gained = int(np.sum(without & ~right_with))
        lost = int(np.sum(right_with & ~without))
        p = sign_test(gained, lost)
        found.append(
            SourceVerdict(
                source,
                rows[source],
                float(np.mean(right_with)),
                float(np.mean(without)),
                p,
                p < level / len(right_without),
            )
        )
    return tuple(found)


def sign_test(gained: int, lost: int) -> float:
    """Return the chance of at least `gained` heads in `gained + lost` tosses of a fair coin."""
    tosses = gained + lost
    ways = sum(math.comb(tosses, heads) for heads in range(gained, tosses + 1))
    return float(ways / 2**tosses)
