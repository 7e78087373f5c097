"""The registry of models: one record a training or deletion run, in the order they were made.

A model is *live* from when it is registered until a deletion replaces it (*deleted*: its weights
are gone) or leaves nothing to train on, or until it is retired (*withdrawn*). Paths are relative to
the workspace.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from lineage_store.claim import Claim, claim_of
from lineage_store.errors import CheckFailed, NothingFound
from lineage_store.without_numbers import roughly

ModelState = Literal["live", "deleted", "withdrawn"]
COLUMNS = {"weights": "weights_digest", "ledger": "ledger_digest"}  # as they were called first
Guarantee = Literal["trained", "exact", "certified", "approximate"]


@dataclass(frozen=True)
class ModelRecord:
    """What the workspace knows of one model.

    `family` is the first model of a line of deletions. `paths` are the folders of all that was made
    from its rows: data, rows, ledger, model, pushed, and what else a pipeline made. `report` holds
    metrics, steps and seconds. `weights` and `ledger` are what stands for them in the log, too:
    commitments (`ledger.published`), or digests where an unweave that had no nonces made the model.
    """

    id: str
    family: str
    snapshot: int
    state: ModelState
    created: str
    guarantee: Guarantee
    weights: str
    ledger: str
    paths: Mapping[str, str]
    config: Mapping[str, Any]
    report: Mapping[str, Any] = field(default_factory=dict)
    ended: str | None = None
    request: str | None = None

    @property
    def claim(self) -> Claim:
        """What the model may say of itself."""
        return claim_of(self.guarantee)

    @property
    def ordinal(self) -> int:
        """The model's number in the workspace."""
        return int(self.id.removeprefix("m"))


def next_model_id(connection: sqlite3.Connection) -> str:
    """Return the id that the next registered model will have."""
    (last,) = connection.execute("SELECT coalesce(max(ordinal), 0) FROM models").fetchone()
    return f"m{last + 1}"


def model_ids(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of all models that were ever registered."""
    return frozenset(row[0] for row in connection.execute("SELECT id FROM models"))


def states(connection: sqlite3.Connection) -> dict[str, int]:
    """Count the models by their states, in the order in which these first occur."""
    found = "SELECT state, count(*) FROM models GROUP BY state ORDER BY min(ordinal)"
    return {state: count for state, count in connection.execute(found)}


def next_snapshot(connection: sqlite3.Connection) -> int:
    """Return the number of the next data snapshot."""
    (last,) = connection.execute("SELECT coalesce(max(snapshot), 0) FROM models").fetchone()
    return int(last) + 1


def register(connection: sqlite3.Connection, record: ModelRecord) -> None:
    """Write a model's record, or write it again with the same id."""
    row = {COLUMNS.get(name, name): value for name, value in asdict(record).items()} | {
        "ordinal": record.ordinal,
        "paths": json.dumps(record.paths, sort_keys=True),
        "config": json.dumps(record.config, sort_keys=True),
        "report": json.dumps(record.report, sort_keys=True),
    }
    names = ", ".join(row)
    places = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT OR REPLACE INTO models ({names}) VALUES ({places})", row)


def end(connection: sqlite3.Connection, model_id: str, *, state: ModelState, time: str) -> None:
    """Say that a model is no longer served, and since when.

    Of what it reached whole per cents stay, and so of all that ended: an earlier unweave kept more.
    """
    connection.execute(
        "UPDATE models SET state = ?, ended = ? WHERE id = ? AND state = 'live'",
        (state, time, model_id),
    )
    for one in models(connection):
        if one.state == "live" or "metrics" not in one.report:
            continue
        report = {**one.report, "metrics": past_metrics(one.report["metrics"])}
        if "timings" in report:
            report["timings"] = past_timings(report["timings"])
        if report != one.report:
            connection.execute(
                "UPDATE models SET report = ? WHERE id = ?",
                (json.dumps(report, sort_keys=True), one.id),
            )


def past_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return what outlives a model of its metrics: whole per cents, and the number of rows.

    Training is deterministic: a loss of six digits would confirm a guess of a row by one training.
    """
    kept = {name: metrics[name] for name in ("rows",) if name in metrics}
    shares = {name: round(metrics[name], 2) for name in ("accuracy", "hit_rate") if name in metrics}
    return kept | shares


def past_timings(timings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what outlives a model of its timings: of the bytes that were written, their order."""
    return {**timings, "written": roughly(int(timings["written"]))}


def must_not_have_ended(connection: sqlite3.Connection, model_id: str) -> None:
    """Refuse to make a model again that a deletion has ended (a new id is no such model).

    Raises CheckFailed. Its rows can be there only because someone put them back.
    """
    ended = connection.execute(
        "SELECT ended FROM models WHERE id = ? AND state <> 'live'", (model_id,)
    ).fetchone()
    if ended is not None:
        raise CheckFailed(
            f"The model {model_id} was ended by a deletion on {ended[0]}, and its rows are not to "
            f"be used again: nothing was registered; remove what was restored of it from a backup."
        )


def models(connection: sqlite3.Connection, *, live_only: bool = False) -> list[ModelRecord]:
    """List the models, oldest first."""
    where = "WHERE state = 'live'" if live_only else ""
    found = connection.execute(f"SELECT * FROM models {where} ORDER BY ordinal").fetchall()
    return [_record(row) for row in found]


def newest_models(
    connection: sqlite3.Connection, *, live_only: bool, size: int, before: int | None = None
) -> list[ModelRecord]:
    """List so many models of before a number, newest first."""
    where = "AND state = 'live'" if live_only else ""
    query = f"SELECT * FROM models WHERE ordinal < ? {where} ORDER BY ordinal DESC LIMIT ?"
    below = before if before is not None else 1 << 62
    return [_record(row) for row in connection.execute(query, (below, size)).fetchall()]


def of_line(connection: sqlite3.Connection, family: str) -> list[ModelRecord]:
    """List the models of a line, oldest first."""
    query = "SELECT * FROM models WHERE family = ? ORDER BY ordinal"
    return [_record(row) for row in connection.execute(query, (family,)).fetchall()]


def some_models(connection: sqlite3.Connection, ids: Iterable[str]) -> list[ModelRecord]:
    """List those of some models that there are, by their ids."""
    rows = (
        connection.execute("SELECT * FROM models WHERE id = ?", (one,)).fetchone() for one in ids
    )
    return [_record(row) for row in rows if row is not None]


def live_snapshots(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """List the live models, oldest first: id, line and snapshot alone, however many there are."""
    query = "SELECT id, family, snapshot FROM models WHERE state = 'live' ORDER BY ordinal"
    return [(row["id"], row["family"], row["snapshot"]) for row in connection.execute(query)]


def find_model(connection: sqlite3.Connection, model_id: str | None = None) -> ModelRecord:
    """Return a model by its id or what stands for its weights; by default the newest live one.

    Raises NothingFound if there is none.
    """
    if model_id is None:
        live = models(connection, live_only=True)
        if not live:
            raise NothingFound("The workspace has no live model: train one first.")
        return live[-1]
    row = connection.execute(
        "SELECT * FROM models WHERE id = ? OR weights_digest = ? ORDER BY ordinal DESC",
        (model_id, model_id),
    ).fetchone()
    if row is None:
        raise NothingFound("There is no such model in the workspace: `unweave models` lists them.")
    return _record(row)


def _record(row: sqlite3.Row) -> ModelRecord:
    values = {one.name: row[COLUMNS.get(one.name, one.name)] for one in fields(ModelRecord)}
    for name in ("paths", "config", "report"):
        values[name] = json.loads(values[name])
    return ModelRecord(**values)
