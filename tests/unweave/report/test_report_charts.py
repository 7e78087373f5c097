"""The charts of a report, from values that are computed here and not made up."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unweave.report.charts import Curve, Evaluation, Histogram, histogram_chart, roc_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_the_area_is_the_chance_that_a_member_has_the_lower_loss(losses_of_attack, evaluation):
    for (name, members, others), curve in zip(losses_of_attack, evaluation.curves, strict=True):
        by_pairs = (members[:, None] < others[None, :]).mean()
        assert curve.name == name
        assert curve.area == pytest.approx(by_pairs, abs=1e-9)


def test_curves_bear_their_names_and_stay_in_the_square(evaluation):
    drawn = roc_chart(evaluation.curves)
    root = ElementTree.fromstring(drawn)
    texts = [element.text for element in root.findall(f".//{SVG}text")]
    for one in evaluation.curves:
        assert f"{one.name}  {one.area:.3f}" in texts
    paths = root.findall(f".//{SVG}path[@class='curve']")
    assert len(paths) == 3
    width, height = float(root.get("width")), float(root.get("height"))
    for path in paths:
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
        assert all(0 <= x <= width for x in numbers[::2])
        assert all(0 <= y <= height for y in numbers[1::2])


def test_bars_are_as_high_as_their_counts_on_one_scale(evaluation):
    histograms = evaluation.histograms
    root = ElementTree.fromstring(histogram_chart(histograms, unit="loss"))
    bars = [float(bar.get("height")) for bar in root.findall(f".//{SVG}rect")]
    counts = [count for one in histograms for count in one.counts]
    assert len(bars) == len(counts)
    assert np.allclose(bars, np.array(counts) / max(counts) * max(bars), atol=0.06)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.floats(-5, 5), st.floats(0.1, 9))
def test_a_histogram_of_anything_is_drawn_within_its_width(counts, first, step):
    edges = tuple(first + step * n for n in range(len(counts) + 1))
    root = ElementTree.fromstring(
        histogram_chart([Histogram("<a> & b", edges, tuple(counts))], unit="x")
    )
    for bar in root.findall(f".//{SVG}rect"):
        assert float(bar.get("x")) >= 0
        assert float(bar.get("x")) + float(bar.get("width")) <= float(root.get("width")) + 1


def test_an_evaluation_that_does_not_fit_is_refused():
    curve = Curve("a", ((0, 0), (1, 1)))
    with pytest.raises(ValueError, match="at most 3"):
        Evaluation(curves=(curve,) * 4)
    with pytest.raises(ValueError, match="edges"):
        Evaluation(histograms=(Histogram("a", (0.0, 1.0), (1, 2)),))
