"""Law 4: a strategy's word is never a reason. Those that lie are refused in a run, and not here.

What every strategy can lie about is told by the contract of families, of each (`contract_lies`);
here a run that refuses one changes nothing, and what only stages and steps can be lied about is.
"""

import base64
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures import SMALL_MODEL
from lineage_store.canonical import canonical_json, digest_file, read_json
from lineage_store.claim import BITS
from lineage_store.errors import BadInput, CheckFailed, LeftAsItIs
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.index.row_index import IndexedRows
from lineage_store.ledger.shards import keep_shard, open_ledger
from lineage_store.tensors import load_state, save_state
from pipelines.backends.direct import DirectBackend
from pipelines.runs.find_rows import NO_ROWS, merged
from unlearning.strategies.amnesiac import Amnesiac
from unlearning.strategies.known_strategies import register, strategies
from unlearning.strategies.retrain_shards import RetrainShards
from unlearning.training.stages import train_shard
from unweave.api.project import Project

ROWS = [["person", "x", "y", "label"]]
ROWS += [[f"p{n % 41}", f"{n % 11}.5", ("a", "b", "c")[n % 3], str(n % 2)] for n in range(240)]
ROWS += [[f"lone{n}", "1.5", "a", "1"] for n in range(30)]
OPTIONS = {"label": "label", "subject": "person", "shards": 3, "slices": 3, "epochs": 4,
           "batch_size": 8, "module": SMALL_MODEL}  # fmt: skip
GONE = ("p1", "p3")  # in two shards, and not in their first slices


class KeepsAll(RetrainShards):
    """Does nothing, and says so of shards that lose rows."""

    name = "keeps-all"

    def decide(self, situation):
        slices = situation.partition.slices
        return tuple(
            replace(one, action="kept", kept_stages=slices, steps=0, resume=None)
            for one in super().decide(situation)
        )


class LaterStage(RetrainShards):
    """Starts from a checkpoint that had seen the rows."""

    name = "later-stage"

    def decide(self, situation):
        return tuple(
            replace(one, kept_stages=one.kept_stages + 1) if one.action == "retrained" else one
            for one in super().decide(situation)
        )


class LaterStep(RetrainShards):
    """Takes the very step over that was the first to see a row."""

    name = "later-step"

    def decide(self, situation):
        return tuple(
            replace(one, resume=situation.first_position(one.shard))
            if one.action == "retrained"
            else one
            for one in super().decide(situation)
        )


class TooFew(Amnesiac):
    """Names all steps to subtract but one."""

    name = "too-few"

    def decide(self, situation):
        return tuple(replace(one, positions=one.positions[1:]) for one in super().decide(situation))


class SaysExact(Amnesiac):
    """Subtracts, and calls the result exact."""

    name = "says-exact"
    claim = BITS


@pytest.fixture(scope="module")
def original(tmp_path_factory, write_csv):
    folder = tmp_path_factory.mktemp("believes")
    key = folder / "key"
    key.write_bytes(b"always the same places in the same shards")
    key.chmod(0o600)
    project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
    project.train(write_csv(ROWS), record="all", key_file=key, **OPTIONS)
    return project.root


@pytest.fixture
def project(original, tmp_path):
    return Project(
        shutil.copytree(original, tmp_path / "workspace"), backend=DirectBackend(), reveal=True
    )


def digests(root):
    """The digest of every file below a folder."""
    return {path: digest_file(path) for path in root.rglob("*") if path.is_file()}


def of_models(root):
    """The digest of every file of any model: data, rows, ledger, served model."""
    return {name: digests(root / name) for name in ("data", "serving", "tfx")}


def must_be_refused(project, strategy, words, error=LeftAsItIs):
    """Forget, and see that the run is refused, that nothing has gone and nothing is in the way."""
    before, known = of_models(project.root), project.models()
    with pytest.raises(error, match=words):
        project.forget(list(GONE), strategy=strategy)
    assert of_models(project.root) == before
    assert project.models() == known
    assert project.status()["unfinished"] == []
    assert not list((project.root / "requests").glob("*/certificate.json"))
    for person in GONE:
        assert project.trace_subject(person)["models"][0]["rows"] > 0


def test_the_table_is_the_one_that_these_tests_need(project):
    shards = project.plan(list(GONE))["plans"][0]["shards"]
    retrained = [one for one in shards if one["action"] == "retrained"]
    assert len(retrained) == 2 < len(shards)
    assert any(0 < one["kept_stages"] < OPTIONS["slices"] - 1 for one in retrained)


