"""What a training run leaves for later, so that rows can be taken out again.

shards         the ledger and its shards: header, stages, checkpoints
header         what stands in `header.json`; `train_options` what a run was asked
records        what is recorded of one step and of one stage
units          what there is of a model, in order, and what each was made from
update_files   the recorded updates of a shard on disk
update_codecs  how an update becomes bytes
correction     what a marginal subtraction corrected the weights by
published      what stands for a ledger in the log, the index and certificates
timings        how long it took and what it wrote, for later estimates
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.ledger.correction import Correction
    from lineage_store.ledger.header import BaseOrigin, Header, ModuleOrigin
    from lineage_store.ledger.published import (
        published_data,
        published_ledger,
        published_weights,
        served_files,
    )
    from lineage_store.ledger.records import Kind, StageRecord, StepRecord, without
    from lineage_store.ledger.shards import (
        Ledger,
        ShardLedger,
        keep_shard,
        open_ledger,
        shard_folder,
        write_header,
    )
    from lineage_store.ledger.timings import Timings, load_timings, own_bytes, save_timings
    from lineage_store.ledger.train_options import (
        FIRST_FAMILY,
        OF_PIPELINES,
        OPTION,
        SHARDS,
        SLICES,
        SUMMED,
        Option,
        TrainOptions,
    )
    from lineage_store.ledger.update_codecs import BLOCK, LOSSLESS, SUMMABLE, encode, in_one_row
    from lineage_store.ledger.update_files import UpdateWriter, writing_updates
else:
    __getattr__ = lazily(
        __name__,
        {
            "correction": ("Correction",),
            "header": ("BaseOrigin", "Header", "ModuleOrigin"),
            "published": (
                "published_data",
                "published_ledger",
                "published_weights",
                "served_files",
            ),
            "records": ("Kind", "StageRecord", "StepRecord", "without"),
            "shards": (
                "Ledger",
                "ShardLedger",
                "keep_shard",
                "open_ledger",
                "shard_folder",
                "write_header",
            ),
            "timings": ("Timings", "load_timings", "own_bytes", "save_timings"),
            "train_options": (
                "FIRST_FAMILY",
                "OF_PIPELINES",
                "OPTION",
                "SUMMED",
                "SHARDS",
                "SLICES",
                "Option",
                "TrainOptions",
            ),
            "update_codecs": ("BLOCK", "LOSSLESS", "SUMMABLE", "encode", "in_one_row"),
            "update_files": ("UpdateWriter", "writing_updates"),
        },
    )

__all__ = [
    "BLOCK",
    "FIRST_FAMILY",
    "LOSSLESS",
    "OF_PIPELINES",
    "OPTION",
    "SHARDS",
    "SLICES",
    "SUMMABLE",
    "SUMMED",
    "BaseOrigin",
    "Correction",
    "Header",
    "Kind",
    "Ledger",
    "ModuleOrigin",
    "Option",
    "ShardLedger",
    "StageRecord",
    "StepRecord",
    "Timings",
    "TrainOptions",
    "UpdateWriter",
    "encode",
    "in_one_row",
    "keep_shard",
    "load_timings",
    "open_ledger",
    "own_bytes",
    "published_data",
    "published_ledger",
    "published_weights",
    "save_timings",
    "served_files",
    "shard_folder",
    "without",
    "write_header",
    "writing_updates",
]
