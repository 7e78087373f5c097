"""The served model: one SavedModel that is the aggregate of its shards.

It holds plain TensorFlow graphs, so it loads where this project is not installed. Signatures:

    serving_default(examples: string (n,))                   serialised tf.Example, TFX's custom
    columns(numbers: float32 (n, N), strings: string (n, M)) columns in the order of `columns.json`

Both return `probabilities` (n, classes) and `classes` (n,) for a classification, `values` (n,) for
a regression, aggregated over the shards (`aggregation`); a shard without rows takes no part. A
model of several labels returns these of each, `minutes_values` for a label `minutes` (`told_as`). A
missing number is NaN, a missing string "". Where a module has `parse`, the one signature is
`serving_default`, of what that makes, by the names of the model's inputs (`PARSED`). A date, one of
the `dates` in `columns.json`, is a number of days (`ModelSpec`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, read_json, reading_own
from lineage_store.errors import BadInput
from lineage_store.tensors import LEARNT, State
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.adapted_layers import adapts, tables_of
from unlearning.keras_models.encoding import bucket_ids, first_values
from unlearning.keras_models.module_file import LabelSpec, ModelSpec
from unlearning.keras_models.named_inputs import TableTensors
from unlearning.keras_models.parsing import ParsedInput, ParsedInputs
from unlearning.keras_models.refusals import layers_of
from unlearning.keras_models.several_outputs import slice_of
from unlearning.serving.aggregation import Aggregation, aggregation_or_default

ASSET = "columns.json"
PARSED = "parsed"


def export(
    learner: KerasLearner, shards: Sequence[State], folder: Path, *, aggregate: Aggregation
) -> None:
    """Write the SavedModel of the shards that have rows.

    Raises BadInput if none has.
    """
    import tensorflow as tf

    members = [state for state in shards if state]
    if not members:
        raise BadInput("No shard has rows: there is no model to serve.")
    spec = learner.spec
    module = tf.Module()
    module.members = [learner.split(state, tf.Variable) for state in members]
    module.asset = tf.saved_model.Asset(_asset(learner, folder))
    parsed = learner.inputs if isinstance(learner.inputs, ParsedInputs) else None
    signature = [
        tf.TensorSpec([None, len(spec.numbers)], tf.float32, name="numbers"),
        tf.TensorSpec([None, len(spec.strings)], tf.string, name="strings"),
    ]
    signature = signature if parsed is None else parsed.signature()
    answer = _answers_of(learner, members, module, signature)

    def outputs(*given: Any) -> dict[str, Any]:
        members = tf.stack(answer(*given))
        named: dict[str, Any] = {}
        for head in spec.heads:
            rule = aggregation_or_default(aggregate.name, task=head.task)
            of_head = members[:, :, slice_of(spec, head)] if spec.labels else members
            named |= _named(tf, *rule.graph(of_head), head, spec)
        return named

    columns = tf.function(outputs, input_signature=signature)
    if parsed is not None:
        _save(module, folder, {"serving_default": columns})
        return

    # A missing value may come as an absent feature or as one without values: read both.
    features = {name: tf.io.RaggedFeature(tf.float32) for name in spec.numbers} | {
        name: tf.io.RaggedFeature(tf.string) for name in spec.strings
    }

    def parsed_outputs(examples: Any) -> dict[str, Any]:
        parsed = tf.io.parse_example(examples, features)
        rows = tf.shape(examples)[0]
        numbers, strings = tf.zeros([rows, 0], tf.float32), tf.zeros([rows, 0], tf.string)
        if spec.numbers:
            numbers = first_values([parsed[name] for name in spec.numbers], float("nan"))
        if spec.strings:
            strings = first_values([parsed[name] for name in spec.strings], "")
        return outputs(numbers, strings)

    serialised = tf.TensorSpec([None], tf.string, name="examples")
    by_example = tf.function(parsed_outputs, input_signature=[serialised])
    _save(module, folder, {"serving_default": by_example, "columns": columns})


def _save(module: Any, folder: Path, signatures: dict[str, Any]) -> None:
    import tensorflow as tf

    tf.saved_model.save(module, str(folder), signatures=signatures)
    (folder.parent / ASSET).unlink()


def _answers_of(
    learner: KerasLearner, members: Sequence[State], module: Any, signature: Sequence[Any]
) -> Callable[..., list[Any]]:
    """Return what each member answers to columns, or to what rows are parsed to.

    All are called by one graph, unless its layers hold what they learnt. Then each has its own, and
    what they learnt is kept in the module, too: as it stands in the state, and as tables.
    """
    import tensorflow as tf

    spec, model = learner.spec, learner.graph()
    layers = layers_of(model)

    def call(weights: Any, inputs: Any) -> Any:
        return model.stateless_call(*weights, inputs, training=False)[0]

    def inputs_of(*given: Any) -> Any:
        if isinstance(learner.inputs, ParsedInputs):
            return learner.inputs.of(given)
        numbers, strings = given
        if spec.strings:
            categories = bucket_ids(strings, columns=spec.strings, buckets=spec.buckets)
        else:
            categories = tf.zeros([tf.shape(numbers)[0], 0], tf.int32)
        return learner.inputs.of(TableTensors(numbers, categories, strings))

    if not adapts(layers):
        one = tf.function(call)
        return lambda *given: [
            learner.outputs.answers(one(weights, inputs_of(*given))) for weights in module.members
        ]

    def traced(weights: Any) -> Any:
        def answers(*given: Any) -> Any:
            return learner.outputs.answers(call(weights, inputs_of(*given)))

        return tf.function(answers, input_signature=signature).get_concrete_function()

    each, module.tables, module.learnt = [], [], []
    for state, weights in zip(members, module.members, strict=True):
        learner.load(state)
        each.append(traced(weights))
        module.tables.append(tables_of(layers))
        learnt = [array for name, array in state.items() if name.startswith(LEARNT)]
        module.learnt.append([tf.Variable(array, trainable=False) for array in learnt])
    return lambda *given: [one(*given) for one in each]


def _asset(learner: KerasLearner, folder: Path) -> str:
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.parent / ASSET
    document = learner.spec.to_json()
    if isinstance(learner.inputs, ParsedInputs):
        document[PARSED] = [
            [one.name, list(one.shape), one.dtype] for one in learner.inputs.parser.inputs
        ]
    path.write_bytes(canonical_json(document) + b"\n")
    return str(path)


def told_as(what: str, head: LabelSpec, spec: ModelSpec) -> str:
    """Return the name under which `values`, `classes` or `probabilities` of a label are served."""
    return f"{head.output_name}_{what}" if spec.labels else what


def _named(tf: Any, outputs: Any, scores: Any, head: LabelSpec, spec: ModelSpec) -> dict[str, Any]:
    if head.task == "regression":
        return {told_as("values", head, spec): outputs[:, 0]}
    classes = tf.gather(tf.constant(list(head.classes)), tf.argmax(scores, axis=1))
    return {told_as("probabilities", head, spec): outputs, told_as("classes", head, spec): classes}


def served_columns(folder: Path) -> ModelSpec:
    """Read which columns a SavedModel of ours takes.

    Raises BadInput for one that does not say it, of a family from outside, and Damaged for one
    whose file is not as it was written.
    """
    file = folder / "assets" / ASSET
    if not file.exists():
        raise BadInput(
            f"The served model in {folder} does not say which columns it takes ({ASSET}): ask it "
            f"by its own signatures, with TensorFlow Serving for instance."
        )
    with reading_own(file):
        value = read_json(file)
        spec = None if "items" in value else ModelSpec.from_json(value)
    if spec is None:
        raise BadInput(
            f"The served model in {folder} recommends items, and tells no label: no answer of it "
            f"is right or wrong."
        )
    return spec


def served_inputs(folder: Path) -> tuple[ParsedInput, ...]:
    """Read what a SavedModel of ours takes that is made by a module's `parse`; nothing without."""
    file = folder / "assets" / ASSET
    with reading_own(file):
        inputs = read_json(file).get(PARSED, ())
        return tuple(ParsedInput(name, tuple(shape), dtype) for name, shape, dtype in inputs)
