"""Golden workspaces, made once a session by the old code, and the copies that tests work on.

A workspace is never written to after it was made. What is only ever replaced or removed as a whole
file in it is hard-linked into copies; what is changed in place (SQLite files, keys that are
overwritten, the lock) is copied. At the session's end all files must still be what they were.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from golden.old_code import FIRST, OldCode, unpack
from golden.recipe import (
    CONFIGURATIONS,
    FORGOTTEN,
    FORGOTTEN_BEFORE,
    QUESTIONS,
    write_given,
)

LINKED = ("data", "modules", "serving", "tfx")


@dataclass(frozen=True)
class Golden:
    """A golden workspace and what the code that wrote it answered."""

    folder: Path

    @property
    def root(self) -> Path:
        """The workspace itself; only to be copied."""
        return self.folder / "workspace"

    @property
    def answers(self) -> dict[str, Any]:
        """What the old code said; see `make`."""
        return json.loads((self.folder / "answers.json").read_bytes())

    def given(self, name: str) -> dict[str, Any]:
        """What a configuration's `train` is called with, but for its base."""
        return write_given(CONFIGURATIONS[name], self.folder / "given" / name)

    def changed(self) -> list[str]:
        """Return the files that are no longer what they were when the workspace was made."""
        then, now = self.answers["files"], digests_of(self.root)
        return sorted(name for name in {*then, *now} if then.get(name) != now.get(name))


def digests_of(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder."""
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def copy_workspace(source: Path, target: Path) -> Path:
    """Copy a workspace so that no change of the copy can reach it; return the copy's folder."""

    def place(file: str, copy: str) -> None:
        linked = Path(file).relative_to(source).parts[0] in LINKED
        (os.link if linked else shutil.copy2)(file, copy)

    return Path(shutil.copytree(source, target, copy_function=place))


def make(folder: Path, *, commit: str = FIRST) -> Golden:
    """Let the code of a commit write the workspace into a new folder, and answer for it.

    `answers.json` holds what it said: `trained` by configuration, `before` (the deletion that the
    workspace holds), `questions` in their order, `planned` and `forgotten` by configuration; these
    on a copy.
    """
    golden = Golden(folder)
    said: dict[str, Any] = {"trained": {}, "planned": {}, "forgotten": {}, "questions": []}
    with OldCode(unpack(commit, folder / "code")) as old:
        for name, one in CONFIGURATIONS.items():
            base = {"base": said["trained"][one.base]["model_id"]} if one.base else {}
            said["trained"][name] = old.ask(golden.root, "train", **golden.given(name), **base)
            if name == FORGOTTEN_BEFORE:
                said["before"] = old.ask(golden.root, "forget", [one.person(0)], guarantee="exact")
        said["files"] = digests_of(golden.root)
        copy = copy_workspace(golden.root, folder / "copy")
        for call, arguments in QUESTIONS:
            said["questions"].append(portable(old.told(copy, call, *arguments), copy))
        for name, options in FORGOTTEN.items():
            person = CONFIGURATIONS[name].person(1)
            said["planned"][name] = old.ask(copy, "plan", [person], **options)
        for name, options in FORGOTTEN.items():
            person = CONFIGURATIONS[name].person(1)
            said["forgotten"][name] = old.ask(copy, "forget", [person], **options)
    shutil.rmtree(copy)
    (folder / "answers.json").write_text(json.dumps(said), encoding="utf-8")
    return golden


def portable(answer: Any, root: Path) -> Any:
    """Return an answer as it would be for the same workspace in any other folder."""
    return json.loads(json.dumps(answer).replace(str(root), "WORKSPACE"))


@pytest.fixture(scope="session")
def golden(tmp_path_factory):
    """The golden workspace, the same one for all of the session's processes."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "golden"
    with (base / "golden.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "answers.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
    made = Golden(folder)
    yield made
    assert made.changed() == [], "a copy of the golden workspace changed it through a hard link"


@pytest.fixture(scope="session")
def golden_workspace(golden, new_folder) -> Callable[[], Path]:
    """Return a function that makes a fresh copy of the golden workspace."""
    return lambda: copy_workspace(golden.root, new_folder() / "workspace")
