"""Rows between the gate's two passes: blocks on disk, since memory may not hold them all."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data.evidence import Evidence
from lineage_store.data.record import Block
from lineage_store.data.schema import Roles

KEYS = 4
"""Columns of a staged block before its values: keys, subjects, places, evaluation."""


def stage(blocks: Iterable[Block], roles: Roles, file: Path) -> tuple[Evidence, int]:
    """Write blocks to a file; return what they say of the columns, and the number of rows."""
    import pyarrow as pa

    evidence, rows = Evidence(roles), 0
    writer: Any = None
    with pa.OSFile(str(file), "wb") as stream:
        for block in blocks:
            evidence.add_block(block.values)
            rows += len(block)
            batch = _batch(block)
            if writer is None:
                writer = pa.ipc.new_stream(stream, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
    return evidence, rows


def read_staged(file: Path) -> Iterator[Block]:
    """Read the blocks of a file back, in the order in which they were written."""
    import pyarrow as pa

    with pa.OSFile(str(file), "rb") as stream, pa.ipc.open_stream(stream) as reader:
        for batch in reader:
            keys, subjects, places, evaluation, *values = batch.columns
            yield Block(
                np.frombuffer(b"".join(keys.to_pylist()), np.uint8).reshape(-1, 16),
                subjects.to_pylist(),
                places.to_numpy(),
                evaluation.to_numpy(zero_copy_only=False),
                pa.RecordBatch.from_arrays(values, names=[""] * len(values)),
            )


def _batch(block: Block) -> Any:
    import pyarrow as pa

    columns = [
        pa.array([key.tobytes() for key in block.row_keys], pa.binary(16)),
        pa.array(block.subjects, pa.binary()),
        pa.array(block.places, pa.uint64()),
        pa.array(block.evaluation, pa.bool_()),
        *block.values.columns,
    ]
    return pa.RecordBatch.from_arrays(columns, names=[f"{n}" for n in range(len(columns))])
