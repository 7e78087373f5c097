"""The lineage store at scale: rows, models and steps made up, and questions asked of them.

    ingest      one snapshot of ten million rows of a million subjects into an empty row index
    questions   a workspace of 1,000 models, each with 10,000 rows of its own (ten million rows of a
                million subjects in all) and a ledger of 1,000 steps; one subject has 500 rows in
                one model, which was trained for 20 epochs
    command     `unweave trace subject` as a whole process against `python -c "import ml_metadata"`

Each stands in a process of its own, so that its peak memory can be told. Nothing is trained: keys,
places and losses are made up, but go through the same functions as real ones.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.apart import ROOT, numbers_of
from benchmarks.handmade import plain_header
from benchmarks.result import Result, Tell
from lineage_store.data.record import TRAIN, Record
from lineage_store.index import models, row_index
from lineage_store.index.database import open_index, reading_index, writing_index
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import ShardLedger, shard_folder, write_header
from lineage_store.placement import Partition, schedule
from lineage_store.questions import as_of as history
from lineage_store.questions import traces as questions
from lineage_store.workspace.folder import Workspace, open_workspace, writing

SUBJECT_ROWS = 500
SPECIAL = "the subject with many rows"
PARTITION = Partition(shards=1, slices=1, epochs=20, batch_size=200, seed=0)
GOALS = {"models of a subject": 50, "trace a subject": 200}

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Build the stores, ask, and compare with the goals."""
    rows, subjects, count = (100_000, 10_000, 10) if quick else (10_000_000, 1_000_000, 1_000)
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        size = {"rows": rows, "subjects": subjects, "models": count, "folder": folder}
        found: Numbers = {}
        for part in ("ingest", "build", "ask"):
            found[part] = apart(part, size)
            tell(f"{part}: {found[part]['seconds']:.1f} s, {found[part]['peak_mib']:.0f} MiB")
        found["command"] = command(Path(folder) / "workspace", turns=3 if quick else 15)
    ingest, ask, whole = found["ingest"], found["ask"], found["command"]
    lines = [
        ("rows ingested in one snapshot", f"{rows:,}", "", ""),
        ("  seconds", f"{ingest['seconds']:.0f}", "", ""),
        ("  rows a second", f"{rows / ingest['seconds']:,.0f}", "", ""),
        ("  peak memory, MiB", f"{ingest['peak_mib']:.0f}", "", ""),
        ("  index, MiB", f"{ingest['mib']:.0f}", "", ""),
    ]
    for name, times in ask["times"].items():
        goal = f"{GOALS[name]} ms at the 95th percentile" if name in GOALS else ""
        lines.append((name, f"{times['median']:.1f} ms", f"{times['p95']:.1f} ms", goal))
    lines.append(
        ("`unweave trace` over `import ml_metadata`", f"{whole['ratio']:.2f}",
         f"{whole['trace']:.2f} s, {whole['bare']:.2f} s", "at most 2")
    )  # fmt: skip
    return Result(
        title="The lineage store at scale",
        columns=("what", "median", "95th percentile", "goal"),
        rows=lines,
        notes=[
            f"Questions are asked of {count:,} models, {rows:,} rows, {subjects:,} subjects and "
            f"{ask['steps']:,} steps, warm; the one traced has {SUBJECT_ROWS} rows and "
            f"{PARTITION.epochs} epochs.",
        ],
        numbers=found,
    )


def apart(part: str, size: Numbers) -> Numbers:
    """Run a part in a process of its own."""
    return numbers_of("lineage_scale", part, json.dumps(size))


def digest(kind: bytes, number: int) -> bytes:
    """Return 24 bytes that stand for a keyed digest."""
    return blake2b(b"%s %d" % (kind, number), digest_size=24).digest()


def records(first: int, last: int, subjects: int) -> Iterator[Record]:
    """Make rows; each has one subject, drawn evenly."""
    for number in range(first, last):
        made = digest(b"row", number)
        subject = digest(b"subject", int.from_bytes(made[:4], "big") % subjects)[:16]
        yield Record(made[:16], (subject,), made[16:], TRAIN, [])


def ingest(folder: Path, *, rows: int, subjects: int) -> Numbers:
    """Ingest one snapshot into an empty index."""
    with closing(open_index(folder / "one.sqlite")) as connection, connection:
        row_index.ingest(connection, 1, records(0, rows, subjects), total=rows, temporary=folder)
    return {"mib": sum(f.stat().st_size for f in folder.glob("one.sqlite*")) / 2**20}


