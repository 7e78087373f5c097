"""A family that learns without a label, for tests: no file of the house knows of it.

It sums columns of numbers, in integers on a public grid.
"""

from dataclasses import dataclass, replace

import numpy as np

from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.claim import BITS
from lineage_store.rows import Field, Rows
from lineage_store.tensors import WEIGHTS
from unlearning.families.family import Description, ModelSource, SumsRun, Unfit
from unlearning.families.sums_unit import keep_unit
from unlearning.fingerprint.environment import environment_of

STEPS = 1 << 10  # of the grid, in one
COUNT, TOTAL = f"{WEIGHTS}rows", f"{WEIGHTS}sums"


@dataclass(frozen=True)
class Grid:
    """Numbers as steps on the grid, a missing one as 0."""

    schema: object

    @property
    def fields(self):
        return (Field("steps", "<i8", len(self.schema.columns)),)

    def encode(self, rows):
        columns = [np.nan_to_num(rows[column.name]) for column in self.schema.columns]
        steps = np.rint(np.stack(columns, axis=1).astype(np.float64) * STEPS)
        return Rows(rows.row_keys, {"steps": steps.astype(np.int64)})


def summed(rows):
    steps = rows.take(np.arange(len(rows)))["steps"]
    if not len(steps):
        return {}
    return {COUNT: np.array([len(steps)], np.int64), TOTAL: steps.sum(axis=0)}


@dataclass(frozen=True)
class Sums:
    """What learns: it has no task, and nothing that it says is right or wrong."""

    schema: object
    task = None

    @property
    def units(self):
        return len(self.schema.columns)

    def describe(self):
        return Description({"columns": [column.name for column in self.schema.columns]}, {}, ())

    def prepare(self, options):
        pass

    def probed(self, store, options):
        return options

    def interval(self, store, options):
        return 0

    def run(self, run):
        return SumsRun(self, run)

    def learn(self, run, store, part, into):
        rows = store.stage_rows(part, 0)
        self.keep(run, part, rows=rows, state=summed(rows), into=into)

    def relearnt(self, rows):
        return summed(rows)

    def less(self, state, gone, *, left):
        return {name: state[name] - array for name, array in summed(gone).items()}

    def keep(self, run, part, *, rows, state, into):
        keep_unit(run, part, rows=rows, state=state, into=into, kind="sums")

    def export(self, states, folder, *, rule):
        folder.mkdir(parents=True)
        write_atomic(folder / "means.json", canonical_json(self._means(states)))

    def serves(self, folder, states, *, rule):
        return read_json(folder / "means.json") == self._means(states)

    def _means(self, states):
        there = [state for state in states if state]
        steps = sum(state[TOTAL] for state in there)
        rows = int(sum(state[COUNT][0] for state in there))
        names = [column.name for column in self.schema.columns]
        return {name: float(one) / STEPS / rows for name, one in zip(names, steps, strict=True)}


class ColumnSums:
    """The family."""

    name = "column-sums"
    tasks = ()
    trail = "sums"
    claim = BITS
    weighing = "none"

    def completed(self, options):
        return replace(options, shards=options.shards or 1, slices=1)

    def unfit(self, schema, options, *, module=False, base=False):
        labels, texts = ((), ()) if schema is None else (schema.labels, schema.names("text"))
        found = [Unfit("change this", f"Sums tell no {label.name}: leave `label` out.")
                 for label in labels]  # fmt: skip
        weights = () if schema is None else schema.weights
        found += [
            Unfit("not yet", f"Sums take no weights: leave {one.name!r} out.") for one in weights
        ]
        return found + [Unfit("never", f"{name} has texts, and no sum.") for name in texts]

    def source(self, module):
        return ModelSource("no module", "")

    def must_be_followed(self, source):
        pass

    def code(self):
        return "as it stands here"

    def environment(self, text):
        return environment_of(("numpy",))

    def pin(self):
        pass

    def encoding(self, schema, source):
        return Grid(schema)

    def steps(self, counts, partition):
        return 0

    def open(self, source, store, *, options):
        return Sums(store.schema)

    def distance(self, one, other, *, names):
        return None
