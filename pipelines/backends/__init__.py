"""Who executes a job, and what the public record says of it.

direct         in this process
tfx_local      as TFX pipelines under LocalDagRunner
kubeflow       as TFX pipelines compiled for Kubeflow, whoever runs them
open_run       what is kept of a run whose components somebody else starts (`by_tasks`)
public_record  what runs leave, taken into ML Metadata
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from pipelines.backends.direct import DirectBackend
    from pipelines.backends.kubeflow import KubeflowBackend
    from pipelines.backends.public_record import catch_up, stand_in
    from pipelines.backends.tfx_local import TfxBackend
else:
    __getattr__ = lazily(
        __name__,
        {
            "direct": ("DirectBackend",),
            "kubeflow": ("KubeflowBackend",),
            "public_record": ("catch_up", "stand_in"),
            "tfx_local": ("TfxBackend",),
        },
    )

__all__ = ["DirectBackend", "KubeflowBackend", "TfxBackend", "catch_up", "stand_in"]
