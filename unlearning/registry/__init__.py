"""Finished models in the index and the log, and the two compared.

register         a model in the index, in the row index and in the log
compare_index    the index against log, ledgers and snapshots
rebuilt_records  a live model's record, made again
"""
