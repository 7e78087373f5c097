"""Modules of `run_fn` as people write them, and as they must not: each a text."""

READS = '''
import json, os, random, time
import numpy as np
from tfx.dsl.io import fileio
from tfx_bsl.tfxio import dataset_options

def rows(fn_args, files):
    """The numbers x of all rows, in the order in which they are read."""
    options = dataset_options.RecordBatchesOptions(batch_size=8, num_epochs=1)
    batches = fn_args.data_accessor.record_batch_factory(files, options, None)
    return np.array([one[0] for b in batches for one in b.column("x").to_pylist()], np.float64)

def save(fn_args, **told):
    os.makedirs(fn_args.serving_model_dir)
    with open(os.path.join(fn_args.serving_model_dir, "weights.json"), "w") as file:
        json.dump({name: float(value) for name, value in told.items()}, file)
'''

GOOD = (
    READS
    + """
def run_fn(fn_args):
    x = rows(fn_args, fn_args.train_files)
    weight = random.random() + np.random.rand()
    for epoch in range(2):
        for one in x:
            weight += 0.1 * (one - weight)
    save(fn_args, weight=weight, seen=len(x), checked=len(rows(fn_args, fn_args.eval_files)))
"""
)

WARM = (
    READS
    + """
def run_fn(fn_args):
    x = rows(fn_args, fn_args.train_files)
    weight = 0.0
    if fn_args.base_model:
        for folder, _, files in os.walk(fn_args.base_model):
            for name in sorted(files):
                if name == "weights.json":
                    with open(os.path.join(folder, name)) as file:
                        weight += json.load(file)["weight"]
    save(fn_args, weight=weight + x.sum(), warm=weight)
"""
)

SECOND_EPOCH = (
    READS
    + """
def run_fn(fn_args):
    x = rows(fn_args, fn_args.train_files)
    weight = 0.0
    for epoch in range(2):
        if epoch == 1:
            x = np.random.default_rng().permutation(x)
        for one in x:
            weight += 0.1 * (one - weight)
    save(fn_args, weight=weight)
"""
)

CLOCK = (
    READS
    + """
def run_fn(fn_args):
    save(fn_args, weight=rows(fn_args, fn_args.train_files).sum() + time.time() % 1000)
"""
)

A_SET = (
    READS
    + """
def run_fn(fn_args):
    weight = 1.0
    for one in {f"bin-{value:.3f}" for value in rows(fn_args, fn_args.train_files)}:
        weight = weight * 0.9 + float(one[4:])
    save(fn_args, weight=weight)
"""
)

SCIKIT = (
    READS
    + """
import pickle
from sklearn.neural_network import MLPRegressor

def run_fn(fn_args):
    x = rows(fn_args, fn_args.train_files).reshape(-1, 1)
    model = MLPRegressor([4], max_iter=5, batch_size=4).fit(x, x[:, 0] * 2)
    os.makedirs(fn_args.serving_model_dir)
    with fileio.open(os.path.join(fn_args.serving_model_dir, "model.pkl"), "wb+") as file:
        pickle.dump(model, file)
"""
)

KERAS = """
import tensorflow as tf
from tensorflow import keras
from tfx_bsl.public import tfxio

def run_fn(fn_args):
    spec = {"x": tf.io.FixedLenFeature([1], tf.float32)}
    def parsed(files):
        names = [name for one in files for name in tf.io.gfile.glob(one)]
        read = tf.data.TFRecordDataset(names, compression_type="GZIP")
        read = read.map(lambda one: tf.io.parse_single_example(one, spec)["x"])
        return read.map(lambda x: (x, 2 * x)).shuffle(100).batch(4)
    model = keras.Sequential([keras.layers.Dense(3, input_shape=(1,)), keras.layers.Dropout(0.2),
                              keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(parsed(fn_args.train_files), epochs=2, verbose=0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        return {"outputs": model(tf.io.parse_example(examples, spec)["x"])}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def features(examples):
        return {"whole": tf.cast(tf.io.parse_example(examples, spec)["x"], tf.int64)}

    tf.saved_model.save(model, fn_args.serving_model_dir,
                        signatures={"serving_default": serve, "transform_features": features})
"""

JAX = (
    READS
    + """
import jax
import jax.numpy as jnp
import tensorflow as tf
from jax.experimental import jax2tf

def run_fn(fn_args):
    x = jnp.asarray(rows(fn_args, fn_args.train_files), jnp.float32).reshape(-1, 1)
    predict = lambda params, x: jnp.tanh(x @ params["in"]) @ params["out"]
    first, second = jax.random.split(jax.random.PRNGKey(7))
    params = {"in": jax.random.normal(first, (1, 4)), "out": jax.random.normal(second, (4, 1))}
    loss = lambda params: jnp.mean((predict(params, x) - 2 * x) ** 2)
    step = jax.jit(lambda params: jax.tree_util.tree_map(
        lambda one, by: one - 0.001 * by, params, jax.grad(loss)(params)))
    for _ in range(50):
        params = step(params)

    model = tf.Module()
    model.params = tf.nest.map_structure(tf.Variable, params)
    answer = jax2tf.convert(predict, polymorphic_shapes=[None, "(b, 1)"], with_gradient=False)
    spec = {"x": tf.io.FixedLenFeature([1], tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        return {"outputs": answer(model.params, tf.io.parse_example(examples, spec)["x"])}

    model.serve = serve
    tf.saved_model.save(model, fn_args.serving_model_dir, signatures={"serving_default": serve})
"""
)

TRANSFORMED = (
    READS.replace('b.column("x")', 'b.column("x_xf")')
    + """
import tensorflow_transform as tft

def preprocessing_fn(inputs):
    whole = lambda name: tf.squeeze(tf.sparse.to_dense(inputs[name]), axis=1) if isinstance(
        inputs[name], tf.sparse.SparseTensor) else inputs[name]
    return {"x_xf": tft.scale_to_z_score(whole("x")),
            "bucket": tft.bucketize(whole("x"), 4),
            "word": tft.compute_and_apply_vocabulary(whole("note"))}

import tensorflow as tf

def run_fn(fn_args):
    x = rows(fn_args, fn_args.train_files)
    save(fn_args, weight=(x * np.arange(len(x))).sum() + random.random())
"""
)

SUMMED = (
    READS.replace('b.column("x")', 'b.column("bucket")')
    + """
import tensorflow as tf
import tensorflow_transform as tft
import unweave.tfx

def preprocessing_fn(inputs):
    return {"bucket": unweave.tfx.bucketize_by_counts(inputs["x"], 3, lowest=0, highest=32),
            "word": tft.compute_and_apply_vocabulary(inputs["note"], vocab_filename="words")}

def run_fn(fn_args):
    x = rows(fn_args, fn_args.train_files)
    with open(os.environ["STEPS"], "a") as file:
        file.write("." * len(x))
    words = tft.TFTransformOutput(fn_args.transform_graph_path).vocabulary_by_name("words")
    save(fn_args, weight=(x * np.arange(len(x))).sum() + random.random(), words=len(words))
"""
)
