"""Attackers hold all but the manifest's key and the receipt, and cannot confirm a guess.

Each attack is shown thrice: it tells the true row from a false one on a workspace that 961ed0a
wrote, on today's it confirms neither, and on today's with its leak put back it tells them again.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from attackers.attacks import ATTACKS, Guess
from attackers.leaks import LEAKS
from attackers.leftovers import LIVE, Leftovers
from attackers.people import FALSE, TRUE, write_given
from attackers.worlds import World, tokens
from fixtures.first_rules import first_rules
from fixtures.warm_python import warm_executable
from golden.old_code import FIRST, LIBRARIES, unpack
from lineage_store.index import models, reading_index
from lineage_store.ledger import open_ledger
from lineage_store.mlmd.ingest import ingest_model
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.mlmd.names import Names
from lineage_store.mlmd.subgraph import Subgraph, write_once
from pipelines.backends.direct import DirectBackend
from unweave import Project


class WithMetadata(DirectBackend):
    """The direct backend, which writes MLMD afterwards, as TFX's runs have it written."""

    def record_training(self, job):
        ingest(job.workspace, job.model)

    def record_deletion(self, job):
        for change in job.changes:
            ingest(job.workspace, change.model_after)


def ingest(workspace, model):
    with reading_index(workspace) as connection:
        record = models.find_model(connection, model)
    metadata = Metadata(workspace.metadata, create=True)
    uris = {name: str(workspace.absolute(record.paths[name])) for name in ("rows", "model")}

    def stand_ins():
        if metadata.by_uri(uris["rows"]) is not None:
            return None
        graph = Subgraph(metadata)
        for name, uri in uris.items():
            graph.artifact("lineage.Shard", f"{model}:{name}", {"model": model}, uri=uri)
        return graph

    write_once(stand_ins)
    ingest_model(
        metadata,
        names=Names(workspace.keys().key_id),
        record=record,
        ledger=open_ledger(workspace.absolute(record.paths["ledger"])),
        uris=uris,
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return tmp_path_factory.mktemp("attackers")


@pytest.fixture(scope="module")
def old_process(here):
    """The old code at work, while today's makes its own workspaces; no history is a failure."""
    code = unpack(FIRST, here / "code")
    asked = {
        "root": str(here / "old"),
        "report": str(here / "old.html"),
        "train": write_given(here / "given-old", TRUE),
        "forget": TRUE[0],
    }
    with (here / "asked.json").open("w+") as given, (here / "said").open("w+") as said:
        given.write(json.dumps(asked))
        given.seek(0)
        process = subprocess.Popen(
            [warm_executable(*LIBRARIES), Path(__file__).with_name("old_people.py")],
            stdin=given, stdout=said, stderr=said, cwd=code,
            env={**os.environ, "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        yield process
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def today(old_process, here):
    """What is left of the person in a workspace of today."""
    project = Project(here / "today", backend=WithMetadata())
    project.train(**write_given(here / "given-today", TRUE))
    done = project.forget([TRUE[0]], guarantee="exact")
    project.report(done["request_id"], out=here / "today.html")
    return Leftovers(here / "today", here / "today.html")


@pytest.fixture(scope="module")
def worlds(old_process, here):
    """What follows from the true guess, and from the false one."""
    return worlds_in(here / "worlds")


@pytest.fixture(scope="module")
def old_worlds(old_process, here):
    """What follows from them by the rules that 961ed0a read tables by."""
    with first_rules():
        return worlds_in(here / "old-worlds")


def worlds_in(folder):
    found = []
    for name, guess in (("true", TRUE), ("false", FALSE)):
        Project(folder / name, backend=DirectBackend()).train(
            **write_given(folder / f"given-{name}", guess)
        )
        found.append(World(folder / name))
    return found


@pytest.fixture(scope="module")
def old(old_worlds, today, old_process, here):
    """What is left of the person in a workspace that 961ed0a wrote."""
    assert old_process.wait() == 0, (here / "said").read_text()[-2000:]
    return Leftovers(here / "old", here / "old.html")


def confirmed(attack, left, worlds, *, live=LIVE):
    """Which of the guesses, the true one and the false one, an attack confirms."""
    live = World(left.root, live)
    pairs = zip(worlds, reversed(worlds), strict=True)
    return [attack(left, Guess(world, other, live)) for world, other in pairs]


def named(attack):
    return attack.__name__


def test_the_guesses_are_of_one_row_each_in_different_places(worlds):
    true, false = (world.counts for world in worlds)
    assert true != false and sum(map(sum, true)) >= sum(map(sum, false))


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_on_a_workspace_of_961ed0a_it_tells_the_true_row(attack, old, old_worlds):
    assert confirmed(attack, old, old_worlds) == [True, False]


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_on_a_workspace_of_today_it_confirms_nothing(attack, today, worlds):
    assert confirmed(attack, today, worlds) == [False, False]


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
def test_with_its_leak_put_back_it_tells_the_true_row_again(attack, today, worlds, tmp_path):
    copy = shutil.copytree(today.root, tmp_path / "copy")
    LEAKS[attack](copy, worlds[0])
    assert confirmed(attack, Leftovers(copy, today.report), worlds) == [True, False]


def test_today_a_guess_is_confirmed_by_nothing_that_a_second_forgetting_left_either(
    today, here, worlds, tmp_path
):
    """The difference of two deletions: who is forgotten next ends the model that came after."""
    root = shutil.copytree(today.root, tmp_path / "workspace")
    project = Project(root, backend=WithMetadata())
    done = project.forget(["p5"], guarantee="exact")
    page = tmp_path / "report.html"
    project.report(done["request_id"], out=page)
    left = Leftovers(root, page, live=done["model_after"])
    assert confirmed(ATTACKS[-1], left, worlds, live=left.live) == [False, False]


def test_the_exports_of_a_workspace_of_961ed0a_repeat_none_of_its_digests(old, old_worlds):
    """Its log tells the true row for good; what leaves the workspace does not."""
    true, false = old_worlds
    telling = true.everything - false.everything - World(old.root, LIVE).everything
    assert tokens(json.dumps(old.log)) & telling
    for name, text in old.exports.items():
        assert not tokens(text) & telling, name


def test_tokens_are_numbers_and_digests_and_no_moments():
    text = (
        f'{{"a": 0.123456, "b": 12, "at": "2026-11-29T19:25:03.123456+00:00", "c": "{"a" * 64}"}}'
    )
    assert tokens(text) == {"0.12346", "a" * 64}


def test_every_attack_has_its_leak_and_the_secret_is_the_workspaces(today):
    assert set(LEAKS) == set(ATTACKS)
    assert (today.root / "keys" / "secret").read_bytes() == Path(
        today.root.parent / "given-today" / "secret"
    ).read_bytes()
