"""Ways in the lineage: by numbers, never across a deletion into another line, in 60 boxes."""

import json
import re
from itertools import pairwise, product
from xml.etree import ElementTree

import pytest

from fixtures.desk_users import sign_in_at_once
from fixtures.small_desk import SECRETS
from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import Outline, outlines, reading_index, writing_index
from lineage_store.workspace import open_workspace
from unweave.web.lineage.lines import Lines
from unweave.web.lineage.nodes import Node, node_of, typed
from unweave.web.lineage.ways import AT_MOST


@pytest.fixture
def engineer(desk):
    return sign_in_at_once(desk, "Emil", "engineer")


# r1 had part in the lines of m1 and of m2, r2 in that of m1 alone; m6 started from m5's weights.
TWO_LINES = Lines(
    tuple(
        Outline(name, line, "live", "2026-05-20", request, base)
        for name, line, request, base in (
            ("m1", "m1", None, None), ("m2", "m2", None, None), ("m3", "m1", "r1", None),
            ("m4", "m2", "r1", None), ("m5", "m1", "r2", None), ("m6", "m6", None, "m5"),
        )
    )
)  # fmt: skip


def way(first, last):
    return " ".join(one.id for one in TWO_LINES.way(node_of(first), node_of(last)))


def test_a_way_keeps_to_the_line_by_which_it_came_to_a_deletion():
    assert way("m1", "m5") == "m1 r1 m3 r2 m5" and way("m5", "m1") == "m5 r2 m3 r1 m1"
    assert way("m1", "m6") == "m1 r1 m3 r2 m5 m6"
    assert way("r1", "m4") == "r1 m4" and way("m2", "r1") == "m2 r1" and way("r1", "r1") == "r1"
    for first, last in (("m1", "m4"), ("m1", "m2"), ("m2", "m6"), ("m4", "r2"), ("m6", "m2")):
        assert way(first, last) == way(last, first) == ""
    names = [f"m{n}" for n in range(1, 7)] + ["r1", "r2"]
    for first, last in product(names, names):
        line = None
        for one, other in pairwise(way(first, last).split()):
            if one[0] == "r" and other[0] == "m":
                assert line in (None, TWO_LINES.by_id[other].family), (first, last)
            line = TWO_LINES.by_id[other].family if other[0] == "m" else line
            line = TWO_LINES.by_id[one].family if one[0] == "m" and other[0] == "r" else line


@pytest.mark.parametrize(("text", "ids"), [
    ("m2", "m2"), ("  Model 2 ", "m2"), ("deletion 1", "r1"), ("R1", "r1"), ("request 3", "q3"),
    ("2", "m2 r2 q2"), ("part 0 of m2", "m2.0"), ("m2, shard 1", "m2.1"), ("m2.1", "m2.1"),
    ("m2/1", "m2.1"), ("unit 3 of part 0 of m2", "m2.0.u3"), ("cell 7 of shard 0 of model 2",
    "m2.0.c7"), ("m2.0.u3", "m2.0.u3"), ("m2.0.c3", "m2.0.c3"),
])  # fmt: skip
def test_what_is_typed_is_read_by_its_numbers(text, ids):
    assert [one.id for one in typed(text)] == ids.split()


def test_what_something_is_called_leads_to_it_and_what_is_no_number_nowhere():
    for node in (Node("model", 2), Node("deletion", 1), Node("request", 3), Node("model", 2, 1),
                 Node("model", 2, 1, "unit", 4), Node("model", 2, 0, "cell", 9)):  # fmt: skip
        assert typed(node.words) == (node,) and node_of(node.id) == node
    for text in ("", "Anna Müller", "Quinn", "m", "m2 r1", "m2 m3", "part 3", "unit 1 of m2", "p2x",
                 "r1 part 2", "2 3", "m2; drop", "\uff11", "m" + "9" * 30, "-1"):  # fmt: skip
        with pytest.raises(BadInput) as told:
            typed(text)
        assert "Anna" not in str(told.value) and "numbers" in str(told.value)
    for address in ("", "x1", "m0", "m-1", "m1.", "r1.2", "q1.0", "m1.0.x3", "m1.0.u", "M1",
                    "m\uff11", "m1\n", "Anna", "m" + "1" * 12):  # fmt: skip
        with pytest.raises(NothingFound) as told:
            node_of(address)
        assert "Anna" not in str(told.value)


def links_of(browser):
    """The links of the picture, and those of the list beside it."""
    picture = re.search(r"<svg.*?</svg>", browser.answer.text, re.DOTALL)[0]
    drawn = [
        one.get("href") for one in ElementTree.fromstring(picture).iter() if "href" in one.attrib
    ]
    rest = browser.answer.text.split('<h2 id="list-title">')[1].partition("<h3>Look further")[0]
    return drawn, re.findall(r'class="target" href="([^"]+)"', rest)


