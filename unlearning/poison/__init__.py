"""Finding training rows that look poisoned: detectors that rank, and never delete.

`loss` and `spectral` rank rows, `provenance` judges whole sources; `suspects` and `without_source`
ask them about a trained model. Rows are named by their keys.
"""
