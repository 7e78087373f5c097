"""What `forget` and its plan are asked, checked: the options of a command as one value."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from lineage_store.errors import BadInput
from lineage_store.keys import canonical_id
from lineage_store.requests import date_of

if TYPE_CHECKING:
    from pipelines.runs import ForgetRequest
    from unlearning.planning import WantedResult

DERIVED_DAYS = 30


def derived_until(today: str) -> str:
    """Return the day to which an approximate result may keep what it was derived from."""
    return (date.fromisoformat(today) + timedelta(days=DERIVED_DAYS)).isoformat()


def unique_ids(ids: Sequence[str]) -> tuple[str, ...]:
    """Return the ids without repetitions, as they are first spelled.

    Raises BadInput without any, or with an empty one.
    """
    if not ids or any(not one.strip() for one in ids):
        raise BadInput("Name at least one subject, and none that is empty.")
    must_be_text(ids)
    first: dict[str, str] = {}
    for one in ids:
        first.setdefault(canonical_id(one), one)
    return tuple(first.values())


def must_be_text(values: Iterable[str | None]) -> None:
    """Raise BadInput for a value that is no Unicode text: bytes of an argument that are not UTF-8.

    The value is not said: it may be an id.
    """
    for value in values:
        try:
            (value or "").encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadInput("What was named is not text in UTF-8: check its spelling.") from error


def asked_of(
    guarantee: str | None,
    strategy: str | None,
    *,
    repair: int = 0,
    accept_bridged: bool = False,
    within: float | None = None,
    space: int | None = None,
) -> "WantedResult":
    """Return what is asked of the result; raises BadInput for names or limits that do not fit."""
    from unlearning.planning import Limits, WantedResult

    for name, value in (("`within`", within), ("`space`", space)):
        if value is not None and not value > 0:
            raise BadInput(f"{name} is {value}: it must be more than 0.")
    limits = Limits(within, space)
    asked = WantedResult(guarantee, strategy, repair, limits, accept_bridged)  # type: ignore[arg-type]
    asked.chosen()  # checks the names
    return asked


def forget_request(
    ids: Sequence[str],
    *,
    rows: bool,
    asked: "WantedResult",
    reason: str | None = None,
    replay: bool = False,
    exact_by: str | None = None,
    accept_left_out: bool = False,
    today: str,
) -> "ForgetRequest":
    """Return who is to be forgotten, and how; raises BadInput for ids or a date that do not fit."""
    from pipelines.runs import ForgetRequest

    unique = unique_ids(ids)
    if exact_by is not None:
        exact_by = date_of(exact_by, "The day of `exact_by`")
        if asked.chosen().claim.settles:
            raise BadInput("`exact_by` goes with `guarantee` approximate: the result is exact.")
        if exact_by < today:
            raise BadInput("The day of `exact_by` has passed: name one that is to come.")
    until = exact_by or derived_until(today)
    return ForgetRequest(
        unique,
        rows,
        asked,
        reason,
        replay,
        until,
        exact_by,
        accept_left_out=accept_left_out,
    )
