"""Analyzers that see all slices, in summation form: three forget sets, and what each moves."""

import csv
from collections import Counter
from functools import partial

import pytest
import tensorflow_transform as tft

import own_run_fns as texts
import unweave.tfx
from lineage_store.examples import features_in, read_gated_rows, read_records, stand_in, texts_in
from lineage_store.workspace.folder import open_workspace
from own_pipeline import PEOPLE, PLANTED, WRITER, define, run, with_secret
from tf_records import floats_in
from unlearning.serving import canonical_digest
from unlearning.whole_shards import open_whole_ledger
from unweave import verify
from unweave.tfx.own_lineage import read_own_lineage
from unweave.tfx.per_shard_executor import LEDGER

pytestmark = pytest.mark.tfx

WORDS = ["one"] * 8 + ["two"] * 5 + ["three"] * 3


def write_rows(folder, *, without=()):
    """240 rows of twelve people, of few words and eight numbers; one wrote what nobody else did."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "people.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["person", "row", "x", "note"])
        for number in range(240):
            person = f"person-{number % PEOPLE:02d}"
            note = WORDS[number * 7 % 16]
            if person == WRITER and number % 24 < 12:
                note = PLANTED
            if person not in without:
                rows.writerow([person, f"row-{number:04d}", f"{number * 5 % 8 * 4.0}", note])


def state(pipeline):
    """The newest run: its ledger, the graph of Transform, and who has which training rows."""
    lineage = read_own_lineage(pipeline.metadata_connection_config, "their-own")
    ledger = open_whole_ledger(lineage.of_newest("ModelRun").folder / LEDGER)
    gated = lineage.artifacts[lineage.gated]
    found = {}
    for cell in gated.splits:
        (file,) = (gated.folder / f"Split-{cell}").iterdir()
        for row, record in zip(
            read_gated_rows(gated.folder, cell), read_records(file), strict=True
        ):
            features = features_in(record, where="here")
            (x,), (note,) = floats_in(features["x"]), texts_in(features["note"])
            if cell.startswith("train"):
                found.setdefault(row.subject, []).append((cell, x, note))
    return ledger, lineage.of_newest("TransformGraph").folder, found


def told_of(people):
    """What the analyzers must tell of some people's rows: the words in order, and the limits."""
    rows = [row for some in people.values() for row in some]
    counts = Counter(note for _, _, note in rows)
    words = sorted(counts, key=lambda word: (counts[word], word), reverse=True)
    numbers = sorted(x for _, x, _ in rows)
    limits = [numbers[-(-share * len(numbers) // 3) - 1] for share in (1, 2)]
    return words, limits


def shards_of(rows):
    return {cell.split("_")[1][1:] for cell, _, _ in rows}


def test_three_forget_sets_move_nothing_a_word_and_a_quantile(tmp_path, monkeypatch):
    here, twin = with_secret(tmp_path / "own"), with_secret(tmp_path / "twin")
    steps = tmp_path / "steps"
    monkeypatch.setenv("STEPS", str(steps))
    pipeline = partial(
        define, run_fn=texts.SUMMED, transform=True, all_slices=True, shards=2, statistics=True
    )
    write_rows(here / "data")
    run(pipeline(here))
    keys = open_workspace(here / "keys-and-manifest").keys()
    names = {stand_in(keys, name).hex(): name
             for name in (f"person-{number:02d}" for number in range(PEOPLE))}  # fmt: skip
    ledger, graph, people = state(pipeline(here))
    assert ledger.repeatable

    def words_in(folder):
        read = tft.TFTransformOutput(str(folder)).vocabulary_by_name("words")
        return [word.decode() for word in read]

    def without(one):
        return {name: rows for name, rows in people.items() if name != one}

    def forget(one):
        steps.unlink(missing_ok=True)
        done = unweave.tfx.forget(pipeline(here), [names[one]])
        assert done.guarantee == "exact"
        assert verify(done.certificate, public_key=done.public_key)["ok"]
        return done, *state(pipeline(here))

    gone = []
    moves = {"nothing": lambda old, new: old == new,
             "a quantile": lambda old, new: old[1] != new[1] and old[0] == new[0],
             "a word": lambda old, new: PLANTED in old[0] and PLANTED not in new[0]}  # fmt: skip
    for kind, moved in moves.items():
        before = told_of(people)
        assert words_in(graph) == before[0]
        digest = canonical_digest(graph)
        one = next(name for name in people if moved(before, told_of(without(name))))
        own, lost = shards_of(people[one]), len(people[one])
        total = sum(map(len, people.values())) - lost
        done, ledger, graph, people = forget(one)
        gone.append(names[one])
        assert total == sum(map(len, people.values()))
        retrained = {shard for shard, verb in done.shards.items() if verb == "retrained"}
        if kind == "nothing":
            assert canonical_digest(graph) == digest
            assert retrained == own and len(own) == 1
            (mine,) = (shard.rows for shard in ledger.shards if str(shard.number) in own)
            others = [shard.rows for shard in ledger.shards if str(shard.number) not in own]
            assert len(steps.read_text()) == mine + min(others), "its shard, and one taken again"
        else:
            assert canonical_digest(graph) != digest and retrained == set(done.shards)
            least = min(shard.rows for shard in ledger.shards)
            assert len(steps.read_text()) == total + least, "all shards, and the least twice"
    assert words_in(graph) == told_of(people)[0] and PLANTED not in words_in(graph)

    write_rows(twin / "data", without=gone)
    run(pipeline(twin))
    never, graph_of_twin, _ = state(pipeline(twin))
    assert [one.state for one in ledger.shards] == [one.state for one in never.shards]
    assert canonical_digest(graph) == canonical_digest(graph_of_twin)
