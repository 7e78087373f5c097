"""Who else may be meant, among a million subjects: asked of the index, without any file.

A workspace is made up in which every subject has one row in one model, and every thousandth is
there in three spellings. Timed are the whole question (the store opened, the digest looked up, the
spellings opened, their rows counted), the drawing of pseudonyms with their spellings, and the file.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.lineage_scale import digest, timed, write_model
from benchmarks.result import Result, Tell
from lineage_store.data.record import TRAIN, Record
from lineage_store.index import models, row_index
from lineage_store.index.database import reading_index, writing_index
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.questions.alike import other_spellings
from lineage_store.workspace.folder import Workspace, writing

EVERY, ASKED = 1000, 200
GOAL = "milliseconds"


def run(*, quick: bool, tell: Tell) -> Result:
    """Make the workspace, and ask."""
    subjects = 5_000 if quick else 1_000_000
    with (
        tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder,
        writing(Path(folder) / "workspace", create=True) as workspace,
    ):
        began = time.perf_counter()
        known = drawn(workspace, subjects)
        drawing = time.perf_counter() - began
        size = workspace.pseudonym_file.stat().st_size
        tell(f"drawn: {drawing:.0f} s")
        build(workspace, known)
        times = ask(workspace, subjects)
    lines = [
        (name, f"{one['median']:.2f} ms", f"{one['p95']:.2f} ms", GOAL)
        for name, one in times.items()
    ]
    return Result(
        title="Other spellings",
        columns=("question", "median", "95th percentile", "goal"),
        rows=[
            *lines,
            ("a pseudonym drawn, with its spelling", f"{drawing / subjects * 1e6:.0f} µs", "", ""),
            ("the file of them, a subject", f"{size / subjects:.0f} bytes", "", ""),
        ],
        notes=[f"{subjects:,} subjects, of whom every {EVERY:,}th is there in three spellings."],
        numbers={"times": times, "drawing": drawing, "bytes": size, "subjects": subjects},
    )


def names(subjects: int) -> Iterator[str]:
    """Yield the ids; one of each thousand is followed by two other spellings of it."""
    for number in range(subjects):
        yield f"Anna Müller {number}"
        if number % EVERY == 0:
            yield f"MUELLER, ANNA {number}"
            yield f"anna muller {number:09}"


def drawn(workspace: Workspace, subjects: int) -> list[bytes]:
    """Draw a pseudonym for each id, as the gate does."""
    with closing(Pseudonyms(workspace.pseudonym_file, workspace.keys())) as pseudonyms:
        found = [pseudonyms.get(name) for name in names(subjects)]
        pseudonyms.commit()
    return found


def build(workspace: Workspace, known: list[bytes]) -> None:
    """Give each pseudonym one row of one model."""
    rows = (
        Record(made[:16], (one,), made[16:], TRAIN, [])
        for one, made in ((one, digest(b"row", number)) for number, one in enumerate(known))
    )
    with writing_index(workspace) as connection, connection:
        row_index.ingest(connection, 1, rows, total=len(known), temporary=workspace.temporary)
        models.register(connection, write_model(workspace, 1, 1000))


def ask(workspace: Workspace, subjects: int) -> dict[str, dict[str, float]]:
    """Ask again and again, and return the times in milliseconds."""
    keys = workspace.keys()
    step = max(1, subjects // ASKED)
    with reading_index(workspace) as connection:

        def of(name: str) -> int:
            return len(other_spellings(connection, workspace, keys, [name]).spellings)

        spelled = [f"ANNA MULLER {number}" for number in range(0, subjects, EVERY)][:ASKED]
        assert {of(name) for name in spelled} == {3}, "or nothing is measured"
        known = [f"Anna Müller {number}" for number in range(1, subjects, step)]
        strangers = [f"Nobody {number}" for number in range(ASKED)]
        return {
            "of one who is there in three other spellings": timed(
                [lambda name=name: of(name) for name in spelled]
            ),
            "of one who is there as asked": timed([lambda name=name: of(name) for name in known]),
            "of a stranger": timed([lambda name=name: of(name) for name in strangers]),
        }
