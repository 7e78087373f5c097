"""Which certificate and receipt belong to a request: its people's own, and nobody else's.

They are named by number alone, in the order in which their run has them: whose a number is, the
request knows until it ends, and the receipt opens for whom it is given to.
"""

import sqlite3
from typing import Any

from lineage_store.index import Certified, Queued, certified_for
from lineage_store.workspace import Workspace
from unlearning.certificates import receipt_name

Answer = dict[str, Any]


def own_proofs(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued, *, today: str
) -> list[Answer]:
    """Return the certificates and receipts of a request's people, in the order of their runs.

    A run of an earlier unweave did not keep whose they are: then there are none.
    """
    found = certified_for(connection, request)
    return [proof(workspace, one, today=today) for one in found]


def proof(workspace: Workspace, one: Certified, *, today: str) -> Answer:
    """Return where a certificate lies, and what became of its receipt."""
    folder = workspace.request(one.run)
    place = one.number - 1 if one.number else None
    name = receipt_name(one.run, place)
    kept = workspace.receipts().kept(name, today=today)
    return {
        "deletion": one.run,
        "number": one.number or None,
        "certificate": str(folder.certificate if place is None else folder.certificate_of(place)),
        "receipt": name,
        "receipt_until": kept.until,
        "receipt_handed_out": kept.handed_out,
    }
