"""What a pipeline is asked to do, and who can do it.

A backend executes a job: `tfx_local` as a TFX pipeline with MLMD, `direct` by calling the same
functions in this process. What happens before (the gate, the plan) and after (the records) is not
theirs, so both leave the same workspace behind. A job's `engine` carries out its shards; where none
was asked for it is None, and the backend decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lineage_store.claim import Claim, claim_of
from lineage_store.clock import Clock
from lineage_store.data import Columns
from lineage_store.graph import LineageNode
from lineage_store.index import manifest
from lineage_store.index.models import Guarantee, ModelRecord
from lineage_store.placement import Partition
from lineage_store.workspace import Workspace
from unlearning.fitting import MakeLearner, ShardEngine
from unlearning.registry import NewModel
from unlearning.training import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Command:
    """What a run is part of: by which clock, of which version, and who carries it out.

    With `reveal`, it was asked for digests of weights in the clear, also of models that it ends.
    """

    clock: Clock
    version: str
    backend: "Backend"
    engine: ShardEngine | None = None
    reveal: bool = False

    @property
    def time(self) -> str:
        """The time, now."""
        return self.clock()

    @property
    def today(self) -> str:
        """The day."""
        return self.time[:10]


@dataclass(frozen=True)
class TrainingJob:
    """Train one model on a gated snapshot, from the weights of the model `base` if there is one."""

    workspace: Workspace
    model: str
    snapshot: Path
    snapshot_number: int
    config: TrainConfig
    module_file: Path
    clock: Clock
    excluded: int
    columns: Columns = field(default_factory=Columns)
    base: ModelRecord | None = None
    engine: ShardEngine | None = None

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return f"train-{self.model}"

    def description(self) -> NewModel:
        """Return what the recorder is told of the new model."""
        return NewModel(
            model=self.model,
            family=self.model,
            snapshot=self.snapshot_number,
            guarantee="trained",
            request=None,
            extra={
                "excluded": self.excluded,
                manifest.COLUMNS: manifest.recorded_columns(self.columns),
            },
        )


@dataclass(frozen=True)
class ModelChange:
    """One model of a deletion: the old record, and the gated snapshot of the new one.

    `snapshot` is None if the model is withdrawn; `recorded` says that an earlier, killed run has
    registered the new model already. `base_after` is the id of the model that the new one starts
    from; `base` is its record if it is registered, and None if this run is to make it. `cut_anew`
    is how the new one's rows are cut, if that is not as before.
    """

    old: ModelRecord
    model_after: str | None
    snapshot: Path | None
    guarantee: Guarantee
    recorded: bool
    base_after: str | None = None
    base: ModelRecord | None = None
    cut_anew: Partition | None = None

    @property
    def partition(self) -> Partition:
        """How the rows of the new model are cut."""
        return self.cut_anew or Partition(**self.old.config["partition"])

    @property
    def claim(self) -> Claim:
        """What the new model may say of itself."""
        return claim_of(self.guarantee)


@dataclass(frozen=True)
class DeletionJob:
    """Carry out the plans of one request; `made` are learners that are there already, by model."""

    workspace: Workspace
    request_id: str
    changes: Sequence[ModelChange]
    replay: bool
    derived_until: str
    clock: Clock
    version: str
    engine: ShardEngine | None = None
    made: Mapping[str, MakeLearner] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return f"forget-{self.request_id}"

    def description(self, change: ModelChange) -> NewModel:
        """Return what the recorder is told of the new model of a change."""
        derived = {"derived_until": self.derived_until} if change.claim.leaves_derived else {}
        assert change.model_after is not None, "a withdrawn model has no successor"
        return NewModel(
            model=change.model_after,
            family=change.old.family,
            snapshot=change.old.snapshot,
            guarantee=change.guarantee,
            request=self.request_id,
            extra={**manifest.of_the_gate(change.old), **derived},
        )


class LeftOpen(Exception):
    """A job is prepared, and what it began stays: an orchestrator has its components run.

    `run` is the pipeline's name, `replaced` are the models that have a branch of components each.
    """

    def __init__(self, run: str, *, replaced: Sequence[str] = ()) -> None:
        super().__init__(run)
        self.run, self.replaced = run, tuple(replaced)


class Backend(Protocol):
    """Who executes jobs."""

    def train(self, job: TrainingJob) -> None:
        """Train, push and register a model."""

    def delete(self, job: DeletionJob) -> None:
        """Unlearn, check, push, register, erase and certify."""

    def descendants(self, workspace: Workspace, record: ModelRecord) -> list[LineageNode]:
        """Return every live artifact downstream of a model's data, complete or not at all."""

    def record_training(self, job: TrainingJob) -> None:
        """Take what a finished training run left into the public record."""

    def record_deletion(self, job: DeletionJob) -> None:
        """Take what a finished deletion run left into the public record."""

    def record_retirement(self, workspace: Workspace, record: ModelRecord) -> None:
        """Say in the public record that a model was retired; safe to repeat."""

    def catch_up(self, workspace: Workspace) -> None:
        """Take into the public record what runs that were killed at their end did not."""
