"""What the README and the demo's page show is what happens: commands, doors, Python, the story."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fixtures.warm_python import warm_python
from unweave.demo.taxi import write_trips

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
DEMO = (TOP / "docs" / "demo.md").read_text(encoding="utf-8")
MOST_LINES = 140


def block(after, language, page=README):
    return re.search(rf"<!-- {after} -->\n```{language}\n(.*?)```", page, re.DOTALL).group(1)


def run(arguments, folder):
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    return subprocess.run(
        [*warm_python(), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def skeleton(text):
    """The lines that do not depend on a run's numbers: the chapters, without the table's lines."""
    lines = [line.rstrip() for line in text.splitlines()]
    return [line for line in lines if line and not re.match(r" |\d|company", line)]


ON_FEWER = """
import sys
from pathlib import Path
from unweave.demo.story import run_demo

run_demo(Path("workspace"), every=int(sys.argv[1]))
"""
FEWER = 20  # of large companies each twentieth trip


@pytest.mark.parametrize(
    ("started", "trips"),
    [
        (["-c", ON_FEWER, str(FEWER)], "1,129"),
        pytest.param(["-m", "unweave", "demo"], "15,002"),
    ],
    ids=["fewer", "all"],
)
def test_the_demo_tells_the_story_that_its_page_shows(tmp_path, started, trips):
    done = run(started, tmp_path)
    assert done.returncode == 0, done.stderr
    shown = block("demo output", "text", DEMO)
    assert skeleton(shown)[:-1] == skeleton(done.stdout)[:-1]
    assert f"{trips} real taxi trips of 61 companies" in done.stdout
    for sentence in (
        "All weights are equal, bit for bit.",
        "The result is exact, by construction.",
        "The result is approximate: its distance to the retrained twin is",
        "verified: workspace/requests/r1/certificate.json (exact)",
        "verified: workspace/requests/r2/certificate.json (approximate)",
    ):
        assert sentence in done.stdout, sentence
        assert sentence in shown, sentence
    assert "Traceback" not in done.stderr


def test_the_commands_and_the_python_example_run(tmp_path):
    write_trips(tmp_path / "trips.csv", every=FEWER)
    for line in block("commands", "console").splitlines():
        words = [a or b for a, b in re.findall(r'"([^"]+)"|(\S+)', line)]
        assert words[:2] == ["$", "unweave"]
        done = run(["-m", *words[1:]], tmp_path)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout.strip()
        assert done.stderr == "", line
    example = tmp_path / "example.py"
    example.write_text(block("python", "python"), encoding="utf-8")
    done = run([str(example)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "['m1', 'm2', 'm3']"
    assert done.stdout.splitlines()[-1] == "verified"
    listed = json.loads(
        run(["-m", "unweave", "models", "--json", "--workspace", "ws"], tmp_path).stdout
    )
    assert [m["state"] for m in listed["models"]] == ["deleted", "deleted", "deleted", "live"]


def doors():
    """The rows of the table of doors: what one has, the commands, what one gets, what it is."""
    table = README.partition("<!-- doors -->\n")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= MOST_LINES


def test_every_door_opens(tmp_path):
    write_trips(tmp_path / "trips.csv", every=FEWER)
    lines = (tmp_path / "trips.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    gone = [line for line in lines if "Blue Ribbon Taxi Association Inc." in line]
    (tmp_path / "f.csv").write_text(lines[0] + "".join(gone))
    (tmp_path / "r.csv").write_text("".join(line for line in lines if line not in gone))
    each = [re.findall(r"`unweave ([^`]+)`", row[1]) for row in doors()]
    counts = [len(commands) for commands in each]
    assert counts == [1, 1, 3, 1, 1, 1, 1, 1, 0]  # the last is Python: test_own_forgetting.py
    page = (TOP / "docs" / "your-keras.md").read_text(encoding="utf-8")
    module = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "model.py").write_text(module.group(1), encoding="utf-8")
    for commands in each:
        for command in commands:
            words = [a or b for a, b in re.findall(r'"([^"]+)"|(\S+)', command)]
            if words[0] == "train" and "--module" not in words:
                words += ["--family", "naive-bayes"]  # which is learnt in an instant
            if words[0] in ("evaluate", "forget"):
                served = json.loads(run(["-m", "unweave", "models", "--json"], tmp_path).stdout)
                (live,) = (one for one in served["models"] if one["state"] == "live")
                path = next((tmp_path / "workspace" / "serving").rglob("saved_model.pb")).parent
                assert live["state"] == "live" and path.is_dir()
                shutil.copytree(path, tmp_path / ("A" if words[0] == "forget" else "B"))
            done = run(["-m", "unweave", *words], tmp_path)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            assert done.stdout.strip() and "Traceback" not in done.stderr
    assert "is done" in (tmp_path / "sent" / "letter.txt").read_text()
    assert (tmp_path / "answers.csv").read_text().startswith("line,prediction,probability")
