"""Models have names: which line is served under each, what it is for, and who answers for it.

The id of a model changes with every deletion, and that of its line (its first model's) with every
training. A name stays: a training with `name` churn makes the next version of *churn*, and
supersedes the one before. A version is a line, so a name follows what deletions put in a model's
place.

Superseded means that it is no longer served under the name. It is live as before: planned on and
forgotten from like any other, for as long as it is kept. Who serves a name watches the folder
`named/<name>/`, in which a link with the number of the model leads to where that was pushed, and
never more than one. A deletion moves the link before the old model is erased (`serve_names`).

`named_models.json` in the workspace, sealed: purposes, owners and the like are free text, which may
name people. The names themselves stand on disk as those of folders, so they name nobody: letters,
digits and dashes. The event log says which line is served in the place of which, by their ids.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import models
from lineage_store.requests.sealed_file import read_sealed, write_sealed
from lineage_store.workspace.folder import Workspace

NAMED_FILE = "named_models.json"
FOLDER = "named"
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
AN_ID = re.compile(r"m[0-9]+")
TOLD = ("purpose", "owner", "legal_basis", "retention")


@dataclass(frozen=True, kw_only=True)
class SaidOfModel:
    """What somebody said of the models of a name, a line of text each; None is what nobody said."""

    purpose: str | None = None
    owner: str | None = None
    legal_basis: str | None = None
    retention: str | None = None

    def __post_init__(self) -> None:
        texts = (getattr(self, one) for one in TOLD)
        if not all(one is None or (one.strip() and one.isprintable()) for one in texts):
            raise BadInput("What is said of a model is one line of text each, and not empty.")

    @property
    def missing(self) -> tuple[str, ...]:
        """What nobody has said of it yet."""
        return tuple(one for one in TOLD if getattr(self, one) is None)


@dataclass(frozen=True, kw_only=True)
class NamedModel(SaidOfModel):
    """A name: what was said of it, and its `lines`, oldest first, of which one is `served`."""

    name: str
    lines: tuple[str, ...] = ()
    served: str | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or AN_ID.fullmatch(self.name):
            raise BadInput(
                "A model's name is small letters, digits and dashes, begins with a letter, and is "
                "no model's id: churn, say."
            )
        super().__post_init__()

    def with_version(self, line: str) -> "NamedModel":
        """Return the name with a line that is served from now on."""
        lines = (*(one for one in self.lines if one != line), line)
        return replace(self, lines=lines, served=line)

    def told_by(self, said: "NamedModel") -> "NamedModel":
        """Return the name with what is said of it now; what is not said stays."""
        given = {one: getattr(said, one) for one in TOLD if getattr(said, one) is not None}
        return replace(self, **given)

    def back(self, live: Mapping[str, str], *, to: str | None = None) -> "NamedModel":
        """Return the name with an earlier line that is served again.

        `live` are the live models by their lines: what a deletion ended is in none of them. By
        default it is the newest before the one that is served. Raises BadInput if there is none.
        """
        at = self.lines.index(self.served) if self.served in self.lines else len(self.lines)
        wanted = [to] if to is not None else list(reversed(self.lines[:at]))
        for line in wanted:
            if line in self.lines and line in live and line != self.served:
                return replace(self, served=line)
        raise BadInput(
            f"There is no such earlier version of {self.name} to serve: its lines are "
            f"{', '.join(self.lines)}, and {self.served} is served. One that a deletion left "
            f"nothing of is not served again."
        )


def load_named(workspace: Workspace) -> dict[str, NamedModel]:
    """Read the names of a workspace; raises BadInput if the file is none of ours."""
    file = workspace.root / NAMED_FILE
    if not file.exists():
        return {}
    try:
        entries: Any = read_sealed(workspace, file)
        known = {one.name for one in fields(NamedModel)}
        found = (
            NamedModel(
                **{key: value for key, value in one.items() if key in known and key != "lines"},
                lines=tuple(one["lines"]),
            )
            for one in entries
        )
        return {one.name: one for one in found}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"The file {NAMED_FILE} of the workspace names no models: restore it from a backup."
        ) from error


def save_named(workspace: Workspace, named: Mapping[str, NamedModel]) -> None:
    """Write the names of a workspace."""
    entries = [asdict(one) | {"lines": list(one.lines)} for one in named.values()]
    write_sealed(workspace, workspace.root / NAMED_FILE, entries)


def find_named(workspace: Workspace, name: str) -> NamedModel:
    """Return a name; raises NothingFound if there is none such."""
    found = load_named(workspace).get(name)
    if found is None:
        raise NothingFound("There is no model of that name: `unweave models` lists them.")
    return found


def named_by(named: Iterable[NamedModel], line: str) -> NamedModel | None:
    """Return the name that a line has; None if it has none."""
    return next((one for one in named if line in one.lines), None)


def live_by_line(
    records: Sequence[models.ModelRecord], *, ending: Collection[str] = ()
) -> dict[str, str]:
    """Return the newest live model of each line that has one, but those that are `ending`."""
    live = (one for one in records if one.state == "live" and one.id not in ending)
    return {one.family: one.id for one in live}


def names_of_lines(workspace: Workspace) -> dict[str, tuple[str, bool]]:
    """Return the name of each line that has one, and whether it is the one that is served.

    Without the secret no names are known: models can be listed all the same.
    """
    try:
        named = load_named(workspace)
    except BadInput:
        return {}
    return {line: (one.name, line == one.served) for one in named.values() for line in one.lines}


def model_of_name(
    connection: sqlite3.Connection, workspace: Workspace, name: str | None
) -> str | None:
    """Return the id of the model that is served under a name; what is no name is returned as it is.

    Raises BadInput where nothing is served under it any more.
    """
    if name is None or AN_ID.fullmatch(name) or not NAME.fullmatch(name):
        return name
    found = load_named(workspace).get(name)
    if found is None:
        return name
    model = live_by_line(models.models(connection)).get(found.served or "")
    if model is None:
        raise BadInput(f"Nothing is served as {name} any more: train it again, or roll it back.")
    return model


def serve_names(
    workspace: Workspace, connection: sqlite3.Connection, *, ending: Collection[str] = ()
) -> None:
    """Let each name's folder lead to the model that is served under it, and to no other.

    Those that are `ending` are not served any more. The new link is there before the old one goes.
    Safe to repeat.
    """
    named = load_named(workspace)
    if not named:
        return
    live = live_by_line(models.models(connection), ending=ending)
    records = {one.id: one for one in models.models(connection, live_only=True)}
    top = workspace.root / FOLDER
    for one in named.values():
        folder = top / one.name
        model = live.get(one.served or "")
        keep = ""
        if model is not None and "pushed" in records[model].paths:
            keep = model.removeprefix("m")
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            there = os.path.relpath(workspace.absolute(records[model].paths["pushed"]), folder)
            link = folder / keep
            if not (link.is_symlink() and os.readlink(link) == there):
                new = folder / f".{keep}"
                new.unlink(missing_ok=True)
                new.symlink_to(there)
                new.replace(link)
        for other in folder.iterdir() if folder.is_dir() else ():
            if other.name != keep:
                other.unlink()
    for folder in top.iterdir() if top.is_dir() else ():
        if folder.name not in named:
            shutil.rmtree(folder)
