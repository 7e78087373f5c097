"""`unweave request letter`, `answer-pack`, `refuse`; `unweave describe`: what people are told."""

import sys
from pathlib import Path

import click

from lineage_store.rights import EVERY_REFUSAL
from unweave.letters.kinds import LANGUAGES
from unweave.options.completing import DELETIONS, of
from unweave.options.once import Once
from unweave.options.queue_commands import BY, REQUEST, show_queue
from unweave.options.shared import JSON, WAIT, WORKSPACE, project_of

OUT = click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="A new folder for what is sent."
)
TO = click.option("--to", metavar="NAME", help="Whom it is addressed to.  [default: who asked]")
RECIPIENTS = click.option(
    "--recipients", is_flag=True, help="Name whom it is told to: the person asked (Article 19)."
)
LANGUAGE = click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)


@click.command()
@WORKSPACE
@REQUEST
@OUT
@TO
@LANGUAGE
@RECIPIENTS
@WAIT
@JSON
def letter(
    workspace: Path,
    request_id: str,
    out: Path,
    to: str | None,
    language: str,
    recipients: bool,
    wait: int,
    as_json: bool,
) -> None:
    """Write the letter that a request is due in its state, as text, page and PDF."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.letter(
            request_id, out=out, to=to, language=language, recipients=recipients
        )
    show_queue(answer, as_json, "written")


@click.command(name="answer-pack")
@WORKSPACE
@REQUEST
@OUT
@TO
@LANGUAGE
@RECIPIENTS
@click.option(
    "--provided",
    multiple=True,
    metavar="COLUMN",
    help="What the person provided, of portability; again for more.  [default: all but labels]",
)
@BY
@WAIT
@JSON
def answer_pack(
    workspace: Path,
    request_id: str,
    out: Path,
    to: str | None,
    language: str,
    recipients: bool,
    provided: tuple[str, ...],
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """Write what is sent when a request is over: letter, own certificate and receipt, a check page.

    A receipt is handed out once: asked again, the pack comes without it and says when that was. A
    request for access or portability is answered by its pack, with the person's data, and ends.
    """
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.answer_pack(
            request_id,
            out=out,
            to=to,
            language=language,
            recipients=recipients,
            provided=provided,
            by=by,
        )
    show_queue(answer, as_json, "written")


@click.command()
@WORKSPACE
@REQUEST
@click.option(
    "--ground", required=True, type=click.Choice(EVERY_REFUSAL), help="The Article for it."
)
@click.option("--reason", required=True, help="Why: it stands in the letter, and nowhere else.")
@OUT
@TO
@LANGUAGE
@BY
@WAIT
@JSON
def refuse(
    workspace: Path,
    request_id: str,
    ground: str,
    reason: str,
    out: Path,
    to: str | None,
    language: str,
    by: str | None,
    wait: int,
    as_json: bool,
) -> None:
    """End a request that is not done, and write the letter that says why."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.refuse(
            request_id, ground=ground, reason=reason, out=out, to=to, language=language, by=by
        )
    show_queue(answer, as_json, "written")


@click.command()
@WORKSPACE
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The .ics file (mode 600)."
)
@JSON
def calendar(workspace: Path, out: Path, as_json: bool) -> None:
    """Write the days on which open requests are due, for calendars to subscribe to; no names."""
    with project_of(workspace, progress=False) as project:
        answer = project.requests.calendar(out)
    show_queue(answer, as_json, "in_calendar")


@click.command(cls=Once)
@WORKSPACE
@click.argument("deletions", nargs=-1, metavar="[DELETION...]", shell_complete=of(DELETIONS))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The .zip file (mode 600)."
)
@click.option("--draw", type=int, metavar="N", help="Draw so many finished deletions at random.")
@click.option(
    "--seed", type=int, help="Draw by this seed.  [default: one that is drawn and logged]"
)
@click.option("--model", metavar="MODEL", help="Of all that took something from its versions.")
@click.option("--since", metavar="DATE", help="Of all that ended on this day or later.")
@click.option("--until", metavar="DATE", help="Of all that ended on this day or before.")
@BY
@JSON
def evidence(
    workspace: Path,
    deletions: tuple[str, ...],
    out: Path,
    draw: int | None,
    seed: int | None,
    model: str | None,
    since: str | None,
    until: str | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Write the evidence of deletions to one file for an auditor: proofs, checks, an audit of now.

    It names nobody, and is checked without the workspace; its README says how.
    """
    with project_of(workspace, progress=False) as project:
        answer = project.requests.evidence(
            deletions,
            out=out,
            draw=draw,
            seed=seed,
            by=by,
            model=model,
            since=since,
            until=until,
        )
    show_queue(answer, as_json, "evidence")
    if not answer["ok"]:
        sys.exit(1)


@click.command()
@WORKSPACE
@REQUEST
@click.option("--out", type=click.Path(path_type=Path), help="A new folder to write them to.")
@JSON
def letters(workspace: Path, request_id: str, out: Path | None, as_json: bool) -> None:
    """List the letters and files that are kept of a request, sealed, and until when."""
    with project_of(workspace, progress=False) as project:
        answer = project.requests.letters(request_id, out=out)
    show_queue(answer, as_json, "letters")


@click.command()
@WORKSPACE
@REQUEST
@click.option("--letter", type=int, metavar="NUMBER", help="Which.  [default: the newest]")
@click.option("--on", metavar="DATE", help="The day.  [default: today]")
@WAIT
@JSON
def sent(
    workspace: Path, request_id: str, letter: int | None, on: str | None, wait: int, as_json: bool
) -> None:
    """Say that a letter was sent: 30 days later what is kept of it is erased."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.sent(request_id, letter=letter, on=on)
    show_queue(answer, as_json, "letters")


@click.command()
@WORKSPACE
@REQUEST
@click.argument("file", type=click.Path(path_type=Path))
@WAIT
@JSON
def attach(workspace: Path, request_id: str, file: Path, wait: int, as_json: bool) -> None:
    """Seal a file that came with a request, until that ends; no proof of identity."""
    with project_of(workspace, progress=False, wait=wait) as project:
        answer = project.requests.attach(request_id, file)
    show_queue(answer, as_json, "letters")


ANSWERING = (letter, answer_pack, refuse, calendar, letters, sent, attach)
