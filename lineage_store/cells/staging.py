"""The gate's first pass: blocks are laid down as they come, and evidence of their columns gathered.

What a value is can be said when all have been seen. Until then blocks lie in one Arrow stream, with
their keys, to be read again in the order in which they came.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from lineage_store.data.evidence import Evidence
from lineage_store.data.record import KEYED, Block
from lineage_store.data.schema import Roles
from lineage_store.texts.text_rows import bytes_of

EVALUATION = "unweave_evaluation"


def stage(blocks: Iterable[Block], roles: Roles, *, file: Path) -> tuple[Evidence, int]:
    """Write blocks to a file; return what their rows say, and how many there are."""
    import pyarrow as pa

    evidence, rows = Evidence(roles), 0
    names = (*KEYED, EVALUATION, *roles.all)
    kinds = (pa.binary(16), pa.binary(), pa.uint64(), pa.bool_())
    fields = [*kinds, *[pa.string()] * len(roles.all)]
    schema = pa.schema(list(zip(names, fields, strict=True)))
    with file.open("wb") as stream, pa.ipc.new_stream(stream, schema) as writer:
        for block in blocks:
            evidence.add_block(block.values)
            rows += len(block)
            keyed = [
                pa.FixedSizeBinaryArray.from_buffers(
                    pa.binary(16), len(block), [None, pa.py_buffer(block.row_keys.tobytes())]
                ),
                pa.array(block.subjects, pa.binary()),
                pa.array(block.places),
                pa.array(block.evaluation),
            ]
            arrays = [*keyed, *block.values.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return evidence, rows


def staged(file: Path) -> Iterator[Block]:
    """Yield the blocks of a file again."""
    import pyarrow as pa

    with pa.OSFile(str(file)) as stream, pa.ipc.open_stream(stream) as batches:
        for batch in batches:
            row_keys, subjects, places, evaluation, *values = batch.columns
            yield Block(
                np.frombuffer(row_keys.buffers()[1], np.uint8).reshape(-1, 16)[: len(batch)],
                bytes_of(subjects),
                places.to_numpy(),
                evaluation.to_numpy(zero_copy_only=False),
                pa.RecordBatch.from_arrays(values, names=batch.schema.names[len(KEYED) + 1 :]),
            )
