"""The exports that there are, and writing one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from unweave.exports.cyclonedx import CycloneDx
from unweave.exports.export import HERE, Export, exported_from, model_meant
from unweave.exports.log_tables import CSV, PARQUET
from unweave.exports.mlflow import Mlflow, registry_of
from unweave.exports.mlflow_server import mlflow_server
from unweave.exports.model_card import ModelCard
from unweave.exports.openlineage import OpenLineage
from unweave.exports.processing_record import ProcessingRecord
from unweave.exports.prov import Prov
from unweave.session.session import Session

KNOWN: tuple[Export, ...] = (
    ModelCard(),
    ProcessingRecord(),
    Prov(),
    OpenLineage(),
    CycloneDx(),
    Mlflow(),
    CSV,
    PARQUET,
)
EXPORTS: Mapping[str, Export] = {one.name: one for one in KNOWN}
FOR_ITS_OWNER, OWN_FOLDER = (
    0o600,
    0o700,
)  # what people said of models and of the controller may name somebody


def write_export(
    session: Session, kind: str, *, out: Path | str, model: str | None = None
) -> dict[str, Any]:
    """Write an export outside the workspace, a file or a folder; return what it is of, and where.

    Raises BadInput for a kind that there is not, for a place within the workspace or that cannot be
    written, and for a model that is none of those that an export can be about.
    """
    if kind not in EXPORTS:
        raise BadInput(f"There is no export {kind}: there are {', '.join(EXPORTS)}.")
    file = Path(out)
    with session.reading() as (workspace, connection):
        if file.resolve().is_relative_to(workspace.root.resolve()):
            raise BadInput("An export does not stay in the workspace: name a file outside of it.")
        meant = model_meant(connection, workspace, EXPORTS[kind], model)
        written = EXPORTS[kind].written(exported_from(connection, workspace), meant)
    try:
        if HERE not in written:
            file.mkdir(mode=OWN_FOLDER, exist_ok=True)
        for name, data in written.items():
            write_atomic(file / name, data, mode=FOR_ITS_OWNER)
    except OSError as error:
        raise BadInput(f"The file {file} cannot be written: {error.strerror}.") from None
    return {"export": kind, "model": None if meant is None else meant.id, "out": str(file)}


def send_to_mlflow(
    session: Session, server: str, *, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Bring an MLflow server to what the export `mlflow` says; return what was done.

    Raises BadInput as `MlflowServer.bring_to`.
    """
    target = mlflow_server(server, environment)
    with session.reading() as (workspace, connection):
        registry = registry_of(exported_from(connection, workspace))
    return {"export": Mlflow.name, "server": server, **target.bring_to(registry)}
