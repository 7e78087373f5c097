"""item-knn on a table of interactions: forgotten to the bit, recommended, and refused by name."""

import base64
import csv
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lineage_store.errors import BadInput
from lineage_store.keys.secret import create_secret
from lineage_store.understood.advice import LONG_HISTORY
from pipelines.backends.direct import DirectBackend
from tests.unlearning.families.contract_cases import Learnt
from tests.unlearning.families.contract_states import differing, state_of
from tests.unlearning.families.test_contract_random import holds
from unlearning.items import histories
from unlearning.serving.served_model import ServedModel
from unweave import Project, verify

HEADER = ["row", "user", "basket", "song", "stars", "device"]
ALONE = "a song that only Lone Lee has"


def rows(*, seed=0):
    """Rows of 60 people of three tastes, in baskets of about four; some rows say nothing."""
    draw, found = random.Random(7), []
    for number in range(600):
        user = draw.randrange(60)
        song = f"song-{user % 3}-{draw.randrange(12)}" if draw.random() < 0.9 else ""
        basket = f"b{draw.randrange(150)}"
        found.append([f"r{number}", f"u{user:02d}", basket, song, str(draw.randrange(6)), "phone"])
    found += [["r600", "Lone Lee", "b900", ALONE, "5", "phone"],
              ["r601", "Lone Lee", "b900", "song-0-1", "2", "phone"]]  # fmt: skip
    if seed:
        random.Random(seed).shuffle(found)
    return found


@pytest.fixture
def learnt(tmp_path):
    """Return a function that learns rows, but for some of them, by some options."""
    key = tmp_path / "key"
    create_secret(key, bytes(range(32)))

    def learn(name, *, kept=lambda row: True, seed=0, **options):
        table = tmp_path / f"{name}.csv"
        with table.open("w", newline="") as stream:
            csv.writer(stream).writerows([HEADER, *filter(kept, rows(seed=seed))])
        project = Project(tmp_path / name, backend=DirectBackend())
        given = {"subject": "user", "row_id": "row", "item_column": "song", **options}
        answer = project.train(table, key_file=key, model_family="item-knn", **given)
        return Learnt(tmp_path / name), answer

    return learn


