"""The ledger: what a training run leaves for later.

    header.json                        configuration, code, data and environment; what was inferred
    nonce                              by which what is published of it cannot be guessed (0600)
    shards/003/stage-01.json           the stage: rows, batches, digests, seconds
    shards/003/stage-01.steps.jsonl    one record a step
    shards/003/stage-01.safetensors    the checkpoint at the end of the stage
    shards/003/updates/00000042.zip    the recorded updates from the step at position 42 on
    shards/003/steps/00000042.safetensors  the checkpoint after the step at position 42
    shards/003/subtracted.json         the positions whose updates were taken back, if any were,
                                       whole or in part (`correction`)
    shards/003/final.safetensors       the shard's weights after a subtraction, if there was one;
                                       after a marginal one its whole training state; gone when a
                                       repair, one more stage, has started from it

Each shard's folder is whole by itself, so that the ledger of the model after a deletion can keep
the folders of untouched shards as they are (hard links). A stage names the model that trained it.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import (
    canonical_json,
    digest_file,
    digest_json,
    link_or_copy,
    read_json,
    reading_own,
    write_atomic,
)
from lineage_store.commitments import keep_nonce
from lineage_store.ledger.correction import Correction, read_correction
from lineage_store.ledger.header import Header
from lineage_store.ledger.records import StageRecord, StepRecord, read_stage
from lineage_store.ledger.update_files import UpdateFiles
from lineage_store.placement import Partition
from lineage_store.tensors import State, load_state, save_state, weights_of

HEADER_FILE = "header.json"


@dataclass(frozen=True)
class ShardLedger:
    """The folder of one shard."""

    folder: Path

    def checkpoint_file(self, stage: int) -> Path:
        """The checkpoint at the end of a stage."""
        return self.folder / f"stage-{stage:02d}.safetensors"

    def steps_file(self, stage: int) -> Path:
        """The steps of a stage."""
        return self.folder / f"stage-{stage:02d}.steps.jsonl"

    def stage_file(self, stage: int) -> Path:
        """The record of a stage."""
        return self.folder / f"stage-{stage:02d}.json"

    @property
    def updates(self) -> UpdateFiles:
        """The recorded updates of the steps."""
        return UpdateFiles(self.folder / "updates")

    def step_checkpoint_file(self, position: int) -> Path:
        """The checkpoint after a step, within a stage."""
        return self.folder / "steps" / f"{position:08d}.safetensors"

    @property
    def final_file(self) -> Path:
        """The weights after subtraction; absent while the last checkpoint holds."""
        return self.folder / "final.safetensors"

    @property
    def subtracted_file(self) -> Path:
        """The positions of the steps whose updates were subtracted."""
        return self.folder / "subtracted.json"

    def stages(self) -> list[StageRecord]:
        """Read the records of the trained stages, in order."""
        return [_stage(file) for file in sorted(self.folder.glob("stage-*.json"))]

    def steps(self, stage: int) -> Iterator[StepRecord]:
        """Read the steps of a stage, in the order in which they were taken."""
        file = self.steps_file(stage)
        with reading_own(file), file.open(encoding="utf-8") as stream:
            for line in stream:
                yield StepRecord(**json.loads(line))

    def checkpoint(self, stage: int) -> State:
        """Read the whole training state at the end of a stage."""
        return load_state(self.checkpoint_file(stage))

    def has_checkpoint(self, stage: int) -> bool:
        """Say whether the checkpoint of a stage is still there."""
        return self.checkpoint_file(stage).exists()

    def subtracted(self) -> frozenset[int]:
        """Return the positions whose updates were subtracted from the weights."""
        if not self.subtracted_file.exists():
            return frozenset()
        return frozenset(read_json(self.subtracted_file)["positions"])

    def correction(self) -> Correction | None:
        """Return what the newest marginal subtraction did, if the weights come of one."""
        if not self.subtracted_file.exists():
            return None
        return read_correction(read_json(self.subtracted_file))

    def repair(self) -> StageRecord | None:
        """Return the stage that repaired what the newest subtraction left, if the weights are its.

        Its number follows those of the slices' stages.
        """
        stages = self.stages()
        if self.final_file.exists() or not stages or not stages[-1].start_digest:
            return None
        return stages[-1]

    def recorded_updates(self) -> frozenset[int]:
        """Return the positions of the steps whose updates are on disk."""
        return frozenset(self.updates.files())

    def step_checkpoints(self) -> frozenset[int]:
        """Return the positions of the steps after which a checkpoint is on disk."""
        return frozenset(int(file.stem) for file in (self.folder / "steps").glob("*.safetensors"))

    def final_weights(self) -> State:
        """Return the weights that the shard contributes to the model; none if it has no rows."""
        if self.final_file.exists():
            return weights_of(load_state(self.final_file))
        stages = self.stages()
        if not stages or not stages[-1].rows:
            return {}
        return weights_of(self.checkpoint(stages[-1].stage))

    def state_digest(self) -> str | None:
        """Return the digest of the shard's whole state as it is on disk; None if it has no rows."""
        if self.final_file.exists():
            return digest_file(self.final_file)
        stages = self.stages()
        if not stages or not stages[-1].rows:
            return None
        return digest_file(self.checkpoint_file(stages[-1].stage))

    def write_step_checkpoint(self, position: int, state: State) -> str:
        """Write the checkpoint after a step and return its digest."""
        file = self.step_checkpoint_file(position)
        file.parent.mkdir(parents=True, exist_ok=True)
        return save_state(file, state)

    def write_stage(self, record: StageRecord, steps: Iterable[StepRecord], state: State) -> None:
        """Write a stage: steps and checkpoint first, the record last. Digests are filled in."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = b"".join(canonical_json(step.to_json()) + b"\n" for step in steps)
        write_atomic(self.steps_file(record.stage), lines)
        checkpoint_digest = save_state(self.checkpoint_file(record.stage), state)
        complete = record.to_json() | {
            "checkpoint_digest": checkpoint_digest,
            "steps_digest": digest_json(lines.decode("utf-8")),
        }
        write_atomic(self.stage_file(record.stage), canonical_json(complete) + b"\n")


@dataclass(frozen=True)
class Ledger:
    """A whole ledger, complete on disk."""

    folder: Path
    header: Header

    @property
    def partition(self) -> Partition:
        """How the run cut its data."""
        return self.header.partition

    def shard(self, number: int) -> ShardLedger:
        """Return a shard's part."""
        return ShardLedger(shard_folder(self.folder, number))

    def shards(self) -> list[ShardLedger]:
        """Return all shards' parts, in order."""
        return [self.shard(number) for number in range(self.partition.shards)]

    def weights_of_shard(self, number: int) -> State:
        """Return the weights that a shard contributes to the model; none if it has no rows."""
        return self.shard(number).final_weights()

    def final_weights(self) -> list[State]:
        """Return the weights of each shard, in order; none for a shard without rows."""
        return [shard.final_weights() for shard in self.shards()]

    def states(self) -> tuple[str | None, ...]:
        """Return the digest of each shard's whole state as it is on disk, in order."""
        return tuple(shard.state_digest() for shard in self.shards())

    def digest(self) -> str:
        """Return the digest that stands for the ledger: of its header and all stage records.

        The header counts as it stands on disk: an older one lacks fields that `Header` has.
        """
        stages = [[stage.to_json() for stage in shard.stages()] for shard in self.shards()]
        subtracted = [sorted(shard.subtracted()) for shard in self.shards()]
        told: dict[str, Any] = {
            "header": read_json(self.folder / HEADER_FILE),
            "stages": stages,
            "subtracted": subtracted,
        }
        corrections = [shard.correction() for shard in self.shards()]
        if any(corrections):
            told["corrections"] = [None if one is None else one.to_json() for one in corrections]
        return digest_json(told)

    def steps_taken(self, *, model: str | None = None) -> int:
        """Count the steps that stand behind the model, or those that one model's run took."""
        corrections = [shard.correction() for shard in self.shards()] if model else []
        return sum(one.steps for one in corrections if one and one.model == model) + sum(
            stage.steps - (0 if model is None else stage.resumed)
            for shard in self.shards()
            for stage in shard.stages()
            if model is None or stage.model == model
        )


