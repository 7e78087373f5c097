"""Plants the faults of `mutants.txt`, one at a time, and shows that the tests named find them.

    python tests/mutants.py [NUMBER ...]      all, or those of these numbers; `make mutants`

Each fault is planted in a copy of what git tracks; the test named must pass there without it, and
fail with it. A fault that survives, a line that is not there, or a test that fails anyway ends the
program with status 1.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[1]
LIST = Path(__file__).with_name("mutants.txt")
AT_ONCE = 2
PASSED, FAILED = 0, 1  # of pytest; all else says that nothing was tested


@dataclass(frozen=True)
class Mutant:
    """One fault: the law it breaks, the file, the test that finds it, the line before and after."""

    law: int
    file: str
    test: str
    line: str
    fault: str

    @property
    def arguments(self) -> list[str]:
        """The test as arguments of pytest."""
        return shlex.split(self.test)

    def planted(self, text: str) -> str:
        """Return a file's text with the fault; raises ValueError unless its line is there once."""
        lines = text.splitlines(keepends=True)
        places = [at for at, line in enumerate(lines) if line.strip() == self.line]
        if len(places) != 1:
            raise ValueError(f"{self.file} has the line {len(places)} times: {self.line}")
        lines[places[0]] = lines[places[0]].replace(self.line, self.fault)
        return "".join(lines)


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """Read the list; raises ValueError for a paragraph that is not written as the others."""
    return list(_paragraphs(path.read_text(encoding="utf-8")))


def _paragraphs(text: str) -> Iterator[Mutant]:
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        head, before, after = lines
        law, file, test = (part.strip() for part in head.split("·"))
        if not (law.startswith("law ") and before.startswith("- ") and after.startswith("+ ")):
            raise ValueError(f"this is no mutant: {head}")
        yield Mutant(int(law.removeprefix("law ")), file, test, before[2:], after[2:])


def survived(mutant: Mutant) -> str | None:
    """Plant a fault in a copy and run its test; say what is wrong if the fault is not found."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        tracked = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=TOP, capture_output=True, check=True,
        ).stdout  # fmt: skip
        for name in filter(None, tracked.decode().split("\0")):
            if (TOP / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_bytes((TOP / name).read_bytes())
        if _run(copy, mutant) != PASSED:
            return "its test fails, or is not there, without the fault"
        file = copy / mutant.file
        file.write_text(mutant.planted(file.read_text(encoding="utf-8")), encoding="utf-8")
        code = _run(copy, mutant)
        return None if code == FAILED else f"its test ends with status {code}"


def _run(copy: Path, mutant: Mutant) -> int:
    # No bytecode of the file as it was, should both versions be of one second.
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *mutant.arguments], cwd=copy, env=environment, capture_output=True, check=False
    )
    return done.returncode


def main(arguments: Sequence[str]) -> int:
    """Try the mutants of these numbers, or all, and print what became of each."""
    mutants = read_mutants()
    wanted = [int(one) for one in arguments] or list(range(1, len(mutants) + 1))
    bad = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda number: survived(mutants[number - 1]), wanted)
        for number, wrong in zip(wanted, found, strict=True):
            mutant = mutants[number - 1]
            bad += wrong is not None
            outcome = "found" if wrong is None else f"NOT FOUND: {wrong}"
            print(f"{number:3} law {mutant.law:2} {mutant.file}: {outcome}", flush=True)
    print(f"{len(wanted) - bad} of {len(wanted)} faults are found")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
