"""The default partition: into how many shards and slices data are cut, looked up in a table.

Shards cost accuracy where each gets few rows, or few of a class; slices cost next to nothing once
each has some hundred rows, and both make deletions cheap. So the default goes by the rows that the
gate let through and by the number of classes, in coarse steps (values are as dear as 16 classes:
`benchmarks builtin-model`). It is a function of the retained
rows (law 2): a plan looks it up again for the rows that remain, and where that gives another
partition, a border is crossed, all is trained anew, as the twin is. Rows only become fewer, and
borders lie four times as far apart from step to step, so a model crosses few in its life.

Who names shards or slices gets what he names, and crosses nothing; so does a model of an earlier
version, whose ledger does not say that its partition was looked up.
"""

from dataclasses import replace

from lineage_store.data import Schema
from lineage_store.ledger import TrainOptions
from lineage_store.placement import Partition
from unlearning.families.known_families import family_of

ROWS = (1_024, 4_096, 16_384, 65_536, 262_144)
CLASSES = (4, 16, 64)
VALUES = 16
SHARDS_AND_SLICES = (
    # at most 4 classes; at most 16, or values; at most 64; more
    ((1, 1), (1, 1), (1, 1), (1, 1)),  # below 1,024 rows
    ((1, 4), (1, 2), (1, 1), (1, 1)),
    ((2, 4), (1, 4), (1, 2), (1, 1)),
    ((5, 4), (2, 4), (1, 4), (1, 2)),
    ((5, 4), (5, 4), (2, 4), (1, 4)),
    ((5, 4), (5, 4), (5, 4), (2, 4)),  # from 262,144 rows on
)


def shards_and_slices(rows: int, *, classes: int) -> tuple[int, int]:
    """Return the default for so many rows in so many classes."""
    line = SHARDS_AND_SLICES[sum(rows >= border for border in ROWS)]
    return line[sum(classes > most for most in CLASSES)]


def partition_for(options: TrainOptions, rows: int, schema: Schema) -> Partition:
    """Return how data are cut that are of a schema: as was asked, or by the table."""
    if not options.by_table:
        return options.partition
    shards, slices = _cut(options, rows, schema)
    return replace(options.partition, shards=shards, slices=slices)


def next_border(options: TrainOptions, rows: int, schema: Schema) -> int | None:
    """Return below how many rows the partition becomes another; None if it never does."""
    if not options.by_table:
        return None
    now = _cut(options, rows, schema)
    lower = (one for one in reversed(ROWS) if one <= rows)
    return next((one for one in lower if _cut(options, one - 1, schema) != now), None)


def _cut(options: TrainOptions, rows: int, schema: Schema) -> tuple[int, int]:
    """Return shards and slices by the table; who takes no steps has no use of slices."""
    shards, slices = shards_and_slices(rows, classes=_classes(schema))
    return shards, slices if family_of(options.model_family).trail == "steps" else 1


def _classes(schema: Schema) -> int:
    return max((len(label.classes) or VALUES for label in schema.labels), default=0)
