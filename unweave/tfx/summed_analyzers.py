"""Transform's analyzers in summation form: for a user's `preprocessing_fn` that sees all slices.

Numbers are counted as whole steps, by a step that is public (a cent, a minute, .01), so that sums
are of whole numbers and come to the same bits in any order, and quantiles come from counts between
public limits. The graph holds what is told of them alone (`summed_combiners`): limits that a row
does not move are those of a graph without it.

    "fare": unweave.tfx.scale_by_sums(inputs["fare"], step=0.01)
    "age":  unweave.tfx.bucketize_by_counts(inputs["age"], 4, lowest=0, highest=120)

A vocabulary by counts (`tft.vocabulary` without weights) is in this form as it is.
"""

from typing import Any

from lineage_store.errors import BadInput

MOST_STEPS = 1 << 20
"""Beyond so many steps from 0 a number counts as so many: squares of 8 million rows fit."""
CELLS = 4096


def scale_by_sums(x: Any, *, step: float) -> Any:
    """Return x less its mean, by its standard deviation, float32 of x's shape.

    Mean and variance are those of x in whole steps; with no variance x less its mean. As
    `tft.scale_to_z_score`. Raises BadInput for a step that is none.
    """
    import tensorflow as tf

    from unweave.tfx.summed_combiners import MomentsOfSteps, told_of

    if not step > 0:
        raise BadInput("A step is a number above 0: name the least difference that matters.")
    with tf.name_scope("scale_by_sums"):
        wide = tf.cast(x, tf.float64)
        steps = tf.cast(tf.round(tf.clip_by_value(wide / step, -MOST_STEPS, MOST_STEPS)), tf.int64)
        mean, deviation = told_of(MomentsOfSteps(), steps)
        scale = tf.where(deviation > 0, deviation * step, tf.ones_like(deviation))
        return tf.cast((wide - mean * step) / scale, tf.float32)


def bucketize_by_counts(x: Any, buckets: int, *, lowest: float, highest: float) -> Any:
    """Return in which of so many buckets of about equal counts x lies, int64 of x's shape.

    Limits between buckets are those of 4,096 cells from `lowest` to `highest`; what lies beyond
    counts as the nearest. Raises BadInput for less than two buckets, or no range.
    """
    import tensorflow as tf

    from unweave.tfx.summed_combiners import LimitsOfCells, told_of

    if buckets < 2 or not lowest < highest:
        raise BadInput(
            f"{buckets} buckets from {lowest} to {highest} part nothing: name two or more, and a "
            f"range."
        )
    with tf.name_scope("bucketize_by_counts"):
        width = (highest - lowest) / CELLS
        place = tf.clip_by_value((tf.cast(x, tf.float64) - lowest) / width, 0, CELLS - 1)
        cells = tf.cast(place, tf.int64)
        (limits,) = told_of(LimitsOfCells(CELLS, buckets), cells)
        flat = tf.searchsorted(limits, tf.reshape(cells, [-1]), out_type=tf.int64)
        return tf.reshape(flat, tf.shape(cells))
