"""Which nodes of the lineage are live: those that the ledger of a live model still accounts for.

A deletion marks the others DELETED, and moves those that are kept to their files in the new ledger.
"""

from lineage_store.graph.unit_types import UNIT_TYPES
from lineage_store.ledger.shards import Ledger
from lineage_store.ledger.units import unit_records
from lineage_store.mlmd.names import Names

# The types of artifacts that end with the rows they were made from.
ENDING = frozenset(kind.name for kind in UNIT_TYPES.values() if not kind.execution)


def live_files(ledger: Ledger, names: Names) -> dict[str, str]:
    """Return the names of all nodes of a ledger, with the file of each that has one."""
    return {
        names.unit(record.unit): "" if record.file is None else str(record.file)
        for record in unit_records(ledger)
        if record.live and not UNIT_TYPES[record.unit.kind].execution
    }
