"""Whether those who stay are more exposed after somebody else's deletion.

Removing some rows makes others the new outliers ("the privacy onion effect": Carlini et al. 2022),
and a repair on the retained rows overfits them. Both raise the attack's AUC on rows that stay:

    leakage = AUC(retained against test, after) - AUC(retained against test, by the reference)

The reference is the retrained model: what it leaks is the price of deletion itself, and only what
is above it is the unlearning method's doing.
"""

from lineage_store.tensors import Array
from unlearning.attacks.roc import auc


def retained_leakage(
    *, retained: Array, test: Array, reference_retained: Array, reference_test: Array
) -> float:
    """Return how much more the retained rows' membership scores tell than the reference's.

    All are scores (n,), higher for likelier members; raises ValueError if one has no rows.
    """
    return auc(retained, test) - auc(reference_retained, reference_test)
