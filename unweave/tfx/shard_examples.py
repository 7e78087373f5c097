"""What of a Trainer's Examples is one shard's, written anew for `run_fn` to read.

The cells of a shard, of the splits that train and of those that evaluate, become the splits `train`
and `eval` of Examples of their own. Their rows stand in the order of the digests of their contents,
and their features in the order of the names: Beam, which writes what Transform makes, promises no
order, and an order that others' rows have a part in would make one shard depend on another.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfx.components.util.examples_utils import (
    get_payload_format,
    set_file_format,
    set_payload_format,
)
from tfx.types.artifact import Artifact
from tfx.types.artifact_utils import decode_split_names, encode_split_names
from tfx.types.standard_artifacts import Examples

from lineage_store.errors import BadInput
from lineage_store.examples import canonical_example, read_records, split_of_cell, write_records

TRAIN, EVAL = "train", "eval"
FILE = "examples-00000-of-00001.gz"


@dataclass(frozen=True)
class ShardFiles:
    """The files of one shard, those that train and those that evaluate."""

    train: tuple[Path, ...]
    evaluate: tuple[Path, ...]


def files_by_shard(
    artifacts: Sequence[Artifact], *, train: Sequence[str], evaluate: Sequence[str]
) -> list[ShardFiles]:
    """Return the files of each shard, by number, of the splits as ExampleGen called them.

    Raises BadInput for Examples that did not come through ExampleGate, and for a split that is not
    there.
    """
    found: dict[tuple[str, int], list[Path]] = {}
    for artifact in artifacts:
        for cell in decode_split_names(artifact.split_names):
            place = found.setdefault(split_of_cell(cell), [])
            place += sorted(Path(artifact.uri, f"Split-{cell}").iterdir())
    splits = {split for split, _ in found}
    for split in (*train, *evaluate):
        if split not in splits:
            raise BadInput(
                f"The Examples have no split {split}; they have: {', '.join(sorted(splits))}."
            )
    count = 1 + max(shard for _, shard in found)
    return [
        ShardFiles(
            *(
                tuple(file for split in wanted for file in found.get((split, shard), ()))
                for wanted in (train, evaluate)
            )
        )
        for shard in range(count)
    ]


def rows_of(files: Iterable[Path]) -> list[bytes]:
    """Return the Examples of some files in the order of their digests, each in one spelling."""
    rows = [
        canonical_example(record, where=f"a record of {file.name}")
        for file in files
        for record in read_records(file)
    ]
    return sorted(rows, key=lambda row: hashlib.sha256(row).digest())


def digest_of_rows(rows: Iterable[bytes]) -> str:
    """Return the digest of rows in their order."""
    total = hashlib.sha256()
    for row in rows:
        total.update(hashlib.sha256(row).digest())
    return total.hexdigest()


def write_examples_of(files: ShardFiles, *, like: Artifact, folder: Path) -> Artifact:
    """Write the Examples of one shard, of the payload format of others, and return the artifact."""
    made = Examples()
    made.uri = str(folder)
    made.split_names = encode_split_names([TRAIN, EVAL])
    set_payload_format(made, get_payload_format(like))
    set_file_format(made, "tfrecords_gzip")
    for split, some in ((TRAIN, files.train), (EVAL, files.evaluate)):
        (folder / f"Split-{split}").mkdir(parents=True)
        write_records(folder / f"Split-{split}" / FILE, rows_of(some))
    return made
