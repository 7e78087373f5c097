"""What a forest tells, and which features do it."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from tests.unlearning.forest.test_forest_changes import of_numbers
from unlearning.forest.forest_answers import answers_of, importances, nodes_apart
from unlearning.forest.forest_rows import ForestRows, value_stats
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.growth import grown


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    numbers = random.integers(0, 100, (1000, 3))
    return numbers, (numbers[:, 0] + numbers[:, 1] // 3 > 60).astype(np.int64)


def test_a_forest_tells_what_scikit_learns_does_and_by_the_same_features(table):
    numbers, labels = table
    rows = of_numbers(numbers, labels)
    trees = grown(rows.take(np.arange(800)), ForestShape(trees=30, share=0.5))
    outputs = answers_of(trees, rows)[800:]
    assert outputs.sum(axis=1) == pytest.approx(1)
    theirs = RandomForestClassifier(30, random_state=0).fit(numbers[:800], labels[:800])
    right = (outputs.argmax(axis=1) == labels[800:]).mean()
    assert right > theirs.score(numbers[800:], labels[800:]) - 0.03
    found = importances(trees, features=3, classes=2)
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(theirs.feature_importances_, abs=0.15)
    assert found.argsort().tolist() == theirs.feature_importances_.argsort().tolist()


def test_values_are_told_by_their_mean_and_importances_of_no_split_are_nothing(table):
    numbers, _ = table
    keys = of_numbers(numbers, np.zeros(1000, np.int64)).keys
    steps = numbers[:, 2] * 65536
    stats = value_stats(steps, np.ones(1000, np.int64))
    rows = ForestRows(keys, numbers, np.zeros(3, bool), stats, 0)
    trees = grown(rows, ForestShape(trees=20, share=0.5))
    assert np.corrcoef(answers_of(trees, rows)[:, 0], steps)[0, 1] > 0.99
    assert importances(trees, features=3, classes=0)[2] > 0.9
    bare = grown(rows, ForestShape(trees=3, depth=1, leaf=600, share=1.0))
    assert importances(bare, features=3, classes=0).tolist() == [0, 0, 0]
    assert answers_of(bare, rows) == pytest.approx(steps.mean())
    assert nodes_apart(trees, trees) == 0 < nodes_apart(trees, bare)
