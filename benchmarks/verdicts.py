"""Which verdict each way of unlearning gets: what does nothing, what is right, and what is between.

Made-up rows of two noisy classes, an MLP that learns them by heart, five seeds of each kind of
model, several data sets. Only the evaluation's own time is told, beside that of the trainings.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.result import Result, Tell
from unlearning.evaluation.models_compared import Evaluated, ModelRun
from unlearning.evaluation.policy import Policy
from unlearning.evaluation.verdict import Evaluation, evaluate

COLUMNS, HIDDEN, ROWS, TEST = 10, 64, 460, 400
FORGOTTEN = (10, 60, 120)
DATA_SETS, SEEDS = 5, 5
STEPS, REPAIR, ASCENT = 300, 60, 15
KINDS = ("passed", "uninformative", "failed")

State = list[Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Judge every way on every data set and number of forgotten rows."""
    sets, seeds, steps = (1, 3, 50) if quick else (DATA_SETS, SEEDS, STEPS)
    found: dict[tuple[int, str], list[Evaluation]] = {}
    training = judging = 0.0
    for gone in FORGOTTEN:
        for number in range(sets):
            began = time.perf_counter()
            trial = Trial(number, gone, steps)
            untouched = [trial.trained(seed) for seed in range(seeds)]
            retrained = [trial.trained(seed, without=True) for seed in range(100, 100 + seeds)]
            ways = trial.ways(seeds)
            training += time.perf_counter() - began
            for way, states in ways.items():
                began = time.perf_counter()
                models = trial.evaluated(untouched, states, retrained)
                verdict = evaluate(models, Policy())
                judging += time.perf_counter() - began
                found.setdefault((gone, way), []).append(verdict)
                tell(f"{gone} forgotten, data set {number}, {way}: {verdict.outcome}")
    return Result(
        title=f"Verdicts on {sets} data sets, {seeds} models of each kind",
        columns=("forgotten rows", "way", *KINDS, "told by"),
        rows=[_row(gone, way, verdicts) for (gone, way), verdicts in found.items()],
        notes=[
            f"MLP {COLUMNS}-{HIDDEN}-2, {ROWS} rows, {steps} steps of Adam on all rows at once; "
            f"{REPAIR} steps on the retained rows repair, {ASCENT} steps uphill on the forgotten.",
            f"{training:.0f} s for all trainings, {judging:.0f} s for all verdicts.",
            "Goal: doing nothing never passes, retraining never fails, random weights always fail.",
        ],
        numbers={
            f"{gone} {way}": [verdict.to_json() for verdict in verdicts]
            for (gone, way), verdicts in found.items()
        },
    )


def _row(gone: int, way: str, verdicts: list[Evaluation]) -> tuple[str, ...]:
    counts = Counter(verdict.outcome for verdict in verdicts)
    by = Counter(verdict.why.partition(":")[0] for verdict in verdicts if verdict.rung)
    by.update(
        verdict.why.partition(":")[0]
        for verdict in verdicts
        if verdict.outcome == "failed" and not verdict.rung
    )
    told = ", ".join(f"{name} ({count})" for name, count in by.most_common()) or "-"
    return (str(gone), way, *(str(counts[kind]) for kind in KINDS), told)


class Trial:
    """One data set, and the models that are trained on it."""

    def __init__(self, number: int, gone: int, steps: int) -> None:
        random = np.random.default_rng(number)
        self.inputs = random.normal(size=(ROWS + TEST, COLUMNS)).astype(np.float32)
        signal = self.inputs @ random.normal(size=COLUMNS) / 2
        self.labels = (signal + random.normal(size=len(signal)) > 0).astype(np.int64)
        self.gone, self.steps = gone, steps

    def ways(self, seeds: int) -> dict[str, list[State]]:
        """Return what each way makes of models of seeds that no other kind has."""
        own = range(200, 200 + seeds)
        before = [self.trained(seed) for seed in own]
        kept, left = slice(self.gone, ROWS), slice(0, self.gone)
        repair = [self.descended(state, kept, steps=REPAIR) for state in before]
        climbed = [self.descended(state, left, steps=ASCENT, sign=-1.0) for state in before]
        return {
            "nothing": before,
            "retrained": [self.trained(seed, without=True) for seed in own],
            "repaired": repair,
            "gradient ascent": climbed,
            "ascent, then repaired": [
                self.descended(state, kept, steps=REPAIR) for state in climbed
            ],
            "random weights": [_fresh(seed) for seed in own],
        }

    def trained(self, seed: int, *, without: bool = False) -> State:
        """Train from fresh weights, with or without the forgotten rows."""
        return self.descended(
            _fresh(seed), slice(self.gone if without else 0, ROWS), steps=self.steps
        )

    def descended(self, state: State, rows: slice, *, steps: int, sign: float = 1.0) -> State:
        """Take steps of Adam on the mean loss of rows, or against it."""
        inputs, labels = self.inputs[rows], self.labels[rows]
        weights = [array.copy() for array in state]
        first = [np.zeros_like(array) for array in weights]
        second = [np.zeros_like(array) for array in weights]
        for step in range(1, steps + 1):
            for place, slope in enumerate(_gradient(weights, inputs, labels)):
                slope = sign * slope
                first[place] = 0.9 * first[place] + 0.1 * slope
                second[place] = 0.999 * second[place] + 0.001 * slope**2
                ahead = first[place] / (1 - 0.9**step)
                scale = np.sqrt(second[place] / (1 - 0.999**step)) + 1e-8
                weights[place] = weights[place] - 0.01 * ahead / scale
        return weights

    def evaluated(
        self, untouched: list[State], unlearned: list[State], retrained: list[State]
    ) -> Evaluated:
        """Put the three kinds together."""
        sets = {
            "forgotten": slice(0, self.gone),
            "retained": slice(self.gone, ROWS),
            "test": slice(ROWS, ROWS + TEST),
        }

        def asked(state: State) -> ModelRun:
            answers: dict[Any, Any] = {
                name: _forward(state, self.inputs[rows])[1] for name, rows in sets.items()
            }
            return ModelRun(answers, {str(n): array for n, array in enumerate(state)})

        labels: dict[Any, Any] = {name: self.labels[rows] for name, rows in sets.items()}
        return Evaluated(
            "classification",
            labels,
            {
                "untouched": tuple(map(asked, untouched)),
                "unlearned": tuple(map(asked, unlearned)),
                "retrained": tuple(map(asked, retrained)),
            },
        )


def _fresh(seed: int) -> State:
    random = np.random.default_rng(seed)
    draw: Callable[..., Any] = random.normal
    return [
        draw(0, np.sqrt(2 / COLUMNS), (COLUMNS, HIDDEN)),
        np.zeros(HIDDEN),
        draw(0, np.sqrt(1 / HIDDEN), (HIDDEN, 2)),
        np.zeros(2),
    ]


def _forward(state: State, inputs: Any) -> tuple[Any, Any]:
    hidden = np.maximum(inputs @ state[0] + state[1], 0)
    scores = hidden @ state[2] + state[3]
    exponent = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, exponent / exponent.sum(axis=1, keepdims=True)


def _gradient(state: State, inputs: Any, labels: Any) -> State:
    hidden, told = _forward(state, inputs)
    error = (told - np.eye(2)[labels]) / len(labels)
    back = (error @ state[2].T) * (hidden > 0)
    return [inputs.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
