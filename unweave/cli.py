"""The command line: a thin adapter over `project`; the same answers, as text or as JSON.

Exit status: 0 done; 1 a check failed; 2 wrong use or bad input; 3 nothing found. With `--json` one
object stands on standard output, errors included; progress and warnings go to standard error.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from lineage_store.errors import UnweaveError
from unweave.cost_commands import cost
from unweave.doctor_commands import doctor
from unweave.graph_commands import graph
from unweave.log_commands import log
from unweave.options import BEAM_ARGS, JSON, WORKERS, WORKSPACE
from unweave.version import installed_version

CSV = click.option(
    "--csv", required=True, type=click.Path(path_type=Path), help="The CSV file to read."
)


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    try:
        commands.main(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except click.exceptions.Abort:
        _fail("interrupted; run the same command again", 2)
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), 2)
    except UnweaveError as error:
        _fail(str(error), error.exit_status)


def _fail(message: str, exit_status: int) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"ok": False, "error": message, "exit_status": exit_status}))
    else:
        click.echo(f"unweave: {message}", err=True)
    sys.exit(exit_status)


def _print_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        click.echo(f"unweave, version {installed_version()}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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


@commands.command()
@WORKSPACE
@click.option(
    "--csv",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="The CSV file to read; may be given again, for a table in several files.",
)
@click.option("--label-column", required=True, help="The column to predict.")
@click.option(
    "--subject-column",
    multiple=True,
    help="The column that says whose row it is; may be given again, for rows of several people.",
)
@click.option("--row-id-column", help="The column with an id of each row.")
@click.option("--drop-columns", default="", help="Columns to leave out, with commas between.")
@click.option("--module", type=click.Path(path_type=Path), help="A file with your own Keras model.")
@click.option("--from", "base", metavar="MODEL", help="Start from the weights of this model.")
@click.option(
    "--shards", type=int, help="Parts trained apart.  [default: 5, or as many as --from has]"
)
@click.option("--slices", default=4, show_default=True, help="Stages of each shard.")
@click.option("--epochs", default=10, show_default=True, help="Epochs of plain training to match.")
@click.option("--batch-size", default=64, show_default=True, help="Mean rows of a batch.")
@click.option("--seed", default=0, show_default=True, help="The seed of everything random.")
@click.option(
    "--place-by",
    type=click.Choice(["subject", "row"]),
    default="subject",
    show_default=True,
    help="Keep a subject's rows in one shard, or spread them.",
)
@click.option(
    "--risk-rule",
    multiple=True,
    metavar="RULE",
    help="Rows likely to be withdrawn, for late slices: COLUMN=TEXT, COLUMN<NUMBER or "
    "COLUMN>=NUMBER; again for rows still likelier.",
)
@click.option(
    "--risk-shards", default=0, help="Put rows of risk rules into that many shards; 0 means all."
)
@click.option(
    "--risk-share",
    default=0,
    help="The percentage of rows expected under the risk rules, to even out the shards.",
)
@click.option(
    "--record",
    type=click.Choice(["none", "all"]),
    default="none",
    show_default=True,
    help="Which parameter updates to keep, for approximate deletion.",
)
@click.option(
    "--aggregate",
    type=click.Choice(["mean", "vote", "median"]),
    default="mean",
    show_default=True,
    help="How shards make one answer: mean; vote (classes); median (numbers).",
)
@click.option(
    "--class-weights",
    type=click.Choice(["none", "balanced"]),
    default="none",
    show_default=True,
    help="What a row counts for: all alike, or rare classes more, so that all classes do.",
)
@click.option(
    "--early-stop",
    type=int,
    metavar="PATIENCE",
    help="End a stage after so many epochs without a lower loss on its evaluation rows.",
)
@click.option(
    "--checkpoint-every", type=int, help="Also keep a checkpoint every so many batches of a stage."
)
@click.option(
    "--checkpoint-budget", type=int, help="The same, as often as fits into so many bytes."
)
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="The secret of a new workspace (mode 600)."
)
@click.option("--metadata", help="Where a new workspace's MLMD lives: see docs/lineage.md.")
@WORKERS
@BEAM_ARGS
@JSON
def train(
    workspace: Path,
    csv: tuple[Path, ...],
    label_column: str,
    subject_column: tuple[str, ...],
    row_id_column: str | None,
    drop_columns: str,
    module: Path | None,
    base: str | None,
    shards: int | None,
    slices: int,
    epochs: int,
    batch_size: int,
    seed: int,
    place_by: str,
    risk_rule: tuple[str, ...],
    risk_shards: int,
    risk_share: int,
    record: str,
    aggregate: str,
    class_weights: str,
    early_stop: int | None,
    checkpoint_every: int | None,
    checkpoint_budget: int | None,
    key_file: Path | None,
    metadata: str | None,
    workers: int | None,
    beam_args: str | None,
    as_json: bool,
) -> None:
    """Train a model with lineage on a CSV file and push it."""
    with _project(workspace, workers=workers, beam_args=beam_args) as project:
        answer = project.train(
            csv,
            label=label_column,
            subject=subject_column,
            row_id=row_id_column,
            drop=[name.strip() for name in drop_columns.split(",") if name.strip()],
            module=module,
            base=base,
            shards=shards,
            slices=slices,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            place_by=place_by,
            risk_rules=risk_rule,
            risk_shards=risk_shards,
            risk_share=risk_share,
            record=record,
            aggregate=aggregate,
            class_weights=class_weights,
            early_stop=early_stop,
            checkpoint_every=checkpoint_every,
            checkpoint_budget=checkpoint_budget,
            key_file=key_file,
            metadata=metadata,
        )
    _print(answer, as_json, "trained")


@commands.command()
@WORKSPACE
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option("--rows", is_flag=True, help="The arguments are row ids, not subjects.")
@click.option(
    "--guarantee",
    type=click.Choice(["exact", "certified", "approximate"]),
    help="What the result must be; exact if nothing is said.",
)
@click.option("--strategy", help="How to forget: retrain-shards or amnesiac.")
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--reason", help="Free text for the request queue; it goes nowhere else.")
@click.option("--replay", is_flag=True, help="Train the twin and compare all weights with it.")
@WORKERS
@BEAM_ARGS
@JSON
def forget(
    workspace: Path,
    subjects: tuple[str, ...],
    rows: bool,
    guarantee: str | None,
    strategy: str | None,
    dry_run: bool,
    reason: str | None,
    replay: bool,
    workers: int | None,
    beam_args: str | None,
    as_json: bool,
) -> None:
    """Forget subjects in every model, erase their rows, and certify it."""
    with _project(workspace, workers=workers, beam_args=beam_args) as project:
        if dry_run:
            answer = project.plan(subjects, rows=rows, guarantee=guarantee, strategy=strategy)
        else:
            answer = project.forget(
                subjects,
                rows=rows,
                guarantee=guarantee,
                strategy=strategy,
                reason=reason,
                replay=replay,
            )
    _print(answer, as_json, "planned" if dry_run else "forgotten")


TRACED = ["subject", "model", "batch", "update", "checkpoint", "artifact"]


@commands.command()
@WORKSPACE
@click.argument("kind", type=click.Choice(TRACED), metavar="KIND")
@click.argument("name", metavar="ID")
@JSON
def trace(workspace: Path, kind: str, name: str, as_json: bool) -> None:
    """Trace a thing of the lineage: what went into it, and what came of it.

    KIND is subject, model, batch, update, checkpoint or artifact (one of MLMD). A batch is named
    [MODEL:]s0.r1.e2.b3 (shard, stage, epoch, batch), an update [MODEL:]s0.p42 (shard, position),
    a checkpoint [MODEL:]s0.r1 (shard, stage).
    """
    with _project(workspace, progress=False) as project:
        ask: dict[str, Callable[[str], dict[str, Any]]] = {
            "subject": project.trace_subject,
            "model": project.trace_model,
            "batch": project.trace_batch,
            "update": project.trace_update,
            "checkpoint": project.trace_checkpoint,
            "artifact": project.trace_artifact,
        }
        answer = ask[kind](name)
    _print(answer, as_json, f"traced_{kind}")


QUESTIONS = {
    "data": "which data it was trained on",
    "hyperparameters": "by which rules it was trained",
    "libraries": "in which environment it was trained",
    "pipeline": "which pipeline made it, and how its components ended",
    "deployed": "which versions of it were served, and which was last",
    "failures": "which runs failed and why; all without a model",
    "subjects": "whose rows its data holds, by pseudonym",
    "free": "whether it is free of all deleted rows today; if not, the exit status is 1",
    "models-of": "which models a subject is or was in",
}
AS_OF = click.option("--as-of", metavar="TIME", help="What was true then: a date, or ISO 8601.")


@commands.command(
    epilog="\b\n" + "\n".join(f"{name:<16} {text}" for name, text in QUESTIONS.items())
)
@WORKSPACE
@click.argument("question", type=click.Choice(list(QUESTIONS)), metavar="QUESTION")
@click.argument("name", required=False, metavar="[MODEL|SUBJECT]")
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
    with _project(workspace, progress=False) as project:
        asked = getattr(project.ask, question.replace("-", "_"))
        answer = asked(name) if as_of is None else asked(name, as_of=as_of)
    _print(answer, as_json, f"asked_{question.replace('-', '_')}")
    if question == "free" and answer["free"] is False:
        sys.exit(1)


@commands.command()
@WORKSPACE
@AS_OF
@JSON
def models(workspace: Path, as_of: str | None, as_json: bool) -> None:
    """List the models of the workspace."""
    with _project(workspace, progress=False) as project:
        answer = {"models": project.models(as_of=as_of)}
    _print(answer, as_json, "models")


@commands.command()
@WORKSPACE
@JSON
def status(workspace: Path, as_json: bool) -> None:
    """Say how the workspace stands: models, requests, exclusions, event log."""
    with _project(workspace, progress=False) as project:
        answer = project.status()
    _print(answer, as_json, "status")


@commands.command()
@WORKSPACE
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--public-key", type=click.Path(path_type=Path), help="The signer's public key.")
@JSON
def verify(workspace: Path, certificate: Path, public_key: Path | None, as_json: bool) -> None:
    """Verify a certificate offline; without the signer's key it can only be intact."""
    from unweave.project import verify as verify_certificate

    answer = verify_certificate(certificate, public_key=public_key)
    _print(answer, as_json, "verified")
    if not answer["ok"]:
        sys.exit(1)


