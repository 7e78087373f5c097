"""Keras models: trained in stages of recorded steps, with checkpoints to go back to."""

from collections.abc import Sequence

from lineage_store.claim import BITS, Claim
from lineage_store.data import Inference, Task
from unlearning.encoding.keras_encoding import KerasEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.families.family import Trail, Unfit


class KerasFamily:
    """The family `keras`."""

    name = "keras"
    tasks: tuple[Task, ...] = ("classification", "regression")
    trail: Trail = "steps"
    claim: Claim = BITS

    def encoding(self, inference: Inference) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return KerasEncoding(inference)

    def unfit(self, inference: Inference) -> Sequence[Unfit]:
        """Return all reasons why it cannot learn from such a table; what a module does is tried."""
        return ()
