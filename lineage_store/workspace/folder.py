"""A workspace: the one folder that holds everything a project's models were made from.

    format.json        the version of this layout
    keys/              secret, signing key, public key; manifest, the exclusion manifest's key;
                       desk-lookup, desk-requests: what the desk has in the place of the secret;
                       pseudonyms.sqlite has the subjects' own keys, each of which can be destroyed;
                       restricted/ has rows that a restriction keeps out of all models, sealed
    unweave.sqlite     row index, models, requests, exclusion manifest, event log
    metadata.sqlite    ML Metadata's own file, opened by nothing else
    metadata.json      instead of it, the address of where MLMD lives; never a password
    data/<model>/      what the gate let through, split into train and eval
    modules/           the users' model files, by digest
    tfx/               pipeline outputs
    serving/<family>/  pushed models, one folder a version
    named/<name>/      a link to the pushed model that is served under a name, by its number
    policy.json        the rules of the request queue, if any were set
    controller.json, letters/   who answers for the data, and own templates of letters
    named_models.json           the names of models, and what they are for, sealed
    regimes.json, holidays.txt  further rules of time, and the holidays of the state
    requests/<id>/     plan, certificate and receipt of a deletion (`request_folder`)
    tmp/               temporary files, never elsewhere; tmp-reading/ those of commands that read

Commands that write hold the lock; commands that read do not. All of it is for its owner alone: its
folders have mode 700, its files 600.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from lineage_store.canonical import (
    PRIVATE,
    canonical_json,
    read_json,
    reading_own,
    sync_folder,
    write_atomic,
)
from lineage_store.errors import BadInput, NothingFound, WorkspaceBusy
from lineage_store.keys.desk_keys import keep_desk_keys
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.receipts import Receipts
from lineage_store.keys.secret import Keys, create_secret, derive, read_secret
from lineage_store.workspace.metadata_address import Connection, parse_connection, sqlite_file
from lineage_store.workspace.request_folder import RequestFolder
from lineage_store.workspace.while_reading import sweep_reading_folders

FORMAT = 1
OWNER_ALONE = 0o700
MARKER = "format.json"
OWN_MANIFEST = "manifest_key"  # an earlier unweave derived it from the secret
METADATA, PSEUDONYMS = "metadata.json", "pseudonyms.sqlite"
WAKE = 0.2  # seconds between two looks at a lock


@dataclass(frozen=True)
class Workspace:
    """The paths of a workspace; `root` is absolute."""

    root: Path

    @property
    def secret_file(self) -> Path:
        return self.root / "keys" / "secret"

    @property
    def manifest_key(self) -> Path:
        return self.root / "keys" / "manifest"

    @property
    def signing_key(self) -> Path:
        return self.root / "keys" / "signing.pem"

    @property
    def public_key(self) -> Path:
        return self.root / "keys" / "public.pem"

    @property
    def index_file(self) -> Path:
        return self.root / "unweave.sqlite"

    @property
    def pseudonym_file(self) -> Path:
        """The subjects' own keys; an earlier unweave kept them beside the index."""
        older = self.root / PSEUDONYMS
        return older if older.exists() else self.root / "keys" / PSEUDONYMS

    @property
    def metadata_file(self) -> Path:
        return self.root / "metadata.sqlite"

    @property
    def metadata(self) -> Connection:
        """Where ML Metadata lives: what was named when the workspace was made, or its own file."""
        marker = self.root / METADATA
        if not marker.exists():
            return sqlite_file(self.metadata_file)
        with reading_own(marker):
            address = str(read_json(marker)["address"])
        return parse_connection(address)

    @property
    def pipeline_root(self) -> Path:
        return self.root / "tfx"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    def outputs(self, run: str, output: str, file: str) -> list[Path]:
        """Return the files of a name that a run's components put into outputs of a name.

        Orchestrators lay them out as they like: LocalDagRunner as `component/output/number/file`,
        Kubeflow as `output/file` below folders of its own.
        """
        found = (self.pipeline_root / run).rglob(file)
        return sorted(one for one in found if output in one.parts[-3:-1])

    def snapshot(self, model_id: str) -> Path:
        """The folder of the gated data that a model is trained on."""
        return self.root / "data" / model_id

    def serving(self, family: str) -> Path:
        """The folder that a model server watches for versions of a model family."""
        return self.root / "serving" / family

    def request(self, request_id: str) -> RequestFolder:
        """The folder of a deletion request."""
        return RequestFolder(self.root / "requests" / request_id)

    def requests(self) -> list[RequestFolder]:
        """The folders of all deletion requests."""
        return [RequestFolder(path) for path in sorted((self.root / "requests").glob("*"))]

    @property
    def evaluation_policy(self) -> Path:
        """What every deletion's result must show before it is served; there need not be one."""
        return self.root / "evaluation.json"

    def module(self, digest: str) -> Path:
        """The workspace's copy of a user's model file."""
        return self.root / "modules" / f"{digest}.py"

    def keys(self) -> Keys:
        """Return the workspace's keys; raises BadInput if one is gone or readable by others."""
        secret = read_secret(self.secret_file)
        with reading_own(self.root / MARKER):
            own = read_json(self.root / MARKER).get(OWN_MANIFEST)
        if not own:
            return derive(secret)
        return derive(secret, manifest=read_secret(self.manifest_key))

    def relative(self, path: Path | str) -> str:
        """Return a path as recorded in the index: relative, so that a workspace can be moved."""
        return str(Path(path).relative_to(self.root))

    def absolute(self, path: str) -> Path:
        """Return the place of a path as recorded in the index."""
        return self.root / path

    def receipts(self) -> Receipts:
        """The receipts that are still to be handed out; raises what `keys` does."""
        return Receipts.of(self.root / "keys" / "receipts", self.keys())

    @property
    def head_file(self) -> Path:
        """The signed head of the event log, as of the last command that wrote."""
        return self.root / "log.head"