@commands.command()
@WORKSPACE
@CSV
@click.option("--model", "model_id", help="The model; by default the newest live one.")
@JSON
def predict(workspace: Path, csv: Path, model_id: str | None, as_json: bool) -> None:
    """Predict with a pushed model for the rows of a CSV file."""
    with _project(workspace, progress=False) as project:
        answer = project.predict(csv, model_id=model_id)
    _print(answer, as_json, "predicted")


@commands.command()
@WORKSPACE
@JSON
def demo(workspace: Path, as_json: bool) -> None:
    """Tell the whole story on the taxi trips that ship with TFX, in a workspace of its own."""
    from unweave.demo import run_demo

    answer = run_demo(workspace, quiet=as_json)
    if as_json:
        print(json.dumps(answer))


commands.add_command(cost)
commands.add_command(doctor)
commands.add_command(graph)
commands.add_command(log)


@contextmanager
def _project(
    workspace: Path,
    *,
    progress: bool = True,
    workers: int | None = None,
    beam_args: str | None = None,
) -> Iterator[Any]:
    from unweave.project import Project

    if not progress:
        yield Project(workspace)
        return
    from unweave.progress_bars import progress_bars

    with progress_bars() as listener:
        yield Project(workspace, listener=listener, workers=workers, beam_args=beam_args)


def _print(answer: dict[str, Any], as_json: bool, what: str) -> None:
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    from unweave import text

    text.show(what, answer)
