"""What a model's inputs are given: columns by name, arrays in any shape, and what fits nothing."""

import re

import numpy as np
import pytest

from lineage_store.errors import BadInput
from unlearning.keras_models.module_file import ModelSpec
from unlearning.keras_models.named_inputs import TableTensors, by_name, named_inputs

SPEC = ModelSpec(
    ("age", "a/b", "numbers", "p[0][0]", "p[0][1]", "p[1][0]", "p[1][1]"),
    ("city", "a_c", "a/c"),
    "classification",
    ("no", "yes"),
    dates=("age",),
)
NUMBERS = np.arange(14, dtype=np.float32).reshape(2, 7)
NUMBERS[1, 0] = np.nan
TEXTS = np.array([[b"Ulm", "Größe".encode(), b"x"], [b"", b"y", b"z"]], object)
GIVEN = TableTensors(NUMBERS, np.array([[1, 2, 3], [4, 5, 6]], np.int32), TEXTS)


def model_of(*inputs, structure=list):
    """Return a model that hands its inputs on, each of a name, a shape and a dtype."""
    import keras

    made = [keras.Input(shape, name=name, dtype=dtype) for name, shape, dtype in inputs]
    return keras.Model(structure(made), [keras.layers.Identity()(one) for one in made])


def values_of(*inputs, structure=list, spec=SPEC):
    import keras

    found = named_inputs(model_of(*inputs, structure=structure), spec, name="model.py")
    return found, [np.asarray(one) for one in keras.tree.flatten(found.of(GIVEN))]


def number(name, shape=(1,), dtype="float32"):
    return name, shape, dtype


def text(name, shape=(1,)):
    return name, shape, "string"


def test_a_column_of_numbers_is_given_with_zeros_and_what_is_missing_apart():
    found, values = values_of(number("age"), number("age is missing", ()), number("a_b", ()))
    assert [np.asarray(one).tolist() for one in values] == [[[0.0], [0.0]], [0.0, 1.0], [1.0, 8.0]]
    assert not found.reads_texts


def test_a_column_of_texts_is_given_as_it_is():
    found, values = values_of(text("city"), number("city is missing"))
    assert found.reads_texts
    assert values[0].tolist() == [[b"Ulm"], [b""]]
    assert values[1].tolist() == [[0.0], [1.0]]


def test_a_missing_text_alone_makes_the_texts_be_read():
    found, _ = values_of(number("city is missing"))
    assert found.reads_texts


def test_columns_of_an_array_are_given_in_the_shape_of_the_input():
    _, values = values_of(number("p", (2, 2, 1), "int32"), number("age"))
    assert values[0].tolist() == [
        [[[3], [4]], [[5], [6]]],
        [[[10], [11]], [[12], [13]]],
    ]


def test_the_three_arrays_keep_their_names_and_a_column_called_so_has_a_stand_in():
    _, values = values_of(number("numbers", (7,)), number("numbers_"))
    assert values[0].tolist() == np.nan_to_num(NUMBERS).tolist()
    assert values[1].tolist() == [[2.0], [9.0]]
    assert SPEC.input_name("a/b") == "a_b" and SPEC.input_name("numbers") == "numbers_"


def test_inputs_may_be_nested_as_keras_allows_it():
    def by_their_names(made):
        return {one.name: one for one in made}

    found, values = values_of(number("age"), number("numbers", (7,)), structure=by_their_names)
    assert sorted(found.of(GIVEN)) == ["age", "numbers"] and len(values) == 2


def test_the_only_input_may_have_any_name():
    _, values = values_of(number("whatever", (7, 1)))
    assert values[0].shape == (2, 7, 1)
    one = ModelSpec((), ("city",), "classification", ("no", "yes"))
    texts = named_inputs(model_of(text(None, ())), one, name="model.py")
    assert np.asarray(texts.of(GIVEN)[0]).tolist() == [b"Ulm", b""]


def test_adapt_is_given_what_every_input_would_be():
    found, _ = values_of(number("p", (4,)), text("city"))
    rows = by_name(found, SPEC, GIVEN)
    assert np.asarray(rows["age"]).tolist() == [[0.0], [0.0]]
    assert np.asarray(rows["age is missing"]).tolist() == [[0.0], [1.0]]
    assert np.asarray(rows["city"]).tolist() == [[b"Ulm"], [b""]]
    assert np.asarray(rows["p"]).shape == (2, 4) and np.asarray(rows["numbers"]).shape == (2, 7)


WRONG = {
    "no such column": (
        [number("wage"), number("age")],
        "No column is called like the input 'wage'",
    ),
    "texts for numbers": (
        [text("age"), number("a_b")],
        "takes strings, and the column holds numbers",
    ),
    "numbers for texts": ([number("city"), number("age")], "give it the dtype 'string'"),
    "too wide": ([number("age", (3,)), number("a_b")], "has the shape (3,) a row"),
    "an array of another size": (
        [number("p", (3,)), number("age")],
        "takes float32 of the shape (3,) a row, and there are 4 columns p[0][0], ...",
    ),
    "no shape": ([number("anything", (None,))], "the shape (None,) a row"),
    "two columns of one name": (
        [text("a_c"), number("age")],
        "would be the columns 'a_c' and 'a/c': rename one of them",
    ),
}


@pytest.mark.parametrize("inputs, words", WRONG.values(), ids=WRONG)
def test_an_input_that_fits_nothing_is_refused_by_name(inputs, words):
    with pytest.raises(BadInput, match=f"The model of model.py does not fit.*{re.escape(words)}"):
        named_inputs(model_of(*inputs), SPEC, name="model.py")


def test_all_reasons_are_told_at_once():
    with pytest.raises(BadInput, match="'wage'.*'city'"):
        named_inputs(model_of(number("wage"), number("city")), SPEC, name="model.py")
