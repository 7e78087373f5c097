"""What is recommended, what it is worth, and that the served graph says the same."""

import numpy as np
import pytest

from lineage_store.data.schema import Column, Declarations, Schema
from lineage_store.errors import BadInput
from tests.unlearning.items.some_histories import read, rows_of
from unlearning.families.item_knn_family import ItemLearner
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.items.item_counts import counts_of
from unlearning.items.neighbours import SIMILARITIES, STEPS_OF_ONE, joined, nearest
from unlearning.items.recommended import TOLD, hits, places_in, recommended

SCHEMA = Schema((Column("song", "text"),), said=Declarations((("song", "text"),), items="song"))
COSINE = SIMILARITIES["cosine"]


@pytest.fixture(scope="module")
def tf():
    """TensorFlow, as every other test of the process wants it."""
    pin_tensorflow()
    import tensorflow

    return tensorflow


def some(seed, *, histories=40, items=30):
    draw = np.random.default_rng(seed)
    return [
        (int(who), f"sóng {draw.integers(items // 2) + who % 2 * items // 2:02d}", 1)
        for who in draw.integers(histories, size=300)
    ]


def lists_of(*parts):
    return joined([nearest(counts_of(read(one)), rule=COSINE, most=5) for one in parts])


def test_an_item_is_scored_by_what_it_is_alike_to_and_none_is_told_that_is_held():
    lists = lists_of([(1, "a", 1), (1, "b", 1), (2, "a", 1), (2, "c", 1), (3, "b", 1),
                      (3, "c", 1), (4, "d", 1)])  # fmt: skip
    found, scores = recommended(lists, np.array([0, 1]))
    assert [lists.names[one] for one in found] == [b"c"]
    assert scores.tolist() == [2 * STEPS_OF_ONE // 2]  # 1 / sqrt(2 * 2) of each
    assert recommended(lists, np.zeros(0, np.int64))[0].tolist() == []
    assert recommended(lists, np.array([3]))[0].tolist() == []  # nobody has another beside it


def test_hits_are_counted_of_histories_with_two_items_beside_the_most_used():
    learnt, asked = some(1), [(9_000 + who, item, weight) for who, item, weight in some(2)]
    counts = counts_of(read(learnt))
    lists = nearest(counts, rule=COSINE, most=20)
    metrics = hits(lists, [counts], read([*asked, (77, "sóng 01", 1)]))
    several = [end - start > 1 for start, end in read(asked).spans]
    assert metrics["histories"] == sum(several) > 30
    assert metrics["hit_rate"] > metrics["baseline"]["hit_rate"] + 0.1  # two kinds of people
    assert hits(lists, [counts], read([(1, "sóng 01", 1)])) == {"histories": 0}
    unknown = hits(lists, [counts], read([(1, "x", 1), (1, "y", 1)]))
    assert (unknown["histories"], unknown["hit_rate"]) == (1, 0)


def examples_of(tf, histories):
    def example(items):
        values = tf.train.BytesList(value=[item.encode() for item in items])
        feature = {"song": tf.train.Feature(bytes_list=values)} if items else {}
        features = tf.train.Features(feature=feature)
        return tf.train.Example(features=features).SerializeToString()

    return [example(items) for items in histories]


@pytest.mark.parametrize("parts", [1, 2])
def test_both_signatures_say_what_the_lists_say(parts, tmp_path, tf):
    learner = ItemLearner(SCHEMA, "cosine", 5)
    given = [some(seed) for seed in range(parts)]
    states = [learner.relearnt(rows_of(one)) for one in given]
    learner.export([{}, *states], tmp_path / "model", rule="mean")
    assert learner.serves(tmp_path / "model", states, rule="mean")
    assert not learner.serves(tmp_path / "model", [*states, states[0]], rule="mean")
    served = tf.saved_model.load(str(tmp_path / "model")).signatures
    histories = [
        ["sóng 01", "sóng 02", "sóng 01"],
        [],
        ["sóng 20", "unheard of", "sóng 21", "sóng 03"],
        ["unheard of"],
        [f"sóng {n:02d}" for n in range(30)],
    ]
    width = max(map(len, histories))
    padded = [[*one, *[""] * (width - len(one))] for one in histories]
    lists = lists_of(*given)
    for outputs in (
        served["histories"](items=tf.constant(padded)),
        served["serving_default"](examples=tf.constant(examples_of(tf, histories))),
    ):
        assert outputs["items"].shape == outputs["scores"].shape == (len(histories), TOLD)
        for row, items in enumerate(histories):
            places = places_in(lists.names, read([(1, item, 1) for item in items]))
            found, scores = recommended(lists, places[places >= 0])
            spare = TOLD - len(found)
            names = [lists.names[one] for one in found] + [b""] * spare
            assert outputs["items"][row].numpy().tolist() == names
            wanted = [*(scores / STEPS_OF_ONE / parts), *[0.0] * spare]
            assert outputs["scores"][row].numpy() == pytest.approx(wanted, rel=1e-6)


def test_a_name_may_be_any_text(tmp_path, tf):
    learner = ItemLearner(SCHEMA, "cosine", 5)
    names = ["!", "!!", "a\tb\nc", "IQ", "=x", " ", "-", "\x00"]
    rows = rows_of([(who, name, 1) for who in range(3) for name in names])
    learner.export([learner.relearnt(rows)], tmp_path / "model", rule="mean")
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["histories"]
    for name in names:
        (items,) = served(items=tf.constant([[name]]))["items"].numpy()
        others = [one.encode() for one in sorted(names) if one != name]
        assert [one for one in items.tolist() if one] == others[:5]  # all alike, by name


@pytest.mark.parametrize("triples", [[(1, "", 1)], [(1, "a", 0)], [(1, "a", 1), (2, "b", 1)]])
def test_a_model_that_knows_no_item_or_no_pair_recommends_nothing(triples, tmp_path, tf):
    learner = ItemLearner(SCHEMA, "jaccard", 5)
    learner.export([learner.relearnt(rows_of(triples))], tmp_path / "model", rule="mean")
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["histories"]
    for asked in ([["a"], ["b"]], [[""], [""]], np.zeros((2, 0))):
        outputs = served(items=tf.constant(asked, tf.string, np.shape(asked)))
        assert set(outputs["items"].numpy().reshape(-1)) == {b""}
        assert outputs["items"].shape == (2, TOLD)


def test_without_a_part_there_is_nothing_to_serve(tmp_path):
    with pytest.raises(BadInput, match="No shard has rows"):
        ItemLearner(SCHEMA, "cosine", 5).export([{}], tmp_path / "model", rule="mean")


def test_a_row_is_answered_by_how_its_item_suits_the_rest_of_its_history():
    learner = ItemLearner(SCHEMA, "cosine", 5)
    rows = rows_of([(1, "a", 1), (1, "b", 1), (2, "a", 1), (2, "", 1), (3, "c", 1)])
    outputs = learner.predict(learner.relearnt(rows), rows)
    half = pytest.approx(0.5**0.5, abs=1e-8)
    assert outputs[:, 0].tolist() == [half, half, 0, 0, 0]
    assert learner.targets(rows).tolist() == [1] * 5
