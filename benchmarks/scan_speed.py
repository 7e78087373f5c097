"""How fast the residual scan reads, beside that of commit 961ed0a, and that both find the same.

Two folders are scanned for the spellings of one person's values and for her keys: one of text (CSV,
JSON and a log), one of arrays of float32. A third has small files, in half of which one of the
spellings that the old scan knew is planted at random. Each scan runs in a process of its own on one
core. Seconds are the processor's, the least of three runs, less those of a scan of an empty folder,
in which the search is built; those are told beside.
"""

import json
import os
import random
import string
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.apart import ROOT
from benchmarks.result import Result, Tell

OLD = "961ed0aa4629df69abc0f6e1b5248cb35e20d295"
RUNS = 3
GOAL = 8
VALUES = (100, 400)
SCAN = """
import json, sys, time
from pathlib import Path
try:
    from unlearning.erasure.scan import scan_folder
    from unlearning.erasure.spellings import spellings
except ImportError:
    from unlearning.residuals import scan_folder
    from unlearning.tokens import spellings
asked = json.load(sys.stdin)
patterns = sorted({one for text in asked["texts"] for one in spellings(text)})
patterns += [bytes.fromhex(one) for one in asked["keys"]]
patterns += [one.encode() for one in asked["keys"]]
more = {"lengths": [1000, 70_000, 5_000_000]} if "lengths" in scan_folder.__kwdefaults__ else {}
def timed(folder):
    began = time.process_time()
    scan = scan_folder(Path(folder), patterns, digests=["0" * 64], **more)
    return time.process_time() - began, scan
timed(asked["folder"])  # for the disk's cache
building = min(timed(asked["empty"])[0] for _ in range(asked["runs"]))
took, scan = min((timed(asked["folder"]) for _ in range(asked["runs"])), key=lambda one: one[0])
print(json.dumps({"seconds": took - building, "building": building, "bytes": scan.bytes,
                  "patterns": len(patterns),
                  "found": sorted(scan.found), "unread": sorted(scan.unread)}))
"""


def run(*, quick: bool, tell: Tell) -> Result:
    """Write the folders, and scan each with both."""
    size = 1 << (26 if quick else 28)
    draw = random.Random(0)
    rows: list[tuple[str, ...]] = []
    numbers: dict[str, Any] = {}
    notes = [f"{size >> 20} MiB each."]
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as made:
        folder = Path(made)
        old = _old_code(folder / "old")
        tell("writing the folders")
        (folder / "empty").mkdir()
        _write_text(folder / "text", size, draw)
        _write_floats(folder / "floats", size)
        for values in VALUES:
            texts = [make(draw) for make in (_address, _street) for _ in range(values // 2)]
            keys = [draw.randbytes(16).hex() for _ in range(values)]
            asked = {"texts": texts, "keys": keys, "empty": str(folder / "empty"), "runs": RUNS}
            found = {}
            for name in ("text", "floats"):
                tell(f"scanning {name} for {values} values")
                asked["folder"] = str(folder / name)
                found = {"old": _scanned(old, asked), "new": _scanned(ROOT, asked)}
                rate = {which: one["bytes"] / one["seconds"] for which, one in found.items()}
                ratio = rate["new"] / rate["old"]
                numbers[f"{name}, {values} values"] = {"bytes_a_second": rate, "ratio": ratio}
                speeds = (f"{rate[which] / 1e6:.0f}" for which in ("old", "new"))
                rows.append((name, str(values), *speeds, f"{ratio:.1f}"))
            notes.append(
                f"{values} values and as many keys are {found['old']['patterns']:,} patterns then "
                f"and {found['new']['patterns']:,} now; the search is built in "
                f"{found['old']['building']:.2f} s then and {found['new']['building']:.2f} s now."
            )
        planted = _write_fuzzed(folder / "fuzzed", texts, keys, draw)
        asked["folder"] = str(folder / "fuzzed")
        each = [_scanned(code, asked)["found"] for code in (old, ROOT)]
    numbers["same_findings"] = each[0] == each[1] == planted
    same = "the same" if numbers["same_findings"] else "NOT the same"
    notes.append(f"In the fuzzed folder both find {same} {len(planted)} of 400 files.")
    notes.append(f"Goal: {GOAL} times on text.")
    return Result(
        title="The residual scan",
        columns=("folder", "values", "MB/s then", "MB/s now", "times"),
        rows=rows,
        notes=notes,
        numbers=numbers,
    )


def _scanned(code: Path, asked: dict[str, Any]) -> dict[str, Any]:
    one_core = {min(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, "-c", SCAN],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code)},
        preexec_fn=lambda: os.sched_setaffinity(0, one_core),
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _old_code(folder: Path) -> Path:
    folder.mkdir()
    packed = folder / "code.tar"
    names = ("lineage_store", "unlearning")
    subprocess.run(["git", "-C", ROOT, "archive", "-o", packed, OLD, *names], check=True)
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    packed.unlink()
    return folder


def _word(draw: random.Random, least: int = 2, most: int = 10) -> str:
    return "".join(draw.choices(string.ascii_lowercase, k=draw.randint(least, most)))


def _address(draw: random.Random) -> str:
    return f"{_word(draw, 5, 9)}.{_word(draw, 6, 12)}@example.org"


def _street(draw: random.Random) -> str:
    return (
        f"{_word(draw, 4, 8).title()}stra\u00dfe {draw.randint(1, 99)}, {_word(draw, 3, 9).title()}"
    )


def _write_text(folder: Path, size: int, draw: random.Random) -> None:
    folder.mkdir()
    words = [_word(draw) for _ in range(5000)]

    def line(kind: str) -> str:
        key, number = f"{draw.getrandbits(128):032x}", f"{draw.uniform(0, 99):.3f}"
        who, when = (
            _address(draw),
            f"2014-03-{draw.randint(1, 28):02d} 17:{draw.randint(0, 59):02d}",
        )
        said = " ".join(draw.choices(words, k=6))
        if kind == "csv":
            return f"{key},{number},{said},{_street(draw)},{who},{when}\n"
        if kind == "json":
            return json.dumps({"key": key, "who": who, "said": said, "n": number}) + "\n"
        return f"{when} INFO {said} ({key[:8]}) took {number} ms for {who}\n"

    for kind in ("csv", "json", "log"):
        lines = "".join(line(kind) for _ in range(20_000)).encode()
        (folder / kind).write_bytes((lines * (size // 3 // len(lines) + 1))[: size // 3])


def _write_floats(folder: Path, size: int) -> None:
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(4):
        values = draw.normal(size=size // 16).astype("<f4")
        np.save(folder / f"{number}.npy", values)


def _write_fuzzed(
    folder: Path, texts: list[str], keys: list[str], draw: random.Random
) -> list[str]:
    """Write small files, and return the names of those with a spelling that the old scan knew."""
    folder.mkdir()
    planted = []
    for number in range(400):
        text = draw.choice(texts)
        ways = [
            text.encode(), text.encode("utf-16-le"), text.encode().hex().encode(),
            json.dumps(text).encode(), bytes.fromhex(draw.choice(keys)),
            draw.choice(keys).encode(),
        ]  # fmt: skip
        data = bytearray(draw.choice([draw.randbytes(3000), b"all kinds of words " * 150]))
        if number % 2:
            at = draw.randrange(len(data))
            data[at:at] = draw.choice(ways)
            planted.append(f"{number:03d}")
        else:  # nearly one
            way = bytearray(draw.choice(ways))
            way[len(way) // 2] ^= 0x95
            data[99:99] = way
        (folder / f"{number:03d}").write_bytes(data)
    return planted
