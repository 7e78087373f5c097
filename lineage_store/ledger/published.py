"""What stands for a model in the log, the index and certificates: commitments, never digests.

Whoever has the live ledger computes them again and compares. They say nothing to anybody else, and
after the model has ended, with which its nonce goes, nothing to anybody.

    ledger   the header and the records of all stages: with their digests, the whole ledger
    weights  the weights that the shards give to the model
    data     the rows that the gate let through

A ledger of format 1 has no nonce. What was published of it are plain digests: its log is signed,
and says so for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lineage_store.canonical import canonical_json, digest_file
from lineage_store.commitments import commitment, derived, nonce_of
from lineage_store.ledger.header import FIRST_FORMAT
from lineage_store.ledger.shards import Ledger
from lineage_store.tensors import weights_digest


def published_ledger(ledger: Ledger) -> str:
    """Return what stands for a ledger."""
    return _published(ledger, "ledger", ledger.digest())


def published_weights(ledger: Ledger) -> str:
    """Return what stands for the weights of a ledger's model, as they are on disk."""
    return _published(ledger, "weights", weights_digest(ledger.final_weights()))


def published_data(ledger: Ledger) -> str:
    """Return what stands for the rows that a ledger's model was made from."""
    digest: str = ledger.header.data["data_digest"]
    return _published(ledger, "data", digest)


@dataclass(frozen=True)
class ServedFiles:
    """The files of a served model: the SHA-256 of each, by its name below the model's folder."""

    digests: Mapping[str, str]

    def published(self, ledger: Ledger) -> str | None:
        """Return what stands for them; None for a ledger of format 1, which published nothing."""
        if ledger.header.format == FIRST_FORMAT:
            return None
        nonce = derived(nonce_of(ledger.folder), "served")
        return commitment(nonce, canonical_json(dict(self.digests)))


def served_files(folder: Path, *, below: str = "") -> ServedFiles:
    """Read the files of a served model, those in the folder `below` if there is one of that name.

    TFX keeps a SavedModel in a folder of its own within the artifact.
    """
    top = folder / below if below and (folder / below).is_dir() else folder
    return ServedFiles(
        {
            path.relative_to(top).as_posix(): digest_file(path)
            for path in sorted(top.rglob("*"))
            if path.is_file()
        }
    )


def _published(ledger: Ledger, respect: str, digest: str) -> str:
    if ledger.header.format == FIRST_FORMAT:
        return digest
    return commitment(derived(nonce_of(ledger.folder), respect), bytes.fromhex(digest))
