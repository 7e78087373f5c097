"""The served model: one SavedModel, exported and asked; of estimators, files of their libraries."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.serving.aggregation import aggregation_for
    from unlearning.serving.as_pushed import must_be_as_pushed
    from unlearning.serving.canonical_graph import canonical_digest, copy_canonical
    from unlearning.serving.joined_signatures import are_graphs, join_models
    from unlearning.serving.predict import (
        Predictions,
        ToPredict,
        all_predicted,
        prediction_of,
    )
    from unlearning.serving.recommend import Recommendations, all_recommended, asked_of
    from unlearning.serving.saved_weights import holds_weights
else:
    __getattr__ = lazily(
        __name__,
        {
            "aggregation": ("aggregation_for",),
            "as_pushed": ("must_be_as_pushed",),
            "canonical_graph": ("canonical_digest", "copy_canonical"),
            "joined_signatures": ("are_graphs", "join_models"),
            "predict": ("Predictions", "ToPredict", "all_predicted", "prediction_of"),
            "recommend": ("Recommendations", "all_recommended", "asked_of"),
            "saved_weights": ("holds_weights",),
        },
    )

__all__ = [
    "Predictions",
    "Recommendations",
    "ToPredict",
    "aggregation_for",
    "all_predicted",
    "all_recommended",
    "are_graphs",
    "asked_of",
    "canonical_digest",
    "copy_canonical",
    "holds_weights",
    "join_models",
    "must_be_as_pushed",
    "prediction_of",
]
