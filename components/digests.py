"""The content digests that artifacts carry in MLMD, as custom properties: SHA-256, hexadecimal."""

from tfx.types.artifact import Artifact

from lineage_store.canonical import digest_json
from lineage_store.ledger import Ledger
from lineage_store.tensors import weights_digest

DIGEST = "digest"


def set_digest(artifact: Artifact, digest: str) -> None:
    """Say what is in an artifact."""
    artifact.set_string_custom_property(DIGEST, digest)


def set_training_digests(
    ledger_artifact: Artifact, model_artifact: Artifact, ledger: Ledger
) -> None:
    """Say what a training or a deletion made: the ledger, the weights, by which code, and where."""
    set_digest(ledger_artifact, ledger.digest())
    ledger_artifact.set_string_custom_property("code", ledger.header["code"])
    environment = digest_json(ledger.header["environment"])
    ledger_artifact.set_string_custom_property("environment", environment)
    set_digest(model_artifact, weights_digest(ledger.final_weights()))