def _stage(file: Path) -> StageRecord:
    with reading_own(file):
        return read_stage(read_json(file))


def shard_folder(folder: Path, number: int) -> Path:
    """Return the folder of a shard within a ledger's folder."""
    return folder / "shards" / f"{number:03d}"


def write_header(folder: Path, header: Header) -> Ledger:
    """Write the nonce, then the header, last of all, and return the ledger."""
    keep_nonce(folder)
    write_atomic(folder / HEADER_FILE, canonical_json(header.to_json()) + b"\n")
    return open_ledger(folder)


def open_ledger(folder: Path) -> Ledger:
    """Open a complete ledger; raises Damaged for one whose header cannot be read."""
    file = folder / HEADER_FILE
    with reading_own(file):
        return Ledger(folder, Header.from_json(read_json(file)))


def keep_shard(
    old: ShardLedger, new: ShardLedger, *, stages: int | None = None, resume: int | None = None
) -> None:
    """Take a shard's folder over into another ledger, whole or its first stages only.

    With `resume`, what was kept of the next stage's steps up to that position comes along. Files
    are hard links where the file system has them: nothing in a ledger is written twice.
    """
    if stages is None:
        shutil.copytree(old.folder, new.folder, copy_function=link_or_copy)
        return
    new.folder.mkdir(parents=True)
    kept = old.stages()[:stages]
    for record in kept:
        for file in (
            old.stage_file(record.stage),
            old.steps_file(record.stage),
            old.checkpoint_file(record.stage),
        ):
            link_or_copy(file, new.folder / file.name)
    end = kept[-1].first_position + kept[-1].epochs * kept[-1].batches if kept else 0
    if resume is not None:
        end = resume + 1
    new.updates.take_over(old.updates, before=end)
    for position in old.step_checkpoints():
        if position < end:
            target = new.step_checkpoint_file(position)
            target.parent.mkdir(exist_ok=True)
            link_or_copy(old.step_checkpoint_file(position), target)
