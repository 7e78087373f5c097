"""Numbers become whole steps of a scale that is declared or one, whatever the other rows hold."""

import numpy as np
import pytest

from lineage_store.data.schema import Column, Label, Schema
from lineage_store.errors import BadInput
from unlearning.linear.grid import LIMIT, STEPS_OF_ONE, declared, grid_of

SCHEMA = Schema(
    (Column("size", "number"), Column("day", "date"), Column("town", "text")),
    (Label("y", "number", "regression"),),
)


def test_steps_are_of_the_scale_that_is_declared():
    grid = grid_of(SCHEMA, ("size=1e-6", "y=1000"))
    numbers = np.array([[2e-6, 3.5], [np.nan, -3.5], [3e38, 3e38], [-3e38, 0]], np.float32)
    assert grid.of_numbers(numbers).tolist() == [
        [2 * STEPS_OF_ONE, 3.5 * STEPS_OF_ONE],
        [0, -3.5 * STEPS_OF_ONE],
        [LIMIT, LIMIT],
        [-LIMIT, 0],
    ]
    assert grid.of_labels(np.array([500], np.float32)).tolist() == [STEPS_OF_ONE // 2]


@pytest.mark.parametrize("said", ["size", "=1", "size=", "size=0", "size=-1", "size=nan", "a=inf"])
def test_a_scale_of_another_form_is_refused(said):
    with pytest.raises(BadInput, match="not of the form COLUMN=NUMBER"):
        declared([said])


def test_a_scale_of_a_column_without_numbers_or_of_one_twice_is_refused():
    assert declared(["a=b=2"]) == {"a=b": 2.0}
    with pytest.raises(BadInput, match="'size' has two scales"):
        declared(["size=1", "size=2"])
    for column in ("town", "nowhere"):
        with pytest.raises(BadInput, match=f"'{column}' has a scale, and holds no numbers"):
            grid_of(SCHEMA, [f"{column}=2"])
