"""TFX pipelines: which components run after which.

training   from the gate's files to a pushed model with its lineage
deletion   plan, unlearn, check, push and record each model; then erase and certify
scheduled  what an orchestrator starts by the clock
"""
