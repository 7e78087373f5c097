"""Serves calls of `unweave.Project` to another process, by the code that `PYTHONPATH` names.

First it says where its packages come from. Then each line on standard input is a JSON object:
`root`, `backend` (direct or tfx), `call` (a method's name, or two with a dot between), `arguments`
and `options`. The answer is a line, too: `answer`, or `error` with its `exit_status`. One process
serves many calls, since importing TensorFlow takes longer than a small training. What
is imported for the direct backend is the name that 961ed0a has for it.
"""

import json
import os
import sys
from contextlib import nullcontext
from functools import reduce
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import unweave
from lineage_store.errors import UnweaveError

PACKAGES = ("components", "lineage_store", "pipelines", "unlearning", "unweave")


def answer(asked):
    """Carry out one call and return what is to be said of it."""
    backend = None
    if asked["backend"] == "direct":
        from pipelines.direct import DirectBackend

        backend = DirectBackend()
    # Digests in the clear: the old code shows them unasked.
    told = {"reveal": True} if "reveal" in signature(unweave.Project).parameters else {}
    project = unweave.Project(asked["root"], backend=backend, **told)
    call = reduce(getattr, asked["call"].split("."), project)
    try:
        with rules_for(asked):
            return {"answer": call(*asked["arguments"], **asked["options"])}
    except UnweaveError as error:
        return {"error": str(error), "exit_status": error.exit_status}


def rules_for(asked):
    """Return by which rules tables are read: those that the old code knows, if it is asked."""
    if not asked["by_first_rules"]:
        return nullcontext()
    sys.path.append(str(Path(__file__).parents[1]))
    from fixtures.first_rules import first_rules

    return first_rules()


def main():
    """Serve calls until there are no more; what libraries print goes to standard error."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    print(json.dumps({name: find_spec(name).origin for name in PACKAGES}), file=told, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=told, flush=True)


if __name__ == "__main__":
    main()