def open_workspace(root: Path) -> Workspace:
    """Open an existing workspace to read.

    Raises NothingFound if there is none, BadInput if a newer unweave wrote it.
    """
    workspace = Workspace(root.resolve())
    marker = workspace.root / MARKER
    if not marker.exists():
        raise NothingFound(
            f"There is no workspace in {root}: train a model first, or name another."
        )
    with reading_own(marker):
        found = read_json(marker)["format"]
        if not isinstance(found, int):
            raise TypeError("a format is a number")
    if found > FORMAT:
        raise BadInput(
            f"The workspace {root} has format {found}, and this unweave knows formats up to "
            f"{FORMAT}: use the newer unweave that wrote it."
        )
    return workspace


@contextmanager
def writing(
    root: Path,
    *,
    key_file: Path | None = None,
    metadata: Connection | None = None,
    create: bool,
    wait: float = 0,
) -> Iterator[Workspace]:
    """Hold a workspace for writing; with `create`, make one where there is none.

    A workspace that this call made is taken away again if its first command fails before it has
    pushed a model. Raises WorkspaceBusy if another command holds it, still after `wait` seconds,
    BadInput for a secret or a place of MLMD that does not fit.
    """
    secret = read_secret(key_file) if key_file else None
    new = not (root / MARKER).exists()
    if new and not create:
        open_workspace(root)
    if new and root.exists() and any(root.iterdir()):
        raise BadInput(
            f"The folder {root} is not empty and is no workspace: name an empty or a new folder."
        )
    made = [folder for folder in (root, *root.parents) if not folder.exists()] if new else []
    before = os.umask(0o777 & ~OWNER_ALONE)
    try:
        with _locked(
            root, secret, key_file, metadata, create=create, wait=wait, made=made
        ) as workspace:
            yield workspace
    finally:
        os.umask(before)


