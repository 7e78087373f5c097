"""What MLMD knows of one artifact: what it was made from, and what was made from it.

Digests, counts and losses that an older version wrote are not repeated. What a batch, an update or
a checkpoint of a live model holds, its ledger answers (`steps`).
"""

from collections import Counter
from typing import Any

from lineage_store.errors import NothingFound
from lineage_store.mlmd.metadata_store import Metadata, pb
from lineage_store.mlmd.names import place_of

OLDER_URI = "urn:sha256:"
OLDER = frozenset(
    ("digest", "rows", "loss", "steps", "seconds", "epochs", "batches", "first_position",
     "weights", "time", "certificate")
)  # fmt: skip


def trace_artifact(metadata: Metadata, name: str) -> dict[str, Any]:
    """Trace an artifact by its MLMD id, external id or URI, completely in both directions.

    Raises NothingFound if MLMD has no such artifact.
    """
    found = find_artifact(metadata, name)
    up = metadata.artifacts(metadata.upstream([found.id]))
    down = metadata.artifacts(metadata.downstream([found.id]))
    return {
        "id": found.id,
        "type": metadata.type_name(found.type_id),
        "state": pb.Artifact.State.Name(found.state),
        "external_id": found.external_id or None,
        "uri": None if found.uri.startswith(OLDER_URI) else metadata.places.here(found.uri) or None,
        "place": place_of(found.external_id),
        "properties": {
            name: _value(value)
            for name, value in sorted(found.custom_properties.items())
            if name not in OLDER
        },
        "upstream": dict(Counter(metadata.type_name(a.type_id) for a in up)),
        "downstream": dict(Counter(metadata.type_name(a.type_id) for a in down)),
        "upstream_ids": sorted(artifact.id for artifact in up),
        "downstream_ids": sorted(artifact.id for artifact in down),
    }


def find_artifact(metadata: Metadata, name: str) -> pb.Artifact:
    """Return an artifact by its MLMD id, external id or URI; raises NothingFound."""
    if name.isdecimal():
        found = metadata.artifacts([int(name)])
        if found:
            return found[0]
    elif (by_name := metadata.by_external_id([name]).get(name)) is not None:
        return by_name
    elif (by_uri := metadata.by_uri(name)) is not None:
        return by_uri
    raise NothingFound("MLMD has no artifact of that id, external id or URI.")


def _value(value: Any) -> str | int | float | None:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in ("string_value", "int_value", "double_value") else None
