"""The request queue: what waits, what runs together, and what is left of it afterwards."""

import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import SMALL_MODEL
from fixtures.warm_python import warm_python
from lineage_store.deadlines import Term
from lineage_store.errors import BadInput, NothingFound, WorkspaceBusy
from lineage_store.index import deletions, models, queue, queue_changes
from lineage_store.index.database import open_index, read_index
from lineage_store.log import events
from lineage_store.requests.details import Details, open_details
from lineage_store.requests.policy import Policy
from lineage_store.workspace.folder import open_workspace, writing
from pipelines.backends.direct import DirectBackend
from unlearning.certificates import envelope
from unlearning.planning import exact_later
from unweave import Project, verify
from unweave.answers.revealed import weights_in_clear

TOP = Path(__file__).parents[3]
SECRET = bytes(range(70, 102))
NOON = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)
TODAY = "2031-05-17"

DONE = {"time": "t", "by": "s-1"}
ANN = "annegret.mueller-luedenscheidt@example.org"
BEN = "benedikt.oberhuber@example.org"
COLUMNS = {"label": "label", "subject": "person", "row_id": "row"}
# What the queue does is the same for every family, and this one trains in milliseconds.
OPTIONS = {**COLUMNS, "model_family": "naive-bayes", "shards": 3}
OF_STEPS = {
    **COLUMNS, "module": SMALL_MODEL, "shards": 2, "slices": 1, "epochs": 6, "batch_size": 32,
}  # fmt: skip


def lines():
    draw = random.Random(12)
    people = [ANN, BEN, *(f"person-{n:02d}" for n in range(28))]
    yield ["row", "person", "age", "city", "label"]
    for number in range(300):
        age = draw.gauss(40, 12)
        yield [
            f"row-{number:03d}",
            people[number % len(people)],
            f"{age:.1f}",
            draw.choice(["Ulm", "Bonn", "Hof"]),
            "old" if age + draw.gauss(0, 4) > 40 else "young",
        ]


def settled(ran):
    """What ended without a run of its own."""
    return [(one["request"], one["outcome"], one["run"]) for one in ran["settled"]]


