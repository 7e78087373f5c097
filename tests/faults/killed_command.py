"""Stands for the program `unweave`: each call that runs requests is killed, once for each place.

The first argument is a file with a list of places as JSON, `kill_at`'s arguments each; a place is
taken from it before its call begins.
"""

import json
import sys
from pathlib import Path

from tests.faults.fork_server import kill_at
from unweave.cli import main

if __name__ == "__main__":
    places = Path(sys.argv[1])
    sys.argv = ["unweave", *sys.argv[2:]]
    left = json.loads(places.read_text())
    if left and "run-requests" in sys.argv:
        places.write_text(json.dumps(left[1:]))
        kill_at(*left[0])
    main()
