"""The served graph of every logistic model: made once and shipped, and filled as ridge's are.

What its file says stands in `linear.ridge_graph`; the weights of a class that a part never saw are
zero, and its intercept is minus infinity. `build` makes the shipped folder anew
(`python -m unlearning.convex.logistic_graph FOLDER`).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.linear.ridge_graph import FILE, WeightsTold, aggregated, members_of
from unlearning.serving.shipped_graph import write_graph

GRAPH = "logistic_classification.saved_model"


def build(folder: Path) -> None:
    """Write the SavedModel without any model's weights; needs TensorFlow."""
    there = folder.absolute() / GRAPH
    write_graph(there, file=FILE, lines=3, read=WeightsTold, answers=_classes)


def _classes(tf: Any, told: WeightsTold, numbers: Any, strings: Any) -> dict[str, Any]:
    """Return the shares and the likeliest class of each row."""
    return aggregated(tf, told, tf.nn.softmax(members_of(tf, told, numbers, strings), axis=2))


def main(arguments: Sequence[str]) -> None:
    """Write the shipped folder anew."""
    build(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
