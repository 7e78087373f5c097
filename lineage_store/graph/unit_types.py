"""How the lineage calls each kind of unit: its type in ML Metadata, and its name within its model.

To record another kind of unit, add a line here. What is something done is an execution, what is
something made an artifact; an artifact that lies `in_file` is there only as long as its file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lineage_store.ledger.units import Unit


@dataclass(frozen=True)
class UnitType:
    """The type of a kind of unit, and the pattern of its names."""

    name: str
    pattern: str
    execution: bool = False
    in_file: bool = False


OF_STAGE, OF_STEP = "s{0.shard}.r{0.stage}", "s{0.shard}.r{0.stage}.p{0.position}"
UNIT_TYPES: Mapping[str, UnitType] = {
    "placement": UnitType("lineage.Placement", "placement", execution=True),
    "shard": UnitType("lineage.Shard", "s{0.shard}:shard"),
    "batching": UnitType("lineage.Batching", f"{OF_STAGE}:stage:batching", execution=True),
    "batch": UnitType("lineage.Batch", f"{OF_STEP}:batch"),
    "step": UnitType("lineage.Step", f"{OF_STEP}:step", execution=True),
    "update": UnitType("lineage.Update", f"{OF_STEP}:update", in_file=True),
    "step-checkpoint": UnitType("lineage.Checkpoint", f"{OF_STEP}:checkpoint", in_file=True),
    "stage": UnitType("lineage.Stage", f"{OF_STAGE}:stage", execution=True),
    "sums": UnitType("lineage.Sums", f"{OF_STAGE}:sums", execution=True),
    "trees": UnitType("lineage.Trees", f"{OF_STAGE}:trees", execution=True),
    "optimum": UnitType("lineage.Optimum", f"{OF_STAGE}:optimum", execution=True),
    "fit": UnitType("lineage.Fit", f"{OF_STAGE}:fit", execution=True),
    "checkpoint": UnitType("lineage.Checkpoint", f"{OF_STAGE}:checkpoint", in_file=True),
    "subtraction": UnitType("lineage.Subtraction", "s{0.shard}.subtraction", execution=True),
    "subtracted": UnitType("lineage.Checkpoint", "s{0.shard}.subtracted:checkpoint", in_file=True),
    "assembly": UnitType("lineage.Assembly", "assembly", execution=True),
}
# TFX's own, at the two ends of a model's units: known by their URIs.
ENDS = ("rows", "model")


def name_of_unit(unit: Unit) -> str:
    """Return the name of a unit within its model."""
    if unit.kind in ENDS:
        return unit.kind
    return UNIT_TYPES[unit.kind].pattern.format(unit.place)
