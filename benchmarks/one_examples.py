"""Turn a gated snapshot into tf.Examples here: `python -m benchmarks.one_examples SNAPSHOT HOW`.

HOW is `own`, as GatedExampleGen and GatedStatisticsGen do, or `tfx`, as CsvExampleGen and
StatisticsGen do. Prints JSON: the Examples of all splits, and the processor seconds that they and
their statistics took.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from lineage_store.cells import load_snapshot
from unlearning.encoding import write_examples, write_summaries


def by_tfx(folder: Path, split: str, out: Path) -> None:
    """Write the Examples with the executor's own transform, and as it writes them."""
    import apache_beam as beam
    from tfx.components.example_gen.csv_example_gen.executor import _CsvToExample

    with beam.Pipeline() as pipeline:
        (
            pipeline
            | _CsvToExample({"input_base": str(folder)}, f"{split}/*.csv")
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
            for split in snapshot.splits:
                by_tfx(folder, split, out / f"Split-{split}")
        else:
            write_examples(snapshot, out)
        seconds = time.process_time() - began
        names = [str(file) for file in sorted(out.rglob("*.gz"))]
        count = sum(1 for _ in tf.data.TFRecordDataset(names, compression_type="GZIP"))
        began = time.process_time()
        if how == "tfx":
            import tensorflow_data_validation as tfdv

            columns = [one.name for one in snapshot.schema.all]
            options = tfdv.StatsOptions(feature_allowlist=columns)
            for split in snapshot.splits:
                files = str(out / f"Split-{split}" / "*.gz")
                tfdv.generate_statistics_from_tfrecord(files, stats_options=options)
        else:
            write_summaries(snapshot, out / "statistics")
        counting = time.process_time() - began
    print(json.dumps({"examples": count, "written": seconds, "counted": counting}))


if __name__ == "__main__":
    main()
