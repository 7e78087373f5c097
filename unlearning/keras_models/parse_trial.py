"""A process that parses rows by a module's `parse` and tells a digest of each, and what it opened.

It is started by `parsing.must_be_pure`, with hashes of its own, and asked on standard input. Rows
are in no argument, no file and no message.
"""

import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from unlearning.keras_models.module_file import ModelSpec, load_module
from unlearning.keras_models.parsing import ParsedInput, Parser, row_of

OPENING = {
    "socket.connect": "a connection",
    "socket.getaddrinfo": "a connection",
    "subprocess.Popen": "a process",
    "os.system": "a process",
    "os.posix_spawn": "a process",
    "sqlite3.connect": "a database",
}


def main() -> None:
    """Answer what standard input asks, on standard output alone."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a module prints
    order, encoded = json.load(sys.stdin)
    trial = json.loads(encoded)
    module: Any = load_module(trial["text"], name=trial["name"])
    inputs = tuple(ParsedInput(name, tuple(shape), dtype) for name, shape, dtype in trial["inputs"])
    parser = Parser(module.parse, inputs, trial["name"])
    spec = ModelSpec.from_json(trial["spec"])
    rows = [row_of(numbers, texts, spec) for numbers, texts in trial["rows"]]
    opened: list[str] = []
    sys.addaudithook(lambda event, arguments: opened.extend(_opened(event, arguments)))
    step = -1 if order == "backwards" else 1
    digests = parser.digests(rows[::step])[::step]
    found = {"digests": digests, "opened": opened[0] if opened else ""}
    json.dump(found, answer)
    answer.flush()


def _opened(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """Say what an event of Python opens, if it is nothing that is installed."""
    if event in OPENING:
        return [OPENING[event]]
    if event != "open" or not isinstance(arguments[0], str | bytes):
        return []
    path = Path(os.path.realpath(os.fsdecode(arguments[0])))
    if path.suffix in {".py", ".pyc"} or _is_installed(path):
        return []
    return ["a file"]


def _is_installed(path: Path) -> bool:
    places = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix}
    return any(path.is_relative_to(Path(place).resolve()) for place in places)


if __name__ == "__main__":
    main()
