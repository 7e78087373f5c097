"""What is written of a request is sent by mail, once an officer says to whom.

It waits, and is tried by whichever desk or command comes by: after a minute, two and so on up to
six hours. What was taken is written down as sent, as if the officer had said so. What has become
another meanwhile, a request that was taken back say, is not sent: somebody must look at it.
"""

from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import queue
from lineage_store.log import LetterMailed, SettingChanged
from unweave.web.accounts.mail_server import MailServer, is_mail_address
from unweave.web.accounts.users import User
from unweave.web.accounts.waiting_mails import WaitingMail
from unweave.web.mail.mail_message import mail_of
from unweave.web.mail.mail_posting import MailRefused, post_mail
from unweave.web.operations.written_answers import say_sent
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import empty_as_mailed
from unweave.web.process.outgoing import NotReached
from unweave.web.several.part_answers import all_contents

Answer = dict[str, Any]
SETTING = "mail server"


def set_mail_server(desk: Desk, user: User, server: MailServer) -> Answer:
    """Send letters by a server from now on; one within a network is set by the command alone."""
    if server.local:
        raise BadInput("A server within your own network is set by the command, with `local`.")
    with desk.accounts() as accounts:
        accounts.mail_server.keep(server, random_bytes=desk.random_bytes)
        desk.log(user, lambda by: SettingChanged(SETTING, by))
    return mail_server_told(server)


def end_mail_server(desk: Desk, user: User) -> Answer:
    """Send nothing by mail any more; what waits stays written, to be handed over."""
    with desk.accounts() as accounts:
        if not accounts.mail_server.end():
            raise NothingFound("There is no mail server.")
        desk.log(user, lambda by: SettingChanged(SETTING, by))
    return mail_server_told(None)


def mail_server_there(desk: Desk) -> Answer:
    """Say by which server letters are sent, but for its password."""
    with desk.accounts() as accounts:
        return mail_server_told(accounts.mail_server.get())


def mail_server_told(server: MailServer | None) -> Answer:
    """Return what is told of a server: never its password."""
    if server is None:
        return dict.fromkeys(("host", "port", "security", "sender", "user"))
    return {
        "host": server.host,
        "port": server.port,
        "security": server.security,
        "sender": server.sender,
        "user": server.user,
    }


def mail_it(desk: Desk, user: User, request: str, to: str) -> Answer:
    """Have what is written of a request sent to an address."""
    if not is_mail_address(to):
        raise BadInput("That is no address for mail: write one, anna@example.com say.")
    outcome = _outcome(desk, request)
    all_contents(desk, request)  # what is not written cannot be sent
    with desk.accounts() as accounts:
        if accounts.mail_server.get() is None:
            raise BadInput("There is no mail server: an owner sets one in the settings.")
        accounts.mails.add(
            request, to=to, by=user.name, outcome=outcome, random_bytes=desk.random_bytes
        )
    return {"request": request, "mail": "waits"}


def end_mail(desk: Desk, request: str) -> Answer:
    """Send what is written of a request by no mail; it stays written."""
    with desk.accounts() as accounts:
        if not accounts.mails.end(request):
            raise NothingFound("Nothing of this request waits to be sent by mail.")
    return {"request": request, "mail": None}


def send_mails(desk: Desk) -> Answer:
    """Send what is due; return how many mails were taken, were not, and never will be."""
    told = {"sent": 0, "failed": 0, "refused": 0}
    with desk.accounts() as accounts:
        server = accounts.mail_server.get()
        due = [] if server is None else accounts.mails.take_due(now=desk.seconds)
    for one in due:
        assert server is not None
        try:
            files = _still_to_be_sent(desk, one)
        except BadInput:  # another workspace of it cannot be reached now
            with desk.accounts() as accounts:
                accounts.mails.was_not_taken(one, now=desk.seconds)
            told["failed"] += 1
            continue
        if files is None:
            with desk.accounts() as accounts:
                accounts.mails.end(one.request)
            continue
        told[_send(desk, server, one, files)] += 1
    return told


def _send(desk: Desk, server: MailServer, one: WaitingMail, files: dict[str, bytes]) -> str:
    mail = mail_of(
        files,
        request=one.request,
        sender=server.sender,
        to=one.to,
        message_id=one.message_id,
        time=desk.now(),
    )
    try:
        post_mail(server, mail, to=one.to)
    except NotReached:
        with desk.accounts() as accounts:
            accounts.mails.was_not_taken(one, now=desk.seconds)
        return "failed"
    except MailRefused:
        with desk.accounts() as accounts:
            accounts.mails.was_refused(one)
        return "refused"
    desk.log_of([one.by], lambda numbers: LetterMailed(one.request, numbers[0]))
    if not one.outcome:  # a letter of what is open is no answer
        empty_as_mailed(desk, one.request)
        return "sent"
    with desk.accounts() as accounts:
        accounts.mails.end(one.request)
    say_sent(desk, one.by, one.request)
    return "sent"


def _still_to_be_sent(desk: Desk, one: WaitingMail) -> dict[str, bytes] | None:
    """Return what is sent, None if it is not there any more, or its request came out otherwise."""
    try:
        return (
            all_contents(desk, one.request) if _outcome(desk, one.request) == one.outcome else None
        )
    except NothingFound:
        return None


def _outcome(desk: Desk, request: str) -> str:
    with desk.session.reading() as (_, connection):
        return queue.find(connection, request).outcome or ""
