"""TFX's own taxi template and penguin example, as the installed package has them, and our diffs."""

import csv
import random
import sys
from types import ModuleType

import pytest
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs

import unweave.tfx
from lineage_store.examples import read_gated_rows, split_of_cell, stand_in
from lineage_store.workspace.folder import open_workspace, writing
from own_diffs import OF_TFX, TFX, applied
from own_pipeline import run
from unlearning.serving import canonical_digest
from unlearning.whole_shards import open_whole_ledger
from unweave import verify
from unweave.tfx.own_lineage import read_own_lineage
from unweave.tfx.per_shard_executor import LEDGER

pytestmark = pytest.mark.tfx

TRIPS = TFX / "examples/chicago_taxi_pipeline/data/simple/data.csv"
EVERY = 10


def module_of(name):
    """TFX's own pipeline file with the diff of the page, in two shards instead of five."""
    made = ModuleType(f"own_{name}")
    text = applied(name).replace("slices=2)", "slices=2, shards=2)")
    sys.modules[made.__name__] = made  # where TFX looks for a function's component
    exec(compile(text, str(OF_TFX[name]), "exec"), vars(made))
    return made


def taxi(here):
    models = "tfx.experimental.templates.taxi.models"
    return module_of("taxi").create_pipeline(
        pipeline_name="taxi",
        pipeline_root=str(here / "root"),
        data_path=str(here / "data"),
        preprocessing_fn=f"{models}.preprocessing.preprocessing_fn",
        run_fn=f"{models}.keras_model.model.run_fn",
        train_args=TrainArgs(num_steps=20),
        eval_args=EvalArgs(num_steps=2),
        eval_accuracy_threshold=0.0,
        serving_model_dir=str(here / "serving"),
        metadata_connection_config=sqlite_metadata_connection_config(
            str(here / "metadata" / "taxi.db")
        ),
    )


def write_trips(here, without=()):
    (here / "data").mkdir(parents=True)
    with TRIPS.open(newline="") as stream:
        head, *rows = csv.reader(stream)
    company = head.index("company")
    with (here / "data" / "trips.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [head, *(r for r in rows[::EVERY] if r[company] not in without)]
        )
    return [row[company] for row in rows[::EVERY]]


def penguin(here):
    return module_of("penguin").create_pipeline(
        pipeline_name="penguin",
        pipeline_root=str(here / "root"),
        data_root=str(here / "data"),
        module_file=str(TFX / "examples/penguin/penguin_utils_keras.py"),
        accuracy_threshold=0.0,
        serving_model_dir=str(here / "serving"),
        metadata_path=str(here / "metadata" / "penguin.db"),
        user_provided_schema_path=None,
        enable_tuning=False,
        enable_bulk_inferrer=False,
        enable_example_diff=False,
        examplegen_input_config=None,
        examplegen_range_config_date=None,
        resolver_range_config=None,
        beam_pipeline_args=[],
        enable_transform_input_cache=False,
    )


def write_penguins(here, without=()):
    """Penguins of three species that we made up, in the example's five columns, with a keeper."""
    draw, keepers = random.Random(3), []
    (here / "data" / "labelled").mkdir(parents=True)
    with (here / "data" / "labelled" / "penguins.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g",
                       "species", "keeper"])  # fmt: skip
        for number in range(300):
            kind, keeper = number % 3, f"keeper-{number % 20:02d}"
            sizes = ((40 + 5 * kind, 2), (18 - kind, 1), (190 + 10 * kind, 4))
            row = [f"{draw.gauss(*one):.2f}" for one in (*sizes, (3700 + 400 * kind, 200))]
            keepers.append(keeper)
            if keeper not in without:
                rows.writerow([*row, kind, keeper])
    return keepers


def prepared(here, write, without=()):
    """A folder with the data, and a workspace with the secret that twins share."""
    here.mkdir()
    (here / "metadata").mkdir()
    (here / "secret").write_bytes(bytes(range(32)))
    (here / "secret").chmod(0o600)
    with writing(here / "root.keys", key_file=here / "secret", create=True):
        return write(here, without)


def newest(pipeline):
    """The newest run's lineage and its ledger."""
    lineage = read_own_lineage(
        pipeline.metadata_connection_config, pipeline.pipeline_info.pipeline_name
    )
    return lineage, open_whole_ledger(lineage.of_newest("ModelRun").folder / LEDGER)


def served(here, define):
    """What the newest run pushed."""
    return newest(define(here))[0].of_newest("PushedModel").pushed


def people_by_cell(lineage, names, here):
    """Who has training rows in which cell: {cell: people}."""
    keys = open_workspace(here / "root.keys").keys()
    known = {stand_in(keys, name).hex(): name for name in names if name}
    gated = lineage.artifacts[lineage.gated]
    found = {}
    for cell in gated.splits:
        for row in read_gated_rows(gated.folder, cell):
            if row.subject and cell.startswith("train"):
                found.setdefault(cell, {}).setdefault(known[row.subject], 0)
                found[cell][known[row.subject]] += 1
    return found


@pytest.mark.parametrize("define, write", [(penguin, write_penguins), (taxi, write_trips)],
                         ids=["penguin", "taxi"])  # fmt: skip
def test_tfx_s_own_example_forgets_to_the_bits_of_its_twin(tmp_path, define, write):
    here, twin = tmp_path / "own", tmp_path / "twin"
    names = prepared(here, write)
    run(define(here))
    lineage, first = newest(define(here))
    assert first.repeatable, first.differs
    cells = people_by_cell(lineage, names, here)
    late = sorted(cell for cell in cells if cell.endswith("_r1"))[0]
    early = sorted(cell for cell in cells if cell.endswith("_r0"))[0]
    nowhere_first, in_first = (max(cells[one], key=cells[one].get) for one in (late, early))

    # A person of a later slice: Transform's analyzers see nothing of it, one shard is trained.
    done = unweave.tfx.forget(define(here), [nowhere_first])
    assert done.guarantee == "exact"
    shard = str(split_of_cell(late)[1])
    assert set(done.changed) == {shard} and set(done.changed[shard]) <= {"train", "eval"}
    assert {one: verb for one, verb in done.shards.items() if verb != "kept"} == {
        shard: "retrained"
    }
    answer = verify(done.certificate, public_key=done.public_key)
    assert answer["ok"], answer
    kinds = {one["kind"] for one in answer["models"][0]["verdicts"]}
    assert {"TransformGraph", "TransformCache", "ModelEvaluation", "ModelBlessing"} <= kinds

    # One of a first slice moves means or quantiles: every shard is trained again.
    # (A word of its rows may be one that TensorFlow writes, too, as "unknown" is.)
    done = unweave.tfx.forget(define(here), [in_first], accept_left_out=True)
    assert done.guarantee == "exact" and set(done.shards.values()) == {"retrained"}

    prepared(twin, write, [nowhere_first, in_first])
    run(define(twin))
    _, after = newest(define(here))
    _, never = newest(define(twin))
    assert [one.state for one in after.shards] == [one.state for one in never.shards]
    assert canonical_digest(served(here, define)) == canonical_digest(served(twin, define))
