"""Where the same bits hold: by what the code does, and in which environment.

determinism       TensorFlow's settings
environment       versions, processor, variables; `keras_settings` and `module_imports`
code_fingerprint  what the code that trains does, as one digest
normal_form       how a definition is written down for it; `source_names` what names lead to
equivalent        older code that gives the same bits
"""
