"""`unweave request` and `unweave run-requests`: the queue of requests, and running what is due."""

import sys
from pathlib import Path

import click

from lineage_store.rights import RIGHTS
from unweave.commands.requests.elsewhere_command import elsewhere
from unweave.commands.requests.own_link_command import link
from unweave.commands.requests.request_answers import ANSWERING
from unweave.commands.requests.request_in_hand import IN_HAND
from unweave.commands.requests.request_rights import OF_RIGHTS
from unweave.options.completing import DELETIONS, of
from unweave.options.ids_file import ids_into
from unweave.options.once import Commands, Once
from unweave.options.queue_commands import (
    ALSO,
    NOT_OFFERED,
    ONLY,
    REQUEST,
    add_spellings,
    show_queue,
)
from unweave.options.shared import (
    AS_TASKS,
    BEAM_ARGS,
    JSON,
    REVEAL,
    WAIT,
    WORKERS,
    WORKSPACE,
    project_of,
)
from unweave.options.shared import show as show_answer
from unweave.text.printed import say, say_json


@click.group(cls=Commands)
def request() -> None:
    """Queue what people ask, and say what became of it."""


for _command in (*IN_HAND, *ANSWERING, *OF_RIGHTS, link, elsewhere):
    request.add_command(_command)


@request.command()
@WORKSPACE
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@ids_into("subjects")
@click.option("--rows", is_flag=True, help="The arguments are row ids, not subjects.")
@click.option(
    "--right",
    type=click.Choice(RIGHTS),
    default="erasure",
    show_default=True,
    help="What is asked.",
)
@click.option("--ground", metavar="ARTICLE", help="On what ground: 17(1)(b), say, or 18(1)(a).")
@click.option(
    "--keep-rows",
    is_flag=True,
    help="Of a restriction: the next run takes the rows out of the models, and keeps them sealed.",
)
@click.option(
    "--came-by",
    metavar="WAY",
    help="How it came, and its answer goes: post, e-mail, telephone, web, in person; or else.",
)
@click.option("--reason", help="Why; free text, sealed in the queue and erased at the end.")
@click.option("--legal-basis", help="On what legal basis; kept like the reason.")
@click.option("--deadline", metavar="DATE", help="By when it must be done.  [default: by the law]")
@click.option(
    "--received",
    metavar="DATE",
    help="When it came in; the law counts from there.  [default: today]",
)
@click.option("--long-ago", is_flag=True, help="It did come in more than a year ago.")
@click.option("--requester", help="Who asks; kept like the reason.")
@click.option("--verified-by", help="Who verified the requester's identity; kept like the reason.")
@click.option("--verified-how", help="How that was done; kept like the reason.")
@click.option(
    "--guarantee",
    type=click.Choice(["exact", "certified", "approximate"]),
    help="What the result must be; exact if nothing is said.",
)
@click.option(
    "--strategy",
    help="How to forget, by the name of a strategy: see docs/planning.md.",
)
@click.option(
    "--exact-by", metavar="DATE", help="Approximate first, and exact in its place by this day."
)
@click.option(
    "--source", type=click.Path(path_type=Path), help="Look for ids that look alike in this file."
)
@click.option("--column", help="The column of that file that names subjects.")
@ALSO
@ONLY
@NOT_OFFERED
@click.option(
    "--proposal", "proposed", is_flag=True, help="Only propose it: it waits until it is approved."
)
@click.option("--by", help="Who adds it.  [default: the user of this process]")
@WAIT
@JSON
def add(
    workspace: Path,
    subjects: tuple[str, ...],
    rows: bool,
    right: str,
    ground: str | None,
    keep_rows: bool,
    came_by: str | None,
    reason: str | None,
    legal_basis: str | None,
    deadline: str | None,
    received: str | None,
    long_ago: bool,
    requester: str | None,
    verified_by: str | None,
    verified_how: str | None,
    guarantee: str | None,
    strategy: str | None,
    exact_by: str | None,
    source: Path | None,
    column: str | None,
    also: tuple[str, ...],
    only: bool,
    not_offered: bool,
    proposed: bool,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Put a request into the queue; nothing is deleted yet."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.add(
            subjects,
            rows=rows,
            right=right,
            ground=ground,
            keep_rows=keep_rows,
            came_by=came_by,
            reason=reason,
            legal_basis=legal_basis,
            deadline=deadline,
            received=received,
            long_ago=long_ago,
            requester=requester,
            verified_by=verified_by,
            verified_how=verified_how,
            guarantee=guarantee,
            strategy=strategy,
            exact_by=exact_by,
            source=source,
            column=column,
            also=also,
            only=only,
            not_offered=not_offered,
            proposed=proposed,
            by=by,
        )
        add_spellings(project, answer, as_json)
    show_queue(answer, as_json, "added")


@request.command(name="list")
@WORKSPACE
@click.option("--all", "ended", is_flag=True, help="Also those that have ended.")
@JSON
def list_(workspace: Path, ended: bool, as_json: bool) -> None:
    """List the requests that have not ended, without ids and names."""
    with project_of(workspace, progress=False) as project:
        answer = project.requests.list(ended=ended)
    show_queue(answer, as_json, "listed")


@request.command()
@WORKSPACE
@REQUEST
@JSON
def show(workspace: Path, request_id: str, as_json: bool) -> None:
    """Show a request with the ids and names that it keeps until it ends."""
    with project_of(workspace, progress=False) as project:
        answer = project.requests.show(request_id)
        add_spellings(project, answer, as_json)
    show_queue(answer, as_json, "shown")


