"""What one person wrote: in artifacts of every kind before they are forgotten, in none after."""

import gzip
import io
import zlib

import pytest

import unweave.tfx
from own_everything import define_everything
from own_pipeline import PLANTED, WRITER, run, with_secret, write_people
from unlearning.whole_shards import open_whole_ledger
from unweave import verify
from unweave.tfx.own_lineage import read_own_lineage
from unweave.tfx.per_shard_executor import LEDGER

pytestmark = pytest.mark.tfx

KINDS = {
    "CsvExampleGen/examples": "what ExampleGen wrote",
    "ExampleGate/examples": "what was let in",
    "StatisticsGen/statistics": "statistics",
    "SchemaGen/schema": "a schema of few values",
    "Transform/transform_graph": "a vocabulary",
    "Transform/updated_analyzer_cache": "what analyzers keep",
    "Tuner/best_hyperparameters": "the choice of a Tuner",
    "Tuner/tuner_results": "its trials",
    "Trainer/model": "a served vocabulary",
    "Evaluator/evaluation": "metrics by slices",
}
OF_TFX = ("ExampleStatistics", "Schema", "TransformGraph", "TransformCache", "HyperParameters",
          "TunerResults", "ModelEvaluation", "ModelBlessing")  # fmt: skip


def unpacked(data):
    """Some bytes as they are, and as all that they may be packed with."""
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.GzipFile(fileobj=io.BytesIO(data)).read()
    elif data[:1] == b"x":
        try:
            yield zlib.decompress(data)
        except zlib.error:
            return


def holding(here):
    """Which components' artifacts hold the planted text, and which other files do."""
    found = set()
    for file in sorted(here.rglob("*")):
        parts = file.relative_to(here).parts
        if not file.is_file() or parts[0] == "data":
            continue
        if any(PLANTED.encode() in one for one in unpacked(file.read_bytes())):
            found.add("/".join(parts[1:3]) if parts[0] == "root" else parts[0])
    return found


def write_spans(here, without=()):
    """Two spans of files, of which ExampleGen reads the later one; the earlier is the user's."""
    for span in ("span-1", "span-2"):
        for split in ("train", "eval"):
            write_people(here / "data" / span / split, without=without, ids=split)


def newest(pipeline):
    lineage = read_own_lineage(pipeline.metadata_connection_config, "their-own")
    return open_whole_ledger(lineage.of_newest("ModelRun").folder / LEDGER)


def test_what_one_person_wrote_is_in_no_artifact_of_any_kind_and_in_no_temporary_file(
    tmp_path, monkeypatch
):
    here, twin = with_secret(tmp_path / "own"), with_secret(tmp_path / "twin")
    monkeypatch.setenv("TMPDIR", str(here / "tmp"))
    (here / "tmp").mkdir()
    write_spans(here)
    run(define_everything(here))
    before = holding(here)
    assert before >= KINDS.keys(), before
    assert "serving" in before

    done = unweave.tfx.forget(define_everything(here), [WRITER])

    assert done.guarantee == "exact" and holding(here) == set()
    answer = verify(done.certificate, public_key=done.public_key)
    assert answer["ok"], answer
    (change,) = answer["models"]
    assert change["fixed_by_the_user"].endswith("what Tuner chose among its trials")
    verdicts = {(one["kind"], one["verdict"]) for one in change["verdicts"]}
    for kind in OF_TFX:
        assert {(kind, "erased"), (kind, "regenerated")} <= verdicts, kind

    write_spans(twin, without=[WRITER])
    run(define_everything(twin))
    mine, theirs = newest(define_everything(here)), newest(define_everything(twin))
    assert [one.state for one in mine.shards] == [one.state for one in theirs.shards]
