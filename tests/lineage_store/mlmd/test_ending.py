"""What ends with a model in MLMD, and what is live of its line: found without the past, and all.

Lines of models are made by hand (`benchmarks.past_models`) and taken in by the real ingest. What is
compared with is a walk over all that ever was: every unit in the store, every way down from the
data of the line.
"""

import random
from collections import Counter
from itertools import pairwise

import pytest
from ml_metadata.metadata_store import metadata_store

from benchmarks.past_models import PastModels
from lineage_store.index import models, reading_index
from lineage_store.ledger.shards import open_ledger
from lineage_store.mlmd.descendants import live_descendants
from lineage_store.mlmd.ending import ended_nodes
from lineage_store.mlmd.live_nodes import ENDING, live_files
from lineage_store.mlmd.metadata_store import Metadata, pb
from lineage_store.mlmd.names import Names
from lineage_store.workspace.folder import writing
from pipelines.backends.tfx_local import TfxBackend

SHARDS, SLICES = 3, 2


@pytest.fixture
def past(tmp_path):
    with writing(tmp_path / "workspace", create=True) as workspace:
        yield PastModels(workspace, shards=SHARDS, slices=SLICES, steps=3)


def random_changes(draw):
    shards = draw.sample(range(SHARDS), draw.randint(0, 2))
    anew = {one: draw.randint(0, SLICES) for one in shards}
    rowless = {one for one in shards if draw.random() < 0.3}
    subtracted = {one for one in shards if one not in rowless and draw.random() < 0.3}
    anew |= dict.fromkeys(rowless, 0) | dict.fromkeys(subtracted, SLICES)
    return {"anew": anew, "rowless": rowless, "subtracted": subtracted}


def record(past, request):
    TfxBackend().record_deletion(past.job(request))


def all_units(metadata):
    nodes = metadata.store.get_artifacts()
    return {one.external_id: one for one in nodes if metadata.type_name(one.type_id) in ENDING}


def live_ledger(past):
    return open_ledger(past.workspace.absolute(past.newest().paths["ledger"]))


def walked(past, metadata):
    """Return the ids of what is live, found by all ways down from the data of all models."""
    with reading_index(past.workspace) as connection:
        uris = [past.workspace.absolute(one.paths["examples"]) for one in models.models(connection)]
    starts = {metadata.by_uri(str(uri)).id for uri in uris}
    reached = metadata.artifacts(starts | metadata.downstream(starts))
    return {one.id for one in reached if one.state != pb.Artifact.DELETED}


def looked_up(past, metadata):
    with reading_index(past.workspace) as connection:
        records = models.models(connection)
    found = live_descendants(
        metadata, past.workspace, records, family="m1", ledger=live_ledger(past)
    )
    assert len({one.id for one in found}) == len(found)
    return {one.id for one in found}


def differing(past, metadata):
    """Return the units whose state or file is not what the live model's ledger says."""
    names = Names(past.workspace.keys().key_id)
    live, there = live_files(live_ledger(past), names), all_units(metadata)
    wrong = [*(live.keys() - there.keys())]
    wrong += [
        name
        for name, node in there.items()
        if (node.state != pb.Artifact.DELETED) != (name in live)
    ]
    return wrong + [n for n, file in live.items() if n in there and there[n].uri != file]


@pytest.mark.parametrize("seed", range(6))
def test_after_any_chain_of_deletions_the_units_are_live_that_the_ledger_has(past, seed):
    draw = random.Random(seed)
    past.train()
    for _ in range(6):
        request = past.forget(**random_changes(draw))
        metadata = Metadata.of(past.workspace)
        assert differing(past, metadata), "or the search proves nothing"
        record(past, request)
        assert differing(past, metadata) == []
        assert looked_up(past, metadata) == walked(past, metadata)


READING = ("artifacts_by_id", "artifacts_by_external_ids", "artifacts_by_type", "artifacts_by_uri",
           "artifacts", "executions", "executions_by_id", "executions_by_external_ids",
           "events_by_artifact_ids", "events_by_execution_ids")  # fmt: skip


