"""A Keras model as a learner: it can be put into any state, and take one step.

One Keras model serves all shards: it is traced once, and each shard's state is loaded
into it. A step depends on the state, the batch and the step's planned position, and on nothing
else: the optimizer's count and every random generator are set from the position.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.errors import NotReproducible
from lineage_store.placement import tweak
from lineage_store.rows import Rows, RowSet, group_pieces, pieces
from lineage_store.tensors import WEIGHTS, Array, State, first_difference
from unlearning.keras_learning.class_weights import Weights, counts_of
from unlearning.keras_learning.step_graphs import INIT, StepGraphs, Traceable
from unlearning.keras_models.adapted_layers import learn_again, learnt, put
from unlearning.keras_models.adapting import adapt_to, must_be_in_the_state
from unlearning.keras_models.module_file import SOURCES, ModelSpec, built_model, load_module
from unlearning.keras_models.parsing import ParsedInputs, must_be_pure
from unlearning.keras_models.refusals import layers_of, must_hide_nothing, read_model, refusal
from unlearning.keras_models.seeds import seeded_for_this_thread, set_seeds

OPTIMIZER = "optimizer/"
UNNAMED = re.compile(r"^variable_\d+$")  # Keras counts these in the process too
STEP = 12
PREDICTED_AT_ONCE = 8192
BUILT_AT_MOST, COMPARED = 5, 64


class KerasLearner:
    """A Keras model as a learner; see `module_file` for what a module offers."""

    def __init__(self, text: str, *, name: str, spec: ModelSpec, seed: int) -> None:
        import tensorflow as tf

        self.spec = spec
        self._seed = seed
        self._name = name
        self._text = text
        with seeded_for_this_thread(tweak(INIT, seed, 0)):
            self._module = load_module(text, name=name)
        self._model = self._build(tweak(INIT, seed, 0))
        self.inputs, self.outputs = read_model(self._model, spec, module=self._module, name=name)
        self._layers = layers_of(self._model)
        self._learnt = learnt(self._layers)
        put(self._layers, self._learnt)
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
        of = Traceable(self._model, spec, self.inputs, self.outputs, self._generators, self._seed)
        self._graphs = StepGraphs(of)

    def _build(self, seed: int) -> Any:
        return built_model(self._module, self.spec, seed=seed, name=self._name)

    def _weight_names(self) -> list[str]:
        """Name weights by their place in the model, not by Keras's counters of the process."""
        owner = {}
        for number, layer in enumerate(layers_of(self._model)):
            for variable in layer.weights:
                owner[id(variable)] = f"{number:03d}.{type(layer).__name__}"
        return [
            f"{WEIGHTS}{i:04d}.{owner.get(id(variable), 'model')}."
            f"{UNNAMED.sub('variable', variable.name)}"
            for i, variable in enumerate(self._model.weights)
        ]

    def initial_state(self, shard: int, first_rows: Rows | None) -> State:
        """Return a shard's state before its first step: fresh weights, adapted, empty slots.

        A process's generators are shared by its threads, and only Python's can be had for one of
        them alone; so only what came out twice in a row counts. Raises NotReproducible if nothing
        does.
        """
        state = self._begun(shard, first_rows)
        differs = ""
        for _ in range(BUILT_AT_MOST):
            again = self._begun(shard, first_rows)
            name = first_difference(state, again)
            if name is None:
                return state
            state, differs = again, name
        raise self._not_repeated(differs)

    def _adapted(self, shard: int, first_rows: Rows | None) -> Any:
        """Return a shard's model before its first step, as the module builds and adapts it."""
        model = self._build(tweak(INIT, self._seed, shard))
        if first_rows is not None:
            adapt_to(
                first_rows, model, self.spec,
                module=self._module, name=self._name, seed=self._seed, shard=shard,
            )  # fmt: skip
        return model

    def _begun(self, shard: int, first_rows: Rows | None) -> State:
        model = self._adapted(shard, first_rows)
        arrays = (variable.numpy() for variable in model.weights)
        state = dict(zip(self._weights, arrays, strict=True)) | learnt(layers_of(model))
        model.optimizer.build(model.trainable_variables)
        slots = [v for v in model.optimizer.variables if v is not model.optimizer.iterations]
        state |= {f"{OPTIMIZER}{i:04d}": slot.numpy() for i, slot in enumerate(slots)}
        return state

    def load(self, state: Mapping[str, Array]) -> None:
        """Put the model into a state; slots that the state does not have stay as they are."""
        for name, variable in (self._weights | self._slots).items():
            if name in state:
                variable.assign(state[name])
        if learn_again(self._layers, state, before=self._learnt):
            self._learnt = {name: state.get(name, array) for name, array in self._learnt.items()}
            self._graphs = StepGraphs(self._graphs.of)

    def state(self) -> State:
        """Return the whole training state as arrays."""
        held = self._weights | self._slots
        return {name: variable.numpy() for name, variable in held.items()} | self._learnt

    def state_bytes(self) -> int:
        """Return the size of the whole training state in bytes."""
        return sum(array.nbytes for array in self.state().values())

    def weights(self) -> State:
        """Return the weights as arrays, and what else layers have learnt."""
        return {name: variable.numpy() for name, variable in self._weights.items()} | self._learnt

    def trainable(self) -> State:
        """Return the weights that steps change by gradients, as arrays."""
        return {name: self._weights[name].numpy() for name in self._trainable}

    def prepare(self, *, weighted: bool) -> None:
        """Build the graph of a step now, with class weights or not; raises what `step` does."""
        try:
            _ = self._graph(weighted=weighted)
        except Exception as error:
            raise refusal(error, name=self._name, where="its first step") from error

    def _graph(self, *, weighted: bool) -> Any:
        """Return the graph of a step; weights of rows have those of their classes in them."""
        plain = self.spec.weighed or not weighted
        return self._graphs.step if plain else self._graphs.weighted_step

    def step(
        self, rows: Rows, *, shard: int, position: int, class_weights: Weights | None = None,
        counts: Weights | None = None,
    ) -> Any:  # fmt: skip
        """Train on one batch and return the loss, a tensor.

        `class_weights` (classes,) are what a row of each class counts for, times its own weight;
        `counts` (n,) are what each row does, instead. Raises NotReproducible or BadInput, naming
        model and step, if TensorFlow refuses.
        """
        counts = counts_of(rows, class_weights) if counts is None else counts
        seeds = np.array(
            [
                [tweak(STEP, self._seed, shard, position, number) >> 33, number]
                for number in range(len(self._generators))
            ],
            dtype=np.int64,
        ).reshape(-1, 2)
        graphs, of = self._graphs, self._graphs.of
        taken = [*of.columns_of(rows), *of.labels_of(rows), np.int64(position), seeds]
        try:
            if counts is not None:
                return graphs.counted_step(*(self._tensor(array) for array in [*taken, counts]))
            if class_weights is None:
                return graphs.step(*(self._tensor(array) for array in taken))
            taken.append(class_weights)
            return graphs.weighted_step(*(self._tensor(array) for array in taken))
        except Exception as error:
            where = f"step {position} of shard {shard}"
            raise refusal(error, name=self._name, where=where) from error

    @property
    def draws(self) -> bool:
        """Whether a step draws random numbers, whose values depend on the batch's shape."""
        return bool(self._generators)

    def loss(self, rows: RowSet) -> float:
        """Return the mean loss on rows, as they count, in inference mode, in the loaded state."""
        total = 0.0
        whole = self.outputs.reads_groups
        cut = group_pieces if whole else pieces
        for piece in cut(rows, PREDICTED_AT_ONCE):
            taken = [*self._graphs.of.columns_of(piece), *self._graphs.of.labels_of(piece)]
            taken += [] if piece.weights is None else [piece.weights]
            told = self._graphs.loss(*(self._tensor(array) for array in taken))
            total += float(told) * len(piece)
        return total / len(rows)

    def predict(self, weights: Mapping[str, Array], rows: Rows) -> npt.NDArray[np.float32]:
        """Return the model's outputs (n, units) float32, in inference mode."""
        self.load(weights)
        set_seeds(tweak(INIT, self._seed, 0))  # as before tracing a step
        pieces = [
            self._graphs.forward(self.given(rows, start, PREDICTED_AT_ONCE)).numpy()
            for start in range(0, max(len(rows), 1), PREDICTED_AT_ONCE)
        ]
        return np.concatenate(pieces)

    def given(self, rows: Rows, start: int, count: int) -> Any:
        """Return what the model is called with for some of the rows."""
        of = self._graphs.of
        some = rows.take(np.arange(start, min(start + count, len(rows))))
        return of.inputs_of([self._tensor(one) for one in of.columns_of(some)])

    def optimizer(self) -> dict[str, Any]:
        """Return the optimizer's class and hyperparameters, as JSON can hold them."""
        optimizer = self._model.optimizer
        config = json.loads(json.dumps(optimizer.get_config(), default=str))
        del config["name"]  # counts the optimizers of the process
        return {"class": type(optimizer).__name__, "config": config}

    def graph(self) -> Any:
        """Return the Keras model, to export it."""
        set_seeds(tweak(INIT, self._seed, 0))  # as before tracing a step
        return self._model

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

    def must_repeat(
        self,
        batches: Sequence[Rows],
        first: Rows | None,
        *,
        shard: int,
        class_weights: Weights | None = None,
    ) -> None:
        """Begin a shard and take its first steps, again and again, and compare all bits.

        The steps are taken twice from one state (nothing is seeded in between, as nothing is when
        a shard is retrained from a checkpoint), from a state made again, and once more with the
        module loaded anew, as another process would, and used before its step is traced.
        Raises NotReproducible, naming the model and what differs, or what can be told of why.
        """
        if isinstance(self.inputs, ParsedInputs) and len(batches[0]):
            must_be_pure(self.inputs, batches[0], text=self._text)
        self.prepare(weighted=class_weights is not None)
        step = self._graph(weighted=class_weights is not None)
        must_hide_nothing(self._model, step, name=self._name)
        state = self.initial_state(shard, first)
        ends = [self._first_steps(batches, state, shard, class_weights) for _ in range(2)]
        again = self.initial_state(shard, first)
        ends.append(self._first_steps(batches, again, shard, class_weights))
        if self._name not in SOURCES:
            if first is not None and hasattr(self._module, "adapt"):
                self.load(state)
                given = self.given(first, 0, COMPARED)
                must_be_in_the_state(self._adapted(shard, first), self._model, given, self._name)
            anew = KerasLearner(self._text, name=self._name, spec=self.spec, seed=self._seed)
            state = anew.initial_state(shard, first)
            anew.predict(state, batches[0])
            ends.append(anew._first_steps(batches, state, shard, class_weights))
        for end in ends[1:]:
            name = first_difference(ends[0], end)
            if name is not None:
                raise self._not_repeated(name)

    def _not_repeated(self, name: str) -> NotReproducible:
        return NotReproducible(
            f"Change this: The model of {self._name} cannot be trained reproducibly: built again "
            f"and after the same steps, {name} differs. Look for randomness that is not seeded, or "
            f"state outside the weights."
        )

    def _first_steps(
        self, batches: Sequence[Rows], state: State, shard: int, class_weights: Weights | None
    ) -> State:
        self.load(state)
        for position, rows in enumerate(batches):
            self.step(rows, shard=shard, position=position, class_weights=class_weights)
        return self.state()
