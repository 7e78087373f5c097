"""The message types of a tf.Example, without TensorFlow, which takes seconds to import.

Source: tensorflow/core/example, of which messages of these types are the same bytes. A map is
written as the entries that it is on the wire.
"""

from collections.abc import Mapping
from typing import Any

FEATURE = "Feature"


def example_types(package: str, *, features_as: str = FEATURE) -> Mapping[str, Any]:
    """Return the types `Example` and `Feature`, in a package of their own.

    An Example's features are of the type `Feature`, or stay bytes as they came (`BYTES`).
    """
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    file = FileDescriptorProto(name=f"{package}.proto", package=package)
    one, many = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
    for message, fields in {
        "Example": [("features", 1, one, "Features"), ("feature_lists", 2, one, "BYTES")],
        "Features": [("entries", 1, many, "Entry")],
        "Entry": [("name", 1, one, "STRING"), ("feature", 2, one, features_as)],
        FEATURE: [
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
        for name in ("Example", FEATURE)
    }
