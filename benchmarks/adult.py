"""UCI Adult as a CSV file with an id for each person, from ../shared/data/adult."""

import csv
import gzip
from pathlib import Path

FILE = Path(__file__).parents[2] / "shared" / "data" / "adult" / "adult.data.gz"
COLUMNS = ["id", "age", "workclass", "fnlwgt", "education", "education-num", "marital-status",
           "occupation", "relationship", "race", "sex", "capital-gain", "capital-loss",
           "hours-per-week", "native-country", "income"]  # fmt: skip
ROW_ID, LABEL = "id", "income"


def missing() -> str | None:
    """Say why a benchmark on Adult cannot run, or None if it can."""
    return None if FILE.exists() else f"Skipped: it needs Adult's {FILE.name} in {FILE.parent}."


def write_people(path: Path, *, limit: int) -> None:
    """Write the first `limit` people as CSV; the id of each is the number of the line."""
    with gzip.open(FILE, "rt", encoding="utf-8") as given, path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        rows = (row for row in csv.reader(given, skipinitialspace=True) if row)
        for number, row in zip(range(limit), rows, strict=False):
            writer.writerow([f"p{number}", *row])
