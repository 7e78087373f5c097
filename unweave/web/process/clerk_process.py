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
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unweave.letters.own_templates import OwnTemplates

if TYPE_CHECKING:
    from unweave.api.project import Project

Method = Callable[..., Any]
WAIT = 20.0  # seconds for a workspace that is in use

OPERATIONS: "Mapping[str, Callable[[Project], Method]]" = {
    "add": lambda project: project.requests.add,
    "add_part": lambda project: partial(_add_part, project),
    "answer": lambda project: project.requests.answer,
    "approve": lambda project: project.requests.approve,
    "ask_more": lambda project: project.requests.ask_more,
    "more_came": lambda project: project.requests.more_came,
    "not_identified": lambda project: project.requests.not_identified,
    "extend": lambda project: project.requests.extend,
    "hold": lambda project: project.requests.hold,
    "release": lambda project: project.requests.release,
    "keep_rows": lambda project: project.requests.keep_rows,
    "uphold": lambda project: project.requests.uphold,
    "announce_lift": lambda project: project.requests.announce_lift,
    "ask_fee": lambda project: project.requests.ask_fee,
    "fee_agreed": lambda project: project.requests.fee_agreed,
    "readmit": lambda project: project.readmit,
    "lift": lambda project: project.requests.lift,
    "refuse": lambda project: project.requests.refuse,
    "cancel": lambda project: project.requests.cancel,
    "letter": lambda project: project.requests.letter,
    "answer_pack": lambda project: project.requests.answer_pack,
    "evidence": lambda project: project.requests.evidence,
    "add_recipient": lambda project: project.requests.recipients.add,
    "recipient_told": lambda project: project.requests.recipients.told,
    "end_recipient": lambda project: project.requests.recipients.end,
    "add_place": lambda project: project.requests.serving.add,
    "place_confirmed": lambda project: project.requests.serving.confirmed,
    "end_place": lambda project: project.requests.serving.end,
    "name_model": lambda project: project.names.name,
    "roll_back": lambda project: project.names.rollback,
    "set_limits": lambda project: partial(_set_limits, project),
    "describe": lambda project: project.requests.describe,
    "save_template": lambda project: OwnTemplates(project.root).save,
    "end_template": lambda project: OwnTemplates(project.root).end,
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
        answer = OPERATIONS[operation](Project(root, wait=WAIT))(**arguments)
        return {"ok": True, "answer": answer}
    except UnweaveError as error:
        return {"ok": False, "kind": type(error).__name__, "error": str(error)}
    except Exception as error:  # whatever nobody foresaw: its details lie in the workspace
        details = write_details(error, workspace=root, command=operation)
        return {"ok": False, "kind": "UnweaveError", "error": sentence(error, details)}


def _add_part(project: "Project", *, after: int, asked: dict[str, Any]) -> dict[str, Any]:
    """File what another workspace's desk asks, once: `ours` says that it was not there before.

    What came in behind the request `after`, asks the same and names these ids, was filed by an
    earlier call that was killed before it could say so.
    """
    found = project.requests.filed_since(after, asked["ids"], right=asked["right"])
    if found is not None:
        return {"request": found, "ours": True}
    told = project.requests.add(**asked)
    return {"request": told["request"], "ours": not told["duplicate"]}


def _set_limits(
    project: "Project",
    *,
    approve_above: int | None,
    approve_above_user: int | None,
    deadline_days: int | None,
    register_years: int,
    regime: str,
) -> dict[str, Any]:
    """Set the limits and the rules of time of a policy; who may send files stays as it is."""
    policy = replace(
        project.requests.policy,
        approve_above=approve_above,
        approve_above_user=approve_above_user,
        deadline_days=deadline_days,
        register_years=register_years,
        regime=regime,
    )
    project.requests.set_policy(policy)
    return policy.to_json()


if __name__ == "__main__":
    main()
