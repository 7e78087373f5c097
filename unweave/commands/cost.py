"""`unweave cost`: what a request to forget one row is expected to cost, before anybody asks."""

from pathlib import Path

import click

from unweave.options.completing import LIVE_MODELS, of
from unweave.options.once import Once
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@click.option(
    "--model",
    metavar="ID",
    shell_complete=of(LIVE_MODELS),
    help="The model; by default the newest live one.",
)
@click.option(
    "--pattern",
    metavar="SHARE,...",
    help="The share of requests for each band of rows, band 0 first, such as 0.2,0.8.",
)
@JSON
def cost(workspace: Path, model: str | None, pattern: str | None, as_json: bool) -> None:
    """Say what forgetting one row exactly is expected to cost, in steps.

    Without a pattern every row is as likely as any other. Beside it stands the uniform placement
    of as many rows.
    """
    from unweave.answers.costs import cost_lines
    from unweave.api.project import Project

    answer = Project(workspace).expected_cost(model, pattern=_shares(pattern))
    if as_json:
        say_json(answer)
        return
    say(f"Forgetting one row of {answer['model_id']} exactly:")
    for line in cost_lines(answer):
        say(line)


def _shares(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(
            "--pattern is none: write shares with commas, as in 0.2,0.8."
        ) from None
