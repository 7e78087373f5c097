"""The rules of the request queue that a workspace sets itself: `policy.json`, mode 600.

Without the file: no request needs a second person, a request is due by the law (`law_in_force`),
and the inbox accepts nothing.
"""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.errors import BadInput
from lineage_store.workspace.folder import Workspace

POLICY_FILE = "policy.json"
KEY_BYTES = 32
LONGEST_DAYS = 3650
REGISTER_YEARS, LONGEST_YEARS = 3, 100


@dataclass(frozen=True)
class Sender:
    """Whose files the inbox accepts: by the user id that owns them, or by who signed them.

    `key` is an Ed25519 public key, its 32 raw bytes in base64. Of a sender that only `proposes`,
    a detector say, requests are proposals until somebody approves them.
    """

    uid: int | None = None
    key: str | None = None
    proposes: bool = False


@dataclass(frozen=True)
class Policy:
    """The rules; who asks for more than `approve_above` people on a day needs a second person.

    So does, whatever names are given, the user of the machine (or sender) who adds requests for
    more than `approve_above_user` people on a day: a name can be made up, a user cannot.
    `deadline_days`, from the day of receipt, is a sooner end than that of the law, whose `regime`
    is named as the file of rules has it.
    What a detector files is a proposal until somebody approves it, unless `detectors_run`. What is
    kept of a request that is over is kept for `register_years`.
    """

    approve_above: int | None = None
    deadline_days: int | None = None
    regime: str = "gdpr"
    senders: tuple[Sender, ...] = ()
    detectors_run: bool = False
    approve_above_user: int | None = None
    register_years: int = REGISTER_YEARS

    def needs(self, size: int, *, by_user: int, proposed: bool) -> Any:
        """Say what a request waits for: "proposal", "approval" or nothing ("").

        `size` counts the ids that its requester has asked for on this day, its own among them, and
        `by_user` those that the same user has added.
        """
        if proposed:
            return "proposal"
        counted = ((size, self.approve_above), (by_user, self.approve_above_user))
        above = any(limit is not None and count > limit for count, limit in counted)
        return "approval" if above else ""

    def sender(self, *, uid: int | None = None, key: str | None = None) -> Sender | None:
        """Return the sender of that user id, or of that key."""
        for sender in self.senders:
            if (uid is not None and sender.uid == uid) or (key is not None and sender.key == key):
                return sender
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self) | {"senders": [asdict(sender) for sender in self.senders]}


def date_of(text: str, what: str) -> str:
    """Return a date as it is stored; raises BadInput, naming what it is, if it is none."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise BadInput(f"{what} is no date: write 2026-01-31.") from error


def load_policy(workspace: Workspace) -> Policy:
    """Read the workspace's policy; raises BadInput if the file is none."""
    file = workspace.root / POLICY_FILE
    if not file.exists():
        return Policy()
    try:
        value: Mapping[str, Any] = read_json(file)
        senders = tuple(Sender(**item) for item in value["senders"])
        found = Policy(**{**value, "senders": senders})
        if not (_has_its_types(found) and all(map(_is_sender, senders))):
            raise ValueError("a value of another type")
        _must_make_sense(found)
        return found
    except (BadInput, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(
            f"The file {POLICY_FILE} of the workspace is no policy: set it again with unweave "
            f"request policy, after moving it away."
        ) from error


def save_policy(workspace: Workspace, policy: Policy) -> None:
    """Write the workspace's policy; raises BadInput for a number that makes no sense."""
    _must_make_sense(policy)
    write_atomic(workspace.root / POLICY_FILE, canonical_json(policy.to_json()) + b"\n")


def _has_its_types(policy: Policy) -> bool:
    limits = (
        policy.deadline_days,
        policy.approve_above,
        policy.approve_above_user,
        policy.register_years,
    )
    numbers = [one for one in limits if one is not None]
    flags = type(policy.detectors_run) is bool and type(policy.regime) is str
    return all(type(one) is int for one in numbers) and flags


def _is_sender(sender: Sender) -> bool:
    if sender.key is not None:
        raw = base64.b64decode(sender.key, validate=True)
        if len(raw) != KEY_BYTES or base64.b64encode(raw).decode() != sender.key:
            return False
    named = sender.uid is None or type(sender.uid) is int
    return named and type(sender.proposes) is bool


def _must_make_sense(policy: Policy) -> None:
    for name in ("approve_above", "approve_above_user"):
        if (getattr(policy, name) or 0) < 0:
            raise BadInput(f"`{name}` counts subjects or rows: it is at least 0.")
    if policy.deadline_days is not None and not 0 <= policy.deadline_days <= LONGEST_DAYS:
        raise BadInput(f"`deadline_days` goes from 0 to {LONGEST_DAYS}.")
    if policy.register_years is None or not 1 <= policy.register_years <= LONGEST_YEARS:
        raise BadInput(f"`register_retention` goes from 1 to {LONGEST_YEARS} years.")
