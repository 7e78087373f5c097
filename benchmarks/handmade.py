"""The header of a ledger that is written by hand: nothing was trained for it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lineage_store.ledger.header import Header, ModuleOrigin
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition

NONE: Mapping[str, Any] = {}


def plain_header(
    partition: Partition, *, options: Mapping[str, Any] = NONE, **fields: Any
) -> Header:
    """Return a header that says nothing but the partition, the options and the fields named."""
    plain: dict[str, Any] = {
        "model": "m1",
        "module": ModuleOrigin("built in", ""),
        "spec": {},
        "optimizer": {},
        "trainable": (),
        "data": {},
        "code": "",
        "environment": {},
        "key_id": "",
    }
    made = TrainOptions(**{**asdict(partition), **options})
    return Header(options=made, **{**plain, **fields})
