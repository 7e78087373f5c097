"""Deleted means gone: models and rows are taken away, and a scan proves it.

erase           the order of a deletion run, and its erasure
scan            searches every file of a workspace for what must be gone
tokens          which values give a row away, and how they may be written
file_formats    what files hold besides their own bytes
erased_digests  by which a copy of an erased file is found later
sealed_request  what a running deletion remembers, sealed
"""
