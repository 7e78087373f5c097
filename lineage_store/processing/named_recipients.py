"""Whom the controller gave data or models to, and who of them was told of which deletion (19).

Unweave knows the folders that it pushed into (`recipients`), and not who took what from there: that
is said here, by name, for all lines of models or for one. Each erasure lists those who had
something of a model that it changed, with the day on which they were told. A place that *serves* a
model from here is one of them, which is asked to confirm that it serves the new one, until its end.
They are companies and offices, as the record of processing has them (Article 30(1)(d));
`recipients.json` in the workspace, sealed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.requests.sealed_file import read_sealed, write_sealed
from lineage_store.workspace.folder import Workspace

RECIPIENTS_FILE = "recipients.json"


@dataclass(frozen=True)
class Recipient:
    """One recipient: of which line of models (None: of all), from when, and until when if it ended.

    `told` says on which day of which deletion it was told; where it `serves` the models, that it
    serves what replaced them.
    """

    number: int
    name: str
    line: str | None
    since: str
    until: str | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    serves: bool = False

    def had(self, lines: Collection[str], *, on: str) -> bool:
        """Say whether it had something of one of some lines, before a day."""
        if self.serves and self.until is not None and self.until <= on:
            return False  # what it served it serves no more
        return self.since <= on and (self.line is None or self.line in lines)


def load_recipients(workspace: Workspace) -> tuple[Recipient, ...]:
    """Read the recipients of a workspace; raises BadInput if the file is none of ours."""
    file = workspace.root / RECIPIENTS_FILE
    if not file.exists():
        return ()
    try:
        entries: Any = read_sealed(workspace, file)
        return tuple(Recipient(**one) for one in entries)
    except (BadInput, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(
            f"The file {RECIPIENTS_FILE} of the workspace names no recipients: restore it from a "
            f"backup."
        ) from error


def save_recipients(workspace: Workspace, recipients: Sequence[Recipient]) -> None:
    """Write the recipients of a workspace."""
    entries = [asdict(one) | {"told": dict(one.told)} for one in recipients]
    write_sealed(workspace, workspace.root / RECIPIENTS_FILE, entries)


def with_one_more(
    recipients: Sequence[Recipient],
    *,
    name: str,
    line: str | None,
    since: str,
    serves: bool = False,
) -> tuple[Recipient, ...]:
    """Return the recipients with a new one, numbered after the last; BadInput for no name."""
    if not name.strip() or not name.isprintable():
        raise BadInput("A recipient has a name, on one line.")
    number = max((one.number for one in recipients), default=0) + 1
    return (*recipients, Recipient(number, name.strip(), line, since, serves=serves))


def changed(
    recipients: Sequence[Recipient],
    number: int,
    *,
    until: str | None = None,
    told: tuple[str, str] | None = None,
) -> tuple[Recipient, ...]:
    """Return the recipients with one that gets nothing more, or was told of a deletion on a day.

    Raises NothingFound for a number that there is not.
    """
    if number not in {one.number for one in recipients}:
        raise NothingFound(f"There is no recipient number {number}: see the list of them.")
    return tuple(
        one
        if one.number != number
        else replace(
            one,
            until=until or one.until,
            told={**one.told, **dict([told] if told else ())},
        )
        for one in recipients
    )
