"""A module's `build_model` in anybody's own pipeline: what a Trainer is given to train it.

    Trainer(**unweave.tfx.trains_build_model("model.py", label="late", classes=["no", "yes"]),
            examples=..., schema=..., train_args=..., eval_args=...)

The module is one that `unweave train` takes (docs/your-keras.md). The Trainer's Examples and schema
are TFX's own: a feature of numbers is a column of numbers, one of bytes a column of texts, and each
has one value at most. Each shard is trained by `run_fn` as `unweave train` trains a shard of one
slice, and batches are drawn by what a row holds, which places its row in every run alike. The model
is served as others are: tf.Examples in, `probabilities` or `values` out.

What is left of a shard is its model, as of any `run_fn`: no ledger of steps.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from lineage_store.canonical import digest_json
from lineage_store.cells import CellLayout
from lineage_store.data import Column, Label, Schema
from lineage_store.errors import BadInput
from lineage_store.examples import features_in, id_in, read_records
from lineage_store.ledger import TrainOptions
from lineage_store.placement import U64
from lineage_store.rows import Rows, RowStore, write_rows
from lineage_store.texts import Kind
from unlearning.encoding import RowEncoding, TypedRows
from unlearning.families import ModelSource, family_of
from unlearning.fingerprint import code_digest
from unlearning.fingerprint.environment import environment
from unlearning.fitting.fit import fit
from unlearning.training import TrainConfig

RUN_FN = "unweave.tfx.build_model_run.run_fn"
MODULE = "user module"
PIECE = 4096
Type = Literal["INT", "FLOAT", "BYTES"]
KINDS: Mapping[Type, Kind] = {"INT": "number", "FLOAT": "number", "BYTES": "text"}
DTYPES: Mapping[Type, str] = {"INT": "int64", "FLOAT": "float32", "BYTES": "string"}


def trains_build_model(
    module: Path | str,
    *,
    label: str,
    classes: Sequence[str] = (),
    epochs: int = 10,
    batch_size: int = 64,
    seed: int = 0,
) -> dict[str, Any]:
    """Return what a Trainer takes so that it trains a module's `build_model` once a shard.

    `label` is the feature to be told: one of `classes`, or without them a number. Raises BadInput
    for a module that cannot be read, and for options that do not fit.
    """
    from unweave.tfx.per_shard_executor import per_shard

    options = TrainOptions(shards=1, slices=1, epochs=epochs, batch_size=batch_size, seed=seed)
    options.validate()
    source = family_of(options.model_family).source(Path(module))
    made_by = {"code": code_digest(), "environment": dict(environment(source.text))}
    return {
        "run_fn": RUN_FN,
        "custom_executor_spec": per_shard(),
        "custom_config": {
            "source": source.text,
            "label": label,
            "classes": sorted(classes),
            "options": options.to_json(),
            "made_by": digest_json(made_by),
        },
    }


def run_fn(fn_args: Any) -> None:
    """Train the module of the Trainer's `custom_config` on one shard; TFX calls it so."""
    asked = fn_args.custom_config
    told = Path(fn_args.schema_path)
    schema = table_of(told, label=asked["label"], classes=asked["classes"])
    options = TrainOptions.from_json(asked["options"])
    source = ModelSource(MODULE, asked["source"])
    family = family_of(options.model_family)
    family.pin()
    with TemporaryDirectory() as scratch:
        store = rows_in(
            Path(scratch) / "rows",
            schema,
            train=_files(fn_args.train_files),
            evaluation=_files(fn_args.eval_files),
            encoding=family.encoding(schema, source),
            options=options,
        )
        served = Path(scratch) / "served" / "model"
        fit(
            TrainConfig(options=options, module=MODULE, key_id=""),
            model="shard",
            text=source.text,
            store=store,
            folder=Path(scratch) / "ledger",
            serving=served,
        )
        _serve_examples(served, schema, types_in(told), into=fn_args.serving_model_dir)


def table_of(schema: Path, *, label: str, classes: Sequence[str] = ()) -> Schema:
    """Return the columns of Examples as TFX's schema (a text file) has them, in its order.

    Raises BadInput for a feature of another kind, and if the label is none of them.
    """
    kinds = {name: KINDS[one] for name, one in types_in(schema).items()}
    if label not in kinds:
        raise BadInput(f"The schema has no feature {label!r}; it has: {', '.join(kinds)}.")
    task: Any = "classification" if classes else "regression"
    kind: Kind = "text" if classes else kinds[label]
    if not classes and kind != "number":
        raise BadInput(f"The feature {label!r} holds texts: name its classes in `classes`.")
    columns = (Column(name, kind) for name, kind in kinds.items() if name != label)
    return Schema(tuple(columns), (Label(label, kind, task, tuple(classes)),))


