"""What is sent to a person: a letter, and of a deletion what they can check it with.

    letter.txt, letter.html, letter.pdf   the same words; PDF where a Chromium is installed
    certificate.json, receipt.json        theirs alone, and numbered where a request names several
    certificate-exact.json                of the run that made an approximate result exact, where
                                          that run was nobody else's
    public.pem, verify.html               the signer's key, and a page that checks the certificate

A receipt is handed out here, once: it is written last, and destroyed in the workspace when it lies
in the pack, whose folder has its name when all of it is there. A pack that is asked for again comes
without, and its letter says when that was. The pack lies outside the workspace, which keeps no copy
but of the letter's words, sealed (`lineage_store.requests.letters`).
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from lineage_store.keys import load_public_key
from lineage_store.requests import OF_ACCESS, OF_LETTERS
from lineage_store.workspace import Workspace
from unlearning.certificates import hand_out
from unweave.desk.what_is_told import Proofs
from unweave.letters.catalogue import letter_in
from unweave.letters.facts import Facts
from unweave.letters.kinds import Kind
from unweave.letters.letter import Letter
from unweave.letters.verify_page import verify_page
from unweave.report.pdf import pdf

OWN_TEMPLATES = "letters"
TO_TICK = (
    "the source files that the data came from, and copies and backups of them",
    "whom the data were made public to: controllers there are told of an erasure (Article 17(2))",
    "whoever took data or models from here, and is no recipient that was named (Article 19)",
)

OTHER_PLACES = "other places in which data of the person are: this speaks of models alone"
WAY = "it goes the way that the request came: {way} (Article 12(3))"


@dataclass(frozen=True)
class Sent:
    """What was written, by file name; and what the letter could not say, or was left out."""

    files: tuple[str, ...]
    warnings: tuple[str, ...]


def letter_about(workspace: Workspace, kind: Kind, facts: Facts, *, language: str) -> Letter:
    """Return a letter, from the workspace's own template where it has one."""
    own = workspace.root / OWN_TEMPLATES
    return letter_in(language, kind, facts, own=own if own.is_dir() else None)


@contextmanager
def new_folder(out: Path, workspace: Workspace) -> Iterator[Path]:
    """Yield a folder to write into, for its owner alone, which is there by its name at the end.

    Until then it is called OUT.partial, and there is none of another run's. Raises BadInput for a
    place within the workspace, or that is there and not empty.
    """
    if out.resolve().is_relative_to(workspace.root):
        raise BadInput("A letter does not stay in the workspace: name a folder outside of it.")
    partial = out.with_name(f"{out.name}.partial")
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise BadInput(f"The folder {out} is not empty: name a new one for what is sent.")
        if partial.exists() and any(partial.iterdir()):
            raise BadInput(
                f"The folder {partial} was left by a command that was killed, and may hold the one "
                f"receipt of somebody: look into it, and name another folder."
            )
        partial.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.chmod(0o700)
    except OSError as error:
        raise BadInput(f"The folder {out} cannot be made: {error.strerror}.") from error
    yield partial
    partial.rename(out)


def write_letter(out: Path, letter: Letter, facts: Facts) -> Sent:
    """Write a letter in its three forms, the PDF where it can be printed."""
    write_atomic(out / "letter.txt", letter.text.encode("utf-8"))
    page = letter.page()
    write_atomic(out / "letter.html", page)
    files, warnings = ["letter.txt", "letter.html"], []
    try:
        write_atomic(out / "letter.pdf", pdf(page, beside=out))
        files.append("letter.pdf")
    except BadInput as error:
        warnings.append(f"There is no letter.pdf. {error}")
    asked = (*OF_LETTERS, *(OF_ACCESS if letter.kind == "access" else ()))
    missing = facts.controller.lacking(asked)
    if missing:
        warnings.append(
            f"The letter leaves out what nobody has described yet ({', '.join(missing)}): see "
            f"`unweave describe`."
        )
    return Sent(tuple(files), tuple(warnings))


def write_proofs(
    workspace: Workspace, out: Path, proofs: Proofs, *, language: str, time: str
) -> Sent:
    """Write the certificates of a request's people, and hand out the receipts that there are."""
    key = load_public_key(workspace.public_key)
    files: list[str] = []
    warnings = []
    several = len(proofs.named) > 1
    for place, one in enumerate(proofs.named, start=1):
        mark = f"-{place}" if several else ""
        data = Path(one["certificate"]).read_bytes()
        pages = {
            f"certificate{mark}.json": data,
            f"verify{mark}.html": verify_page(data, key, language=language),
        }
        for name, content in pages.items():
            write_atomic(out / name, content)
        files += pages
    if proofs.unkept is not None:
        warnings.append(
            f"Whose the certificates of {proofs.unkept} are was not kept by the unweave that wrote "
            f"them: give the person theirs from requests/{proofs.unkept} by hand."
        )
    for run in proofs.exact_by:
        name = "certificate-exact.json" if len(proofs.exact_by) == 1 else f"exact-{run}.json"
        write_atomic(out / name, workspace.request(run).certificate.read_bytes())
        files.append(name)
    if proofs.named:
        shutil.copyfile(workspace.public_key, out / "public.pem")
        files.append("public.pem")
    for place, one in enumerate(proofs.named, start=1):
        name = f"receipt-{place}.json" if several else "receipt.json"
        if one["receipt_until"] is None:
            when = one["receipt_handed_out"]
            told = f"was handed out on {when}" if when else "is no longer to be had"
            warnings.append(f"There is no {name}: the receipt {one['receipt']} {told}.")
            continue
        hand_out(workspace, one["deletion"], number=one["number"], out=out / name, time=time)
        files.append(name)
    return Sent(tuple(files), tuple(warnings))


def told(out: Path, kind: Kind, *sent: Sent) -> dict[str, Any]:
    """Return what the command says of what it wrote."""
    return {
        "out": str(out),
        "letter": kind,
        "files": [name for one in sent for name in one.files],
        "warnings": [warning for one in sent for warning in one.warnings],
    }
