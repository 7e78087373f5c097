"""Stands for the program `unweave`: calls are killed, once for each place of a list.

The first argument is a file with the places as JSON: a word that the call must have among its
arguments, and `kill_at`'s arguments. The first place is taken from it before its call begins.
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
    if left and left[0][0] in sys.argv:
        places.write_text(json.dumps(left[1:]))
        kill_at(*left[0][1:])
    main()
