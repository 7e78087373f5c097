"""Tokens of programs are made and ended at the desk, as `unweave user token` does it."""

from typing import Any

from lineage_store.log import TokenEnded, TokenMade
from unweave.web.accounts.tokens import token_told
from unweave.web.accounts.users import Role, User
from unweave.web.process.desk import Desk

Answer = dict[str, Any]


def make_token(desk: Desk, user: User, name: str, role: Role, *, until: str) -> Answer:
    """Make a token of a program, and return it with its text, which is kept nowhere."""
    with desk.accounts() as accounts:
        made, text = accounts.tokens.make(
            name, role, until=until, today=desk.today, random_bytes=desk.random_bytes
        )
        # Before it is kept: a token that nobody knows of there is not.
        desk.log_of(
            [made.user.name, user.name],
            lambda of: TokenMade(made.number, of[0], role, made.until, of[1]),
        )
    return token_told(made) | {"secret": text}


def end_token(desk: Desk, user: User, number: str) -> Answer:
    """End a token at once."""
    with desk.accounts() as accounts:
        ended = accounts.tokens.end(number, today=desk.today)
        desk.log_of([ended.user.name, user.name], lambda of: TokenEnded(ended.number, of[0], of[1]))
    return token_told(ended) | {"ended": True}


def tokens_there(desk: Desk) -> Answer:
    """List the tokens that have not ended."""
    with desk.accounts() as accounts:
        return {"tokens": [token_told(one) for one in accounts.tokens.every(today=desk.today)]}