def build(folder: Path, *, rows: int, subjects: int, count: int) -> Numbers:
    """Make the workspace that questions are asked of."""
    each = rows // count
    with writing(folder / "workspace", create=True) as workspace:
        pseudonyms = Pseudonyms(workspace.pseudonym_file, workspace.keys())
        special = pseudonyms.get(SPECIAL)
        pseudonyms.commit()
        pseudonyms.close()
        with writing_index(workspace) as connection:
            for number in range(1, count + 1):
                mine = list(records((number - 1) * each, number * each, subjects))
                if number == count // 2:
                    mine[:SUBJECT_ROWS] = [
                        Record(r.row_key, (special,), r.place, r.split, [])
                        for r in mine[:SUBJECT_ROWS]
                    ]
                with connection:
                    row_index.ingest(
                        connection, number, mine, total=each, temporary=workspace.temporary
                    )
                    models.register(connection, write_model(workspace, number, each))
    return {}


def write_model(workspace: Workspace, number: int, rows: int) -> models.ModelRecord:
    """Write a ledger as a training run leaves it, and return the model's record."""
    folder = workspace.pipeline_root / f"train-m{number}" / "ledger"
    (stage,) = schedule([rows], PARTITION)
    steps = [
        StepRecord(stage.position(epoch=epoch, batch=batch), epoch, batch, 200, "0" * 64, 0.5)
        for epoch in range(stage.epochs)
        for batch in range(stage.batches)
    ]
    record = StageRecord(
        shard=0, stage=0, rows=rows, epochs=stage.epochs, batches=stage.batches,
        first_position=0, steps=len(steps), rows_digest="", checkpoint_digest="",
        steps_digest="", model=f"m{number}", seconds=1.0,
    )  # fmt: skip
    state = {"weights/0000": np.zeros(10, np.float32)}
    ShardLedger(shard_folder(folder, 0)).write_stage(record, steps, state)
    write_header(folder, plain_header(PARTITION, model=f"m{number}"))
    return models.ModelRecord(
        id=f"m{number}", family=f"m{number}", snapshot=number, state="live",
        created="2026-01-01T00:00:00+00:00", guarantee="trained", weights="",
        ledger="", paths={"ledger": workspace.relative(folder), "pushed": "serving/1"},
        config={"partition": PARTITION.__dict__}, report={"rows": {"train": rows}, "metrics": {}},
    )  # fmt: skip


def ask(workspace: Workspace, *, subjects: int, count: int) -> Numbers:
    """Ask the questions again and again, and return their times in milliseconds."""
    keys = workspace.keys()
    with reading_index(workspace) as connection:
        some = [digest(b"subject", number)[:16] for number in range(0, subjects, subjects // 200)]
        asked = {
            "snapshots of a pseudonym": [
                (lambda one=one: row_index.snapshots_of_subject(connection, one)) for one in some
            ],
            "models of a subject": [
                lambda: history.subject_in_models(
                    connection, workspace, keys, SPECIAL, time=None
                )
            ] * 100,
            "trace a subject": [
                lambda: questions.trace_subject(connection, workspace, keys, SPECIAL)
            ] * 50,
        }  # fmt: skip
        traced = questions.trace_subject(connection, workspace, keys, SPECIAL)["models"]
        assert [one["rows"] for one in traced] == [SUBJECT_ROWS]
        steps = sum(
            stage.steps
            for number in range(1, count + 1)
            for stage in ShardLedger(
                shard_folder(workspace.pipeline_root / f"train-m{number}" / "ledger", 0)
            ).stages()
        )
        return {"times": {name: timed(calls) for name, calls in asked.items()}, "steps": steps}


def timed(calls: list[Any]) -> dict[str, float]:
    """Call each once to warm up and once more, and return milliseconds of the second."""
    calls[0]()
    times = []
    for call in calls:
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return {"median": statistics.median(times), "p95": float(np.quantile(times, 0.95))}


def command(workspace: Path, *, turns: int) -> Numbers:
    """Time the command as a process, taking turns with the bare import of ML Metadata."""
    trace = "import sys; from unweave.cli import main; sys.argv[0] = 'unweave'; main()"
    sides = {
        "trace": ["-c", trace, "trace", "subject", SPECIAL, "--workspace", str(workspace)],
        "bare": ["-c", "import ml_metadata"],
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, arguments in sides.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, cwd=ROOT, check=True)
            times[name].append(time.perf_counter() - began)
    ratios = [a / b for a, b in zip(times["trace"], times["bare"], strict=True)]
    return {
        "ratio": statistics.median(ratios),
        "trace": statistics.median(times["trace"]),
        "bare": statistics.median(times["bare"]),
    }


def main() -> None:
    """Do the part that the first argument names, and print its numbers as JSON."""
    part, size = sys.argv[1], json.loads(sys.argv[2])
    folder = Path(size["folder"])
    began = time.perf_counter()
    if part == "ingest":
        found = ingest(folder, rows=size["rows"], subjects=size["subjects"])
    elif part == "build":
        found = build(folder, rows=size["rows"], subjects=size["subjects"], count=size["models"])
    else:
        workspace = open_workspace(folder / "workspace")
        found = ask(workspace, subjects=size["subjects"], count=size["models"])
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found | {"seconds": seconds, "peak_mib": peak}))


if __name__ == "__main__":
    main()
