"""The answers to traces and to the named questions as text for people."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lineage_store.counted import counted
from unweave.text.console import table_of
from unweave.text.metrics_lines import metrics_text

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
        f"{counted(answer['subjects'], 'subject')} today.",
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


def traced_subject(answer: Answer) -> list[Any]:
    """Show what a subject has touched."""
    table = table_of("model", "rows", "splits", "shards", "slices", "batches", "updates kept",
                  "checkpoints")  # fmt: skip
    for item in answer["models"]:
        table.add_row(
            item["model"],
            f"{item['rows']:,}",
            ", ".join(f"{n:,} {split}" for split, n in item["splits"].items()),
            ", ".join(map(str, item["shards"])) or "none",
            ", ".join(f"{s['shard']}/{s['slice']}" for s in item["slices"]) or "none",
            f"{len(item['batches']):,}",
            f"{item['updates_recorded']:,}",
            f"{len(item['checkpoints']):,}",
        )
    chains = [f"  {' -> '.join(item['why'])}" for item in answer["models"] if item["why"]]
    parts = [f"pseudonym {answer['pseudonym']}", table, "one chain to each model:", *chains]
    if answer["descendants"]:
        parts.append(f"trained from the weights of these: {', '.join(answer['descendants'])}")
    return parts


def exported(answer: Answer) -> list[Any]:
    """Show where what is held about a subject was written."""
    rows = counted(answer["rows"], "row of", "rows of")
    return [
        f"{rows} {', '.join(answer['models'])} written to {answer['out']}, which nobody but you "
        f"can read."
    ]


def traced_model(answer: Answer) -> list[Any]:
    """Show a model."""
    parts: list[Any] = [
        f"{answer['model_id']} is {answer['state']} ({answer['guarantee']}), "
        f"made {answer['created']}",
        f"  weights     {answer['weights']}",
        f"  rows        {answer['rows']:,}; evaluation {metrics_text(answer['metrics'])}",
        f"  family      {', '.join(answer['family'])}",
        *([f"  trained from {answer['base']}"] if answer["base"] else []),
    ]
    if answer["state"] != "live":
        return [*parts, f"  ended       {answer['ended']}"]
    table = table_of("shard", "rows", "stages", "checkpoints", "updates kept", "subtracted")
    for shard in answer["shards"]:
        kept = sum(stage["checkpoint"] is not None for stage in shard["stages"])
        table.add_row(
            str(shard["shard"]),
            f"{shard['rows']:,}",
            str(len(shard["stages"])),
            str(kept),
            f"{shard['updates_recorded']:,}",
            f"{shard['updates_subtracted']:,}",
        )
    return [*parts, f"  served from {answer['model_path']}", table]


def traced_batch(answer: Answer) -> list[Any]:
    """Show a batch."""
    step = answer["step"]
    return [
        f"{answer['model']}:{answer['batch']}: {counted(step['rows'], 'row')}, step "
        f"{step['position']} of its "
        f"shard, loss {step['loss']:.4f}, trained for {answer['trained_for']}",
        f"  row keys    {step['batch_digest']} (SHA-256 over the keys)",
        "  update      "
        + ("subtracted" if answer["update_subtracted"]
           else "recorded" if answer["update_recorded"] else "not recorded"),
        f"  in          {answer['update']}, {answer['next_checkpoint']}",
    ]  # fmt: skip


def traced_checkpoint(answer: Answer) -> list[Any]:
    """Show a checkpoint."""
    first, end = answer["positions"]
    served = "the model is served from it" if answer["serves"] else "it is on the way to the model"
    return [
        f"{answer['model']}:{answer['checkpoint']}: {counted(answer['steps'], 'step')} on "
        f"{counted(answer['rows'], 'row')}, trained for {answer['trained_for']}; {served}",
        f"  from        {answer['from_checkpoint'] or 'fresh weights'}",
        f"  positions   {first} to {end - 1}, {counted(answer['epochs'], 'epoch')} of "
        f"{counted(answer['batches'], 'batch', 'batches')}",
        f"  digest      {answer['digest']}",
        f"  next        {answer['next_checkpoint'] or 'none'}",
    ]


def traced_artifact(answer: Answer) -> list[Any]:
    """Show an artifact of MLMD."""
    table = table_of("direction", "type", "how many")
    for direction in ("upstream", "downstream"):
        for kind, count in sorted(answer[direction].items()):
            table.add_row(direction, kind, f"{count:,}")
    head = f"artifact {answer['id']}: {answer['type']}, {answer['state']}"
    return [head, *(f"  {k}: {v}" for k, v in answer["properties"].items()), table]


LINEAGE_VIEWS: dict[str, Callable[[Answer], list[Any]]] = {
    "traced_subject": traced_subject,
    "exported": exported,
    "traced_model": traced_model,
    "traced_batch": traced_batch,
    "traced_update": traced_batch,
    "traced_checkpoint": traced_checkpoint,
    "traced_artifact": traced_artifact,
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
