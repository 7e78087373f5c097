"""A statistic of the three kinds of models, with its uncertainty over rows and over runs.

A statistic is a mean over rows, or a sum of such means (an AUC is one over the forgotten rows and
one over the test rows: DeLong et al. 1988). Two things make it uncertain:

    rows   other rows would have been forgotten, or held out: the rows are drawn again (bootstrap),
           the same for all models, since they answer on the same rows
    runs   another seed would have made another model: the spread between the runs of a kind, with
           its own uncertainty from few runs (a mean of n normal values is off by s / sqrt(n) times
           Student's t of n - 1 degrees; of differences between kinds: Behrens and Fisher)

A draw is one value for each kind. With one run of a kind its spread is unknown, and its draws
hold that of the rows alone: no check may pass by them (`Policy.runs`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array
from unlearning.attacks.roc import Interval
from unlearning.evaluation.models_compared import KINDS, Kind

Draws = Mapping[Kind, npt.NDArray[np.float64]]

AT_ONCE = 100  # draws of the bootstrap, to bound its memory


@dataclass(frozen=True)
class Statistic:
    """Values of a statistic: `estimates` (runs,) by kind, and what each row adds to them.

    `rows` has for each set of rows the mean over a kind's runs (n,) of the rows' values; their mean
    over rows that are drawn again moves the estimate by as much as it is off its own.
    """

    name: str
    unit: str
    estimates: Mapping[Kind, Array]
    rows: Sequence[Mapping[Kind, Array]]

    def value(self, kind: Kind) -> float:
        """Return the mean over the runs of a kind."""
        return float(np.mean(self.estimates[kind]))


def mean_of(name: str, unit: str, values: Mapping[Kind, Sequence[Array]]) -> Statistic:
    """Return the mean over one set of rows, from the values (n,) of each run."""
    return Statistic(
        name,
        unit,
        {kind: np.array([one.mean() for one in runs]) for kind, runs in values.items()},
        [{kind: np.mean(np.stack(list(runs)), axis=0) for kind, runs in values.items()}],
    )


def draw(statistic: Statistic, *, count: int, seed: int) -> Draws:
    """Return `count` draws of the statistic for each kind that it has."""
    random = np.random.default_rng(seed)
    kinds = [kind for kind in KINDS if kind in statistic.estimates]
    total = np.tile([statistic.value(kind) for kind in kinds], (count, 1))
    for values in statistic.rows:
        table = np.stack([values[kind] for kind in kinds], axis=1)
        n = len(table)
        centred = table - table.mean(axis=0)
        for start in range(0, count, AT_ONCE):
            size = min(AT_ONCE, count - start)
            weights = random.multinomial(n, np.full(n, 1.0 / n), size=size)
            total[start : start + size] += weights @ centred / n
    for place, kind in enumerate(kinds):
        runs = statistic.estimates[kind]
        if len(runs) > 1:
            error = np.std(runs, ddof=1) / np.sqrt(len(runs))
            total[:, place] += error * random.standard_t(len(runs) - 1, count)
    return {kind: total[:, place] for place, kind in enumerate(kinds)}


def interval(draws: Array, value: float, *, confidence: float) -> Interval:
    """Return the percentile interval of draws."""
    return Interval(value, *ends(draws, confidence=confidence))


def ends(draws: Array, *, confidence: float) -> tuple[float, float]:
    """Return the percentiles of draws between which a share of `confidence` of them lies."""
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    return float(low), float(high)
