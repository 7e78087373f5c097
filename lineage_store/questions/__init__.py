"""The questions that people ask of the lineage, a function each.

traces         of a subject and of a model
steps          of batches, updates and checkpoints
artifacts      of one artifact, by MLMD
one_model      what reviewers and auditors ask of one model
as_of          what was true at a time
access         all that is held about a person
status         how a workspace stands
pipeline_runs  how the pipelines ran
"""
