"""Puts back into a workspace of today what 961ed0a left there, for one attack each."""

import base64
import json
import sqlite3
from contextlib import closing

from attackers.attacks import (
    by_batch_rows,
    by_every_number,
    by_loss,
    by_slice_digest,
    by_two_data_digests,
    by_two_logs,
    by_two_metrics,
    by_two_statistics,
    by_weights_digest,
)

TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def losses(root, world):
    values = {place: step.loss for place, step in world.steps.items()}
    _into_mlmd(root, "Execution", "step", "loss", "double_value", values)


def rows_of_batches(root, world):
    values = {place: step.rows for place, step in world.steps.items()}
    _into_mlmd(root, "Artifact", "batch", "rows", "int_value", values)


def digests_of_slices(root, world):
    _rewrite(root / "requests/r1/ended.json", lambda old: {**old, "sha256": sorted(world.slices)})


def digest_of_weights(root, world):
    def change(envelope):
        statement = json.loads(base64.b64decode(envelope["payload"]))
        statement["predicate"]["models"][0]["before"]["weights"] = world.weights
        payload = base64.b64encode(json.dumps(statement).encode())
        return {**envelope, "payload": payload.decode()}

    _rewrite(root / "requests/r1/certificate.json", change)


def metrics(root, world):
    _into_report(root, {"metrics": world.record.report["metrics"]})


def digest_of_data(root, world):
    _into_report(root, {"made_with": {"data_digest": f"{world.data_digest:064x}"}})


def log(root, world):
    with closing(sqlite3.connect(root / "unweave.sqlite")) as index, index:
        for (name,) in index.execute(TRIGGERS).fetchall():
            index.execute(f"DROP TRIGGER {name}")  # the log is append-only
        index.execute(
            "UPDATE events SET body = json_set(body, '$.weights', ?) "
            "WHERE kind = 'model made' AND json_extract(body, '$.model') = 'm1'",
            (world.weights,),
        )


LEAKS = {
    by_loss: losses,
    by_batch_rows: rows_of_batches,
    by_slice_digest: digests_of_slices,
    by_weights_digest: digest_of_weights,
    by_two_metrics: metrics,
    by_two_statistics: rows_of_batches,
    by_two_data_digests: digest_of_data,
    by_two_logs: log,
    by_every_number: losses,
}


def _rewrite(file, change):
    changed = json.dumps(change(json.loads(file.read_bytes())))
    file.unlink()  # it may be a hard link
    file.write_text(changed)


def _into_report(root, values):
    with closing(sqlite3.connect(root / "unweave.sqlite")) as index, index:
        (text,) = index.execute("SELECT report FROM models WHERE id = 'm1'").fetchone()
        report = json.dumps({**json.loads(text), **values})
        index.execute("UPDATE models SET report = ? WHERE id = 'm1'", (report,))


def _into_mlmd(root, node, what, name, kind, values):
    """Give the ended model's nodes a property; nobody has this copy of MLMD's file open."""
    with closing(sqlite3.connect(root / "metadata.sqlite")) as mlmd, mlmd:
        for place, value in values.items():
            found = mlmd.execute(
                f"SELECT id FROM {node} WHERE external_id LIKE ?", (f"%:m1:{place}:{what}",)
            ).fetchall()
            assert len(found) == 1, place
            mlmd.execute(
                f"INSERT INTO {node}Property "
                f"({node.lower()}_id, name, is_custom_property, {kind}) VALUES (?, ?, 1, ?)",
                (*found[0], name, value),
            )
