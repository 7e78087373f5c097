"""The desk: a workspace, opened with the desk's own keys, and what was started for it."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import Any

from lineage_store.clock import machine_time, time_text
from lineage_store.index import events_to_be_signed
from lineage_store.log import events
from lineage_store.log.events import Loggable
from lineage_store.requests import number_of
from lineage_store.workspace import DeskWorkspace, open_for_the_desk
from unweave.desk.request_queue import RequestQueue
from unweave.session.session import Now, Session
from unweave.web.accounts.asked_once import AskedOnce
from unweave.web.accounts.desk_file import desk_file
from unweave.web.accounts.mail_server import MailServerKept
from unweave.web.accounts.own_links import OwnLinks
from unweave.web.accounts.sent_answers import SentAnswers
from unweave.web.accounts.sign_ins import SignIns
from unweave.web.accounts.tokens import Tokens
from unweave.web.accounts.too_often import Limit
from unweave.web.accounts.users import User, Users
from unweave.web.accounts.waiting_mails import WaitingMails
from unweave.web.accounts.webhooks import Webhooks
from unweave.web.process.bindings import Binding
from unweave.web.process.bodies import Bodies

OUTBOX = ".outbox"
AT_ONCE = 64  # who watch what runs


@dataclass(frozen=True, kw_only=True)
class DeskSession(Session):
    """A session that opens its workspace with the keys of the desk."""

    def workspace(self) -> DeskWorkspace:
        """Open the workspace."""
        return open_for_the_desk(self.root)


@dataclass(frozen=True)
class Accounts:
    """Users and sign-ins, in one open file."""

    users: Users
    sign_ins: SignIns
    sent: SentAnswers
    tokens: Tokens
    asked_once: AskedOnce
    own_links: OwnLinks
    webhooks: Webhooks
    mail_server: MailServerKept
    mails: WaitingMails


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A workspace as the desk serves it.

    `python` starts Python, `run` the command that runs what is due, `correct` the one that corrects
    what a request names; they take further arguments. What is written to be sent lies in the
    outbox, beside the workspace, until the officer says that it was sent. `counted` keeps figures
    that take long, until they are others.
    `runs` has the run that was started last, and `starting` is held while one is; of `watchers`,
    each who looks on takes one. `joined` are other workspaces in which its requests are filed, too
    (`web.several`), each a desk that nobody visits; `carrying` is held while they are brought up
    to date, and `resting` has what could not be done there, until when it is left alone.
    """

    root: Path
    binding: Binding
    now: Now = machine_time
    random_bytes: Callable[[int], bytes] = os.urandom
    python: tuple[str, ...] = (sys.executable,)
    run: tuple[str, ...] = ("-m", "unweave", "run-requests")
    correct: tuple[str, ...] = ("-m", "unweave.web.rights.rectify_process")
    counted: dict[str, Any] = field(default_factory=dict)
    runs: list[Popen[bytes]] = field(default_factory=list)
    starting: Lock = field(default_factory=Lock)
    watchers: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))
    bodies: Bodies = field(default_factory=Bodies)
    tries: Limit = field(default_factory=lambda: Limit(6, 300.0, monotonic))
    refusals: Limit = field(default_factory=lambda: Limit(1, 300.0, monotonic))
    pages: Limit = field(default_factory=lambda: Limit(240, 60.0, monotonic))
    joined: tuple["Desk", ...] = ()
    carrying: Lock = field(default_factory=Lock)
    resting: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def session(self) -> DeskSession:
        """A session of now."""
        return DeskSession(root=self.root, now=self.now)

    @property
    def queue(self) -> RequestQueue:
        """The request queue, to read."""
        return RequestQueue(self.session)

    @property
    def today(self) -> str:
        """The day."""
        return time_text(self.now())[:10]

    @property
    def seconds(self) -> int:
        """The time, in seconds since 1970."""
        return int(self.now().timestamp())

    @property
    def outbox(self) -> Path:
        """The folder of what is written to be sent."""
        root = self.root.resolve()
        return root.with_name(root.name + OUTBOX)

    @property
    def last_run(self) -> Path:
        """What failed of the run that was started last, once it has ended."""
        return self.root / "desk-run.json"

    @contextmanager
    def accounts(self) -> Iterator[Accounts]:
        """Open users and sign-ins for one transaction."""
        keys = self.session.workspace().keys()
        with desk_file(self.root) as connection:
            users = Users(connection, keys)
            yield Accounts(
                users=users,
                sign_ins=SignIns(connection),
                sent=SentAnswers(connection),
                tokens=Tokens(connection, users),
                asked_once=AskedOnce(connection, keys),
                own_links=OwnLinks(connection),
                webhooks=Webhooks(connection, keys),
                mail_server=MailServerKept(connection, keys),
                mails=WaitingMails(connection, keys),
            )

    def log(self, user: User, what: Callable[[str], Loggable]) -> None:
        """Append what somebody did to the event log; the next command signs it.

        `what` returns the event for the number of whoever did it.
        """
        self.log_of([user.name], lambda numbers: what(numbers[0]))

    def log_of(self, names: Sequence[str], what: Callable[[Sequence[str]], Loggable]) -> None:
        """Append an event of several of the staff; `what` returns it for their numbers."""
        workspace = self.session.workspace()
        with events_to_be_signed(workspace) as connection:
            keys = workspace.keys()
            numbers = [
                number_of(connection, keys, name, random_bytes=self.random_bytes) for name in names
            ]
            events.append(connection, what(numbers), time=time_text(self.now()))
