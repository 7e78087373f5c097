"""The command line: a thin adapter over `project`; the same answers, as text or as JSON.

Exit status: 0 done; 1 a check failed; 2 wrong use or bad input; 3 nothing found; 4 what nobody
foresaw; 75 the workspace is in use. With `--json` one object stands on standard output, errors
included; progress and warnings go to standard error.
"""

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from lineage_store.errors import SpelledOtherwise, UnweaveError
from lineage_store.ledger import FIRST_FAMILY
from unweave.commands.audit import audit
from unweave.commands.completion import completion
from unweave.commands.cost import cost
from unweave.commands.detect import detect
from unweave.commands.doctor import doctor
from unweave.commands.documents import export, report
from unweave.commands.evaluate import evaluate
from unweave.commands.forget import forget
from unweave.commands.graph import graph
from unweave.commands.log import log
from unweave.commands.names import name, retire, rollback
from unweave.commands.predict import predict
from unweave.commands.readmit import readmit
from unweave.commands.requests.describe import describe
from unweave.commands.requests.mail_commands import mail
from unweave.commands.requests.recipient import recipient
from unweave.commands.requests.request import request, run_requests
from unweave.commands.requests.request_answers import evidence
from unweave.commands.requests.serve import DEFAULT as DESK
from unweave.commands.requests.serve import serve
from unweave.commands.requests.serving import serving
from unweave.commands.requests.token_commands import user
from unweave.commands.requests.webhook_commands import webhook
from unweave.commands.train import component, train
from unweave.options.ids_file import ids_into
from unweave.options.once import Commands
from unweave.options.shared import (
    JSON,
    REVEAL,
    WORKSPACE,
    asked_for,
    flags_for,
    must_be_utf8,
    project_of,
    show,
    spelled_for_a_terminal,
    workspace_of,
)
from unweave.session.unforeseen import sentence, write_details
from unweave.session.version import installed_version
from unweave.text.flags import in_flags
from unweave.text.printed import say, say_json

UNFORESEEN = 4


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    if (wrong := must_be_utf8(sys.argv[1:])) is not None:
        _fail(wrong, 2)
    try:
        commands.main(args=sys.argv[1:] or ["--help"], prog_name="unweave", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:  # a group that was asked for nothing
        assert error.ctx is not None
        for line in error.ctx.get_help().splitlines():
            say(line)
    except click.exceptions.Abort:
        _fail("interrupted; run the same command again", 2)
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), 2)
    except UnweaveError as error:
        flags = flags_for(asked_for(sys.argv[1:], commands), commands)
        others = error if isinstance(error, SpelledOtherwise) else None
        _fail(in_flags(str(error), flags), error.exit_status, others=others)
    except Exception as error:  # the one place for whatever nobody foresaw
        _fail_unforeseen(error)


def _fail_unforeseen(error: Exception) -> None:
    arguments = sys.argv[1:]
    command = asked_for(arguments, commands).name or "unweave"
    details = write_details(error, workspace=workspace_of(arguments), command=command)
    _fail(sentence(error, details), UNFORESEEN)


def _fail(message: str, exit_status: int, *, others: SpelledOtherwise | None = None) -> None:
    if "--json" in sys.argv:
        fields = {} if others is None else others.fields
        say_json({"ok": False, "error": message, "exit_status": exit_status, **fields})
    else:
        say(f"unweave: {message}", err=True)
        if others is not None and sys.stderr.isatty():
            for number, spelling in others.spellings.items():
                say(f"  {number}  {spelling}", err=True)
    sys.exit(exit_status)


