"""The second factor: codes of six digits that an app shows, each good for half a minute, once.

RFC 6238 (TOTP) over RFC 4226 (HOTP), with SHA-1 as all apps have it. A code of the step before or
after is taken, too, since clocks differ; none is taken twice, and none older than the last.
"""

import base64
import hmac
from urllib.parse import quote

STEP = 30  # seconds
DIGITS = 6
AROUND = 1  # steps before and after
SECRET_BYTES = 20


def code_at(secret: bytes, counter: int) -> str:
    """Return the code of a step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, counter.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(code: str, secret: bytes, *, seconds: float, last: int) -> int | None:
    """Return the step that a code is of, later than the `last` one taken; None for a wrong one."""
    now, found = int(seconds) // STEP, None
    for counter in range(now - AROUND, now + AROUND + 1):
        right = hmac.compare_digest(code_at(secret, counter).encode(), code.strip().encode("utf-8"))
        if right and counter > last:
            found = counter
    return found


def shown(secret: bytes) -> str:
    """Return a secret as it is typed into an app: base 32, in groups of four."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(secret: bytes, *, name: str) -> str:
    """Return the address that an app reads from a picture (otpauth)."""
    key = base64.b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/unweave:{quote(name)}?secret={key}&issuer=unweave"
