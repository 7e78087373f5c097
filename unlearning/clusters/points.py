"""The rows of a part as points: whole steps of 1/1,024 of a scale, so that distances are exact.

A text is one at the coordinate of its key, and so is a number that is missing, beside a zero of its
own; a coordinate is named by its key, and is there as long as a row has it. A number beyond 16,384
scales counts as that many. With at most MOST_WIDE coordinates squared distances are below 2^63, and
products of points and centres are summed exactly by matrix products of doubles: a centre is cut
into two limbs of 12 bits, and a sum of products of 25 bits and 13 stays below 2^53. So whose centre
is nearest is the same for a row alone and in any block, on every processor.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput, CheckFailed
from unlearning.linear.gram import named
from unlearning.linear.row_sums import RowSteps, entries_of

Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint8]

FINER = 6
"""The bits by which the grid of sums (`linear.grid`) is finer than that of points."""
ONE = 1 << 10
LIMIT = 1 << 24
LIMB = 12
MOST_WIDE = 4_096
MOST_ROWS = 1 << 24
AT_ONCE = 20_000


@dataclass(frozen=True)
class Points:
    """Points `values` (n, M + E), by row `keys` (n, 16), each of which counts `counts` (n,) times.

    `columns` and `entries` (E,) name the last E coordinates, sorted so; the first M are numbers.
    """

    values: Integers
    keys: Keys
    counts: Integers
    columns: Integers
    entries: Integers

    @property
    def numbers(self) -> int:
        """How many coordinates are numbers."""
        return self.values.shape[1] - len(self.entries)

    def take(self, places: npt.NDArray[np.intp]) -> "Points":
        """Return the points at some places."""
        return replace(
            self, values=self.values[places], keys=self.keys[places], counts=self.counts[places]
        )

    def along(self, columns: Integers, entries: Integers) -> "Points":
        """Return the points by the coordinates of others, which have all that they have.

        Raises CheckFailed if these do not.
        """
        values = np.zeros((len(self.values), self.numbers + len(entries)), np.int64)
        values[:, : self.numbers] = self.values[:, : self.numbers]
        there = {one: at for at, one in enumerate(_named(columns, entries))}
        for at, one in enumerate(_named(self.columns, self.entries)):
            if one not in there:
                raise CheckFailed(
                    "The rows to be taken out are not among those that were clustered: nothing was "
                    "changed; restore the workspace from a backup, or ask for `strategy` "
                    "retrain-shards."
                )
            values[:, self.numbers + there[one]] = self.values[:, self.numbers + at]
        return replace(self, values=values, columns=columns, entries=entries)

    def beside(
        self, centres: Integers, columns: Integers, entries: Integers
    ) -> tuple[Integers, Integers]:
        """Return the points, and centres of other coordinates, in those that either has."""
        other = Points(
            centres, np.zeros((0, 16), np.uint8), np.zeros(0, np.int64), columns, entries
        )
        both = np.unique(
            np.concatenate(
                [named(*one) for one in ((self.columns, self.entries), (columns, entries))]
            )
        )
        every = (np.ascontiguousarray(both[name]) for name in ("column", "key"))
        columns, entries = every
        return self.along(columns, entries).values, other.along(columns, entries).values


def _named(columns: Integers, entries: Integers) -> list[tuple[int, int]]:
    return list(zip(columns.tolist(), entries.tolist(), strict=True))


def points_of(rows: RowSteps, keys: Keys, counts: Integers | None) -> Points:
    """Return the points of rows that count for anything.

    Raises BadInput for more rows, or coordinates, than distances are exact of.
    """
    counts = np.ones(len(keys), np.int64) if counts is None else counts
    there = np.flatnonzero(counts)
    if int(counts.sum()) > MOST_ROWS:
        raise BadInput(
            f"A part has rows of more than {MOST_ROWS:,} together, which its sums cannot hold "
            f"exactly: train with more shards."
        )
    rows = replace(
        rows, numbers=rows.numbers[there], entries=rows.entries[there], there=rows.there[there]
    )
    columns, entries, codes = entries_of(rows)
    numbers = np.clip((rows.numbers + (1 << FINER >> 1)) >> FINER, -LIMIT, LIMIT)
    width = numbers.shape[1]
    if width + len(entries) > MOST_WIDE:
        raise BadInput(
            f"The columns make {width + len(entries):,} coordinates, one for each number and each "
            f"different text, and distances are exact of {MOST_WIDE:,}: leave the column of texts "
            f"out that has most (`drop`)."
        )
    values = np.zeros((len(there), width + len(entries) + 1), np.int64)
    values[:, :width] = numbers
    for column in codes.T:
        values[np.arange(len(there)), np.where(column < 0, len(entries), column) + width] = ONE
    return Points(values[:, :-1], keys[there], counts[there], columns, entries)


def nearest(values: Integers, centres: Integers) -> Integers:
    """Return which of centres (k, D) is nearest to each of some points (n, D), of equals the first.

    What is compared is the squared distance less the point's own square.
    """
    found = np.empty(len(values), np.int64)
    squares = (centres * centres).sum(axis=1)
    high = centres >> LIMB
    limbs = [one.T.astype(np.float64) for one in (centres - (high << LIMB), high)]
    for at in range(0, len(values), AT_ONCE):
        block = values[at : at + AT_ONCE].astype(np.float64)
        low, upper = (np.matmul(block, one).astype(np.int64) for one in limbs)
        found[at : at + AT_ONCE] = (squares - 2 * (low + (upper << LIMB))).argmin(axis=1)
    return found


def squared_distances(values: Integers, centre: Integers) -> Integers:
    """Return the squared distances of points (n, D) from a point (D,)."""
    apart = values - centre
    found: Integers = (apart * apart).sum(axis=1)
    return found
