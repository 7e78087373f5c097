"""Who executes a job, and what the public record says of it.

direct         in this process
tfx_local      as TFX pipelines under LocalDagRunner
public_record  what runs leave, taken into ML Metadata
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from pipelines.backends.direct import DirectBackend
    from pipelines.backends.public_record import catch_up
    from pipelines.backends.tfx_local import TfxBackend
else:
    __getattr__ = lazily(
        __name__,
        {
            "direct": ("DirectBackend",),
            "public_record": ("catch_up",),
            "tfx_local": ("TfxBackend",),
        },
    )

__all__ = ["DirectBackend", "TfxBackend", "catch_up"]
