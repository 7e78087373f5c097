"""The files that a run's end leaves: its certificate, and for each person their own and a receipt.

Whatever was forgotten from, a table's models or a pipeline of somebody's own, they are written so,
and safe to write again.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lineage_store.canonical import digest, sync_folder, write_atomic
from lineage_store.keys import load_private_key
from lineage_store.workspace import Workspace
from unlearning.certificates.envelope import seal
from unlearning.certificates.receipts import receipt, receipt_name
from unlearning.certificates.shared_run import commitments, own_part, place_in_run
from unlearning.planning.sealed_request import OpenRequest

Stated = Callable[[OpenRequest, Mapping[str, Any] | None], dict[str, Any]]
"""Returns what is stated of some ids; of one of several with what binds it to its run."""


def seal_for_each(
    workspace: Workspace,
    request_id: str,
    opened: OpenRequest,
    *,
    stated: Stated,
    guarantees: Mapping[str, str],
    time: str,
) -> bytes:
    """Write a run's certificate and return it; seal the receipt of each id.

    Of several ids each has a certificate of its own, too, numbered in their order, and the receipts
    are theirs alone. `guarantees` say what each model that replaced another may be called.
    """
    folder, receipts = workspace.request(request_id), workspace.receipts()
    key = load_private_key(workspace.signing_key)
    several = len(opened.ids) > 1

    def keep_receipt(part: OpenRequest, place: int | None, certificate: bytes) -> None:
        document = receipt(
            request_id=request_id, opened=part, certificate=certificate, guarantees=guarantees
        )
        receipts.keep(receipt_name(request_id, place), document, today=time[:10])

    sealed = seal(stated(opened, None), key)
    write_atomic(folder.certificate, sealed)
    if not several:
        keep_receipt(opened, None, sealed)
    committed = commitments(opened)
    for place in range(len(opened.ids)) if several else ():
        part = own_part(opened, place)
        own = seal(stated(part, place_in_run(committed, place, certificate=digest(sealed))), key)
        file = folder.certificate_of(place)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        sync_folder(file.parent.parent)
        write_atomic(file, own)
        keep_receipt(part, place, own)
    return sealed
