"""What docs/your-tfx-pipeline.md shows: diffs that apply to TFX's own files, refusals that are."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from own_diffs import OF_TFX, PAGE, applied, changed_lines

TOP = Path(__file__).parents[2]


def test_the_page_is_short():
    assert len(PAGE.splitlines()) <= 80


@pytest.mark.parametrize("name", OF_TFX)
def test_a_diff_applies_to_what_tfx_ships_and_changes_at_most_fifteen_lines(name):
    text = applied(name)
    compile(text, name, "exec")
    assert "unweave.tfx.per_shard()" in text and "ExampleGate(" in text
    assert 0 < changed_lines(name) <= 15
    assert Path(find_spec("tfx").origin).parent in OF_TFX[name].parents


def test_every_refusal_of_the_page_is_said_and_tested():
    refusals = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(refusals) == 7
    source = "".join(
        re.sub(r'"\s*\n\s*f?"', "", file.read_text(encoding="utf-8"))
        for room in ("unweave/tfx", "unlearning/serving", "unlearning/own_pipelines")
        for file in (TOP / room).glob("*.py")
    )
    for sentence in refusals:
        said = re.escape(sentence).replace("CsvExampleGen", r"\{[^}]+\}")
        assert re.search(said, source), sentence
