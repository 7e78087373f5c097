"""The answers to the named questions as text for people."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unweave.text.console import table_of

Answer = dict[str, Any]


def properties(answer: Answer) -> list[Any]:
    """Show named values, one a line; those within others are indented."""
    table = table_of("", "")
    table.show_header = False
    for name, value in _flattened(answer):
        table.add_row(name, value)
    return [table]


def _flattened(answer: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    for name, value in answer.items():
        title = "  " * depth + name.replace("_", " ")
        if isinstance(value, Mapping):
            yield title, ""
            yield from _flattened(value, depth + 1)
        elif isinstance(value, list):
            yield title, ", ".join(map(str, value)) or "none"
        else:
            yield title, "none" if value is None else str(value)


def asked_pipeline(answer: Answer) -> list[Any]:
    """Show a pipeline's components and how they ended."""
    table = table_of("component", "state", "seconds", "execution")
    for item in answer["components"]:
        table.add_row(
            str(item["component"]), item["state"], f"{item['seconds']:.1f}", str(item["execution"])
        )
    return [f"{answer['model']} was made by {answer['pipeline']}.", table]


def asked_deployed(answer: Answer) -> list[Any]:
    """Show the versions of a family that were served."""
    table = table_of("version", "model", "from", "until", "guarantee")
    for item in answer["versions"]:
        until = item["until"] or "served"
        table.add_row(str(item["version"]), item["model"], item["from"], until, item["guarantee"])
    last = f"{answer['served']} is served" if answer["served"] else "nothing is served"
    return [f"Of the family {answer['family']} {last}; the last was {answer['last']}.", table]


def asked_failures(answer: Answer) -> list[Any]:
    """Show the runs that failed."""
    if not answer["failures"]:
        return ["No run failed."]
    return [
        f"{item['time']}  {item['run']}  {item['error']}: "
        + (item["message"] or "not unweave's own words, so they were not kept")
        for item in answer["failures"]
    ]


def asked_subjects(answer: Answer) -> list[Any]:
    """Show whose rows a model's data holds."""
    table = table_of("pseudonym", "rows")
    for pseudonym, rows in reversed(answer["rows_by_subject"].items()):
        table.add_row(pseudonym, f"{rows:,}")
    return [
        f"The data of {answer['model']} ({answer['state']}) holds rows of "
        f"{answer['subjects']:,} subjects today.",
        table,
    ]


def asked_models_of(answer: Answer) -> list[Any]:
    """Show which models a subject is or was in."""
    table = table_of("model", "state", "guarantee", "from", "until", "rows")
    for item in answer["models"]:
        rows = "not known any more" if item["rows"] is None else f"{item['rows']:,}"
        until = item["ended"] or ""
        table.add_row(item["model"], item["state"], item["guarantee"], item["created"], until, rows)
    if answer["forgotten"]:
        return [f"Forgotten on {answer['forgotten']} (request {answer['request']}).", table]
    return [table]


def asked_free(answer: Answer) -> list[Any]:
    """Show whether a model is free of all deleted rows."""
    word = {True: "is free of", False: "is NOT free of", None: "may hold some of"}
    head = f"{answer['model']} {word[answer['free']]} all deleted rows:"
    if answer["free"] is None:
        head = f"Whether {answer['model']} is free of all deleted rows is unknown, because"
    if answer["state"] != "live":
        head = f"{answer['model']} has ended; nothing holds all deleted rows:"
    return [
        head,
        *(f"  {reason}" for reason in answer["reasons"]),
    ]


QUERY_VIEWS: dict[str, Callable[[Answer], list[Any]]] = {
    "asked_data": properties,
    "asked_hyperparameters": properties,
    "asked_libraries": properties,
    "asked_pipeline": asked_pipeline,
    "asked_deployed": asked_deployed,
    "asked_failures": asked_failures,
    "asked_subjects": asked_subjects,
    "asked_models_of": asked_models_of,
    "asked_free": asked_free,
}
