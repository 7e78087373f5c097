"""Naive Bayes end to end, without TensorFlow: trained, forgotten, proven, audited, killed.

Twins are trained in a process of their own from files that never held the rows, in another order.
"""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lineage_store.canonical import digest_file
from lineage_store.errors import BadInput, CheckFailed, LeftAsItIs
from lineage_store.index import reading_index
from lineage_store.index.models import models
from lineage_store.ledger import TrainOptions, open_ledger
from lineage_store.rows import open_rows
from lineage_store.tensors import weights_of
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.families import family_of
from unlearning.strategies.known_strategies import register, unregister
from unlearning.strategies.update_parts import SubtractSums
from unweave import Project

TOP = Path(__file__).parents[2]
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "model_family": "naive-bayes",
    "shards": 2,
}  # fmt: skip
# One person has the only rows of a class, of a town, and of the least size.
LAST = "person-00"

TWINS = """
import json, sys
from pathlib import Path
from lineage_store.canonical import digest_file
from pipelines.backends.direct import DirectBackend
from unweave import Project

told = json.loads(sys.stdin.read())
found = {}
for name, table in told["tables"].items():
    root = Path(table).with_suffix(".twin")
    project = Project(root, backend=DirectBackend(), reveal=True)
    made = project.train(table, key_file=told["secret"], **told["options"])
    states = sorted(root.glob("tfx/*/ledger/shards/*/*.safetensors"))
    found[name] = [made["weights_digest"], [digest_file(state) for state in states]]
loaded = sorted({"tensorflow", "keras"} & {*sys.modules})
print(json.dumps({"found": found, "loaded": loaded}))
"""

EVERYTHING = """
import json, sys
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

root, table, secret, options = json.loads(sys.stdin.read())
project = Project(root, backend=DirectBackend(), reveal=True)
project.train(table, key_file=secret, **options)
assert project.plan(["person-03"])["strategy"] == "subtract-sums"
done = project.forget(["person-03", "person-04"], replay=True)
assert verify(done["certificate"], public_key=done["public_key"])["ok"]
assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
assert (done["steps_recomputed"], done["steps_full"]) == (0, 0)
assert project.doctor()["ok"] and project.status()["models"] == {"deleted": 1, "live": 1}
told = project.audit(replay=9)
assert told["ok"] and told["replay"]["replayed"] == 2, told
assert project.trace_subject("person-05")["models"][0]["why"]
assert project.trace_model()["shards"]
assert project.report(done["request_id"], out=root + "/report.html")["outcome"] == "exact"
print(json.dumps(sorted({"tensorflow", "keras", "tfx"} & {*sys.modules})))
"""


def lines(without=(), *, seed=7):
    draw = random.Random(seed)
    yield ["row", "person", "town", "size", "label"]
    found = []
    for number in range(300):
        person = f"person-{number % 30:02d}"
        town = draw.choice(["Ulm", "Trier", "", f"Weiler {number // 4}"])
        size, label = f"{draw.lognormvariate(0, 2):.4f}", draw.choice(["yes", "no"])
        if person == LAST:
            town, size, label = "Nowhere", f"{1e-30 * (number + 1):.3e}", "perhaps"
        if number % 17 == 3:
            size = "NA"
        found.append([str(number), person, town, size, label])
    if without:
        draw.shuffle(found)
    yield from (line for line in found if line[1] not in without)


def write(path, table):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)
    return path


def states_of(root):
    with reading_index(open_workspace(root)) as connection:
        (record,) = models(connection, live_only=True)
    ledger = open_ledger(root / record.paths["ledger"])
    return [digest_file(s.checkpoint_file(0)) for s in ledger.shards() if s.has_checkpoint(0)]


