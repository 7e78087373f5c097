"""The code of an old commit, taken from this repository's own history and run by itself.

It gets a folder and a process of its own, so that nothing of today's code is imported there: the
editable install adds this repository to every interpreter's path, behind `PYTHONPATH`.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FIRST = "961ed0aa4629df69abc0f6e1b5248cb35e20d295"  # the commit whose workspaces must stay readable
PACKAGES = ("components", "lineage_store", "pipelines", "unlearning", "unweave")
SERVER = Path(__file__).with_name("serve_calls.py")
# What it imports of others: what stands for its Python in tests has imported that, and nothing of
# today's code.
LIBRARIES = ("keras", "pandas", "pyarrow.compute", "pyarrow.csv", "sqlite_utils", "tensorflow")


class NoHistory(Exception):
    """The repository does not have the commit whose code a test needs."""


class CodeFailed(Exception):
    """The code in a process of its own refused what was asked of it, or ended."""


def unpack(commit: str, folder: Path) -> Path:
    """Write the packages of a commit into a new folder and return it.

    Raises NoHistory where the repository lacks the commit, in a shallow clone for instance.
    """
    folder.mkdir(parents=True)
    archive = folder / "code.tar"
    done = subprocess.run(
        ["git", "-C", REPOSITORY, "archive", "-o", archive, commit, *PACKAGES],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise NoHistory(
            f"The golden workspaces are written by the code of commit {commit}, which git cannot "
            f"give here ({said}): clone the repository with its whole history."
        )
    with tarfile.open(archive) as packed:
        packed.extractall(folder)
    archive.unlink()
    return folder


class CodeProcess:
    """A process that runs the code in a folder and answers calls of its `Project`."""

    def __init__(self, folder: Path, *, python: str = sys.executable) -> None:
        """Start the process; raises CodeFailed if it imports anything but the folder's code."""
        self._folder = folder
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, SERVER],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        for name, file in self._next().items():
            if not Path(file).is_relative_to(folder):
                self.__exit__()
                raise CodeFailed(f"{name} was imported from {file}, not from {folder}.")

    def ask(self, root: Path, call: str, *arguments, **options):
        """Return what a method of its `Project` answers; raises CodeFailed if it refuses."""
        told = self.told(root, call, *arguments, **options)
        if "error" in told:
            raise CodeFailed(f"{call}: {told['error']}")
        return told["answer"]

    def told(
        self, root: Path, call: str, *arguments, backend="direct", by_first_rules=False, **options
    ):
        """Return the `answer` of a method of its `Project`, or its `error`, by that name."""
        asked = {
            "root": str(root), "backend": backend, "call": call, "arguments": arguments,
            "options": options, "by_first_rules": by_first_rules,
        }  # fmt: skip
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._next()

    def _next(self):
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise CodeFailed(f"The code in {self._folder} ended: {self._log.read()[-2000:]}")
        return json.loads(line)

    def __enter__(self) -> "CodeProcess":
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()
