"""A table of people with one row each, of three small columns, and the one who is forgotten.

An attacker holds everybody else's row and the workspace's secret. A guess is a name and the values
of a row; the two here are as near to each other as guesses can be.
"""

import csv
import random
from pathlib import Path

from fixtures import SMALL_MODEL

SECRET = bytes(range(40))
PEOPLE = 60
COLUMNS = ["person", "age", "visits", "children", "label"]
TRUE, FALSE = ["p23", 81, 9, 3, "yes"], ["p24", 81, 9, 4, "yes"]
OPTIONS = {
    "label": "label", "subject": "person", "shards": 2, "slices": 2, "epochs": 3, "batch_size": 8,
    "seed": 7, "module": SMALL_MODEL,
}  # fmt: skip


def write_given(folder: Path, guess: list) -> dict:
    """Write everybody's rows, one of them guessed; return what `train` is called with."""
    folder.mkdir(parents=True)
    draw = random.Random(3)
    table, secret = folder / "people.csv", folder / "secret"
    with table.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(COLUMNS)
        for number in range(PEOPLE):
            age, visits, children = draw.randrange(20, 90), draw.randrange(12), draw.randrange(5)
            label = "yes" if age + 3 * visits + draw.gauss(0, 9) > 70 else "no"
            if number not in (23, 24):
                out.writerow([f"p{number}", age, visits, children, label])
        out.writerow(guess)
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    return {**OPTIONS, "csv": str(table), "key_file": str(secret)}
