"""The files of a live model against the digests that its ledger recorded: what is not as it was.

Reads and compares, without TensorFlow. The ledger itself is believed here: that it is the one that
the event log names is the doctor's to say, and that it tells the truth a replay's.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from lineage_store.canonical import digest, digest_file, digest_json
from lineage_store.errors import CheckFailed, Damaged
from lineage_store.ledger import Ledger, ShardLedger, StageRecord, served_files
from lineage_store.rows import RowStore, open_rows
from unlearning.training.config import module_source
from unlearning.training.early_stop import rows_seen

SERVED = ("model", "pushed")
SAVED_MODEL = "Format-Serving"


def differing_files(
    ledger: Ledger, paths: Mapping[str, Path], *, approximate: bool, served: str | None
) -> Iterator[str]:
    """Say of each file of a live model that is not as it was recorded what is wrong with it.

    `paths` are the folders of the model's record, `served` is the commitment to the files that were
    pushed, if the log has one. Of an approximate result files may be missing: what learnt from the
    rows was erased with them.
    """
    try:
        module_source(ledger)
    except Damaged:
        yield "the source of its module is not the recorded one"
    for number, shard in enumerate(ledger.shards()):
        for record in shard.stages():
            for what in _stage(shard, record, approximate=approximate):
                yield f"shard {number}, stage {record.stage}: {what}"
        correction = shard.correction()
        if correction is not None and not _is(shard.final_file, correction.state_digest):
            yield f"shard {number}: its corrected state is not the recorded one"
    if not approximate:
        yield from _rows(ledger, open_rows(paths["rows"]))
    yield from _served(ledger, paths, served)


def _stage(shard: ShardLedger, record: StageRecord, *, approximate: bool) -> Iterator[str]:
    lines = shard.steps_file(record.stage).read_bytes()
    if digest_json(lines.decode("utf-8")) != record.steps_digest:
        yield "the records of its steps are not the recorded ones"
        return
    checkpoint = shard.checkpoint_file(record.stage)
    if not _is(checkpoint, record.checkpoint_digest, may_be_gone=approximate):
        yield "its checkpoint is not the recorded one"
    updates = {}
    for step in shard.steps(record.stage):
        recorded, file = step.checkpoint_digest, shard.step_checkpoint_file(step.position)
        if recorded is not None and not _is(file, recorded, may_be_gone=approximate):
            yield f"the checkpoint after step {step.position} is not the recorded one"
        if step.update_digest is not None:
            updates[step.position] = step.update_digest
    yield from _updates(shard, updates, approximate=approximate)


def _updates(
    shard: ShardLedger, recorded: Mapping[int, str], *, approximate: bool
) -> Iterator[str]:
    if not recorded:
        return
    try:
        here = shard.recorded_updates()
        missing = recorded.keys() - here
        if missing and not approximate:
            yield f"{len(missing):,} of its recorded updates are gone"
        for position, data in shard.updates.read(sorted(recorded.keys() & here)):
            if digest(data) != recorded[position]:
                yield f"the update of step {position} is not the recorded one"
    except (CheckFailed, OSError):
        yield "its recorded updates cannot be read"


def _rows(ledger: Ledger, store: RowStore) -> Iterator[str]:
    for number, shard in enumerate(ledger.shards()):
        for record in shard.stages():
            try:
                seen = rows_seen(ledger.header.options, store, shard=number, stage=record.stage)
                same = seen == record.rows_digest
            except (CheckFailed, OSError):
                same = False
            if not same:
                yield (
                    f"shard {number}, stage {record.stage}: its rows in the row store are not "
                    f"those that it was trained on"
                )


def _served(ledger: Ledger, paths: Mapping[str, Path], served: str | None) -> Iterator[str]:
    """Compare both copies of the served model with what was pushed, or else with each other."""
    if any(name not in paths for name in SERVED):
        return
    model, pushed = (served_files(paths[name], below=SAVED_MODEL) for name in SERVED)
    if served is None:
        if model != pushed:
            yield "the served model is not the one that was trained"
        return
    if pushed.published(ledger) != served:
        yield "the served model is not the one that was pushed"
    if model.published(ledger) != served:
        yield "the model that was trained is not the one that was pushed"


def _is(file: Path, recorded: str, *, may_be_gone: bool = False) -> bool:
    return digest_file(file) == recorded if file.exists() else may_be_gone
