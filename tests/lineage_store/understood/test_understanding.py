"""What was understood of a table is told with the line that says so, and without a value."""

from pathlib import Path

import pytest

from lineage_store.canonical import canonical_json
from lineage_store.cells.gate import let_through
from lineage_store.data.columns import Columns, kinds_said, open_table, read_headers
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.understood.table_watch import TableWatch, Watched
from lineage_store.understood.understanding import understanding_of


@pytest.fixture
def understood(tmp_path, keys):
    """Return a function that passes lines of a table through the gate, and what was understood."""

    def passed(lines, *, shards=1, **columns):
        file = tmp_path / f"{len([*tmp_path.iterdir()])}.csv"
        file.write_text("\n".join([*lines, ""]))
        asked = Columns(**columns)
        sources = open_table(file, asked)
        header = read_headers(sources, asked)
        watch = TableWatch(header, asked.subjects)
        blocks = read_blocks_of(
            [Watched(one, watch) for one in sources], columns=asked, header=header, keys=keys,
            pseudonyms=Pseudonyms(Path(":memory:"), keys), exclusions=Exclusions(),
            temporary=tmp_path,
        )  # fmt: skip
        if asked.parts_people:
            blocks = watch.sides.passing(blocks)
        gated = let_through(blocks, header.roles, folder=file.with_suffix(""))
        return understanding_of(
            watch, asked, schema=gated.schema, by_split=gated.rows, excluded=0,
            partition=(shards, 1),
        )  # fmt: skip

    return passed


def people(count=400, **columns):
    """Lines of a table with a person, a label, and columns of a function of the row's number."""
    yield ",".join(["who", "y", *columns])
    for n in range(count):
        yield ",".join(
            [f"p{n % 80}", "yes" if n % 3 else "no", *(of(n) for of in columns.values())]
        )


GIVEN = {"label": "y", "subjects": ("who",)}


def test_columns_are_told_with_the_line_that_made_them_so(understood):
    table = understood(
        people(
            size=lambda n: str(n % 50) if n != 17 else "large",
            day=lambda n: f"2024-01-{n % 28 + 1:02d}",
            width=lambda n: f"{n / 7:.3f}",
        ),
        **GIVEN,
    )
    kinds = {one.name: (one.kind, one.why) for one in table.columns}
    assert kinds["size"] == ("text", "the value in line 19 is no number")
    assert kinds["day"][0] == "date" and kinds["width"] == ("number", "all values are numbers")
    assert (table.rows, table.subjects, table.without_subject) == (400, 80, 0)
    assert (table.task, table.why_task) == ("classification", "the label in line 2 is a text")
    assert table.classes == ("no", "yes") and table.class_rows == (134, 266)
    written = canonical_json(table.to_json()).decode()
    assert not any(word in written for word in ("large", '"yes"', "p17", "2024-01"))


def test_a_task_that_was_told_from_whole_numbers_says_so_and_names_the_option(understood):
    table = understood(people(note=lambda n: str(n % 5)), label="note", subjects=("who",))
    assert table.why_task == "its values are 5 different whole numbers"
    assert any("`task` regression" in one for one in table.warnings)
    table = understood(people(600, note=lambda n: str(n % 30)), label="note", subjects=("who",))
    assert table.task == "regression" and any("`task` classification" in w for w in table.warnings)
    table = understood(
        people(600, note=lambda n: str(n % 30)),
        label="note", subjects=("who",), task="classification",
    )  # fmt: skip
    assert (table.task, table.why_task, len(table.class_rows)) == (
        "classification",
        "it was said",
        30,
    )
    assert not any("`task`" in one for one in table.warnings)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (lambda n: str(n), "looks like an id of rows"),
        (lambda n: f"free text {n * 7919}", "text that hardly repeats"),
        (lambda n: f'"1.{n:03d},50"', "looks like numbers that are spelled otherwise"),
        (lambda n: f"a message of {n * 7919}", None),
        (lambda n: f"{n % 9}", None),
        (lambda n: f"{n / 3:.4f}", None),
        (lambda n: ["red", "blue"][n % 2], None),
    ],
)
def test_a_column_that_looks_odd_is_told_with_its_option(understood, column, words):
    table = understood(people(size=column), **GIVEN)
    odd = [one for one in table.warnings if "'size'" in one]
    assert (len(odd) == 1 and words in odd[0]) if words else odd == []


