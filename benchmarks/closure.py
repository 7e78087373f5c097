"""The closure of a lineage of a million edges in memory: seconds and memory, beside networkx's.

Each side builds the same graph from the same generator in a process of its own (`one_closure` says
what it looks like), once with wide fans and once with long chains. `asked` is one closure down, one
up and one path together. The answers of both sides must be the same.
"""

from typing import Any

from benchmarks.apart import numbers_of
from benchmarks.result import Result, Tell

SHAPES = {"fans of 1,000": 1000, "chains": 1}
LIMIT = 2 << 30


def run(*, quick: bool, tell: Tell) -> Result:
    """Measure both sides on both shapes; raises RuntimeError if their answers differ."""
    edges = 20_000 if quick else 1_000_000
    rows, numbers = [], {}
    for shape, width in SHAPES.items():
        sides = {side: _apart(side, edges, width) for side in ("ours", "networkx")}
        if sides["ours"]["found"] != sides["networkx"]["found"]:
            raise RuntimeError(f"The sides disagree on {shape}: {sides}.")
        for side, found in sides.items():
            tell(f"{shape}, {side}: built in {found['build']:.2f} s, asked in {found['ask']:.3f} s")
            rows.append(
                (
                    shape,
                    side,
                    f"{edges:,}",
                    f"{found['build']:.2f}",
                    f"{found['ask']:.3f}",
                    f"{found['peak'] / 2**20:,.0f}",
                )
            )
        numbers[shape] = sides
    return Result(
        title="Closure in memory",
        columns=("shape", "side", "edges", "built s", "asked s", "peak MiB"),
        rows=rows,
        notes=[f"Goal: a closure under 1 s, and under {LIMIT >> 20:,} MiB resident."],
        numbers={"edges": edges, "shapes": numbers},
    )


def _apart(side: str, edges: int, width: int) -> dict[str, Any]:
    return numbers_of("one_closure", side, str(edges), str(width))
