"""The project's own SQLite file, one file of code for each kind of record in it.

database       opened, to write or to read
models         the registry of models
deletions      deletion runs and the exclusion manifest
readmission    who was forgotten agrees anew
queue          requests that wait; `queue_changes` what people do to them
row_index      which rows a subject has in which snapshot
descent        which models were trained from which
failures       why runs failed
from_log       what the event log says of models and deletions
signed_log     appends to it: what is logged together is committed and signed together
disk_sort      sorts more keys than fit into memory
"""
