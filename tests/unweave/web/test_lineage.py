"""The lineage of a model: level by level by links alone, a page at a time, and nobody is named."""

from xml.etree import ElementTree

import pytest

from fixtures.desk_users import sign_in_at_once
from fixtures.small_desk import SECRETS
from lineage_store.index import models, reading_index
from lineage_store.questions import part_of, parts_of
from unweave import Project
from unweave.graphs.in_words import STYLE
from unweave.web.lineage import levels, lineage_pages
from unweave.web.process.headers import policy


@pytest.fixture
def engineer(desk):
    return sign_in_at_once(desk, "Emil", "engineer")


def test_from_a_model_to_its_parts_its_line_and_its_deletions_and_back(desk, engineer):
    engineer.get("/models/m2")
    assert "/models/m2/lineage" in engineer.page.links
    engineer.get("/models/m2/lineage")
    assert "/deletions/r1" in engineer.page.links and "/models/m1/lineage" in engineer.page.links
    traced = Project(desk.root).trace_model("m2")
    for one in traced["shards"]:
        path = f"/models/m2/parts/{one['shard']}"
        assert path in engineer.page.links
        page = engineer.get(path)
        assert f"learnt from {one['rows']} rows" in engineer.text and page.status_code == 200
        assert "/models/m2/lineage" in engineer.page.links
        engineer.get("/models/m2/lineage")
    engineer.get("/models/m1/lineage")  # which has ended
    assert "It has ended" in engineer.text and "/models/m2/lineage" in engineer.page.links


def test_rows_of_parts_are_those_of_their_cells_and_units(desk):
    workspace = desk.session.workspace()
    with reading_index(workspace) as connection:
        record = models.find_model(connection, "m2")
    parts = parts_of(workspace, record, first=0, size=99)
    assert [one.number for one in parts] == [0, 1]
    for part in parts:
        assert part == part_of(workspace, record, part.number)
        learnt = sum(one.rows for one in part.cells if one.split == "train")
        assert learnt == part.rows == part.units[-1].rows
    rows = sum(one.rows for part in parts for one in part.cells)
    assert rows == sum(record.report["rows"][split] for split in ("train", "eval"))


def test_pages_go_on_where_they_stopped(desk, engineer, monkeypatch):
    for module in (levels, lineage_pages):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    engineer.get("/models/m2/lineage")
    assert "/models/m2/parts/1" not in engineer.page.links
    assert "/models/m2/lineage?from=1" in engineer.page.links
    engineer.get("/models/m2/lineage?from=1")
    assert "/models/m2/parts/1" in engineer.page.links and "Further parts" not in engineer.text
    workspace = desk.session.workspace()
    with reading_index(workspace) as connection:
        parts = parts_of(workspace, models.find_model(connection, "m2"), first=0, size=9)
    path, cells = next(
        (f"/models/m2/parts/{one.number}", one.cells) for one in parts if len(one.cells) > 1
    )
    seen = []
    for number in range(len(cells)):
        engineer.get(path if number == 0 else f"{path}?cell={number}")
        seen += [word for word in ("judging", "learning") if word in engineer.text]
        assert (f"{path}?cell={number + 1}" in engineer.page.links) is (number + 1 < len(cells))
    assert len(seen) == len(cells)


def test_of_a_long_line_what_is_near_is_shown_and_the_rest_counted(engineer, monkeypatch):
    monkeypatch.setattr(levels, "AROUND", 0)
    engineer.get("/models/m2/lineage")
    assert "/models/m1/lineage" not in engineer.page.links
    assert "1 version of the line is further away." in engineer.text


@pytest.mark.parametrize("path", ["/models/m2/parts/9", "/models/m2/parts/x", "/models/m2/parts/-1",
                                  "/models/m1/parts/0", "/models/m9/lineage",
                                  "/models/m9/lineage.svg", "/models/m2/parts/99999"])  # fmt: skip
def test_what_there_is_not_is_not_found(engineer, path):
    assert engineer.get(path).status_code == 404


def test_it_is_drawn_in_words_with_one_style_and_names_nobody(engineer):
    for model, words in (("m2", ("m1", "r1", "2 parts")), ("m1", ("ended",))):
        answer = engineer.get(f"/models/{model}/lineage.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["content-security-policy"] == policy(STYLE)
        text = " ".join(ElementTree.fromstring(answer.content).itertext())
        assert all(word in text for word in words), text
        assert not any(one in text for one in SECRETS[:2])