@pytest.mark.parametrize(
    "strategy, words",
    [
        (KeepsAll(), r"keeps-all leaves stage \d of shard \d, although a batch held a row"),
        (LaterStage(), r"later-stage leaves stage \d of shard \d"),
        (LaterStep(), r"later-step leaves step \d+ of shard \d"),
        (TooFew(), r"too-few leaves the update of step \d+ of shard \d"),
        (SaysExact(), r"says-exact calls what is subtracted exact"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_plan_that_leaves_something_downstream_as_it_is_is_refused(
    project, registered, strategy, words
):
    must_be_refused(project, registered(strategy), words)


def test_after_a_refusal_the_next_strategy_forgets(project, registered):
    must_be_refused(project, registered(KeepsAll()), "leaves stage")
    answer = project.forget(list(GONE), strategy="retrain-shards")
    assert answer["guarantee"] == "exact"
    assert answer["weights_digest_before"] != answer["weights_digest_after"]
    assert {check["outcome"] for check in answer["checks"]} == {"passed"}


class KilledAfterThePlan(DirectBackend):
    """Dies before anything is done, as a process does that is killed."""

    def delete(self, job):
        raise KeyboardInterrupt


def test_a_plan_that_was_changed_on_disk_is_refused_before_anything_is_changed(project):
    with pytest.raises(KeyboardInterrupt):
        Project(project.root, backend=KilledAfterThePlan(), reveal=True).forget(["p3"])
    (file,) = (project.root / "requests").glob("*/plan.json")
    (plan,) = read_json(file)
    for shard in plan["shards"]:
        shard |= {"action": "kept", "kept_stages": OPTIONS["slices"], "steps": 0}
    file.write_bytes(canonical_json([plan]) + b"\n")
    before = digests(project.root / "tfx")
    with pytest.raises(LeftAsItIs, match="retrain-shards leaves stage"):
        project.forget(["p3"])
    assert before.items() <= digests(project.root / "tfx").items()
    assert project.forget(["p3"])["guarantee"] == "exact"


def test_a_ledger_whose_batches_are_not_those_of_placement_is_told(project):
    ledger = newest(project)
    decision = next(
        one for one in project.plan(["p3"])["plans"][0]["shards"] if one["action"] == "retrained"
    )
    steps = ledger.shard(decision["shard"]).steps_file(decision["kept_stages"])
    lines = steps.read_text().splitlines()
    steps.write_text("\n".join(reversed(lines)) + "\n")  # the records are those of other steps
    assert project.plan(["p3"])["strategy"] == "retrain-shards"  # in whatever order
    steps.write_text(steps.read_text().replace('"batch_digest":"', '"batch_digest":"0'))
    with pytest.raises(CheckFailed):
        project.plan(["p3"])


def newest(project):
    connection = read_index(project.root / "unweave.sqlite")
    try:
        return open_ledger(project.root / find_model(connection).paths["ledger"])
    finally:
        connection.close()


def test_a_row_of_two_people_who_both_go_is_one_row():
    row_keys = np.arange(64, dtype=np.uint8).reshape(4, 16)
    places, splits = np.arange(4, dtype=np.uint64), ("train", "eval", "train", "train")
    parts = [IndexedRows(row_keys[at], places[at], splits[at]) for at in (slice(3), slice(1, 4))]
    found = merged([NO_ROWS, *parts])
    assert np.array_equal(found.row_keys, row_keys) and found.splits == splits
    assert np.array_equal(found.places, places)


def test_a_name_that_is_taken_is_not_registered_again(registered):
    registered(KeepsAll())
    with pytest.raises(BadInput, match="'keeps-all' already"):
        register(KeepsAll())
    assert list(strategies())[-1] == "keeps-all"


# What a strategy does, whatever it said


class ClaimsToRetrain(RetrainShards):
    """Says what is right, and takes the shard over as it was."""

    name = "claims-to-retrain"

    def apply(self, decision, *, old, new, run, store, old_store=None):
        keep_shard(old, new)


class RandomFromTheStart(RetrainShards):
    """Trains on the right rows, from weights that it drew."""

    name = "random-from-the-start"

    def apply(self, decision, *, old, new, run, store, old_store=None):
        if decision.action != "retrained":
            keep_shard(old, new)
            return
        file = new.checkpoint_file(decision.kept_stages - 1)
        keep_shard(old, new, stages=decision.kept_stages)
        known = load_state(file)
        file.unlink()
        save_state(file, with_noise(known))
        train_shard(run, store, decision.shard, new, kept=decision.kept_stages)
        file.unlink()
        save_state(file, known)


class RandomBesides(RetrainShards):
    """Puts noise on a shard that it was to keep, where nobody looks."""

    name = "random-besides"

    def apply(self, decision, *, old, new, run, store, old_store=None):
        super().apply(decision, old=old, new=new, run=run, store=store, old_store=old_store)
        if decision.action == "kept":
            save_state(new.final_file, with_noise(new.final_weights()))


class OneEpoch(RetrainShards):
    """Trains on the right rows, and one epoch less than it was to."""

    name = "one-epoch"

    def apply(self, decision, *, old, new, run, store, old_store=None):
        less = replace(run, options=replace(run.options, epochs=1))
        super().apply(decision, old=old, new=new, run=less, store=store, old_store=old_store)


def with_noise(state):
    draw = np.random.default_rng(0)
    return {
        name: array + draw.normal(scale=1e-3, size=array.shape).astype(array.dtype)
        if name.startswith("weights/") and array.dtype == np.float32
        else array
        for name, array in state.items()
    }


@pytest.mark.parametrize(
    "strategy, words",
    [
        (ClaimsToRetrain(), "saw the retained rows and no others' failed"),
        (
            RandomFromTheStart(),
            "taken again in part, gives the same bits' failed.* the loss of step",
        ),
        (RandomBesides(), r"reused checkpoints .* shard \d has other weights than before"),
        (OneEpoch(), "failed.* stage . of shard . was planned otherwise"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_result_that_is_not_what_the_plan_says_is_refused(project, registered, strategy, words):
    must_be_refused(project, registered(strategy), words, error=CheckFailed)


class StopsEarlier(RetrainShards):
    """Trains on the right rows, and waits less long for a lower loss than it was to."""

    name = "stops-earlier"

    def apply(self, decision, *, old, new, run, store, old_store=None):
        hasty = replace(run, options=replace(run.options, early_stop=1))
        super().apply(decision, old=old, new=new, run=hasty, store=store, old_store=old_store)


class SaysItStopped(RetrainShards):
    """Trains one epoch a stage, and says that the loss had not become less since."""

    name = "says-it-stopped"

    def apply(self, decision, *, old, new, run, store, old_store=None):
        hasty = replace(run, options=replace(run.options, early_stop=1))
        super().apply(decision, old=old, new=new, run=hasty, store=store, old_store=old_store)
        for record in new.stages()[decision.kept_stages :]:
            if record.watched:
                lied = replace(record, watched=(0.0,) * (record.epochs - 1) + (1e9,))
                new.write_stage(lied, new.steps(record.stage), new.checkpoint(record.stage))


@pytest.mark.parametrize(
    "strategy, words",
    [
        (StopsEarlier(), r"stage \d of shard \d ends after another epoch than the losses"),
        (SaysItStopped(), r"shard \d watched another loss|ends after another epoch"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_stage_that_ends_earlier_than_its_losses_say_is_refused(
    tmp_path, write_csv, registered, strategy, words
):
    """The table has no signal, and the rate is high: losses go up and down from the first epoch."""
    project = Project(tmp_path / "workspace", backend=DirectBackend(), reveal=True)
    options = {**OPTIONS, "epochs": 12, "early_stop": 3, "module": write_module(tmp_path)}
    project.train(write_csv(ROWS), **options)
    honest = project.plan(list(GONE))
    assert honest["strategy"] == "retrain-shards"
    must_be_refused(project, registered(strategy), words, error=CheckFailed)
    answer = project.forget(list(GONE))
    assert {check["outcome"] for check in answer["checks"]} == {"passed"}


def write_module(folder):
    """A model whose loss goes up and down: its rate is high."""
    file = folder / "restless.py"
    file.write_text(
        """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(numbers))
    model.compile(optimizer=keras.optimizers.SGD(2.0), loss=spec.loss)
    return model
"""
    )
    return file


@pytest.mark.parametrize("strategy", ["retrain-shards", "amnesiac", "amnesiac-marginal"])
def test_honest_strategies_pass_and_say_how_much_was_taken_again(project, strategy):
    answer = project.forget(list(GONE), strategy=strategy)
    outcomes = {check["name"]: check for check in answer["checks"]}
    assert {check["outcome"] for check in answer["checks"]} == {"passed"}
    if strategy == "retrain-shards":
        again = outcomes["what was trained, taken again in part, gives the same bits"]
        taken, of = re.search(r"(\d+) of (\d+) steps were taken again", again["detail"]).groups()
        assert 0 < int(taken) <= 4 * len(answer["affected_shards"])
        assert int(of) == answer["steps_recomputed"]
    assert not list(project.root.rglob("witness"))


def test_rows_that_no_unit_saw_were_not_learnt_from(project):
    name = next(
        f"lone{n}"
        for n in range(30)
        if project.trace_subject(f"lone{n}")["models"][0]["splits"] == {"eval": 1}
    )
    answer = project.forget([name])
    assert answer["learnt"] is False
    assert answer["weights_digest_before"] == answer["weights_digest_after"]
    assert answer["affected_shards"] == []
    checks = {check["name"]: check for check in answer["checks"]}
    same = checks["all states are the old ones, since no unit saw the rows"]
    assert same["outcome"] == "uninformative" and same["detail"].startswith("not learnt from")
    envelope = read_json(Path(answer["certificate"]))
    statement = json.loads(base64.b64decode(envelope["payload"]))
    (change,) = statement["predicate"]["models"]
    assert change["learnt"] == "not learnt from"
