"""Shards on several workers: the same bits as in one process, whoever dies on the way."""

import csv
import functools
import os
import random
import shutil
import threading
from pathlib import Path

import pytest

from fixtures.warm_python import WarmSys
from lineage_store.errors import BadInput, ShardsLost
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from pipelines.backends.direct import DirectBackend
from unlearning.families.family import Learner, ModelSource
from unlearning.families.known_families import family_of
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fitting import engines
from unlearning.fitting.engines import OnBeam, ThisProcess, engine_from, engine_of
from unlearning.fitting.shard_task import ShardTask, carry_out, made_with, ticket
from unlearning.fitting.worker import carry_out_apart
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import ModelSpec, built_in_text
from unlearning.strategies.shard_decision import ShardDecision
from unlearning.training.config import config_of, module_source
from unweave.api.project import Project

SHARDS = 6
PEOPLE = ["p7", "p11"]

MODULE = '''
import os
import signal

import keras

SIGN = os.environ["SIGNS"]


def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Dense(8, activation="relu")(numbers)
    hidden = keras.layers.Dropout(0.2)(hidden)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model({"numbers": numbers}, output)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss=spec.loss)
    return model


def adapt(model, numbers, missing, categories):
    """Leave a sign of the process; die, or fail, where a file says so and this is a worker."""
    with open(f"{SIGN}/{os.getpid()}", "a") as stream:
        stream.write("x")
    if os.environ["ASKING"] == str(os.getpid()):
        return
    if os.path.exists(f"{SIGN}/fail"):
        raise RuntimeError("this module has had enough")
    if os.path.exists(f"{SIGN}/die-always"):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.path.getsize(f"{SIGN}/{os.getpid()}") > 3:
        try:
            os.unlink(f"{SIGN}/die")
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """600 rows of 60 people, a module, and a secret, so that all workspaces place alike."""
    folder = tmp_path_factory.mktemp("table")
    draw = random.Random(5)
    with (folder / "rows.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["who", "a", "b", "label"])
        for number in range(600):
            a, b = draw.gauss(0, 1), draw.gauss(0, 1)
            writer.writerow([f"p{number % 60}", f"{a:.5f}", f"{b:.5f}", "yes" if a > b else "no"])
    (folder / "module.py").write_text(MODULE)
    (folder / "key").write_bytes(bytes(range(32)))
    (folder / "key").chmod(0o600)
    return folder


@pytest.fixture
def signs(tmp_path, monkeypatch):
    """Where the module leaves its signs and looks for orders; Beam and its workers are forks."""
    monkeypatch.setitem(vars(engines), "sys", WarmSys())
    folder = tmp_path / "signs"
    folder.mkdir()
    monkeypatch.setenv("SIGNS", str(folder))
    monkeypatch.setenv("ASKING", str(os.getpid()))
    return folder


def train(table: Path, workspace: Path, **how: object) -> tuple[Project, dict]:
    project = Project(workspace, backend=DirectBackend(), **how, reveal=True)
    answer = project.train(
        table / "rows.csv",
        label="label",
        subject="who",
        module=table / "module.py",
        shards=SHARDS,
        slices=2,
        epochs=3,
        batch_size=16,
        key_file=table / "key",
    )
    return project, answer


@pytest.fixture(scope="module")
def folder_of_one(tmp_path_factory):
    """Where one process trains; its module leaves its signs there, too."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "signs").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNS", str(folder / "signs"))
        patch.setenv("ASKING", str(os.getpid()))
        yield folder


@pytest.fixture(scope="module")
def by_one(table, folder_of_one):
    """What one process trains: never written to after this."""
    return train(table, folder_of_one / "workspace")


@pytest.fixture(scope="module")
def alone(by_one, folder_of_one):
    """The digests that one process gets: trained, and with people forgotten."""
    project, trained = by_one
    copy = shutil.copytree(project.root, folder_of_one / "copy")
    forgotten = Project(copy, backend=DirectBackend(), reveal=True).forget(PEOPLE)
    return trained["weights_digest"], forgotten["weights_digest_after"]


def workers_of(signs: Path) -> set[str]:
    """The processes that began a shard, but for this one."""
    return {file.name for file in signs.iterdir() if file.name.isdigit()} - {str(os.getpid())}


def leftovers(project: Project) -> list[Path]:
    return [p for p in project.root.rglob("*") if "beam" in p.name or "begun" in p.name]


def test_two_workers_give_the_sums_of_one_process(table, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(vars(engines), "sys", WarmSys())
    digests = []
    for name, how in (("one", {}), ("two", {"workers": 2})):
        project = Project(tmp_path / name, backend=DirectBackend(), reveal=True, **how)
        trained = project.train(
            table / "rows.csv", label="label", subject="who", model_family="naive-bayes",
            shards=SHARDS, key_file=table / "key",
        )  # fmt: skip
        forgotten = project.forget(PEOPLE)
        digests.append((trained["weights_digest"], forgotten["weights_digest_after"]))
        assert not leftovers(project)
    assert digests[0] == digests[1] and digests[0][0] != digests[0][1]


def test_two_workers_give_the_bits_of_one_process(table, tmp_path, signs, alone) -> None:
    project, trained = train(table, tmp_path / "workspace", workers=2)
    assert len(workers_of(signs)) == 2
    forgotten = project.forget(PEOPLE, replay=True)
    assert (trained["weights_digest"], forgotten["weights_digest_after"]) == alone
    assert forgotten["guarantee"] == "exact"
    assert not leftovers(project)


def test_a_worker_of_beams_own_that_dies_is_replaced(table, tmp_path, signs, by_one) -> None:
    (signs / "die").touch()
    project, trained = train(table, tmp_path / "workspace", workers=2)
    assert not (signs / "die").exists()
    assert len(workers_of(signs)) > 2
    assert trained["weights_digest"] == by_one[1]["weights_digest"]
    stages = [
        stage
        for shard in open_ledger(next(project.root.rglob("header.json")).parent).shards()
        for stage in shard.stages()
    ]
    assert len(stages) == SHARDS * 2
    assert not leftovers(project)


def test_workers_that_always_die_end_in_one_sentence_and_no_model(table, tmp_path, signs) -> None:
    (signs / "die-always").touch()
    with pytest.raises(ShardsLost, match="6 of 6 shards could not be trained in 3 attempts"):
        train(table, tmp_path / "workspace", workers=2)
    assert not (tmp_path / "workspace").exists()


def test_what_a_worker_refuses_is_refused_at_once(table, tmp_path, signs) -> None:
    (signs / "fail").touch()
    with pytest.raises(BadInput, match="adapt of user module fails: RuntimeError"):
        train(table, tmp_path / "workspace", workers=2)
    begun = sum((signs / name).stat().st_size for name in workers_of(signs))
    assert begun <= SHARDS  # nothing was tried again


@pytest.fixture
def dask_cluster(monkeypatch):
    """Return a function that starts a cluster of Dask."""
    dask, distributed = map(pytest.importorskip, ("dask", "distributed"))
    # Dask sets these in this process, too, where the tests that come later would find them.
    for name in dask.config.get("distributed.nanny.pre-spawn-environ"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    return functools.partial(distributed.LocalCluster, threads_per_worker=1, dashboard_address=None)


def on_dask(cluster) -> str:
    return f"--runner=DaskRunner --dask_client_address={cluster.scheduler_address}"


def test_two_dask_workers_give_the_same_bits_though_one_dies(
    table, tmp_path, signs, by_one, dask_cluster
) -> None:
    (signs / "die").touch()
    with dask_cluster(n_workers=2) as cluster:
        project, trained = train(table, tmp_path / "workspace", beam_args=on_dask(cluster))
        assert len(workers_of(signs)) >= 2  # whether a third came in time is a matter of load
        assert not (signs / "die").exists()
    assert trained["weights_digest"] == by_one[1]["weights_digest"]
    assert not leftovers(project)


def test_three_dask_workers_forget_with_the_same_bits_though_one_dies(
    table, tmp_path, signs, alone, dask_cluster
) -> None:
    with dask_cluster(n_workers=3) as cluster:
        beam_args = on_dask(cluster)
        project, trained = train(table, tmp_path / "workspace", beam_args=beam_args)
        assert len(workers_of(signs)) == 3
        (signs / "die").touch()
        forgotten = project.forget(PEOPLE)
        assert not (signs / "die").exists()
    assert (trained["weights_digest"], forgotten["weights_digest_after"]) == alone
    assert not leftovers(project)


def test_the_start_of_a_shard_is_safe_from_threads_that_draw_numbers() -> None:
    pin_tensorflow()
    spec = ModelSpec(("a",), ("b",), "classification", ("no", "yes"))
    learner = KerasLearner(built_in_text(), name="built-in", spec=spec, seed=3)
    quiet = [learner.initial_state(shard, None) for shard in range(8)]
    over = threading.Event()

    def draw() -> None:
        while not over.wait(0.0005):
            random.random()

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        noisy = [learner.initial_state(shard, None) for shard in range(8)]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    for one, other in zip(quiet, noisy, strict=True):
        assert {name: a.tobytes() for name, a in one.items()} == {
            name: a.tobytes() for name, a in other.items()
        }


@pytest.fixture
def task(by_one, tmp_path, signs):
    """A task to train one shard of a finished run again, into another ledger."""
    project, _ = by_one
    old = open_ledger(next(project.root.rglob("header.json")).parent)
    rows = open_rows(next(project.root.rglob("rows.json")).parent)
    return ShardTask(
        decision=ShardDecision(2, "retrained", 0, 1, ""),
        strategy=None,
        config=config_of(old),
        model="m9",
        text=module_source(old),
        rows=rows.folder,
        folder=tmp_path / "ledger",
        old=None,
        base=None,
        ticket="",
        made_with=made_with(config_of(old).options, module_source(old)),
    )


def with_ticket(task: ShardTask, number: str, **changed: object) -> ShardTask:
    return ShardTask(**{**task.__dict__, "ticket": number, **changed})


def learner_of(task: ShardTask) -> Learner:
    source = ModelSource("user module", task.text)
    return family_of("keras").open(source, open_rows(task.rows), options=task.config.options)


def test_a_task_survives_the_way_as_text(task) -> None:
    assert ShardTask.from_json(task.to_json()) == task


def test_a_task_is_carried_out_once(task) -> None:
    with ticket(task.folder) as number:
        mine = with_ticket(task, number)
        carry_out(mine, learner=learner_of(task))
        first = (mine.target / "stage-00.json").stat().st_ino
        carry_out(mine, learner=learner_of(task))
        assert (mine.target / "stage-00.json").stat().st_ino == first


def test_a_straggler_of_an_earlier_run_leaves_nothing(task) -> None:
    with ticket(task.folder) as number:
        straggler = with_ticket(task, number)
    carry_out(straggler, learner=learner_of(task))
    with ticket(task.folder):
        carry_out(straggler, learner=learner_of(task))
    assert not straggler.target.exists()
    assert [p for p in task.folder.rglob("*") if p.is_file()] == []


def test_a_worker_with_another_environment_refuses(task) -> None:
    with ticket(task.folder) as number:
        other = with_ticket(task, number, made_with={**task.made_with, "threads": 4})
        with pytest.raises(BadInput, match="its threads differ"):
            carry_out_apart(other)
        assert not other.target.exists()


def test_the_engine_follows_options_and_variables() -> None:
    assert isinstance(engine_from({}), ThisProcess)
    found = engine_from({"UNWEAVE_WORKERS": "2"})
    assert isinstance(found, OnBeam)
    assert "--direct_num_workers=2" in found.arguments
    assert engine_from({"UNWEAVE_BEAM_ARGS": "--runner=X"}) == OnBeam(("--runner=X",))
    with pytest.raises(BadInput, match="UNWEAVE_WORKERS is not a whole number"):
        engine_from({"UNWEAVE_WORKERS": "two"})
    with pytest.raises(BadInput, match="not both"):
        engine_of(workers_wanted=2, beam_args="--runner=DaskRunner")
    with pytest.raises(BadInput, match="at least 1"):
        engine_of(workers_wanted=0, beam_args=None)


def test_an_executor_takes_the_engine_of_its_block_and_else_that_of_the_environment(
    monkeypatch,
) -> None:
    from unlearning.fitting.executor_engine import executor_engine, using

    monkeypatch.setenv("UNWEAVE_WORKERS", "2")
    assert isinstance(executor_engine(), OnBeam)
    with using(engine_of(workers_wanted=1, beam_args=None)):
        assert isinstance(executor_engine(), ThisProcess)
    with using(None):
        assert isinstance(executor_engine(), OnBeam)


def test_an_executor_takes_a_learner_that_was_made_in_its_block_and_no_other() -> None:
    from unlearning.fitting.executor_engine import executor_learner, using

    def make() -> Learner:
        raise AssertionError("nobody asked for it")

    assert executor_learner("m1") is None
    with using(None, made={"m1": make}):
        assert executor_learner("m1") is make
        assert executor_learner("m2") is None
    assert executor_learner("m1") is None


def test_the_environment_is_read_by_executors_alone() -> None:
    top = Path(__file__).parents[3]
    folders = ("lineage_store", "unlearning", "components", "pipelines", "unweave")
    found = {
        f"{folder}/{file.relative_to(top / folder)}"
        for folder in folders
        for file in (top / folder).rglob("*.py")
        if "engine_from(" in file.read_text(encoding="utf-8")
    }
    assert found == {"unlearning/fitting/engines.py", "unlearning/fitting/executor_engine.py"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--runner=NoSuchRunner", "Apache Beam has no runner 'NoSuchRunner'"),
        ("--direct_num_workers=2", "`beam_args` needs one --runner=NAME"),
    ],
)
def test_a_runner_that_there_is_not(table, tmp_path, signs, arguments, said) -> None:
    with pytest.raises(BadInput, match=said):
        train(table, tmp_path / "workspace", beam_args=arguments)
