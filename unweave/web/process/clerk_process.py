"""`python -m unweave.web.process.clerk_process WORKSPACE`: does one thing that changes something.

It reads one object, `{"operation": ..., "arguments": {...}}`, from standard input, calls the method
of the Python API that the operation names, and writes what that returns, or what it raised. It is
the desk's counterpart of the command line, which says the same by options.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unweave.desk.request_queue import RequestQueue

Method = Callable[..., Any]
WAIT = 20.0  # seconds for a workspace that is in use

OPERATIONS: "Mapping[str, Callable[[RequestQueue], Method]]" = {
    "add": lambda queue: queue.add,
    "answer": lambda queue: queue.answer,
    "approve": lambda queue: queue.approve,
    "ask_more": lambda queue: queue.ask_more,
    "more_came": lambda queue: queue.more_came,
    "not_identified": lambda queue: queue.not_identified,
    "extend": lambda queue: queue.extend,
    "hold": lambda queue: queue.hold,
    "release": lambda queue: queue.release,
    "keep_rows": lambda queue: queue.keep_rows,
    "uphold": lambda queue: queue.uphold,
    "announce_lift": lambda queue: queue.announce_lift,
    "lift": lambda queue: queue.lift,
    "refuse": lambda queue: queue.refuse,
    "cancel": lambda queue: queue.cancel,
    "letter": lambda queue: queue.letter,
    "answer_pack": lambda queue: queue.answer_pack,
}


def main() -> None:
    """Do what standard input asks for."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    asked = json.loads(sys.stdin.buffer.read())
    told = done(Path(sys.argv[1]), asked["operation"], asked["arguments"])
    sys.stdout.write(json.dumps(told))


def done(root: Path, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Do one operation, and say what came of it."""
    from lineage_store.errors import UnweaveError
    from unweave.api.project import Project
    from unweave.session.unforeseen import sentence, write_details

    try:
        answer = OPERATIONS[operation](Project(root, wait=WAIT).requests)(**arguments)
        return {"ok": True, "answer": answer}
    except UnweaveError as error:
        return {"ok": False, "kind": type(error).__name__, "error": str(error)}
    except Exception as error:  # whatever nobody foresaw: its details lie in the workspace
        details = write_details(error, workspace=root, command=operation)
        return {"ok": False, "kind": "UnweaveError", "error": sentence(error, details)}


if __name__ == "__main__":
    main()
