"""What no run could repeat bit for bit, refused by name before the first step.

Two looks: at the model as it was built (what Keras itself says of layers and optimizer), and at the
graph of one step as it was traced, which names every variable that a step reads or writes and every
operation that it takes. All reasons are told at once, each as *never* (no version can be exact
there), *not yet*, or *change this*. What both let through is then tried out
(`KerasLearner.must_repeat`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lineage_store.errors import BadInput, NotReproducible, UnweaveError
from unlearning.keras_models.module_file import ModelSpec
from unlearning.keras_models.named_inputs import NamedInputs, named_inputs
from unlearning.keras_models.outputs import Outputs, outputs_of
from unlearning.keras_models.parsing import ParsedInputs, parsed_inputs
from unlearning.keras_models.several_outputs import several_outputs_of

# Operations that draw from a generator of TensorFlow's own, whose state no checkpoint holds.
# (Keras draws by the stateless ones, from variables that are set before each step.)
DRAWING = frozenset(
    {
        "Multinomial",
        "ParameterizedTruncatedNormal",
        "RandomGamma",
        "RandomPoisson",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "TruncatedNormal",
    }
)
# Operations that write into a table: what it holds then no checkpoint has.
REMEMBERING = frozenset({"LookupTableImportV2", "LookupTableInsertV2", "LookupTableRemoveV2"})
# Python code within the graph: what it remembers between steps nobody sees.
PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
HIDING = {
    DRAWING: "draws from a generator",
    PYTHON: "is Python code",
    REMEMBERING: "writes into a table",
}
When = Literal["never", "not yet", "change this"]
Inputs = NamedInputs | ParsedInputs


@dataclass(frozen=True)
class Refusal:
    """One reason why a model cannot be trained here; `why` is a sentence with what to do instead.

    `kind` is what is raised for it.
    """

    when: When
    why: str
    kind: type[UnweaveError] = BadInput


def read_model(model: Any, spec: ModelSpec, *, module: Any, name: str) -> tuple[Inputs, Outputs]:
    """Return what the inputs of a built model are given, and what its outputs mean.

    Its module may have `targets` and `parse`. Raises all reasons why it cannot be trained.
    """
    own, parse = (getattr(module, function, None) for function in ("targets", "parse"))
    found = list(not_plain(model, name=name))
    inputs: Inputs | None = None
    outputs: Outputs | None = None
    try:
        if parse is None:
            inputs = named_inputs(model, spec, name=name)
        else:
            inputs = parsed_inputs(model, spec, parse, name=name)
    except BadInput as error:
        found.append(Refusal("change this", str(error)))
    try:
        read = several_outputs_of if spec.labels else outputs_of
        outputs = read(model, spec, own=own, name=name)
    except BadInput as error:
        found.append(Refusal("change this", str(error)))
    must_be_none(found)
    assert inputs is not None and outputs is not None
    return inputs, outputs


def must_be_none(found: Iterable[Refusal]) -> None:
    """Raise all reasons at once, as NotReproducible if any is of that kind."""
    reasons = list(dict.fromkeys(found))
    if reasons:
        told = " ".join(f"{one.when.capitalize()}: {one.why}" for one in reasons)
        kinds = [one.kind for one in reasons]
        raise (NotReproducible if NotReproducible in kinds else kinds[0])(told)


def not_plain(model: Any, *, name: str) -> Iterator[Refusal]:
    """Yield why a Keras model as built cannot be trained; `name` is that of its module.

    Those of the kind NotReproducible carry state past a checkpoint; the others `fit` would do, and
    a single step does not.
    """
    import keras

    for layer in layers_of(model):
        if getattr(layer, "stateful", False):
            yield Refusal(
                "change this",
                f"The model of {name} cannot be trained reproducibly: its layer "
                f"{layer.name} ({type(layer).__name__}) is stateful, so a batch would "
                f"depend on the batch before: build it with stateful=False.",
                NotReproducible,
            )
    for weight in model.weights:
        if 0 in weight.shape:  # TensorFlow ends the process when it is learnt
            yield Refusal(
                "change this",
                f"The model of {name} has a weight without values, {weight.path} of shape "
                f"{tuple(weight.shape)}: leave out what reads columns that the table has none of "
                f"(spec.numbers or spec.strings is empty).",
            )
    if type(model).train_step is not keras.Model.train_step:
        yield Refusal(
            "not yet",
            f"The model of {name} has a train_step of its own, which is not what is trained here: "
            f"a step applies one optimizer to one loss; put the rest into layers and the loss.",
        )
    optimizer = model.optimizer
    kind = type(optimizer).__name__
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        yield Refusal(
            "change this",
            f"The optimizer of {name} is a {kind}, for training in float16: train in float32 or "
            f"bfloat16.",
        )
    if getattr(optimizer, "gradient_accumulation_steps", None):
        yield Refusal(
            "change this",
            f"The optimizer {kind} of {name} has gradient_accumulation_steps, which count batches "
            f"that may be empty here: leave it out and choose a larger `batch_size`.",
        )
    if optimizer.use_ema and not optimizer.ema_overwrite_frequency:
        yield Refusal(
            "change this",
            f"The optimizer {kind} of {name} has use_ema without ema_overwrite_frequency: only "
            f"fit would use its averages, at its end; say how often they become the weights.",
        )


def must_hide_nothing(model: Any, step: Any, *, name: str) -> None:
    """Check the traced graph of a training step, a concrete function.

    Raises NotReproducible, with all reasons, for variables that no checkpoint holds, and for
    operations that keep state of their own.
    """
    must_be_none(_hidden(model, step, name))


def _hidden(model: Any, step: Any, name: str) -> Iterator[Refusal]:
    of_metrics = [
        one for metric in model._compile_loss.metrics for one in metric.variables
    ]  # for `fit`
    kept = (*model.variables, *model.optimizer.variables, *of_metrics)
    known = {id(tensor_of(variable)) for variable in kept}
    begins = f"The model of {name} cannot be trained reproducibly:"
    for variable in step.variables:
        if id(variable) not in known:
            yield Refusal(
                "change this",
                f"{begins} {_holder(model, variable)} keeps state in a variable that is no weight, "
                f"so no checkpoint has it: make it with add_weight, or draw with a "
                f"keras.random.SeedGenerator.",
                NotReproducible,
            )
    for node in _nodes(step.graph.as_graph_def()):
        for operations, does in HIDING.items():
            if node.op in operations:
                yield Refusal(
                    "change this",
                    f"{begins} the op {node.op} of {_layer_of(model, node.name)} {does} whose "
                    f"state no checkpoint has: use keras.random and keras.ops.",
                    NotReproducible,
                )


def refusal(error: Exception, *, name: str, where: str) -> Exception:
    """Return what to raise for an error in a step of the model of a module.

    That is NotReproducible where TensorFlow itself refuses an operation, and else BadInput.
    """
    text = str(error)
    # An error in a graph is told in its last lines, after where in the code it was.
    lines = [line.strip() for line in text.splitlines() if line.strip(" \t")]
    if lines and lines[0].startswith(("Graph execution error", "in user code")):
        lines = [line for line in lines if not line.startswith(("[[{{", "File "))][-1:]
    first = lines[0] if lines else type(error).__name__
    if "determinis" in text.lower() or "random" in text.lower():
        reason = next((line for line in text.splitlines() if "determinis" in line.lower()), first)
        return NotReproducible(
            f"Never: The model of {name} cannot be trained reproducibly: {reason.strip()}"
        )
    return BadInput(f"The model of {name} fails in {where}: {first}")


def layers_of(model: Any) -> list[Any]:
    """Return all layers within a model, those inside other layers too, in Keras's order."""
    return [layer for layer in model._flatten_layers() if layer is not model]


def tensor_of(variable: Any) -> Any:
    """Return TensorFlow's variable behind one of Keras's."""
    return variable.value


def _named(layer: Any) -> str:
    return f"layer {layer.name} ({type(layer).__name__})"


def _holder(model: Any, variable: Any) -> str:
    """Name the layer that holds a variable in an attribute, or whatever does."""
    for layer in layers_of(model):
        for attribute, value in vars(layer).items():
            inside = [value, *vars(value).values()] if hasattr(value, "__dict__") else [value]
            if any(one is variable for one in inside):
                return f"{attribute} of the {_named(layer)}"
    return f"the variable {variable.name.partition(':')[0]}"


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _layer_of(model: Any, node: str) -> str:
    """Name the layer whose scope an operation stands in."""
    scopes = node.split("/")
    inner = [layer for layer in layers_of(model) if _in_scope(layer.name, scopes)]
    return f"the {_named(inner[-1])}" if inner else node


def _in_scope(layer: str, scopes: list[str]) -> bool:
    # Keras calls a scope like the layer, and numbers those of later calls.
    return any(
        scope == layer or (scope.startswith(f"{layer}_") and scope[len(layer) + 1 :].isdigit())
        for scope in scopes
    )
