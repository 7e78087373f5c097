"""A call of the API: by whom, of what, with which body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from unweave.web.accounts.users import User
from unweave.web.process.desk import Desk

Answer = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call, whose fields are as the table of operations has them; `user` is None of anybody."""

    user: User | None
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def who(self) -> User:
        """Whose token it is; the matrix let them in."""
        assert self.user is not None
        return self.user

    @property
    def request(self) -> str:
        """The request that the path names."""
        return self.path["request"]

    @property
    def limit(self) -> int:
        """How many lines of a list are asked for."""
        return int(self.query["limit"])


Handler = Callable[[Desk, Call], Answer | Response]
