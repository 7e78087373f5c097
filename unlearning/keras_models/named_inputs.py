"""What the inputs of a model are given, told from their names and shapes.

    numbers, missing, categories   the three arrays of all columns (`encoding.model_inputs`)
    the name of a column           its values, (n, 1) or (n,): of a column of numbers or dates
                                   (days) numbers, 0 where one is missing; of a column of texts
                                   strings, empty where one is missing
    NAME is missing                1 where the column NAME has no value, else 0, (n, 1) or (n,)
                                   of a column of arrays its numbers in the shape of the input
    NAME                           of columns NAME[0], NAME[1], ... or NAME[0][0], ...: their
                                   numbers in the order of the table and the shape of the input

Nothing missing is passed on as NaN, which would spread to all weights: who must tell 0 from
missing takes the second input besides. The one input of a model with no other may have any name:
it is given all numbers in the shape that it has, or, if it takes strings, the one column of texts.

Keras allows no `/` in a name, and the three arrays have theirs: a column is called by its stand-in
name (`input_name`), and two columns with the same one are refused, as is every input that is none
of these, all of them in one sentence each.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput
from unlearning.keras_models.encoding import model_inputs, numbers_of_arrays
from unlearning.keras_models.module_file import INPUTS, MISSING, ModelSpec, input_name

PLACE = re.compile(r"(\[\d+\])+")


@dataclass(frozen=True)
class TableTensors:
    """What a batch has of its rows: `numbers` (n, N), NaN where missing, and the texts' two forms.

    `categories` (n, M) are hash buckets; `texts` (n, M) strings, None where no input reads them.
    """

    numbers: Any
    categories: Any
    texts: Any = None


Value = Callable[[TableTensors], Any]


@dataclass(frozen=True)
class NamedInputs:
    """The inputs of one model: `values` make what each is given, in the order of the model's own.

    `structure` is how the model takes them: what Keras calls its inputs, named or nested.
    """

    names: tuple[str, ...]
    values: tuple[Value, ...]
    structure: Any
    reads_texts: bool

    def of(self, given: TableTensors) -> Any:
        """Return what the model is called with."""
        import keras

        if set(self.names) <= set(INPUTS):
            return model_inputs(given.numbers, given.categories, wanted=self.names)
        return keras.tree.pack_sequence_as(self.structure, [value(given) for value in self.values])


def named_inputs(model: Any, spec: ModelSpec, *, name: str) -> NamedInputs:
    """Return what the inputs of a built model are given; `name` is that of its module.

    Raises BadInput, with all reasons, if there is an input that nothing of the table fits.
    """
    import keras

    inputs = _inputs(model)
    if not inputs:
        raise BadInput(
            f"The model of {name} does not say what its inputs are: make it a "
            f"keras.Model of inputs and outputs, or a keras.Sequential."
        )
    names = tuple(tensor.name for tensor in inputs)
    found, wrong = [], []
    for tensor in inputs:
        try:
            found.append(_value(tensor, spec, alone=len(inputs) == 1))
        except BadInput as error:
            wrong.append(str(error))
    if wrong:
        raise BadInput(f"The model of {name} does not fit the table: {' '.join(wrong)}")
    texts = {input_name(column) for column in spec.strings}
    reads = any(one.dtype == "string" or one.name.removesuffix(MISSING) in texts for one in inputs)
    reads = reads or bool(spec.arrays)
    structure = inputs[0] if isinstance(model, keras.Sequential) else model.input
    return NamedInputs(names, tuple(found), structure, reads)


def by_name(inputs: NamedInputs, spec: ModelSpec, given: TableTensors) -> dict[str, Any]:
    """Return what inputs of any name would be given, (n, 1) of a column, and those of the model.

    Texts are there if the model reads any.
    """
    made: dict[str, Any] = model_inputs(given.numbers, given.categories, wanted=INPUTS)
    for place, column in enumerate(spec.numbers):
        made[input_name(column)] = _numbers([place], (1,), "float32")(given)
        made[f"{input_name(column)}{MISSING}"] = _missing(column, spec, (1,), "float32")(given)
    for place, column in enumerate(spec.strings if inputs.reads_texts else ()):
        made[input_name(column)] = _text(place, (1,))(given)
        made[f"{input_name(column)}{MISSING}"] = _missing(column, spec, (1,), "float32")(given)
    own = zip(inputs.names, inputs.values, strict=True)
    return made | {name: value(given) for name, value in own}


def _inputs(model: Any) -> Sequence[Any]:
    try:
        return model.inputs or ()
    except (AttributeError, ValueError):
        return ()


def _value(tensor: Any, spec: ModelSpec, *, alone: bool) -> Value:
    """Return what makes one input; raises BadInput saying what was expected."""
    name, shape = tensor.name, tuple(tensor.shape[1:])
    if name in INPUTS:
        return lambda given: model_inputs(given.numbers, given.categories, wanted=[name])[name]
    columns = [*spec.numbers, *spec.strings]
    called = [column for column in columns if input_name(column) == name]
    if len(called) > 1:
        both = " and ".join(map(repr, called))
        raise BadInput(f"The input {name!r} would be the columns {both}: rename one of them.")
    if called:
        return _column(tensor, called[0], spec)
    missing = [column for column in columns if f"{input_name(column)}{MISSING}" == name]
    if missing:
        _must_be_a_column(tensor, missing[0])
        return _missing(missing[0], spec, shape, tensor.dtype)
    array = [n for n, one in enumerate(spec.numbers) if _is_place(one, name)]
    if array:
        return _array(tensor, array, f"{len(array)} columns {spec.numbers[array[0]]}, ...")
    if alone and tensor.dtype != "string" and len(spec.arrays) == 1 and not spec.numbers:
        return _one_array(tensor, spec.arrays[0], spec)
    if alone and tensor.dtype == "string" and len(spec.strings) == 1:
        return _column(tensor, spec.strings[0], spec)
    if alone and tensor.dtype != "string" and spec.numbers:
        places = range(len(spec.numbers))
        return _array(tensor, list(places), f"{len(places)} columns of numbers")
    raise BadInput(
        f"No column is called like the input {name!r}: an input is named after a column, after a "
        f"column and {MISSING!r}, or it is one of {', '.join(INPUTS)}; what names people or rows "
        f"is no column of these (give a copy of it under another name)."
    )


def _is_place(column: str, array: str) -> bool:
    named = input_name(column)
    return named.startswith(array) and PLACE.fullmatch(named[len(array) :]) is not None


def _must_be_a_column(tensor: Any, column: str) -> None:
    shape = tuple(tensor.shape[1:])
    if shape not in ((), (1,)):
        raise BadInput(
            f"The input {tensor.name!r} has the shape {shape} a row, and the column {column!r} has "
            f"one value: give it the shape (1,)."
        )


def _column(tensor: Any, column: str, spec: ModelSpec) -> Value:
    if column in spec.arrays:
        return _one_array(tensor, column, spec)
    is_text = column in spec.strings
    if is_text and tensor.dtype != "string":
        raise BadInput(
            f"The input {tensor.name!r} takes {tensor.dtype}, and the column holds texts: give it "
            f"the dtype 'string', or name a column of lists of numbers in `array_columns`."
        )
    _must_be_a_column(tensor, column)
    shape = tuple(tensor.shape[1:])
    if not is_text and tensor.dtype == "string":
        raise BadInput(
            f"The input {tensor.name!r} takes strings, and the column holds numbers: give it "
            f"another dtype, or name the column in `text_columns`."
        )
    if is_text:
        return _text(spec.strings.index(column), shape)
    return _numbers([spec.numbers.index(column)], shape, tensor.dtype)


def _array(tensor: Any, places: list[int], told: str) -> Value:
    shape = tuple(tensor.shape[1:])
    if None in shape or math.prod(shape) != len(places) or tensor.dtype == "string":
        raise BadInput(
            f"The input {tensor.name!r} takes {tensor.dtype} of the shape {shape} a row, and there "
            f"are {told}: give it a shape of as many numbers."
        )
    return _numbers(places, shape, tensor.dtype)


def _one_array(tensor: Any, column: str, spec: ModelSpec) -> Value:
    """Return what makes an input of a column of arrays; raises BadInput for an open shape."""
    shape = tuple(tensor.shape[1:])
    if None in shape or tensor.dtype == "string":
        raise BadInput(
            f"The input {tensor.name!r} takes {tensor.dtype} of the shape {shape} a row, and the "
            f"column holds arrays of numbers: give it the shape that they have."
        )
    place, size = spec.strings.index(column), math.prod(shape)

    def value(given: TableTensors) -> Any:
        import tensorflow as tf

        numbers = numbers_of_arrays(given.texts[:, place], size, column=column)
        there = tf.where(tf.math.is_nan(numbers), tf.zeros_like(numbers), numbers)
        return tf.cast(tf.reshape(there, (-1, *shape)), tensor.dtype)

    return value


def _numbers(places: list[int], shape: tuple[int, ...], dtype: str) -> Value:
    def value(given: TableTensors) -> Any:
        import tensorflow as tf

        chosen = tf.gather(given.numbers, places, axis=1)
        there = tf.where(tf.math.is_nan(chosen), tf.zeros_like(chosen), chosen)
        return tf.cast(tf.reshape(there, (-1, *shape)), dtype)

    return value


def _text(place: int, shape: tuple[int, ...]) -> Value:
    def value(given: TableTensors) -> Any:
        import tensorflow as tf

        return tf.reshape(given.texts[:, place], (-1, *shape))

    return value


def _missing(column: str, spec: ModelSpec, shape: tuple[int, ...], dtype: str) -> Value:
    def value(given: TableTensors) -> Any:
        import tensorflow as tf

        if column in spec.strings:
            missing = tf.equal(given.texts[:, spec.strings.index(column)], "")
        else:
            missing = tf.math.is_nan(given.numbers[:, spec.numbers.index(column)])
        return tf.reshape(tf.cast(missing, dtype), (-1, *shape))

    return value
