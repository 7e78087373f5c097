"""The taxi trips that ship with TFX, through the gate, with no pipeline around it."""

from pathlib import Path

from benchmarks.mnist import KEYS
from lineage_store.cells.gate import let_through
from lineage_store.cells.snapshot import Snapshot
from lineage_store.data.columns import Columns, read_header
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.sources import open_source
from unweave.demo.taxi import LABEL, SUBJECT, write_trips


def gate_trips(folder: Path) -> Snapshot:
    """Write the trips as a CSV file and pass them through the gate, placed by company."""
    file = folder / "trips.csv"
    write_trips(file)
    columns = Columns(LABEL, (SUBJECT,))
    header = read_header(open_source(file), columns)
    blocks = read_blocks_of(
        [open_source(file)],
        columns=columns,
        header=header,
        keys=KEYS,
        pseudonyms=Pseudonyms(Path(":memory:"), KEYS),
        exclusions=Exclusions(),
        temporary=folder,
    )
    return let_through(blocks, header.roles, folder=folder / "snapshot")
