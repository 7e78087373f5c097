"""How many steps bring back what was forgotten.

A model that only hides what it knew learns it again at once; the retrained one has to learn it.

    relearn time   the first step after which the loss on the forgotten rows is at most a target
    AIN            relearn time of the unlearned model / of the retrained one:
                   near 1 is forgotten, well below 1 is hidden
                   (anamnesis index: Chundawat et al., "Zero-Shot Machine Unlearning", 2023)

The target is the untouched model's loss on these rows, times a margin above 1.
"""

from collections.abc import Callable


def relearn_time(step: Callable[[], float], *, target: float, limit: int) -> int | None:
    """Return after how many steps the loss is at most `target`, or None if not within `limit`.

    `step` trains one step on the forgotten rows and returns the loss on them after it; give it a
    copy of the model. Raises ValueError for a limit below 1.
    """
    if limit < 1:
        raise ValueError("the limit must be at least one step")
    for steps in range(1, limit + 1):
        if step() <= target:
            return steps
    return None


def anamnesis_index(*, unlearned: int | None, retrained: int | None) -> float | None:
    """Return AIN, or None if the retrained model did not get there: there is no comparison then.

    An unlearned model that never gets there while the retrained one does gives infinity: it is
    damaged, not forgetful.
    """
    if retrained is None:
        return None
    return float("inf") if unlearned is None else unlearned / retrained
