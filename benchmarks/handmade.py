"""The header of a ledger that is written by hand: nothing was trained for it."""

from typing import Any

from lineage_store.ledger_header import Header, ModuleOrigin
from lineage_store.placement import Partition


def plain_header(partition: Partition, **fields: Any) -> Header:
    """Return a header that says nothing but the partition and the fields named."""
    plain: dict[str, Any] = {
        "model": "m1",
        "record": "none",
        "module": ModuleOrigin("built in", ""),
        "spec": {},
        "optimizer": {},
        "trainable": (),
        "data": {},
        "code": "",
        "environment": {},
        "key_id": "",
    }
    return Header(partition=partition, **{**plain, **fields})
