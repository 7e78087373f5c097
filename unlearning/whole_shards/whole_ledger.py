"""The ledger of shards that were trained whole.

    ledger.json             each shard: rows, what it was made of, its state; and what was tried
    nonce                   by which what is published of it cannot be guessed
    shards/003/model/       what the training of a shard left as its model: its whole state
    shards/003/...          whatever else it left

The record is written last, so a ledger that is there is whole. Its digests answer guesses about
rows (law 9): they lie here alone, and go when the model ends.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lineage_store.canonical import canonical_json, read_json, reading_own, write_atomic
from lineage_store.commitments import keep_nonce
from unlearning.whole_shards.shard_trainer import MODEL, WholeShard, state_of

RECORD = "ledger.json"
FORMAT = 1
How = Literal["trained", "taken over"]
Trial = Literal["trained twice", "taken again", "none"]


@dataclass(frozen=True)
class KeptShard:
    """A shard with rows: what it was made of, its whole state, and how it came into this ledger.

    `changed` names what of its content is another than in the newest ledger before, if any.
    """

    number: int
    rows: int
    content: Mapping[str, str]
    state: Mapping[str, str]
    how: How
    changed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "changed", tuple(self.changed))  # JSON gives a list

    def is_of(self, shard: WholeShard) -> bool:
        """Say whether it was trained on the very same inputs."""
        return (self.number, dict(self.content)) == (shard.number, dict(shard.content))


@dataclass(frozen=True)
class WholeLedger:
    """What a run left: `shards` are those with rows, in order, of `count`.

    `trial` says what was done to know whether a shard can be trained to the same bits again, of
    which shard (`tried`); `differs` names the files of the model that came out otherwise.
    """

    folder: Path
    count: int
    shards: tuple[KeptShard, ...]
    trial: Trial
    tried: int | None
    differs: tuple[str, ...]

    @property
    def repeatable(self) -> bool:
        """Whether what was tried came to the same bits."""
        return self.trial != "none" and not self.differs

    def place(self, shard: int) -> Path:
        """The folder of a shard."""
        return self.folder / "shards" / f"{shard:03d}"

    def models(self) -> list[Path]:
        """The models of all shards with rows, in order."""
        return [self.place(shard.number) / MODEL for shard in self.shards]

    def is_as_recorded(self, shard: KeptShard) -> bool:
        """Say whether the files of a shard's model are still as the record says."""
        return state_of(self.place(shard.number)) == dict(shard.state)

    def write(self) -> None:
        """Write the record, last of all."""
        keep_nonce(self.folder)
        told: dict[str, Any] = {
            "format": FORMAT,
            "count": self.count,
            "shards": [asdict(shard) for shard in self.shards],
            "trial": self.trial,
            "tried": self.tried,
            "differs": list(self.differs),
        }
        write_atomic(self.folder / RECORD, canonical_json(told) + b"\n")


def is_whole_ledger(folder: Path) -> bool:
    """Say whether a folder holds a complete ledger."""
    return (folder / RECORD).is_file()


def open_whole_ledger(folder: Path) -> WholeLedger:
    """Open a complete ledger; raises Damaged for one whose record cannot be read."""
    with reading_own(folder / RECORD):
        record = read_json(folder / RECORD)
        ledger = WholeLedger(
            folder,
            record["count"],
            tuple(KeptShard(**one) for one in record["shards"]),
            record["trial"],
            record["tried"],
            tuple(record["differs"]),
        )
        _must_be_of_its_types(ledger)
    return ledger


def _must_be_of_its_types(ledger: WholeLedger) -> None:
    """Raise TypeError where JSON gave something else than what is written."""
    numbers = [ledger.count, *(() if ledger.tried is None else (ledger.tried,))]
    words: list[str] = [ledger.trial, *ledger.differs]
    for shard in ledger.shards:
        numbers += [shard.number, shard.rows]
        words += [shard.how, *shard.changed]
        words += [*dict(shard.content).values(), *dict(shard.state).values()]
    if not all(isinstance(one, int) for one in numbers):
        raise TypeError("a number is none")
    if not all(isinstance(one, str) for one in words):
        raise TypeError("a word is none")
