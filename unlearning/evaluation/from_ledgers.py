"""The models of a deletion, as runs of an evaluation: from ledgers and row stores.

    forgotten   training rows of the old store that the new one has not
    retained    training rows of the new store
    test        evaluation rows of the new store

There is one run of each kind, of the same seed and batches. The retrained one is the twin that
`replay` trained; without it there is none, also for a result that is exact by construction: it
would be compared with itself. Of large stores as many rows are drawn as the policy says.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger
from lineage_store.rows import Rows, RowSet, RowStore, joined, open_rows, pieces
from lineage_store.tensors import Array, State
from unlearning.evaluation.models_compared import Evaluated, Kind, ModelRun, RowSetName
from unlearning.evaluation.policy import Policy
from unlearning.fitting.shard_task import learner_of
from unlearning.serving.aggregation import aggregation_or_default
from unlearning.serving.evaluate import ASKED_AT_ONCE, Predictor, SeveralLabels, aggregated


def ledgers_evaluated(
    *, old: Ledger, new: Ledger, twin: Ledger | None, rows: Path, old_rows: Path, policy: Policy
) -> Mapping[str, Evaluated] | None:
    """Ask the models before and after, and the twin, about each of their labels.

    The first one has no name here.

    None if the deletion changed classes or types of columns: the models then read other rows.
    Raises BadInput for models that learn without a label.
    """
    if old.header.spec != new.header.spec:
        return None
    store = open_rows(rows)
    learner = learner_of(new, store)()
    if learner.task is None:
        raise BadInput("The models learn without a label: no answer of theirs is wrong.")
    sets = _row_sets(store, open_rows(old_rows), policy)
    further = learner.further_labels if isinstance(learner, SeveralLabels) else {}
    ledgers = (old, new, twin)
    return {name: _of_label(one, ledgers, sets) for name, one in {"": learner, **further}.items()}


def _of_label(
    learner: Predictor,
    ledgers: tuple[Ledger, Ledger, Ledger | None],
    sets: dict[RowSetName, Rows],
) -> Evaluated:
    assert learner.task is not None
    old, new, twin = ledgers
    runs: dict[Kind, tuple[ModelRun, ...]] = {
        "untouched": (_run(learner, old, sets),),
        "unlearned": (_run(learner, new, sets),),
    }
    if twin is not None:
        runs["retrained"] = (_run(learner, twin, sets),)
    labels = {name: learner.targets(found) for name, found in sets.items()}
    return Evaluated(learner.task, labels, runs)


def _run(learner: Predictor, ledger: Ledger, sets: dict[RowSetName, Rows]) -> ModelRun:
    shards = ledger.final_weights()
    rule = aggregation_or_default(ledger.header.options.aggregate, task=learner.task)
    answers: dict[RowSetName, Array] = {}
    for name, rows in sets.items():
        outputs = [
            aggregated(learner, shards, piece, aggregate=rule)[0]
            for piece in pieces(rows, ASKED_AT_ONCE)
        ]
        answers[name] = (
            np.concatenate(outputs) if outputs else np.zeros((0, learner.units), np.float64)
        )
    return ModelRun(answers, _weights(shards))


def _weights(shards: Sequence[State]) -> dict[str, Array]:
    return {
        f"shard {number}: {name}": array
        for number, state in enumerate(shards)
        for name, array in state.items()
    }


def _row_sets(new: RowStore, old: RowStore, policy: Policy) -> dict[RowSetName, Rows]:
    """Return the three sets; shards are looked at one after the other."""
    random = np.random.default_rng(policy.seed)

    def drawn(rows: RowSet, most: int) -> Rows:
        places = np.arange(len(rows))
        if len(places) > most:
            places = np.sort(random.choice(len(places), most, replace=False))
        return rows.take(places)

    forgotten, retained, left = [], [], []
    total = sum(map(sum, new.counts))
    for shard, slices in enumerate(new.counts):
        after = new.stage_rows(shard, len(slices) - 1)
        left.append(_as_texts(after.row_keys))
        share = len(after) / max(total, 1)
        retained.append(drawn(after, round(policy.most_rows * share)))
    for shard, slices in enumerate(old.counts):
        before = old.stage_rows(shard, len(slices) - 1)
        # A row that stays keeps its shard (law 1), unless all are cut anew.
        alike = len(old.counts) == len(new.counts)
        there = left[shard] if alike else np.concatenate(left)
        gone = ~np.isin(_as_texts(before.row_keys), there)
        forgotten.append(before.take(np.flatnonzero(gone)))
    return {
        "forgotten": drawn(joined(forgotten), policy.most_rows),
        "retained": joined(retained),
        "test": drawn(new.evaluation(), policy.most_rows),
    }


def _as_texts(row_keys: Array) -> Array:
    return np.ascontiguousarray(row_keys).view("S16")[:, 0]  # of one length, so all bytes count
