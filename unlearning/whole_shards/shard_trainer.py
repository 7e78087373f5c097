"""What trains one shard whole: code of anybody's, of which nothing is known but its result.

The trail that it leaves is one unit a shard, with no steps, batches or checkpoints within: rows are
taken out by training the shard again without them. This is SISA with one slice (Bourtoule et al.
2021, section IV), and all that can be done with an estimator's `fit` or a `run_fn` of TFX's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lineage_store.canonical import digest_file

MODEL = "model"
"""Where a training leaves the model: the whole state of a shard is all files in it."""


@dataclass(frozen=True)
class WholeShard:
    """A shard as far as its training depends on it: digests by what they are of.

    All of its rows, in an order of their contents, and with them code, parameters, environment and
    whatever else goes in. Two trainings with the same `content` are of the same inputs.
    """

    number: int
    rows: int
    content: Mapping[str, str]


class ShardTrainer(Protocol):
    """Trains shards, each in a process of its own that has seen no other."""

    def shards(self) -> Sequence[WholeShard]:
        """Return all shards, in order, those without rows too."""

    def train(self, shard: int, *, hash_seed: int, into: Path) -> None:
        """Train a shard, and leave its model in `into / MODEL`.

        Python's hashes of texts are seeded by `hash_seed`, the model's draws by the shard's number
        alone. Raises CheckFailed if no model comes out.
        """


def state_of(folder: Path) -> dict[str, str]:
    """Return the whole state that a training left: the digest of each file of the model."""
    top = folder / MODEL
    files = (file for file in sorted(top.rglob("*")) if file.is_file())
    return {str(file.relative_to(top)): digest_file(file) for file in files}


def differing_names(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Return the names that do not stand for the same digest in two mappings."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