def _print_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        say(f"unweave, version {installed_version()}")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Data lineage that can forget: train with lineage, forget exactly, prove it."""


TRACED = ["subject", "model", "batch", "update", "checkpoint", "artifact"]


@commands.command()
@WORKSPACE
@click.argument("kind", type=click.Choice(TRACED), metavar="KIND")
@click.argument("name", metavar="ID")
@ids_into("name")
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    help="Write all that is held about a subject to this file, its rows too (JSON, mode 600).",
)
@JSON
def trace(workspace: Path, kind: str, name: str, export: Path | None, as_json: bool) -> None:
    """Trace a thing of the lineage: what went into it, and what came of it.

    KIND is subject, model, batch, update, checkpoint or artifact (one of MLMD). A batch is named
    [MODEL:]s0.r1.e2.b3 (shard, stage, epoch, batch), an update [MODEL:]s0.p42 (shard, position),
    a checkpoint [MODEL:]s0.r1 (shard, stage).
    """
    if export is not None and kind != "subject":
        raise click.UsageError("--export goes with subject.")
    with project_of(workspace, progress=False) as project:
        if export is not None:
            show(project.requests.export(name, export), as_json, "exported")
            return
        ask: dict[str, Callable[[str], dict[str, Any]]] = {
            "subject": project.trace_subject,
            "model": project.trace_model,
            "batch": project.trace_batch,
            "update": project.trace_update,
            "checkpoint": project.trace_checkpoint,
            "artifact": project.trace_artifact,
        }
        answer = ask[kind](name)
        answer |= spelled_for_a_terminal(answer, as_json, lambda: project.spellings_alike([name]))
    show(answer, as_json, f"traced_{kind}")


QUESTIONS = {
    "data": "which data it was trained on",
    "hyperparameters": "by which rules it was trained",
    "libraries": "in which environment it was trained",
    "pipeline": "which pipeline made it, and how its components ended",
    "deployed": "which versions of it were served, and which was last",
    "failures": "which runs failed and why; all without a model",
    "subjects": "whose rows its data holds, by pseudonym",
    "free": "whether it is free of all deleted rows today; unless it is, the exit status is 1",
    "models-of": "which models a subject is or was in",
}
AS_OF = click.option("--as-of", metavar="TIME", help="What was true then: a date, or ISO 8601.")


@commands.command(
    epilog="\b\n" + "\n".join(f"{name:<16} {text}" for name, text in QUESTIONS.items())
)
@WORKSPACE
@click.argument("question", type=click.Choice(list(QUESTIONS)), metavar="QUESTION")
@click.argument("name", required=False, metavar="[MODEL|SUBJECT]")
@ids_into("name")
@AS_OF
@JSON
def query(
    workspace: Path, question: str, name: str | None, as_of: str | None, as_json: bool
) -> None:
    """Ask about a model (the newest live one, if none is named), or about a subject."""
    if question == "models-of" and name is None:
        raise click.UsageError("Name the subject whose models are asked for.")
    if as_of is not None and question not in ("deployed", "models-of"):
        raise click.UsageError("--as-of goes with the questions deployed and models-of.")
    with project_of(workspace, progress=False) as project:
        ask = getattr(project.ask, question.replace("-", "_"))
        answer = ask(name) if as_of is None else ask(name, as_of=as_of)
    wrong = question == "free" and not answer["free"] and answer["state"] == "live"
    answer |= {"ok": False} if wrong else {}
    show(answer, as_json, f"asked_{question.replace('-', '_')}")
    if wrong:
        sys.exit(1)


@commands.command()
@WORKSPACE
@AS_OF
@click.option("--all", "ended", is_flag=True, help="Also those that have ended.")
@REVEAL
@JSON
def models(workspace: Path, as_of: str | None, ended: bool, reveal: bool, as_json: bool) -> None:
    """List the live models of the workspace, and all that there were with --all or as JSON."""
    with project_of(workspace, progress=False, reveal=reveal) as project:
        answer = {"models": project.models(as_of=as_of), "all": ended}
    show(answer, as_json, "models")


@commands.command()
@WORKSPACE
@click.option("--watch", is_flag=True, help="Tell how far who is at work is, until they are done.")
@JSON
def status(workspace: Path, watch: bool, as_json: bool) -> None:
    """Say how the workspace stands: models, requests, exclusions, event log."""
    if watch:
        from unweave.commands.watching import until_nobody_works

        until_nobody_works(workspace, to_stderr=as_json)
    with project_of(workspace, progress=False) as project:
        answer = project.status()
    show(answer, as_json, "status")


@commands.command()
@WORKSPACE
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--public-key", type=click.Path(path_type=Path), help="The signer's public key.")
@click.option("--model", help="Open the commitment to this model alone, in the workspace.")
@click.option(
    "--receipt",
    type=click.Path(path_type=Path),
    help="The receipt that was handed out with it: say whether it speaks of --subject.",
)
@click.option("--subject", metavar="ID", help="Whose certificate it is to be (or which row's).")
@ids_into("subject")
@JSON
@click.pass_context
def verify(
    context: click.Context,
    workspace: Path,
    certificate: Path,
    public_key: Path | None,
    model: str | None,
    receipt: Path | None,
    subject: str | None,
    as_json: bool,
) -> None:
    """Verify a certificate offline; without the signer's key it can only be intact.

    Where --workspace or --model is given, its commitments to models that are live there are opened;
    with --receipt and --subject, that to the id of whoever was forgotten.
    """
    from unweave.api.verify import verify as verify_certificate

    named = context.get_parameter_source("workspace") is ParameterSource.COMMANDLINE
    answer = verify_certificate(
        certificate,
        public_key=public_key,
        workspace=workspace if named or model is not None else None,
        model=model,
        receipt=receipt,
        subject=subject,
    )
    show(answer, as_json, "verified")
    if not answer["ok"]:
        sys.exit(1)


@commands.command()
@click.option("--family", default=FIRST_FAMILY, metavar="NAME", help="The kind of model.")
@click.option("--serve", "served", is_flag=True,
              help="Open the desk on its workspace then, until it is interrupted.")  # fmt: skip
@WORKSPACE
@JSON
def demo(family: str, served: bool, workspace: Path, as_json: bool) -> None:
    """Tell the whole story on the taxi trips that ship with TFX, in a workspace of its own."""
    from unweave.demo.story import run_demo

    answer = run_demo(workspace, family=family, quiet=as_json)
    if as_json:
        say_json(answer)
    if served:
        from unweave.demo.at_the_desk import open_desk

        open_desk(workspace, place=DESK)


commands.add_command(train)
commands.add_command(audit)
commands.add_command(describe)
commands.add_command(evidence)
commands.add_command(forget)
commands.add_command(completion)
commands.add_command(component)
commands.add_command(cost)
commands.add_command(detect)
commands.add_command(doctor)
commands.add_command(evaluate)
commands.add_command(graph)
commands.add_command(log)
commands.add_command(name)
commands.add_command(predict)
commands.add_command(recipient)
commands.add_command(request)
commands.add_command(run_requests)
commands.add_command(readmit)
commands.add_command(report)
commands.add_command(export)
commands.add_command(retire)
commands.add_command(rollback)
commands.add_command(serve)
commands.add_command(serving)
commands.add_command(user)
commands.add_command(webhook)
commands.add_command(mail)
