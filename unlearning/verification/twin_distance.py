"""How near a result is to its retrained twin, in a number and in words.

The relative distance is d(unlearned, twin) / d(untouched, twin), over all trainable weights: 0 is
the twin itself, 1 is what doing nothing gives. At 1 or more a deletion made no progress, and every
text says so in these words.
"""

import math

UNMEASURED = "unmeasured"
NO_PROGRESS = "no progress"


def relative_distance(unlearned: float | None, untouched: float | None) -> float | None:
    """Return the first distance as a share of the second.

    None if either was not measured, or if the untouched model is the twin already.
    """
    if unlearned is None or not untouched:
        return None
    return unlearned / untouched


def in_words(unlearned: float | None, untouched: float | None) -> str:
    """Say how near a result is to the twin, compared with the untouched model."""
    if unlearned is None or untouched is None:
        return f"its distance to the retrained twin is {UNMEASURED}"
    share = relative_distance(unlearned, untouched)
    if share is None:
        if not unlearned:
            return "it is as near to the retrained twin as the untouched model, which equals it"
        share = math.inf
    told = f"its distance to the retrained twin is {share:.4g} times that of the untouched model"
    return f"{told}: {NO_PROGRESS}" if share >= 1 else told
