"""Finished models in the index and the log, and the two compared.

register         a model in the index, in the row index and in the log
compare_index    the index against log, ledgers and snapshots
rebuilt_records  a live model's record, made again
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.registry.register import (
        describe_model,
        must_be_recorded,
        must_be_trainable,
        record_model,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "register": ("describe_model", "must_be_recorded", "must_be_trainable", "record_model"),
        },
    )

__all__ = [
    "compare_index",
    "describe_model",
    "must_be_recorded",
    "must_be_trainable",
    "record_model",
]
