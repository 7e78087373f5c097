"""The Python API: `Project` and what it is made of.

project         what can be done with a workspace; `reader` what can be asked of it
questions       the named ones; `event_log` those to the log
request_queue   the queue; `queue_writing`, `near_subjects` and `forget_options` serve it
detecting, readmitting, reporting, subject_export, verify  one call each
version         as installed
"""
