"""Docs that cannot drift: what they list is what there is."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from lineage_store.claim import LEVELS
from lineage_store.mlmd import metadata_store
from unlearning.families.known_families import FAMILIES
from unlearning.keras_models.module_file import load_module
from unlearning.planning import verdicts
from unweave.cli import commands
from unweave.reference import man_page, reference

TOP = Path(__file__).parents[2]


def text(name):
    return (TOP / name).read_text(encoding="utf-8")


def code_blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", text(name), flags=re.DOTALL)


def test_the_reference_of_the_command_line_is_what_the_commands_say():
    assert text("docs/cli.md") == reference(), "run python -m unweave.reference > docs/cli.md"


def test_the_man_page_is_what_the_commands_say_and_no_line_of_it_is_lost():
    assert text("install/unweave.1") == man_page(), "python -m unweave.reference man > that"
    lines = man_page().split(".SH COMMANDS")[1].split("\n")
    assert all(re.match(r"\.(SS|nf|fi)\b", line) for line in lines if line.startswith("."))
    assert max(map(len, lines)) < 120 and ".SS unweave request add" in lines


@pytest.mark.parametrize("command", sorted(commands.commands))
def test_every_command_and_option_has_a_help_text(command):
    found = commands.commands[command]
    assert found.help
    for parameter in found.params:
        if parameter.param_type_name == "option":
            assert parameter.help, f"{command} {parameter.name}"


def test_every_type_of_the_lineage_is_documented():
    for kind in (*metadata_store.ARTIFACT_TYPES, *metadata_store.EXECUTION_TYPES):
        assert f"| `{kind}` |" in text("docs/lineage.md")


def test_every_artifact_type_of_the_components_is_documented():
    source = ast.parse(text("components/artifacts.py"))
    names = [node.name for node in source.body if isinstance(node, ast.ClassDef)]
    assert names
    for name in names:
        assert f"| `components.{name}` |" in text("docs/lineage.md")


def test_every_type_of_artifact_has_one_line_that_decides_its_verdict():
    """A deletion stops at what no line decides on, and of two lines one would not be read."""
    tables = (verdicts.REGENERATED, verdicts.REPLACED, verdicts.RECORDS, verdicts.BY_STAGE)
    decided = Counter(kind for table in tables for kind in table)
    source = ast.parse(text("components/artifacts.py"))
    ours = {f"components.{node.name}" for node in source.body if isinstance(node, ast.ClassDef)}
    known = {*metadata_store.ARTIFACT_TYPES, *ours}
    assert {kind for kind in decided if "." in kind} == known
    assert set(decided.values()) == {1}


def test_the_types_that_are_documented_are_the_types_that_are_written():
    source = text("lineage_store/mlmd/ingest.py") + text("lineage_store/graph/unit_types.py")
    written = set(re.findall(r'"(lineage\.[A-Z]\w+)"', source))
    documented = set(re.findall(r"^\| `(lineage\.\w+)` \|", text("docs/lineage.md"), re.MULTILINE))
    assert (
        documented == written == {*metadata_store.ARTIFACT_TYPES, *metadata_store.EXECUTION_TYPES}
    )


def test_links_in_the_docs_lead_somewhere():
    for page in [TOP / "README.md", TOP / "CONTRIBUTING.md", *(TOP / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_example_module_of_the_docs_trains(tmp_path, write_csv):
    from pipelines.backends.direct import DirectBackend
    from unweave.api.project import Project

    example = code_blocks("docs/your-keras.md", "python")[0]
    assert callable(load_module(example, name="docs/your-keras.md").build_model)
    module = tmp_path / "model.py"
    module.write_text(example, encoding="utf-8")
    rows = ([str(n % 17), str(n % 5), "yes" if n % 3 else "no"] for n in range(90))
    table = [["a", "b", "y"], *rows]
    answer = Project(tmp_path / "ws", backend=DirectBackend()).train(
        write_csv(table), label="y", module=module, shards=2, slices=1, epochs=1, batch_size=16
    )
    assert answer["task"] == "classification"
    assert answer["config"]["module"] == "user module"


def test_the_glossary_has_every_claim_family_and_verdict():
    glossary = text("docs/glossary.md")
    for word in (*LEVELS, *FAMILIES):
        assert f"`{word}`" in glossary
    words = re.findall(r"^\| (?!word )([^|-]+) \| ", glossary, re.MULTILINE)
    assert len(words) == len(set(words)), "a word stands twice"


def test_the_tests_that_the_page_on_security_names_are_there_and_every_attack_has_a_line():
    page = text("docs/security.md")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 40
    assert len(named) == page.count("`tests/") - page.count("`tests/attackers`")
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (TOP / file).exists() or f"\ndef {name}(" not in text(file)
    ]
    assert missing == []
    attacks, desk = page.split("## The desk")
    promises, inputs, tables = re.split(r"^### .*$", attacks, flags=re.MULTILINE)[1:]
    assert re.findall(r"^\| A(\d+) ", promises, re.MULTILINE)[:12] == [
        str(number) for number in range(1, 13)
    ]
    assert re.findall(r"^\| D(\d+) ", desk, re.MULTILINE) == [str(n) for n in range(1, 35)]
    for part, numbers in ((inputs, (2, 3, 4, 5, 6, 7, 9, 13, 16)), (tables, (1, 2))):
        found = re.findall(r"^\| F(\d+) ", part, re.MULTILINE)
        assert found == [str(number) for number in numbers]


def test_every_fault_of_the_desk_has_a_line_and_the_tests_that_it_names_are_there():
    page = text("docs/held-by-tests.md")
    faults, law = page.split("## What else the law asks for")
    assert re.findall(r"^\| F(\d+) \|", faults, re.MULTILINE) == [str(n) for n in range(1, 15)]
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) == page.count("`tests/") > 40
    for line in (*faults.splitlines(), *law.splitlines()):
        assert "`tests/" in line or not re.match(r"\| [F\d]\S* \|", line), line
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (TOP / file).exists() or f"\ndef {name}(" not in text(file)
    ]
    assert missing == []


@pytest.mark.parametrize("page", sorted((TOP / "docs" / "extending").glob("*.md")))
def test_a_page_of_what_to_write_names_files_that_are_there(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if re.match(r"\d+\. ", line)]) <= 10
    named = re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py|\.md)?)`", "\n".join(lines))
    assert named
    for name in named:
        assert (TOP / name).exists(), name
