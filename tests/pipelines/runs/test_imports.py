"""What a deletion imports, in a process that has imported nothing yet (no warm Python)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.small_table import OPTIONS, write_people
from pipelines.backends.direct import DirectBackend
from unweave import Project

TOP = Path(__file__).parents[3]
# Not among them is pandas: pyarrow imports it where a column is cast.
NOT_NEEDED = (
    "tensorflow", "keras", "tfx", "apache_beam", "ml_metadata", "tensorflow_data_validation",
    "tensorflow_model_analysis", "sklearn", "scipy", "sqlite_utils", "networkx", "rich",
    "jinja2",
)  # fmt: skip
FORGET = f"""
import json, sys
from pipelines.backends.direct import DirectBackend
from unweave import Project

done = Project(sys.argv[1], backend=DirectBackend()).forget(["p3"])
imported = [name for name in {NOT_NEEDED!r} if name in sys.modules]
print(json.dumps([done["guarantee"], done["rows_found"], imported]))
"""
SCAN = """
import json, sys
import unlearning.erasure.scan

own = ("lineage_store.index", "lineage_store.log", "lineage_store.ledger", "unlearning.families")
imported = [name for name in sys.argv[1:] if name in sys.modules]
print(json.dumps([imported, [name for name in own if name in sys.modules]]))
"""


def printed_by(code, *arguments):
    """Run Python code in a process of its own; return the JSON in the last line that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The workspace of a Naive Bayes model that the direct backend trained."""
    folder = tmp_path_factory.mktemp("imports")
    project = Project(folder / "ws", backend=DirectBackend())
    project.train(write_people(folder / "people.csv"), **OPTIONS)
    return folder / "ws"


def test_a_deletion_without_tfx_and_keras_imports_neither_nor_what_they_bring(trained):
    assert printed_by(FORGET, str(trained)) == ["exact", 5, []]


def test_the_process_that_scans_imports_what_it_reads_with_and_no_more():
    assert printed_by(SCAN, *NOT_NEEDED, "pyarrow") == [[], []]
