"""Whatever byte of what a model was is changed on disk, a deletion ends in the bits of its twin.

The state of a part of sums or trees is what rows are taken out of: one that is not the recorded one
is no start, and its part is made again (law 3).
"""

import shutil
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from lineage_store.canonical import digest_file
from pipelines.backends.direct import DirectBackend
from tests.faults.changes import changes
from unweave import Project

FAMILIES = ["naive-bayes", "ridge", "forest", "item-knn", "logistic", "k-means"]
OPTIONS = {"subject": "person", "shards": 1, "slices": 1}


def trained(here, family):
    """A workspace, the file of its one state, and what that is after a deletion in a copy of it."""
    items = family == "item-knn"
    head = "person,item" if items else "person,age,visits,label"
    rows = [f"p{n % 12},i{n * 7 % 9}" if items else f"p{n % 12},{n * 7 % 5},{n * 3 % 11},"
            f"{'ab'[n * n % 7 % 2]}" for n in range(120)]  # fmt: skip
    (here / "t.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    given = {"item_column": "item"} if items else {"label": "label"}
    given = {} if family == "k-means" else given
    project = Project(here / "ws", backend=DirectBackend())
    project.train(here / "t.csv", model_family=family, **OPTIONS, **given)
    (state,) = (here / "ws").rglob("stage-00.safetensors")
    copy = shutil.copytree(here / "ws", here / "copy")
    wanted = forgotten(copy)
    shutil.rmtree(copy)
    return here / "ws", state.relative_to(here / "ws"), wanted


def forgotten(root):
    done = Project(root, backend=DirectBackend()).forget(["p3"])
    assert done["guarantee"] == "exact"
    (state,) = root.rglob("stage-00.safetensors")
    return digest_file(state)


def forgets_alike(found, data):
    root, state, wanted = found
    copy = shutil.copytree(root, root.with_name("changed"))
    (copy / state).write_bytes(data)
    try:
        assert forgotten(copy) == wanted
    finally:
        shutil.rmtree(copy)


def test_a_bit_of_sums_that_flipped_goes_into_no_model(tmp_path):
    found = trained(tmp_path, "naive-bayes")
    data = bytearray((found[0] / found[1]).read_bytes())
    data[-9] ^= 1
    forgets_alike(found, bytes(data))


@pytest.mark.parametrize("family", FAMILIES)
def test_whatever_changed_in_a_state_goes_into_no_model(tmp_path, family):
    found = trained(tmp_path, family)
    check = partial(forgets_alike, found)

    @seed(1)
    @settings(max_examples=15, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(changes((found[0] / found[1]).read_bytes(), as_json=False))
    def tried(data):
        check(data)

    tried()
