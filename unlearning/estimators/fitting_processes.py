"""Having estimators fitted: by processes that seed Python's hashes differently, for comparison.

Whoever fits a part twice lets two processes do it (`HASHES`, `OTHER_HASHES`): what an estimator
makes of addresses in memory, or of the order of a set, is another in them. The processes belong to
the one that asks, are started when first asked, and end with it.
"""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput, CheckFailed
from unlearning.estimators.estimator_module import EstimatorModule, EstimatorSpec
from unlearning.estimators.fitting import RowsToFit
from unlearning.estimators.fitting_server import ERROR, MODEL, ORDER, receive, send
from unlearning.estimators.known_formats import FORMATS
from unlearning.whole_shards.pinned import pinned_variables
from unlearning.whole_shards.train_whole import HASHES, OTHER_HASHES

__all__ = ["HASHES", "OTHER_HASHES", "fitted_apart"]
TOP = str(Path(__file__).parents[2])


def fitted_apart(
    module: EstimatorModule,
    spec: EstimatorSpec,
    rows: RowsToFit,
    *,
    libraries: Sequence[str],
    hash_seed: int,
) -> tuple[str, bytes]:
    """Fit a module's estimator in a process of its own; return its file's suffix and bytes.

    Raises BadInput for an estimator that cannot be fitted or stored, CheckFailed for a process that
    ended without an answer.
    """
    known = {one.library for one in FORMATS.by_suffix.values()}
    server = _server(os.getpid(), hash_seed, tuple(sorted(known.intersection(libraries))))
    order = {"module": module.text, "name": module.name, "spec": spec.to_json()}
    told, arrays = server.asked(order, rows)
    if ERROR not in told:
        return told["suffix"], arrays[MODEL].tobytes()
    if told[ERROR]:
        raise BadInput(told[ERROR])
    _server.cache_clear()
    raise CheckFailed(
        f"The process that fitted an estimator ended with status {told.get('status')} and no "
        f"answer: memory may be too small for its rows."
    )


@dataclass
class _Server:
    """One process, and whose turn it is to ask it."""

    process: "subprocess.Popen[bytes]"
    turn: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, order: dict[str, Any], rows: RowsToFit) -> tuple[dict[str, Any], Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        into, out = self.process.stdin.fileno(), self.process.stdout.fileno()
        with self.turn:
            try:
                os.write(into, ORDER)
                send(into, order, rows.to_state())
                return receive(out)
            except (BrokenPipeError, EOFError):
                return {ERROR: "", "status": self.process.poll()}, {}


@functools.cache
def _server(owner: int, hash_seed: int, libraries: Sequence[str]) -> _Server:
    """Return a process, which imports from where this one does.

    `owner` is the process that asks: a fork of it is given processes of its own.
    """
    return _Server(
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"{__package__}.fitting_server", *libraries],
            env={**pinned_variables(hash_seed), "PYTHONPATH": os.pathsep.join([TOP, *sys.path])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    )
