"""A workspace whose deletion takes a moment, to be stopped at many: naive Bayes, no TensorFlow."""

import csv
import random
import shutil

import pytest

from pipelines.backends.direct import DirectBackend
from tests.faults.ends import FORGOTTEN, undisturbed_of
from tests.faults.fork_server import WITHOUT_TENSORFLOW, Server
from unweave import Project

OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "model_family": "naive-bayes",
    "shards": 2,
}  # fmt: skip


@pytest.fixture(scope="package")
def small_server():
    made = Server(FORGOTTEN, WITHOUT_TENSORFLOW)
    yield made
    made.close()


@pytest.fixture(scope="package")
def small(tmp_path_factory):
    """A workspace with one model of naive Bayes; never written to after this."""
    here = tmp_path_factory.mktemp("small")
    draw = random.Random(4)
    people = [FORGOTTEN, *(f"person-{n:02d}" for n in range(11))]
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "town", "fare", "label"])
        for n in range(120):
            town, fare = draw.choice(["Ulm", "Hof"]), draw.gauss(0, 1)
            out.writerow([n, people[n % 12], town, f"{fare:.3f}", "xy"[fare > 0]])
    Project(here / "workspace", backend=DirectBackend()).train(here / "people.csv", **OPTIONS)
    return here / "workspace"


@pytest.fixture(scope="package")
def small_undisturbed(small_server, small, tmp_path_factory):
    """The same deletion in peace."""
    folder = tmp_path_factory.mktemp("undisturbed")
    yield undisturbed_of(small_server, small, folder)
    shutil.rmtree(folder)
