"""Training with lineage: sharded, isolated, sliced, each step recorded.

stages              trains a shard stage by stage
config              what the user fixed for a run
batches             which rows a stage trains on, in batches of its epochs (law 1)
recorders           what is kept of a step; `record_budget` what a budget affords
step_checkpoints    checkpoints within a stage
early_stop          decided anew by every run
base_weights        the weights of a model that is trained from another
encode_records      gated records become arrays; `encode_examples` ExampleGen's do
unchanged_slices    which slices a deletion need not write again
witness             the state before a shard's last step, for the check that follows
"""
