"""`unweave train` and `unweave forget`: the commands that make models and replace them."""

from dataclasses import asdict
from pathlib import Path

import click

from lineage_store.ledger.train_options import TrainOptions
from unweave.commands.options import BEAM_ARGS, JSON, WORKERS, WORKSPACE, project_of, show
from unweave.commands.training_options import training_options


@click.command()
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
@click.option(
    "--place-by",
    type=click.Choice(["subject", "row"]),
    default="subject",
    show_default=True,
    help="Keep a subject's rows in one shard, or spread them.",
)
@click.option("--module", type=click.Path(path_type=Path), help="A file with your own Keras model.")
@click.option("--from", "base", metavar="MODEL", help="Start from the weights of this model.")
@training_options
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
    place_by: str,
    options: TrainOptions,
    key_file: Path | None,
    metadata: str | None,
    workers: int | None,
    beam_args: str | None,
    as_json: bool,
) -> None:
    """Train a model with lineage on a CSV file and push it."""
    with project_of(workspace, workers=workers, beam_args=beam_args) as project:
        answer = project.train(
            csv,
            label=label_column,
            subject=subject_column,
            row_id=row_id_column,
            drop=[name.strip() for name in drop_columns.split(",") if name.strip()],
            module=module,
            base=base,
            place_by=place_by,
            **asdict(options),
            key_file=key_file,
            metadata=metadata,
        )
    show(answer, as_json, "trained")


@click.command()
@WORKSPACE
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@click.option("--rows", is_flag=True, help="The arguments are row ids, not subjects.")
@click.option(
    "--guarantee",
    type=click.Choice(["exact", "certified", "approximate"]),
    help="What the result must be; exact if nothing is said.",
)
@click.option("--strategy", help="How to forget: retrain-shards, amnesiac or amnesiac-marginal.")
@click.option(
    "--within",
    type=float,
    metavar="SECONDS",
    help="What the unlearning may take at most, by its estimate: the strongest result that fits.",
)
@click.option("--space", type=int, metavar="BYTES", help="What it may write at most, likewise.")
@click.option(
    "--repair",
    default=0,
    metavar="EPOCHS",
    help="After an approximate strategy, fine-tune the shards it changed on what remains, for so "
    "many epochs at most: see docs/amnesiac.md.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--reason", help="Free text for the request queue; it goes nowhere else.")
@click.option(
    "--exact-by", metavar="DATE", help="Approximate now, and exact in its place by this day."
)
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
    within: float | None,
    space: int | None,
    repair: int,
    dry_run: bool,
    reason: str | None,
    exact_by: str | None,
    replay: bool,
    workers: int | None,
    beam_args: str | None,
    as_json: bool,
) -> None:
    """Forget subjects in every model, erase their rows, and certify it."""
    with project_of(workspace, workers=workers, beam_args=beam_args) as project:
        if dry_run:
            answer = project.plan(
                subjects,
                rows=rows,
                guarantee=guarantee,
                strategy=strategy,
                within=within,
                space=space,
                repair=repair,
            )
        else:
            answer = project.forget(
                subjects,
                rows=rows,
                guarantee=guarantee,
                strategy=strategy,
                within=within,
                space=space,
                repair=repair,
                reason=reason,
                replay=replay,
                exact_by=exact_by,
            )
    show(answer, as_json, "planned" if dry_run else "forgotten")
