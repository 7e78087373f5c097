"""The schema that TFX inferred must agree with what the gate inferred."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from lineage_store.data import Schema
from lineage_store.errors import CheckFailed

TYPES = {"number": schema_pb2.FLOAT, "text": schema_pb2.BYTES}


def check_schema(file: Path, gated: Schema) -> None:
    """Compare the types of all features; a column without a value in any training row has none.

    Raises CheckFailed naming the first column that differs.
    """
    schema = text_format.Parse(file.read_text(encoding="utf-8"), schema_pb2.Schema())
    found = {f.name: f.type for f in schema.feature if f.presence.min_count}
    for column in gated.columns:
        wanted = (TYPES[column.kept], schema_pb2.TYPE_UNKNOWN)
        if found.get(column.name, wanted[0]) not in wanted:
            raise CheckFailed(
                f"The schema has another type for column {column.name!r} than the gate, which says "
                f"{column.kept}."
            )
