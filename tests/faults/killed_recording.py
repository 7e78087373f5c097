"""Stands for `unweave.recording`, killed at a call of a function, and who waits for it as well.

The variable KILLED_AT says by JSON at which call of what, and which processes go with it.
"""

import json
import os

from tests.faults.fork_server import kill_at
from unweave import recording

KILLED_AT = "KILLED_AT"

if __name__ == "__main__":
    target, entry, others = json.loads(os.environ[KILLED_AT])
    kill_at(target, entry, also=others)
    recording.main()
