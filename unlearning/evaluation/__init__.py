"""How an unlearned model behaves, beside the untouched and the retrained one.

verdict            passed, failed or uninformative, with reasons
policy             what a verdict demands
push_gate          judges within a run, and may stop the push
models_compared    the three models; `from_ledgers` and `from_saved_models` open them
keras_outputs      asks a plain Keras SavedModel
ladder             rungs of verification, strongest first
behaviour          where it tells untouched from retrained; `distributions` and `intervals` by
                   which statistics
guards             what a deletion must not break
measures           that decide nothing; `charts` to be drawn
finding            what one check found
"""
