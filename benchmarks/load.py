"""A thousand requests in one evening: diabetes130, the queue, one run, a certificate for each one.

101,766 hospital encounters of 71,518 patients; the built-in model, 10 shards of 5 slices, 2 epochs,
batches of 128 (6,000 encounters and 40 requests with --quick). Of the requests 1 in 100 names a
patient who is not there, and 1 in 100 repeats an earlier one. Each is added by itself; then all
that wait run together, are erased and certified, and every certificate is verified. Phases are
processes of their own: seconds, requests a second, peak memory. Nothing may be lost: each request
ends as done or as nothing found.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.apart import numbers_of
from benchmarks.diabetes130 import FILE, LABEL, ROW_ID, SEED, SHARDS, SLICES, SUBJECT, write_table
from benchmarks.result import Result, Tell

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Train, add the requests, run them."""
    title = "A thousand requests in one evening, diabetes130"
    if not FILE.exists():
        return Result(title, notes=[f"Skipped: it needs {FILE.name} in {FILE.parent}."])
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        table, workspace = Path(folder) / "encounters.csv", str(Path(folder) / "workspace")
        patients = write_table(table, limit=6_000 if quick else None)
        ids = requests(patients, 40 if quick else 1_000)
        train = {
            "csv": str(table),
            "label": LABEL,
            "subject": SUBJECT,
            "row_id": ROW_ID,
            "shards": SHARDS,
            "slices": SLICES,
            "epochs": 2,
            "batch_size": 128,
        }
        found = {}
        for phase, more in (("train", {"train": train}), ("add", {"ids": ids}), ("run", {})):
            asked = {"workspace": workspace, "phase": phase, **more}
            found[phase] = numbers_of("one_load", json.dumps(asked))
            tell(f"{phase}: {found[phase]['seconds']:.1f} s")
    states = found["run"]["states"]
    lost = len(ids) - found["add"]["duplicates"] - states["done"] - states["nothing found"]
    return Result(
        title=title,
        columns=("phase", "what", "s", "a second", "peak MiB"),
        rows=[
            line("train", f"{found['train']['rows']:,} rows", found["train"]["rows"], found),
            line("add", f"{len(ids):,} requests", len(ids), found),
            line("run", f"{states['done']:,} requests in {found['run']['runs']}", len(ids), found),
        ],
        notes=[
            f"Ended: {states}; repeated ones {found['add']['duplicates']}; lost {lost}; left "
            f"unfinished {len(found['run']['unfinished'])}.",
            f"Certificates of one person: {found['run']['certificates']:,}; verified, with those "
            f"of the runs: {found['run']['verified']:,}.",
        ],
        numbers=found | {"lost": lost},
    )


def requests(patients: list[str], count: int) -> list[str]:
    """Draw the ids of the requests: one in 100 is nobody's, and one in 100 a repetition."""
    order = np.random.default_rng(SEED).permutation(len(patients)).tolist()
    ids = [patients[order.pop()] for _ in range(count)]
    step = min(100, count // 2)
    for place in range(step - 1, count, step):
        ids[place] = f"nobody-{place}"
        ids[place - 1] = ids[place - 2]
    return ids


def line(phase: str, what: str, count: int, found: Numbers) -> tuple[str, ...]:
    """Return a line of the table."""
    one = found[phase]
    return (
        phase,
        what,
        f"{one['seconds']:.1f}",
        f"{count / one['seconds']:,.1f}",
        f"{one['peak_kib'] / 1024:,.0f}",
    )
