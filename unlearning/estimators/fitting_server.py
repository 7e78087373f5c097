"""A process that fits estimators: it imports libraries once, and forks for every fit.

    python -m unlearning.estimators.fitting_server LIBRARY ...

A fork has seen no other rows and built no other estimator. It takes one order from standard input
and answers on what was standard output; what libraries print there goes nowhere. An order is one
byte, which the process itself takes, and then a message, which the fork takes; so is an answer. A
message is the lengths of its two pieces (8 bytes each), JSON and arrays (safetensors).
"""

import json
import os
import struct
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from lineage_store.errors import BadInput, UnweaveError
from lineage_store.tensors import State
from unlearning.estimators.estimator_module import EstimatorModule, EstimatorSpec
from unlearning.estimators.fitting import RowsToFit, fitted
from unlearning.estimators.known_formats import FORMATS

ORDER, LENGTHS = b"!", struct.Struct("<QQ")
ERROR, MODEL = "error", "model"


def send(descriptor: int, told: dict[str, Any], arrays: State) -> None:
    """Write a message."""
    head, body = json.dumps(told).encode("utf-8"), save(arrays)
    for piece in (LENGTHS.pack(len(head), len(body)), head, body):
        left = memoryview(piece)
        while left:
            left = left[os.write(descriptor, left) :]


def receive(descriptor: int) -> tuple[dict[str, Any], State]:
    """Read a message; raises EOFError where it ends early."""
    head, body = LENGTHS.unpack(_exactly(descriptor, LENGTHS.size))
    told: dict[str, Any] = json.loads(_exactly(descriptor, head))
    return told, load(_exactly(descriptor, body))


def _exactly(descriptor: int, length: int) -> bytes:
    pieces = []
    while length:
        piece = os.read(descriptor, min(length, 1 << 20))
        if not piece:
            raise EOFError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _carry_out(order: int, answer: int) -> None:
    """Carry out one order, and answer it."""
    told, arrays = receive(order)
    module = EstimatorModule(told["module"], told["name"])
    try:
        rows = RowsToFit.from_state(arrays)
        suffix, file = fitted(module, EstimatorSpec.from_json(told["spec"]), rows)
    except UnweaveError as error:
        send(answer, {ERROR: str(error)}, {})
        return
    send(answer, {"suffix": suffix}, {MODEL: np.frombuffer(file, np.uint8)})


def serve(libraries: Sequence[str]) -> None:
    """Fork for each order, until there are no more."""
    order, answer = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    _load(libraries)
    while os.read(order, 1) == ORDER:
        child = os.fork()
        if not child:
            status = 1
            try:
                _carry_out(order, answer)
                status = 0
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        if ended:
            send(answer, {ERROR: "", "status": os.waitstatus_to_exitcode(ended)}, {})
            return


def _load(libraries: Sequence[str]) -> None:
    import pandas  # noqa: F401  # what estimators are given

    for one in FORMATS.by_suffix.values():
        if one.library in libraries and one.forks:
            try:
                one.load_library()
            except (ImportError, BadInput):
                continue  # the module's own import says so, in its fork


if __name__ == "__main__":
    serve(sys.argv[1:])
