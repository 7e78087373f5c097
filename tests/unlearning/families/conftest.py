"""Originals, learnt once for each family, and their twins, learnt in fresh processes."""

import shutil
from functools import partial

import pytest

from tests.unlearning.families.contract_cases import (
    HEADER,
    Learnt,
    case_of,
    columns_of,
    is_fast,
    label_of,
    sets_of,
    source,
)
from tests.unlearning.families.contract_process import Fresh
from tests.unlearning.families.contract_states import between
from unlearning.encoding import store_from_snapshot
from unlearning.families.known_families import encoding_of_ledger


@pytest.fixture(scope="session")
def fresh(new_folder):
    """What carries out orders in fresh processes."""
    process = Fresh(new_folder())
    yield process
    process.close()


@pytest.fixture(scope="session")
def asked(new_folder, write_csv):
    """Return a function that says with which arguments a family learns a source."""
    folder = new_folder()
    (folder / "secret").write_bytes(bytes(range(32)))
    (folder / "secret").chmod(0o600)

    def given(family, lines):
        case = case_of(family)
        options = {
            "csv": write_csv(lines),
            "label": label_of(family),
            "weight_column": columns_of(family).get("weight"),
            "subject": "person",
            "row_id": "row",
            "model_family": family,
            "key_file": folder / "secret",
            **case.options,
        }
        if case.module is not None:
            (folder / f"{family}.py").write_text(case.module)
            options["module"] = folder / f"{family}.py"
        return options

    assert HEADER[:2] == ["row", "person"]
    return given


@pytest.fixture(scope="session")
def originals(new_folder, asked):
    """Return a function that gives the original of a family; nothing is to be written to it."""
    known = {}

    def original(family):
        if family not in known:
            known[family] = Learnt(new_folder() / "workspace")
            known[family].project.train(**asked(family, source()))
        return known[family]

    return original


@pytest.fixture
def copied(originals, tmp_path):
    """Return a function that gives a copy of a family's original, to be forgotten from."""

    def copy(family, name="workspace"):
        shutil.copytree(originals(family).root, tmp_path / name)
        return Learnt(tmp_path / name)

    return copy


@pytest.fixture(scope="session")
def twins(new_folder, asked, fresh, originals):
    """Return a function that gives the twin without some people, or why there can be none.

    With the first that is asked for all are learnt that the forget sets of the suite want.
    """
    known, learnt = {}, {}

    def learn(family, wanted):
        wanted = [people for people in dict.fromkeys(wanted) if (family, people) not in known]
        roots = [new_folder() / "workspace" for _ in wanted]
        runs = [
            (root, asked(family, source(without=people, seed=len(known) + at + 1)))
            for at, (root, people) in enumerate(zip(roots, wanted, strict=True))
        ]
        ended = fresh("train", *runs, imports=case_of(family).imports)
        assert ended.status == 0
        for root, people, answer in zip(roots, wanted, ended.answers, strict=True):
            known[family, people] = Learnt(root) if "error" not in answer else answer

    def twin(family, people, *, also=()):
        people = frozenset(people)
        if family not in learnt:
            learnt[family] = {
                fast: [
                    frozenset(choose(originals(family)))
                    for name, choose in sets_of(family).items()
                    if is_fast(family, name) == fast
                ]
                for fast in (True, False)
            }
        if (family, people) not in known:
            batch = next((one for one in learnt[family].values() if people in one), [])
            learn(family, [*batch, people, *map(frozenset, also)])
        return known[family, people]

    return twin


@pytest.fixture(scope="session")
def deletion_of(originals, gated, new_folder):
    """Return a function that gives the deletion of some people from a family's original."""
    known = {}

    def deletion(family):
        if family not in known:
            original = originals(family)
            lines = source(without=sets_of(family)["some people"](original))
            snapshot = gated(lines, row_id="row", subjects=("person",), **columns_of(family))
            after = store_from_snapshot(
                new_folder() / "rows",
                snapshot,
                original.ledger.partition,
                encoding_of=partial(encoding_of_ledger, original.ledger),
            )
            known[family] = between(original, after)
        return known[family]

    return deletion
