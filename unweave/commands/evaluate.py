"""`unweave evaluate`: judge an unlearned model, whoever's code unlearned it.

SavedModels and CSV files in, a verdict out. Exit status 1 if a check failed, or if
nothing can be told and the policy does not accept that; otherwise 0. Like `verify`, it needs no
workspace, and takes `--workspace` as every command does.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from lineage_store.sources import Reading, Source, open_source
from unweave.options.once import Once
from unweave.options.reading import reading_options
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json

MODEL = click.Path(path_type=Path, exists=True, file_okay=False)
ROWS = click.Path(path_type=Path)

Answer = Mapping[str, Any]

KINDS = ("untouched", "unlearned", "retrained")


@click.command(cls=Once)
@WORKSPACE
@click.option(
    "--before",
    required=True,
    multiple=True,
    type=MODEL,
    help="The SavedModel before unlearning; again for one of another seed.",
)
@click.option(
    "--after",
    required=True,
    multiple=True,
    type=MODEL,
    help="The SavedModel after unlearning; again for one of another seed.",
)
@click.option(
    "--retrained",
    multiple=True,
    type=MODEL,
    help="A SavedModel trained on data without the rows; again for one of another seed.",
)
@click.option("--forgotten", required=True, type=ROWS, help="A table of the forgotten rows.")
@click.option("--retained", required=True, type=ROWS, help="A table of rows that stayed.")
@click.option("--test", type=ROWS, help="A table of rows that no model was trained on.")
@reading_options
@click.option("--label", metavar="COL", help="The label column, if the models do not say it.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="What the one output of a Keras model is: a probability, or a number.",
)
@click.option("--policy", type=ROWS, help="What must hold, as JSON: see docs/verification.md.")
@JSON
def evaluate(
    workspace: Path,
    before: tuple[Path, ...],
    after: tuple[Path, ...],
    retrained: tuple[Path, ...],
    forgotten: Path,
    retained: Path,
    test: Path | None,
    reading: Reading,
    label: str | None,
    task: Any,
    policy: Path | None,
    as_json: bool,
) -> None:
    """Judge an unlearned model beside the untouched and a retrained one.

    The models are SavedModels, of unweave or of any other code. The verdict is passed, failed, or
    uninformative: then nothing here tells whether the rows are forgotten.
    """
    from unlearning.evaluation import ToEvaluate, read_evaluated, read_policy
    from unlearning.evaluation import evaluate as judge

    demanded = read_policy(policy)
    known = reading.knowing([label])
    rows: dict[Any, Source] = {
        "forgotten": open_source(forgotten, known),
        "retained": open_source(retained, known),
    }
    if test is not None:
        rows["test"] = open_source(test, known)
    given = ToEvaluate(
        models={"untouched": before, "unlearned": after, "retrained": retrained},
        rows=rows,
        label=label,
        task=task,
    )
    answer = judge(read_evaluated(given, demanded), demanded).to_json()
    if as_json:
        say_json({"ok": answer["accepted"], **answer})
    else:
        for line in evaluation_lines(answer):
            say(line)
    if not answer["accepted"]:
        sys.exit(1)


def evaluation_lines(answer: Answer) -> Iterator[str]:
    """Yield a verdict as text: the outcome, the ladder, the checks, the measures."""
    yield f"{answer['outcome'].upper()}: {answer['why']}."
    yield from answer["missing"]
    yield ""
    yield "The ladder, strongest rung first:"
    for rung in answer["rungs"]:
        mark = "*" if rung["name"] == answer["rung"] else " "
        outcome = rung["outcome"] or "does not apply"
        yield f"{mark} {rung['name']:<18} {outcome:<15} {rung['detail']}"
    yield ""
    yield "Checks:"
    for found in answer["findings"]:
        yield f"  {found['name']:<24} {found['role']:<9} {found['outcome']:<14} {found['detail']}"
    yield ""
    yield f"{'':<60}" + "".join(f"{kind:<24}" for kind in KINDS).rstrip()
    shown = [f["measure"] for f in answer["findings"] if f["measure"]] + answer["measures"]
    for measure in shown:
        name = measure["name"] + (f" ({measure['unit']})" if measure["unit"] else "")
        cells = [_cell(measure[kind]) for kind in KINDS]
        yield f"{name:<60}" + "".join(f"{cell:<24}" for cell in cells).rstrip()


def _cell(value: Mapping[str, float] | None) -> str:
    if value is None:
        return "none"
    if value["low"] == value["high"]:
        return f"{value['value']:.3g}"
    return f"{value['value']:.3g} [{value['low']:.3g}, {value['high']:.3g}]"
