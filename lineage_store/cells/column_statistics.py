"""Summaries of columns as the statistics that TFX keeps: DatasetFeatureStatisticsList.

TFDV's functions read, show and validate them, and SchemaGen tells a schema from them. They are what
TFDV would have counted but for this: sums, deviations and counts are exact; quantiles and the
counts of histograms come from the public grid (`column_summary`), not from a randomised sketch; and
of a text column with more than 10,000 different values `unique` is 10,001, and none is listed.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import statistics_pb2

from lineage_store.cells.column_summary import (
    MOST_TEXTS,
    NumberSummary,
    Summary,
    TextSummary,
    ranks_of_ends,
)

BUCKETS = 10
TOP_VALUES, RANKS = 20, 1000  # as many as TFDV lists

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList


def statistics_of(summaries: Mapping[str, Summary], *, rows: int) -> Statistics:
    """Return the statistics of one data set, of so many rows, from a summary for each column."""
    statistics = Statistics()
    dataset = statistics.datasets.add(num_examples=rows)
    for name, summary in summaries.items():
        feature = dataset.features.add()
        feature.path.step.append(name)
        if isinstance(summary, NumberSummary):
            _tell_numbers(feature, summary)
        else:
            _tell_texts(feature, summary)
    return statistics


def _tell_numbers(feature: statistics_pb2.FeatureNameStatistics, summary: NumberSummary) -> None:
    feature.type = statistics_pb2.FeatureNameStatistics.FLOAT
    numbers = feature.num_stats
    _tell_presence(numbers.common_stats, summary)
    if not summary.values:
        return
    numbers.mean, numbers.std_dev = summary.mean, summary.deviation
    numbers.num_zeros = summary.zeros
    numbers.min, numbers.max, numbers.median = summary.least, summary.most, summary.quantiles(2)[1]
    equal = numbers.histograms.add()
    width = (summary.most - summary.least) / BUCKETS
    ends = [summary.least + width * place for place in range(1, BUCKETS)]
    counts = [0, *summary.below(ends), summary.values]
    edges = [summary.least, *ends, summary.most]
    _add_buckets(equal, edges, [b - a for a, b in pairwise(counts)])
    parts = numbers.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
    _add_buckets(parts, summary.quantiles(BUCKETS), [summary.values / BUCKETS] * BUCKETS)


def _tell_texts(feature: statistics_pb2.FeatureNameStatistics, summary: TextSummary) -> None:
    feature.type = statistics_pb2.FeatureNameStatistics.STRING
    texts = feature.string_stats
    _tell_presence(texts.common_stats, summary)
    if not summary.values:
        return
    texts.avg_length = summary.length / summary.values
    if summary.counts is None:
        texts.unique = MOST_TEXTS + 1
        return
    texts.unique = len(summary.counts)
    by_text = sorted(summary.counts.items(), reverse=True)
    ranked = sorted(by_text, key=lambda one: one[1], reverse=True)[:RANKS]
    for rank, (text, number) in enumerate(ranked):
        label = text.decode("utf-8")
        if rank < TOP_VALUES:
            texts.top_values.add(value=label, frequency=number)
        texts.rank_histogram.buckets.add(
            low_rank=rank, high_rank=rank, label=label, sample_count=number
        )


def _tell_presence(common: statistics_pb2.CommonStatistics, summary: Summary) -> None:
    common.num_non_missing = summary.rows  # a missing value is an empty list, which is there
    common.tot_num_values = summary.values
    if not summary.rows:
        return
    common.min_num_values = int(not summary.missing)
    common.max_num_values = int(summary.values > 0)
    common.avg_num_values = summary.values / summary.rows
    edges = [float(rank > summary.missing) for rank in ranks_of_ends(summary.rows, BUCKETS)]
    histogram = common.num_values_histogram
    histogram.type = statistics_pb2.Histogram.QUANTILES
    _add_buckets(histogram, edges, [summary.rows / BUCKETS] * BUCKETS)


def _add_buckets(
    histogram: statistics_pb2.Histogram, edges: Sequence[float], counts: Sequence[float]
) -> None:
    for (low, high), count in zip(pairwise(edges), counts, strict=True):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
