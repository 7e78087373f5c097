"""Finding training rows that look poisoned: detectors that rank, and never delete.

`example_loss` and `spectral_signature` rank rows, `provenance` judges whole sources; `suspects` and
`leave_source_out` ask them about a trained model. Rows are named by their keys.
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.poison.leave_source_out import judge
    from unlearning.poison.provenance import SourceVerdict
    from unlearning.poison.suspects import DETECTORS, shard_rows
else:
    __getattr__ = lazily(
        __name__,
        {
            "leave_source_out": ("judge",),
            "provenance": ("SourceVerdict",),
            "suspects": ("DETECTORS", "shard_rows"),
        },
    )

__all__ = ["DETECTORS", "SourceVerdict", "judge", "shard_rows"]
