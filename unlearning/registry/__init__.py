"""Finished models in the index and the log, and the two compared.

new_model        what a run says of the model that it makes
register         a model in the index, in the row index and in the log
compare_index    the index against log, ledgers and snapshots
rebuilt_records  a live model's record, made again
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.registry.new_model import NewModel
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
            "new_model": ("NewModel",),
            "register": ("describe_model", "must_be_recorded", "must_be_trainable", "record_model"),
        },
    )

__all__ = [
    "NewModel",
    "compare_index",
    "describe_model",
    "must_be_recorded",
    "must_be_trainable",
    "record_model",
]