def types_in(schema: Path) -> dict[str, Type]:
    """Return the types of the features of a schema; raises BadInput for one of no known type."""
    from google.protobuf.text_format import Parse
    from tensorflow_metadata.proto.v0 import schema_pb2

    read = Parse(schema.read_text(encoding="utf-8"), schema_pb2.Schema())
    found: dict[str, Type] = {}
    for feature in read.feature:
        name = schema_pb2.FeatureType.Name(feature.type)
        if name not in KINDS:
            raise BadInput(
                f"The feature {feature.name!r} holds neither numbers nor texts: leave it out of "
                f"the Examples."
            )
        found[feature.name] = name
    return found


def rows_in(
    folder: Path,
    schema: Schema,
    *,
    train: Sequence[Path],
    evaluation: Sequence[Path],
    encoding: RowEncoding,
    options: TrainOptions,
) -> RowStore:
    """Write the rows of files of Examples as a store of one shard and one slice.

    Raises BadInput for an Example that does not fit.
    """
    seen: Counter[bytes] = Counter()
    return write_rows(
        folder,
        train=_pieces(train, schema, encoding, seen),
        evaluation=_pieces(evaluation, schema, encoding, seen),
        layout=CellLayout(options.partition, 1),
        description={"data_digest": "", "rows": {}, "inference": schema.to_json()},
        fields=encoding.fields,
    )


def _pieces(
    files: Iterable[Path], schema: Schema, encoding: RowEncoding, seen: Counter[bytes]
) -> Iterator[tuple[Rows, U64]]:
    for file in files:
        records = list(read_records(file))
        for start in range(0, len(records), PIECE):
            some = records[start : start + PIECE]
            rows = [features_in(one, where=f"a record of {file.name}") for one in some]
            keys = b"".join(_key(one, seen) for one in some)
            typed = TypedRows(
                np.frombuffer(keys, np.uint8).reshape(-1, 16),
                {column.name: _values(column, rows) for column in schema.all},
            )
            yield encoding.encode(typed), np.zeros(len(some), np.uint64)


def _key(record: bytes, seen: Counter[bytes]) -> bytes:
    """Return a row's key: of what it holds, and of which of equal rows it is."""
    content = hashlib.sha256(record).digest()
    seen[content] += 1
    return hashlib.sha256(b"%d\x00" % seen[content] + content).digest()[:16]


def _values(column: Column, rows: Sequence[Mapping[str, bytes]]) -> Any:
    texts = [id_in(row.get(column.name), name=column.name, where="an Example") for row in rows]
    if column.kept == "text":
        return np.array(texts, dtype=object)
    return np.array([float(text) if text else np.nan for text in texts], np.float32)


def _files(patterns: Iterable[str]) -> list[Path]:
    """Return the files that TFX names by patterns."""
    found = (sorted(Path(one).parent.glob(Path(one).name)) for one in patterns)
    return [file for some in found for file in some]


def _serve_examples(served: Path, schema: Schema, types: Mapping[str, Type], *, into: str) -> None:
    """Write the model as TFX serves one: tf.Examples of the schema's own types to its numbers."""
    import tensorflow as tf

    model = tf.saved_model.load(str(served))
    columns = model.signatures["columns"]
    numbers_of, texts_of = schema.names("number"), schema.names("text")
    features = {name: tf.io.RaggedFeature(DTYPES[types[name]]) for name in (*numbers_of, *texts_of)}

    def first(values: Any, missing: Any) -> Any:
        return values.to_tensor(missing, shape=[None, 1])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: Any) -> dict[str, Any]:
        parsed = tf.io.parse_example(examples, features)
        rows = tf.shape(examples)[0]
        numbers = [first(tf.cast(parsed[name], tf.float32), float("nan")) for name in numbers_of]
        strings = [first(parsed[name], "") for name in texts_of]
        told = columns(
            numbers=tf.concat([tf.zeros([rows, 0], tf.float32), *numbers], axis=1),
            strings=tf.concat([tf.zeros([rows, 0], tf.string), *strings], axis=1),
        )
        return {name: told[name] for name in ("probabilities", "values") if name in told}

    tf.saved_model.save(model, into, signatures={"serving_default": serve})
