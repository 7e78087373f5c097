"""Training options: one type from which checks, JSON and the command line follow.

Adding one touches few files: the literal limits below may shrink, and must not grow.
"""

import ast
import inspect
import json
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.ledger.train_options import OPTION, TrainOptions, option
from lineage_store.ledger.update_codecs import LOSSLESS, SUMMABLE
from unlearning.keras_learning.class_weights import ALIKE, WEIGHTINGS
from unlearning.serving.aggregation import AGGREGATIONS, DEFAULT
from unlearning.training.config import TrainConfig
from unlearning.training.recorders import RECORDED, RECORDERS
from unweave import Project
from unweave.commands.train import train
from unweave.options.shared import flags_for
from unweave.options.training import flag, training_options
from unweave.text.flags import in_flags

TOP = Path(__file__).parents[3]
FOLDERS = ("lineage_store", "unlearning", "components", "pipelines", "unweave")
GIVEN = [one for one in fields(TrainOptions) if not one.metadata[OPTION].decided]
NAMES = [one.name for one in GIVEN]

# In how many source files an option is named besides those where it acts.
LIMIT = 3
# Where each acts: the files whose work, or whose words of a plan, it changes. `class_weights` is an
# argument of a step, too.
ACTS = {
    "risk_rules": {"placement.py", "expected_cost.py", "leave_source_out.py", "sums_unit.py",
                   "repeating.py"},
    "risk_shards": {"placement.py", "expected_cost.py", "leave_source_out.py"},
    "risk_share": {"placement.py", "expected_cost.py", "leave_source_out.py"},
    "batch_size": {"placement.py", "repair.py", "shard_cost.py", "advice.py", "understanding.py",
                   "example_gate.py", "train.py", "build_model_run.py"},
    "update_codec": {"record_budget.py"},
    "record_budget": {"record_budget.py"},
    "aggregate": {"fit.py", "export.py", "evaluate.py", "keras_family.py",
                  "keras_parts.py", "naive_bayes_family.py", "ridge_family.py", "forest_family.py",
                  "item_knn_family.py", "logistic_family.py", "estimator_family.py",
                  "from_ledgers.py", "audit.py"},
    "class_weights": {"stages.py", "keras_parts.py", "retrain_shards.py", "keras_family.py",
                      "keras_learner.py", "last_epoch.py", "regenerate.py",
                      "replay.py", "downstream.py", "earned.py", "marks.py", "witness.py",
                      "class_weights.py"},
    "early_stop": {"early_stop.py", "as_they_were.py", "downstream.py", "shard_task.py",
                   "taken_again.py", "plan.py", "model_plan.py", "answers.py"},
    "penalty": {"ridge_family.py", "ridge_part.py", "ridge_solve.py", "keras_family.py",
                "logistic_family.py", "logistic_part.py", "optimum.py", "standing_rows.py",
                "logistic.py"},  # the last has one of its own
    "scales": {"grid.py", "ridge_family.py", "forest_family.py", "ridge_graph.py",
               "logistic_family.py", "k_means_family.py", "cluster_graph.py",
               "keras_family.py", "update_codecs.py"},  # the last has others
    "checkpoint_every": {"step_checkpoints.py", "record_budget.py"},
    "checkpoint_budget": {"step_checkpoints.py", "record_budget.py"},
}  # fmt: skip


@cache
def names_by_file() -> dict[str, set[object]]:
    """Return what the code of each source file names, as a name or as a whole string."""
    return {
        str(path.relative_to(TOP)): names_of(ast.parse(path.read_text(encoding="utf-8")))
        for folder in FOLDERS
        for path in (TOP / folder).rglob("*.py")
        if path.name != "__init__.py"
    }


def named_in(name: str) -> set[str]:
    """Return the source files that name an option."""
    return {file for file, names in names_by_file().items() if name in names}


def names_of(tree: ast.AST) -> set[object]:
    kinds = {ast.Name: "id", ast.Attribute: "attr", ast.arg: "arg", ast.keyword: "arg",
             ast.Constant: "value", ast.FunctionDef: "name"}  # fmt: skip
    return {
        getattr(node, kinds[type(node)])
        for node in ast.walk(tree)
        if type(node) in kinds and isinstance(getattr(node, kinds[type(node)]), str)
    }