@contextmanager
def _locked(
    root: Path,
    secret: bytes | None,
    key_file: Path | None,
    metadata: Connection | None,
    *,
    create: bool,
    wait: float,
    made: Sequence[Path],
) -> Iterator[Workspace]:
    descriptor = _held(root, wait=wait)
    # Another command may just have made it, or have taken away again what it had made.
    new = not (root / MARKER).exists()
    try:
        workspace = _create(root, secret, metadata) if new and create else open_workspace(root)
        if secret is not None and derive(secret).key_id != workspace.keys().key_id:
            raise BadInput(
                f"The workspace {root} was made with another secret than {key_file} holds: "
                f"leave `key_file` out, or name another workspace."
            )
        if metadata is not None and metadata != workspace.metadata:
            raise BadInput(
                f"The workspace {root} keeps its metadata in {workspace.metadata.address}: leave "
                f"`metadata` out, or name another workspace."
            )
        _for_its_owner_alone(workspace)
        keep_desk_keys(workspace.root / "keys", workspace.keys())
        shutil.rmtree(workspace.temporary, ignore_errors=True)
        sweep_reading_folders(workspace.root)
        workspace.temporary.mkdir(mode=OWNER_ALONE)
        yield workspace
        shutil.rmtree(workspace.temporary, ignore_errors=True)
    except BaseException:
        if new and not _has_pushed(root):
            shutil.rmtree(root, ignore_errors=True)
            for folder in made[1:]:
                folder.rmdir()
        else:
            shutil.rmtree(root / "tmp", ignore_errors=True)
        raise
    finally:
        os.close(descriptor)


def _for_its_owner_alone(workspace: Workspace) -> None:
    """Take from others what an earlier unweave, or a hand, let them read."""
    if is_loose(workspace.root):
        workspace.root.chmod(OWNER_ALONE)
    older = workspace.root / PSEUDONYMS
    if older.exists():
        with closing(Pseudonyms(older, workspace.keys())) as pseudonyms:
            pseudonyms.seal_older()
        older.chmod(PRIVATE)
        older.replace(workspace.root / "keys" / PSEUDONYMS)
        sync_folder(workspace.root / "keys")


def is_loose(path: Path) -> bool:
    """Say whether others than its owner may do anything with a file or folder."""
    return bool(path.stat().st_mode & 0o077)


def _held(root: Path, *, wait: float) -> int:
    """Take a workspace's lock, and make its folder if need be; return the open file."""
    until = monotonic() + wait
    while True:
        root.mkdir(mode=OWNER_ALONE, parents=True, exist_ok=True)
        try:
            descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            raise BadInput(f"You may not write to the folder {root}: ask its owner.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(root / "lock", descriptor):
                return descriptor
            os.close(descriptor)  # its holder took the folder away, and this was the lock in it
            continue
        except BlockingIOError:
            os.close(descriptor)
        if not monotonic() < until:
            raise WorkspaceBusy(
                f"The workspace {root} is in use by another unweave command: wait for it to end, "
                f"or try again with `wait`."
            )
        sleep(min(WAKE, max(0.0, until - monotonic())))


def _is_still(path: Path, descriptor: int) -> bool:
    """Say whether an open file is the one that a path names now."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _has_pushed(root: Path) -> bool:
    """Say whether a model is there; a run that fails before it is registered takes it away."""
    return any((root / "serving").glob("*/*"))


def _create(root: Path, secret: bytes | None, metadata: Connection | None) -> Workspace:
    workspace = Workspace(root.resolve())
    for name in ("keys", "data", "modules", "tfx", "serving", "requests"):
        (workspace.root / name).mkdir(mode=OWNER_ALONE)
    create_secret(workspace.secret_file, secret)
    create_secret(workspace.manifest_key)
    if metadata is not None and metadata != workspace.metadata:
        address = canonical_json({"address": metadata.address})
        write_atomic(workspace.root / METADATA, address + b"\n")
    # Last, so that a folder with a marker is a whole workspace.
    marker = {"format": FORMAT, OWN_MANIFEST: True}
    write_atomic(workspace.root / MARKER, canonical_json(marker) + b"\n")
    return workspace
