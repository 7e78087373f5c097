"""A model trained from another's weights, under TFX: MLMD leads from the base's rows to it.

Two pipelines train, one forgets a subject that only the base has; the direct backend's chain is the
twin. Nodes are asked with what the commands use to ask.
"""

import csv
import random
from collections import Counter
from types import SimpleNamespace

import pytest

from fixtures import SMALL_MODEL
from lineage_store.mlmd.metadata_store import Metadata, pb
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from pipelines.backends.tfx_local import TfxBackend
from unweave import Project

pytestmark = pytest.mark.tfx

OPTIONS = {"label": "label", "subject": "person", "slices": 2, "epochs": 2, "batch_size": 32}
FORGOTTEN = "a03"


def table(seed, letter, *, without=None):
    draw = random.Random(seed)
    yield ["person", "age", "city", "label"]
    for number in range(160):
        age = draw.gauss(40, 12)
        city = draw.choice(["Ulm", "Bonn", "Hof"])
        person = f"{letter}{number % 16:02d}"
        if person != without:
            yield [person, f"{age:.1f}", city, "old" if age > 40 else "young"]


def write(path, lines):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines)
    return path


def train_both(folder, backend, *, without=None):
    project = Project(folder / "workspace", backend=backend, reveal=True)
    given = [
        write(folder / f"{letter}.csv", table(seed, letter, without=without))
        for seed, letter in enumerate("ab")
    ]
    (folder / "key").write_bytes(bytes(range(32)))
    (folder / "key").chmod(0o600)
    project.train(given[0], shards=2, key_file=folder / "key", module=SMALL_MODEL, **OPTIONS)
    project.train(given[1], base="m1", **OPTIONS)
    return project


def examples_of(project, component):
    (found,) = (project.root / "tfx" / component / "examples").glob("*")
    return str(found.resolve())


def closure_of(project, *examples):
    """The artifacts downstream of models' examples, as nodes with their states."""
    metadata = Metadata(open_workspace(project.root).metadata, create=False)
    starts = [metadata.by_uri(uri).id for uri in examples]
    found = metadata.artifacts(metadata.downstream(starts))
    return [(metadata.node(artifact), artifact.state) for artifact in found]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    here = tmp_path_factory.mktemp("descendant")
    project = train_both(here, TfxBackend())
    starts = [examples_of(project, f"train-{model}/GatedExampleGen") for model in ("m1", "m2")]
    story = SimpleNamespace(project=project, before=closure_of(project, starts[0]))
    story.descendant = starts[1]
    story.plans = project.plan([FORGOTTEN])["plans"]
    story.done = project.forget([FORGOTTEN], replay=True)
    return story


def test_the_closure_of_the_base_s_rows_reaches_the_descendant(chain):
    uris = [node.uri for node, _ in chain.before]
    assert any("/train-m2/LineageTrainer/ledger/" in uri for uri in uris)
    assert any("/train-m2/LineageTrainer/model/" in uri for uri in uris)
    assert any("/train-m2/Pusher/" in uri for uri in uris)
    assert not any("/train-m2/RowIndexer/rows/" in uri for uri in uris)
    checkpoints = Counter(
        node.model for node, _ in chain.before if node.kind == "lineage.Checkpoint"
    )
    assert checkpoints == {"m1": 4, "m2": 4}


def test_each_plan_gives_its_own_model_verdicts_and_no_other(chain):
    for plan in chain.plans:
        counts = {verdict["kind"]: 0 for verdict in plan["verdicts"]}
        for verdict in plan["verdicts"]:
            counts[verdict["kind"]] += verdict["count"]
        assert counts["components.Ledger"] == counts["Model"] == counts["Examples"] == 1
        assert counts["lineage.Checkpoint"] == 4


def test_under_tfx_the_chain_after_a_deletion_is_the_twin(chain, tmp_path):
    twin = train_both(tmp_path, DirectBackend(), without=FORGOTTEN)
    live = [model for model in chain.project.models() if model["state"] == "live"]
    assert [model["weights_digest"] for model in live] == [
        model["weights_digest"] for model in twin.models()
    ]
    assert [(model["model_id"], model["base"]) for model in live] == [("m3", None), ("m4", "m3")]
    assert {change["basis"] for change in chain.done["models"]} == {"by replay"}
    assert [change["rows_found"] > 0 for change in chain.done["models"]] == [True, False]


def test_what_the_descendant_keeps_stays_live_and_what_it_does_not_is_deleted(chain):
    (shard,) = chain.done["models"][1]["affected_shards"]
    anew = examples_of(chain.project, "forget-r1/GatedExampleGen_m2")
    found = [
        (node, state)
        for node, state in closure_of(chain.project, chain.descendant, anew)
        if node.kind == "lineage.Checkpoint"
    ]
    live = {(node.model, node.shard) for node, state in found if state != pb.Artifact.DELETED}
    assert live == {("m2" if number != shard else "m4", number) for number in range(2)}
    for node, state in found:
        assert (state == pb.Artifact.DELETED) == ((node.model, node.shard) not in live)
        assert state == pb.Artifact.DELETED or "/forget-r1/" in node.uri


def test_the_doctor_finds_nothing_to_mend(chain):
    assert chain.project.doctor()["differences"] == []


def test_the_descendant_alone_is_forgotten_from_and_a_lost_store_is_made_again_with_its_way(chain):
    done = chain.project.forget(["b03"])
    assert [change["model_before"] for change in done["models"]] == ["m4"]
    live = [model for model in chain.project.models() if model["state"] == "live"]
    assert [(model["model_id"], model["base"]) for model in live] == [("m3", None), ("m5", "m3")]
    assert chain.project.doctor()["differences"] == []
    (chain.project.root / "metadata.sqlite").unlink()
    assert chain.project.doctor(repair=True)["ok"]
    assert chain.project.doctor()["differences"] == []
    reached = closure_of(chain.project, examples_of(chain.project, "forget-r1/GatedExampleGen_m1"))
    assert any("/forget-r2/Unlearner_m4/ledger/" in node.uri for node, _ in reached)
    checkpoints = [node for node, _ in reached if node.kind == "lineage.Checkpoint"]
    assert {node.model for node in checkpoints} & {"m4", "m5"}
