"""From scores to proposals: the highest ones, as many as a stated share of the rows."""

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput

Scores = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def highest(scores: Scores, share: float) -> Places:
    """Return the places of the highest scores, highest first: `share` of (n,), rounded down.

    Of equal scores the earlier place comes first. Raises BadInput for a share that is not above 0
    and at most one half: most rows are taken to be clean.
    """
    if not 0 < share <= 0.5:
        raise BadInput(f"The share is {share}: it is above 0 and at most 0.5.")
    order: Places = np.argsort(-scores, kind="stable")
    return order[: int(share * len(scores))]


def highest_of_each(scores: Scores, classes: npt.NDArray[np.int32], share: float) -> Places:
    """Return the places of the highest scores of every class, highest first within each."""
    found = [np.zeros(0, np.int64)]
    for one in np.unique(classes):
        here = np.flatnonzero(classes == one)
        found.append(here[highest(scores[here], share)])
    return np.concatenate(found)