def project_in(root, *, days=0):
    """A project whose clock stands at noon, some days later."""
    return Project(
        root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days), reveal=True
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace with one model; never written to after this."""
    here = tmp_path_factory.mktemp("original")
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines())
    (here / "secret").write_bytes(SECRET)
    (here / "secret").chmod(0o600)
    project_in(here / "workspace").train(here / "people.csv", key_file=here / "secret", **OPTIONS)
    return here / "workspace"


@pytest.fixture
def workspace(original, tmp_path):
    """A copy of the workspace with one model."""
    return Path(shutil.copytree(original, tmp_path / "workspace"))


@pytest.fixture
def project(workspace):
    return project_in(workspace)


@pytest.fixture(scope="module")
def both_forgotten(original, tmp_path_factory):
    """The weights after Ann and Ben were forgotten by the one command."""
    root = tmp_path_factory.mktemp("both") / "workspace"
    shutil.copytree(original, root)
    return project_in(root).forget([ANN, BEN])["weights_digest_after"]


@pytest.fixture(scope="module")
def one_stage(tmp_path_factory):
    """A workspace whose shards have one stage: to correct one is cheaper than to retrain it."""
    here = tmp_path_factory.mktemp("one-stage")
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines())
    project_in(here / "workspace").train(here / "people.csv", **OF_STEPS)
    return here / "workspace"


@pytest.fixture
def staged(one_stage, tmp_path):
    """A project in a copy of that workspace."""
    return project_in(shutil.copytree(one_stage, tmp_path / "staged"))


@pytest.fixture(scope="module")
def ann_forgotten(one_stage, tmp_path_factory):
    """What the exact deletion of Ann answers in that workspace."""
    root = tmp_path_factory.mktemp("ann") / "workspace"
    shutil.copytree(one_stage, root)
    return project_in(root).forget([ANN])


@pytest.fixture(scope="module")
def both_forgotten_in_steps(one_stage, tmp_path_factory):
    """The same of the model with stages."""
    root = tmp_path_factory.mktemp("both-in-steps") / "workspace"
    shutil.copytree(one_stage, root)
    return project_in(root).forget([ANN, BEN])["weights_digest_after"]


def states(project):
    return {one["request"]: one["state"] for one in project.requests.list(ended=True)["requests"]}


def events_of(root):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        return list(events.events(connection))


def files_with(root, *patterns):
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and any(pattern in path.read_bytes() for pattern in patterns)
    }


def sealed_of(root, request):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        return queue.find(connection, request).sealed


# What waits


def test_a_request_keeps_what_was_said_sealed_and_shows_it_to_the_owner(project, workspace):
    given = {
        "reason": "she wrote a letter",
        "legal_basis": "Article 17(1)(b)",
        "requester": "Annegret Mueller",
        "verified_by": "Reception",
        "verified_how": "passport",
    }
    added = project.requests.add([ANN], by="Clerk", **given)
    assert added["request"] == "q1" and added["state"] == "waiting" and not added["duplicate"]
    assert added["deadline"] == "2031-06-17"  # a month
    shown = project.requests.show("q1")
    assert shown["named"] == [ANN]
    assert {name: shown[name] for name in given} == given
    said = [text.encode() for text in (ANN, *given.values(), "Clerk")]
    assert files_with(workspace, *said) == set()
    assert ANN not in json.dumps(project.requests.list())


def test_the_log_of_the_queue_names_nobody(project, workspace):
    project.requests.add([ANN], reason="wrote a letter", requester="Annegret")
    project.requests.hold("q1", reason="a lawsuit", until="2031-06-01")
    project.requests.release("q1")
    project.requests.cancel("q1")
    logged = events_of(workspace)[1:]
    assert [event.kind for event in logged] == [
        "request queued", "request held", "request released", "request ended"
    ]  # fmt: skip
    text = json.dumps([dict(event.body) for event in logged])
    assert not any(word in text for word in ("annegret", "Annegret", "letter", "lawsuit"))
    with closing(read_index(workspace / "unweave.sqlite")) as connection:
        events.check(connection)


@pytest.mark.parametrize("by", ["cancel", "run"])
def test_what_a_request_kept_is_erased_when_it_ends(project, workspace, by):
    project.requests.add([ANN], reason="wrote a letter")
    sealed = sealed_of(workspace, "q1")
    assert files_with(workspace, sealed) == {"unweave.sqlite"}
    project.requests.cancel("q1") if by == "cancel" else project.requests.run()
    assert files_with(workspace, sealed[:40], sealed[-40:]) == set()
    assert sealed_of(workspace, "q1") is None
    assert "named" not in project.requests.show("q1")


def test_a_cancelled_request_leaves_no_commitment(project, workspace):
    project.requests.add([ANN])
    project.requests.cancel("q1")
    with closing(read_index(workspace / "unweave.sqlite")) as connection:
        assert queue.commitments_of(connection, "q1") == []
    with pytest.raises(BadInput, match="q1 has ended"):
        project.requests.cancel("q1")


def test_sealed_details_are_bound_to_their_request_and_to_the_secret(keys):
    details = Details(ids=(ANN,), reason="x")
    sealed = details.sealed("q1", key=keys.requests, random_bytes=os.urandom)
    assert open_details(sealed, "q1", key=keys.requests) == details
    for request, key in (("q2", keys.requests), ("q1", keys.manifest)):
        with pytest.raises(BadInput, match="restore both from the same backup"):
            open_details(sealed, request, key=key)


def test_a_request_for_the_same_people_is_the_first_one_with_the_sooner_deadline(project):
    project.requests.add([ANN, BEN], deadline="2031-06-10")
    again = project.requests.add([BEN, ANN, BEN], deadline="2031-06-03")
    assert again["duplicate"] and again["request"] == "q1" and again["deadline"] == "2031-06-03"
    later = project.requests.add([BEN, ANN], deadline="2031-07-03")
    assert later["duplicate"] and later["deadline"] == "2031-06-03"
    assert not project.requests.add([ANN])["duplicate"]
    assert not project.requests.add([ANN], rows=True)["duplicate"]
    project.requests.cancel("q1")
    assert not project.requests.add([ANN, BEN])["duplicate"]


def test_a_large_request_needs_another_person(project):
    project.requests.set_policy(Policy(approve_above=1))
    assert project.requests.add([ANN], by="Clerk")["state"] == "waiting"
    large = project.requests.add(["person-01", "person-02"], by="Clerk", requester="Dora Ost")
    assert large["state"] == "waiting for approval"
    for name in ("clerk ", "DORA  ost"):
        with pytest.raises(BadInput, match="needs a second person"):
            project.requests.approve(large["request"], by=name)
    with pytest.raises(BadInput, match="does not wait for an approval"):
        project.requests.approve("q1", by="Chief")
    ran = project.requests.run()
    assert [run["requests"] for run in ran["runs"]] == [["q1"]]
    assert states(project) == {"q1": "done", "q2": "waiting for approval"}
    assert project.requests.approve("q2", by="Chief")["state"] == "waiting"
    assert project.requests.run()["runs"][0]["requests"] == ["q2"]


def test_a_proposal_waits_until_somebody_takes_it_up(project):
    assert project.requests.add([ANN], proposed=True, by="Detector")["state"] == "proposal"
    assert project.requests.run()["runs"] == []
    assert project.requests.approve("q1", by="Chief")["state"] == "waiting"


def test_a_held_person_is_not_forgotten_by_any_command(project, workspace):
    project.requests.add([ANN])
    project.requests.add([ANN, BEN])
    project.requests.hold("q1", reason="a lawsuit", until="2031-05-20")
    assert states(project) == {"q1": "held", "q2": "waiting"}
    before = project.models()
    assert project.requests.run()["runs"] == []  # q2 names Ann, too
    with pytest.raises(BadInput, match=r"legal hold is on what was named \(request q1"):
        project.forget([ANN])
    assert project.models() == before
    assert states(project_in(workspace, days=3)) == {"q1": "held", "q2": "waiting"}
    later = project_in(workspace, days=4)
    assert states(later)["q1"] == "waiting"
    assert later.requests.run()["runs"][0]["requests"] == ["q1", "q2"]


def test_a_person_who_is_held_while_her_deletion_is_planned_is_not_forgotten(project, workspace):
    class Meanwhile(DirectBackend):
        def descendants(self, workspace, record):
            if states(project)["q1"] == "waiting":
                project.requests.hold("q1", reason="a lawsuit", until="2031-05-20")
            return super().descendants(workspace, record)

    project.requests.add([ANN])
    before = project.models()
    planning = Project(workspace, backend=Meanwhile(), now=lambda: NOON, reveal=True)
    with pytest.raises(BadInput, match=r"legal hold is on what was named \(request q1"):
        planning.forget([ANN])
    assert states(project) == {"q1": "held"}
    assert project.models() == before and not list((workspace / "requests").iterdir())


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"ids": []}, "at least one subject"),
        ({"ids": [""]}, "at least one subject"),
        ({"ids": [ANN], "deadline": "soon"}, "The deadline is no date"),
        ({"ids": [ANN], "guarantee": "certified"}, "No strategy gives a result that is certified"),
        ({"ids": ["\udcff"]}, "not text in UTF-8"),
        ({"ids": [ANN], "reason": "\udcff"}, "not text in UTF-8"),
        ({"ids": [ANN], "strategy": "hope"}, "There is no strategy"),
        ({"ids": [ANN], "exact_by": "2031-06-01"}, "goes with `guarantee` approximate"),
        (
            {"ids": [ANN], "guarantee": "approximate", "exact_by": "2031-05-16"},
            "`exact_by` has passed",
        ),
        ({"ids": [ANN], "source": "file.csv"}, "`source` and `column` go together"),
    ],
)
def test_a_request_that_could_never_run_is_refused(project, wrong, words):
    with pytest.raises(BadInput, match=words):
        project.requests.add(**wrong)
    assert project.requests.list(ended=True)["requests"] == []


def test_a_request_can_be_added_while_a_run_holds_the_workspace(project, workspace):
    with writing(workspace, create=False):
        assert project.requests.add([ANN])["state"] == "waiting"
        with pytest.raises(WorkspaceBusy):
            project.requests.run()
    project.requests.add([BEN])
    assert project.requests.run()["runs"][0]["requests"] == ["q1", "q2"]


# The state is a function of what is known

STEPS = st.lists(st.sampled_from(["approve", "hold", "release", "answer", "cancel"]), max_size=7)


@given(needs=st.sampled_from(["", "approval", "proposal"]), question=st.booleans(), steps=STEPS)
def test_only_what_nothing_holds_up_is_waiting(new_folder, needs, question, steps):
    with closing(open_index(new_folder() / "unweave.sqlite")) as connection:
        entry = queue.QueueEntry(
            kind="subject", commitments=["c"], options={}, deadline="2031-06-01", needs=needs,
            question=question, term=Term("2031-05-17", "gdpr"),
        )  # fmt: skip
        one = queue.add(connection, entry, seal=lambda id_: b"sealed", time="2031-05-17T12")
        open_, approved, held, asked = True, not needs, False, question
        for step in steps:
            act = {
                "approve": lambda r: queue_changes.approve(connection, r, sealed=b"", **DONE),
                "hold": lambda r: queue_changes.hold(
                    connection, r, until="2031-05-20", sealed=b"", **DONE
                ),
                "release": lambda r: queue_changes.release(connection, r, sealed=b"", **DONE),
                "answer": lambda r: queue_changes.answer(
                    connection, r, commitments=["c"], needs=r.needs, sealed=b"", **DONE
                ),
                "cancel": lambda r: queue_changes.cancel(connection, r, **DONE),
            }[step]
            refused = not open_ or {"approve": approved, "release": not held}.get(step, False)
            if refused:
                with pytest.raises(BadInput):
                    act(one)
                continue
            act(one)
            approved |= step == "approve"
            asked &= step != "answer"
            held = (held or step == "hold") and step != "release"
            open_ &= step != "cancel"
            one = queue.find(connection, one.id)
        waits = open_ and approved and not held and not asked
        assert (one.state(TODAY) == "waiting") == waits
        assert (one.state("2031-05-21") == "waiting") == (open_ and approved and not asked)
        assert (one.sealed is None) == (not open_)
        events.check(connection)


# Running


def test_requests_run_together_and_each_is_answered(project, workspace, both_forgotten):
    project.requests.add([ANN])
    project.requests.add(["nobody.at.all@example.org"])
    project.requests.add([BEN, "nobody.either@example.org"])
    ran = project.requests.run()
    (run,) = ran["runs"]
    assert run["requests"] == ["q1", "q3"] and run["request_id"] == "r1"
    assert run["weights_digest_after"] == both_forgotten
    assert settled(ran) == [("q2", "nothing found", None)]
    assert (ran["failed"], ran["left"], ran["exit_status"]) == ([], {}, 0)
    assert states(project) == {"q1": "done", "q2": "nothing found", "q3": "done"}
    answered = {one["request"]: one for one in project.requests.list(ended=True)["requests"]}
    assert [answered[q]["ids_found"] for q in ("q1", "q2", "q3")] == [1, 0, 1]
    assert [answered[q]["run"] for q in ("q1", "q2", "q3")] == ["r1", None, "r1"]
    assert verify(run["certificate"], public_key=run["public_key"])["ok"]
    ended = [event.body for event in events_of(workspace) if event.kind == "request ended"]
    assert {(body["request"], body["run"]) for body in ended} == {
        ("q1", "r1"), ("q2", None), ("q3", "r1")
    }  # fmt: skip
    assert project.requests.run()["runs"] == []
    assert project.doctor()["ok"]
    with closing(sqlite3.connect(workspace / "unweave.sqlite")) as connection, connection:
        connection.execute("DELETE FROM exclusions WHERE rowid IN (SELECT min(rowid) FROM "
                           "exclusions)")  # fmt: skip
    assert [one["where"] for one in project.doctor()["differences"]] == ["index, request r1"]


def test_who_was_forgotten_meanwhile_is_answered_by_that_run(project):
    project.requests.add([ANN])
    project.forget([ANN])
    assert settled(project.requests.run()) == [("q1", "done", "r1")]
    assert project.requests.show("q1")["certificate"].endswith("requests/r1/certificate.json")


def test_the_status_counts_what_waits_and_names_what_is_overdue(project, workspace):
    project.requests.add([ANN], deadline="2031-05-18")
    project.requests.add([BEN])
    project.requests.hold("q2", reason="a lawsuit", until="2031-05-18")
    assert project.status()["queue"] == {"waiting": 1, "held": 1}
    assert project.status()["overdue"] == []
    later = project_in(workspace, days=2).status()
    assert (later["queue"], later["overdue"]) == ({"waiting": 2}, ["q1"])


def test_if_one_is_due_all_of_its_strategy_go_along(project):
    project.requests.add([ANN], deadline="2031-06-01")
    project.requests.add([BEN], deadline="2031-07-01")
    project.requests.add(["row-007"], rows=True, deadline="2031-07-01")
    assert project.requests.run(due="2031-05-31")["runs"] == []
    ran = project.requests.run(due="2031-06-01")
    assert [run["requests"] for run in ran["runs"]] == [["q1", "q2"]]
    ran = project.requests.run()
    assert [run["requests"] for run in ran["runs"]] == [["q3"]]


def test_a_dry_run_says_what_would_run_and_changes_nothing(staged):
    project, workspace = staged, staged.root
    project.requests.add([ANN])
    project.requests.add(["nobody.at.all@example.org"])
    before = (states(project), project.models(), len(events_of(workspace)))
    answer = project.requests.run(dry_run=True)
    (group,) = answer["groups"]
    assert group["requests"] == ["q1"] and group["rows_found"] == 10
    assert 0 < group["steps_planned"] < group["steps_full"]
    (settled,) = answer["settled"]
    assert settled == {
        "request": "q2", "outcome": "nothing found", "run": None, "deletion": None
    }  # fmt: skip
    assert (states(project), project.models(), len(events_of(workspace))) == before


def test_a_run_that_fails_gives_its_requests_back_and_the_others_run(staged):
    project = staged
    project.requests.add([ANN], strategy="amnesiac")  # no updates were recorded
    project.requests.add([BEN])
    ran = project.requests.run()
    assert [run["requests"] for run in ran["runs"]] == [["q2"]]
    (failed,) = ran["failed"]
    assert failed["requests"] == ["q1"] and "recorded updates" in failed["error"]
    assert ran["exit_status"] == 2 and ran["left"] == {"waiting": 1}
    assert states(project) == {"q1": "waiting", "q2": "done"}


def test_a_finished_request_says_where_the_old_models_had_been_pushed(project, workspace):
    project.requests.add([ANN])
    first = project.requests.run()["runs"][0]
    assert [(one["model"], one["until"]) for one in first["recipients"]] == [
        ("m1", NOON.isoformat())
    ]
    pushed = Path(first["recipients"][0]["pushed"])
    assert pushed.is_relative_to(workspace / "serving" / "m1") and not pushed.exists()
    project.requests.add([BEN])
    second = project.requests.run()["runs"][0]
    assert [one["model"] for one in second["recipients"]] == ["m1", "m2"]
    assert project.requests.show("q2")["recipients"] == second["recipients"]


# Killed

KILL = """
import importlib, os, signal, sys
from datetime import datetime

