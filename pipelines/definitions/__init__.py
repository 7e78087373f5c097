"""TFX pipelines: which components run after which.

training   from the gate's files to a pushed model with its lineage
deletion   plan, unlearn, check, push and record each model; then erase and certify
scheduled  what an orchestrator starts by the clock
shape      the same without TFX, for an orchestrator that draws them
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from pipelines.definitions.shape import BRANCH, DELETION, TRAINING, Shape
else:
    __getattr__ = lazily(__name__, {"shape": ("BRANCH", "DELETION", "TRAINING", "Shape")})

__all__ = ["BRANCH", "DELETION", "TRAINING", "Shape"]
