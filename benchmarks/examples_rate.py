"""How fast gated rows become tf.Examples and statistics, beside TFX's own components.

A table in the shape of a census passes the gate once. Then both write the Examples of its splits
and count what they hold, each in a process of its own, in turn; processor seconds, medians of
rates, and of their ratios in one round.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks.apart import numbers_of
from benchmarks.census_table import write_census
from benchmarks.result import Result, Tell
from lineage_store.cells import let_through
from lineage_store.data import Columns, read_blocks_of, read_headers
from lineage_store.keys import Exclusions, Pseudonyms
from lineage_store.keys.secret import derive
from lineage_store.sources import open_source

SECRET = bytes(range(32))
PARTS = ("written", "counted")


def run(*, quick: bool, tell: Tell) -> Result:
    """Gate the table, and write its Examples both ways."""
    rows, rounds = (2_000, 1) if quick else (50_000, 3)
    found: dict[str, list[dict[str, float]]] = {"own": [], "tfx": []}
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as name:
        folder = Path(name)
        snapshot = gated(folder, rows)
        for number in range(rounds):
            for how, rounds_of in found.items():
                took = numbers_of("one_examples", str(snapshot), how)
                rates = {what: took["examples"] / took[what] for what in PARTS}
                rounds_of.append(rates)
                speeds = ", ".join(f"{what} {rate:,.0f} rows/s" for what, rate in rates.items())
                tell(f"round {number + 1}, {how}: {speeds}")
    pairs = list(zip(found["own"], found["tfx"], strict=True))
    ratios = {
        what: statistics.median(own[what] / tfx[what] for own, tfx in pairs) for what in PARTS
    }
    medians = {
        how: {what: statistics.median(one[what] for one in rounds_of) for what in PARTS}
        for how, rounds_of in found.items()
    }
    return Result(
        title="From gated rows to tf.Examples and their statistics",
        columns=("", "TFX, rows a second", "unweave, rows a second", "times"),
        rows=[
            (
                what,
                f"{medians['tfx'][what]:,.0f}",
                f"{medians['own'][what]:,.0f}",
                f"{ratios[what]:.1f}",
            )
            for what in PARTS
        ],
        notes=[f"{rows:,} rows of 42 columns; rounds: {rounds}."],
        numbers={"rates": found, "ratios": ratios, "rows": rows},
    )


def gated(folder: Path, rows: int) -> Path:
    """Write a census and pass it through the gate; return the snapshot's folder."""
    file, keys = folder / "census.csv", derive(SECRET)
    write_census(file, rows)
    columns = Columns(label="label", subjects=("person",))
    header = read_headers([open_source(file)], columns)
    blocks = read_blocks_of(
        [open_source(file)],
        columns=columns,
        header=header,
        keys=keys,
        pseudonyms=Pseudonyms(folder / "pseudonyms.sqlite", keys),
        exclusions=Exclusions(),
        temporary=folder,
    )
    return let_through(blocks, header.roles, folder=folder / "snapshot").folder
