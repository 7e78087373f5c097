"""Which analyzers a `preprocessing_fn` has, and which of them tell the same of rows in any order.

Transform's analyzers look at all rows that they are given, so one row has a part in what they tell
of every other. Given first slices alone they change with a first slice. Given all slices they must
be *in summation form*: counts, sums of whole numbers, least and greatest, vocabularies by counts.
These come to the same bits however Beam bundles the rows, and often to the same without somebody.
Floats that are added do not (`mean_and_var`), and a sketch of quantiles depends on what came first:
`summed_analyzers` has both in summation form.

TFT makes a graph of its own of what a function asks of data; it is made here, and nothing is run.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OF_ALL_ROWS = "Accumulate"
BY_COUNTS = 1  # `VocabOrderingType.FREQUENCY`
PASSING_ON = (
    "TensorSource",
    "CacheableCombineMerge",
    "CacheableCombinePerKeyMerge",
    "CacheableCombinePerKeyFormatKeys",
    "ExtractCombineMergeOutputs",
    "ExtractFromDict",
    "VocabularyCount",
    "VocabularyMerge",
    "VocabularyPrune",
    "VocabularyOrderAndWrite",
)


@dataclass(frozen=True)
class Analyzer:
    """One analyzer, as TFT names it by its scope, and whether it is in summation form."""

    name: str
    is_summed: bool


def analyzers_of(
    preprocessing_fn: Callable[..., Any], specs: Mapping[str, Any], *, classic: bool = False
) -> list[Analyzer]:
    """Return the analyzers of a `preprocessing_fn`, in its order, given the types of its inputs.

    `classic` traces as TensorFlow 1 does, where the Transform component says so.
    """
    from tensorflow_transform import analyzer_nodes, impl_helper

    with tempfile.TemporaryDirectory() as folder:
        graph, _, _ = impl_helper.trace_preprocessing_function(
            preprocessing_fn, dict(specs), use_tf_compat_v1=classic, base_temp_dir=folder
        )
        found: dict[str, bool] = {}
        seen: set[int] = set()
        for sink in graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS):
            for operation in _behind(sink.future, seen):
                name = _scope(operation.label)
                found[name] = found.get(name, True) and _is_summed(operation)
    return [Analyzer(name, summed) for name, summed in found.items()]


def _behind(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield what TFT does for a value, each operation once in all."""
    node = value.parent_operation
    if id(node) not in seen:
        seen.add(id(node))
        for tensor in node.inputs:
            yield from _behind(tensor, seen)
        yield node.operation_def


def _scope(label: str) -> str:
    """Return `scale_to_z_score/mean_and_var` of `Kind[scale_to_z_score#mean_and_var]`."""
    return label.partition("[")[2].rstrip("]").replace("#", "/") or label


def _is_summed(operation: Any) -> bool:
    """Say whether what an operation does is the same of the same rows in any order."""
    kind = type(operation).__name__
    if kind == "VocabularyAccumulate":
        return bool(operation.vocab_ordering_type == BY_COUNTS)
    if kind in ("CacheableCombineAccumulate", "CacheableCombinePerKeyAccumulate"):
        return _is_exact(operation.combiner)
    return kind in PASSING_ON


def _is_exact(combiner: Any) -> bool:
    import numpy as np

    from unweave.tfx.summed_combiners import SummedCombiner

    if isinstance(combiner, SummedCombiner):
        return True
    if type(combiner).__name__ != "NumPyCombiner":
        return False
    whole = all(np.issubdtype(one, np.integer) for one in combiner._output_dtypes)
    return whole or combiner._fn in (np.min, np.max)