root, target, entry = sys.argv[1:]
module, _, name = target.rpartition(".")
module = importlib.import_module(module)
whole, entries = getattr(module, name), 0

def killed(*arguments, **options):
    global entries
    entries += 1
    if entries == int(entry):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments, **options)

for each in list(sys.modules.values()):  # whoever has imported it by its name has it, too
    if getattr(each, "__dict__", {}).get(name) is whole:
        setattr(each, name, killed)
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.answers.revealed import weights_in_clear
noon = datetime.fromisoformat("2031-05-17T12:00:00+00:00")  # the clock of whoever goes on
Project(root, backend=DirectBackend(), reveal=True, now=lambda: noon).requests.run()
"""

PLACES = {
    "before the run is recorded": "pipelines.runs.forget.plan_all",
    "the run is recorded": "pipelines.runs.forget.save_open",
    "the open file is written": "pipelines.runs.forget.save_plan",
    "a stage is trained again": "unlearning.training.stages.train_stage",
    "the old model is gone": "unlearning.erasure.erase.compact",
    "the certificate is written": "lineage_store.index.queue.run_done",
    "the run is closed": "pipelines.runs.forget.forget_open_file",
}


@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere_it_ends_with_one_run_and_nothing_lost(request, place):
    of_steps = place == "a stage is trained again"
    project = request.getfixturevalue("staged" if of_steps else "project")
    twin = "both_forgotten_in_steps" if of_steps else "both_forgotten"
    workspace, both_forgotten = project.root, request.getfixturevalue(twin)
    project.requests.add([ANN])
    project.requests.add([BEN])
    project.requests.add(["nobody.at.all@example.org"])
    killed = subprocess.run(
        [*warm_python(), "-c", KILL, str(workspace), PLACES[place], "1"],
        env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    closed = place == "the run is closed"
    assert (states(project)["q1"] == "done") == closed
    project.requests.run()
    assert states(project) == {"q1": "done", "q2": "done", "q3": "nothing found"}
    with closing(read_index(workspace / "unweave.sqlite")) as connection:
        assert [run.id for run in deletions.all_requests(connection)] == ["r1"]
        live = models.models(connection, live_only=True)
        opened = open_workspace(workspace)
        assert [weights_in_clear(opened, record.paths) for record in live] == [both_forgotten]
    kinds = [event.kind for event in events_of(workspace)]
    assert kinds.count("rows deleted") == 1
    assert kinds.count("request ended") == 3
    assert len(list(workspace.rglob("certificate.json"))) == 1
    assert not list(workspace.rglob("open.json"))
    assert files_with(workspace, ANN.encode(), BEN.encode()) == set()


# Two phases


def predicate(path):
    return envelope.verify(Path(path).read_bytes(), None).statement["predicate"]


@pytest.fixture(scope="module")
def two_phases(one_stage, tmp_path_factory):
    """Ann forgotten approximately, exactly by a day; and the workspace after both phases."""
    root = tmp_path_factory.mktemp("phases") / "workspace"
    shutil.copytree(one_stage, root)
    project = project_in(root)
    project.requests.add([ANN], guarantee="approximate", exact_by="2031-06-10")
    first = project.requests.run()
    between = states(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # no letter as PDF
        project.requests.answer_pack("q1", out=root.parent / "between")
        early = project_in(root, days=16).requests.run()
        second = project_in(root, days=17).requests.run()
        project_in(root, days=18).requests.answer_pack("q1", out=root.parent / "after")
    return root, first, between, early, second


def test_an_approximate_result_says_by_when_it_will_be_exact(two_phases):
    _, first, between, early, _ = two_phases
    (run,) = first["runs"]
    assert run["guarantee"] == "approximate" and run["exact_by"] == "2031-06-10"
    (change,) = predicate(run["certificate"])["models"]
    assert (change["guarantee"], change["exact_due_by"]) == ("approximate", "2031-06-10")
    assert between == {"q1": "done", "q2": "waiting"}
    assert early["runs"] == []  # the exact phase waits for others to go along with


def test_the_exact_phase_gives_the_weights_of_the_exact_deletion(two_phases, ann_forgotten):
    root, first, _, _, second = two_phases
    (run,) = second["runs"]
    assert run["requests"] == ["q2"] and run["guarantee"] == "exact" and run["rows_found"] == 0
    twin = ann_forgotten
    assert run["weights_digest_after"] == twin["weights_digest_after"]
    assert run["weights_digest_after"] != first["runs"][0]["weights_digest_after"]
    assert run["steps_recomputed"] == twin["steps_recomputed"]
    assert states(project_in(root)) == {"q1": "done", "q2": "done"}


def test_the_exact_certificate_names_the_one_that_it_makes_good(two_phases):
    _, first, _, _, second = two_phases
    (run,) = second["runs"]
    approximate = Path(first["runs"][0]["certificate"])
    from lineage_store.canonical import digest_file

    assert predicate(run["certificate"])["upgrades"] == [
        {"request": "r1", "certificate": digest_file(approximate)}
    ]
    assert "upgrades" not in predicate(approximate)
    assert verify(run["certificate"], public_key=run["public_key"])["ok"]


def test_the_person_is_told_first_until_when_and_then_that_it_is_exact(two_phases):
    root, _, _, _, second = two_phases
    first, then = ((root.parent / name / "letter.txt").read_text() for name in ("between", "after"))
    assert "for now approximately" in first and "by 10 June 2031" in first
    assert "Articles 77 and 79" in first
    assert "are exactly those" in then and "for now" not in then
    assert "on 3 June 2031 exact ones took their place (deletion r2)" in then
    exact = (root.parent / "after" / "certificate-exact.json").read_bytes()
    assert exact == Path(second["runs"][0]["certificate"]).read_bytes()
    assert not (root.parent / "between" / "certificate-exact.json").exists()
    assert not (root.parent / "after" / "receipt.json").exists()  # it was in the first pack


def test_the_exact_phase_goes_along_with_an_exact_run(staged, both_forgotten_in_steps):
    staged.forget([ANN], guarantee="approximate", exact_by="2031-06-10")
    staged.requests.add([BEN])
    (run,) = staged.requests.run()["runs"]
    assert run["requests"] == ["q1", "q2"]
    assert len(predicate(run["certificate"])["upgrades"]) == 1
    assert run["weights_digest_after"] == both_forgotten_in_steps


def test_an_exact_phase_that_an_exact_command_did_already_has_nothing_left(staged):
    staged.forget([ANN], guarantee="approximate", exact_by="2031-06-10")
    done = staged.forget([BEN], guarantee="exact")
    assert [one["request"] for one in predicate(done["certificate"])["upgrades"]] == ["r1"]
    ran = project_in(staged.root, days=20).requests.run()
    assert ran["runs"] == []
    assert settled(ran) == [("q1", "done", "r2")]


def test_an_exact_phase_that_is_promised_cannot_be_cancelled(staged):
    staged.forget([ANN], guarantee="approximate", exact_by="2031-06-10")
    with pytest.raises(BadInput, match="the certificate of r1 promises"):
        staged.requests.cancel("q1")
    assert staged.requests.show("q1")["follows"] == "r1"


def test_who_wants_it_exact_after_an_approximate_run_gets_it_exact(staged, ann_forgotten):
    staged.requests.add([ANN], guarantee="approximate")
    assert not staged.requests.add([ANN])["duplicate"]
    first, second = staged.requests.run()["runs"]
    assert (first["requests"], first["guarantee"]) == (["q1"], "approximate")
    assert (second["requests"], second["guarantee"]) == (["q2"], "exact")
    assert second["weights_digest_after"] == ann_forgotten["weights_digest_after"]
    staged.requests.add([ANN])
    assert staged.requests.run()["runs"] == []


def record(ordinal, request, guarantee, *, family="m1", state="deleted"):
    return models.ModelRecord(
        id=f"m{ordinal}", family=family, snapshot=1, state=state, created="", guarantee=guarantee,
        weights="", ledger="", paths={}, config={}, request=request,
    )  # fmt: skip


def test_a_phase_ends_with_the_first_exact_run_of_its_models_and_no_other():
    line = [
        record(1, None, "trained"),
        record(2, "r1", "approximate"),
        record(3, "r2", "approximate"),
        record(4, "r3", "exact"),
        record(5, "r4", "approximate", state="live"),
        record(6, None, "trained", family="m6", state="live"),
    ]
    assert [exact_later.still_approximate(line, run) for run in ("r1", "r2", "r3", "r4")] == [
        (), (), (), ("m5",)
    ]  # fmt: skip
    assert [exact_later.exact_run_after(line, run) for run in ("r1", "r2", "r4")] == [
        "r3",
        "r3",
        None,
    ]
    until_m3 = [*line[:2], record(3, "r2", "approximate", state="live")]
    assert exact_later.still_approximate(until_m3, "r1") == ("m3",)


# Access


def test_an_export_holds_the_rows_of_the_person_and_of_nobody_else(staged, tmp_path):
    project = staged
    project.requests.add([ANN])
    answer = project.requests.export(ANN, tmp_path / "ann.json")
    assert answer["rows"] == 10 and answer["models"] == ["m1"] and answer["requests"] == 1
    assert (tmp_path / "ann.json").stat().st_mode & 0o777 == 0o600
    held = json.loads((tmp_path / "ann.json").read_bytes())
    table = list(lines())
    hers = [row for row in table if row[1] == ANN]
    found = [row["values"] for row in held["models"][0]["held"]]
    wanted = [{"age": float(r[2]), "city": r[3], "label": r[4]} for r in hers]
    key = lambda row: (row["age"], row["city"])  # noqa: E731
    assert sorted([{**row, "age": float(row["age"])} for row in found], key=key) == sorted(
        wanted, key=key
    )
    assert held["requests"][0]["request"] == "q1" and held["models"][0]["batches"]


def test_an_export_of_who_is_not_here_is_nothing_found_and_no_file(project, workspace, tmp_path):
    out = tmp_path / "out.json"
    with pytest.raises(NothingFound):
        project.requests.export("nobody.at.all@example.org", out)
    with pytest.raises(BadInput, match="must not lie in the workspace"):
        project.requests.export(ANN, workspace / "ann.json")
    project.forget([ANN])
    with pytest.raises(NothingFound, match="forgotten on 2031-05-17"):
        project.requests.export(ANN, out)
    assert not out.exists()


# Near matches


@pytest.fixture
def twins(tmp_path):
    """A file in which Ann has twins, and a workspace trained on it."""
    rows = list(lines())
    for number, row in enumerate(rows[1:]):
        if row[1] == ANN and number % 3 == 0:
            row[1] = f" {ANN.upper()}"
    with (tmp_path / "twins.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    project = project_in(tmp_path / "twins")
    project.train(tmp_path / "twins.csv", **OPTIONS)
    return project, tmp_path / "twins.csv"


def test_a_person_with_twins_waits_until_it_is_said_which_are_meant(twins):
    project, source = twins
    asked = project.requests.add([ANN], source=source, column="person")
    assert asked["state"] == "waiting for an answer"
    (match,) = asked["near"]
    assert match["id"] == f" {ANN.upper()}" and match["rows"] > 0
    assert project.requests.run()["runs"] == []
    with pytest.raises(BadInput, match="say `only`"):
        project.requests.answer("q1")
    answered = project.requests.answer("q1", also=[match["id"]])
    assert (answered["state"], answered["ids"], answered["near"]) == ("waiting", 2, [])
    (run,) = project.requests.run()["runs"]
    assert run["rows_found"] == 10


def test_who_has_no_twin_waits_for_nothing(twins):
    project, source = twins
    asked = project.requests.add([BEN], source=source, column="person")
    assert (asked["state"], asked["near"]) == ("waiting", [])
    answered = project.requests.add([ANN], source=source, column="person", only=True)
    assert answered["state"] == "waiting"
    with pytest.raises(BadInput, match="does not wait for an answer"):
        project.requests.answer(asked["request"], only=True)


# The command line


def run(*arguments, folder):
    done = subprocess.run(
        [*warm_python(), "-m", "unweave", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_commands_say_what_the_methods_return(workspace, tmp_path):
    status, out, _ = run("request", "add", ANN, "--reason", "a letter", "--json", folder=tmp_path)
    assert (status, json.loads(out)["request"]) == (0, "q1")
    status, out, _ = run("request", "list", folder=tmp_path)
    assert status == 0 and "q1" in out and "waiting" in out and ANN not in out
    status, out, _ = run("request", "show", "q1", folder=tmp_path)
    assert status == 0 and ANN in out and "a letter" in out
    assert run("request", "hold", "q1", "--reason", "x", "--until", "2999-01-01", folder=tmp_path)[
        :2
    ] == (
        0,
        "q1 is held, due by "
        + Project(workspace, reveal=True).requests.show("q1")["deadline"]
        + ".\n"
        + Project(workspace).requests.show("q1")["warnings"][0]
        + "\n",
    )
    status, out, _ = run("run-requests", folder=tmp_path)
    assert (status, out) == (0, "No request is due.\nLeft in the queue: 1 held.\n")
    status, _, errors = run("request", "show", "q9", folder=tmp_path)
    assert status == 3 and errors.startswith("unweave: There is no such request")
    status, _, errors = run("request", "approve", "q1", "--by", "Chief", folder=tmp_path)
    assert status == 2 and "does not wait for an approval" in errors
    status, out, _ = run("request", "policy", "--approve-above", "5", "--json", folder=tmp_path)
    assert json.loads(out)["approve_above"] == 5
    status, out, _ = run("trace", "subject", ANN, "--export", "ann.json", folder=tmp_path)
    assert status == 0 and "10 rows" in out and (tmp_path / "ann.json").exists()


def test_the_queue_is_opened_without_tensorflow(workspace, tmp_path):
    asked = (
        "import sys; from unweave import Project; queue = Project('workspace').requests; "
        "queue.add(['x']); queue.list(); queue.show('q1'); queue.hold('q1', reason='y', "
        "until='2999-01-01'); queue.cancel('q1'); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "False\n", done.stderr


def test_an_older_index_gets_a_queue(tmp_path):
    from sqlite_utils import Database

    from lineage_store.index.database import _migrations

    path = tmp_path / "unweave.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        _migrations().apply(Database(connection), stop_before="queue")
        connection.execute(
            "INSERT INTO requests (ordinal, id, created, state, options) "
            "VALUES (1, 'r1', '2031-01-01', 'done', '{}')"
        )
        connection.commit()
    with closing(open_index(path)) as connection:
        assert queue.all_queued(connection) == []
        assert deletions.find_request(connection, "r1").state == "done"
