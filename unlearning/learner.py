"""A learner: a model that can be put into a state, take one step, and say what state it is in.

`Learner` is all that training and the strategies know of a model; `KerasLearner` is the one for
Keras. One Keras model serves all shards: it is traced once, and each shard's state is loaded
into it. A step depends on the state, the batch and the step's planned position, and on nothing
else: the optimizer's count and every random generator are set from the position.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput, NotReproducible
from lineage_store.placement import tweak
from lineage_store.rows import Rows
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.contract import BUILT_IN, ModelSpec, load_module
from unlearning.encoding import model_inputs

OPTIMIZER = "optimizer/"
INPUTS = ("numbers", "missing", "categories")
INIT, STEP = 11, 12
PREDICTED_AT_ONCE = 8192


class Learner(Protocol):
    """What can be trained step by step, from any state."""

    def initial_state(self, shard: int, first_rows: Rows | None) -> State:
        """Return a shard's state before its first step."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Put the learner into a state."""

    def state(self) -> State:
        """Return the whole training state: weights and optimizer slots."""

    def weights(self) -> State:
        """Return the weights alone."""

    def step(self, rows: Rows, *, shard: int, position: int) -> Any:
        """Train on one batch; return the loss, possibly not yet computed."""

    def predict(self, weights: Mapping[str, Array], rows: Rows) -> npt.NDArray[np.float32]:
        """Return the outputs (n, units) for rows, from these weights."""


def set_seeds(seed: int) -> None:
    """Seed Keras's, NumPy's, Python's and TensorFlow's own generators."""
    import keras

    keras.utils.set_random_seed(seed % (1 << 32))


