"""The served graph of every model of clusters: made once and shipped, and filled as ridge's are.

Which centre is nearest is told by weighted sums, as ridge's graph has them: a centre's own square
less twice its product with a point. Numbers are first rounded to the grid of points. `build` makes
the shipped folder anew (`python -m unlearning.clusters.cluster_graph FOLDER`).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unlearning.clusters.points import LIMIT, ONE
from unlearning.linear.ridge_graph import FILE, WeightsTold, members_of
from unlearning.serving.shipped_graph import write_graph

GRAPH = "cluster_centres.saved_model"


def build(folder: Path) -> None:
    """Write the SavedModel without any model's centres; needs TensorFlow."""
    there = folder.absolute() / GRAPH
    write_graph(there, file=FILE, lines=3, read=WeightsTold, answers=_clusters)


def _clusters(tf: Any, told: WeightsTold, numbers: Any, strings: Any) -> dict[str, Any]:
    """Return the cluster of each row: all of its share is there."""
    scaled = tf.cast(numbers, tf.float64) / told.scales * ONE
    rounded = tf.clip_by_value(tf.floor(scaled + 0.5), -float(LIMIT), float(LIMIT)) / ONE
    far = members_of(tf, told, rounded * told.scales, strings)[0]
    which = tf.argmin(far, axis=1)
    return {
        "probabilities": tf.one_hot(which, tf.shape(far)[1], dtype=tf.float32),
        "classes": tf.gather(told.classes, which),
    }


def main(arguments: Sequence[str]) -> None:
    """Write the shipped folder anew."""
    build(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
