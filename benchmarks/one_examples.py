"""Turn a gated snapshot into tf.Examples here: `python -m benchmarks.one_examples SNAPSHOT HOW`.

HOW is `own`, as GatedExampleGen and GatedStatisticsGen do, or `tfx`, as CsvExampleGen and
StatisticsGen do. Prints JSON: the Examples of the training split, and the processor seconds that
they and their statistics took.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from lineage_store.cells import load_snapshot
from lineage_store.data import TRAIN
from unlearning.encoding import gated_statistics, write_examples


def by_tfx(folder: Path, out: Path) -> None:
    """Write the Examples with the executor's own transform, and as it writes them."""
    import apache_beam as beam
    from tfx.components.example_gen.csv_example_gen.executor import _CsvToExample

    with beam.Pipeline() as pipeline:
        (
            pipeline
            | _CsvToExample({"input_base": str(folder)}, f"{TRAIN}/*.csv")
            | beam.Map(lambda example: example.SerializeToString(deterministic=True))
            | beam.Reshuffle()
            | beam.io.WriteToTFRecord(str(out / "data_tfrecord"), file_name_suffix=".gz")
        )


def main() -> None:
    """Write, and print what it took."""
    folder, how = Path(sys.argv[1]), sys.argv[2]
    snapshot = load_snapshot(folder)
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as name:
        out = Path(name)
        began = time.process_time()
        if how == "tfx":
            by_tfx(folder, out)
        else:
            write_examples(snapshot, TRAIN, out / "data_tfrecord.gz")
        seconds = time.process_time() - began
        files = sorted(out.glob("*.gz"))
        names = list(map(str, files))
        count = sum(1 for _ in tf.data.TFRecordDataset(names, compression_type="GZIP"))
        began = time.process_time()
        if how == "tfx":
            import tensorflow_data_validation as tfdv

            columns = [one.name for one in snapshot.schema.all]
            options = tfdv.StatsOptions(feature_allowlist=columns)
            tfdv.generate_statistics_from_tfrecord(str(out / "*.gz"), stats_options=options)
        else:
            gated_statistics(snapshot, TRAIN)
        counting = time.process_time() - began
    print(json.dumps({"examples": count, "written": seconds, "counted": counting}))


if __name__ == "__main__":
    main()
