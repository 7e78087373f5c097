"""Serves calls of `unweave.Project` to another process; run with the code of an old commit.

First it says where its packages come from. Then each line on standard input is a JSON object:
`root`, `backend` (direct or tfx), `call` (a method's name, or two with a dot between), `arguments`
and `options`. The answer is a line, too: `answer`, or `error` with its `exit_status`. One process
serves many calls, since importing TensorFlow takes longer than a small training. It is written for
the names of 961ed0a, which do not change any more.
"""

import json
import os
import sys
from functools import reduce

import components
import lineage_store
import pipelines
import unlearning
import unweave
from lineage_store.errors import UnweaveError
from pipelines.direct import DirectBackend


def answer(asked):
    """Carry out one call and return what is to be said of it."""
    backend = DirectBackend() if asked["backend"] == "direct" else None
    project = unweave.Project(asked["root"], backend=backend)
    call = reduce(getattr, asked["call"].split("."), project)
    try:
        return {"answer": call(*asked["arguments"], **asked["options"])}
    except UnweaveError as error:
        return {"error": str(error), "exit_status": error.exit_status}


def main():
    """Serve calls until there are no more; what libraries print goes to standard error."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    packages = (components, lineage_store, pipelines, unlearning, unweave)
    print(json.dumps({one.__name__: one.__file__ for one in packages}), file=told, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=told, flush=True)


if __name__ == "__main__":
    main()
