"""Whose rows go: found among the gated Examples of a pipeline's last run, by keyed strings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_store.examples import (
    GatedRow,
    features_in,
    read_folded,
    read_gated_rows,
    read_records,
    split_of_cell,
    stand_in,
    texts_in,
)
from lineage_store.keys import Keys, alike_entry
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.spellings import spellings
from unlearning.erasure.tokens import is_distinctive
from unlearning.own_pipelines.own_asked import OwnAsked


@dataclass(frozen=True)
class GoingOwnRows:
    """The rows of some ids: their keys by id, how many in each split, and in which shards.

    `trained` are the shards that lose rows which they learnt from, `touched` all that lose any, and
    `left` says how many rows stay that are learnt from.
    `stand_ins` stand for people in their rows. `tokens` are distinctive values of the rows that no
    row has that stays. `alike` counts people who stay and are spelled nearly as one who goes.
    `whose` are the stand-ins of all people whose rows go, whoever named them.
    """

    keys_of: tuple[tuple[bytes, ...], ...]
    stand_ins: tuple[bytes, ...]
    by_split: Mapping[str, int]
    trained: frozenset[int]
    touched: frozenset[int]
    tokens: tuple[str, ...]
    left: int
    alike: int = 0
    whose: frozenset[str] = frozenset()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys of all rows."""
        return tuple(sorted({key for keys in self.keys_of for key in keys}))


def find_own_rows(
    folder: Path,
    cells: Sequence[str],
    *,
    keys: Keys,
    asked: OwnAsked,
    trained: Sequence[str],
) -> GoingOwnRows:
    """Find the rows of those who are asked for among gated Examples.

    `trained` are the splits that models learn from. All Examples are read, and where the rows hold
    something distinctive once more, for whether others hold it, too.
    """
    people, named = {}, {}
    for number, one in enumerate(asked.ids):
        if asked.rows:
            named[keys.row_key(kind="id", value=one.encode("utf-8")).hex()] = number
        else:
            people[stand_in(keys, one).hex()] = number
    keys_of: list[list[bytes]] = [[] for _ in asked.ids]
    by_split: dict[str, int] = {}
    shards: dict[bool, set[int]] = {True: set(), False: set()}
    values_of: set[str] = set()
    whose: set[str] = set()
    left = 0

    def place_of(row: GatedRow) -> int | None:
        return people.get(row.subject, named.get(row.key))

    for cell, row, record in _all_rows(folder, cells):
        place = place_of(row)
        split, shard = split_of_cell(cell)
        if place is None:
            left += split in trained
            continue
        keys_of[place].append(bytes.fromhex(row.key))
        whose.add(row.subject)
        by_split[split] = by_split.get(split, 0) + 1
        shards[split in trained].add(shard)
        values_of |= _values(record, but={row.key, row.subject})
    near = {alike_entry(keys, one) for one in asked.ids} if people else set()
    staying = (record for _, row, record in _all_rows(folder, cells) if place_of(row) is None)
    return GoingOwnRows(
        tuple(tuple(sorted(some)) for some in keys_of),
        tuple(bytes.fromhex(one) for one in people),
        by_split,
        frozenset(shards[True]),
        frozenset(shards[True] | shards[False]),
        tuple(sorted(_alone(values_of, staying))),
        left,
        sum(folded in near for one, folded in read_folded(folder).items() if one not in people),
        frozenset(whose),
    )


def _all_rows(folder: Path, cells: Sequence[str]) -> Iterator[tuple[str, GatedRow, bytes]]:
    for cell in cells:
        files = sorted((folder / f"Split-{cell}").iterdir())
        records = (record for file in files for record in read_records(file))
        for row, record in zip(read_gated_rows(folder, cell), records, strict=True):
            yield cell, row, record


def _values(record: bytes, *, but: set[str]) -> set[str]:
    features = features_in(record, where="a gated Example").values()
    texts = {text for feature in features for text in texts_in(feature)}
    return {text for text in texts - but if is_distinctive(text)}


def _alone(values: set[str], staying: Iterable[bytes]) -> set[str]:
    """Return those values that no row has that stays."""
    by_pattern: dict[bytes, set[str]] = {}
    for value in values:
        for pattern in spellings(value):
            by_pattern.setdefault(pattern, set()).add(value)
    if not by_pattern:
        return values
    matcher = Matcher(list(by_pattern))
    shared: set[str] = set()
    for record in staying:
        for pattern in matcher.occurring(record):
            shared |= by_pattern[pattern]
    return values - shared
