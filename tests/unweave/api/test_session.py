"""What the parts of the Python API share, and that they know nothing of each other."""

import ast
from dataclasses import FrozenInstanceError
from datetime import datetime, timezone
from pathlib import Path

import pytest

import unweave
from lineage_store.errors import BadInput
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.session.session import Session

FOLDER = Path(unweave.__file__).parent
SHARING = ("api/project", "api/reader", "api/asked_runs", "api/readmitting", "api/reporting",
           "api/questions", "desk/request_queue", "desk/requests_in_hand")  # fmt: skip


def test_no_part_uses_what_is_private_to_another():
    for name in SHARING:
        for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and node.attr.startswith("_")
                and node.attr != "__init__"
            ):
                owner = node.value.id if isinstance(node.value, ast.Name) else "an expression"
                assert owner == "self", f"{name}.py uses {owner}.{node.attr}"


def test_the_time_is_that_of_its_clock_in_whole_seconds():
    session = Session(
        root=Path("ws"), now=lambda: datetime(2026, 3, 1, 23, 59, 58, 999_999, timezone.utc)
    )
    assert (session.time, session.today) == ("2026-03-01T23:59:58+00:00", "2026-03-01")


def test_it_never_changes_and_keeps_one_backend():
    backend = DirectBackend()
    session = Session(root=Path("ws"), chosen=backend)
    assert session.backend is backend
    usual = Session(root=Path("ws"))
    assert usual.backend is usual.backend
    with pytest.raises(FrozenInstanceError):
        session.root = Path("elsewhere")


def test_an_engine_that_cannot_be_is_told_before_there_is_a_workspace(tmp_path, write_csv):
    table = write_csv([["a", "label"], ["1", "yes"], ["2", "no"]])
    project = Project(tmp_path / "workspace", backend=DirectBackend(), workers=0)
    with pytest.raises(BadInput, match="`workers` is 0: it is at least 1"):
        project.train(table, label="label")
    assert not project.root.exists()