PEOPLE = ["Lone Lee", "u03", "u17", "u44"]
OPTIONS = [
    pytest.param({"weight_column": "stars", "similarity": "jaccard", "neighbours": 3}, id="stars"),
    pytest.param({}, id="plain"),
    pytest.param({"shards": 4}, id="shards"),
    pytest.param(
        {"group_column": "basket", "weight_column": "stars", "shards": 3},
        id="baskets", marks=pytest.mark.slow,
    ),
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
def test_people_are_forgotten_to_the_bit_with_certificate_and_audit(learnt, options):
    original, answer = learnt("original", **options)
    assert answer["task"] is None and answer["metrics"]["histories"] > 1
    before = state_of(original)
    done = original.project.forget(PEOPLE, replay=True)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert done["strategy"] == "subtract-sums"
    assert verify(done["certificate"], public_key=done["public_key"])["verdict"] == "verified"
    twin, _ = learnt("twin", kept=lambda row: row[1] not in PEOPLE, seed=3, **options)
    assert differing(state_of(original), state_of(twin)) == []
    assert differing(before, state_of(twin))
    audit = original.project.audit(replay=9)
    assert audit["ok"] and audit["replay"]["replayed"] >= 1


@pytest.mark.parametrize("options", OPTIONS)
def test_single_rows_are_forgotten_and_what_is_left_of_their_histories_stays(learnt, options):
    original, _ = learnt("original", **options)
    gone = {f"r{number}" for number in (0, 1, 2, 33, 34, 200, 477, 600)}
    original.project.forget(sorted(gone), rows=True)
    twin, _ = learnt("twin", kept=lambda row: row[0] not in gone, seed=2, **options)
    assert differing(state_of(original), state_of(twin)) == []


@pytest.mark.parametrize("options", OPTIONS)
def test_a_thousand_random_forget_sets_leave_the_bytes_of_their_twins(learnt, options):
    holds(learnt("original", **options)[0].root, 1_000)


def test_long_histories_are_drawn_from_alike_before_and_after(learnt, monkeypatch):
    monkeypatch.setattr(histories, "MOST_ITEMS", 3)
    original, _ = learnt("original")
    gone = {f"r{number}" for number in range(0, 600, 3)}
    original.project.forget(sorted(gone), rows=True)
    original.project.forget(["u05"])
    kept = lambda row: row[0] not in gone and row[1] != "u05"  # noqa: E731
    assert differing(state_of(original), state_of(learnt("twin", kept=kept)[0])) == []


def test_an_item_that_only_the_forgotten_person_had_is_in_no_file_afterwards(learnt, tmp_path):
    original, _ = learnt("original")

    def files_with_it():
        found = subprocess.run(
            ["grep", "-rlaF", ALONE, original.root], capture_output=True, text=True, check=False
        )
        return found.stdout.splitlines()

    served = next((tmp_path / "original").glob("serving/*/*/assets/items.txt"))
    coded = base64.urlsafe_b64encode(ALONE.encode()).rstrip(b"=")
    assert len(files_with_it()) > 2 and served.read_bytes().count(coded) == 1
    original.project.forget(["Lone Lee"])
    assert files_with_it() == []
    (served,) = (tmp_path / "original").glob("serving/*/*/assets/items.txt")
    assert coded not in served.read_bytes()
    asked = tmp_path / "asked.csv"
    asked.write_text(f"song\n{ALONE}\nsong-0-1\n")
    alone, known = original.project.predict(asked)["items"]
    assert alone == [] and known and ALONE not in known


def test_shards_without_rows_and_rows_that_say_nothing_are_no_hindrance(learnt):
    few = ["u00", "u01", "Lone Lee"]
    original, answer = learnt("original", shards=9, kept=lambda row: row[1] in [*few, "u02"])
    assert answer["shards"] == 9
    original.project.forget(["u02"])
    twin, _ = learnt("twin", shards=9, kept=lambda row: row[1] in few)
    assert differing(state_of(original), state_of(twin)) == []
    nothing, answer = learnt("nothing", kept=lambda row: row[3] == "")
    assert answer["metrics"].get("histories") == 0
    assert nothing.project.forget(["u00"])["guarantee"] == "exact"


def test_who_is_asked_about_gets_ten_items_of_his_kind_and_none_that_he_has(learnt, tmp_path):
    original, answer = learnt("original")
    assert answer["metrics"]["hit_rate"] > answer["metrics"]["baseline"]["hit_rate"]
    asked, out = tmp_path / "asked.csv", tmp_path / "out.csv"
    asked.write_text("who,song\nann,song-1-0\nbob,song-2-3\nann,song-1-4\nann,song-1-0\neve,x\n")
    said = original.project.predict(asked, row_id="who")
    assert (said["rows_by"], said["rows"]) == ("who", ["ann", "bob", "eve"])
    ann, bob, eve = said["items"]
    assert eve == [] and len(ann) == len(bob) == 10
    assert {name[:7] for name in ann} == {"song-1-"} and not {*ann} & {"song-1-0", "song-1-4"}
    assert said["scores"][0] == sorted(said["scores"][0], reverse=True)
    assert original.project.predict(asked)["rows"] == [2, 3, 4, 5, 6]  # each line is a history
    assert original.project.predict_to(out, asked, row_id="who")["rows_written"] == 20
    written = list(csv.reader(out.read_text().splitlines()))
    assert written[0] == ["who", "item", "score"]
    assert [row[1] for row in written[1:]] == [*ann, *bob]
    assert [float(row[2]) for row in written[1:11]] == pytest.approx(said["scores"][0])


def test_what_it_cannot_do_is_refused_by_name(learnt, tmp_path):
    for options, words in (
        ({"item_column": None}, "no column was named as theirs: name it with `item_column`"),
        ({"item_column": "album"}, "There is no column 'album'"),
        ({"item_column": "user"}, "'user' of items cannot be named for something else"),
        ({"label": "stars"}, "learnt without a label: leave `label` out"),
        ({"subject": ()}, "are learnt by whose they are: name that column as `subject`"),
        ({"place_by": "row"}, "leave out `place_by`"),
        ({"aggregate": "vote"}, "`aggregate` vote is no way to join scores of items"),
        ({"epochs": 3, "slices": 2}, "item-knn takes no steps, and has no use for `slices`"),
        ({"similarity": "pearson"}, "`similarity` is 'pearson': it is one of cosine, jaccard"),
        ({"neighbours": 0}, "`neighbours` is 0: it goes from 1 to 1000"),
        ({"weight_column": "device"}, "is no number from 0 on"),
    ):
        with pytest.raises(BadInput, match=words):
            learnt("refused", **options)
    assert not Path(tmp_path / "refused").exists()


def test_who_has_more_items_than_count_is_warned_of(learnt, tmp_path):
    assert LONG_HISTORY == histories.MOST_ITEMS
    assert "understood" in learnt("short")[1] and not warned(learnt("short again")[1])
    table = tmp_path / "long.csv"
    pairs = [("long", f"i{n}") for n in range(1_001)] + [("short", "i1"), ("short", "i2")]
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([["user", "item"], *pairs])
    project = Project(tmp_path / "long", backend=DirectBackend())
    answer = project.train(table, subject="user", item_column="item", model_family="item-knn")
    (warning,) = warned(answer)
    assert warning.startswith("The longest history has 1,001 rows: of one with more than 1,000")
    assert answer["understood"]["groups"] == 0
    assert project.forget(["long"])["guarantee"] == "exact"


def warned(answer):
    return [one for one in answer["understood"]["warnings"] if "history" in one]


def test_who_wants_a_label_of_it_is_told_that_there_is_none(learnt, tmp_path):
    original, _ = learnt("original")
    with pytest.raises(BadInput, match="m1 learns without a label: poison is looked for in"):
        original.project.detect(tmp_path / "original.csv", row_id="row")
    with pytest.raises(BadInput, match="recommends items, and tells no label"):
        ServedModel(next(original.root.glob("serving/*/*")))
    assert original.project.ask.data("m1")["strings"] == ["song"]
    (model,) = original.project.trace_subject("u05")["models"]
    assert model["shards"] == [0] and model["batches"] == []


def test_items_are_read_as_they_are_written_whatever_they_look_like(learnt, tmp_path):
    table = tmp_path / "numbers.csv"
    pairs = [(f"u{n}", f"{item}") for n in range(30) for item in ("007", "7", 16777217, 16777216)]
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([["user", "item"], *pairs])
    project = Project(tmp_path / "numbers", backend=DirectBackend())
    project.train(table, subject="user", item_column="item", model_family="item-knn")
    (tmp_path / "asked.csv").write_text("item\n007\n")
    (items,) = project.predict(tmp_path / "asked.csv")["items"]
    assert items == ["16777216", "16777217", "7"]
    names = Learnt(project.root).ledger.final_weights()[0]["weights/names"]
    assert bytes(np.asarray(names)) == b"00716777216167772177"
