"""The Python API: `Project` and what it is made of.

project    what can be done with a workspace; `reader` what can be asked of it
questions  the named ones; `event_log` those to the log
asked_runs, readmitting, reporting, verify  one call each
"""
