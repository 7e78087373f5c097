"""Serving clusters: the shipped graph, and one file of what tells which centre is nearest."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lineage_store.data import Label, Schema
from lineage_store.errors import BadInput
from unlearning.clusters.cluster_graph import GRAPH
from unlearning.clusters.cluster_part import ClusterPart, ClusterRule, joined
from unlearning.clusters.points import FINER, ONE
from unlearning.linear.grid import Grid
from unlearning.linear.ridge_serving import ToldWeights, export_weights
from unlearning.linear.ridge_solve import RidgeWeights

LABEL = "cluster"


def export_clusters(
    parts: Sequence[ClusterPart], folder: Path, *, schema: Schema, grid: Grid, rule: ClusterRule
) -> None:
    """Write the SavedModel of parts with rows; no TensorFlow is needed.

    Raises BadInput if no row of any part counts.
    """
    known = [part for part in parts if len(part.last)]
    if not known:
        raise BadInput("No shard has rows: there are no clusters to serve.")
    one = joined(known, rule)
    centres = one.last.astype(np.float64).T
    numbers = len(centres) - len(one.entries)
    weights = RidgeWeights(
        -2 * centres[:numbers] / (1 << FINER),
        -2 * centres[numbers:] * ONE,
        (centres * centres).sum(axis=0),
    )
    names = tuple(str(number + 1) for number in range(len(one.last)))
    named = replace(schema, labels=(Label(LABEL, "text", "classification", names),))
    told = [ToldWeights(one.columns, one.entries, weights)]
    graph = Path(__file__).with_name(GRAPH)
    export_weights(told, folder, graph=graph, schema=named, grid=grid, rule="mean")
