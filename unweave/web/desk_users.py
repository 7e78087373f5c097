"""Users of the desk, as the command line adds and ends them: as the owner of the workspace."""

import os
from collections.abc import Callable
from typing import Any

from lineage_store.errors import NothingFound
from lineage_store.index import log_size, logging_events, queue, reading_index
from lineage_store.log import (
    OwnLinkMade,
    SettingChanged,
    TokenEnded,
    TokenMade,
    UserAdded,
    UserEnded,
    UserInvitedAgain,
    WebhookEnded,
    WebhookMade,
    events,
)
from lineage_store.log.events import Loggable
from lineage_store.requests import number_of
from lineage_store.workspace import Workspace
from unweave.session.queue_writing import user_name
from unweave.session.session import Session
from unweave.web.accounts.desk_file import desk_file
from unweave.web.accounts.mail_server import MailServer, MailServerKept
from unweave.web.accounts.own_links import OwnLinks
from unweave.web.accounts.sent_answers import SentAnswers
from unweave.web.accounts.tokens import Tokens, token_told
from unweave.web.accounts.users import Role, Users
from unweave.web.accounts.webhooks import Webhooks
from unweave.web.mail.letters_mailed import SETTING, mail_server_told
from unweave.web.operations.own_page import must_take_a_link
from unweave.web.process.outgoing import Address

Answer = dict[str, Any]
Event = Callable[[str, str], Loggable]  # of the user, by whom


class DeskUsers:
    """The users of the desk of one workspace."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, name: str, role: Role) -> Answer:
        """Add a user; the answer has the link by which they set password and second factor."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            users = Users(connection, workspace.keys())
            link = users.add(name, role, now=self._now(), random_bytes=os.urandom)
            self._log(workspace, name, lambda user, by: UserAdded(user, role, by))
        return self._told(name, role, link)

    def invite(self, name: str) -> Answer:
        """Void what a user signs in with, and return a new link."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            users = Users(connection, workspace.keys())
            role = users.find(name).role
            link = users.invite(name, now=self._now(), random_bytes=os.urandom)
            self._log(workspace, name, UserInvitedAgain)
        return self._told(name, role, link)

    def end(self, name: str) -> Answer:
        """Let a user in no more; who is signed in is signed out."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            users = Users(connection, workspace.keys())
            role = users.find(name).role
            users.end(name, now=self._now())
            self._log(workspace, name, UserEnded)
        return {"name": name, "role": role, "ended": True}

    def list(self) -> Answer:
        """List the users, by name."""
        workspace = self._session.workspace()
        with desk_file(workspace.root) as connection:
            found = Users(connection, workspace.keys()).every()
        return {
            "users": [
                {"name": one.name, "role": one.role, "set_up": one.is_set,
                 "program": one.is_program}
                for one in found
            ]
        }  # fmt: skip

    def make_token(self, name: str, role: Role, *, until: str) -> Answer:
        """Make a token of a program; the answer has its text, which is kept nowhere."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            tokens = Tokens(connection, Users(connection, workspace.keys()))
            made, text = tokens.make(
                name, role, until=until, today=self._session.today, random_bytes=os.urandom
            )
            self._log(
                workspace,
                made.user.name,
                lambda user, by: TokenMade(made.number, user, role, made.until, by),
            )
        return token_told(made) | {"secret": text}

    def end_token(self, number: str) -> Answer:
        """End a token at once."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            tokens = Tokens(connection, Users(connection, workspace.keys()))
            ended = tokens.end(number, today=self._session.today)
            self._log(
                workspace, ended.user.name, lambda user, by: TokenEnded(ended.number, user, by)
            )
        return token_told(ended) | {"ended": True}

    def tokens(self) -> Answer:
        """List the tokens that have not ended."""
        workspace = self._session.workspace()
        with desk_file(workspace.root) as connection:
            tokens = Tokens(connection, Users(connection, workspace.keys()))
            return {"tokens": [token_told(one) for one in tokens.every(today=self._session.today)]}

    def own_link(self, request: str) -> Answer:
        """Make a link by which the person of a request sees how it stands; it is kept nowhere."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            with reading_index(workspace) as index:
                must_take_a_link(queue.find(index, request), SentAnswers(connection))
            link = OwnLinks(connection).make(request, random_bytes=os.urandom)
            self._log(workspace, user_name(), lambda by, _: OwnLinkMade(request, by))
        return {"request": request, "link": f"/own/{link}"}

    def make_webhook(self, url: str, *, local: bool) -> Answer:
        """Add a webhook that is told what comes from now on; the answer has its secret, once."""
        Address(url, local)
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            number, secret = Webhooks(connection, workspace.keys()).make(
                url, local=local, told=log_size(workspace), random_bytes=os.urandom
            )
            self._log(workspace, user_name(), lambda by, _: WebhookMade(number, by))
        return {"webhook": number, "secret": secret}

    def end_webhook(self, number: str) -> Answer:
        """Tell a webhook nothing any more."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            Webhooks(connection, workspace.keys()).end(number)
            self._log(workspace, user_name(), lambda by, _: WebhookEnded(number, by))
        return {"webhook": number, "ended": True}

    def set_mail_server(self, server: MailServer) -> Answer:
        """Have letters sent by a server, in place of one that was set; its password is sealed."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            MailServerKept(connection, workspace.keys()).keep(server, random_bytes=os.urandom)
            self._log(workspace, user_name(), lambda by, _: SettingChanged(SETTING, by))
        return mail_server_told(server)

    def end_mail_server(self) -> Answer:
        """Send nothing by mail any more."""
        with self._session.holding() as workspace, desk_file(workspace.root) as connection:
            if not MailServerKept(connection, workspace.keys()).end():
                raise NothingFound("There is no mail server: `unweave mail set` sets one.")
            self._log(workspace, user_name(), lambda by, _: SettingChanged(SETTING, by))
        return mail_server_told(None)

    def _log(self, workspace: Workspace, name: str, what: Event) -> None:
        with logging_events(workspace) as connection:
            keys = workspace.keys()
            user, by = (
                number_of(connection, keys, one, random_bytes=os.urandom)
                for one in (name, user_name())
            )
            events.append(connection, what(user, by), time=self._session.time)

    def _now(self) -> int:
        return int(self._session.now().timestamp())

    @staticmethod
    def _told(name: str, role: Role, link: str) -> Answer:
        return {"name": name, "role": role, "path": f"/welcome/{link}"}
