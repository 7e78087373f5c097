"""Who executes a job: `direct` in this process, `tfx_local` as TFX pipelines."""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from pipelines.backends.direct import DirectBackend
    from pipelines.backends.tfx_local import TfxBackend
else:
    __getattr__ = lazily(
        __name__,
        {
            "direct": ("DirectBackend",),
            "tfx_local": ("TfxBackend",),
        },
    )

__all__ = ["DirectBackend", "TfxBackend"]
