"""The options that every command has."""

from pathlib import Path

import click

WORKSPACE = click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    default=Path("workspace"),
    show_default=True,
    help="The folder of the workspace.",
)
WORKERS = click.option(
    "--workers", type=int, help="Train as many shards at a time, in processes of their own."
)
BEAM_ARGS = click.option(
    "--beam-args", help="Train the shards on a Beam runner, by these options: see docs/parallel.md."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
