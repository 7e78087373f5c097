"""One tf.Example in bytes: its features, each as it is, and the id that one of them holds.

A tf.Example is a map, and a map has no order: whoever wrote it may have chosen any. Here its
features stand by their names, so equal Examples are equal bytes. What a feature holds is not
touched: its bytes go through as they came. Only a feature that holds an id is looked into.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.texts.value_texts import text_of_value


def features_in(record: bytes, *, where: str) -> dict[str, bytes]:
    """Return the features of an Example by their names, each in bytes, in the names' order.

    `where` is what a message calls the record. Raises BadInput for what is no tf.Example.
    """
    from google.protobuf.message import DecodeError

    try:
        read = _types()["Example"].FromString(record)
        found = {entry.name: entry.feature for entry in read.features.entries}
    except (DecodeError, UnicodeDecodeError):
        raise BadInput(f"{where} is no tf.Example: let the ExampleGen write tf.Examples.") from None
    if read.HasField("feature_lists"):
        raise BadInput(f"{where} is a SequenceExample, which is not taken yet: write tf.Examples.")
    return dict(sorted(found.items()))


def with_features(features: Mapping[str, bytes]) -> bytes:
    """Return the Example of features, by their names."""
    message = _types()["Example"]()
    for name, feature in sorted(features.items()):
        message.features.entries.add(name=name, feature=feature)
    written: bytes = message.SerializeToString(deterministic=True)
    return written


def canonical_example(record: bytes, *, where: str) -> bytes:
    """Return an Example with its features in the order of their names; raises as `features_in`."""
    return with_features(features_in(record, where=where))


def id_in(feature: bytes | None, *, name: str, where: str) -> str:
    """Return the id that a feature holds, as text; the empty text if it holds none.

    Numbers are spelled as everywhere (`value_texts`). Raises BadInput for several values, and for
    bytes that are no text.
    """
    if not feature:
        return ""
    read = _types()["Feature"].FromString(feature)
    values = [*read.bytes.values, *map(np.float32, read.floats.values), *read.integers.values]
    if len(values) > 1:
        raise BadInput(
            f"The feature {name!r} has {len(values)} values in {where}: name one that holds one id."
        )
    if not values:
        return ""
    (value,) = values
    try:
        return value.decode("utf-8") if isinstance(value, bytes) else text_of_value(value) or ""
    except UnicodeDecodeError:
        raise BadInput(
            f"The feature {name!r} in {where} holds bytes that are no text in UTF-8: name one "
            f"that holds an id."
        ) from None


def texts_in(feature: bytes) -> list[str]:
    """Return the texts and whole numbers that a feature holds, as text; of bytes that are none, no.

    For who looks for them elsewhere: a float has fewer bits than what gives a row away.
    """
    read = _types()["Feature"].FromString(feature)
    found = [str(one) for one in read.integers.values]
    for value in read.bytes.values:
        try:
            found.append(value.decode("utf-8"))
        except UnicodeDecodeError:
            continue
    return found


def id_feature(text: str) -> bytes:
    """Return the feature that holds a text."""
    message = _types()["Feature"]()
    message.bytes.values.append(text.encode("ascii"))
    written: bytes = message.SerializeToString()
    return written


@cache
def _types() -> Mapping[str, Any]:
    """Return the message types: of an Example, whose features stay bytes, and of a Feature.

    Source: tensorflow/core/example, of which these are the same bytes.
    """
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    package = "unweave.examples"
    file = FileDescriptorProto(name="unweave/examples.proto", package=package)
    one, many = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
    for message, fields in {
        "Example": [("features", 1, one, "Features"), ("feature_lists", 2, one, "BYTES")],
        "Features": [("entries", 1, many, "Entry")],  # a map is this on the wire
        "Entry": [("name", 1, one, "STRING"), ("feature", 2, one, "BYTES")],
        "Feature": [
            ("bytes", 1, one, "Bytes"), ("floats", 2, one, "Floats"), ("integers", 3, one, "Ints"),
        ],
        "Bytes": [("values", 1, many, "BYTES")],
        "Floats": [("values", 1, many, "FLOAT")],
        "Ints": [("values", 1, many, "INT64")],
    }.items():  # fmt: skip
        added = file.message_type.add(name=message)
        for name, number, label, kind in fields:
            field = added.field.add(name=name, number=number, label=label)
            if kind.isupper():
                field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind}")
            else:
                field.type = FieldDescriptorProto.TYPE_MESSAGE
                field.type_name = f".{package}.{kind}"
    pool = DescriptorPool()
    pool.Add(file)
    return {
        name: GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in ("Example", "Feature")
    }
