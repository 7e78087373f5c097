"""What every way into a workspace stands on: opened by whom, when, asked for what.

session         a workspace with its clock and listener, opened to read, to write or to run
forget_options  what is asked of a deletion, from plain values
near_subjects   ids that look alike, and other spellings
queue_writing   the queue, written while a run holds the workspace
unforeseen      what nobody foresaw, told in one sentence
version         of the unweave that is installed
"""