@request.command()
@WORKSPACE
@click.argument("deletion", shell_complete=of(DELETIONS))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The file to write (mode 600)."
)
@click.option("--number", type=int, metavar="N", help="Whose, of several ids, in their order.")
@WAIT
@JSON
def receipt(
    workspace: Path, deletion: str, out: Path, number: int | None, wait: int, as_json: bool
) -> None:
    """Hand out the receipt of a finished deletion (r1), once, for whoever was forgotten.

    With it they can open the commitments of their certificate. It is kept for 90 days.
    """
    from unweave.api.project import Project

    answer = Project(workspace, wait=wait).receipt(deletion, out=out, number=number)
    if as_json:
        say_json(answer)
        return
    say(f"The receipt {answer['receipt']} is in {answer['out']}, and nowhere else.")


@request.command()
@WORKSPACE
@click.argument("folder", type=click.Path(path_type=Path))
@WAIT
@JSON
def inbox(workspace: Path, folder: Path, wait: int, as_json: bool) -> None:
    """Take in the CSV and JSON files of a folder that the policy accepts, and remove those.

    What is refused stays where it is, and the exit status is 1.
    """
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.inbox(folder)
    show_queue(answer, as_json, "taken_in")
    if answer["refused"]:
        sys.exit(1)


@request.command()
@WORKSPACE
@click.option("--approve-above", type=int, metavar="N", help="More ids than that need a second.")
@click.option(
    "--register-retention",
    type=int,
    metavar="YEARS",
    help="How long what is over stays in the register.  [default: 3]",
)
@click.option(
    "--approve-above-user",
    type=int,
    metavar="N",
    help="Nor may one user of the machine add more in a day without, under whatever names.",
)
@click.option("--no-approval", is_flag=True, help="No request needs a second person.")
@click.option("--deadline-days", type=int, metavar="N", help="Sooner than the law wants it.")
@click.option("--regime", help="The law to count by: gdpr, uk-gdpr, ccpa, or one of --regimes.")
@click.option(
    "--regimes", type=click.Path(path_type=Path), help="A file with rules of further laws."
)
@click.option(
    "--holidays", type=click.Path(path_type=Path), help="A file with the holidays of the state."
)
@click.option("--accept-owner", multiple=True, metavar="USER", help="Accept this user's files.")
@click.option(
    "--accept-key",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Accept files signed with this Ed25519 public key (PEM).",
)
@click.option("--as-proposals", is_flag=True, help="Those named here only propose: a detector.")
@click.option("--accept-nobody", is_flag=True, help="Accept nobody but those named here.")
@click.option(
    "--detectors",
    type=click.Choice(["propose", "run"]),
    help="What `detect --queue` files: proposals, or requests that run.",
)
@JSON
def policy(
    workspace: Path,
    approve_above: int | None,
    approve_above_user: int | None,
    register_retention: int | None,
    no_approval: bool,
    deadline_days: int | None,
    regime: str | None,
    regimes: Path | None,
    holidays: Path | None,
    accept_owner: tuple[str, ...],
    accept_key: tuple[Path, ...],
    as_proposals: bool,
    accept_nobody: bool,
    detectors: str | None,
    as_json: bool,
) -> None:
    """Show the workspace's rules for requests, or change them."""
    from unweave.options.policy import changed_policy

    with project_of(workspace, progress=False) as project:
        before = project.requests.policy
        rules = changed_policy(
            before,
            approve_above=approve_above,
            approve_above_user=approve_above_user,
            register_years=register_retention,
            no_approval=no_approval,
            deadline_days=deadline_days,
            regime=regime,
            owners=accept_owner,
            key_files=accept_key,
            proposes=as_proposals,
            accept_nobody=accept_nobody,
            detectors=detectors,
        )
        if rules != before or regimes is not None or holidays is not None:
            project.requests.set_policy(rules, regimes=regimes, holidays=holidays)
    show_queue(rules.to_json(), as_json, "policy")


@click.command(name="run-requests", cls=Once)
@WORKSPACE
@click.option("--due", metavar="DATE", help="Run what is due by this day.  [default: all]")
@click.option("--dry-run", is_flag=True, help="Print the plans and change nothing.")
@click.option(
    "--accept-left-out",
    is_flag=True,
    help="Go on where a module or rows of others have an id too: unweave's own files are then not "
    "searched for it.",
)
@AS_TASKS
@WORKERS
@BEAM_ARGS
@WAIT
@REVEAL
@JSON
def run_requests(
    workspace: Path,
    due: str | None,
    dry_run: bool,
    accept_left_out: bool,
    as_tasks: bool,
    workers: int | None,
    beam_args: str | None,
    wait: int,
    reveal: bool,
    as_json: bool,
) -> None:
    """Run the requests that are due, all of one strategy in one deletion run.

    If one of them is due, all that wait for the same strategy go along. Requests that are held, or
    wait for an approval or an answer, are left out.
    """
    with project_of(
        workspace,
        workers=workers,
        beam_args=beam_args,
        wait=wait,
        reveal=reveal,
        as_tasks=as_tasks,
    ) as project:
        answer = project.requests.run(due=due, dry_run=dry_run, accept_left_out=accept_left_out)
    if "run" in answer:
        show_answer(answer, as_json, "opened")
        return
    show_queue(answer, as_json, "planned" if dry_run else "ran")
    if not dry_run and answer["exit_status"]:
        sys.exit(answer["exit_status"])
