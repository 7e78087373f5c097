"""Answers of families that take no steps speak of none."""

import io

from rich.console import Console

from fixtures.small_table import OPTIONS, write_people
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.text.answers import forgotten, planned, trained


def text_of(parts):
    out = io.StringIO()
    for part in parts:
        Console(file=out, width=200).print(part)
    return out.getvalue()


def test_sums_are_learnt_planned_and_forgotten_from_without_a_step(tmp_path):
    project = Project(tmp_path / "ws", backend=DirectBackend())
    answer = project.train(write_people(tmp_path / "people.csv"), **OPTIONS)
    assert "2 shards, 1 slice, " in text_of(trained(answer)) and "step" not in text_of(
        trained(answer)
    )
    plan = text_of(planned(project.plan(["p3"])))
    assert "5 rows found" in plan and "to compute" not in plan
    done = text_of(forgotten(project.forget(["p3"])))
    assert "5 rows forgotten" in done and "recomputed" not in done
