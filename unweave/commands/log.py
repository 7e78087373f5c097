"""`unweave log`: the event log, its signed heads, and proofs that can be checked offline."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lineage_store.counted import counted
from unweave.options.once import Commands
from unweave.options.queue_commands import BY
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json

RIGHT = {
    None: "say which was right with --right",
    "before": "the first was right, as somebody said",
    "after": "the second was right, as somebody said",
}
DIGEST = 64  # hexadecimal digits of a SHA-256

OUT = click.option("--out", type=click.Path(path_type=Path), help="Write it to this file.")
PUBLIC_KEY = click.option(
    "--public-key", type=click.Path(path_type=Path), help="The signer's public key."
)


@click.group(cls=Commands)
def log() -> None:
    """Show the event log, prove what is in it, and check it."""


@log.command()
@WORKSPACE
@OUT
@JSON
def head(workspace: Path, out: Path | None, as_json: bool) -> None:
    """Show the signed head: how many events there are, and the root over them."""
    from lineage_store.workspace import open_workspace
    from unweave.api.event_log import log_head

    answer = log_head(open_workspace(workspace), out=out)
    _print(answer, as_json, [f"{counted(answer['size'], 'event')}, root {answer['root']}",
                             *answer["checkpoint"].rstrip().split("\n")])  # fmt: skip


@log.command()
@WORKSPACE
@click.option("--kind", help="Only events of this kind.")
@click.option("--since", "day", metavar="DATE", help="Only events from this day on.")
@click.option("--request", "of", metavar="ID", help="Only those of this request or deletion.")
@click.option("--csv", "as_csv", is_flag=True, help="Print them as CSV, whole.")
@JSON
def show(
    workspace: Path,
    kind: str | None,
    day: str | None,
    of: str | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List the events, numbered; with --csv or --json, whole as they are stored."""
    from lineage_store.workspace import open_workspace
    from unweave.api.event_log import log_events

    answer = log_events(open_workspace(workspace), kind=kind, since=day, request=of)
    found = answer["events"]
    if as_csv and not as_json:
        from unweave.exports.tables import EVENTS, csv_lines, event_row

        for line in csv_lines(EVENTS, (event_row(**one) for one in found)):
            say(line)
        return
    wide = max((len(one["kind"]) for one in found), default=0)
    lines = [
        f"{one['seq']:>4}  {one['time'][:19]}  {one['kind']:<{wide}}  {_told(one['body'])}"
        for one in found
    ]
    _print(answer, as_json, lines or ["There is no such event."])


@log.command()
@WORKSPACE
@click.option("--event", type=int, help="Prove that this event is in the log.")
@click.option(
    "--from",
    "since",
    type=click.Path(path_type=Path),
    help="Prove that nothing of this older head's log was changed.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Write the proof to this file."
)
@JSON
def prove(workspace: Path, event: int | None, since: Path | None, out: Path, as_json: bool) -> None:
    """Write a proof about the log, to be checked offline with `unweave log check --proof`."""
    from lineage_store.workspace import open_workspace
    from unweave.api.event_log import log_prove

    answer = log_prove(open_workspace(workspace), event=event, since=since, out=out)
    _print(answer, as_json, [f"{_sentence(answer)} The proof is in {answer['out']}."])


@log.command()
@WORKSPACE
@click.option(
    "--head",
    "held",
    type=click.Path(path_type=Path),
    help="A head that you kept: the log must still begin with it.",
)
@click.option("--proof", type=click.Path(path_type=Path), help="Check this proof instead, offline.")
@PUBLIC_KEY
@JSON
def check(
    workspace: Path, held: Path | None, proof: Path | None, public_key: Path | None, as_json: bool
) -> None:
    """Check the log against its events, its signed head and a head that you kept; or a proof."""
    from lineage_store.workspace import open_workspace
    from unweave.api.event_log import check_proof_file, log_check

    if proof is not None:
        if public_key is None or held is not None:
            raise click.UsageError("--proof goes with --public-key, and without --head.")
        answer = check_proof_file(proof, public_key=public_key)
        _print(answer, as_json, [_sentence(answer)])
        return
    answer = log_check(open_workspace(workspace), head=held, public_key=public_key)
    lines = [
        f"{counted(answer['size'], 'event')}, each as it was written; the log continues its "
        f"signed head of "
        f"{answer['signed_size']:,}",
    ]
    if answer["held_size"] is None:
        lines.append(
            "Without a head that you kept yourself, this shows no more than that the log agrees "
            "with itself."
        )
    else:
        lines.append(f"and the head that you kept, of {answer['held_size']:,}.")
    _print(answer, as_json, lines)


@log.command()
@WORKSPACE
@click.option(
    "--right",
    type=click.Choice(["before", "after"]),
    help="Say which of the two times was right: that of before it went back, or that of after.",
)
@click.option("--event", type=int, help="Of the jump at this event, if there are several.")
@BY
@JSON
def clock(
    workspace: Path, right: str | None, event: int | None, by: str | None, as_json: bool
) -> None:
    """List where the log's times go back, and say which side was right.

    What is said is an event, with both times and who says it. Nothing waits for it.
    """
    from lineage_store.clock import machine_time, time_text
    from lineage_store.workspace import open_workspace
    from unweave.api.event_log import log_clock

    answer = log_clock(
        open_workspace(workspace),
        right=right,
        event=event,
        by=by,
        now=lambda: time_text(machine_time()),
    )
    lines = [f"{one['told']}: {RIGHT[one['right']]}." for one in answer["jumps"]]
    _print(answer, as_json, lines or ["The log's times never go back."])


def _told(body: dict[str, Any]) -> str:
    """Say an event's body on one line: what is empty is left out, and digests are cut."""
    return ", ".join(
        f"{name} {_short(value)}" for name, value in body.items() if value not in (None, "", {}, [])
    )


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} -> {_short(one)}" for name, one in value.items())
    text = str(value)
    return text[:12] if len(text) == DIGEST and text.isalnum() else text


def _sentence(answer: dict[str, Any]) -> str:
    if answer["event"] is not None:
        event = answer["event"]
        return (
            f"Event {event['seq']} ({event['kind']}, {event['time']}) is in the log of "
            f"{counted(answer['size'], 'event')}."
        )
    return (
        f"The log of {counted(answer['size'], 'event')} begins with that of "
        f"{answer['earlier_size']:,}, "
        f"unchanged."
    )


def _print(answer: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    if as_json:
        say_json(answer)
        return
    for line in lines:
        say(line)
