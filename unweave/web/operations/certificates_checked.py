"""A certificate is checked by this workspace's public key, for anybody.

With its receipt and an id it is checked whether it speaks of that person; neither is kept.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unweave.api.verify import verify
from unweave.web.process.desk import Desk


def checked(
    desk: Desk, certificate: bytes, *, receipt: bytes | None = None, subject: str | None = None
) -> dict[str, Any]:
    """Say whether a certificate holds, as `unweave verify` does; raises BadInput for no receipt."""
    with TemporaryDirectory(prefix="unweave-verify-") as folder:
        file, own = Path(folder) / "certificate.json", None
        file.write_bytes(certificate)
        if receipt is not None:
            own = Path(folder) / "receipt.json"
            own.write_bytes(receipt)
        key = desk.session.workspace().public_key
        return verify(file, public_key=key, receipt=own, subject=subject)
