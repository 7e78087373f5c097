"""Golden workspaces, made once a session by the old code, and the copies that tests work on.

What is kept is never opened. Whatever is only replaced or removed as a whole file is hard-linked
into copies; what is changed in place (SQLite files, keys that are overwritten, the lock) is copied.
At the session's end all kept files must still be what they were.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.warm_python import warm_executable
from golden.old_code import FIRST, LIBRARIES, CodeProcess, unpack
from golden.recipe import CONFIGURATIONS, DIRECT, TFX, Recipe, write_given

LINKED = ("data", "modules", "serving", "tfx")


@dataclass(frozen=True)
class Golden:
    """A golden workspace, and what the code that wrote it answered."""

    folder: Path

    @property
    def place(self) -> Path:
        """Where the old code wrote it; the MLMD of a workspace that TFX wrote names this place."""
        return self.folder / "workspace"

    @property
    def kept(self) -> Path:
        """What copies are made of."""
        return self.folder / "kept"

    @property
    def answers(self) -> dict[str, Any]:
        """What the old code said; see `make`."""
        return json.loads((self.folder / "answers.json").read_bytes())

    def given(self, name: str) -> dict[str, Any]:
        """Return what a configuration's `train` is called with, but for its base."""
        return write_given(CONFIGURATIONS[name], self.folder / "given" / name)

    def copy(self, target: Path) -> Path:
        """Write the workspace as it was handed over; return the folder."""
        shutil.rmtree(target, ignore_errors=True)
        return copy_workspace(self.kept, target)

    def changed(self) -> list[str]:
        """Return the kept files that are no longer what they were."""
        then, now = self.answers["files"], digests_of(self.kept)
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

    copy = Path(shutil.copytree(source, target, copy_function=place))
    copy.chmod(0o700)  # as any command that writes does; the old code left it to the umask
    return copy


def make(
    folder: Path, recipe: Recipe, *, commit: str = FIRST, python: str = sys.executable
) -> Golden:
    """Let the code of a commit write a workspace into a new folder, and answer for it.

    `answers.json` holds what it said: `trained` by configuration, `before` (the deletion that the
    workspace holds), `questions` in their order, `planned` and `forgotten` by configuration; and
    `files`, the digests of what is kept.
    """
    golden = Golden(folder)
    said: dict[str, Any] = {"trained": {}, "planned": {}, "forgotten": {}, "questions": []}
    with CodeProcess(unpack(commit, folder / "code"), python=python) as old:

        def ask(call: str, *arguments, **options):
            return old.ask(golden.place, call, *arguments, backend=recipe.backend, **options)

        for name in recipe.trained:
            base = CONFIGURATIONS[name].base
            options = {"base": said["trained"][base]["model_id"]} if base else {}
            said["trained"][name] = ask("train", **golden.given(name), **options)
            if name == recipe.before:
                person = CONFIGURATIONS[name].person(0)
                said["before"] = ask("forget", [person], guarantee="exact")
        copy_workspace(golden.place, golden.kept)
        said["files"] = digests_of(golden.kept)
        for call, arguments in recipe.questions:
            told = old.told(golden.place, call, *arguments, backend=recipe.backend)
            said["questions"].append(portable(told, golden.place))
        for call, kind in (("plan", "planned"), ("forget", "forgotten")):
            for name, options in recipe.forgotten.items():
                said[kind][name] = ask(call, [CONFIGURATIONS[name].person(1)], **options)
    shutil.rmtree(golden.place)
    (folder / "answers.json").write_text(json.dumps(said), encoding="utf-8")
    return golden


def portable(answer: Any, root: Path) -> Any:
    """Return an answer as it would be for the same workspace in any other folder."""
    return json.loads(json.dumps(answer).replace(str(root), "WORKSPACE"))


@contextmanager
def made_once(tmp_path_factory, recipe: Recipe):
    """Hold a workspace that the first of the session's processes makes for all of them."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    golden = Golden(base / f"golden-{recipe.backend}")
    with golden.folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (golden.folder / "answers.json").exists():
            shutil.rmtree(golden.folder, ignore_errors=True)
            warm = recipe.backend == "direct"  # TFX's would be imported by each fork
            python = warm_executable(*LIBRARIES) if warm else sys.executable
            make(golden.folder, recipe, python=python)
    yield golden
    assert golden.changed() == [], "a copy of a golden workspace changed it through a hard link"


@pytest.fixture(scope="session")
def golden(tmp_path_factory):
    """The golden workspace of the direct backend."""
    with made_once(tmp_path_factory, DIRECT) as made:
        yield made


@pytest.fixture(scope="session")
def golden_tfx(tmp_path_factory):
    """The golden workspace that TFX wrote; it works at its own place only."""
    with made_once(tmp_path_factory, TFX) as made:
        yield made


@pytest.fixture(scope="session")
def golden_workspace(golden, new_folder) -> Callable[[], Path]:
    """Return a function that makes a fresh copy of the direct backend's golden workspace."""
    return lambda: golden.copy(new_folder() / "workspace")