@pytest.fixture
def read(monkeypatch):
    """How many nodes and events were read of MLMD, and how many were written to it."""
    counted = Counter()

    def counting(call, kind):
        def counted_call(store, *arguments, **options):
            found = call(store, *arguments, **options)
            counted[kind] += len(found if kind == "read" else arguments[0])
            return found

        return counted_call

    calls = [(f"get_{name}", "read") for name in READING] + [("put_artifacts", "written")]
    for name, kind in calls:
        call = getattr(metadata_store.MetadataStore, name)
        monkeypatch.setattr(metadata_store.MetadataStore, name, counting(call, kind))
    return counted


def test_what_is_read_and_written_does_not_grow_with_the_past(past, read):
    past.train()
    counts = {"record": [], "look": []}
    for number in range(15):
        shard = number % SHARDS
        read.clear()
        TfxBackend().descendants(past.workspace, past.newest())
        counts["look"].append(read["read"])
        request = past.forget({shard: 0})
        read.clear()
        record(past, request)
        counts["record"].append((read["read"], read["written"]))
    few, many = counts["record"][5], counts["record"][-1]
    ledgers = 9  # one a model: they tell where the workspace lay
    assert many == (few[0] + ledgers, few[1]) and few[1] > 10
    # What was trained is not met again; of a run of a pipeline, a few nodes are.
    assert {after - before for before, after in pairwise(counts["look"][5:])} <= set(range(31))


def test_marking_goes_on_where_it_broke_off(past, monkeypatch):
    past.train()
    request = past.forget({0: 0, 1: 1})
    metadata = Metadata.of(past.workspace)
    marked = []

    def some(self, artifacts):
        nodes = list(artifacts)
        monkeypatch.undo()
        self.mark_deleted(nodes[::2])
        marked.extend(nodes)
        raise KeyboardInterrupt

    monkeypatch.setattr(Metadata, "mark_deleted", some)
    with pytest.raises(KeyboardInterrupt):
        record(past, request)
    assert len(marked) > 3 and differing(past, metadata)
    record(past, request)
    assert differing(past, metadata) == []


def test_what_hangs_on_a_deleted_model_is_found_whatever_it_is(past):
    past.train()
    old = past.newest()
    record(past, past.forget({0: 0}))
    metadata = Metadata.of(past.workspace)
    before = looked_up(past, metadata)
    model = metadata.by_uri(str(past.workspace.absolute(old.paths["model"])))
    assert model.state == pb.Artifact.DELETED
    end = model.id
    for step in range(3):  # somebody's, each made from the one before
        node = pb.Artifact(type_id=metadata.artifact_type(f"their.Kind{step}"), uri=f"/t/{step}")
        run = pb.Execution(type_id=metadata.execution_type("their.Run"))
        edges = [(0, None, pb.Event(type=pb.Event.INPUT, artifact_id=end)),
                 (0, 0, pb.Event(type=pb.Event.OUTPUT))]  # fmt: skip
        _, (end,), _ = metadata.store.put_lineage_subgraph([run], [node], [], edges)
        before.add(end)
        assert looked_up(past, metadata) == before == walked(past, metadata)
    free = pb.Artifact(type_id=metadata.artifact_type("their.Kind0"), uri="/t/free")
    metadata.store.put_artifacts([free])
    assert looked_up(past, metadata) == before


def test_a_model_that_is_withdrawn_ends_with_all_its_units_and_takes_no_other(past):
    past.train()
    record(past, past.forget({0: 1, 1: 0}, rowless={1}))
    metadata, names = Metadata.of(past.workspace), Names(past.workspace.keys().key_id)
    with reading_index(past.workspace) as connection:
        line = models.model_ids(connection)
    live = live_files(live_ledger(past), names)
    found = ended_nodes(metadata, names, past.newest(), line, live={})
    assert live.keys() <= {one.external_id for one in found}
    assert not ended_nodes(metadata, names, past.newest(), {"m9"}, live={})
    kept = {name for name in live if ":s0." in name}
    left = {one.external_id for one in ended_nodes(metadata, names, past.newest(), line, live=kept)}
    assert left & live.keys() == live.keys() - kept
