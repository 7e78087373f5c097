"""`unweave detect`: which training rows look poisoned? It proposes, and deletes nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from lineage_store.sources import Given, Reading
from unweave.options.completing import LIVE_MODELS, of
from unweave.options.once import Once
from unweave.options.reading import data_option, reading_options
from unweave.options.shared import JSON, WAIT, WORKSPACE, project_of
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@data_option("The table that the model was trained on; may be given again.")
@reading_options
@click.option(
    "--row-id-column", "row_id", required=True, help="The column with the ids of the rows."
)
@click.option(
    "--model",
    metavar="ID",
    shell_complete=of(LIVE_MODELS),
    help="The model; by default the newest live one.",
)
@click.option(
    "--method",
    type=click.Choice(["loss", "spectral", "provenance"]),
    default="loss",
    show_default=True,
    help="How to look: see docs/poison.md, also for the patent on provenance.",
)
@click.option(
    "--share",
    type=float,
    default=0.02,
    show_default=True,
    help="The share of the rows that may be poisoned, for loss and spectral.",
)
@click.option(
    "--trusted", type=click.Path(path_type=Path), help="Rows that are clean, for provenance."
)
@click.option(
    "--source-column", "source", help="The column that names each row's source, for provenance."
)
@click.option(
    "--propose",
    type=click.Path(path_type=Path),
    help="Write the ids to this file, as a deletion request in JSON.",
)
@click.option(
    "--queue",
    is_flag=True,
    help="File a request for them, a proposal unless `request policy --detectors run` says else.",
)
@WAIT
@JSON
def detect(
    workspace: Path,
    data: list[Given],
    reading: Reading,
    row_id: str,
    model: str | None,
    method: str,
    share: float,
    trusted: Path | None,
    source: str | None,
    propose: Path | None,
    queue: bool,
    wait: int,
    as_json: bool,
) -> None:
    """Look for training rows that may be poisoned, and propose to forget them.

    Nothing is deleted. Ids go into the file of --propose or the queue, never onto the screen. Ends
    with status 3 if nothing is suspicious.
    """
    with project_of(workspace, wait=wait) as project:
        answer = project.detect(
            data,
            reading=reading,
            row_id=row_id,
            model=model,
            method=method,
            share=share,
            trusted=trusted,
            source=source,
            propose=propose,
            queue=queue,
        )
    if as_json:
        say_json({"ok": bool(answer["proposed"]), **answer})
    else:
        for line in _lines(answer):
            say(line)
    if not answer["proposed"]:
        sys.exit(3)


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    for one in answer["sources"]:
        yield (
            f"  source {one['source'] + 1:>3}  {one['rows']:>7,} "
            f"{'row ' if one['rows'] == 1 else 'rows'}  accuracy with "
            f"{one['accuracy_with']:.4f}, without {one['accuracy_without']:.4f}, "
            f"p {one['p']:.3g}{'  suspect' if one['suspect'] else ''}"
        )
    what = f"{answer['method']} on {answer['model_id']}"
    if not answer["proposed"]:
        yield f"{what}: none of {answer['rows']:,} training rows is suspicious."
        return
    yield (
        f"{what}: {answer['proposed']:,} of {answer['rows']:,} training rows "
        f"({answer['proposed'] / answer['rows']:.1%}) are the most suspicious. Nothing was changed."
    )
    if answer["method"] == "loss" and not answer["held_out"]:
        yield "The model has one shard, which saw all rows: their loss tells less than it could."
    if answer["propose"]:
        yield f"Their ids are in {answer['propose']}, as a request to forget them."
    if answer["request"]:
        yield f"The request {answer['request']} to forget them is filed: {answer['state']}."
