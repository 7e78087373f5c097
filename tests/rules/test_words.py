"""Numbers and their nouns agree: where people read them, one function writes both."""

import ast
import re
from pathlib import Path

import pytest

from lineage_store.counted import counted, of_them

TOP = Path(__file__).parents[2]
FOR_PEOPLE = ("unweave", "pipelines/runs", "lineage_store/understood", "lineage_store/questions")
PLURAL = re.compile(
    r"(?: more| other| live)? (?:rows|models|shards|slices|steps|epochs|batches|bytes|ids|events|"
    r"requests|files|people|versions|parts|stages|updates|checkpoints|nodes|boxes|keys|values|"
    r"days|years|subjects|deletions|findings|differences|segments|recipients|letters)\b"
)
# A number that is never one: a limit of ours (in capitals), or told by a test to be more.
NEVER_ONE = {
    ("unweave/text/queue.py", "len(names)"),  # ten or more
    ("unweave/graphs/write.py", "len(picture.nodes)"),  # more than a picture shows
    ("unweave/text/answers.py", "who"),  # *other people lose*, counted before
    ("unweave/text/understood.py", "rest"),
    ("unweave/tfx/example_gate_component.py", "shards"),  # as they were given
    ("unweave/tfx/example_gate_component.py", "slices"),
}


def disagreeing(source, file):
    """Yield the numbers that stand before a plural, whatever they are."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, then in zip(node.values, node.values[1:], strict=False):
            if not (isinstance(value, ast.FormattedValue) and isinstance(then, ast.Constant)):
                continue
            number = ast.unparse(value.value)
            limit = number.isupper() or (file, number) in NEVER_ONE
            if PLURAL.match(then.value) and not limit and "counted" not in number:
                yield number


def test_no_number_stands_before_a_noun_that_may_not_agree():
    found = [
        (str(path.relative_to(TOP)), number)
        for folder in FOR_PEOPLE
        for path in sorted((TOP / folder).rglob("*.py"))
        for number in disagreeing(path.read_text(encoding="utf-8"), str(path.relative_to(TOP)))
    ]
    assert found == []


def test_the_rule_finds_what_it_looks_for():
    assert [*disagreeing('f"{n} rows"', "a.py")] == ["n"]
    assert [*disagreeing('f"{counted(n, 1)} rows, {MOST} rows, {n} of them"', "a.py")] == []


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1204, "1,204 rows")]
)
def test_a_number_has_its_noun(number, told):
    assert counted(number, "row") == told
    assert of_them(1, number, "row") == f"1 of {told}"
    assert counted(number, "batch", "batches") == told.replace("row", "batch").replace(
        "batchs", "batches"
    )
