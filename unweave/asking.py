"""From the options of `forget` to the request that pipelines take, checked before anything runs."""

from collections.abc import Sequence
from datetime import date, timedelta

from lineage_store.errors import BadInput
from pipelines.found_rows import ForgetRequest
from unlearning.choice import Asked
from unlearning.estimates import Limits

DERIVED_DAYS = 30


def asked_of(
    guarantee: str | None, strategy: str | None, *, within: float | None, space: int | None
) -> Asked:
    """Return what is asked of a result; raises BadInput for what there is not."""
    for name, value in (("--within", within), ("--space", space)):
        if value is not None and not value > 0:
            raise BadInput(f"{name} is {value}: it must be more than 0.")
    asked = Asked(guarantee, strategy, Limits(within, space))  # type: ignore[arg-type]  # by chosen()
    asked.chosen()
    return asked


def forget_request(
    ids: Sequence[str],
    rows: bool,
    asked: Asked,
    *,
    today: date,
    reason: str | None = None,
    replay: bool = False,
) -> ForgetRequest:
    """Return the request to forget subjects, or rows; raises BadInput without ids."""
    if not ids or any(not one for one in ids):
        raise BadInput("Name at least one subject, and none that is empty.")
    until = (today + timedelta(days=DERIVED_DAYS)).isoformat()
    return ForgetRequest(tuple(dict.fromkeys(ids)), rows, asked, reason, replay, until)
