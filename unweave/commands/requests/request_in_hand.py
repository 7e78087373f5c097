"""`unweave request ...`: what is done to a request that waits."""

from pathlib import Path

import click

from unweave.options.ids_file import ids_into
from unweave.options.once import Once
from unweave.options.queue_commands import ALSO, BY, NOT_OFFERED, ONLY, REQUEST, show_queue
from unweave.options.shared import JSON, WAIT, WORKSPACE, project_of


@click.command()
@WORKSPACE
@REQUEST
@BY
@WAIT
@JSON
def cancel(workspace: Path, request_id: str, by: str | None, wait: int, as_json: bool) -> None:
    """Take a request back that does not run yet, and erase what it keeps."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.cancel(request_id, by=by)
    show_queue(answer, as_json, "changed")


@click.command()
@WORKSPACE
@REQUEST
@click.option("--reason", required=True, help="Why it may not run; kept like a request's reason.")
@click.option("--until", required=True, metavar="DATE", help="The last day of the hold.")
@BY
@WAIT
@JSON
def hold(
    workspace: Path,
    request_id: str,
    reason: str,
    until: str,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Keep a request from running, and anybody else from forgetting its ids: a legal hold."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.hold(request_id, reason=reason, until=until, by=by)
    show_queue(answer, as_json, "changed")


@click.command()
@WORKSPACE
@REQUEST
@BY
@WAIT
@JSON
def release(workspace: Path, request_id: str, by: str | None, wait: int, as_json: bool) -> None:
    """End a hold before its last day."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.release(request_id, by=by)
    show_queue(answer, as_json, "changed")


@click.command()
@WORKSPACE
@REQUEST
@click.option("--by", required=True, help="Who approves it: neither who asks nor who added it.")
@WAIT
@JSON
def approve(workspace: Path, request_id: str, by: str, wait: int, as_json: bool) -> None:
    """Approve a request that needs a second person, or take up a proposal."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.approve(request_id, by=by)
    show_queue(answer, as_json, "changed")


@click.command(cls=Once)
@WORKSPACE
@REQUEST
@ALSO
@ids_into("also")
@ONLY
@NOT_OFFERED
@BY
@WAIT
@JSON
def answer(
    workspace: Path,
    request_id: str,
    also: tuple[str, ...],
    only: bool,
    not_offered: bool,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Say which of the ids that look alike are meant too; said again, the last answer holds."""
    with project_of(workspace, progress=False, wait=wait) as project:
        told = project.requests.answer(
            request_id, also=also, only=only, not_offered=not_offered, by=by
        )
    show_queue(told, as_json, "changed")


@click.command(name="ask-more")
@WORKSPACE
@REQUEST
@click.option("--doubt", required=True, help="What is doubted; kept like a request's reason.")
@BY
@WAIT
@JSON
def ask_more(
    workspace: Path, request_id: str, doubt: str, by: str | None, wait: int, as_json: bool
) -> None:
    """Say that more was asked for today, to tell who the person is: the clock stands."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.ask_more(request_id, doubt=doubt, by=by)
    show_queue(answer, as_json, "changed")


@click.command(name="more-came")
@WORKSPACE
@REQUEST
@click.option("--on", metavar="DATE", help="The day on which it came.  [default: today]")
@BY
@WAIT
@JSON
def more_came(
    workspace: Path, request_id: str, on: str | None, by: str | None, wait: int, as_json: bool
) -> None:
    """Say that what was asked for has come: the clock goes on."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.more_came(request_id, on=on, by=by)
    show_queue(answer, as_json, "changed")


@click.command(name="not-identified")
@WORKSPACE
@REQUEST
@BY
@WAIT
@JSON
def not_identified(
    workspace: Path, request_id: str, by: str | None, wait: int, as_json: bool
) -> None:
    """Say that nobody can tell who the person is; `more-came` goes on if they say more."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.not_identified(request_id, by=by)
    show_queue(answer, as_json, "changed")


@click.command()
@WORKSPACE
@REQUEST
@click.option("--because", required=True, help="For what reason of the law: complexity, number.")
@BY
@WAIT
@JSON
def extend(
    workspace: Path, request_id: str, because: str, by: str | None, wait: int, as_json: bool
) -> None:
    """Take the longer time that the law allows; the person is to be told within the first."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.extend(request_id, because=because, by=by)
    show_queue(answer, as_json, "changed")


@click.command(name="ask-fee")
@WORKSPACE
@REQUEST
@click.option("--amount", required=True, help="The fee, as it is told: 20 EUR.")
@click.option("--reason", required=True, help="Why it is excessive; kept like a request's reason.")
@BY
@WAIT
@JSON
def ask_fee(
    workspace: Path,
    request_id: str,
    amount: str,
    reason: str,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Ask for a fee first, of a request that is manifestly unfounded or excessive."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.ask_fee(request_id, amount=amount, reason=reason, by=by)
    show_queue(answer, as_json, "changed")


@click.command(name="fee-agreed")
@WORKSPACE
@REQUEST
@BY
@WAIT
@JSON
def fee_agreed(workspace: Path, request_id: str, by: str | None, wait: int, as_json: bool) -> None:
    """Say that the person agreed to the fee; who takes the request back has it cancelled."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.fee_agreed(request_id, by=by)
    show_queue(answer, as_json, "changed")


IN_HAND = (
    cancel, hold, release, approve, answer, ask_more, more_came, not_identified, extend,
    ask_fee, fee_agreed,
)  # fmt: skip
