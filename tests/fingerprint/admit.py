"""Admit older code as equivalent to today's: `make equivalent OLD=<commit>`.

The same configurations are run by the code of a commit, in a clone, and by today's, and the digests
of all states that they leave are compared. Today's run also tells which functions it called: those
of the fingerprint must all be among them. What passes is a line of `equivalent.json`; without OLD
the commits that stand there already are run again, as is needed after a change of the fingerprint.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lineage_store.canonical import digest_json, write_atomic
from unlearning.fingerprint.code_fingerprint import fingerprint
from unlearning.fingerprint.equivalent import TABLE, Equivalent, equivalents

TOP = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("configurations.py")
FEWEST = 20


class Refused(Exception):
    """The older code is not shown to be equivalent."""


def start(copy, *arguments):
    """Start the configurations in a process that imports a copy of the repository."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", str(SCRIPT), *arguments],
        env={**os.environ, "PYTHONPATH": str(copy), "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=copy,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process):
    """Wait for the configurations and return what they told."""
    out, errors = process.communicate()
    if process.returncode:
        raise Refused(f"the configurations failed: {errors.strip()[-600:]}")
    return json.loads(out)


def clone(commit, folder):
    """Clone this repository at a commit."""
    git = ["git", "-c", "advice.detachedHead=false"]
    subprocess.run([*git, "clone", "-q", "--no-checkout", str(TOP), str(folder)], check=True)
    subprocess.run([*git, "checkout", "-q", commit], cwd=folder, check=True)
    return folder


def differing(old, now):
    """Return the names of the configurations whose states differ."""
    return [name for name in now["digests"] if now["digests"][name] != old["digests"].get(name)]


def not_called(copy, now):
    """Return the functions of a copy's fingerprint that its run did not call."""
    called = {(file, line) for file, line in now["executed"]}
    built_in = {line for file, line in called if file == now["built_in"]}
    return [
        one
        for one in fingerprint(Path(copy)).functions
        if (os.path.realpath(Path(copy) / one.file), one.line) not in called
        and not (one.file.endswith("tabular.py") and one.line in built_in)
    ]


def admitted(commit, old, now, copy=TOP):
    """Return the entry of a commit; raises Refused, which says why there is none."""
    if len(now["digests"]) < FEWEST:
        raise Refused(f"{len(now['digests'])} configurations ran, and at least {FEWEST} must")
    if names := differing(old, now):
        raise Refused(f"the states differ in {', '.join(names)}")
    if missing := not_called(copy, now):
        names = ", ".join(f"{one.name} ({one.file}:{one.line})" for one in missing)
        raise Refused(f"no configuration calls {names}: add one to configurations.py that does")
    return Equivalent(
        old["code"], now["code"], commit, len(now["digests"]), digest_json(now["digests"])
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the old commits and today's code, two processes at a time, and write the table."""
    parser = argparse.ArgumentParser(prog="make equivalent")
    parser.add_argument("commits", nargs="*")
    table = TOP / "unlearning/fingerprint" / TABLE
    known = equivalents(table)
    commits = parser.parse_args(arguments).commits or [entry.commit for entry in known]
    now_running, entries, refused = start(TOP, "--executed"), {}, False
    now = None
    for commit in commits:
        with tempfile.TemporaryDirectory() as folder:
            old = told(start(clone(commit, Path(folder) / "old")))
        now = now or told(now_running)
        try:
            entry = admitted(commit, old, now)
        except Refused as error:
            print(f"{commit} is not admitted: {error}.", file=sys.stderr)
            refused = True
            continue
        entries[entry.old] = entry
        print(f"{commit} is admitted: {entry.configurations} configurations gave equal states.")
    today = fingerprint(TOP).digest
    kept = {entry.old: entry for entry in known if entry.now == today}
    lines = [asdict(entry) for _, entry in sorted({**kept, **entries}.items())]
    write_atomic(table, (json.dumps(lines, indent=2) + "\n").encode())
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
