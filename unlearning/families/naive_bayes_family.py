"""Naive Bayes: one part's sums are its whole state, and its trail (`naive_bayes`)."""

from collections.abc import Sequence

from lineage_store.claim import BITS, Claim
from lineage_store.data import Inference, Task
from unlearning.encoding.key_encoding import KeyEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.families.family import Trail, Unfit


class NaiveBayes:
    """The family `naive-bayes`."""

    name = "naive-bayes"
    tasks: tuple[Task, ...] = ("classification",)
    trail: Trail = "sums"
    claim: Claim = BITS

    def encoding(self, inference: Inference) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return KeyEncoding(inference)

    def unfit(self, inference: Inference) -> Sequence[Unfit]:
        """Return all reasons why it cannot learn from such a table."""
        if inference.task in self.tasks:
            return ()
        return (
            Unfit(
                "never",
                f"Naive Bayes tells classes, and the label column {inference.label!r} holds "
                f"numbers: take another family, or a label of classes.",
            ),
        )
