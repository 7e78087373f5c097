"""What a deletion costs in MLMD and in the log after few past models, and after many.

One line of models made by hand (`past_models`): ten shards of one stage, of which each deletion
trains one again, 1,000 steps. Every model's units go into MLMD through unweave's own ingest. Then,
after 10, 100 and 1,000 past models, the same parts of a deletion are timed, processor seconds:

    look       what is live downstream of the data, and gets a verdict
    recorded   whether the event log, under its signed head, has the ledger
    ingest     the new units go into MLMD, what ended is marked, the deletion is an event
    catch up   whether MLMD lacks anything of the models and deletions before
    log        three events, one after the other, each with a signed head
    status     how the workspace stands

Medians over five deletions; the last columns tell how many times the first they are.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.past_models import TIME, PastModels
from benchmarks.result import Result, Tell
from lineage_store.index import logging_events, reading_index
from lineage_store.ledger import open_ledger
from lineage_store.log import DeletionAsked, events
from lineage_store.questions.status import status
from lineage_store.workspace.folder import Workspace, writing
from pipelines.backends.tfx_local import TfxBackend
from unlearning.registry import must_be_recorded

ROUNDS = 5
SHARDS = 10

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Let the past grow, and time a few deletions on the way."""
    counts, steps, rounds = ((2, 6), 20, 1) if quick else ((10, 100, 1_000), 1_000, ROUNDS)
    found: dict[int, dict[str, float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder,
        writing(Path(folder) / "workspace", create=True) as workspace,
    ):
        past = PastModels(workspace, shards=SHARDS, steps=steps)
        past.train()
        made, backend = 0, TfxBackend()
        for count in counts:
            for number in range(made, count - rounds):
                backend.record_deletion(past.job(past.forget({number % SHARDS: 0})))
            turns = [one_deletion(past, backend, turn % SHARDS) for turn in range(rounds)]
            made = count
            found[count] = {
                name: statistics.median(turn[name] for turn in turns) for name in turns[0]
            }
            tell(f"{count:,} past models: {sum(found[count].values()):.2f} s a deletion")
    first = found[counts[0]]
    return Result(
        title="What a deletion costs after a long past, processor seconds",
        columns=(
            "part", *(f"{count:,} past models" for count in counts),
            *(f"{count:,} over {counts[0]:,}" for count in counts[1:]),
        ),
        rows=[
            (
                name,
                *(f"{found[count][name]:.4f}" for count in counts),
                *(f"{found[count][name] / first[name]:.2f}" for count in counts[1:]),
            )
            for name in first
        ],
        notes=[
            f"Shards: {SHARDS}; steps of each model after the first: {steps:,}; steps in MLMD at "
            f"the end: {(counts[-1] + SHARDS) * steps:,}. Rounds: {rounds}; medians.",
        ],
        numbers={"seconds": {str(count): each for count, each in found.items()}},
    )  # fmt: skip


def one_deletion(past: PastModels, backend: TfxBackend, shard: int) -> dict[str, float]:
    """Time the parts of one deletion, in their order."""
    workspace, old = past.workspace, past.newest()
    ledger = open_ledger(workspace.absolute(old.paths["ledger"]))
    took = {"look": seconds(lambda: backend.descendants(workspace, old))}
    with reading_index(workspace) as connection:
        took["recorded"] = seconds(lambda: must_be_recorded(workspace, connection, old, ledger))
    request = past.forget({shard: 0})
    took["ingest"] = seconds(lambda: backend.record_deletion(past.job(request)))
    took["catch up"] = seconds(lambda: backend.catch_up(workspace))
    took["log"] = seconds(lambda: log_thrice(workspace))
    with reading_index(workspace) as connection:
        took["status"] = seconds(lambda: status(connection, workspace, time=TIME))
    return took


def log_thrice(workspace: Workspace) -> None:
    """Append three events as three commands would."""
    for _ in range(3):
        with logging_events(workspace) as log:
            events.append(log, DeletionAsked("r0", "0" * 64), time=TIME)


def seconds(call: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began
