"""What no run could repeat bit for bit, refused by name before the first step.

Two looks: at the model as it was built (what Keras itself says of layers and optimizer), and at the
graph of one step as it was traced, which names every variable that a step reads or writes and every
operation that it takes. What both let through is then tried out (`KerasLearner.must_repeat`).
"""

from collections.abc import Iterator
from typing import Any

from lineage_store.errors import BadInput, NotReproducible

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


def must_be_plain(model: Any, *, name: str) -> None:
    """Check a Keras model as built; `name` is that of its module.

    Raises NotReproducible for what carries state past a checkpoint, BadInput for what `fit` would
    do and a single step does not.
    """
    import keras

    for layer in layers_of(model):
        if getattr(layer, "stateful", False):
            raise NotReproducible(
                f"The model of {name} cannot be trained reproducibly: its {_named(layer)} is "
                f"stateful, so a batch would depend on the batch before: build it with "
                f"stateful=False."
            )
    for weight in model.weights:
        if 0 in weight.shape:  # TensorFlow ends the process when it is learnt
            raise BadInput(
                f"The model of {name} has a weight without values, {weight.path} of shape "
                f"{tuple(weight.shape)}: leave out what reads columns that the table has none of "
                f"(spec.numbers or spec.strings is empty)."
            )
    if type(model).train_step is not keras.Model.train_step:
        raise BadInput(
            f"The model of {name} has a train_step of its own, which is not what is trained here: "
            f"a step applies one optimizer to one loss; put the rest into layers and the loss."
        )
    optimizer = model.optimizer
    kind = type(optimizer).__name__
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise BadInput(
            f"The optimizer of {name} is a {kind}, for training in float16: train in float32 or "
            f"bfloat16."
        )
    if getattr(optimizer, "gradient_accumulation_steps", None):
        raise BadInput(
            f"The optimizer {kind} of {name} has gradient_accumulation_steps, which count batches "
            f"that may be empty here: leave it out and choose a larger `batch_size`."
        )
    if optimizer.use_ema and not optimizer.ema_overwrite_frequency:
        raise BadInput(
            f"The optimizer {kind} of {name} has use_ema without ema_overwrite_frequency: only "
            f"fit would use its averages, at its end; say how often they become the weights."
        )


def must_hide_nothing(model: Any, step: Any, *, name: str) -> None:
    """Check the traced graph of a training step, a concrete function.

    Raises NotReproducible for a variable that no checkpoint holds, and for an operation that keeps
    state of its own.
    """
    known = {id(tensor_of(variable)) for variable in (*model.variables, *model.optimizer.variables)}
    for variable in step.variables:
        if id(variable) not in known:
            raise NotReproducible(
                f"The model of {name} cannot be trained reproducibly: {_holder(model, variable)} "
                f"keeps state in a variable that is no weight, so no checkpoint has it: make it "
                f"with add_weight, or draw with a keras.random.SeedGenerator."
            )
    for node in _nodes(step.graph.as_graph_def()):
        if node.op in DRAWING | PYTHON | REMEMBERING:
            does = "draws from a generator" if node.op in DRAWING else "is Python code"
            does = "writes into a table" if node.op in REMEMBERING else does
            raise NotReproducible(
                f"The model of {name} cannot be trained reproducibly: the op {node.op} of "
                f"{_layer_of(model, node.name)} {does} whose state no checkpoint has: use "
                f"keras.random and keras.ops."
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
            f"The model of {name} cannot be trained reproducibly: {reason.strip()}"
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
