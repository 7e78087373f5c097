"""What the log tells of runs: also what a workspace rarely sees."""

import pytest

from fixtures.told_log import exported_of, made
from lineage_store.log.kinds import (
    DeletionAsked,
    DeletionTakenBack,
    ModelRetired,
    RowsDeleted,
)


@pytest.fixture
def history_of(tmp_path):
    return lambda *bodies: exported_of(tmp_path, *bodies).history


def edges(history, run):
    return {(one.relation, one.thing, one.earlier) for one in history.edges_of(run)}


def test_a_model_that_starts_from_another_is_derived_from_it_and_replaced_with_it(history_of):
    history = history_of(
        made("m1", "m1"), made("m2", "m2", base="m1"), DeletionAsked("r1", "d"),
        made("m3", "m1", "r1"), made("m4", "m2", "r1", base="m3"),
        RowsDeleted("r1", "c", {"m1": "m3", "m2": "m4"}, {}),
    )  # fmt: skip
    _, second, deletion = history.runs
    assert ("used", "m1", None) in edges(history, second)
    assert ("derived", "m2", "m1") in edges(history, second)
    found = edges(history, deletion)
    assert ("derived", "m4", "m3") in found and ("used", "m3", None) not in found
    assert {("revised", "m3", "m1"), ("revised", "m4.data", "m2.data")} <= found
    assert [one.ended is None for one in history.models.values()] == [False, False, True, True]
    assert (deletion.started[17:19], deletion.ended[17:19]) == ("02", "05")


def test_an_id_that_was_given_back_is_of_two_runs_with_names_of_their_own(history_of):
    history = history_of(
        made("m1", "m1"), DeletionAsked("r1", "d"), DeletionTakenBack("r1", "d"),
        DeletionAsked("r1", "e"), RowsDeleted("r1", "c", {"m1": None}, {}),
    )  # fmt: skip
    _, failed, done = history.runs
    assert (failed.of, failed.state, done.of, done.state) == ("r1", "failed", "r1", "done")
    assert failed.id != done.id and not edges(history, failed)
    assert {one for one in edges(history, done) if one[0] == "made"} == {
        ("made", "r1.certificate", None)
    }


def test_a_deletion_that_was_killed_is_running_and_has_ended_nothing(history_of):
    history = history_of(made("m1", "m1"), DeletionAsked("r1", "d"), made("m2", "m1", "r1"))
    run = history.runs[-1]
    assert run.state == "running" and run.ended is None
    assert {relation for relation, *_ in edges(history, run)} == {"made", "derived"}


def test_who_is_retired_is_ended_and_was_not_used(history_of):
    history = history_of(made("m1", "m1"), ModelRetired("m1"))
    assert edges(history, history.runs[1]) == {("ended", "m1", None), ("ended", "m1.data", None)}


def test_digests_of_an_earlier_unweave_are_told_of_no_model_and_no_certificate(history_of):
    history = history_of(
        made("m1", "m1", served=None), made("m2", "m2"),
        RowsDeleted("r1", "c1", {"m1": None}, {}), RowsDeleted("r2", "c2", {"m2": None}, {}),
    )  # fmt: skip
    assert not history.models["m1"].commitments and history.models["m2"].commitments
    assert [history.certificate_of(run) for run in history.runs] == [None, None, None, "c2"]
