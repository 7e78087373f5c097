"""item-knn on a table of interactions, and its counterpart: `python -m benchmarks.one_items NAME`.

A fifth of the people is held out; of each with two items or more one is hidden, and it is a hit if
it is among ten that are recommended to the others. The counterpart is scikit-learn's
NearestNeighbors on the same items, each a vector of who has it, with as many neighbours.
"""

import csv
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mnist import SECRET
from benchmarks.one_family import DELETIONS, SEED, Numbers, same
from benchmarks.real_tables import FOLDER
from lineage_store.index import reading_index
from lineage_store.index.models import models
from lineage_store.keys.secret import create_secret
from lineage_store.ledger import open_ledger
from lineage_store.rows import open_rows
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.families import family_of
from unlearning.families.sums_unit import NO_SOURCE
from unlearning.items.histories import histories_of
from unlearning.items.item_counts import ItemCounts
from unlearning.items.neighbours import SIMILARITIES, nearest
from unweave.api.project import Project

NEIGHBOURS, TOLD = 50, 10
Pairs = list[tuple[str, str]]


def insteval() -> Pairs:
    """Which student rated which lecturer."""
    with gzip.open(FOLDER / "insteval" / "InstEval.csv.gz", "rt", encoding="utf-8") as stream:
        return [(f"s{row['s']}", f"d{row['d']}") for row in csv.DictReader(stream)]


def made(people: int, items: int) -> Pairs:
    """Return what people of twenty tastes have, some items far oftener than others."""
    draw, found = np.random.default_rng(SEED), []
    for person in range(people):
        count, taste = 2 + draw.geometric(0.1), person % 20
        own = (draw.zipf(1.3, count) * 20 + taste) % items
        any_ = draw.zipf(1.3, count) % items
        for item in np.where(draw.random(count) < 0.8, own, any_).tolist():
            found.append((f"p{person}", f"i{item}"))
    return found


TABLES: dict[str, Callable[[], Pairs]] = {
    "insteval": insteval,
    "made": lambda: made(1_000, 400),
    "made, a million": lambda: made(85_000, 20_000),
}


def write(pairs: Pairs, file: Path) -> Path:
    """Write pairs as a CSV file."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("who", "item"), *pairs])
    return file


def parted(pairs: Pairs) -> tuple[Pairs, Pairs, dict[str, str]]:
    """Return what is learnt from, what others are known to have, and what is hidden of each."""
    draw = np.random.default_rng(SEED)
    people = sorted({who for who, _ in pairs})
    held = {people[at] for at in draw.permutation(len(people))[: len(people) // 5]}
    own: dict[str, list[str]] = {who: [] for who in sorted(held)}
    for who, item in dict.fromkeys(pairs):
        if who in held:
            own[who].append(item)
    hidden = {who: items[draw.integers(len(items))] for who, items in own.items() if items[1:]}
    known = [(who, one) for who in hidden for one in own[who] if one != hidden[who]]
    return [pair for pair in pairs if pair[0] not in held], known, hidden


def share(recommended: dict[str, Sequence[str]], hidden: dict[str, str]) -> float:
    """Return how often what was hidden is among what is told."""
    return sum(item in recommended.get(who, ()) for who, item in hidden.items()) / len(hidden)


def beside(learn: Pairs, known: Pairs, hidden: dict[str, str]) -> float:
    """Return the hit rate of scikit-learn's counterpart."""
    from scipy.sparse import csr_matrix
    from sklearn.neighbors import NearestNeighbors

    def table(pairs: Pairs, names: Sequence[str]) -> Any:
        at = {name: place for place, name in enumerate(names)}
        cells = sorted({(at[who], place[item]) for who, item in pairs if item in place})
        rows, columns = zip(*cells, strict=True)
        return csr_matrix((np.ones(len(cells)), (rows, columns)), (len(names), len(items)))

    items = sorted({item for _, item in learn})
    place = {item: at for at, item in enumerate(items)}
    by_item = table(learn, sorted({who for who, _ in learn})).T.tocsr()
    near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, metric="cosine").fit(by_item)
    alike = near.kneighbors_graph(by_item, mode="distance")
    alike.data = 1 - alike.data
    alike.setdiag(0)
    people = list(hidden)
    asked = table(known, people)
    scores = (asked @ alike).toarray()
    scores[asked.toarray() > 0] = 0
    best = np.argsort(-scores, axis=1, kind="stable")[:, :TOLD]
    recommended = {who: [items[at] for at in row] for who, row in zip(people, best, strict=True)}
    return share(recommended, hidden)


def in_memory(root: Path) -> Numbers:
    """Take people out of a model's sums, and compare with what is learnt from the others."""
    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    ledger, store = (
        open_ledger(root / record.paths["ledger"]),
        open_rows(root / record.paths["rows"]),
    )
    options = ledger.header.options
    learner: Any = family_of("item-knn").open(NO_SOURCE, store, options=options)
    rows, state = store.stage_rows(0, 0), ledger.shard(0).checkpoint(0)
    began = time.perf_counter()
    same(learner.relearnt(rows), state)
    learn = time.perf_counter() - began
    named = {name.rpartition("/")[2]: array for name, array in state.items()}
    counts, who = ItemCounts.from_state(named), rows.batch_bits
    people = np.random.default_rng(SEED).permutation(np.unique(who))[:DELETIONS]
    seconds = []
    for one in people:
        gone = rows.take(np.flatnonzero(who == one))
        began = time.perf_counter()
        counts.subtract(histories_of([gone]))
        seconds.append(time.perf_counter() - began)
    began = time.perf_counter()
    left = counts.to_state()
    write_down = time.perf_counter() - began
    twin = learner.relearnt(rows.take(np.flatnonzero(~np.isin(who, people))))
    same({f"weights/{name}": array for name, array in left.items()}, twin)
    began = time.perf_counter()
    nearest(counts.cleared(), rule=SIMILARITIES["cosine"], most=NEIGHBOURS)
    quantiles = {
        "p50": np.median(seconds),
        "p90": np.quantile(seconds, 0.9),
        "mean": np.mean(seconds),
    }
    more = {"pairs": len(counts.codes), "state": write_down, "lists": time.perf_counter() - began}
    return {"rows": len(rows), "learn": learn, **quantiles, **more}


def main() -> None:
    """Measure the table that the first argument names and print it as JSON."""
    learn, known, hidden = parted(TABLES[sys.argv[1]]())
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as there:
        folder = Path(there)
        create_secret(folder / "key", SECRET)
        project = Project(folder / "workspace", backend=DirectBackend())
        began = time.perf_counter()
        project.train(
            write(learn, folder / "learn.csv"), subject="who", item_column="item",
            key_file=folder / "key", model_family="item-knn", neighbours=NEIGHBOURS,
        )  # fmt: skip
        found: Numbers = {"train": time.perf_counter() - began, "task": "items"}
        answer = project.predict(write(known, folder / "known.csv"), row_id="who")
        found["score"] = share(dict(zip(answer["rows"], answer["items"], strict=True)), hidden)
        found |= in_memory(folder / "workspace")
        began = time.perf_counter()
        project.forget([learn[0][0]])
        found["forget"] = time.perf_counter() - began
        found["beside"] = beside(learn, known, hidden)
    print(json.dumps(found))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
