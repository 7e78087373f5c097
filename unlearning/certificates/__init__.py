"""The signed proof of a deletion.

envelope       sealed, signed and verified
statement      what it says
finish         the end of a run: certificate written, request closed, once
log_inclusion  the request stood in the signed log before anything went
shared_run     one run for several people, a certificate for each
"""
