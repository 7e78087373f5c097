"""Webhooks are told what happens to requests: their numbers and the kind of event, and no more.

Each event is one POST, signed as Standard Webhooks has it, in the order of the log. Whoever does
not take it is asked again, by whichever desk or command comes by, after half a minute, a minute and
so on up to six hours; what was taken is known by its id, should it come twice.
"""

import base64
import hmac
import json
import sqlite3
from typing import Any

from lineage_store.index import reading_index
from lineage_store.log import WebhookEnded, WebhookMade, events
from unweave.web.accounts.users import User
from unweave.web.accounts.webhooks import AT_WORK, Webhook
from unweave.web.process.desk import Desk
from unweave.web.process.outgoing import Address, NotReached, post

Answer = dict[str, Any]
AT_ONCE = 100  # events that are looked at for one at a time
FROM = "SELECT seq, time, kind, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?"


def make_webhook(desk: Desk, user: User, url: str) -> Answer:
    """Add a webhook that is told what comes from now on; the answer has its secret, once.

    One within a network of its own is added by the command line alone, as the workspace's owner.
    """
    Address(url)
    with desk.session.reading() as (_, connection):
        told = events.head(connection).size
    with desk.accounts() as accounts:
        number, secret = accounts.webhooks.make(
            url, local=False, told=told, random_bytes=desk.random_bytes
        )
        desk.log(user, lambda by: WebhookMade(number, by))
    return {"webhook": number, "secret": secret}


def end_webhook(desk: Desk, user: User, number: str) -> Answer:
    """Tell a webhook nothing any more."""
    with desk.accounts() as accounts:
        accounts.webhooks.end(number)
        desk.log(user, lambda by: WebhookEnded(number, by))
    return {"webhook": number, "ended": True}


def webhooks_there(desk: Desk) -> Answer:
    """List the webhooks, and how often the next event was not taken."""
    with desk.accounts() as accounts:
        return {
            "webhooks": [
                {"webhook": one.number, "url": one.url, "local": one.local, "failed": one.failed}
                for one in accounts.webhooks.every()
            ]
        }


def tell_webhooks(desk: Desk) -> Answer:
    """Tell those that are due what happened since; return how many events were told, and not."""
    with desk.accounts() as accounts:
        due = accounts.webhooks.take_due(now=desk.seconds)
    told = failed = 0
    for one in due:
        try:
            told += _tell(desk, one)
        except NotReached:
            failed += 1
            with desk.accounts() as accounts:
                accounts.webhooks.was_not_told(one, now=desk.seconds)
    return {"told": told, "failed": failed}


def _tell(desk: Desk, one: Webhook) -> int:
    """Tell a webhook what happened since, and return how much that was; raises NotReached."""
    with reading_index(desk.session.workspace()) as connection:
        said, last = _since(connection, one.told)
    for seq, body in said:
        post(Address(one.url, one.local), body, _headers(one, seq, body, desk.seconds))
        with desk.accounts() as accounts:
            accounts.webhooks.was_told(one.number, seq, until=desk.seconds + AT_WORK)
    with desk.accounts() as accounts:
        accounts.webhooks.was_told(one.number, last, until=desk.seconds)
    return len(said)


def _since(connection: sqlite3.Connection, seq: int) -> tuple[list[tuple[int, bytes]], int]:
    """Return what is said of the events after one, and the last that was looked at."""
    said: list[tuple[int, bytes]] = []
    last = seq
    for last, time, kind, body in connection.execute(FROM, (seq, AT_ONCE)).fetchall():
        request = json.loads(body).get("request")
        if request is not None:
            data = {"event": last, "request": request}
            told = {"type": kind, "timestamp": time, "data": data}
            said.append((last, json.dumps(told).encode("utf-8")))
    return said, last


def _headers(one: Webhook, seq: int, body: bytes, now: int) -> dict[str, str]:
    """Return what Standard Webhooks signs: the id, the time and the body."""
    name, time = f"msg_{one.number}_{seq}", str(now)
    signed = hmac.digest(one.secret, f"{name}.{time}.".encode() + body, "sha256")
    return {
        "content-type": "application/json",
        "user-agent": "unweave",
        "webhook-id": name,
        "webhook-timestamp": time,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode('ascii')}",
    }
