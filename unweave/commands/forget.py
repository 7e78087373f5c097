"""`unweave forget`: the command that takes people's rows out of models."""

from pathlib import Path

import click

from unweave.options.ids_file import ids_into
from unweave.options.once import Once
from unweave.options.shared import (
    BEAM_ARGS,
    JSON,
    REVEAL,
    WAIT,
    WORKERS,
    WORKSPACE,
    project_of,
    show,
    spelled_for_a_terminal,
)


@click.command(cls=Once)
@WORKSPACE
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@ids_into("subjects")
@click.option("--rows", is_flag=True, help="The arguments are row ids, not subjects.")
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
@click.option(
    "--accept-bridged",
    is_flag=True,
    help="Where code or environment are others than those that trained, take over what a replay "
    "agrees with; the result says that it is bridged.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--reason", help="Why; free text, sealed while it runs and erased at the end.")
@click.option(
    "--exact-by", metavar="DATE", help="Approximate now, and exact in its place by this day."
)
@click.option(
    "--accept-left-out",
    is_flag=True,
    help="Go on where a module or rows of others have an id too: unweave's own files are then not "
    "searched for it.",
)
@click.option("--replay", is_flag=True, help="Train the twin and compare all weights with it.")
@WORKERS
@BEAM_ARGS
@WAIT
@REVEAL
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
    accept_bridged: bool,
    dry_run: bool,
    reason: str | None,
    exact_by: str | None,
    accept_left_out: bool,
    replay: bool,
    workers: int | None,
    beam_args: str | None,
    wait: int,
    reveal: bool,
    as_json: bool,
) -> None:
    """Forget subjects in every model, erase their rows, and certify it."""
    with project_of(
        workspace, workers=workers, beam_args=beam_args, wait=wait, reveal=reveal
    ) as project:
        if dry_run:
            answer = project.plan(
                subjects,
                rows=rows,
                guarantee=guarantee,
                strategy=strategy,
                within=within,
                space=space,
                repair=repair,
                accept_bridged=accept_bridged,
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
                accept_bridged=accept_bridged,
                reason=reason,
                replay=replay,
                exact_by=exact_by,
                accept_left_out=accept_left_out,
            )
        answer |= spelled_for_a_terminal(answer, as_json, lambda: project.spellings_alike(subjects))
    show(answer, as_json, "planned" if dry_run else "forgotten")
