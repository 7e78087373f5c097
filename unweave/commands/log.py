"""`unweave log`: the event log, its signed heads, and proofs that can be checked offline."""

import json
from pathlib import Path
from typing import Any

import click

from unweave.options.once import Commands
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json

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
    _print(answer, as_json, [f"{answer['size']:,} events, root {answer['root']}",
                             *answer["checkpoint"].rstrip().split("\n")])  # fmt: skip


@log.command()
@WORKSPACE
@click.option("--kind", help="Only events of this kind.")
@JSON
def show(workspace: Path, kind: str | None, as_json: bool) -> None:
    """List the events, numbered, as they are stored."""
    from lineage_store.workspace import open_workspace
    from unweave.api.event_log import log_events

    answer = log_events(open_workspace(workspace), kind=kind)
    lines = [f"{e['seq']:>4}  {e['time']}  {e['kind']:<14} {_body(e)}" for e in answer["events"]]
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
        f"{answer['size']:,} events, each as it was written; the log continues its signed head of "
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


def _body(event: dict[str, Any]) -> str:
    return json.dumps(event["body"], sort_keys=True, ensure_ascii=False)


def _sentence(answer: dict[str, Any]) -> str:
    if answer["event"] is not None:
        event = answer["event"]
        return (
            f"Event {event['seq']} ({event['kind']}, {event['time']}) is in the log of "
            f"{answer['size']:,} events."
        )
    return (
        f"The log of {answer['size']:,} events begins with that of {answer['earlier_size']:,}, "
        f"unchanged."
    )


def _print(answer: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    if as_json:
        say_json(answer)
        return
    for line in lines:
        say(line)
