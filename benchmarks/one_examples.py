"""Turn a gated snapshot into tf.Examples here: `python -m benchmarks.one_examples SNAPSHOT HOW`.

HOW is `own`, as GatedExampleGen does, or `tfx`, as CsvExampleGen does. Prints JSON: the processor
seconds and the Examples of the training split.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

from lineage_store.data import TRAIN, load_snapshot
from unlearning.encoding import write_examples


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
        files = [str(file) for file in out.glob("*.gz")]
        count = sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))
    print(json.dumps({"seconds": seconds, "examples": count}))


if __name__ == "__main__":
    main()
