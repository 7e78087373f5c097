"""Finding training rows that look poisoned: detectors that rank, and never delete.

`example_loss` and `spectral_signature` rank rows, `provenance` judges whole sources; `suspects` and
`leave_source_out` ask them about a trained model. Rows are named by their keys.
"""
