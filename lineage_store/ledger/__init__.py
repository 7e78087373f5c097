"""What a training run leaves for later, so that rows can be taken out again.

shards         the ledger and its shards: header, stages, checkpoints
header         what stands in `header.json`; `train_options` what a run was asked
records        what is recorded of one step and of one stage
update_files   the recorded updates of a shard on disk
update_codecs  how an update becomes bytes
correction     what a marginal subtraction corrected the weights by
timings        how long it took and what it wrote, for later estimates
"""
