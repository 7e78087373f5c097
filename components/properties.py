"""What artifacts carry in MLMD as custom properties, and where their files lie.

The properties say by which code, where, and with what guarantee. No digest of rows, weights or
files is among them: MLMD cannot delete, and such a digest lets anyone test a guess about a row that
was deleted since. The guarantee stands on all that a deletion makes of a model, so that nobody who
finds one of these artifacts takes an approximate result for an exact one.
"""

from pathlib import Path

from tfx.types.artifact import Artifact

from lineage_store.canonical import digest_json, write_atomic
from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger

GUARANTEE = "guarantee"


def set_guarantee(guarantee: str, *artifacts: Artifact) -> None:
    """Say what the model that artifacts belong to may be called."""
    for artifact in artifacts:
        artifact.set_string_custom_property(GUARANTEE, guarantee)


def set_origin(artifact: Artifact, ledger: Ledger) -> None:
    """Say by which code a training or a deletion made a ledger, and in which environment."""
    artifact.set_string_custom_property("code", ledger.header.code)
    environment = digest_json(ledger.header.environment)
    artifact.set_string_custom_property("environment", environment)


def folder_of(artifact: Artifact) -> Path:
    """Return the folder that an artifact's files lie in; raises BadInput where there is none.

    An address of an object store would pass for a path, of a folder that nobody looks for.
    """
    scheme, found, _ = artifact.uri.partition("://")
    if found:
        raise BadInput(
            f"An artifact of type {artifact.type_name} lies in {scheme}://, and components read "
            f"and write folders: let the pipeline's root be a folder that is mounted."
        )
    return Path(artifact.uri)


def publish(artifact: Artifact, name: str, data: bytes) -> None:
    """Write the one file of an artifact."""
    write_atomic(folder_of(artifact) / name, data)