class KerasLearner:
    """A Keras model as a learner; see `contract` for what a module offers."""

    def __init__(self, text: str, *, name: str, spec: ModelSpec, seed: int) -> None:
        import tensorflow as tf

        self.spec = spec
        self._seed = seed
        self._name = name
        self._text = text
        set_seeds(tweak(INIT, seed, 0))
        self._module = load_module(text, name=name)
        self._model = self._build(tweak(INIT, seed, 0))
        self._wanted = self._checked_inputs()
        optimizer = self._model.optimizer
        optimizer.build(self._model.trainable_variables)
        self._weights = dict(zip(self._weight_names(), self._model.weights, strict=True))
        self._trainable = [
            name
            for name, variable in self._weights.items()
            if any(variable is known for known in self._model.trainable_variables)
        ]
        slots = [v for v in optimizer.variables if v is not optimizer.iterations]
        self._slots = {f"{OPTIMIZER}{i:04d}": slot for i, slot in enumerate(slots)}
        known = {id(variable) for variable in self._model.weights}
        self._generators = [
            variable
            for variable in self._model.variables
            if id(variable) not in known and "seed_generator_state" in variable.path
        ]
        self._tensor = tf.constant
        self._forward = tf.function(
            lambda inputs: self._model(inputs, training=False), reduce_retracing=True
        )

    def _build(self, seed: int) -> Any:
        import keras

        set_seeds(seed)
        try:
            model = self._module.build_model(self.spec)
        except Exception as error:
            raise BadInput(
                f"build_model of {self._name} fails: {type(error).__name__}: {error}."
            ) from error
        if not isinstance(model, keras.Model):
            raise BadInput(
                f"build_model of {self._name} returns {type(model).__name__}, not a Keras model."
            )
        if getattr(model, "optimizer", None) is None or not getattr(model, "loss", None):
            raise BadInput(
                f"build_model of {self._name} returns a model without optimizer and loss: "
                f"compile it."
            )
        return model

    def _checked_inputs(self) -> tuple[str, ...]:
        try:
            inputs = self._model.inputs
        except (AttributeError, ValueError):
            inputs = None
        names = tuple(tensor.name for tensor in inputs or ())
        if not names or not set(names) <= set(INPUTS):
            raise BadInput(
                f"The model of {self._name} has inputs {list(names)}: it takes those of "
                f"{list(INPUTS)} that it wants, by these names."
            )
        shape = self._model.output_shape
        if shape != (None, self.spec.outputs):
            raise BadInput(
                f"The model of {self._name} has output shape {shape}: the task needs "
                f"(None, {self.spec.outputs})."
            )
        return names

    def _weight_names(self) -> list[str]:
        """Name weights by their place in the model, not by Keras's counters of the process."""
        layers = [layer for layer in self._model._flatten_layers() if layer is not self._model]
        owner = {}
        for number, layer in enumerate(layers):
            for variable in layer.weights:
                owner[id(variable)] = f"{number:03d}.{type(layer).__name__}"
        return [
            f"{WEIGHTS}{i:04d}.{owner.get(id(variable), 'model')}.{variable.name}"
            for i, variable in enumerate(self._model.weights)
        ]

    @functools.cached_property
    def _step(self) -> Any:
        """One training step as a graph that takes tensors, traced when it is first asked for."""
        import tensorflow as tf

        model, generators = self._model, self._generators
        labels = tf.int32 if self.spec.task == "classification" else tf.float32
        signature = [
            tf.TensorSpec([None, len(self.spec.numbers)], tf.float32),
            tf.TensorSpec([None, len(self.spec.strings)], tf.int32),
            tf.TensorSpec([None], labels),
            tf.TensorSpec([], tf.int64),
            tf.TensorSpec([len(generators), 2], tf.int64),
        ]

        def step(numbers: Any, categories: Any, labels: Any, position: Any, seeds: Any) -> Any:
            model.optimizer.iterations.assign(tf.cast(position, model.optimizer.iterations.dtype))
            for number, generator in enumerate(generators):
                generator.assign(tf.cast(seeds[number], generator.dtype))
            inputs = model_inputs(numbers, categories, wanted=self._wanted)
            with tf.GradientTape() as tape:
                outputs = model(inputs, training=True)
                loss = model.compute_loss(x=inputs, y=labels, y_pred=outputs)
            gradients = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply(gradients, model.trainable_variables)
            return loss

        # The one graph itself: a tf.function would choose among its graphs anew in every step.
        set_seeds(tweak(INIT, self._seed, 0))  # what tracing draws is then always the same
        return tf.function(step, input_signature=signature).get_concrete_function()

    def initial_state(self, shard: int, first_rows: Rows | None) -> State:
        """Return a shard's state before its first step: fresh weights, adapted, empty slots."""
        model = self._build(tweak(INIT, self._seed, shard))
        adapt = getattr(self._module, "adapt", None)
        if adapt is not None and first_rows is not None:
            missing = np.isnan(first_rows.numbers)
            try:
                adapt(
                    model,
                    np.where(missing, np.float32(0), first_rows.numbers),
                    missing.astype(np.float32),
                    first_rows.categories,
                )
            except Exception as error:
                raise BadInput(
                    f"adapt of {self._name} fails: {type(error).__name__}: {error}."
                ) from error
        arrays = (variable.numpy() for variable in model.weights)
        state = dict(zip(self._weights, arrays, strict=True))
        model.optimizer.build(model.trainable_variables)
        slots = [v for v in model.optimizer.variables if v is not model.optimizer.iterations]
        state |= {f"{OPTIMIZER}{i:04d}": slot.numpy() for i, slot in enumerate(slots)}
        return state

    def load(self, state: Mapping[str, Array]) -> None:
        """Put the model into a state; slots that the state does not have stay as they are."""
        for name, variable in (self._weights | self._slots).items():
            if name in state:
                variable.assign(state[name])

    def state(self) -> State:
        """Return the whole training state as arrays."""
        return {name: v.numpy() for name, v in (self._weights | self._slots).items()}

    def weights(self) -> State:
        """Return the weights as arrays."""
        return {name: variable.numpy() for name, variable in self._weights.items()}

    def trainable(self) -> State:
        """Return the weights that steps change by gradients, as arrays."""
        return {name: self._weights[name].numpy() for name in self._trainable}

    def step(self, rows: Rows, *, shard: int, position: int) -> Any:
        """Train on one batch and return the loss, a tensor."""
        seeds = np.array(
            [
                [tweak(STEP, self._seed, shard, position, number) >> 33, number]
                for number in range(len(self._generators))
            ],
            dtype=np.int64,
        ).reshape(-1, 2)
        taken = (rows.numbers, rows.categories, rows.labels, np.int64(position), seeds)
        return self._step(*(self._tensor(array) for array in taken))

    def predict(self, weights: Mapping[str, Array], rows: Rows) -> npt.NDArray[np.float32]:
        """Return the model's outputs (n, units) float32, in inference mode."""
        self.load(weights)
        set_seeds(tweak(INIT, self._seed, 0))  # as before tracing a step
        pieces = [
            self._forward(
                model_inputs(
                    rows.numbers[start : start + PREDICTED_AT_ONCE],
                    rows.categories[start : start + PREDICTED_AT_ONCE],
                    wanted=self._wanted,
                )
            ).numpy()
            for start in range(0, max(len(rows), 1), PREDICTED_AT_ONCE)
        ]
        return np.concatenate(pieces)

    def optimizer(self) -> dict[str, Any]:
        """Return the optimizer's class and hyperparameters, as JSON can hold them."""
        optimizer = self._model.optimizer
        config = json.loads(json.dumps(optimizer.get_config(), default=str))
        del config["name"]  # counts the optimizers of the process
        return {"class": type(optimizer).__name__, "config": config}

    def graph(self) -> tuple[Any, tuple[str, ...]]:
        """Return the Keras model and the names of the inputs it wants, to export it."""
        set_seeds(tweak(INIT, self._seed, 0))  # as before tracing a step
        return self._model, self._wanted

    def split(self, weights: Mapping[str, Array], make: Any) -> tuple[list[Any], list[Any]]:
        """Return weights as Keras calls them without state: trainable ones, and all others.

        `make` turns each array into what the caller needs. Variables that are no weights (random
        generators) keep the value they have.
        """
        by_id = {id(variable): name for name, variable in self._weights.items()}

        def made(variable: Any) -> Any:
            name = by_id.get(id(variable))
            return make(variable.numpy() if name is None else weights[name])

        return (
            [made(variable) for variable in self._model.trainable_variables],
            [made(variable) for variable in self._model.non_trainable_variables],
        )

    def must_repeat(self, batches: Sequence[Rows], first: Rows | None, *, shard: int) -> None:
        """Begin a shard and take its first steps, again and again, and compare all bits.

        The steps are taken twice from one state (nothing is seeded in between, as nothing is when
        a shard is retrained from a checkpoint), from a state made again, and once more with the
        module loaded anew, as another process would.
        Raises NotReproducible, naming the model and what differs or the op that refuses.
        """
        state = self.initial_state(shard, first)
        ends = [self._first_steps(batches, state, shard) for _ in range(2)]
        ends.append(self._first_steps(batches, self.initial_state(shard, first), shard))
        if self._name != BUILT_IN:
            anew = KerasLearner(self._text, name=self._name, spec=self.spec, seed=self._seed)
            ends.append(anew._first_steps(batches, anew.initial_state(shard, first), shard))
        for end in ends[1:]:
            for name, array in ends[0].items():
                if name not in end or array.tobytes() != end[name].tobytes():
                    raise NotReproducible(
                        f"The model of {self._name} cannot be trained reproducibly: built again "
                        f"and after the same steps, {name} differs. Look for randomness that is "
                        f"not seeded, or state outside the weights."
                    )

    def _first_steps(self, batches: Sequence[Rows], state: State, shard: int) -> State:
        self.load(state)
        try:
            for position, rows in enumerate(batches):
                self.step(rows, shard=shard, position=position)
        except Exception as error:
            raise self._refusal(error) from error
        return self.state()

    def _refusal(self, error: Exception) -> Exception:
        text = str(error)
        # An error in a graph is told in its last lines, after where in the code it was.
        lines = [line.strip() for line in text.splitlines() if line.strip(" \t")]
        if lines and lines[0].startswith(("Graph execution error", "in user code")):
            lines = [line for line in lines if not line.startswith(("[[{{", "File "))][-1:]
        first = lines[0] if lines else type(error).__name__
        if "determinis" in text.lower() or "random" in text.lower():
            reason = next(
                (line for line in text.splitlines() if "determinis" in line.lower()), first
            )
            return NotReproducible(
                f"The model of {self._name} cannot be trained reproducibly: {reason.strip()}"
            )
        return BadInput(f"The model of {self._name} fails in its first step: {first}")
