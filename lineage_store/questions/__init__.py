"""The questions that people ask of the lineage, a function each.

traces         of a subject and of a model
steps          of batches, updates and checkpoints
artifacts      of one artifact, by MLMD
one_model      what reviewers and auditors ask of one model
alike          other spellings of an id that have rows
as_of          what was true at a time
access         all that is held about a person
whose_rows     in which models people have rows, told without the manifest's key
model_parts    parts of a model, their units and cells
status         how a workspace stands
pipeline_runs  how the pipelines ran
published_before  what an earlier unweave published of models, for good
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.questions.access import held_about
    from lineage_store.questions.artifacts import find_artifact, trace_artifact
    from lineage_store.questions.model_parts import (
        DataCell,
        Part,
        PartUnit,
        count_of_parts,
        part_of,
        parts_of,
    )
    from lineage_store.questions.published_before import (
        models_published_before,
        told_of_earlier,
        what_is_left,
    )
    from lineage_store.questions.whose_rows import rows_of_people
else:
    __getattr__ = lazily(
        __name__,
        {
            "access": ("held_about",),
            "artifacts": ("find_artifact", "trace_artifact"),
            "model_parts": (
                "DataCell",
                "Part",
                "PartUnit",
                "count_of_parts",
                "part_of",
                "parts_of",
            ),
            "published_before": ("models_published_before", "told_of_earlier", "what_is_left"),
            "whose_rows": ("rows_of_people",),
        },
    )

__all__ = [
    "DataCell",
    "Part",
    "PartUnit",
    "alike",
    "as_of",
    "count_of_parts",
    "find_artifact",
    "held_about",
    "models_published_before",
    "one_model",
    "part_of",
    "parts_of",
    "pipeline_runs",
    "rows_of_people",
    "status",
    "steps",
    "told_of_earlier",
    "trace_artifact",
    "traces",
    "what_is_left",
]
