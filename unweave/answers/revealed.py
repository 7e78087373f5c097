"""Digests of weights in the clear, for who asked to have them revealed: never written down.

They tell at a glance that two models are the same bits, and they answer guesses: who has all but
one of the rows trains once and compares (law 9). So an answer has commitments, and digests only on
request, of models that are live or that this very command ended.
"""

from collections.abc import Mapping

from lineage_store.ledger import open_ledger
from lineage_store.tensors import weights_digest
from lineage_store.workspace import Workspace


def weights_in_clear(workspace: Workspace, paths: Mapping[str, str]) -> str | None:
    """Return the digest of the weights of a model with these folders; None if they are gone."""
    folder = workspace.absolute(paths["ledger"])
    return weights_digest(open_ledger(folder).final_weights()) if folder.exists() else None
