"""A table in the shape of a census, made from a seed: 42 columns and the person of each row."""

import csv
import random
from pathlib import Path

NUMBERS, TEXTS = 8, 33


def write_census(path: Path, rows: int, *, seed: int = 0) -> None:
    """Write 8 columns of numbers, 33 of texts with 2 to 50 values, a label of two, and `person`."""
    draw = random.Random(seed)
    kinds = [
        [f"{draw.choice('abcdefgh')}{number} of {place}" for number in range(draw.randint(2, 50))]
        for place in range(TEXTS)
    ]
    names = [f"n{place}" for place in range(NUMBERS)] + [f"t{place}" for place in range(TEXTS)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", *names, "label"])
        for number in range(rows):
            whole = [draw.randint(0, 99) for _ in range(NUMBERS // 2)]
            broken = [f"{draw.gauss(0, 100):.2f}" for _ in range(NUMBERS // 2)]
            texts = map(draw.choice, kinds)
            label = "above" if whole[0] + draw.gauss(0, 30) > 50 else "below"
            writer.writerow([f"person {number}", *whole, *broken, *texts, label])
