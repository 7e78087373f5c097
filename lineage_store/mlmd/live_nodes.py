"""Which nodes of the lineage are live: those that the ledger of a live model still accounts for.

A deletion marks the others DELETED, and moves those that are kept to their files in the new ledger.
"""

from lineage_store.ledger.shards import Ledger
from lineage_store.mlmd.names import Names, content_uri

# The types of artifacts that end with the rows they were made from.
ENDING = (
    "lineage.Checkpoint",
    "lineage.Sums",
    "lineage.Update",
    "lineage.Batch",
    "lineage.Shard",
)


def live_files(ledger: Ledger, names: Names) -> dict[str, str]:
    """Return the names of all nodes of a ledger, with the file of each that has one."""
    live: dict[str, str] = {}
    model = ledger.header.model
    for number, shard in enumerate(ledger.shards()):
        live[names.of(model, f"s{number}:shard")] = ""
        live[names.subtracted(model, number)] = str(shard.final_file)
        subtracted, recorded = shard.subtracted(), shard.updates.files()
        checkpoints, correction = shard.step_checkpoints(), shard.correction()
        repaired = shard.repair()
        for stage in shard.stages():
            if shard.has_checkpoint(stage.stage):
                live[names.checkpoint(stage)] = str(shard.checkpoint_file(stage.stage))
            for step in shard.steps(stage.stage):
                if step.position in checkpoints:
                    live[names.step_checkpoint(stage, step.position)] = str(
                        shard.step_checkpoint_file(step.position)
                    )
                if step.position not in subtracted:
                    live[names.batch(stage, step.position)] = content_uri(step.batch_digest)
                    gone = correction is not None and stage.stage >= correction.kept_stages
                    if gone and stage != repaired:
                        continue  # no update is kept that was made after the rows were learnt
                    live[names.update(stage, step.position)] = str(recorded.get(step.position, ""))
    return live
