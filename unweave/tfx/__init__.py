"""What stands in anybody's own TFX pipeline: `import unweave.tfx`.

example_gate_component  ExampleGate: from what an ExampleGen wrote to Examples in cells
per_shard_executor      TFX's Trainer runs the user's `run_fn` once a shard; `run_fn_process` is
                        where, and `shard_examples` on what
build_model_run         the same with a module's `build_model`, as `unweave train` takes it
summed_analyzers        for a `preprocessing_fn` that sees all rows: means and quantiles of counts;
                        `transform_analyzers` says which of them are in that form
forgetting              the same pipeline without somebody: checked, erased, scanned, certified;
                        `own_definition`, `own_transforms` and `own_lineage` say what a pipeline
                        is and made, `own_ended` what ML Metadata keeps of what has ended

Nothing here imports `components` or `pipelines`, whose names a user's own packages may have. TFX
writes the path of an executor's class into its pipelines and imports it by that: so these classes
stand here, where nobody else's name stands before them.
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unweave.tfx.build_model_run import trains_build_model
    from unweave.tfx.example_gate_component import ExampleGate
    from unweave.tfx.forgetting import OwnForgotten, forget
    from unweave.tfx.per_shard_executor import per_shard
    from unweave.tfx.summed_analyzers import bucketize_by_counts, scale_by_sums
else:
    __getattr__ = lazily(
        __name__,
        {
            "build_model_run": ("trains_build_model",),
            "example_gate_component": ("ExampleGate",),
            "forgetting": ("OwnForgotten", "forget"),
            "per_shard_executor": ("per_shard",),
            "summed_analyzers": ("bucketize_by_counts", "scale_by_sums"),
        },
    )

__all__ = [
    "ExampleGate",
    "OwnForgotten",
    "bucketize_by_counts",
    "forget",
    "per_shard",
    "scale_by_sums",
    "trains_build_model",
]
