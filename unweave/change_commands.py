"""`unweave train` and `unweave forget`: the commands that make models and replace them."""

from pathlib import Path

import click

from unweave.options import BEAM_ARGS, JSON, WORKERS, WORKSPACE, project_of, show


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
    type=click.Choice(["none", "all", "at-risk", "regenerate"]),
    default="none",
    show_default=True,
    help="Which parameter updates to keep, for approximate deletion: see docs/updates.md.",
)
@click.option(
    "--update-codec",
    type=click.Choice(["float32", "bfloat16", "int8"]),
    help="How to keep them: as they are, rounded, or in 8 bits.  [default: float32]",
)
@click.option(
    "--record-budget",
    type=int,
    metavar="BYTES",
    help="With --record all: keep updates by the most exact codec that fits; if none does, "
    "checkpoints to compute them again.",
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
    update_codec: str | None,
    record_budget: int | None,
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
    with project_of(workspace, workers=workers, beam_args=beam_args) as project:
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
            update_codec=update_codec,
            record_budget=record_budget,
            aggregate=aggregate,
            class_weights=class_weights,
            early_stop=early_stop,
            checkpoint_every=checkpoint_every,
            checkpoint_budget=checkpoint_budget,
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
