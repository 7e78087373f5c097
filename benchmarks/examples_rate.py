"""How fast gated rows become tf.Examples, beside TFX's CsvExampleGen on the same files.

A table in the shape of a census passes the gate once. Then both write the Examples of its training
split, each in a process of its own, in turn; processor seconds, medians of the ratios of one round.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks.apart import numbers_of
from benchmarks.census_table import write_census
from benchmarks.result import Result, Tell
from lineage_store.data import Columns, Exclusions, let_through, read_headers, read_records
from lineage_store.keys import Pseudonyms
from lineage_store.keys.secret import derive

SECRET = bytes(range(32))


def run(*, quick: bool, tell: Tell) -> Result:
    """Gate the table, and write its Examples both ways."""
    rows, rounds = (2_000, 1) if quick else (50_000, 3)
    rates: dict[str, list[float]] = {"own": [], "tfx": []}
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as name:
        folder = Path(name)
        snapshot = gated(folder, rows)
        for number in range(rounds):
            for how, found in rates.items():
                took = numbers_of("one_examples", str(snapshot), how)
                found.append(took["examples"] / took["seconds"])
                tell(f"round {number + 1}, {how}: {found[-1]:,.0f} rows/s")
    ratio = statistics.median(a / b for a, b in zip(rates["own"], rates["tfx"], strict=True))
    return Result(
        title="From gated rows to tf.Examples",
        columns=("by", "rows a second"),
        rows=[
            ("GatedExampleGen", f"{statistics.median(rates['own']):,.0f}"),
            ("CsvExampleGen", f"{statistics.median(rates['tfx']):,.0f}"),
        ],
        notes=[f"{rows:,} rows of 42 columns. Times as fast: {ratio:.1f}."],
        numbers={"rates": rates, "ratio": ratio, "rows": rows},
    )


def gated(folder: Path, rows: int) -> Path:
    """Write a census and pass it through the gate; return the snapshot's folder."""
    file, keys = folder / "census.csv", derive(SECRET)
    write_census(file, rows)
    columns = Columns(label="label", subjects=("person",))
    header = read_headers([file], columns)
    records = read_records(
        [file],
        columns=columns,
        header=header,
        keys=keys,
        pseudonyms=Pseudonyms(folder / "pseudonyms.sqlite", keys),
        exclusions=Exclusions(),
        temporary=folder,
    )
    return let_through(records, header.roles, folder=folder / "snapshot").folder