@pytest.mark.parametrize("name", ACTS)
def test_an_option_is_named_in_few_files(name):
    elsewhere = {file for file in named_in(name) if Path(file).name not in ACTS[name]}
    assert len(elsewhere) <= LIMIT, sorted(elsewhere)


@pytest.mark.parametrize("name", ACTS)
def test_the_files_where_an_option_acts_are_there(name):
    assert ACTS[name] <= {Path(file).name for file in named_in(name)}


@dataclass(frozen=True, kw_only=True)
class WithToy(TrainOptions):
    """The options of a day on which somebody added one."""

    toy_share: int = option(0, "What is kept, with `early_stop`.", low=0, high=9, shown=True)


def test_a_new_option_needs_its_field_alone():
    given_ = WithToy(toy_share=7)
    assert given_.to_json()["toy_share"] == given_.in_header()["toy_share"] == 7
    assert WithToy.from_json(json.loads(json.dumps(given_.in_header()))).toy_share == 7
    with pytest.raises(BadInput, match="`toy_share` is 10: it goes from 0 to 9"):
        WithToy(toy_share=10).validate()
    taken = []
    command = click.command()(training_options(lambda options: taken.append(options), WithToy))
    done = CliRunner().invoke(command, ["--toy-share", "3", "--risk-rule", "a=b"])
    assert done.exit_code == 0, done.output
    assert taken == [WithToy(toy_share=3, risk_rules=("a=b",))]
    words = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert "--toy-share INTEGER What is kept, with --early-stop. [default: 0]" in words


def test_an_option_at_its_default_changes_no_ledger_that_was_written_before_it():
    before = TrainOptions(early_stop=2)
    assert WithToy.from_json(before.in_header()).in_header() == before.in_header()


def test_the_python_api_takes_every_option_with_its_default():
    parameters = inspect.signature(Project.train).parameters
    assert {name: parameters[name].default for name in NAMES} == {
        one.name: one.default for one in GIVEN
    }


def test_the_command_line_has_every_option_once():
    flags = Counter(one.opts[0] for one in train.params if isinstance(one, click.Option))
    assert [flags[flag(name)] for name in NAMES] == [1] * len(NAMES)
    assert set(flags.values()) == {1}


def test_values_with_names_are_those_that_somebody_carries_out():
    known = {one.name: one.metadata[OPTION].among for one in fields(TrainOptions)}
    assert known["record"] == RECORDERS
    assert known["update_codec"] == SUMMABLE
    assert known["aggregate"] == tuple(AGGREGATIONS)
    assert known["class_weights"] == tuple(WEIGHTINGS)
    usual = TrainOptions()
    assert (usual.codec, usual.aggregate, usual.class_weights) == (LOSSLESS, DEFAULT, ALIKE)
    for record in RECORDERS:
        kept = TrainOptions(record=record, update_codec="int8", risk_rules=("a<1",))
        if record in RECORDED:
            kept.validate()
        else:
            with pytest.raises(BadInput, match="`update_codec` goes with `record` all or at-risk"):
                kept.validate()


def values(one):
    known = one.metadata[OPTION]
    if known.decided:
        some = st.booleans()
    elif known.among:
        some = st.sampled_from(known.among)
    elif isinstance(one.default, tuple):
        some = st.lists(st.sampled_from(["a<1", "b=c"]), max_size=2).map(tuple)
    elif isinstance(one.default, str):
        some = st.sampled_from([one.default, "another"])
    elif isinstance(one.default, float):
        some = st.floats(known.low, known.high)
    else:
        some = st.integers(known.low or 0, min(known.high or 1000, 1000))
    return st.none() | some if one.default is None else some


