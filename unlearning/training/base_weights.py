"""The weights that a model starts from when it is trained from another, its base.

Shard s starts from the final weights of the base's shard s, with empty optimizer slots; `adapt` is
not called for it, since what that would set is a weight and comes from the base. A base shard
without rows has no weights, and the shard starts as without a base. The weights are read from the
base's ledger and never copied; the header of the new ledger holds a digest of each shard's, so that
a deletion years later can tell that it starts from the same.
"""

from collections.abc import Sequence

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index import models, reading_index
from lineage_store.ledger import BaseOrigin, Header, Ledger, open_ledger, published_weights
from lineage_store.tensors import LEARNT, State, weights_digest
from lineage_store.workspace import Workspace
from unlearning.keras_learning.keras_learner import KerasLearner


def open_base(workspace: Workspace, model: str) -> Ledger:
    """Open the ledger of a base; raises CheckFailed if its weights are not the recorded ones."""
    with reading_index(workspace) as connection:
        record = models.find_model(connection, model)
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    if published_weights(ledger) != record.weights:
        raise CheckFailed(
            f"The weights of {model}, from which another model starts, are not those that were "
            f"recorded: nothing was changed; restore the workspace from a backup."
        )
    return ledger


def origin(base: Ledger) -> BaseOrigin:
    """Return what the header of a ledger that starts from a base says of it."""
    return BaseOrigin(base.header.model, tuple(map(_digest, base.final_weights())))


def started_from(header: Header) -> Sequence[str | None]:
    """Return the digests of the weights that a ledger's shards started from; none without a base.

    The digest of a shard that started from fresh weights is None.
    """
    return () if header.base is None else header.base.weights


def must_be_the_start(base: Ledger, header: Header, shard: int) -> None:
    """Check that a base's shard is what a ledger's shard started from; raises CheckFailed."""
    if _digest(base.shard(shard).final_weights()) != started_from(header)[shard]:
        raise CheckFailed(
            f"Shard {shard} of {base.header.model} is not what {header.model} started from: "
            f"nothing was changed; restore the workspace from a backup."
        )


def must_fit(learner: KerasLearner, base: Ledger) -> None:
    """Raise BadInput if a learner's model cannot take the weights of a base."""
    fresh = learner.weights()
    for weights in base.final_weights():
        same = weights.keys() == fresh.keys() and all(
            array.dtype == fresh[name].dtype
            and (array.shape == fresh[name].shape or name.startswith(LEARNT))
            for name, array in weights.items()
        )
        if weights and not same:
            raise BadInput(
                f"The weights of {base.header.model} do not fit the model that its module "
                f"builds today: nothing that starts from them can be trained by this version."
            )


def _digest(weights: State) -> str | None:
    return weights_digest([weights]) if weights else None
