"""A check is put to the original model too: one that cannot fail there tells nothing (law 6)."""

import pytest

from benchmarks.handmade import plain_header
from lineage_store.ledger import open_ledger, write_header
from lineage_store.placement import Partition
from unlearning.verification.controlled import controlled


@pytest.fixture
def pair(tmp_path):
    """The ledgers of a result and of the original model."""
    found = []
    for name in ("m1", "m2"):
        (tmp_path / name).mkdir()
        write_header(tmp_path / name, plain_header(Partition(1, 1, 1, 4, 0), model=name))
        found.append(open_ledger(tmp_path / name))
    return found


@pytest.mark.parametrize(
    "of_new, of_old, outcome, told",
    [
        (None, "it saw the rows", "passed", "fails for the untouched model: it saw the rows"),
        (None, None, "uninformative", "it holds for the untouched model too"),
        ("it saw others", "it saw the rows", "failed", "it saw others"),
        ("it saw others", None, "failed", "it saw others"),
    ],
)
def test_a_check_passes_only_if_it_fails_for_the_original_model(
    pair, of_new, of_old, outcome, told
):
    old, new = pair
    says = {"m1": of_old, "m2": of_new}
    check = controlled("a name", lambda ledger: says[ledger.header.model], new=new, old=old)
    assert (check.name, check.outcome) == ("a name", outcome) and told in check.detail
