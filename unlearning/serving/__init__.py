"""The served model: one SavedModel, exported and asked for predictions."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.serving.aggregation import aggregation_for
    from unlearning.serving.export import holds_weights
    from unlearning.serving.predict import predict_csv, prediction_of
else:
    __getattr__ = lazily(
        __name__,
        {
            "aggregation": ("aggregation_for",),
            "export": ("holds_weights",),
            "predict": ("predict_csv", "prediction_of"),
        },
    )

__all__ = ["aggregation_for", "holds_weights", "predict_csv", "prediction_of"]
