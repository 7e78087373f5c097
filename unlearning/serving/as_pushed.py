"""A served model is asked only as it was pushed.

What reads a model is TensorFlow's or another library's, in a language that does not stop at the end
of a file: one that was cut off or changed may end the process, or answer something else. So its
files are compared with the commitment that was signed when it was pushed, before any is read.
"""

import sqlite3
from pathlib import Path

from lineage_store.errors import Damaged
from lineage_store.ledger import Ledger, served_files
from lineage_store.log import ModelMade, of_kind


def must_be_as_pushed(
    connection: sqlite3.Connection, model: str, *, ledger: Ledger, folder: Path
) -> None:
    """Raise Damaged if the files in a served model's folder are not those that were pushed.

    An earlier unweave signed nothing of them, and nothing is said of its models.
    """
    made = (event for _, event in of_kind(connection, ModelMade) if event.model == model)
    signed = next((event.served for event in made), None)
    if signed is not None and served_files(folder).published(ledger) != signed:
        raise Damaged(
            f"The served model in {folder} is not the one that was pushed: a file of it was "
            f"changed, is gone, or came to it; restore it from a backup of the workspace."
        )
