"""The lineage of a model, an artifact or a subject, written to a file to be looked at."""

from pathlib import Path
from typing import Any

from lineage_store.canonical import PUBLIC, write_atomic
from lineage_store.errors import BadInput
from lineage_store.graph.fold import fold
from lineage_store.index import lines_trained_with, reading_index
from lineage_store.index.models import find_model
from lineage_store.index.models import models as all_models
from lineage_store.ledger import open_ledger
from lineage_store.mlmd import (
    Metadata,
    Names,
    Picture,
    picture_of_artifact,
    picture_of_model,
    picture_of_subject,
    read_lineage,
    translating_server_errors,
)
from lineage_store.processing import NamedModel, load_named, model_of_name, named_by
from lineage_store.questions import find_artifact
from lineage_store.questions import traces as questions
from lineage_store.requests import load_controller
from lineage_store.workspace import Workspace

READABLE = 50
MOST = 1000
FORMATS = (".svg", ".graphml")


def write_graph(
    workspace: Workspace,
    *,
    out: Path,
    model: str | None = None,
    subject: str | None = None,
    artifact: str | None = None,
    full: bool = False,
    steps: bool = False,
) -> dict[str, Any]:
    """Write the lineage of one thing to a file, as SVG or GraphML by the file's ending.

    An SVG of a model is one column in words for people; with `steps`, and of all else, it is folded
    to at most READABLE boxes, with `full` not at all. Raises BadInput for another
    ending, for not exactly one thing, for more than MOST nodes with `full`, and for a file that
    cannot be written; NothingFound for what there is not.
    """
    if out.suffix not in FORMATS:
        raise BadInput("The file to write is a picture (.svg) or a graph (.graphml): name it so.")
    if sum(one is not None for one in (model, subject, artifact)) != 1:
        raise BadInput("Say what to show: one of `model`, `subject` and `artifact`.")
    if not out.parent.is_dir():
        raise BadInput(f"The folder {out.parent} is not there: make it first.")
    with translating_server_errors(workspace.metadata):
        picture = _picture(workspace, model=model, subject=subject, artifact=artifact)
    answer = {"out": str(out), "of": picture.title, "nodes": len(picture.nodes)}
    if out.suffix == ".graphml":
        from unweave.graphs.graphml import graphml

        written, answer["edges"] = graphml(picture), len(picture.edges)
    elif model is not None and not (steps or full):
        from unweave.graphs.in_words import column_of, draw, said_of

        column = column_of(picture.nodes, picture.edges)
        title = f"{picture.title.capitalize()}: how it came about"
        said = said_of(_named_as(workspace, model), load_controller(workspace))
        written = draw(column, title=title, said=said)
        answer |= {"edges": len(column.lines), "boxes": len(column.boxes)}
    else:
        from unweave.graphs.svg import svg

        if full and len(picture.nodes) > MOST:
            raise BadInput(
                f"The lineage has {len(picture.nodes):,} nodes, and one picture shows at most "
                f"{MOST:,}: leave out `full`, or write a .graphml file, which holds all of them."
            )
        drawn = fold(picture.nodes, picture.edges, at_most=MOST if full else READABLE)
        written, answer["edges"] = svg(drawn, title=picture.title), len(drawn.edges)
        answer["boxes"] = len(drawn.folds)
    try:
        write_atomic(out, written, mode=PUBLIC)
    except OSError as error:
        raise BadInput(f"The file {out} cannot be written: {error.strerror}.") from error
    return answer


def _named_as(workspace: Workspace, model: str) -> NamedModel | None:
    with reading_index(workspace) as connection:
        record = find_model(connection, model_of_name(connection, workspace, model))
    return named_by(load_named(workspace).values(), record.family)


def _picture(
    workspace: Workspace, *, model: str | None, subject: str | None, artifact: str | None
) -> Picture:
    with reading_index(workspace) as connection:
        keys = workspace.keys()
        names = Names(keys.key_id)
        if subject is not None:  # asked first: an unknown subject needs no reading of MLMD
            touched = questions.trace_subject(connection, workspace, keys, subject)
            records = {m["model"]: find_model(connection, m["model"]) for m in touched["models"]}
        if model is not None:
            record = find_model(connection, model_of_name(connection, workspace, model))
            model, records_of_all = record.id, all_models(connection)
            own = {record.family, *lines_trained_with(records_of_all, record.family)}
            others = [
                str(workspace.absolute(one.paths["model"]))
                for one in records_of_all
                if one.family not in own
            ]
    metadata = Metadata.of(workspace)
    if artifact is not None:
        artifact_id = find_artifact(metadata, artifact).id
        return picture_of_artifact(metadata, read_lineage(metadata), artifact_id)
    lineage = read_lineage(metadata)
    if model is not None:
        return picture_of_model(metadata, lineage, names, model, others=others)
    ledgers = {
        name: open_ledger(workspace.absolute(record.paths["ledger"]))
        for name, record in records.items()
    }
    return picture_of_subject(metadata, lineage, names, touched, ledgers)
