"""A strategy from outside: registered here, and no other file of the house knows of it.

It retrains every shard that loses a row from its start, with decisions of its own type, and serves
all families. Others like it lie, and are refused.
"""

import base64
import io
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from fixtures import SMALL_MODEL
from lineage_store.canonical import digest_file, read_json
from lineage_store.claim import APPROXIMATE, BITS
from lineage_store.errors import BadInput, CheckFailed, LeftAsItIs
from lineage_store.ledger.shards import keep_shard
from pipelines.backends.direct import DirectBackend
from unlearning.planning.model_plan import ModelPlan
from unlearning.strategies.decision import Cost, DecisionWords, Fate, Stays
from unlearning.strategies.known_strategies import register, strategies_for, unregister
from unlearning.strategies.strategy import Strategy
from unlearning.training.stages import train_shard
from unweave import Project, verify
from unweave.text import answers as text

ROWS = [["person", "x", "y", "label"]]
ROWS += [[f"p{n % 31}", f"{n % 11}.5", ("a", "b", "c")[n % 3], str(n % 2)] for n in range(217)]
OPTIONS = {"label": "label", "subject": "person", "shards": 3, "slices": 2, "epochs": 3,
           "batch_size": 8, "module": SMALL_MODEL}  # fmt: skip
WHY = "made from nothing, since a row of it goes"


@dataclass(frozen=True)
class Afresh:
    """What the toy does with a shard: it has none of the fields that other strategies share."""

    shard: int
    loses: int
    left: int
    whole: int

    @property
    def verb(self):
        return "emptied" if self.leaves else "made afresh" if self.loses else "untouched"

    @property
    def why(self):
        return WHY if self.loses else "it loses no row"

    @property
    def changes(self):
        return self.loses > 0

    @property
    def leaves(self):
        return not self.left

    @property
    def anew(self):
        return self.changes and not self.leaves

    trains = anew
    repair_epochs = 0

    @property
    def steps_planned(self):
        return self.whole if self.anew else 0

    @property
    def stays(self):
        return Stays(0)

    def to_json(self):
        return {"loses": self.loses, "left": self.left, "whole": self.whole}


class RetrainEverything(Strategy):
    """Makes every shard that loses a row from nothing."""

    name = "retrain-everything"
    families = None
    claim = BITS

    def decide(self, situation):
        return tuple(
            Afresh(
                shard=shard,
                loses=sum(len(keys) for place, keys in situation.deleted.items()
                          if place[0] == shard),
                left=sum(situation.new_counts[shard]),
                whole=sum(stage.steps for stage in situation.new_stages(shard)),
            )
            for shard in range(situation.partition.shards)
        )  # fmt: skip

    def read(self, value):
        return Afresh(*(value[name] for name in ("shard", "loses", "left", "whole")))

    def cost(self, decisions, ledger):
        steps = sum(one.steps_planned for one in decisions)
        return Cost(seconds=steps * 1e-3, bytes=1, steps=steps)

    def apply(self, decision, *, old, new, run, store, old_store=None):
        if not decision.changes:
            keep_shard(old, new)
            return
        train_shard(run, store, decision.shard, new, kept=0)

    def verdict(self, decision, unit, *, until):
        return Fate("retrained", "all of its shard was made from nothing")

    def check(self, decisions, witnesses):
        made = [one.shard for one in decisions if one.anew]

        def not_made_by_this_run(ledger):
            makers = {stage.model for shard in made for stage in ledger.shard(shard).stages()}
            return None if makers == {witnesses.model} else "a stage is of another run"

        return {"all stages of the shards made afresh are of this run": not_made_by_this_run}

    def words(self, decisions):
        made = sum(one.anew for one in decisions)
        return DecisionWords(
            done=(f"nothing of {made} shards was believed",),
            lines={"afresh": f"{made} shards, from nothing"},
            numbers={"shards_made_afresh": made},
        )


@pytest.fixture(scope="module")
def original(tmp_path_factory, write_csv):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "key").write_bytes(b"always the same places in the same shards")
    (folder / "key").chmod(0o600)
    project = Project(folder / "workspace", backend=DirectBackend())
    project.train(write_csv(ROWS), key_file=folder / "key", **OPTIONS)
    return project.root


@pytest.fixture
def project(original, tmp_path):
    return Project(shutil.copytree(original, tmp_path / "workspace"), backend=DirectBackend())


@pytest.fixture
def toy(registered):
    return registered(RetrainEverything())


def statement_of(answer):
    envelope = read_json(Path(answer["certificate"]))
    (change,) = json.loads(base64.b64decode(envelope["payload"]))["predicate"]["models"]
    return change


def test_its_plan_is_its_own_and_round_trips(project, toy):
    answer = project.plan(["p3"], strategy=toy)
    (plan,) = answer["plans"]
    (shard,) = [one for one in plan["shards"] if one["loses"]]
    assert (shard["action"], shard["why"], shard["kept_stages"]) == ("made afresh", WHY, 0)
    assert plan["steps_planned"] == shard["whole"] == shard["steps"] > 0
    assert (plan["guarantee"], plan["claim"]) == ("exact", {"level": "bits"})
    (cost,) = [one for one in plan["estimates"] if one["strategy"] == toy]
    assert cost["steps"] == shard["whole"] and cost["guarantee"] == "exact"
    reasons = {one["why"] for one in plan["verdicts"] if one["verdict"] == "retrained"}
    assert "all of its shard was made from nothing" in reasons
    read = ModelPlan.from_json(json.loads(json.dumps(plan)))
    assert all(isinstance(one, Afresh) for one in read.shards)
    assert read.to_json() == plan


