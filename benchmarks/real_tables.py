"""Real tables to learn from: those of ../shared/data, and those that scikit-learn brings along.

Each is columns of text as they would stand in a CSV file, and what the label makes of it. Codes
(students, lecturers) have a letter in front, so that they are taken as the names that they are; the
ratings of insteval end in a half, so that they are values and no classes.
"""

import csv
import gzip
import io
import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.apart import ROOT

FOLDER = ROOT.parent / "shared" / "data"
LABEL = "label"
Lines = list[list[str]]


@dataclass(frozen=True)
class RealTable:
    """Named columns of text, the label last, and the task."""

    names: Sequence[str]
    lines: Lines
    task: Literal["classification", "regression"]

    @property
    def labels(self) -> np.ndarray:
        """The labels: texts, or values."""
        last = np.array([line[-1] for line in self.lines])
        return last if self.task == "classification" else last.astype(np.float64)


def adult() -> RealTable:
    """Who earns more than 50,000 a year; both of its files."""
    names = (
        "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
        "relationship", "race", "sex", "capital-gain", "capital-loss", "hours", "country",
    )  # fmt: skip
    lines: Lines = []
    for file in ("adult.data.gz", "adult.test.gz"):
        read = csv.reader(_text(FOLDER / "adult" / file), skipinitialspace=True)
        lines += [[*line[:-1], line[-1].rstrip(".")] for line in read if len(line) == 15]
    return RealTable((*names, LABEL), lines, "classification")


def diabetes130() -> RealTable:
    """Whether a patient was admitted again; without the ids."""
    header, *lines = csv.reader(_text(FOLDER / "diabetes130" / "diabetic_data.csv.gz"))
    return RealTable((*header[2:-1], LABEL), [line[2:] for line in lines], "classification")


def surgical() -> RealTable:
    """Complications of operations; without the last column, which follows from the label."""
    read = csv.reader(_text(FOLDER / "surgical" / "Surgical-deepnet.noheader.csv.gz"))
    lines = [line[:-1] for line in read]
    return _numbered([line[:-1] for line in lines], [line[-1] for line in lines], "classification")


def covtype() -> RealTable:
    """The cover of 100,000 pieces of forest, drawn from all."""
    with lzma.open(FOLDER / "covtype" / "covtype.csv.xz", "rt", encoding="utf-8") as stream:
        header, *lines = csv.reader(stream)
    chosen = np.sort(np.random.default_rng(0).permutation(len(lines))[:100_000])
    return RealTable((*header[:-1], LABEL), [lines[number] for number in chosen], "classification")


def higgs() -> RealTable:
    """The first 7,500 collisions of HIGGS, of which the label stands first."""
    lines: Lines = []
    for file in ("binary.train.tsv.gz", "binary.test.tsv.gz"):
        lines += csv.reader(_text(FOLDER / "higgs-7500" / file), delimiter="\t")
    return _numbered([line[1:] for line in lines], [line[0] for line in lines], "classification")


def parkinsons() -> RealTable:
    """The total UPDRS from a voice; without who it is, and the motor UPDRS."""
    header, *lines = csv.reader(
        _text(FOLDER / "parkinsons-telemonitoring" / "parkinsons_updrs.data.gz")
    )
    label, left = header.index("total_UPDRS"), {"subject#", "motor_UPDRS", "total_UPDRS"}
    kept = [place for place, name in enumerate(header) if name not in left]
    rows = [[*(line[place] for place in kept), line[label]] for line in lines]
    return RealTable((*(header[place] for place in kept), LABEL), rows, "regression")


def insteval() -> RealTable:
    """The rating that a student gave a lecturer."""
    header, *lines = csv.reader(_text(FOLDER / "insteval" / "InstEval.csv.gz"))
    rows = [
        [f"s{s}", f"d{d}", studage, lectage, service, f"k{dept}", f"{y}.5"]
        for s, d, studage, lectage, service, dept, y in lines
    ]
    return RealTable((*header[:-1], LABEL), rows, "regression")


def sms() -> RealTable:
    """Whether a message is spam: one column of text."""
    pairs = (line.split("\t", 1) for line in _text(FOLDER / "sms-spam" / "SMSSpamCollection.gz"))
    lines = [[text.strip(), label] for label, text in pairs]
    return RealTable(("text", LABEL), lines, "classification")


def breast_cancer() -> RealTable:
    """Of scikit-learn: whether a tumour is malignant."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return _of_arrays(x, y, "classification")


def digits() -> RealTable:
    """Of scikit-learn: 1,797 digits of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _of_arrays(x, y, "classification")


def diabetes() -> RealTable:
    """Of scikit-learn: 442 patients' progress in a year."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    return _of_arrays(x, y + 0.5, "regression")


TABLES: dict[str, Callable[[], RealTable]] = {
    "breast-cancer": breast_cancer,
    "diabetes": diabetes,
    "digits": digits,
    "sms-spam": sms,
    "parkinsons": parkinsons,
    "higgs-7500": higgs,
    "surgical": surgical,
    "adult": adult,
    "insteval": insteval,
    "diabetes130": diabetes130,
    "covtype": covtype,
}
"""The smaller ones first."""

BUNDLED = ("breast-cancer", "diabetes", "digits")
"""Those that are there without ../shared/data."""


def missing(name: str) -> str | None:
    """Say why a table cannot be read, or None if it can."""
    folder = {"parkinsons": "parkinsons-telemonitoring"}.get(name, name)
    if name in BUNDLED or (FOLDER / folder).exists():
        return None
    return f"{name} is skipped: it needs {FOLDER / folder}."


def _text(path: Path) -> io.StringIO:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return io.StringIO(stream.read())


def _numbered(
    lines: Lines, labels: Sequence[str], task: Literal["classification", "regression"]
) -> RealTable:
    names = [f"c{place}" for place in range(len(lines[0]))]
    told = [[*line, label] for line, label in zip(lines, labels, strict=True)]
    return RealTable((*names, LABEL), told, task)


def _of_arrays(
    x: np.ndarray, y: np.ndarray, task: Literal["classification", "regression"]
) -> RealTable:
    lines = [[f"{value:.9g}" for value in row] for row in x]
    return _numbered(lines, [f"{value:.9g}" for value in y], task)
