"""Training with lineage: sharded, isolated, sliced, each step recorded.

stages              trains a shard stage by stage
config              what the user fixed for a run
batches             which rows a stage trains on, in batches of its epochs (law 1)
recorders           what is kept of a step; `record_budget` what a budget affords
step_checkpoints    checkpoints within a stage
early_stop          decided anew by every run
base_weights        the weights of a model that is trained from another
unchanged_cells     which cells of rows a deletion need not write again
witness             the state before a shard's last step, for the check that follows
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.training.base_weights import open_base
    from unlearning.training.config import TrainConfig, config_of, module_source
else:
    __getattr__ = lazily(
        __name__,
        {
            "base_weights": ("open_base",),
            "config": ("TrainConfig", "config_of", "module_source"),
        },
    )

__all__ = [
    "TrainConfig",
    "config_of",
    "module_source",
    "open_base",
    "unchanged_cells",
]
