"""A node of the lineage, as plans and answers see it: whatever store it was read from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LineageNode:
    """An artifact in the lineage: its MLMD id, its type, and where in the training run it stands.

    `shard`, `stage` and `position` are None where they have no meaning.
    """

    id: int
    kind: str
    uri: str = ""
    model: str | None = None
    shard: int | None = None
    stage: int | None = None
    position: int | None = None
