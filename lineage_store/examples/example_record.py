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
from lineage_store.texts.example_messages import example_types
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

    Numbers are spelled as everywhere (`value_texts`). Raises BadInput for several values, for
    bytes that are no text, and for what is no feature.
    """
    if not feature:
        return ""
    read = _read(feature)
    if read is None:
        raise BadInput(
            f"The feature {name!r} in {where} is no feature of a tf.Example: let the ExampleGen "
            f"write tf.Examples."
        )
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

    For who looks for them elsewhere: a float has fewer bits than what gives a row away. What is no
    feature, which the gate lets through as it came, holds none that anything could read.
    """
    read = _read(feature)
    if read is None:
        return []
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


def _read(feature: bytes) -> Any:
    """Return a feature as it was written; None if it is none."""
    from google.protobuf.message import DecodeError

    try:
        return _types()["Feature"].FromString(feature)
    except DecodeError:
        return None


@cache
def _types() -> Mapping[str, Any]:
    return example_types("unweave.examples", features_as="BYTES")
