"""The folder of a deletion request: the names of its files, which stand here and nowhere else.

    open.sealed             what a running deletion must remember; its key lies in keys/<id>.open
    plan.json               the plans of all models, written before anything is changed
    checks-<model>.json     the check report of a model, by its id before
    evaluation-<model>.json its evaluation, if the workspace has a policy
    ended.json              digests of the files of the ended models
    erasure.json            what the scan after the erasure said
    certificate.json        the signed proof; what opens its commitments lies under keys/ (receipts)
    certificates/           those of each id, numbered in their order, if there are several
    receipt.json, receipts/ what an earlier unweave left of receipts

What is in them is known by those who write them (`unlearning`).
"""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RequestFolder:
    """The paths of a request's files; there need be none of them yet."""

    path: Path

    @property
    def id(self) -> str:
        """The id of the request."""
        return self.path.name

    @property
    def open_file(self) -> Path:
        """What a running deletion must remember, sealed."""
        return self.path / "open.sealed"

    @property
    def open_key(self) -> Path:
        """The key of the open file, which lies apart from it."""
        return self.path.parents[1] / "keys" / f"{self.id}.open"

    @property
    def plan(self) -> Path:
        """The plans of all models that it changes."""
        return self.path / "plan.json"

    @property
    def ended(self) -> Path:
        """The digests of the files of the models that it ended."""
        return self.path / "ended.json"

    @property
    def erasure(self) -> Path:
        """What the scan after the erasure said."""
        return self.path / "erasure.json"

    @property
    def certificate(self) -> Path:
        """The signed certificate."""
        return self.path / "certificate.json"

    @property
    def older_receipt(self) -> Path:
        """What opens the certificate's commitments, where an earlier unweave left it."""
        return self.path / "receipt.json"

    @property
    def older_receipts(self) -> Path:
        """Likewise what opens those of each of several ids, numbered from 001 on."""
        return self.path / "receipts"

    def checks(self, model_before: str) -> Path:
        """The check report of one model."""
        return self.path / f"checks-{model_before}.json"

    def evaluation(self, model_before: str) -> Path:
        """The evaluation of one model."""
        return self.path / f"evaluation-{model_before}.json"

    def certificate_of(self, place: int) -> Path:
        """The certificate of one of several ids, by its place among them, from 0."""
        return self.path / "certificates" / f"{place + 1:03d}.json"

    def exists(self) -> bool:
        """Say whether there is such a folder."""
        return self.path.exists()

    def remove(self) -> None:
        """Remove the folder with all that is in it; safe to repeat."""
        if self.exists():
            shutil.rmtree(self.path)
