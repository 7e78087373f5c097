"""A SavedModel in a form that depends on what it computes, not on the process that wrote it.

TensorFlow numbers functions and their calls by a counter of the process, and writes the number into
their names (`__inference_pruned_2298`, `PartitionedCall-2301`) and into those of what they capture;
Transform names a table by the temporary folder in which its vocabulary lay. So what it writes is
other bytes in each run, also where every analyzer came to the same. Here the numbers are those of
their order, captured inputs are named by their place, tables without the folder, functions stand by
their names, and the fingerprint file, which covers the bytes as they were, is left out. The copy
computes the same, and can be loaded as the original can.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest, digest_json, write_atomic

GRAPH, FINGERPRINT = "saved_model.pb", "fingerprint.pb"
CALLED = "_user_specified_name"
IN_A_FOLDER = re.compile(r"^(hash_table_[^/]*)/.*/(tftransform_tmp/)")
CAPTURED = re.compile(r"(.*)_\d+")
NUMBERED = re.compile(r"(__(?:inference|forward|backward)_.*_|(?:Stateful)?PartitionedCall-)(\d+)")


def copy_canonical(folder: Path, into: Path) -> None:
    """Copy a folder, with each SavedModel in it in its canonical form."""
    shutil.copytree(folder, into, ignore=shutil.ignore_patterns(FINGERPRINT))
    for file in sorted(into.rglob(GRAPH)):
        write_atomic(file, canonical_graph(file.read_bytes()))


def canonical_digest(folder: Path) -> str:
    """Return the digest of what `copy_canonical` would write."""
    digests = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != FINGERPRINT:
            data = file.read_bytes()
            digests[str(file.relative_to(folder))] = digest(
                canonical_graph(data) if file.name == GRAPH else data
            )
    return digest_json(digests)


def canonical_graph(data: bytes) -> bytes:
    """Return a serialized SavedModel with its functions numbered in their order, and by name."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model = SavedModel.FromString(data)
    numbers = {int(found[2]) for text in _texts(model) if (found := NUMBERED.fullmatch(text))}
    ranks = {number: rank for rank, number in enumerate(sorted(numbers))}

    def renamed(text: str) -> str:
        found = NUMBERED.fullmatch(text)
        if found:
            return f"{found[1]}{ranks[int(found[2])]}"
        return IN_A_FOLDER.sub(r"\1\2", text)

    _rename(model, renamed)
    for graph in model.meta_graphs:
        library = graph.graph_def.library
        for function in library.function:
            _name_inputs_by_place(function)
        functions = sorted(library.function, key=lambda one: one.signature.name)
        copies = [one.SerializeToString(deterministic=True) for one in functions]
        del library.function[:]
        for copy in copies:
            library.function.add().ParseFromString(copy)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _name_inputs_by_place(function: Any) -> None:
    names = {}
    for place, one in enumerate(function.signature.input_arg):
        if found := CAPTURED.fullmatch(one.name):
            names[one.name] = one.name = f"{found[1]}_at{place}"
    for node in function.node_def:
        for place, text in enumerate(node.input):
            name, colon, rest = text.removeprefix("^").partition(":")
            if name in names:
                node.input[place] = text[: text.startswith("^")] + names[name] + colon + rest
    for key, text in function.ret.items():
        function.ret[key] = names.get(text, text)


def _texts(message: Any) -> Iterator[str]:
    """Yield every text in a message, keys of maps and bytes that are text included."""
    for field, value in message.ListFields():
        for one in _each(field, value):
            if hasattr(one, "ListFields"):
                yield from _texts(one)
            elif isinstance(one, str):
                yield one
            elif isinstance(one, bytes) and one.isascii():
                yield one.decode("ascii")


def _each(field: Any, value: Any) -> Iterator[Any]:
    if _is_map(field):
        for key in value:
            yield key
            yield value[key]
    elif field.label == field.LABEL_REPEATED:
        yield from value
    else:
        yield value


def _rename(message: Any, renamed: Any) -> None:
    """Give every text in a message its other name, in place."""
    for field, value in message.ListFields():
        if _is_map(field):
            _rename_map(field, value, renamed)
        elif field.message_type is not None:
            for one in value if field.label == field.LABEL_REPEATED else [value]:
                _rename(one, renamed)
        elif field.label == field.LABEL_REPEATED:
            value[:] = [_other(one, renamed) for one in value]
        else:
            setattr(message, field.name, _other(value, renamed))


def _rename_map(field: Any, value: Any, renamed: Any) -> None:
    of_messages = field.message_type.fields_by_name["value"].message_type is not None
    kept = {}
    for key in list(value):
        if key == CALLED and value[key].s.isdigit():
            continue  # nobody called it anything
        if of_messages:
            _rename(value[key], renamed)
            kept[_other(key, renamed)] = value[key].SerializeToString(deterministic=True)
        else:
            kept[_other(key, renamed)] = _other(value[key], renamed)
    value.clear()
    for key, one in kept.items():
        if of_messages:
            value[key].ParseFromString(one)
        else:
            value[key] = one


def _other(value: Any, renamed: Any) -> Any:
    if isinstance(value, str):
        return renamed(value)
    if isinstance(value, bytes) and value.isascii():
        return renamed(value.decode("ascii")).encode("ascii")
    return value


def _is_map(field: Any) -> bool:
    kind = field.message_type
    return kind is not None and kind.GetOptions().map_entry
