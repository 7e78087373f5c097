"""The model that a training run starts from, its base: found, believed, and what it decides.

A base decides how many shards there are, which module builds the model, and in which terms the new
data is read. Only a live model that is not approximate can be one: what was trained from it would
have to be called approximate too, and no training is.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lineage_store.cells import load_snapshot
from lineage_store.data import Schema
from lineage_store.errors import BadInput
from lineage_store.index import models
from lineage_store.ledger import open_ledger
from lineage_store.workspace import Workspace
from pipelines.runs.restricting import must_carry_none_restricted
from unlearning.families import family_of_ledger
from unlearning.registry import must_be_recorded
from unlearning.training import config_of, module_source, open_base


@dataclass(frozen=True)
class Base:
    """A base, and what follows from it: shards, the module's source and name, terms of the data."""

    record: models.ModelRecord
    shards: int
    text: str
    module: str
    schema: Schema


def find_base(
    connection: sqlite3.Connection,
    workspace: Workspace,
    name: str,
    *,
    shards: int | None,
    module: Path | None,
) -> Base:
    """Find a base by its id or the digest of its weights.

    `shards` and `module` are what the user asked for besides, if anything: it must be what the base
    has. Raises NothingFound for an unknown model, BadInput for one that cannot be a base here,
    CheckFailed if its ledger or its weights are not the recorded ones, OnHold if it carries rows
    that are restricted.
    """
    record = models.find_model(connection, name)
    if record.state != "live":
        raise BadInput(
            f"The model {record.id} is {record.state}, so nothing can be trained from it: name a "
            f"live one, which `unweave models` lists."
        )
    if record.claim.leaves_derived:
        raise BadInput(
            f"The model {record.id} is {record.claim.word}, and nothing exact could be trained "
            f"from it: name another, or train without `base`."
        )
    must_carry_none_restricted(connection, workspace, record)
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    must_be_recorded(workspace, connection, record, ledger)
    open_base(workspace, record.id)
    if shards is not None and shards != ledger.partition.shards:
        raise BadInput(
            f"`shards` is {shards}, and {record.id} has {ledger.partition.shards}: a model that "
            f"starts from it has as many; leave `shards` out."
        )
    text = module_source(ledger)
    if module is not None and family_of_ledger(ledger).source(module).text != text:
        raise BadInput(
            f"The module given is not the one that built {record.id}, whose weights it is to start "
            f"from: leave `module` out."
        )
    return Base(
        record=record,
        shards=ledger.partition.shards,
        text=text,
        module=config_of(ledger).module,
        schema=load_snapshot(workspace.absolute(record.paths["data"])).schema,
    )