def test_from_a_form_to_ways_around_and_back_by_links_that_picture_and_list_share(desk, engineer):
    engineer.get("/models")
    assert "/lineage" in engineer.page.links
    engineer.get("/lineage")
    engineer.send("/lineage", what="m1", to="part 0 of m2")
    assert engineer.path == "/lineage/m1/to/m2.0"
    assert "From m1 to part 0 of m2 in 3 steps." in engineer.text
    drawn, listed = links_of(engineer)
    assert drawn == listed == ["/lineage/m1", "/lineage/r1", "/lineage/m2", "/lineage/m2.0"]
    assert "m1 ended was ended by r1 made m2 has the part part 0 of m2" in engineer.text
    engineer.get("/lineage/m2.0/to/m1")
    assert "part 0 of m2 is a part of m2 was made by r1 ended m1 ended" in engineer.text
    seen, waiting = set(), ["/lineage/m2"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        assert engineer.get(path).status_code == 200, path
        drawn, listed = links_of(engineer)
        assert sorted(drawn) == sorted(listed) and len(drawn) <= AT_MOST, path
        assert not any(name in engineer.answer.text for name in SECRETS[:2])
        waiting += [one for one in {*drawn} - seen if one not in waiting]
    assert {"/lineage/m1", "/lineage/r1", "/lineage/q1", "/lineage/m2.0", "/lineage/m2.1",
            "/lineage/m2.0.u0", "/lineage/m2.1.c0"} <= seen  # fmt: skip
    for first, last in product(sorted(seen), sorted(seen)):
        engineer.get(f"{first}/to/{last.removeprefix('/lineage/')}")
        drawn, listed = links_of(engineer)
        assert drawn == listed and (drawn[0], drawn[-1]) == (first, last)


def test_a_name_that_is_typed_stands_in_no_address_and_in_no_answer(desk, engineer):
    engineer.get("/lineage")
    for name in ("Quinn Two", "p2", "anna@example.com", "q3 Quinn Two"):
        for fields in ({"what": name}, {"what": "m2", "to": name}):
            engineer.send("/lineage", **fields)
            assert engineer.answer.status_code == 422 and engineer.path == "/lineage"
            assert name not in engineer.answer.text and "Say it by numbers" in engineer.text
    assert all(form["method"] == "post" for form in engineer.page.forms)
    assert engineer.get("/lineage/Quinn").status_code == 404 and "Quinn" not in engineer.text
    engineer.get("/lineage")
    engineer.send("/lineage", what="2")
    assert {"/lineage/m2", "/lineage/q2"} <= {*engineer.page.links}
    assert "/lineage/r2" not in engineer.page.links  # there is none
    engineer.send("/lineage", what="m77")
    assert "There is nothing of that number." in engineer.text


@pytest.mark.parametrize("path", ["m9", "r9", "q99", "m2.9", "m2.0.u99", "m2.0.c999", "m1.0",
                                  "m2/to/m9", "m9/to/m2", "m2/to/x"])  # fmt: skip
def test_what_there_is_not_is_not_found(engineer, path):
    assert engineer.get(f"/lineage/{path}").status_code == 404


def lengthen(desk, versions):
    """Have a line go on: each version made by a deletion of its own, as the index has it."""
    with writing_index(open_workspace(desk.root)) as connection, connection:
        row = dict(connection.execute("SELECT * FROM models WHERE id = 'm2'").fetchone())
        asked = dict(connection.execute("SELECT * FROM requests WHERE id = 'r1'").fetchone())
        columns = ", ".join(row)
        for number in range(3, versions + 1):
            new = row | {"ordinal": number, "id": f"m{number}", "request": f"r{number - 1}"}
            connection.execute(
                f"INSERT INTO models ({columns}) VALUES ({', '.join('?' * len(row))})",
                [*new.values()],
            )
            again = asked | {"ordinal": number - 1, "id": f"r{number - 1}"}
            connection.execute(
                f"INSERT INTO requests ({', '.join(again)}) VALUES ({', '.join('?' * len(again))})",
                [*again.values()],
            )


def test_of_a_long_way_sixty_boxes_are_drawn_and_the_rest_counted(desk, engineer):
    lengthen(desk, 200)
    engineer.get("/lineage/m2/to/m31")
    drawn, listed = links_of(engineer)
    assert drawn == listed and len(drawn) == 59 and "in 58 steps." in engineer.text
    engineer.get("/lineage/q1/to/m200")
    drawn, listed = links_of(engineer)
    assert drawn == listed and len(drawn) == AT_MOST - 1
    assert (drawn[0], drawn[-1]) == ("/lineage/q1", "/lineage/m200")
    steps = 2 + 2 * 198  # q1, r1, m2, and each of the others behind its deletion
    assert f"in {steps} steps." in engineer.text
    assert engineer.text.count(f"{steps + 1 - 59} steps between") == 2  # drawn and listed
    boxes = engineer.answer.text.count('<rect class="box')
    assert boxes == AT_MOST


def test_outlines_say_what_records_say(desk):
    with reading_index(open_workspace(desk.root)) as connection:
        found = outlines(connection, size=9)
        assert [(one.id, one.family, one.state, one.request, one.base) for one in found] == [
            ("m1", "m1", "deleted", None, None), ("m2", "m1", "live", "r1", None)
        ]  # fmt: skip
        assert [one.id for one in outlines(connection, size=1)] == ["m2"]
    with writing_index(open_workspace(desk.root)) as connection, connection:
        connection.execute("UPDATE models SET config = ?", (json.dumps({"base": "m1"}),))
        assert {one.base for one in outlines(connection, size=9)} == {"m1"}
