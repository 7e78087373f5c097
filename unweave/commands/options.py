"""What commands have in common: options, the project they open, and how they show an answer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


@contextmanager
def project_of(
    workspace: Path,
    *,
    progress: bool = True,
    workers: int | None = None,
    beam_args: str | None = None,
) -> Iterator[Any]:
    """Open a project, with progress bars on a terminal unless its command only reads."""
    from unweave.api.project import Project

    if not progress:
        yield Project(workspace)
        return
    from unweave.text.progress_bars import progress_bars

    with progress_bars() as listener:
        yield Project(workspace, listener=listener, workers=workers, beam_args=beam_args)


def show(answer: dict[str, Any], as_json: bool, what: str) -> None:
    """Print an answer as JSON, or as text of its kind; its warnings go to standard error too."""
    for warning in answer.get("warnings", ()):
        click.echo(f"Warning: {warning}", err=True)
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
        return
    from unweave.text import answers as text

    text.show(what, answer)
