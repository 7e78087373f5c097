"""What is imported is looked through by no collection of garbage."""

import gc

import pytest

from lineage_store.large_imports import large_imports


def test_nothing_is_collected_meanwhile_and_what_was_made_is_not_looked_through():
    with large_imports():
        assert not gc.isenabled()
        made = [object()]
    assert gc.isenabled() and not any(one is made for one in gc.get_objects())


def test_who_collects_nothing_goes_on_so_and_who_fails_collects_again():
    with pytest.raises(ImportError), large_imports():
        raise ImportError
    assert gc.isenabled()
    gc.disable()
    try:
        with large_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
