"""Forgetting 1, 10 and 100 patients of diabetes130: cost, time, accuracy.

101,766 hospital encounters of 71,518 patients (Strack et al. 2014), read from
../shared/data/diabetes130. Patients are the subjects and encounters the row ids, so no id is a
feature; the other 47 columns are, as they are. The label is whether the patient was admitted
again at all. The built-in tabular model, 10 shards of 5 slices, 6 epochs, batches of 128 (the first
6,000 encounters and 3 epochs with --quick). A tenth of the rows, by their keys, is for evaluation.

Training and then three requests one after the other, of 1, 10 and 100 patients drawn evenly with a
fixed seed, no patient twice; each is one request with that many subjects, and starts from the model
that the last one left. All run through the Python API, each in a process of its own: gate, plan,
retraining, checks, erasure, scan of the disk and certificate (`one_project` names the parts).

    steps, of all      recomputed, against all that training on the remaining rows would take
    training s, of all the time of these steps, against the training of the same run
    command s          the whole command without imports
"""

import csv
import gzip
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mnist, theory
from benchmarks.apart import ROOT, numbers_of
from benchmarks.one_unlearning import training_seconds
from benchmarks.result import Result, Tell
from lineage_store.keys.secret import create_secret

FILE = ROOT.parent / "shared" / "data" / "diabetes130" / "diabetic_data.csv.gz"
SUBJECT, ROW_ID, LABEL = "patient_nbr", "encounter_id", "readmitted"
PATIENTS = (1, 10, 100)
SHARDS, SLICES, SEED = 10, 5, 0
PARTS = ("gate", "planning", "encoding", "tracing", "steps", "evaluating", "exporting", "erasing")

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Train, forget three times, and tell what each cost."""
    title = "Forgetting patients of diabetes130"
    if not FILE.exists():
        return Result(title, notes=[f"Skipped: it needs {FILE.name} in {FILE.parent}."])
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        table, workspace = Path(folder) / "encounters.csv", str(Path(folder) / "workspace")
        key_file = Path(folder) / "key"  # a fixed secret: the same rows in the same places
        create_secret(key_file, mnist.SECRET)
        patients = write_table(table, limit=6_000 if quick else None)
        asked = {
            "csv": str(table),
            "label": LABEL,
            "subject": SUBJECT,
            "row_id": ROW_ID,
            "shards": SHARDS,
            "slices": SLICES,
            "epochs": 3 if quick else 6,
            "batch_size": 128,
            "seed": SEED,
            "key_file": str(key_file),
        }
        full = numbers_of("one_project", json.dumps({"workspace": workspace, "train": asked}))
        tell(f"train: {full['seconds']:.1f} s, {full['steps']:,} steps")
        done = []
        for chosen in drawn(patients):
            request = json.dumps({"workspace": workspace, "forget": chosen})
            found = numbers_of("one_project", request)
            tell(f"forget {len(chosen)}: {found['seconds']:.1f} s")
            done.append(compared(found, full, len(chosen)))
    return Result(
        title=title,
        columns=(
            "command",
            "rows",
            "shards",
            "steps",
            "of all",
            "expected",
            "training s",
            "of all",
            "command s",
            "accuracy",
            "majority",
            "AUC",
        ),
        rows=[trained(full), *(forgotten(one) for one in done)],
        notes=[
            f"{full['rows']:,} rows of {len(patients):,} patients, {full['evaluation_rows']:,} of "
            f"them for evaluation. Expected: `benchmarks/theory.py`, for one row a patient.",
            f"Seconds of training, then of each request: {parts([full, *done])}.",
        ],
        numbers={"train": full, "forget": done},
    )


def write_table(file: Path, *, limit: int | None) -> list[str]:
    """Write the table with a label of two classes; return the patients' numbers, sorted."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    rows, label = rows[:limit], header.index(LABEL)
    for row in rows:
        row[label] = "no" if row[label] == "NO" else "yes"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    subject = header.index(SUBJECT)
    return sorted({row[subject] for row in rows})


def drawn(patients: list[str], counts: Sequence[int] = PATIENTS) -> list[list[str]]:
    """Draw the patients of each request, none twice."""
    order = np.random.default_rng(SEED).permutation(len(patients)).tolist()
    return [[patients[order.pop()] for _ in range(count)] for count in counts]


def compared(found: Numbers, full: Numbers, patients: int) -> Numbers:
    """Add to a request's numbers its cost against the full training."""
    seconds = training_seconds(found | {"computed": found["steps_recomputed"]})
    return found | {
        "patients": patients,
        "steps_share": found["steps_recomputed"] / found["steps_full"],
        "expected": theory.together(patients, shards=SHARDS, slices=SLICES),
        "training": seconds,
        "time_share": seconds / full["parts"]["steps"],
    }


def parts(commands: list[Numbers]) -> str:
    """Tell the times of the commands' parts."""
    return "; ".join(
        f"{part} {', '.join(format(one['parts'].get(part, 0.0), '.1f') for one in commands)}"
        for part in PARTS
    )


def trained(full: Numbers) -> tuple[str, ...]:
    """Return the training's line of the table."""
    return (
        "train",
        f"{full['rows']:,}",
        str(SHARDS),
        f"{full['steps']:,}",
        "100.0%",
        "",
        f"{full['parts']['steps']:.2f}",
        "100.0%",
        *ending(full),
    )


def forgotten(one: Numbers) -> tuple[str, ...]:
    """Return a request's line of the table."""
    return (
        f"forget {one['patients']:,}",
        f"{one['rows_found']:,}",
        str(len(one["affected_shards"])),
        f"{one['steps_recomputed']:,}",
        f"{one['steps_share']:.1%}",
        f"{one['expected']:.1%}",
        f"{one['training']:.2f}",
        f"{one['time_share']:.1%}",
        *ending(one),
    )


def ending(found: Numbers) -> tuple[str, ...]:
    """Return what the lines of training and of requests have in common."""
    return (
        f"{found['seconds']:.1f}",
        f"{found['accuracy']:.4f}",
        f"{found['majority']:.4f}",
        f"{found['auc']:.4f}",
    )