def test_codes_are_told_by_the_name_of_whole_numbers_and_not_once_they_are_said(understood):
    lines = [*people(zip_code=lambda n: str(n % 60))]
    assert any("`category_columns`" in one for one in understood(lines, **GIVEN).warnings)
    table = understood(lines, **GIVEN, kinds=kinds_said(texts=["zip_code"], dates=[]))
    assert not any("zip_code" in one for one in table.warnings)
    assert table.columns[0].why == "it was said, or the source declares it"


def test_who_can_never_be_forgotten_is_told(understood):
    lines = [*people(size=lambda n: str(n % 9))]
    table = understood(lines, label="y")
    assert table.subjects is None and "Nobody can ever be forgotten" in table.warnings[0]
    some = [line.replace("p7,", "NA,") if line.startswith("p7,") else line for line in lines]
    table = understood(some, **GIVEN)
    assert (table.subjects, table.without_subject) == (79, 5)
    assert any("5 rows (1%) name nobody" in one and "never" in one for one in table.warnings)


def test_people_who_are_learnt_from_and_judged_by_are_counted(understood):
    lines = [*people(size=lambda n: str(n % 9), other=lambda n: f"p{n % 79}")]
    assert understood(lines, **GIVEN).on_both_sides == 0
    table = understood(lines, label="y", subjects=("who", "other"))
    assert 20 < table.on_both_sides < 80
    assert f"{table.on_both_sides} people have rows" in table.warnings[0]
    assert "several people" in table.warnings[0]
    table = understood(lines, **GIVEN, place_by_row=True)
    assert 20 < table.on_both_sides <= 80 and "by themselves" in table.warnings[0]
    assert table.to_json()["on_both_sides"] == table.on_both_sides


def test_too_few_rows_for_the_shards_and_classes_are_told(understood):
    lines = [*people(size=lambda n: str(n % 9))]
    assert not any("shard" in one for one in understood(lines, **GIVEN).warnings)
    table = understood(lines, shards=5, **GIVEN)
    assert any("A shard has about" in one and "`shards`" in one for one in table.warnings)
    rare = ["p1,maybe,3" if n == 9 else line for n, line in enumerate(lines)]
    assert any("1 of 3 classes" in one for one in understood(rare, **GIVEN).warnings)


def test_a_number_beyond_a_float32_is_told_with_its_line(understood):
    lines = people(
        120,
        size=lambda n: {30: "-1e39", 50: "1" + 40 * "0"}.get(n, str(n)),
        fine=lambda n: "3.4e38" if n == 40 else str(n),
        code=lambda n: "1e39" if n == 9 else f"c{n % 7}",
    )
    table = understood(lines, **GIVEN)
    (warning,) = (one for one in table.warnings if "float32" in one)
    assert "'size'" in warning and "line 32," in warning and "1e39" not in warning
    lines = people(120, note=lambda n: "1e999" if n == 20 else f"{n}.5")
    table = understood(lines, label="note", subjects=("who",))
    assert any("'note'" in one and "line 22," in one for one in table.warnings)
    assert table.by_split["unlabelled"] == 1


@pytest.mark.parametrize(
    "spelled",
    ["3/{:02d}/2024", "{:02d}.03.2024 11:30", "2024/03/{:02d}", "{} Mar 2024", "room {}.3"],
)
def test_dates_that_are_spelled_otherwise_are_told(understood, spelled):
    table = understood(people(day=lambda n: spelled.format(n % 28 + 1)), **GIVEN)
    said = [one for one in table.warnings if "'day'" in one]
    assert bool(said) == (not spelled.startswith("room"))
    assert all("ISO 8601" in one and "Mar" not in one for one in said)
