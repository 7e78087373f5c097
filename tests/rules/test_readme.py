"""What the README shows is what happens: its demo, its commands and its Python example."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from fixtures.warm_python import warm_python
from unweave.demo.taxi import write_trips

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")


def block(after, language):
    return re.search(rf"<!-- {after} -->\n```{language}\n(.*?)```", README, re.DOTALL).group(1)


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
        pytest.param(["-m", "unweave", "demo"], "15,002", marks=pytest.mark.slow),
    ],
    ids=["fewer", "all"],
)
def test_the_demo_tells_the_story_that_the_readme_shows(tmp_path, started, trips):
    done = run(started, tmp_path)
    assert done.returncode == 0, done.stderr
    shown = block("demo output", "text")
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
