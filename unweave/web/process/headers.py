"""What every answer says to the browser, and what is turned away before anybody looks at it.

Pages have no script and no style but the desk's own file, so the policy allows neither a script nor
anything inline; the report of a deletion brings one style, which is named by its digest, and the
page of one that is under way, like that of the requests while anything runs, the desk's one script,
a file of its own, which asks the desk alone.
Nothing is kept by browser or proxy, nothing is framed, no address is passed on.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from unweave.web.accounts.too_often import Limit
from unweave.web.process.bindings import Binding
from unweave.web.process.problems import API, MEDIA, problem_bytes

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LARGEST = 16 << 20  # bytes of what is sent here, as the inbox has it
POLICY = (
    "default-src 'none'; style-src {style}; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
LIVE = "; script-src 'self'; connect-src 'self'"
ALWAYS = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ("x-frame-options", "DENY"),
)
YEAR = 31_536_000  # seconds


def policy(style: str | None = None, *, live: bool = False) -> str:
    """Return the content policy of a page; `style` is the one inline style that it has.

    A `live` page runs the desk's own script, which asks nobody but the desk.
    """
    told = POLICY.format(style="'self'" if style is None else f"'{digest_of(style)}'")
    return told + LIVE if live else told


def digest_of(text: str) -> str:
    """Return what a policy names an inline style by (CSP 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


class Gate:
    """The outermost layer: turns away what is for another, too large or too much; says headers."""

    def __init__(self, inner: Application, binding: Binding, pages: Limit) -> None:
        self._inner, self._binding, self._pages = inner, binding, pages

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        given = {name: value for name, value in scope["headers"]}
        refusal = self._refusal(scope, given)
        told = _telling(send, self._binding)
        if refusal is not None:
            await _refuse(told, *refusal, as_problem=scope["path"].startswith(API))
            return
        await self._inner(scope, _at_most(receive), told)

    def _refusal(
        self, scope: MutableMapping[str, Any], given: dict[bytes, bytes]
    ) -> tuple[int, str] | None:
        host = given.get(b"host", b"").decode("latin-1").lower()
        if host not in self._binding.hosts:
            return 421, "The desk does not answer to this name."
        length = given.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST:
            return 413, "What was sent is larger than 16 MiB."
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "The desk knows GET and POST."
        if not self._pages.allows(self._asker(scope, given)):
            return 429, "Too many pages were asked for within a minute: wait a little."
        return None

    def _asker(self, scope: MutableMapping[str, Any], given: dict[bytes, bytes]) -> str:
        """Return whose pages are counted: of a proxy's, those of whoever it asks for.

        That is the last address it was given by; those before it, anybody may have written.
        """
        asker: str = (scope.get("client") or ("", 0))[0]
        if self._binding.proxy:
            told = given.get(b"x-forwarded-for", b"").rpartition(b",")[2].strip()
            return told[:45].decode("latin-1") or asker
        return asker


class TooLarge(Exception):
    """More was sent than is taken."""


def _at_most(receive: Receive) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST:
            raise TooLarge
        return message

    return counted


def _telling(send: Send, binding: Binding) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message["headers"]}
            more = [*ALWAYS, ("content-security-policy", policy())]
            if binding.secure:
                more.append(("strict-transport-security", f"max-age={YEAR}"))
            message["headers"] = [
                *message["headers"],
                *(
                    (name.encode(), value.encode())
                    for name, value in more
                    if name.encode() not in known
                ),
            ]
        await send(message)

    return told


async def _refuse(send: Send, status: int, text: str, *, as_problem: bool) -> None:
    kind = MEDIA if as_problem else "text/plain; charset=utf-8"
    headers = [(b"content-type", kind.encode()), (b"connection", b"close")]
    headers += [(b"allow", b"GET, POST")] if status == 405 else []
    headers += [(b"retry-after", b"60")] if status == 429 else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = problem_bytes(status, text) if as_problem else text.encode()
    await send({"type": "http.response.body", "body": body})
