"""A workspace that was moved, copied or restored elsewhere goes on as it did where it was made."""

import csv
import os
import shutil

import pytest

from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 2}


def project_in(root):
    return Project(root, backend=DirectBackend())


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace with one model and one deletion behind it; never written to after this."""
    here = tmp_path_factory.mktemp("moved")
    with (here / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "label"])
        out.writerows([f"p{n % 12}", n % 7, "ab"[n % 2]] for n in range(120))
    project = project_in(here / "ws")
    project.train(here / "t.csv", **OPTIONS)
    project.forget(["p0"])
    project.requests.add(["p1"])
    return here / "ws"


def moved(copied, tmp_path):
    return copied.rename(tmp_path / "elsewhere")


def copied_and_the_first_is_gone(copied, tmp_path):
    to = shutil.copytree(copied, tmp_path / "elsewhere")
    shutil.rmtree(copied)
    return to


def restored_from_an_archive(copied, tmp_path):
    """What an archive keeps: contents, modes and names; no hard links, no times."""
    packed = shutil.make_archive(str(tmp_path / "backup"), "zip", copied)
    shutil.rmtree(copied)
    shutil.unpack_archive(packed, tmp_path / "elsewhere")
    for folder, _, files in os.walk(tmp_path / "elsewhere"):
        os.chmod(folder, 0o700)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o600)
    return tmp_path / "elsewhere"


def below_a_folder_of_the_same_name(copied, tmp_path):
    (tmp_path / "tfx" / "tfx").mkdir(parents=True)
    return copied.rename(tmp_path / "tfx" / "tfx" / "ws")


@pytest.mark.parametrize(
    "move",
    [moved, copied_and_the_first_is_gone, restored_from_an_archive,
     below_a_folder_of_the_same_name],
)  # fmt: skip
def test_it_answers_is_audited_repaired_and_forgets_as_before(original, tmp_path, move):
    before = project_in(original)
    said = asked_of(before)
    root = move(shutil.copytree(original, tmp_path / "ws"), tmp_path)
    project = project_in(root)
    answers = [
        project.models(),
        project.status(),
        project.requests.list(),
        project.trace_subject("p2"),
    ]
    assert here(answers, root) == here(said, original)
    assert project.audit()["findings"] == []
    assert project.doctor(repair=True)["differences"] == []
    assert len(project.requests.run()["runs"]) == 1
    done = project.forget(["p2"], replay=True)
    assert done["guarantee"] == "exact" and not (tmp_path / "ws").exists()
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    assert project.audit(replay=9)["findings"] == []
    assert project.doctor()["differences"] == []


def asked_of(project):
    return [
        project.models(), project.status(), project.requests.list(), project.trace_subject("p2")
    ]  # fmt: skip


def here(answers, root):
    return repr(answers).replace(str(root), "WORKSPACE")
