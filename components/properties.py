"""What artifacts carry in MLMD as custom properties: content digests, and a model's guarantee.

Digests are SHA-256, hexadecimal. The guarantee stands on all that a deletion makes of a model, so
that nobody who finds one of these artifacts takes an approximate result for an exact one.
"""

from pathlib import Path

from tfx.types.artifact import Artifact

from lineage_store.canonical import digest, digest_json, write_atomic
from lineage_store.ledger import Ledger
from lineage_store.tensors import weights_digest

DIGEST = "digest"
GUARANTEE = "guarantee"


def set_digest(artifact: Artifact, value: str) -> None:
    """Say what is in an artifact."""
    artifact.set_string_custom_property(DIGEST, value)


def set_guarantee(guarantee: str, *artifacts: Artifact) -> None:
    """Say what the model that artifacts belong to may be called."""
    for artifact in artifacts:
        artifact.set_string_custom_property(GUARANTEE, guarantee)


def set_training_digests(
    ledger_artifact: Artifact, model_artifact: Artifact, ledger: Ledger
) -> None:
    """Say what a training or a deletion made: the ledger, the weights, by which code, and where."""
    set_digest(ledger_artifact, ledger.digest())
    ledger_artifact.set_string_custom_property("code", ledger.header.code)
    environment = digest_json(ledger.header.environment)
    ledger_artifact.set_string_custom_property("environment", environment)
    set_digest(model_artifact, weights_digest(ledger.final_weights()))


def publish(artifact: Artifact, name: str, data: bytes) -> None:
    """Write the one file of an artifact, and say what is in it."""
    write_atomic(Path(artifact.uri) / name, data)
    set_digest(artifact, digest(data))
