"""Forgetting from a user's own pipeline: run again without them, checked, erased, certified."""

import gzip
import json
import zlib
from functools import partial

import pytest
from ml_metadata.metadata_store import MetadataStore

import own_run_fns as texts
import unweave.tfx
from lineage_store.errors import AlreadyForgotten, NothingFound, NotReproducible
from lineage_store.examples import read_gated_rows, stand_in
from lineage_store.workspace.folder import open_workspace
from own_pipeline import PEOPLE, PLANTED, WRITER, define, run, with_secret, write_people
from unlearning.serving import canonical_digest
from unlearning.whole_shards import open_whole_ledger
from unweave import verify
from unweave.tfx.own_lineage import read_own_lineage
from unweave.tfx.per_shard_executor import LEDGER

pytestmark = pytest.mark.tfx


TRAINERS = ("Trainer", "Trainer.second")


def newest(pipeline, trainer="Trainer"):
    """The ledger of the newest run."""
    lineage = read_own_lineage(pipeline.metadata_connection_config, "their-own")
    return open_whole_ledger(lineage.of_newest("ModelRun", trainer).folder / LEDGER)


def contents(here):
    """What all files below a folder hold, also unpacked: (path, bytes) each."""
    for file in sorted(here.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            yield file, data
            if data[:2] == b"\x1f\x8b":
                yield file, gzip.decompress(data)
            elif data[:2] in (b"x\x9c", b"x\x01"):
                yield file, zlib.decompressobj().decompress(data)


def holding(here, text, *, but=("data",)):
    """The files that hold a text, plain or compressed, but for those that are the user's."""
    return {
        str(file.relative_to(here))
        for file, data in contents(here)
        if text.encode() in data and file.relative_to(here).parts[0] not in but
    }


def test_somebody_is_forgotten_by_running_the_same_pipeline_again(tmp_path):
    here, twin = with_secret(tmp_path / "own"), with_secret(tmp_path / "twin")
    write_people(here / "data")
    run(define(here, texts.GOOD, cache=True))
    before = newest(define(here, texts.GOOD))
    assert before.repeatable
    found = holding(here, PLANTED)
    assert any("CsvExampleGen" in one for one in found), found
    assert any("ExampleGate" in one for one in found)
    (pushed,) = (here / "serving").iterdir()

    done = unweave.tfx.forget(define(here, texts.GOOD, cache=True), ["person-03"])

    assert (done.guarantee, done.rows) == ("exact", 10)
    assert sorted(done.shards.values()) == ["kept", "kept", "retrained"]
    assert holding(here, PLANTED) == set()
    assert holding(here, "person-03") == set()
    (now,) = (here / "serving").iterdir()
    assert now != pushed
    answer = verify(done.certificate, public_key=done.public_key)
    assert answer["ok"], answer
    (change,) = answer["models"]
    assert change["guarantee"] == "exact" and change["rows"]["train"] + change["rows"]["eval"] == 10
    kinds = {(one["kind"], one["verdict"]) for one in change["verdicts"]}
    assert ("Examples", "erased") in kinds and ("Model", "retrained") in kinds
    assert ("ExampleStatistics", "regenerated") in kinds

    write_people(twin / "data", without=["person-03"])
    run(define(twin, texts.GOOD))
    after = newest(define(here, texts.GOOD))
    assert [one.state for one in after.shards] == [
        one.state for one in newest(define(twin, texts.GOOD)).shards
    ]
    assert [one.state for one in after.shards] != [one.state for one in before.shards]

    with pytest.raises(AlreadyForgotten):
        unweave.tfx.forget(define(here, texts.GOOD), ["person-03.0", "person-03"][1:])
    with pytest.raises(NothingFound, match="1 of the 2 ids"):
        unweave.tfx.forget(define(here, texts.GOOD), ["person-04", "nobody"])

    # No ended model comes back, and the source still holds them: the cache has nothing to give.
    run(define(here, texts.GOOD, cache=True))
    again = newest(define(here, texts.GOOD))
    assert [one.state for one in again.shards] == [one.state for one in after.shards]
    assert {one.how for one in again.shards} == {"taken over"}
    store = MetadataStore(define(here, texts.GOOD).metadata_connection_config)
    ended = {one.uri for one in store.get_artifacts() if one.state == 4}
    assert ended
    live = {one.uri for one in store.get_artifacts() if one.state != 4}
    assert not live & ended
    fingerprints = {
        one.custom_properties["input_fingerprint"].string_value for one in store.get_artifacts()
    }
    assert json.dumps(sorted(fingerprints)).count("total_bytes") <= 1


LETTERS = ["row-0003", "row-0015", "row-0027"]  # all rows with the planted text


def test_a_run_fn_that_does_not_repeat_is_refused_before_anything_is_changed(tmp_path):
    here = with_secret(tmp_path)
    write_people(here / "data")
    run(define(here, texts.CLOCK, shards=1, statistics=False))
    files = {file for file, _ in contents(here / "root")}
    with pytest.raises(NotReproducible, match="Shard 0 was trained twice.*weights.json"):
        unweave.tfx.forget(define(here, texts.CLOCK, shards=1, statistics=False), ["person-03"])
    assert {file for file, _ in contents(here / "root")} == files
    done = unweave.tfx.forget(
        define(here, texts.CLOCK, shards=1, statistics=False), LETTERS, rows=True,
        accept_approximate=True,
    )  # fmt: skip
    assert (done.guarantee, done.rows) == ("approximate", 3)
    answer = verify(done.certificate, public_key=done.public_key)
    assert answer["ok"] and answer["models"][0]["verification"]["rung"] == "none"
    assert holding(here, PLANTED) == set()


class Killed(Exception):
    """A run that ends in the middle."""


def test_a_killed_deletion_is_finished_by_the_same_call(tmp_path):
    here = with_secret(tmp_path)
    write_people(here / "data")
    run(define(here, texts.GOOD, shards=1, statistics=False))

    def killed(pipeline):
        raise Killed

    with pytest.raises(Killed):
        unweave.tfx.forget(
            define(here, texts.GOOD, shards=1, statistics=False), ["person-03"], run=killed
        )
    done = unweave.tfx.forget(define(here, texts.GOOD, shards=1, statistics=False), ["person-03"])
    assert done.request_id == "r1" and done.guarantee == "exact"
    assert holding(here, PLANTED) == set()


def test_several_people_are_forgotten_from_several_trainers_each_with_a_certificate(tmp_path):
    here, twin = with_secret(tmp_path / "own"), with_secret(tmp_path / "twin")
    pipeline = partial(define, run_fn=texts.GOOD, twice=True, shards=2, statistics=False)
    write_people(here / "data")
    run(pipeline(here))
    done = unweave.tfx.forget(pipeline(here), ["person-03", "person-05"])
    assert (done.guarantee, done.rows) == ("exact", 20)
    assert set(done.shards) == {f"{trainer}/{n}" for trainer in TRAINERS for n in range(2)}
    answer = verify(done.certificate, public_key=done.public_key)
    assert answer["ok"] and len(answer["models"]) == 2, answer
    assert len({one["after"]["id"] for one in answer["models"]}) == 2
    assert len(done.certificates) == 2 and done.certificate not in done.certificates
    for one in done.certificates:
        own = verify(one, public_key=done.public_key)
        assert own["ok"] and own["rows"] == 10, own
    assert holding(here, "person-03") == holding(here, "person-05") == set()
    write_people(twin / "data", without=["person-03", "person-05"])
    run(pipeline(twin))
    for trainer in TRAINERS:
        mine, theirs = newest(pipeline(here), trainer), newest(pipeline(twin), trainer)
        assert [one.state for one in mine.shards] == [one.state for one in theirs.shards]


def test_a_model_that_begins_where_one_before_ended_begins_anew_when_that_one_ends(tmp_path):
    """A resolver finds no model that is going to end, and those of later runs as ever."""
    here, twin = with_secret(tmp_path / "own"), with_secret(tmp_path / "twin")
    pipeline = partial(define, run_fn=texts.WARM, resolver=True, shards=1, statistics=False)

    def warm(at):
        (model,) = newest(pipeline(at)).models()
        return json.loads((model / "weights.json").read_text())

    write_people(here / "data")
    run(pipeline(here))
    assert warm(here)["warm"] == 0
    run(pipeline(here))
    assert warm(here)["warm"] > 0
    done = unweave.tfx.forget(pipeline(here), ["person-03"])
    assert done.guarantee == "exact" and verify(done.certificate, public_key=done.public_key)["ok"]
    write_people(twin / "data", without=["person-03"])
    run(pipeline(twin))
    assert warm(here) == warm(twin) and warm(here)["warm"] == 0
    for at in (here, twin):
        run(pipeline(at))
    assert warm(here) == warm(twin) and warm(here)["warm"] > 0


def test_transform_forgets_a_word_that_only_the_forget_set_used(tmp_path):
    """Its vocabulary, moments and quantiles see first slices alone, and are those of the twin."""
    here, twin = with_secret(tmp_path / "own"), with_secret(tmp_path / "twin")
    pipeline = partial(define, run_fn=texts.TRANSFORMED, transform=True, shards=2)
    write_people(here / "data")
    run(pipeline(here))
    lineage = read_own_lineage(pipeline(here).metadata_connection_config, "their-own")
    gated = lineage.artifacts[lineage.gated]
    keys = open_workspace(here / "keys-and-manifest").keys()
    places = {
        row.subject: cell
        for cell in gated.splits
        if cell.startswith("train")
        for row in read_gated_rows(gated.folder, cell)
    }
    cells = {
        name: places[stand_in(keys, name).hex()]
        for name in (f"person-{number:02d}" for number in range(PEOPLE))
    }
    graph = lineage.of_newest("TransformGraph").folder
    late = next(name for name, cell in cells.items() if cell.endswith("_r1") and name[-1] != "3")

    # Analyzers never saw them: the graph is the same, and one shard is trained.
    analyzed = canonical_digest(graph)
    done = unweave.tfx.forget(pipeline(here), [late])
    lineage = read_own_lineage(pipeline(here).metadata_connection_config, "their-own")
    graph = lineage.of_newest("TransformGraph").folder
    assert canonical_digest(graph) == analyzed
    assert sorted(done.shards.values()) == ["kept", "retrained"]

    # They were in a first slice: a word of theirs alone goes, means and quantiles move.
    early = WRITER if cells[WRITER].endswith("_r0") else None
    assert early, "the secret of the tests places who wrote the letter in a first slice"
    found = holding(here, PLANTED)
    assert any("TransformGraph" in one or "transform_graph" in one for one in found), found
    done = unweave.tfx.forget(pipeline(here), [early])
    assert set(done.shards.values()) == {"retrained"}
    assert holding(here, PLANTED) == set()

    write_people(twin / "data", without=[late, early])
    run(pipeline(twin))
    mine, theirs = newest(pipeline(here)), newest(pipeline(twin))
    assert [one.state for one in mine.shards] == [one.state for one in theirs.shards]
