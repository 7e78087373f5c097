"""What rows count for: one column of numbers from 0 on, as they come in.

A weight says how often a row counts in what is learnt and in what a model is judged by. It is no
feature: a model answers rows without one. A weight is there, finite (as a float32, too), and not
below 0; a row of weight 0 adds nothing, and is somebody's row all the same, planned, forgotten and
searched for like any other. What is no weight is refused with its line, never taken for 1 or for 0.

Families of sums count in integers, so that a sum can be taken back exactly: they take whole weights
alone. A grid for others would have to be fixed for all tables, and weights that are scaled to sum
up to 1 would all be its zero.
"""

from typing import Any, Literal

import numpy as np

from lineage_store.data.number_arrays import read_numbers

Weighing = Literal["any", "whole", "none"]
"""Which weights a family takes."""

MOST_WHOLE = 1 << 24
"""Up to here a float32, as which weights are kept, tells each whole number from the next."""


def first_wrong_weight(texts: Any, taken: Weighing) -> tuple[int, str] | None:
    """Return the first of some texts that is no weight, and a sentence's end that says so."""
    read = read_numbers(texts)
    wrong = read.missing | read.texts | (read.values < 0)
    if wrong.any():
        what = "number from 0 on: correct it; what is to count for nothing has the weight 0"
        return int(np.argmax(wrong)), f"is no {what}"
    if taken == "whole":
        wrong = (read.values != np.floor(read.values)) | (read.values > MOST_WHOLE)
        if wrong.any():
            return int(np.argmax(wrong)), (
                f"is no whole number up to {MOST_WHOLE:,}, and the family asked for counts in "
                f"these: scale the weights and round them, or take another family"
            )
    return None
