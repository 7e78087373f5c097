"""`python -m unweave.web.rights.rectify_process WORKSPACE`: corrects what one request names.

It reads one object from standard input: the request, the model that the new one is to be like, the
table, and where it is written what failed. The table is erased at the end, however that comes.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_store.canonical import write_atomic

if TYPE_CHECKING:
    from pipelines.jobs import Backend

WAIT = 20.0  # seconds for a workspace that is in use


def main(backend: "Backend | None" = None) -> None:
    """Do what standard input asks for, and write down what failed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    asked = json.loads(sys.stdin.buffer.read())
    table = Path(asked["table"])
    try:
        failed = corrected(
            Path(sys.argv[1]), asked["request"], asked["model"], table, backend=backend
        )
    finally:
        table.unlink(missing_ok=True)
    write_atomic(Path(asked["out"]), json.dumps({"failed": failed}).encode("utf-8"))


def corrected(
    root: Path, request: str, model: str, table: Path, *, backend: "Backend | None" = None
) -> list[dict[str, Any]]:
    """Correct what a request names by a table, as a model was trained; return what failed."""
    from lineage_store.errors import UnweaveError
    from lineage_store.index import models, reading_index
    from lineage_store.processing import NamedModel, names_of_lines
    from unweave.api.asked_runs import train_model
    from unweave.api.repeating import as_trained
    from unweave.session.session import Session
    from unweave.session.unforeseen import sentence, write_details

    session = Session(root=root, chosen=backend, wait=WAIT)
    try:
        workspace = session.workspace()
        with reading_index(workspace) as connection:
            like = models.find_model(connection, model)
        name, _ = names_of_lines(workspace).get(like.family, ("", False))
        train_model(
            session,
            as_trained(workspace, like, table),
            key_file=None,
            metadata=None,
            rectifies=request,
            named=NamedModel(name=name) if name else None,
        )
        return []
    except UnweaveError as error:
        return [{"requests": [request], "error": str(error)}]
    except Exception as error:  # whatever nobody foresaw: its details lie in the workspace
        details = write_details(error, workspace=root, command="rectify")
        return [{"requests": [request], "error": sentence(error, details)}]


if __name__ == "__main__":
    main()
