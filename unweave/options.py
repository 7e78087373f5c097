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
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
