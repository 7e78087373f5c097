"""A table in the shape of a census, from a seed: numbers, texts, a label, and each row's person."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shape:
    """How many columns of numbers and of texts a table has, and how many rows a person."""

    numbers: int = 8
    texts: int = 33
    rows_a_person: int = 1

    @property
    def columns(self) -> int:
        """The number of columns, with the label, and without `person`."""
        return self.numbers + self.texts + 1


CENSUS = Shape()


def write_census(path: Path, rows: int, *, seed: int = 0, shape: Shape = CENSUS) -> None:
    """Write columns of numbers, of texts with 2 to 50 values, a label of two, and `person`."""
    draw = random.Random(seed)
    kinds = [
        [f"{draw.choice('abcdefgh')}{number} of {place}" for number in range(draw.randint(2, 50))]
        for place in range(shape.texts)
    ]
    names = [f"n{place}" for place in range(shape.numbers)]
    names += [f"t{place}" for place in range(shape.texts)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", *names, "label"])
        for number in range(rows):
            whole = [draw.randint(0, 99) for _ in range(shape.numbers // 2)]
            broken = [f"{draw.gauss(0, 100):.2f}" for _ in range(shape.numbers - len(whole))]
            texts = map(draw.choice, kinds)
            label = "above" if whole[0] + draw.gauss(0, 30) > 50 else "below"
            person = f"person {number // shape.rows_a_person}"
            writer.writerow([person, *whole, *broken, *texts, label])
