"""`unweave train`, the command that makes models, and `unweave component`, which makes a part."""

import sys
from functools import partial
from pathlib import Path

import click

from lineage_store.data import Task
from lineage_store.ledger import TrainOptions
from lineage_store.sources import Given, Reading
from lineage_store.understood import Understanding
from unweave.commands.names import DESCRIBING
from unweave.options.once import Once
from unweave.options.reading import data_option, kind_options, names_in, reading_options
from unweave.options.shared import (
    AS_TASKS,
    BEAM_ARGS,
    JSON,
    REVEAL,
    WAIT,
    WORKERS,
    WORKSPACE,
    for_people,
    project_of,
    show,
)
from unweave.options.training import as_given, training_options
from unweave.session.session import to_nobody
from unweave.text.printed import say


@click.command(cls=Once)
@WORKSPACE
@data_option("The table to read; may be given again, for one in several files.")
@reading_options
@click.option(
    "--label-column",
    "label",
    multiple=True,
    help="The column to predict, if any; may be given again, for a module of several outputs.",
)
@click.option(
    "--subject-column",
    "subject",
    multiple=True,
    help="The column that says whose row it is; may be given again, for rows of several people.",
)
@click.option("--row-id-column", "row_id", help="The column with an id of each row.")
@click.option(
    "--weight-column",
    "weight_column",
    help="The column that says what a row counts for, from 0 on.",
)
@click.option(
    "--group-column",
    "group_column",
    help="The column that says which rows belong together: in one batch, one shard, one split.",
)
@click.option(
    "--item-column",
    "item_column",
    help="The column that says what a row is an interaction with; no other one is read.",
)
@click.option(
    "--drop-columns", "drop", default="", help="Columns to leave out, with commas between."
)
@click.option(
    "--place-by",
    type=click.Choice(["subject", "row"]),
    help="Keep a subject's rows in one shard, or spread them.  [default: subject, or the group]",
)
@kind_options
@click.option("--module", type=click.Path(path_type=Path), help="A file with your own Keras model.")
@click.option("--from", "base", metavar="MODEL", help="Start from the weights of this model.")
@training_options
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="The secret of a new workspace (mode 600)."
)
@click.option("--metadata", help="Where a new workspace's MLMD lives: see docs/lineage.md.")
@click.option(
    "--admit-alike",
    is_flag=True,
    help="Let in who is spelled nearly as somebody who was forgotten here: it is somebody else.",
)
@click.option(
    "--rectifies",
    metavar="REQUEST",
    help="Forget what this request of rectification names, and take it in as the table has it now.",
)
@click.option(
    "--name", help="Serve it under this name, in the place of its last version: churn, say."
)
@DESCRIBING[0]
@DESCRIBING[1]
@DESCRIBING[2]
@DESCRIBING[3]
@click.option("--dry-run", is_flag=True, help="Say what was understood of the table, and end.")
@click.option("--show-values", is_flag=True, help="Name the classes, too, if this is a terminal.")
@AS_TASKS
@WORKERS
@BEAM_ARGS
@WAIT
@REVEAL
@JSON
def train(
    workspace: Path,
    data: list[Given],
    reading: Reading,
    label: tuple[str, ...],
    subject: tuple[str, ...],
    row_id: str | None,
    weight_column: str | None,
    group_column: str | None,
    item_column: str | None,
    drop: str,
    module: Path | None,
    base: str | None,
    place_by: str | None,
    task: Task | dict[str, Task] | None,
    category_columns: str,
    text_columns: str,
    date_columns: str,
    array_columns: str,
    options: TrainOptions,
    key_file: Path | None,
    metadata: str | None,
    admit_alike: bool,
    rectifies: str | None,
    name: str | None,
    purpose: str | None,
    owner: str | None,
    legal_basis: str | None,
    retention: str | None,
    dry_run: bool,
    show_values: bool,
    as_tasks: bool,
    workers: int | None,
    beam_args: str | None,
    wait: int,
    reveal: bool,
    as_json: bool,
) -> None:
    """Train a model with lineage on a table and push it."""
    with project_of(
        workspace,
        workers=workers,
        beam_args=beam_args,
        wait=wait,
        reveal=reveal,
        as_tasks=as_tasks,
    ) as project:
        answer = project.train(
            data,
            reading=reading,
            label=label,
            subject=subject,
            row_id=row_id,
            weight_column=weight_column,
            group_column=group_column,
            item_column=item_column,
            drop=names_in(drop),
            task=task,
            category_columns=names_in(category_columns),
            text_columns=names_in(text_columns),
            date_columns=names_in(date_columns),
            array_columns=names_in(array_columns),
            module=module,
            base=base,
            place_by=place_by,
            **as_given(options),
            key_file=key_file,
            metadata=metadata,
            admit_alike=admit_alike,
            rectifies=rectifies,
            name=name,
            purpose=purpose,
            owner=owner,
            legal_basis=legal_basis,
            retention=retention,
            dry_run=dry_run,
            understood=to_nobody if as_json else partial(_show_understood, values=show_values),
        )
    if not dry_run or as_json:
        show(answer, as_json, "opened" if "run" in answer else "trained")


@click.command(cls=Once)
@WORKSPACE
@click.argument("name", metavar="NAME")
@click.option("--run", required=True, help="The run that was left open: train-m1, say.")
@WAIT
@JSON
def component(workspace: Path, name: str, run: str, wait: int, as_json: bool) -> None:
    """Run one component of a run that was left open.

    That is what train and run-requests do by --as-tasks. A component runs once: where it has run,
    nothing is done. One that comes after others which have not run ends with status 75.
    """
    from unweave.api.one_component import run_one_component
    from unweave.session.session import Session

    answer = run_one_component(Session(root=workspace, wait=wait), name, run=run)
    show(answer, as_json, "component")


def _show_understood(told: Understanding, *, values: bool) -> None:
    """Print what was understood of a table, before anything is learnt from it."""
    from unweave.text.understood import understood_lines

    for line in understood_lines(told, values=values and sys.stdout.isatty()):
        say(line)
    for note in for_people({"warnings": list(told.warnings)})["warnings"]:
        say(f"  note       {note}")
