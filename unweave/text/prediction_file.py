"""Predictions written to a file, as they are made: for its owner alone, whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from lineage_store.canonical import atomic_file
from lineage_store.disk_full import translated
from lineage_store.errors import BadInput
from lineage_store.sources import Given
from unlearning.serving import Predictions, Recommendations
from unweave.text.predictions import names_of, names_of_items, write_csv, write_parquet

PARQUET = ".parquet"


def write_predictions(found: Predictions | Recommendations, out: Path) -> int:
    """Write predictions as CSV, or as Parquet by the file's name; return how many rows they have.

    Raises BadInput for a file that cannot be written, and for what `Predictions.pieces` refuses.
    """
    if isinstance(found, Recommendations):
        names = names_of_items(found.rows_by)
    else:
        names = names_of(found.rows_by, found.classes, found.further)
    write = write_parquet if out.suffix.lower() == PARQUET else write_csv
    try:
        with translated(), atomic_file(out.resolve()) as stream:
            return write(stream, names, found.pieces())
    except OSError as error:
        raise BadInput(f"The file {out} cannot be written: {error.strerror}.") from error


def must_be_a_place(out: Path, data: Given | Sequence[Given], *, workspace: Path) -> None:
    """Raise BadInput for a file that predictions must not be written to.

    That is one in the workspace, one of the tables or in a folder that is one, and what is there
    and no file.
    """
    place = out.resolve()
    if place.is_relative_to(workspace):
        raise BadInput(
            "Predictions must not lie in the workspace, where they would be a residue of people: "
            "name a file elsewhere."
        )
    if out.exists() and not out.is_file():
        raise BadInput(f"{out} is there and no file: name another, or leave `out` out.")
    tables = data if isinstance(data, list | tuple) else [data]
    for table in [Path(one).resolve() for one in tables if isinstance(one, Path | str)]:
        if place == table or (table.is_dir() and place.is_relative_to(table)):
            raise BadInput(
                f"{out} is the table itself, or in its folder: write the predictions to a file "
                f"elsewhere."
            )
