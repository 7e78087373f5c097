"""Whole runs, from configuration to ledger and served model, on one process or many.

fit         a training run, a deletion run, and a twin's
shard_task  one shard's part, as a value that any process can carry out
engines     who carries tasks out; `beam` the pipeline's process, `worker` its workers' part
executor_engine  the engine of a TFX component's executor
"""
