"""The schema that TFX inferred must agree with what the gate inferred."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from lineage_store.errors import CheckFailed
from lineage_store.inference import Inference

TYPES = {"number": schema_pb2.FLOAT, "string": schema_pb2.BYTES}


def check_schema(file: Path, inference: Inference) -> None:
    """Compare the types of all features; one without any value has no type and is left out.

    Raises CheckFailed naming the first column that differs.
    """
    schema = text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    found = {feature.name: feature.type for feature in schema.feature}
    for name, kind in inference.features:
        if name in found and found[name] not in (TYPES[kind], schema_pb2.TYPE_UNKNOWN):
            raise CheckFailed(
                f"The schema has another type for column {name!r} than the gate, which says {kind}."
            )
