"""What provenance asks: the model trained on all sources, and once more without each of them.

For this the rows lie in one shard of one slice, so that a source is worth as much to the whole as
it can be; module, epochs, batch size and seed are the model's. As many trainings as there are
sources and one more.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lineage_store.cells import CellLayout
from lineage_store.ledger import ShardLedger, TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowStore, write_rows
from unlearning.families.family import Learner, PartRun
from unlearning.poison.provenance import Right, SourceVerdict, judge_sources

Tell = Callable[[int], None]


def judge(
    learner: Learner,
    *,
    rows: Rows,
    sources: npt.NDArray[np.int64],
    trusted: Rows,
    partition: Partition,
    like: RowStore,
    folder: Path,
    progress: Tell = lambda trained: None,
) -> tuple[SourceVerdict, ...]:
    """Judge the sources of rows; `sources` (n,) are their numbers, from 0 without a gap.

    `like` is a store of such rows: it says what a row holds. `folder` is where rows and
    checkpoints lie meanwhile; it is gone afterwards.
    """
    whole = replace(partition, shards=1, slices=1, risk_rules=(), risk_shards=0, risk_share=0)

    def right(wanted: npt.NDArray[np.bool_]) -> Right:
        store = write_rows(
            folder / "rows",
            train=[(some := rows.take(np.flatnonzero(wanted)), np.zeros(len(some), np.uint64))],
            evaluation=[],
            layout=CellLayout(whole, 1),
            description=like.description,
            fields=like.fields,
        )
        ledger = ShardLedger(folder / "ledger")
        run = PartRun(options=TrainOptions(**asdict(whole)), model="detect")
        learner.learn(run, store, 0, ledger)
        answers = learner.predict(ledger.final_weights(), trusted)
        shutil.rmtree(folder)
        correct: Right = answers.argmax(axis=1) == learner.targets(trusted)
        return correct

    try:
        with_all = right(np.ones(len(rows), bool))
        without, counts = [], []
        for source in range(int(sources.max()) + 1):
            without.append(right(sources != source))
            counts.append(int(np.sum(sources == source)))
            progress(1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return judge_sources(with_all, without, counts)
