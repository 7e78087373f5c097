"""The log as tables for a spreadsheet or a warehouse: events, models, deletions, edges.

    events     all that the log holds, what it says of each as JSON
    models     those that there are and were
    deletions  each with what it ended, and its certificate
    edges      what each run used, made and ended, and which thing came from which

Of the events those fields are left out that count people or name somebody of the staff by number,
and the digests of an earlier unweave; a kind that this unweave does not know has its time alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lineage_store.index.models import ModelRecord
from lineage_store.ledger import FIRST_FAMILY
from lineage_store.log import KINDS, ModelMade, RowsDeleted, fields_of
from unweave.exports.export import Exported, Files
from unweave.exports.history import History
from unweave.exports.tables import EVENTS, Cell, Holds, Table, csv_of, event_row, parquet_of

WITHHELD = frozenset({"ids", "size", "by", "user"})
KNOWN = {kind.name: {one.name for one in fields_of(kind)} - WITHHELD for kind in KINDS}
MODELS: Mapping[str, Holds] = {
    "model": "text", "name": "text", "line": "text", "state": "text", "guarantee": "text",
    "family": "text", "task": "text", "created": "moment", "ended": "moment", "base": "text",
    "made_by": "text", "weights": "text", "ledger": "text", "served": "text", "data": "text",
}  # fmt: skip
DELETIONS: Mapping[str, Holds] = {
    "deletion": "text", "run": "text", "state": "text", "started": "moment", "ended": "moment",
    "models_ended": "text", "models_made": "text", "certificate": "text",
}  # fmt: skip
EDGES: Mapping[str, Holds] = {
    "run": "text", "kind": "text", "of": "text", "relation": "text", "thing": "text",
    "earlier": "text",
}  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """All tables of a workspace, a file each, in one format."""

    name: str
    write: Callable[[Table], bytes]
    of_one_model: bool = False

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return the files of a folder."""
        history = exported.history
        tables = (
            Table(name="events", columns=EVENTS, rows=[*_events(exported)]),
            Table(name="models", columns=MODELS, rows=[*_models(exported)]),
            Table(name="deletions", columns=DELETIONS, rows=[*_deletions(history)]),
            Table(name="edges", columns=EDGES, rows=[*_edges(history)]),
        )
        return {f"{one.name}.{self.name}": self.write(one) for one in tables}


CSV, PARQUET = Tables("csv", csv_of), Tables("parquet", parquet_of)


def _events(exported: Exported) -> Iterator[list[Cell]]:
    certificates = {run.certificate: exported.history.certificate_of(run)
                    for run in exported.history.runs}  # fmt: skip
    for event in exported.events:
        body = {name: one for name, one in event.body.items() if name in KNOWN.get(event.kind, ())}
        if event.kind == ModelMade.name and not event.body.get("served"):
            body = {name: one for name, one in body.items() if name not in ("weights", "ledger")}
        if event.kind == RowsDeleted.name:
            body["certificate"] = certificates.get(event.body["certificate"])
        yield event_row(seq=event.seq, time=event.time, kind=event.kind, body=body)


def _models(exported: Exported) -> Iterator[list[Cell]]:
    made_by = {model: run.of for run in exported.history.runs if run.kind == "deletion"
               for model in run.made}  # fmt: skip
    for model in exported.history.models.values():
        record = exported.by_id.get(model.id)
        named = None if record is None else exported.named_as(record)
        yield [
            model.id,
            None if named is None else named.name,
            model.line,
            "live" if model.ended is None else "ended",
            model.guarantee,
            None if record is None else record.config.get("model_family", FIRST_FAMILY),
            None if record is None else record.report.get("task"),
            model.created,
            model.ended,
            model.base,
            made_by.get(model.id),
            *(model.commitments.get(one) for one in ("weights", "ledger", "served")),
            exported.data_of(model),
        ]


def _deletions(history: History) -> Iterator[list[Cell]]:
    for run in history.runs:
        if run.kind == "deletion":
            yield [
                run.of,
                run.id,
                run.state,
                run.started,
                run.ended,
                " ".join(run.replaced),
                " ".join(run.made),
                history.certificate_of(run),
            ]


def _edges(history: History) -> Iterator[list[Cell]]:
    for one in history.edges():
        yield [one.run.id, one.run.kind, one.run.of, one.relation, one.thing, one.earlier]
