"""A changed policy of the request queue, from the options of a command."""

import pwd
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lineage_store.errors import BadInput
from lineage_store.keys import load_public_key, raw_public_key, to_base64
from lineage_store.requests import Policy, Sender


def changed_policy(
    before: Policy,
    *,
    approve_above: int | None,
    no_approval: bool,
    deadline_days: int | None,
    regime: str | None,
    owners: Sequence[str],
    key_files: Sequence[Path],
    proposes: bool,
    accept_nobody: bool,
    detectors: str | None = None,
    approve_above_user: int | None = None,
    register_years: int | None = None,
) -> Policy:
    """Return the policy with what is given changed; a sender named again is replaced.

    Raises BadInput for a user that there is not, or a file that holds no public key.
    """
    limits = {"approve_above": approve_above, "approve_above_user": approve_above_user}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if given and no_approval:
        raise BadInput("Give --approve-above or --no-approval, not both.")
    if proposes and not owners and not key_files:
        raise BadInput("--as-proposals goes with --accept-owner or --accept-key.")
    keys = [to_base64(raw_public_key(load_public_key(file))) for file in key_files]
    new = [Sender(uid=uid_of(owner), proposes=proposes) for owner in owners]
    new += [Sender(key=key, proposes=proposes) for key in keys]
    named = {(sender.uid, sender.key) for sender in new}
    kept = [s for s in before.senders if not accept_nobody and (s.uid, s.key) not in named]
    policy = replace(before, senders=(*kept, *new), **(limits if no_approval else given))
    if deadline_days is not None:
        policy = replace(policy, deadline_days=deadline_days)
    if register_years is not None:
        policy = replace(policy, register_years=register_years)
    if regime is not None:
        policy = replace(policy, regime=regime)
    if detectors is not None:
        policy = replace(policy, detectors_run=detectors == "run")
    return policy


def uid_of(user: str) -> int:
    """Return the user id of a name, or of a number in decimal; raises BadInput for no user."""
    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise BadInput(f"There is no user {user!r} on this machine.") from error
