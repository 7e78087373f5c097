"""The workspace's secret lost, put back from a backup, and another in its place: docs/keys.md."""

import shutil

import pytest

from lineage_store.errors import BadInput, NothingFound
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 2}
LINES = [["person", "x", "label"]] + [
    [f"person-{n % 20}", f"{n % 7}.5", "ab"[n % 2]] for n in range(200)
]


@pytest.fixture
def workspace(tmp_path, write_csv):
    """A workspace in which a person was forgotten and a request waits, and a backup of its keys."""
    table = write_csv(LINES)
    project = Project(tmp_path / "ws", backend=DirectBackend(), reveal=True)
    project.train(table, **OPTIONS)
    project.forget(["person-3"])
    project.requests.add(["person-4"], reason="a letter")
    shutil.copytree(project.root / "keys", tmp_path / "keys-kept-apart")
    return project, table


def lose(project):
    (project.root / "keys" / "secret").unlink()


def test_without_the_secret_models_serve_and_certificates_hold_and_nobody_is_found(workspace):
    project, table = workspace
    lose(project)
    assert len(project.predict(table)["predictions"]) == 200
    certificate = project.root / "requests" / "r1" / "certificate.json"
    assert verify(certificate, public_key=project.public_key)["ok"]
    for asked in (
        lambda: project.forget(["person-5"]),
        lambda: project.trace_subject("person-5"),
        lambda: project.requests.run(),
        lambda: project.train(table, **OPTIONS),
    ):
        with pytest.raises(BadInput, match="secret"):
            asked()


def test_a_backup_of_the_keys_brings_all_of_it_back(workspace, tmp_path):
    project, table = workspace
    lose(project)
    shutil.copytree(tmp_path / "keys-kept-apart", project.root / "keys", dirs_exist_ok=True)
    (run,) = project.requests.run()["runs"]
    assert run["requests"] == ["q1"] and run["rows_found"] == 10
    assert project.train(table, **OPTIONS)["excluded"] == 20
    with pytest.raises(NothingFound, match="already forgotten"):
        project.forget(["person-3"])


def test_another_secret_finds_nobody_in_its_place_and_knows_nobody_in_a_new_workspace(
    workspace, tmp_path
):
    project, table = workspace
    secret = project.root / "keys" / "secret"
    before = secret.read_bytes()
    new = Project(tmp_path / "rotated", backend=DirectBackend(), reveal=True)
    assert new.train(table, **OPTIONS)["excluded"] == 0  # the old manifest cannot be carried over
    assert (new.root / "keys" / "secret").read_bytes() != before
    digests = [one.models()[-1]["weights_digest"] for one in (new, project)]
    assert digests[0] != digests[1]
    secret.write_bytes((new.root / "keys" / "secret").read_bytes())
    with pytest.raises(NothingFound, match="no row in any live model"):
        project.forget(["person-5"])  # their pseudonyms are under the old secret
