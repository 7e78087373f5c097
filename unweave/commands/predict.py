"""`unweave predict`: what a model says of the rows of a table."""

from pathlib import Path

import click

from lineage_store.sources import Given, Reading
from unweave.options.once import Once
from unweave.options.reading import data_option, reading_options
from unweave.options.shared import JSON, WORKSPACE, project_of, show


@click.command(cls=Once)
@WORKSPACE
@data_option("The table to read; may be given again.")
@reading_options
@click.option("--model", "model_id", help="The model; by default the newest live one.")
@click.option(
    "--row-id-column",
    "row_id",
    help="The column that names the rows in the answer, in place of their lines.",
)
@click.option(
    "--lenient", is_flag=True, help="Take what is no number in a column of numbers for missing."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write to this file (mode 600), not to standard output; Parquet if it ends in .parquet.",
)
@JSON
def predict(
    workspace: Path,
    data: list[Given],
    reading: Reading,
    model_id: str | None,
    row_id: str | None,
    lenient: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Predict with a pushed model for the rows of a table.

    The answer is CSV: a row's id or line, the prediction, and the probability of each class; of
    several labels the first one's, and then those of the others, by their names. A model of items
    recommends: rows of one id are one history, and the answer is its id, an item and a score, ten
    at most, best first. A table without a column that the model takes is refused, and so is a value
    that is no number (or no date) where the model takes one.
    """
    with project_of(workspace, progress=False) as project:
        if out is None:
            answer = project.predict(
                data, reading=reading, model_id=model_id, row_id=row_id, lenient=lenient
            )
        else:
            answer = project.predict_to(
                out, data, reading=reading, model_id=model_id, row_id=row_id, lenient=lenient
            )
    show(answer, as_json, "predicted" if out is None else "predicted_to")
