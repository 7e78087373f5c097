"""The answers as text for people: short, with the numbers of the run."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from rich.table import Table

from lineage_store.claim import claim_of
from lineage_store.counted import counted, of_them
from lineage_store.log import SAY_WHICH
from lineage_store.workspace import AtWork
from unweave.answers.costs import cost_lines
from unweave.text.alike import others
from unweave.text.console import console_for_people, table_of
from unweave.text.estimates import estimate_lines, estimate_table
from unweave.text.left_in import left_in_lines
from unweave.text.lineage_answers import LINEAGE_VIEWS
from unweave.text.metrics_lines import baseline_warning, border_line, metrics_text
from unweave.text.proofs import claim_text, verified

Answer = dict[str, Any]
THEIRS = "rows that are theirs, too"


def show(what: str, answer: Answer) -> None:
    """Print an answer on standard output."""
    console = console_for_people()
    for part in (*VIEWS[what](answer), *others(answer)):
        console.print(part)


def trained(answer: Answer) -> list[Any]:
    """Show a trained model."""
    return [
        f"Trained {answer['model_id']} ({answer['task'] or 'without a label'})"
        f"{_from(answer['config'].get('base'))} on "
        f"{counted(answer['rows_by_split']['train'], 'row')}: "
        f"{counted(answer['shards'], 'shard')}, {counted(answer['slices'], 'slice')}, "
        f"{in_steps(answer['steps'])}{answer['seconds']:.1f} s.",
        *border_line(answer),
        *(
            [
                f"{counted(answer['excluded'], 'row was', 'rows were')} kept out: of who was "
                f"forgotten, or is restricted."
            ]
            if answer["excluded"]
            else []
        ),
        f"  evaluation  {metrics_text(answer['metrics'])}",
        *baseline_warning(answer["metrics"]),
        f"  weights     {answer['weights']}",
        *_in_clear(answer),
        f"  served from {answer['model_path']}",
        *_kept(answer["config"]),
        *(
            ["To forget one of its rows exactly:", *cost_lines(answer["expected_cost"])]
            if "expected_cost" in answer
            else []
        ),
    ]


def _in_clear(answer: Answer) -> list[str]:
    """Show the digest of the weights, if it was asked for."""
    return [f"  digest      {answer['weights_digest']}"] if "weights_digest" in answer else []


def _kept(config: Mapping[str, Any]) -> list[str]:
    """Say what a storage budget was spent on, if there was one."""
    if "record_budget" not in config:
        return []
    if config["record"] == "all":
        what = f"the update of every step, as {config['update_codec']}"
    elif config["checkpoint_every"]:
        every = counted(config["checkpoint_every"], "step")
        what = f"a checkpoint every {every}, to compute updates again"
    else:
        what = "checkpoints at the ends of stages alone, to compute updates again"
    return [f"  keeps       {what}: that fits into {counted(config['record_budget'], 'byte')}"]


def in_steps(steps: int) -> str:
    """Say how many steps were taken, before what else is said; a family of sums takes none."""
    return f"{counted(steps, 'step')}, " if steps else ""


def _from(base: str | None) -> str:
    return "" if base is None else f" from the weights of {base}"


def planned(answer: Answer) -> list[Any]:
    """Show a plan as a table of shards and one of verdicts."""
    from unlearning.strategies import Exposure, strategy_of

    parts: list[Any] = [in_short([answer], answer["subjects"], answer["kind"])]
    if others := answer.get("others"):
        parts.append(f"{counted(others, 'other person loses', 'other people lose')} {THEIRS}.")
    for plan in answer["plans"]:
        parts.append(
            f"{plan['model_before']}: {counted(plan['rows_found'], 'row')} found; strategy "
            f"{plan['strategy']} ({plan['guarantee']}): {plan['why']}."
        )
        if full := plan["steps_full"]:  # a family of sums takes none
            most = "At most " if plan["early_stop"] else ""
            steps = of_them(plan["steps_planned"], full, "step")
            parts.append(f"{most}{steps} to compute ({plan['steps_planned'] / full:.1%}).")
        if "exposure" in plan:
            parts.append(f"{Exposure(**plan['exposure']).in_words()}.")
        parts += _later(plan.get("later"))
        shards = table_of(
            "shard", "action", "stages kept", "steps", "from the slice", "from nothing", "why"
        )
        costs = ("steps", "steps_from_slice", "steps_from_start")
        read = strategy_of(plan["strategy"]).read
        for item in plan["shards"]:
            anew = read(item).anew
            figures = [f"{item[k]:,}" if anew and k in item else "" for k in costs]
            shards.add_row(
                *(str(item[k]) for k in ("shard", "action", "kept_stages")), *figures, item["why"]
            )
        parts += [estimate_table(plan), shards, verdict_table(plan["verdicts"])]
    return [*parts, *left_in_lines(answer), "Nothing was changed."]


def in_short(planned_: list[Answer], number: int, what: str) -> str:
    """Say in one sentence what plans come to: of how many, rows, models, and about how long."""
    plans = [plan for one in planned_ for plan in one["plans"]]
    chosen = [
        one["seconds"]
        for plan in plans
        for one in plan["estimates"]
        if one["strategy"] == plan["strategy"] and one["seconds"] is not None
    ]
    rows = counted(sum(one["rows_found"] for one in planned_), "row")
    models_ = counted(len({plan["model_before"] for plan in plans}), "model")
    return f"{counted(number, what)}, {rows}, {models_}, about {_duration(sum(chosen))} to learn."


def _duration(seconds: float) -> str:
    if seconds < 90:
        return counted(max(1, round(seconds)), "second")
    return counted(round(seconds / 60), "minute")


def forgotten(answer: Answer) -> list[Any]:
    """Show what a deletion did."""
    parts: list[Any] = []
    for change in answer["models"]:
        after = change["model_after"] or "nothing (withdrawn)"
        parts.append(
            f"{change['model_before']} -> {after}: {counted(change['rows_found'], 'row')} "
            f"forgotten by "
            f"{change['strategy']}; the result is {guarantee_text(change)}."
        )
        if full := change["steps_full"]:
            parts.append(f"  recomputed  {of_them(change['steps_recomputed'], full, 'step')}")
        if change["reuse"]:
            parts.append(f"  taken over  {change['reuse']}")
        parts += estimate_lines(change)
        if change["base"]:
            parts.append(f"  starts from {change['base']}")
        parts += [f"  {label:<11} {text}" for label, text in change["told"].items()]
        if change["repair_epochs"]:
            parts.append(f"  repaired    for at most {counted(change['repair_epochs'], 'epoch')}")
        if change["learnt"] is False:
            parts.append("  not learnt from: no step of the training saw a row; all states stay")
        for check in change["checks"]:
            parts.append(f"  {check['outcome']:<13} {check['name']}")
        if change["evaluation"]:
            rung = change["evaluation"]["rung"]
            by = f"by {rung}" if rung else "nothing here tells"
            parts.append(f"  {change['evaluation']['outcome']:<13} evaluation of the result: {by}")
        parts += [f"  {line}" for line in _later(change["kept_for_later"])]
        if change["metrics_after"]:
            parts.append(f"  before      {metrics_text(change['metrics_before'])}")
            parts.append(f"  after       {metrics_text(change['metrics_after'])}")
            parts += baseline_warning(change["metrics_after"])
    if others := answer["others"]:
        parts.append(f"  {counted(others, 'other person', 'other people')} lost {THEIRS}")
    if answer["exact_by"]:
        parts.append(f"  an exact result is due by {answer['exact_by']}: unweave run-requests")
    parts += [
        f"  was served  {one['pushed']} ({one['model']}, from {one['from'][:10]}): tell whoever "
        f"took it from there"
        for one in answer["recipients"]
    ]
    parts += [
        f"  certificate {answer['certificate']}",
        f"  public key  {answer['public_key']}",
        f"  for people  unweave report {answer['request_id']}",
        f"Request {answer['request_id']} is done in {answer['seconds']:.1f} s.",
    ]
    return parts


def _later(kept: Mapping[str, Any] | None) -> list[str]:
    """Say what is kept to serve later requests, of a deletion that is approximate."""
    if kept is None:
        return []
    from unlearning.planning import Afterwards

    return [Afterwards.from_json(kept).in_words()]


def guarantee_text(change: Mapping[str, Any]) -> str:
    """Say what a result may be called, and how far it is from the twin if that was measured."""
    if "bridged" in change["claim"]:
        return f"not plainly exact, but {claim_text(change['claim'])}"
    if claim_of(change["guarantee"]).settles:
        word = change["guarantee"]
        return f"{word}, {change['basis']}" if change["basis"] else word
    return f"{change['guarantee']}: {change['closeness']}"


def verdict_table(verdicts: list[Mapping[str, Any]]) -> Table:
    """Return the verdicts as a table."""
    table = table_of("what", "how many", "verdict", "why")
    for item in verdicts:
        table.add_row(item["kind"], f"{item['count']:,}", item["verdict"], item["why"])
    return table


def models(answer: Answer) -> list[Any]:
    """Show the models, the newest first: those that live, or all of them, with these first."""
    named = any(item["name"] for item in answer["models"])
    # With names eight columns would lose something on a terminal of 80.
    first, last = (("name",), ()) if named else ((), ("weights",))
    table = table_of(*first, "model", "state", "guarantee", "rows", "evaluation", "made", *last)
    newest_first = [*reversed(answer["models"])]
    live = [item for item in newest_first if item["state"] == "live"]
    ended = [item for item in newest_first if item["state"] != "live"]
    shown = live + ended if answer["all"] or not live else live
    for item in sorted(shown, key=lambda item: item["served"] is not True) if named else shown:
        table.add_row(
            *([item["name"] or ""] if named else []),
            item["model_id"] + (f" (from {item['base']})" if item["base"] else ""),
            "superseded" if item["served"] is False else item["state"],
            item["guarantee"],
            f"{item['rows']:,}",
            re.split(r",| on | \(", metrics_text(item["metrics"]))[0],
            item["created"][:10],
            *([] if named else [item["weights"][:12]]),
        )
    left = len(newest_first) - len(shown)
    return [
        table,
        *([f"{counted(left, 'model has', 'models have')} ended: --all."] if left else []),
    ]


def names(answer: Answer) -> list[Any]:
    """Show names of models: which one is served under each, and what it is for."""
    lines = []
    for one in answer["names"]:
        served = one["model"] or "nothing any more"
        lines.append(
            f"{one['name']}: {served} is served, of {counted(len(one['versions']), 'version')}"
        )
        fields = ("purpose", "owner", "legal_basis", "retention")
        lines += [f"  {what.replace('_', ' '):<12} {one[what] or 'missing'}" for what in fields]
        lines += [
            f"  {version['model']:<12} is kept until {version['kept_until']}"
            for version in one["versions"]
            if version["kept_until"]
        ]
    return lines or ["No model has a name: unweave train --name, or unweave name."]


def status(answer: Answer) -> list[Any]:
    """Show how a workspace stands."""
    parts = [
        f"workspace {answer['workspace']} (key {answer['key_id']}), "
        f"{counted(answer['bytes'], 'byte')}",
        f"  models      {counts_text(answer['models'])}",
        f"  requests    {counts_text(answer['requests'])}",
        f"  queue       {counts_text(answer['queue'])}",
        f"  kept out    {counted(answer['excluded'], 'subject or row', 'subjects or rows')}",
        f"  event log   {counted(answer['event_log']['size'], 'event', 'events')}, root "
        f"{answer['event_log']['root']}",
    ]
    if answer["earlier"] is not None:
        parts += [f"  {line}" for line in earlier_lines(answer["earlier"])]
    parts += [f"  clock       {one['told']}: {SAY_WHICH}" for one in answer["clock_jumps"]]
    if answer["overdue"]:
        parts.append(f"  overdue     {', '.join(answer['overdue'])}: unweave run-requests")
    for item in answer["retention_over"]:
        what = "train it anew, or retire it" if item["served"] else "the next run ends it"
        parts.append(
            f"  retention   {item['name']} ({item['model']}) was to be kept until {item['until']}: "
            f"{what}"
        )
    for item in answer["derived"]:
        late = " (overdue)" if item["overdue"] else ""
        parts.append(
            f"  derived     {item['model']} ({item['guarantee']}) keeps derived updates until "
            f"{item['until']}{late}"
        )
    if (worker := answer["at_work"]) is not None:
        what = ", ".join(answer["running"]) or "a command"
        parts.append(f"  running     {what}: {AtWork(**worker).in_words()}")
    if answer["unfinished"]:
        parts.append(
            f"  unfinished  {', '.join(answer['unfinished'])}: run the same command again to finish"
        )
    return parts


def earlier_lines(entry: Mapping[str, Any]) -> list[str]:
    """Say what an earlier unweave published, and what to do about it."""
    return [f"Here stays {entry['what']}.", f"To be rid of it, {entry['how']}."]


def predicted(answer: Answer) -> list[Any]:
    """Show predictions as CSV."""
    from unweave.text.predictions import answer_lines  # NumPy is for who predicts alone

    return list(answer_lines(answer))


def predicted_to(answer: Answer) -> list[Any]:
    """Show where predictions were written."""
    return [
        f"{counted(answer['rows_written'], 'row is', 'rows are')} written to {answer['out']} "
        f"(mode 600)."
    ]


def counts_text(counts: Mapping[str, int]) -> str:
    """Return counts by state as one line."""
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"


def opened(answer: Answer) -> list[Any]:
    """Say which run was left open, and what runs it."""
    models_ = f", which replaces {', '.join(answer['replaced'])}" if answer["replaced"] else ""
    return [
        f"The run {answer['run']}{models_} is open: unweave component NAME --run {answer['run']}."
    ]


def component(answer: Answer) -> list[Any]:
    """Say what became of a component."""
    return [f"{answer['component']} of {answer['run']}: {answer['outcome']}."]


VIEWS: dict[str, Callable[[Answer], list[Any]]] = {
    "opened": opened,
    "component": component,
    "trained": trained,
    "planned": planned,
    "forgotten": forgotten,
    "models": models,
    "names": names,
    "retired": lambda answer: [f"{', '.join(answer['retired'])} retired, and erased."],
    "status": status,
    "verified": verified,
    "predicted": predicted,
    "predicted_to": predicted_to,
    **LINEAGE_VIEWS,
}