def test_it_forgets_with_certificate_and_report_and_gives_the_bits_of_the_twin(
    project, toy, tmp_path
):
    answer = project.forget(["p3"], strategy=toy, replay=True)
    assert (answer["guarantee"], answer["basis"]) == ("exact", "by replay")
    checks = {check["name"]: check["outcome"] for check in answer["checks"]}
    assert checks["all stages of the shards made afresh are of this run"] == "passed"
    assert checks["every stage saw the retained rows and no others"] == "passed"
    assert checks["all weights equal the twin's, byte for byte"] == "passed"
    assert "failed" not in checks.values()
    found = verify(answer["certificate"], public_key=answer["public_key"])
    assert found["ok"] and found["verdict"] == "verified"
    change = statement_of(answer)
    assert "made afresh" in change["shards"].values() and change["strategy"] == toy
    assert change["claim"] == {"level": "bits"}
    page = tmp_path / "report.html"
    project.report(answer["request_id"], out=page)
    for words in ("made afresh", WHY, "nothing of 1 shards was believed", toy):
        assert words in page.read_text()


def shown(parts):
    """Return an answer's text as it is printed."""
    console = Console(width=400, record=True, file=io.StringIO())
    for part in parts:
        console.print(part, markup=False)
    return console.export_text()


def test_text_and_json_have_its_words(project, toy):
    planned = shown(text.planned(project.plan(["p3"], strategy=toy)))
    assert "made afresh" in planned and "untouched" in planned and WHY in planned
    answer = json.loads(json.dumps(project.forget(["p3"], strategy=toy)))  # as --json prints it
    assert answer["told"] == {"afresh": "1 shards, from nothing"}
    assert answer["shards_made_afresh"] == 1
    assert answer["claim"] == {"level": "bits"}
    assert "afresh      1 shards, from nothing" in shown(text.forgotten(answer))


def test_it_serves_only_by_name_and_any_family(project, toy):
    assert toy in strategies_for("some-family") and len(strategies_for("some-family")) == 1
    assert project.plan(["p3"])["strategy"] == "retrain-shards"


class OfAnotherFamily(RetrainEverything):
    """Serves models of a family that this one is not of."""

    name = "of-another-family"
    families = ("some-family",)


def test_one_that_does_not_serve_the_family_is_refused_by_name_and_else_not_asked(
    project, registered
):
    name = registered(OfAnotherFamily())
    with pytest.raises(BadInput, match="of-another-family takes no rows out of a model"):
        project.plan(["p3"], strategy=name)
    (plan,) = project.plan(["p3"])["plans"]
    assert name not in [one["strategy"] for one in plan["estimates"]]


def test_a_plan_whose_strategy_is_not_there_says_so(project, registered):
    register(RetrainEverything())
    (plan,) = project.plan(["p3"], strategy="retrain-everything")["plans"]
    unregister("retrain-everything")
    with pytest.raises(BadInput, match="no strategy 'retrain-everything' here"):
        ModelPlan.from_json(plan)


def test_a_plan_that_calls_its_claim_by_a_better_word_is_refused(project):
    (plan,) = project.plan(["p4"], guarantee="approximate")["plans"]
    assert plan["claim"] == {"level": "approximate"}
    with pytest.raises(LeftAsItIs, match="calls a result exact that is approximate"):
        ModelPlan.from_json({**plan, "guarantee": "exact"})


# Others like it, that lie


class SaysUntouched(RetrainEverything):
    """Says of shards that lose rows that they lose none."""

    name = "says-untouched"

    def decide(self, situation):
        return tuple(replace(one, loses=0) for one in super().decide(situation))


class ProvesUnaffected(RetrainEverything):
    """Says of what it changes that it is proven unaffected."""

    name = "proves-unaffected"

    def verdict(self, decision, unit, *, until):
        return Fate("proven unaffected", "believe me")


class Patch(Afresh):
    """A patch in which nothing is patched."""

    anew = trains = False


class SaysPatched(RetrainEverything):
    """Calls a patch exact."""

    name = "says-patched"

    def decide(self, situation):
        return tuple(Patch(**vars(one)) for one in super().decide(situation))


class PatchesNothing(SaysPatched):
    """Takes back nothing of what the rows added."""

    name = "patches-nothing"
    claim = APPROXIMATE


class KeepsAndAgrees(RetrainEverything):
    """Leaves the shard as it was; its own check holds whatever is done."""

    name = "keeps-and-agrees"

    def apply(self, decision, *, old, new, run, store, old_store=None):
        keep_shard(old, new)

    def check(self, decisions, witnesses):
        return {"all is well": lambda ledger: None}


@pytest.mark.parametrize(
    "strategy, error, words",
    [
        (SaysUntouched(), LeftAsItIs, r"says-untouched leaves stage \d of shard \d"),
        (ProvesUnaffected(), LeftAsItIs, "depends on deleted rows"),
        (SaysPatched(), LeftAsItIs, "says-patched calls what is made afresh exact"),
        (PatchesNothing(), LeftAsItIs, r"patches-nothing leaves the update of step \d+"),
        (KeepsAndAgrees(), CheckFailed, "saw the retained rows and no others' failed"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_those_that_lie_are_refused_and_nothing_is_changed(
    project, registered, strategy, error, words
):
    ledgers = {path: digest_file(path) for path in (project.root / "tfx").rglob("*.*")
               if path.is_file()}  # fmt: skip
    with pytest.raises(error, match=words):
        project.forget(["p3"], strategy=registered(strategy))
    assert (
        ledgers.items()
        <= {
            path: digest_file(path)
            for path in (project.root / "tfx").rglob("*.*")
            if path.is_file()
        }.items()
    )
    assert project.trace_subject("p3")["models"][0]["rows"] == 7
    assert project.status()["unfinished"] == []
