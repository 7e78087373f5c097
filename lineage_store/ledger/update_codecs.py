"""How the update of a step becomes bytes: the codecs, and the one format of their results.

    float32    the difference of the weights after and before, as float32 computed it
    bfloat16   the same, rounded to 8 significant bits (to nearest, ties to even)
    int8       the same in blocks of 256 numbers, each rounded to 255 levels of a float32 scale of
               its own (the block's largest magnitude over 127)
    xor        the bit patterns of the weights after and before, one xor the other

The first three can be summed, and so subtracted from weights. None of their sums gives the bits of
the weights before: float32 rounds `after - before`, and rounds again when that is taken from
`after`. `xor` gives every bit back, of the very weights that came after the step and of no others.

All weights of an update stand in one row, in the order of their names; blocks run on from one to
the next. Numbers of several bytes are shuffled (all first bytes, then all second ones, ...), which
puts the bytes that are alike together. The result is a safetensors file in a zstandard frame of
level 1 with a checksum; its metadata name the codec, and the names and shapes of the weights.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from lineage_store.canonical import canonical_json
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.tensors import Array, State

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
Tensors = dict[str, Array]

LOSSLESS = "float32"
BLOCK = 256
LEVELS = np.float32(127)
LEVEL = 1
FRAME = (0xFD2FB528).to_bytes(4, "little")  # RFC 8878, section 3.1.1


class Codec(Protocol):
    """How two states of the weights, each in one row, become small tensors, and these an update."""

    @property
    def can_be_summed(self) -> bool:
        """Whether updates may be added up, and subtracted from any weights."""

    def pack(self, before: F32, after: F32) -> Tensors:
        """Return the tensors that stand for the change between two rows (n,) of weights."""

    def unpack(self, tensors: Tensors, count: int) -> Array:
        """Return the update (count,): float32, or uint32 patterns where it cannot be summed."""


class Float32:
    """The codec `float32`."""

    can_be_summed = True

    def pack(self, before: F32, after: F32) -> Tensors:
        """Return the difference, shuffled."""
        return {"values": shuffled(after - before)}

    def unpack(self, tensors: Tensors, count: int) -> Array:
        """Return the difference, bit for bit."""
        return unshuffled(tensors["values"], np.dtype("<f4"))


class Bfloat16:
    """The codec `bfloat16`: the upper half of a float32."""

    can_be_summed = True

    def pack(self, before: F32, after: F32) -> Tensors:
        """Return the upper halves of the rounded differences, shuffled."""
        bits = (after - before).view(np.uint32)
        to_even = (bits >> np.uint32(16)) & np.uint32(1)
        rounded = bits + np.uint32(0x7FFF) + to_even
        return {"values": shuffled((rounded >> np.uint32(16)).astype("<u2"))}

    def unpack(self, tensors: Tensors, count: int) -> Array:
        """Return the rounded differences as float32."""
        upper = unshuffled(tensors["values"], np.dtype("<u2")).astype(np.uint32)
        return (upper << np.uint32(16)).view(np.float32)


class Int8:
    """The codec `int8`: blocks of numbers with a scale each."""

    can_be_summed = True

    def pack(self, before: F32, after: F32) -> Tensors:
        """Return the levels, and the blocks' scales, shuffled; a block of zeros has scale 0."""
        blocks = -(-len(after) // BLOCK)
        padded = np.zeros(blocks * BLOCK, np.float32)
        np.subtract(after, before, out=padded[: len(after)])
        rows = padded.reshape(blocks, BLOCK)
        scales = np.abs(rows).max(axis=1, initial=0) / LEVELS
        divisors = np.where(scales > 0, scales, np.float32(1))
        rows /= divisors[:, np.newaxis]
        # The scale of a block of subnormal numbers is rounded so much that a level may be beyond.
        levels = np.clip(np.rint(rows, out=rows), -LEVELS, LEVELS).astype(np.int8)
        return {"levels": levels.reshape(-1)[: len(after)], "scales": shuffled(scales)}

    def unpack(self, tensors: Tensors, count: int) -> Array:
        """Return levels times scales."""
        scales = unshuffled(tensors["scales"], np.dtype("<f4"))
        update: F32 = tensors["levels"].astype(np.float32) * np.repeat(scales, BLOCK)[:count]
        return update


class Xor:
    """The codec `xor`: which bits of the weights the step turned over."""

    can_be_summed = False

    def pack(self, before: F32, after: F32) -> Tensors:
        """Return the patterns, shuffled."""
        return {"values": shuffled(after.view(np.uint32) ^ before.view(np.uint32))}

    def unpack(self, tensors: Tensors, count: int) -> Array:
        """Return the patterns (uint32)."""
        return unshuffled(tensors["values"], np.dtype("<u4"))


CODECS: dict[str, Codec] = {
    "float32": Float32(),
    "bfloat16": Bfloat16(),
    "int8": Int8(),
    "xor": Xor(),
}
SUMMABLE = tuple(name for name, codec in CODECS.items() if codec.can_be_summed)


def encode(codec: str, *, before: Mapping[str, Array], after: Mapping[str, Array]) -> bytes:
    """Return the update between two states of the same weights as bytes, the same ones every time.

    Raises BadInput for weights that are not float32.
    """
    names = sorted(after)
    rows = [in_one_row(state, names) for state in (before, after)]
    about = {"codec": codec, "weights": [[name, list(after[name].shape)] for name in names]}
    # One entry of metadata: safetensors writes several in any order.
    metadata = {"update": canonical_json(about).decode("utf-8")}
    import zstandard  # few commands read or write an update

    packed = save(CODECS[codec].pack(*rows), metadata=metadata)
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(packed)


def decode(data: bytes) -> State:
    """Return an update as it can be subtracted, by name, float32.

    Also reads an update of an earlier unweave: a safetensors file without more. Raises CheckFailed
    for bytes that are damaged, and for an update that cannot be summed.
    """
    if not data.startswith(FRAME):
        try:
            loaded = load(data)
        except SafetensorError as error:
            raise _damaged() from error
        return {name: loaded[name] for name in sorted(loaded)}
    codec, update = _unpacked(data)
    if not codec.can_be_summed:
        raise CheckFailed(
            "An update holds the bits that its step turned over, which can be taken back from the "
            "weights after that step only: it cannot be subtracted from others."
        )
    return update


def weights_before(after: Mapping[str, Array], data: bytes) -> State:
    """Return the weights before a step from those after it and its update.

    With the codec `xor` they are the same bit for bit; with any other they are close. Raises
    CheckFailed for bytes that are damaged.
    """
    codec, update = _unpacked(data)
    if codec.can_be_summed:
        return {name: after[name] - change for name, change in update.items()}
    patterns = {name: after[name].view(np.uint32) ^ change for name, change in update.items()}
    return {name: pattern.view(np.float32) for name, pattern in patterns.items()}


def in_one_row(state: Mapping[str, Array], names: list[str]) -> F32:
    """Return the named arrays of a state as one row (n,); raises BadInput if any is not float32."""
    for name in names:
        if state[name].dtype != np.float32:
            raise BadInput(
                f"The model has weights of type {state[name].dtype}, and updates are recorded of "
                f"float32 weights only: train with `record` none."
            )
    arrays = [state[name].reshape(-1) for name in names]
    return np.concatenate(arrays) if arrays else np.zeros(0, np.float32)


def shuffled(values: Array) -> U8:
    """Return the little-endian bytes of numbers (n,): all first bytes, then all second ones, ..."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return np.ascontiguousarray(little.view(np.uint8).reshape(-1, values.itemsize).T).reshape(-1)


def unshuffled(data: Array, kind: np.dtype[Any]) -> Array:
    """Return the numbers (n,) whose bytes were shuffled."""
    together = np.ascontiguousarray(data.reshape(kind.itemsize, -1).T).reshape(-1)
    return together.view(kind).astype(kind.newbyteorder("="), copy=False)


def _unpacked(data: bytes) -> tuple[Codec, State]:
    import zstandard

    try:
        packed = zstandard.ZstdDecompressor().decompress(data)
        head = json.loads(packed[8 : 8 + int.from_bytes(packed[:8], "little")])
        about = json.loads(head["__metadata__"]["update"])
        codec = CODECS[about["codec"]]
        shapes = [(name, tuple(shape)) for name, shape in about["weights"]]
        sizes = [int(np.prod(shape, dtype=np.int64)) for _, shape in shapes]
        row = codec.unpack(load(packed), sum(sizes))
        parts = np.split(row, np.cumsum(sizes)[:-1])
        update = {
            name: part.reshape(shape) for (name, shape), part in zip(shapes, parts, strict=True)
        }
    except (zstandard.ZstdError, SafetensorError, KeyError, ValueError, MemoryError) as error:
        raise _damaged() from error
    return codec, update


def _damaged() -> CheckFailed:
    return CheckFailed("A recorded update is damaged: restore the workspace from a backup.")
