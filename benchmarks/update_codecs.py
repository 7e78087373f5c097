"""What recorded updates take: bytes, time and error by codec, and checkpoints to regenerate them.

A perceptron 784-256-256-10 is trained on MNIST under Adam, in a process of its own on one thread
(`one_codecs` says what is measured), and its updates are encoded by each codec. *Subtracted* are
the updates of all batches that saw any of ten rows: the error is that of their sum, and of the
weights less it, relative to the exact differences.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import mnist
from benchmarks.apart import numbers_of
from benchmarks.chart import Axis, Series, line_chart
from benchmarks.one_codecs import ALONE
from benchmarks.result import Result, Tell
from lineage_store.placement import Partition

INTERVALS = (10, 25, 50, 100, 200, 400)
FIGURE = "update-storage.svg"
GOAL = 0.04


def run(*, quick: bool, tell: Tell) -> Result:
    """Train, encode and regenerate."""
    if (why := mnist.missing()) is not None:
        return Result(title="Recorded updates", notes=[why])
    partition = Partition(shards=1, slices=1, epochs=1 if quick else 5, batch_size=128, seed=0)
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        store = mnist.write_store(
            Path(folder) / "rows", partition, limit=6_000 if quick else 60_000
        )
        module = Path(folder) / "perceptron.py"
        module.write_text(mnist.MODULE, encoding="utf-8")
        asked = {
            "store": str(store.folder),
            "module": str(module),
            "partition": asdict(partition),
            "intervals": [10, 20] if quick else list(INTERVALS),
        }
        tell("training twice, encoding, regenerating")
        found = numbers_of("one_codecs", json.dumps(asked))
    rows = [
        (
            name,
            f"{one['bytes']:.2f}",
            f"{one['encode']:.2f}",
            f"{one['decode']:.2f}",
            "-" if one["update_error"] is None else f"{one['update_error']:.1e}",
            "-" if one["sum_error"] is None else f"{one['sum_error']:.1e}",
            "-" if one["weights_error"] is None else f"{one['weights_error']:.1e}",
        )
        for name, one in found["codecs"].items()
    ]
    notes = [
        f"{found['steps']:,} steps of {found['parameters']:,} parameters, of which "
        f"{found['measured']} were encoded; {found['subtracted']} updates subtracted. Milliseconds "
        f"are medians.",
        *(
            f"Regenerated, a checkpoint every {one['every']} steps: {one['share']:.4f} of the "
            f"dense float32 updates on disk; {one['replayed']:.1f} steps and "
            f"{one['milliseconds']:.0f} ms for an update alone (median; at most {one['every']})."
            for one in found["regenerated"]
        ),
        f"Goal: at most {GOAL} of the dense updates, at most 100 steps an update.",
    ]
    return Result(
        title="Recorded updates",
        columns=(
            "codec",
            "bytes a parameter",
            "encode ms",
            "decode ms",
            "error of an update",
            "of the sum",
            "of the weights",
        ),
        rows=rows,
        notes=notes,
        numbers=found,
        figures={FIGURE: figure(found["regenerated"])},
    )


def figure(found: list[dict[str, Any]]) -> bytes:
    """Draw what checkpoints take on disk against the steps that an update takes again."""
    on_disk = [one["share"] for one in found]
    steps = [one["every"] for one in found] + [one["replayed"] for one in found]
    shares = (0.002, 0.005, 0.01, 0.02, 0.04, 0.1, 0.2, 0.5, 1.0, 2.0)
    counts = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    return line_chart(
        "Storage against replay, to compute updates again",
        x=Axis(
            "checkpoints on disk, as a share of the dense float32 updates",
            tuple((tick, f"{tick:g}") for tick in around(on_disk, shares)),
            log=True,
        ),
        y=Axis(
            "steps taken again for one update",
            tuple((tick, f"{tick:g}") for tick in around(steps, counts)),
            log=True,
        ),
        series=[
            Series("at most: the interval K", tuple((o["share"], o["every"]) for o in found)),
            Series(
                f"median of {ALONE} updates, each alone",
                tuple((o["share"], o["replayed"]) for o in found),
                line=False,
            ),
        ],
    )


def around(values: Sequence[float], ticks: Sequence[float]) -> list[float]:
    """Return the ticks from the last that is not above all values to the first not below them."""
    low = max(tick for tick in ticks if tick <= min(values))
    high = min(tick for tick in ticks if tick >= max(values))
    return [tick for tick in ticks if low <= tick <= high]
