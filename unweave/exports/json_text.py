"""Exports that are JSON, one object or one a line: the same value gives the same bytes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lineage_store.canonical import canonical_json
from unweave.exports.export import HERE, Files


def json_document(value: Mapping[str, Any]) -> Files:
    """Return a document of one JSON object, indented, its names in the order given."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return {HERE: f"{text}\n".encode()}


def json_lines(values: Iterable[Mapping[str, Any]]) -> Files:
    """Return a document of JSON objects, one a line."""
    return {HERE: b"".join(canonical_json(value) + b"\n" for value in values)}