@given(st.fixed_dictionaries({one.name: values(one) for one in fields(TrainOptions)}))
def test_what_is_written_is_read_back_from_task_record_and_header(chosen):
    options = TrainOptions(**chosen)
    codec = None if options.codec == LOSSLESS else options.codec
    cut = options.partition
    fixed = replace(options, shards=cut.shards, slices=cut.slices, update_codec=codec)
    config = TrainConfig(options=options, module="m", key_id="k", base=None)
    for written in (options.to_json(), options.in_header(), config.to_json()):
        assert TrainOptions.from_json(json.loads(json.dumps(written))) == fixed
    assert TrainConfig.from_json(config.to_json()) == replace(config, options=fixed)


def test_a_header_of_the_first_format_is_read():
    cut = {"shards": 2, "slices": 3, "epochs": 4, "batch_size": 5, "seed": 6}
    read = TrainOptions.from_json({"partition": cut, "record": "all", "data": {}, "model": "m1"})
    assert read == TrainOptions(**cut, record="all")


def test_a_partition_that_no_unweave_wrote_is_refused():
    cut = asdict(TrainOptions().partition)
    with pytest.raises(TypeError):
        TrainOptions.from_json({"partition": cut | {"surprise": 1}})


# The sentences that the command line has always said, and what was chosen wrongly.
SENTENCES = {
    "--shards is 0: it goes from 1 to 999.": {"shards": 0},
    "--slices is 100: it goes from 1 to 99.": {"slices": 100},
    "--epochs is 0: it goes from 1 to 100000.": {"epochs": 0},
    "--batch-size is 0: it goes from 1 to 1048576.": {"batch_size": 0},
    "--seed is -1: it goes from 0 to 9223372036854775807.": {"seed": -1},
    "--risk-shards is 6: it goes from 0 to 5.": {"risk_shards": 6},
    "--risk-shards is -1: it goes from 0 to 2.": {"risk_shards": -1, "shards": 2},
    "--risk-share is 100: it goes from 0 to 99.": {"risk_share": 100},
    "--early-stop is 0: it goes from 1 to 100000.": {"early_stop": 0},
    "--checkpoint-every is 0: it is at least 1.": {"checkpoint_every": 0},
    "--checkpoint-budget is 0: it is at least 1.": {"checkpoint_budget": 0},
    "Give --checkpoint-every or --checkpoint-budget, not both.": {
        "checkpoint_every": 1,
        "checkpoint_budget": 1,
    },
    "--slices is 1: with 1 risk rules it goes from 2, since the rows of each have a slice of their "
    "own.": {"slices": 1, "risk_rules": ("a<1",)},
    "--risk-shards and --risk-share go with --risk-rule: give a rule.": {"risk_share": 1},
    "--aggregate is 'sum': it is one of mean, vote, median.": {"aggregate": "sum"},
    "--class-weights is 'rare': it is one of none, balanced.": {"class_weights": "rare"},
    "--record is 'some': it is one of none, all, at-risk, regenerate.": {"record": "some"},
    "--record at-risk goes with --risk-rule: give a rule.": {"record": "at-risk"},
    "--update-codec goes with --record all or at-risk: no updates are kept otherwise.": {
        "update_codec": "int8"
    },
    "--record-budget is 0: it is at least 1.": {"record_budget": 0, "record": "all"},
    "--record-budget goes with --record all, and decides what --update-codec, --checkpoint-every "
    "and --checkpoint-budget would: leave these out.": {"record_budget": 9},
    "--update-codec is 'zip': it is one of float32, bfloat16, int8.": {
        "update_codec": "zip",
        "record": "all",
    },
}


@pytest.mark.parametrize("sentence, chosen", SENTENCES.items(), ids=SENTENCES)
def test_an_option_that_does_not_fit_is_named_as_python_does_and_as_the_command_does(
    sentence, chosen
):
    with pytest.raises(BadInput) as raised:
        TrainOptions(**chosen).validate()
    assert "--" not in str(raised.value)
    assert in_flags(str(raised.value), flags_for(train, train)) == sentence


@pytest.mark.parametrize("value", ["3", 3.0, True, None])
def test_a_number_of_another_type_is_refused(value):
    with pytest.raises(BadInput, match="`epochs` is .*: it is a whole number"):
        TrainOptions(epochs=value).validate()
