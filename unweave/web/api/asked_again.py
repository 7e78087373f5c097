"""The same call once more is not done once more: it is answered as the first time.

Whoever lost an answer asks again with the same `Idempotency-Key`. With another body, or of
something else, that is refused. What failed and changed nothing may be asked again by the same key.
After the desk was started anew it is not known which body a key had; then the first answer is told
within a refusal, since it may have been to something else.
"""

import json
from collections.abc import Callable

from starlette.responses import Response

from lineage_store.errors import UnweaveError
from unweave.web.accounts.asked_once import Earlier, digest_of_key
from unweave.web.accounts.users import User
from unweave.web.api.calls import Answer
from unweave.web.process.clerk import ClerkFailed
from unweave.web.process.desk import Desk
from unweave.web.process.problems import problem

AGAIN = {"idempotency-replayed": "true"}
TOLD_ONCE = ("secret", "link")  # are kept nowhere, so not here either
UNKNOWN = (
    "What came of the call that had this key first is not known: look at what it was about, and "
    "use a new key to do it again."
)


def once(
    desk: Desk,
    user: User,
    key: str,
    *,
    route: str,
    status: int,
    body: bytes,
    do: Callable[[], Answer],
) -> Response:
    """Do a call once, by its key, and return the answer."""
    digest = digest_of_key(key, user=user.digest)
    with desk.accounts() as accounts:
        earlier = accounts.asked_once.begin(digest, route, now=desk.seconds)
        if earlier is None:
            desk.bodies.remember(digest, body)
    if earlier is not None:
        return _again(earlier, route, desk.bodies.is_same(digest, body))
    try:
        answer = do()
    except ClerkFailed:
        raise  # it may be done, and by this key it is not done again
    except UnweaveError:
        with desk.accounts() as accounts:
            accounts.asked_once.forget(digest)
        raise
    kept = answer | {name: None for name in TOLD_ONCE if name in answer}
    with desk.accounts() as accounts:
        accounts.asked_once.ended(digest, status, kept, random_bytes=desk.random_bytes)
    return as_json(answer, status)


def as_json(answer: Answer, status: int) -> Response:
    """Return an answer as it is sent."""
    return Response(json.dumps(answer), status_code=status, media_type="application/json")


def _again(earlier: Earlier, route: str, same: bool | None) -> Response:
    if earlier.route != route or same is False:
        return problem(422, "This key was used for something else: draw a new one.")
    if earlier.status is None or earlier.answer is None:
        if same:
            return problem(409, "The call that had this key first has not ended, or failed midway.")
        return problem(409, UNKNOWN)
    if same is None:
        why = "This key was used before the desk was started anew: `first` is what came of it."
        return problem(409, why, more={"first": earlier.answer})
    response = as_json(earlier.answer, earlier.status)
    response.headers.update(AGAIN)
    return response
