"""A user's pipeline with all that TFX has: spans, Transform, Tuner, Evaluator, resolver, Pusher."""

import tensorflow_model_analysis as tfma
from tfx.components.evaluator.component import Evaluator
from tfx.components.example_gen.csv_example_gen.component import CsvExampleGen
from tfx.components.pusher.component import Pusher
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.components.tuner.component import Tuner
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.example_gen_pb2 import Input
from tfx.proto.pusher_pb2 import PushDestination
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Model, ModelBlessing

import unweave.tfx

MODULE = '''
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow import keras
from tfx.components.tuner.component import TunerFnResult

def preprocessing_fn(inputs):
    return {"x_xf": tft.scale_to_z_score(inputs["x"]), "y": inputs["x"] * 2,
            "word": tft.compute_and_apply_vocabulary(inputs["note"], vocab_filename="words")}

class Pick(keras_tuner.engine.base_tuner.BaseTuner):
    """Chooses one of the words that rows have: so trials hold what rows say."""
    def run_trial(self, trial, words):
        return {"loss": float(len(trial.hyperparameters.get("word")))}

def tuner_fn(fn_args):
    words = tft.TFTransformOutput(fn_args.transform_graph_path).vocabulary_by_name("words")
    space = keras_tuner.HyperParameters()
    space.Choice("word", [one.decode() for one in words])
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective=keras_tuner.Objective("loss", "min"), max_trials=3, hyperparameters=space, seed=1)
    tuner = Pick(oracle=oracle, directory=fn_args.working_dir, project_name="pick")
    return TunerFnResult(tuner=tuner, fit_kwargs={"words": words})

def run_fn(fn_args):
    made = tft.TFTransformOutput(fn_args.transform_graph_path)
    word = fn_args.hyperparameters["values"]["word"]
    spec = made.transformed_feature_spec()
    def parsed(files):
        names = [name for one in files for name in tf.io.gfile.glob(one)]
        read = tf.data.TFRecordDataset(names, compression_type="GZIP")
        read = read.map(lambda one: tf.io.parse_single_example(one, spec))
        return read.map(lambda one: (one["x_xf"], one["y"])).batch(8)
    model = keras.Sequential([keras.layers.Dense(len(word) % 3 + 2, input_shape=(1,)),
                              keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(parsed(fn_args.train_files), epochs=1, verbose=0)
    model.transform = made.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        raw = tf.io.parse_example(examples, made.raw_feature_spec())
        return {"outputs": model(model.transform(raw)["x_xf"])}

    tf.saved_model.save(model, fn_args.serving_model_dir, signatures={"serving_default": serve})
'''


def define_everything(here, *, shards=2):
    """The definition, of the root and metadata of a folder; people's files lie in spans."""
    module = here / "everything.py"
    if not module.exists():
        module.write_text(MODULE)
    spans = Input(splits=[Input.Split(name=name, pattern=f"span-{{SPAN}}/{name}/*")
                          for name in ("train", "eval")])  # fmt: skip
    generated = CsvExampleGen(input_base=str(here / "data"), input_config=spans)
    gate = unweave.tfx.ExampleGate(
        generated.outputs["examples"], workspace=str(here / "keys-and-manifest"),
        subject_feature="person", row_id_feature="row", shards=shards, slices=2,
    )  # fmt: skip
    counted = StatisticsGen(examples=gate.outputs["examples"])
    inferred = SchemaGen(statistics=counted.outputs["statistics"])
    transformed = Transform(
        examples=gate.outputs["examples"],
        schema=inferred.outputs["schema"],
        module_file=str(module),
        splits_config=gate.splits_config("eval"),
    )
    rows = transformed.outputs["transformed_examples"]
    graph = transformed.outputs["transform_graph"]
    tuned = Tuner(
        module_file=str(module),
        examples=rows,
        transform_graph=graph,
        train_args=TrainArgs(splits=gate.splits("train"), num_steps=1),
        eval_args=EvalArgs(splits=gate.splits("eval"), num_steps=1),
    )
    trained = Trainer(
        module_file=str(module),
        examples=rows,
        transform_graph=graph,
        hyperparameters=tuned.outputs["best_hyperparameters"],
        train_args=TrainArgs(num_steps=1),
        eval_args=EvalArgs(num_steps=1),
        custom_executor_spec=unweave.tfx.per_shard(),
    )
    blessed = Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
    ).with_id("latest_blessed_model")
    evaluated = Evaluator(
        examples=gate.outputs["examples"],
        model=trained.outputs["model"],
        baseline_model=blessed.outputs["model"],
        example_splits=gate.splits("eval") + gate.splits("train"),
        eval_config=tfma.EvalConfig(
            model_specs=[tfma.ModelSpec(signature_name="serving_default", label_key="x")],
            slicing_specs=[tfma.SlicingSpec(), tfma.SlicingSpec(feature_keys=["note"])],
            metrics_specs=[tfma.MetricsSpec(metrics=[
                tfma.MetricConfig(
                    class_name="ExampleCount",
                    threshold=tfma.MetricThreshold(
                        value_threshold=tfma.GenericValueThreshold(lower_bound={"value": 0})
                    ),
                ),
                tfma.MetricConfig(class_name="CalibrationPlot",
                                  config='{"left": 0, "right": 100}'),
            ])],
        ),
    )  # fmt: skip
    pushed = Pusher(
        model=trained.outputs["model"],
        model_blessing=evaluated.outputs["blessing"],
        push_destination=PushDestination(
            filesystem=PushDestination.Filesystem(base_directory=str(here / "serving"))
        ),
    )
    return Pipeline(
        "their-own",
        str(here / "root"),
        sqlite_metadata_connection_config(str(here / "metadata" / "theirs.db")),
        [generated, gate, counted, inferred, transformed, tuned, trained, blessed, evaluated,
         pushed],
    )  # fmt: skip
