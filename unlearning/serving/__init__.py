"""The served model: one SavedModel, exported and asked for predictions."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.serving.aggregation import aggregation_for
    from unlearning.serving.predict import (
        Predictions,
        ToPredict,
        all_predicted,
        prediction_of,
    )
    from unlearning.serving.saved_weights import holds_weights
else:
    __getattr__ = lazily(
        __name__,
        {
            "aggregation": ("aggregation_for",),
            "predict": ("Predictions", "ToPredict", "all_predicted", "prediction_of"),
            "saved_weights": ("holds_weights",),
        },
    )

__all__ = [
    "Predictions",
    "ToPredict",
    "aggregation_for",
    "all_predicted",
    "holds_weights",
    "prediction_of",
]
