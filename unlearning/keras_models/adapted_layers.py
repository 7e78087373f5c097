"""What layers of Keras's own learn from rows by `adapt` and keep beside a model's weights.

    StringLookup, IntegerLookup, and the one in a TextVectorization   a table: the vocabulary
    Discretization                                                    the edges of its bins
    Normalization                                                     constants, made of its weights

A module's `adapt` may call theirs, with the rows of the shard's first slice. What is learnt so is
state like any weight: it stands in checkpoints, digests and the served model under names of its
own, behind those of the weights,

    weights/learnt.004.StringLookup.vocabulary     uint8: words in UTF-8, each with a zero byte
                                                   behind it; int64 of an IntegerLookup
    weights/learnt.004.StringLookup.idf            float32
    weights/learnt.006.Discretization.edges        float32

and goes with the rows: a shard whose first slice loses a row starts anew, and learns it again from
those that remain. A vocabulary holds words of people, so it lies where their rows do, in the files
of the model, and nowhere else. One that was given when the layer was made is the module's, and no
state.

A traced graph holds all of this as constants. So whoever puts a model into a state with another
vocabulary traces its graphs anew (`learn_again` says whether).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lineage_store.tensors import LEARNT, Array, State

NO_WORD, NO_NUMBER = "\0-", np.iinfo(np.int64).min
"""What stands alone in a vocabulary that learnt nothing: no row can hold it."""


def learnt(layers: list[Any]) -> State:
    """Return what the layers of a model have learnt besides their weights."""
    found: State = {}
    for name, layer in _named(layers, _lookups()):
        words = layer.get_vocabulary(include_special_tokens=False)
        found[f"{name}.vocabulary"] = _packed(words, layer.vocabulary_dtype)
        if layer.output_mode == "tf_idf":
            found[f"{name}.idf"] = _idf(layer, len(words))
    for name, layer in _named(layers, _discretizations()):
        edges = layer.bin_boundaries
        found[f"{name}.edges"] = np.asarray([] if edges is None else edges, np.float32)
    return found


def learn_again(layers: list[Any], state: Mapping[str, Array], *, before: State) -> bool:
    """Put what was learnt into the layers; say whether it differs from `before`, what they had."""
    differs = any(
        name in state and state[name].tobytes() != array.tobytes() for name, array in before.items()
    )
    if differs:
        put(layers, state)
    return _normalized(layers) or differs


def put(layers: list[Any], state: Mapping[str, Array]) -> None:
    """Put what was learnt into the layers; those that learnt nothing can be called then, too."""
    for name, layer in _named(layers, _lookups()):
        words = _unpacked(state[f"{name}.vocabulary"], layer.vocabulary_dtype)
        weights = state[f"{name}.idf"] if layer.output_mode == "tf_idf" else None
        layer.set_vocabulary(words, weights)
    for name, layer in _named(layers, _discretizations()):
        layer.bin_boundaries = state[f"{name}.edges"]


def tables_of(layers: list[Any]) -> list[Any]:
    """Return the tables that a graph of the layers reads."""
    import keras

    kinds = (keras.layers.StringLookup, keras.layers.IntegerLookup)
    return [layer.lookup_table for layer in layers if isinstance(layer, kinds)]


def adapts(layers: list[Any]) -> bool:
    """Say whether graphs of the layers hold something that differs from shard to shard."""
    import keras

    normal = (one for one in layers if isinstance(one, keras.layers.Normalization))
    return bool(learnt(layers)) or any(one.input_mean is None for one in normal)


def _lookups() -> Any:
    import keras

    kinds = (keras.layers.StringLookup, keras.layers.IntegerLookup)
    return lambda layer: isinstance(layer, kinds) and not layer._has_input_vocabulary


def _discretizations() -> Any:
    import keras

    return lambda layer: (
        isinstance(layer, keras.layers.Discretization) and layer.num_bins is not None
    )


def _named(layers: list[Any], wanted: Any) -> Iterator[tuple[str, Any]]:
    for number, layer in enumerate(layers):
        if wanted(layer):
            yield f"{LEARNT}{number:03d}.{type(layer).__name__}", layer


def _packed(words: list[Any], dtype: str) -> Array:
    if dtype != "string":
        return np.asarray([one for one in words if one != NO_NUMBER], np.int64)
    text = "".join(f"{word}\0" for word in words if word != NO_WORD)
    return np.frombuffer(text.encode("utf-8"), np.uint8)


def _unpacked(packed: Array, dtype: str) -> list[Any]:
    if dtype != "string":
        return packed.tolist() or [NO_NUMBER]
    return packed.tobytes().decode("utf-8").split("\0")[:-1] or [NO_WORD]


def _idf(layer: Any, words: int) -> Array:
    """Return the weights of the words themselves, without those of special tokens and padding."""
    if not words:
        return np.ones(1, np.float32)
    first = len(layer.get_vocabulary()) - words
    weights: Array = layer.idf_weights_const.numpy()[first : first + words]
    return weights


def _normalized(layers: list[Any]) -> bool:
    """Make the constants of Normalization of its weights; say whether any was another."""
    import keras

    changed = False
    for layer in layers:
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            pairs = ((layer.mean, layer.adapt_mean), (layer.variance, layer.adapt_variance))
            if any(
                np.asarray(one).tobytes()
                != other.numpy().astype(one.dtype.as_numpy_dtype).tobytes()
                for one, other in pairs
            ):
                layer.finalize_state()
                changed = True
    return changed
