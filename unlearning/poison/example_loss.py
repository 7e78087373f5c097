"""Per-example loss: a row whose label the model finds unlikely may have a label that was changed.

A model learns the rows that it is trained on, poisoned ones too, so what counts is the loss under
models that did not see the row. In a sharded run these are there already: all shards but the row's
own. A flipped label stands out so; a backdoor does not where all shards have learnt it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unlearning.poison.ranking import Scores

CLIPPED = 1e-7

Probabilities = npt.NDArray[np.float64]


def example_losses(probabilities: Probabilities, labels: npt.NDArray[np.int32]) -> Scores:
    """Return the cross-entropy of each example (n,), in nats; probabilities (n, classes).

    Probabilities are clipped at 1e-7 from below.
    """
    right = probabilities[np.arange(len(labels)), labels]
    losses: Scores = -np.log(np.clip(right, CLIPPED, None))
    return losses


def held_out(answers: Sequence[Probabilities], *, own: int) -> Probabilities:
    """Return the mean answer (n, classes) of all members but the one that was trained on the rows.

    A single member answers itself: then nothing is held out.
    """
    others = [answer for member, answer in enumerate(answers) if member != own] or list(answers)
    mean: Probabilities = np.mean(others, axis=0)
    return mean
