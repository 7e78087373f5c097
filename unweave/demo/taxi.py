"""The Chicago taxi trips that ship inside the `tfx` package, as the demo's data.

15,002 trips of 61 companies. Many companies are one driver's cab, so the company is the data
subject; an empty company is a row without a subject. The label is whether the tip was above 20 %
of the fare; the tip itself is left out.
"""

import csv
import importlib.util
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lineage_store.errors import BadInput

SUBJECT, LABEL = "company", "big_tip"
MANY = 30
FILE = "examples/chicago_taxi_pipeline/data/simple/data.csv"


def shipped_trips() -> Iterator[dict[str, str]]:
    """Read all trips of the package; raises BadInput if this TFX does not ship them."""
    spec = importlib.util.find_spec("tfx")
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in folders:
        file = Path(folder) / FILE
        if file.exists():
            with file.open(newline="", encoding="utf-8") as stream:
                yield from csv.DictReader(stream)
            return
    raise BadInput("The installed tfx package does not ship the taxi trips of the demo.")


def write_trips(
    path: Path, *, without: frozenset[str] = frozenset(), every: int = 1
) -> Counter[str]:
    """Write the trips as a CSV file with the label, without some companies' trips.

    Of a company's trips after its first `MANY` only each of that number is written, so that small
    companies stay whole. Returns the number of trips of each company.
    """
    there: Counter[str] = Counter()
    companies: Counter[str] = Counter()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer: csv.DictWriter[str] | None = None
        for trip in shipped_trips():
            if trip[SUBJECT] in without:
                continue
            there[trip[SUBJECT]] += 1
            if there[trip[SUBJECT]] > MANY and there[trip[SUBJECT]] % every:
                continue
            tip, fare = float(trip.pop("tips") or 0), float(trip["fare"] or 0)
            trip[LABEL] = str(int(tip > 0.2 * fare))
            if writer is None:
                writer = csv.DictWriter(stream, list(trip))
                writer.writeheader()
            writer.writerow(trip)
            companies[trip[SUBJECT]] += 1
    return companies
