"""Pipelines that record themselves: LocalDagRunner runs them, and nobody does anything after it.

Naive Bayes, since what is trained does not matter. The process that started a pipeline is stopped
as soon as its last component has ended.
"""

from contextlib import closing

import pytest

from components import own_process
from fixtures.small_table import OPTIONS, write_people
from fixtures.warm_python import WarmSys
from lineage_store.index.database import read_index
from lineage_store.log import events as eventlog
from lineage_store.mlmd import Metadata
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from pipelines.backends.tfx_local import TfxBackend, quiet_and_inside, run_locally
from unweave import Project, recording, verify

pytestmark = pytest.mark.tfx


class Gone(BaseException):
    """The process that started a pipeline does nothing more."""


class GoneAfterwards(TfxBackend):
    """Runs pipelines whose end nobody awaits, and is gone then."""

    def train(self, job):
        from pipelines.definitions.training import training_pipeline

        with quiet_and_inside(job.workspace):
            run_locally(training_pipeline(job))
        raise Gone

    def delete(self, job):
        from pipelines.definitions.deletion import deletion_pipeline

        with quiet_and_inside(job.workspace):
            run_locally(deletion_pipeline(job))
        raise Gone


def all_of(root):
    """Everything that MLMD holds."""
    store = Metadata.of(open_workspace(root)).store
    executions = store.get_executions()
    nodes = [*store.get_artifacts(), *executions]
    nodes += store.get_events_by_execution_ids([one.id for one in executions])
    return sorted(one.SerializeToString(deterministic=True) for one in nodes)


def counts(root, *types):
    store = Metadata.of(open_workspace(root)).store
    return [len(store.get_executions_by_type(f"lineage.{one}")) for one in types]


def test_a_run_records_signs_and_ends_itself(tmp_path, monkeypatch):
    monkeypatch.setitem(vars(own_process), "sys", WarmSys())
    secret, given = tmp_path / "secret", write_people(tmp_path / "people.csv")
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    root = tmp_path / "ws"
    alone = Project(root, backend=GoneAfterwards(), reveal=True)
    with pytest.raises(Gone):
        alone.train(given, key_file=secret, **OPTIONS)
    assert alone.audit()["findings"] == []
    assert alone.doctor()["ok"]
    assert counts(root, "Assembly", "Deletion") == [1, 0]

    with pytest.raises(Gone):
        alone.forget(["p3"])
    assert list(root.glob("requests/*/open.*")) == []  # nobody's name, nor its key
    assert alone.audit()["findings"] == []
    assert alone.doctor()["ok"]
    assert counts(root, "Assembly", "Deletion") == [2, 1]
    (certificate,) = root.glob("requests/*/certificate.json")
    assert verify(certificate, public_key=root / "keys/public.pem")["ok"]
    with closing(read_index(root / "unweave.sqlite")) as connection:
        kinds = [one.kind for one in eventlog.events(connection)]
    assert kinds == ["model made", "deletion asked", "model made", "rows deleted"]

    before = all_of(root)
    recording.record(root, ahead=0, awaited=False)
    assert all_of(root) == before

    plain = Project(tmp_path / "direct", backend=DirectBackend(), reveal=True)
    plain.train(given, key_file=secret, **OPTIONS)
    plain.forget(["p3"])
    same = [[one["weights_digest"] for one in made.models()] for made in (alone, plain)]
    assert same[0] == same[1]
