"""How fast the gate lets rows through, beside the gates by rows of two commits, and its parts.

Two tables in the shape of a census: 42 columns, where every row is another person's, and 9 columns,
where a person has ten. Beside them the parts that no gate can do without: reading the file with
pyarrow.csv, and one HMAC of each row's text and one of its person. Each in a process of its own,
one thread; seconds are the processor's, with those of the system, without imports.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.apart import ROOT, numbers_of
from benchmarks.census_table import CENSUS, Shape, write_census
from benchmarks.result import Result, Tell

FIRST = "961ed0aa4629df69abc0f6e1b5248cb35e20d295"
BY_ROWS = "6d0e59333b8dd04e7ac903e38fcc0bd56f7d769c"
GOAL = 8
TABLES = {"42 columns": (CENSUS, 150_000), "9 columns": (Shape(3, 4, 10), 1_500_000)}
OLD_GATE = """
import json, sys, time
from pathlib import Path
try:
    from lineage_store.cells.gate import let_through
    from lineage_store.data.csv_source import Columns, read_header, read_records
    from lineage_store.keys.exclusions import Exclusions
    from lineage_store.keys.pseudonyms import Pseudonyms
    from lineage_store.keys.secret import derive
    more = {"exclusions": Exclusions()}
except ImportError:
    from lineage_store.csv_source import Columns, Dropped, read_header, read_records
    from lineage_store.gate import let_through
    from lineage_store.keys import derive
    from lineage_store.pseudonyms import Pseudonyms
    more = {"excluded": frozenset(), "dropped": Dropped()}
file, folder = map(Path, sys.argv[1:])
keys = derive(bytes(range(32)))
columns = Columns("label", ("person",))
began = time.process_time()
header = read_header(file, columns)
pseudonyms = Pseudonyms(folder / "pseudonyms.sqlite", keys)
records = read_records([file], columns=columns, header=header, keys=keys, pseudonyms=pseudonyms,
                       temporary=folder, **more)
if "exclusions" in more:
    snapshot = let_through(records, header.roles, folder=folder / "snapshot")
else:
    snapshot = let_through(
        records, features=header.features, label="label", folder=folder / "snapshot")
pseudonyms.commit()
print(json.dumps({"seconds": time.process_time() - began, "rows": sum(snapshot.rows.values()),
                  "data_digest": snapshot.data_digest}))
"""


def run(*, quick: bool, tell: Tell) -> Result:
    """Pass both tables through all gates, and time the parts."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as name:
        folder = Path(name)
        old = {which: _old_code(folder / which[:7], which) for which in (FIRST, BY_ROWS)}
        for table, (shape, rows) in TABLES.items():
            file = folder / "census.csv"
            count = rows // 50 if quick else rows
            write_census(file, count, shape=shape)
            took = {"first": _old(old[FIRST], file), "by rows": _old(old[BY_ROWS], file)}
            for part in ("gate", "first pass", "pyarrow.csv", "HMAC"):
                took[part] = numbers_of("one_gate", part, str(file))
            rates = {part: count / one["seconds"] for part, one in took.items()}
            same = {took[part]["data_digest"] for part in ("first", "by rows", "gate")}
            found[table] = {
                "rows": count,
                "rates": rates,
                "same": len(same) == 1,
                "peak_mib": took["gate"]["peak_mib"],
            }
            tell(f"{table}: " + ", ".join(f"{part} {rate:,.0f}" for part, rate in rates.items()))
    return Result(
        title="The gate, rows a second of processor time",
        columns=(
            "table", "rows", "961ed0a", "by rows", "by blocks", "times", "up to its first pass",
            "pyarrow.csv alone", "two HMACs alone", "peak MiB", "data",
        ),
        rows=[
            (
                table,
                f"{one['rows']:,}",
                *(f"{one['rates'][part]:,.0f}" for part in ("first", "by rows", "gate")),
                f"{one['rates']['gate'] / one['rates']['by rows']:.1f}",
                *(f"{one['rates'][part]:,.0f}" for part in ("first pass", "pyarrow.csv", "HMAC")),
                f"{one['peak_mib']:,.0f}",
                "the same" if one["same"] else "NOT THE SAME",
            )
            for table, one in found.items()
        ],
        notes=[f"Goal: {GOAL} times the gate by rows."],
        numbers=found,
    )  # fmt: skip


def _old(code: Path, file: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        done = subprocess.run(
            [sys.executable, "-c", OLD_GATE, str(file), folder],
            capture_output=True,
            text=True,
            check=True,
            cwd=code,
            env={**os.environ, "PYTHONPATH": str(code)},
        )
    took: dict[str, Any] = json.loads(done.stdout)
    return took


def _old_code(folder: Path, commit: str) -> Path:
    folder.mkdir()
    packed = folder / "code.tar"
    subprocess.run(
        ["git", "-C", ROOT, "archive", "-o", packed, commit, "lineage_store"], check=True
    )
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    packed.unlink()
    return folder
