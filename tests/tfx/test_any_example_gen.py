"""Examples of any ExampleGen come through the gate: CSV, Import and Parquet, splits as given."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.components.example_gen.csv_example_gen.component import CsvExampleGen
from tfx.components.example_gen.custom_executors import parquet_executor
from tfx.components.example_gen.import_example_gen.component import ImportExampleGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.example_gen_pb2 import Input, Output, SplitConfig

import unweave.tfx
from lineage_store.examples import features_in, read_gated_rows, read_records
from own_pipeline import run, with_secret
from tf_records import tfrecord
from unweave.tfx.own_lineage import read_own_lineage

pytestmark = pytest.mark.tfx

NAMES = ["person", "row", "x"]
ROWS = [[f"person-{n % 6}", f"row-{n}", n * 0.25] for n in range(60)]


def as_csv(folder):
    with (folder / "rows.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([NAMES, *ROWS])
    return CsvExampleGen


def as_tfrecord(folder):
    examples = [{name: [value] for name, value in zip(NAMES, row, strict=True)} for row in ROWS]
    (folder / "rows.tfrecord").write_bytes(tfrecord(examples))
    return ImportExampleGen


def as_parquet(folder):
    columns = dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))
    columns["x"] = pa.array(columns["x"], pa.float32())
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    return Parquet


class Parquet(FileBasedExampleGen):
    """As TFX's guide has it."""

    EXECUTOR_SPEC = BeamExecutorSpec(parquet_executor.Executor)


@pytest.mark.parametrize("write", [as_csv, as_tfrecord, as_parquet])
def test_what_it_wrote_comes_through_with_its_splits_and_values(tmp_path, write):
    here = with_secret(tmp_path)
    (here / "data" / "span-3").mkdir(parents=True)
    generator = write(here / "data" / "span-3")
    buckets = {"learn": 3, "eval": 1, "more": 1}
    three = [SplitConfig.Split(name=name, hash_buckets=some) for name, some in buckets.items()]
    example_gen = generator(
        input_base=str(here / "data"),
        input_config=Input(splits=[Input.Split(name="all", pattern="span-{SPAN}/*")]),
        output_config=Output(split_config=SplitConfig(splits=three)),
    )
    gate = unweave.tfx.ExampleGate(
        example_gen.outputs["examples"],
        workspace=str(here / "keys-and-manifest"),
        subject_feature="person",
        row_id_feature="row",
        shards=2,
        trained=["learn"],
    )
    config = sqlite_metadata_connection_config(str(here / "metadata" / "theirs.db"))
    run(Pipeline("any", str(here / "root"), config, [example_gen, gate]))

    lineage = read_own_lineage(config, "any")
    gated = lineage.artifacts[lineage.gated]
    assert {cell.partition("_")[0] for cell in gated.splits} == {"learn", "eval", "more"}
    values, keys = [], set()
    for cell in gated.splits:
        rows = read_gated_rows(gated.folder, cell)
        (file,) = (gated.folder / f"Split-{cell}").iterdir()
        records = [features_in(one, where="here") for one in read_records(file)]
        assert len(rows) == len(records) and all(one.keys() == {"x"} for one in records)
        values += [one["x"][-4:] for one in records]
        keys |= {row.key for row in rows}
    assert len(values) == len(set(values)) == len(keys) == 60
