"""`import unweave.tfx` where a user's own `pipelines` and `components` stand first on the path."""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[3]
EVERYTHING = """
import components, pipelines
assert components.MINE and pipelines.MINE
import unweave.tfx
for name in unweave.tfx.__all__:
    getattr(unweave.tfx, name)
import sys
ours = [m for m in sys.modules if m.partition(".")[0] in ("components", "pipelines")]
print(sorted(ours))
"""


def theirs(folder):
    """A user's project with packages of these names."""
    for name in ("pipelines", "components"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("MINE = True\n")
    return folder


def run(folder, text):
    """Run a program of the user's, from their folder, which stands first on the path."""
    (folder / "program.py").write_text(text)
    path = os.pathsep.join([str(folder), str(TOP)])
    return subprocess.run(
        [sys.executable, "-W", "ignore", "program.py"], cwd=folder, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}, check=False,
    )  # fmt: skip


def test_all_that_a_definition_needs_is_imported_beside_packages_of_the_same_names(tmp_path):
    done = run(theirs(tmp_path), EVERYTHING)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['components', 'pipelines']"
