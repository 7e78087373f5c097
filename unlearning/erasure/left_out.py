"""Ids that the scan cannot search for everywhere, since something that stays has them too.

A module's comment, the name of a class, or another person's free text may hold an id. Then it
stands in what unweave makes of them (data, ledgers, models, MLMD), and stays there. Such an id is
searched for in everything else, but nobody can say any more that unweave's own files do not hold
it for another reason. Who poisons the data with one sentence could blind the scan in this way; so
it is never done in silence: the places are named before anything is changed, and whoever asked
decides.

Ids too short to prove anything are counted (`ids_not_distinctive`) and need no decision, as are
values that other rows have too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from lineage_store.cells import load_snapshot, read_file
from lineage_store.counted import counted
from lineage_store.errors import CheckFailed
from lineage_store.index.models import ModelRecord
from lineage_store.workspace import Workspace
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.scan import occurring_in
from unlearning.erasure.spellings import spellings
from unlearning.erasure.tokens import is_distinctive


@dataclass(frozen=True)
class LeftOut:
    """An id, by its place among those asked for, and what that stays has it too."""

    place: int
    places: tuple[str, ...]


def find_left_out(
    workspace: Workspace,
    ids: Sequence[str],
    *,
    live: Iterable[ModelRecord],
    deleted: Mapping[str, Set[bytes]],
) -> list[LeftOut]:
    """Return the distinctive ids that modules or rows of others have, in the order of the ids.

    `deleted` are the row keys that go, by live model; they are no others' rows.
    """
    written = {one: spellings(one) for one in ids if is_distinctive(one)}
    places: dict[str, list[str]] = {one: [] for one in written}
    if not written:
        return []
    matcher = Matcher(set().union(*written.values()))
    for file in sorted((workspace.root / "modules").glob("*")):
        for one in _ids_in(written, occurring_in(file, matcher)):
            places[one].append(workspace.relative(file))
    for record in live:
        keys = deleted.get(record.id, frozenset())
        for one, why in _in_data(workspace, record, written, matcher, keys):
            places[one].append(f"{why} of {record.id}")
    return [LeftOut(n, tuple(places[one])) for n, one in enumerate(ids) if places.get(one)]


def must_be_decided(left: Sequence[LeftOut], *, count: int, accepted: bool) -> None:
    """Raise CheckFailed, naming places and no id, if ids are left out and nobody accepted it."""
    if not left or accepted:
        return
    listed = "; ".join(
        f"id {one.place + 1} of {count}: {', '.join(one.places)}" for one in left[:5]
    )
    more = f", and {len(left) - 5} more" if len(left) > 5 else ""
    raise CheckFailed(
        f"Nothing was changed: what stays has {len(left)} of the ids that were asked for, too "
        f"({listed}{more}), so that a search of unweave's own files for them proves nothing. Take "
        f"them out there, or accept that these ids are left out of that search "
        f"(accept_left_out); everything else is searched for them."
    )


def _ids_in(written: Mapping[str, Set[bytes]], seen: Set[bytes]) -> Iterator[str]:
    return (one for one, patterns in written.items() if not patterns.isdisjoint(seen))


def _in_data(
    workspace: Workspace,
    record: ModelRecord,
    written: Mapping[str, Set[bytes]],
    matcher: Matcher,
    deleted: Set[bytes],
) -> Iterator[tuple[str, str]]:
    """Yield each id that stays in a model's data, and what has it.

    All files are searched as bytes, and of those that have an id the rows are read.
    """
    snapshot = load_snapshot(workspace.absolute(record.paths["data"]))
    schema = snapshot.schema
    classes = [name for label in schema.labels for name in label.classes]
    names = "\n".join([*(column.name for column in schema.all), *classes]).encode()
    matchers: dict[str, Matcher] = {}
    rows = dict.fromkeys(written, 0)
    for split in snapshot.splits:
        for file in snapshot.files(split):
            here = [*_ids_in(written, occurring_in(file, matcher))]
            matchers |= {one: Matcher(written[one]) for one in here if one not in matchers}
            for row in read_file(file, split) if here else ():
                if row.row_key in deleted:
                    continue
                text = "\n".join(row.values).encode()
                for one in here:
                    rows[one] += matchers[one].matches(text)
    named = {*_ids_in(written, set(matcher.occurring(names)))}
    for one in written:
        if one in named:
            yield one, "the names of columns and classes"
        elif rows[one]:
            yield one, counted(rows[one], "row")
