"""`python -m unweave.web.process.run_process OUT OUTBOX COMMAND...`: has what is due run.

What the command says has figures of the model that ended, its metrics among them: on a terminal
they are gone, and in a file they would answer questions about whoever went (law 9). So what failed
is kept of it, and no more. Letters that were written of requests while they were open are erased
with them, as the queue erases its own: they name the person, and the answer takes their place.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic

NOTHING_SAID = "The run ended and did not say how: what had begun is finished by the next one."


def main() -> None:
    """Run the command of the arguments, and write down what failed."""
    out, outbox, command = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    letters = {one.name: one.stat().st_ino for one in outbox.glob("q*") if one.is_dir()}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = {"error": NOTHING_SAID}
    erase_letters(said, outbox, letters)
    write_atomic(out, json.dumps(failures(said)).encode("utf-8"))


def failures(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return of what a run said what failed: which requests, and why."""
    if "error" in said:
        return {"error": said["error"]}
    failed = ({"requests": one["requests"], "error": one["error"]} for one in said["failed"])
    return {"failed": list(failed)}


def erase_letters(said: Mapping[str, Any], outbox: Path, letters: Mapping[str, int]) -> None:
    """Erase the letters, by folder, of what has ended; what was written since is another folder."""
    ended = [name for run in said.get("runs", ()) for name in run["requests"]]
    ended += [one["request"] for one in said.get("settled", ())]
    for name in ended:
        folder = outbox / name
        if name in letters and folder.exists() and folder.stat().st_ino == letters[name]:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