def ledger_of(root):
    with reading_index(open_workspace(root)) as connection:
        record = models(connection, live_only=True)[-1]
    return open_ledger(root / record.paths["ledger"]), open_rows(root / record.paths["rows"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with a model of two parts, its table and its secret."""
    folder = tmp_path_factory.mktemp("bayes")
    (folder / "secret").write_bytes(bytes(range(32)))
    (folder / "secret").chmod(0o600)
    table = write(folder / "people.csv", lines())
    project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
    project.train(table, key_file=folder / "secret", **OPTIONS)
    return folder


@pytest.fixture
def project(made, tmp_path):
    """A copy of it."""
    shutil.copytree(made / "workspace", tmp_path / "workspace")
    return Project(tmp_path / "workspace", backend=DirectBackend(), reveal=True)


def apart(program, asked):
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(asked, default=str),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_train_forget_prove_and_audit_take_no_tensorflow(made, tmp_path):
    asked = [tmp_path / "workspace", made / "people.csv", made / "secret", OPTIONS]
    assert apart(EVERYTHING, asked) == []


def people_of_part(root, part):
    """Return the people whose rows lie in a part: all rows of a person do."""
    ledger, _ = ledger_of(root)
    project = Project(root, backend=DirectBackend(), reveal=True)
    people = sorted({line[1] for line in lines()} - {"person"})
    found = {one: project.trace_subject(one)["models"][0]["shards"] for one in people}
    assert ledger.partition.shards == 2
    return [one for one, shards in found.items() if part in shards]


def test_a_chain_of_deletions_has_the_bits_of_twins_in_a_fresh_process(made, project, tmp_path):
    """The last rows of a class, a text and an octave; some rows; all rows of a part; everything."""
    draw = random.Random(3)
    rest = sorted({f"person-{n:02d}" for n in range(1, 30)})
    some = draw.sample(rest, 4)
    part = [one for one in people_of_part(project.root, 0) if one not in (LAST, *some)]
    gone, tables = [], {}
    for name, people in (("last", [LAST]), ("some", some), ("part", part)):
        gone += people
        tables[name] = write(tmp_path / f"{name}.csv", lines(gone))
    twins = apart(TWINS, {"tables": tables, "secret": made / "secret", "options": OPTIONS})
    assert twins["loaded"] == []
    for name, people in (("last", [LAST]), ("some", some), ("part", part)):
        done = project.forget(people)
        assert done["guarantee"] == "exact"
        assert [done["weights_digest_after"], states_of(project.root)] == twins["found"][name]
    assert len(states_of(project.root)) == 1  # the emptied part has left
    done = project.forget(sorted({*rest} - {*gone}))
    assert done["model_after"] is None and project.audit()["ok"]


def test_a_killed_deletion_is_finished_with_the_same_bits(project, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(project.root, other)
    wanted = Project(other, backend=DirectBackend(), reveal=True).forget(["person-09"])
    program = f"""
import os, signal
from pipelines.backends import direct
from unweave import Project

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

direct.check_and_keep = killed
Project({str(project.root)!r}, backend=direct.DirectBackend(), reveal=True).forget(["person-09"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )
    assert done.returncode == -signal.SIGKILL
    finished = project.forget(["person-09"])
    assert finished["weights_digest_after"] == wanted["weights_digest_after"]
    assert states_of(project.root) == states_of(other)


class Named(SubtractSums):
    name = "lying"


class LeavesAll(Named):
    def decide(self, situation):
        return tuple(
            replace(one, action="kept", kept_stages=1) for one in super().decide(situation)
        )


class ForgetsOneRowTooFew(Named):
    def apply(self, decision, *, old, new, run, store, old_store=None):
        if decision.action != "updated":
            super().apply(decision, old=old, new=new, run=run, store=store, old_store=old_store)
            return
        part = decision.shard
        rows = store.stage_rows(part, 0)
        kept = {key.tobytes() for key in rows.row_keys}
        before = old_store.stage_rows(part, 0)
        gone = [at for at, key in enumerate(before.row_keys) if key.tobytes() not in kept]
        state = run.learner.less(old.checkpoint(0), before.take(gone[1:]), left=rows)
        run.learner.keep(run.part_run, part, rows=rows, state=state, into=new)


@pytest.mark.parametrize(
    "strategy, error, words",
    [
        (LeavesAll(), LeftAsItIs, "leaves stage 0"),
        (ForgetsOneRowTooFew(), CheckFailed, "learnt again"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, SubtractSums) else "",
)
def test_a_strategy_that_lies_is_refused_and_changes_nothing(project, strategy, error, words):
    before = states_of(project.root)
    register(strategy)
    try:
        with pytest.raises(error, match=words):
            project.forget(["person-11"], strategy="lying")
    finally:
        unregister("lying")
    assert states_of(project.root) == before


def test_a_strategy_of_steps_takes_no_rows_out_of_sums(project):
    with pytest.raises(BadInput, match="retrain-shards takes no rows out of .* naive-bayes"):
        project.plan(["person-11"], strategy="retrain-shards")
    with pytest.raises(BadInput, match="no cost in steps"):
        project.expected_cost()


def test_sums_that_were_changed_on_disk_are_found(project):
    ledger, _ = ledger_of(project.root)
    file = ledger.shard(0).checkpoint_file(0)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    answer = project.audit(replay=9)
    assert not answer["ok"]
    assert {one["part"] for one in answer["findings"]} >= {"files", "replay"}


def test_the_ledger_says_what_it_is(made):
    ledger, store = ledger_of(made / "workspace")
    header = json.loads((ledger.folder / "header.json").read_bytes())
    assert (header["format"], header["model_family"]) == (2, "naive-bayes")
    for number, shard in enumerate(ledger.shards()):
        (record,) = shard.stages()
        assert (record.kind, record.steps, record.rows) == ("sums", 0, sum(store.counts[number]))
        state = shard.checkpoint(0)
        assert state and weights_of(state).keys() == state.keys()  # what is served is all there is
        assert list(shard.steps(0)) == []


@pytest.mark.parametrize(
    "options, words",
    [
        ({"slices": 4}, "`slices`"),
        ({"record": "all"}, "`record`"),
        ({"early_stop": 2}, "`early_stop`"),
        ({"class_weights": "balanced"}, "`class_weights`"),
        ({"checkpoint_every": 5}, "`checkpoint_every`"),
        ({"risk_rules": ("town=Ulm",)}, "`risk_rules`"),
        ({"aggregate": "median"}, "choose mean or vote"),
    ],
)
def test_what_means_nothing_to_sums_is_refused_in_one_sentence(options, words):
    (reason,) = family_of("naive-bayes").unfit(
        None, TrainOptions(model_family="naive-bayes", **options)
    )
    assert words in reason.why and reason.why.endswith(".")


def test_a_module_a_base_and_numbers_to_predict_are_refused(made, tmp_path):
    module = tmp_path / "module.py"
    module.write_text("def build_model(spec): ...\n")
    fresh = Project(tmp_path / "workspace", backend=DirectBackend(), reveal=True)
    for more, words in (
        ({"module": module}, "takes no module"),
        ({"base": "m1"}, "leave `base` out"),
        ({"label": "size"}, "tells classes"),
    ):
        with pytest.raises(BadInput, match=words):
            fresh.train(made / "people.csv", **{**OPTIONS, **more})
    with pytest.raises(BadInput, match="There is no family 'tree'"):
        fresh.train(made / "people.csv", **{**OPTIONS, "model_family": "tree"})
