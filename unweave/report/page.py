"""A report as one HTML page that needs nothing else: no script, no network, no file beside it.

The first part is for whoever has to answer for the deletion and prints on one page; the second is
for whoever wants to see how it came about. The page is also XML, and the same report always gives
the same bytes. Every value goes through Jinja's autoescape; only the style and the drawings, which
escape what they hold, are put in as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from lineage_store.counted import counted
from unlearning.strategies import Decision
from unweave.report import numbers, words
from unweave.report.charts import Evaluation, histogram_chart, roc_chart
from unweave.report.picture import left_out, looks, picture
from unweave.report.values import Cost, ModelChange, Report

LOSS = "loss of an example"


@dataclass(frozen=True)
class ModelPart:
    """What the page shows of one model beside its values; `picture` is SVG."""

    change: ModelChange
    picture: Markup
    looks: tuple[tuple[str, str], ...]
    by_slice: bool
    left_out: int
    nearness: str
    shards: tuple[tuple[str, str, int, str], ...]
    timings: tuple[tuple[str, str, str], ...]


def page(report: Report, evaluation: Evaluation | None = None) -> bytes:
    """Return a report as a page; an evaluation, where there is one, gets a section of its own."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "counted": counted,
        "size": numbers.size,
        "moment": numbers.moment,
        "number": lambda value: f"{value:,}",
        "share": lambda part, whole: f"{part / whole if whole else 0.0:.1%}",
        "last": lambda kind: kind.rpartition(".")[2],
        "controls": words.controls,
    }
    folder = files("unweave.report")
    template = environment.from_string((folder / "report.html.j2").read_text(encoding="utf-8"))
    text = template.render(
        report=report,
        style=Markup((folder / "report.css").read_text(encoding="utf-8") + foot(report)),
        headline=words.headline(report),
        sections=tuple(_sections(report, evaluated=evaluation is not None)),
        models=tuple(_part(report, one) for one in report.models),
        charts=tuple(_all_charts(report, evaluation)),
        environment=words.environment_lines(report),
    )
    return text.encode("utf-8")


def foot(report: Report) -> str:
    """Return the style of the foot of each printed page: of what, by which certificate, which page.

    A browser that has no margin boxes prints no foot; Chromium has them since 131.
    """
    of = f"Deletion {report.request_id}, certificate {report.proof.certificate}"
    font = 'font: 6.5pt "Liberation Sans", Arial, sans-serif; color: #5b616a;'
    return (
        f'@page {{ @bottom-left {{ content: "{of}"; {font} }} '
        f'@bottom-right {{ content: "Page " counter(page) " of " counter(pages); {font} }} }}\n'
    )


def _sections(report: Report, *, evaluated: bool) -> Iterator[tuple[str, list[str]]]:
    yield "What was asked", words.what_was_asked(report)
    yield "What was found", words.what_was_found(report)
    yield "What was done", words.what_was_done(report)
    yield "What comes next", words.what_comes_next(report)
    yield "What this proves", words.proves(report)
    yield "What it does not prove", words.proves_not(report, evaluated=evaluated)


def _part(report: Report, one: ModelChange) -> ModelPart:
    return ModelPart(
        change=one,
        picture=Markup(picture(report, one)),
        looks=tuple(looks(one)),
        by_slice=one.cells > 1,
        left_out=left_out(one),
        nearness=words.nearness(one),
        shards=tuple(_shards(one.shards)),
        timings=tuple(_timings(one.cost)),
    )


def _shards(decisions: tuple[Decision, ...]) -> Iterator[tuple[str, str, int, str]]:
    """Yield shards, what is done with them, its steps, and why; those alike in one line."""
    alike: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        alike.setdefault((decision.verb, decision.why), []).append(decision)
    for (action, why), group in sorted(alike.items(), key=lambda item: item[1][0].shard):
        yield (
            _ranges([one.shard for one in group]),
            action,
            sum(one.steps_planned for one in group),
            why,
        )


def _ranges(numbers: list[int]) -> str:
    """Write rising numbers short: 0 to 2, 4."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" if len(run) > 2
        else f"{run[0]}, {run[1]}"
        for run in runs
    )  # fmt: skip


def _timings(cost: Cost) -> Iterator[tuple[str, str, str]]:
    """Yield the parts of what a run took, what was expected of each, and what it was."""
    took, expected = cost.timings, cost.expected
    if took is None:
        yield "in steps", "", f"{cost.seconds:.1f} s"
        return
    yield "building the model", "", f"{took.build + (took.trace if took.traced else 0.0):.1f} s"
    yield "the shards", "", f"{took.shards:.1f} s"
    yield "evaluation and export", "", f"{took.finish:.1f} s"
    yield "in all", f"{expected.seconds:.1f} s" if expected else "", f"{took.total:.1f} s"
    written = numbers.size(took.written)
    yield "written", numbers.size(expected.bytes) if expected else "", written


def _all_charts(report: Report, evaluation: Evaluation | None) -> Iterator[tuple[str, Markup]]:
    """Yield the charts of an evaluation that is given, and of each model that was judged."""
    if evaluation is not None:
        yield from _charts(evaluation)
    for one in report.models:
        if one.judged is not None and one.judged.charts is not None:
            for title, drawn in _charts(one.judged.charts):
                yield f"{title} ({one.before} to {one.after})", drawn


def _charts(evaluation: Evaluation) -> Iterator[tuple[str, Markup]]:
    if evaluation.curves:
        yield (
            "ROC curves of the attack, and the areas under them",
            Markup(roc_chart(evaluation.curves)),
        )
    if evaluation.histograms:
        yield (
            "How the losses of single examples are spread",
            Markup(histogram_chart(evaluation.histograms, unit=LOSS)),
        )
