"""On what a workspace's networks are trained: all on the processor, or all on a graphics card.

TensorFlow is told once in a process which card it may see, and a deletion changes all models of a
person in one. So two networks of a workspace that were trained on different devices could not be
forgotten from together: the second is refused before anything is read.
"""

import sqlite3
from collections.abc import Sequence

from lineage_store.errors import BadInput
from lineage_store.index import models
from lineage_store.ledger import TrainOptions, open_ledger
from lineage_store.workspace import Workspace
from pipelines.jobs import ModelChange
from unlearning.families import family_of
from unlearning.fingerprint import take_device


def must_share_the_device(
    connection: sqlite3.Connection, workspace: Workspace, options: TrainOptions
) -> None:
    """Raise BadInput if a live network was trained on another device than these options say."""
    if family_of(options.model_family).trail != "steps":
        return
    for record in models.models(connection, live_only=True):
        other = open_ledger(workspace.absolute(record.paths["ledger"])).header.options
        network = family_of(other.model_family).trail == "steps"
        if network and other.device != options.device:
            raise BadInput(
                f"{record.id} was trained with `device` {other.device}, and one process forgets "
                f"from all models of a workspace: train with the same, or in another workspace."
            )


def take_devices(workspace: Workspace, changes: Sequence[ModelChange]) -> None:
    """Let this process compute as the models that are to be made again were trained."""
    for change in changes:
        ledger = workspace.absolute(change.old.paths["ledger"])
        if ledger.exists() and not change.recorded:
            take_device(open_ledger(ledger).header.options.device)
