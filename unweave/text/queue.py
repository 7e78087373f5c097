"""The answers of the request queue as text for people."""

import pwd
from collections.abc import Callable
from typing import Any

from lineage_store.claim import BITS
from lineage_store.counted import counted
from unweave.text.alike import alike_parts, not_compared
from unweave.text.answers import counts_text, forgotten, in_short
from unweave.text.answers import planned as planned_models
from unweave.text.console import console_for_people, table_of
from unweave.text.proofs import proof_lines, proofs

Answer = dict[str, Any]

WORDS = {
    "reason": "reason",
    "legal_basis": "legal basis",
    "requester": "requester",
    "verified_by": "verified by",
    "verified_how": "verified how",
    "added_by": "added by",
    "approved_by": "approved by",
    "hold_reason": "held because",
    "doubt": "doubted",
    "came_by": "came by",
    "fee": "fee",
    "fee_reason": "fee because",
}


def show(what: str, answer: Answer) -> None:
    """Print an answer on standard output."""
    console = console_for_people()
    for part in VIEWS[what](answer):
        console.print(part)


def added(answer: Answer) -> list[Any]:
    """Show a request that was added, and what it waits for."""
    head, *rest = changed(answer)
    if answer["duplicate"]:
        head = f"This is asked for already: {head}"
    return [head, *rest, *_near(answer), *not_compared(answer)]


def changed(answer: Answer) -> list[Any]:
    """Show a request that was changed."""
    head = f"{answer['request']} is {answer['state']}, due by {answer['deadline']}."
    return [head, *_restricted(answer), *answer["warnings"]]


def _restricted(answer: Answer) -> list[Any]:
    """Say what a restriction does and what it does not, as long as it lasts."""
    if answer["restricted_since"] is None or answer["ended"] is not None:
        return []
    sentences = ["No training takes the rows in, and nobody else's request deletes them."]
    if answer["state"] == "held":
        sentences.append(
            f"Nobody may end that, or take them out, until {answer['held_until']}: a hold."
        )
    if answer["lifts_on"]:
        sentences.append(f"It is lifted from {answer['lifts_on']} on: {answer['because']}.")
    if answer["taken_out"]:
        run = answer["taken_out"]
        sentences.append(f"{run} took the rows out of the models; they are kept here, sealed.")
    carried = ", ".join(
        f"{one['model']} ({counted(one['rows'], 'row')})" for one in answer["carried_by"]
    )
    if carried and answer["keep_rows"]:
        sentences.append(f"The next run takes them out of {carried}, and keeps them, sealed.")
    elif carried:
        sentences.append(
            f"Carried still by {carried}: `unweave request keep-rows {answer['request']}` has the "
            f"next run take them out, to be kept, sealed."
        )
    return sentences


def lifted(answer: Answer) -> list[Any]:
    """Show a restriction that was lifted, and where rows were put back."""
    lines = changed(answer)
    if "put_back" in answer:
        left = f"; {answer['rows_left_out']:,} are left out" if answer["rows_left_out"] else ""
        files = ", ".join([answer["put_back"], *answer.get("put_back_too", ())])
        lines.append(
            f"{counted(answer['rows'], 'row', 'rows')} in {files} (mode 600), to be trained "
            f"on{left}."
        )
    return lines


def _near(answer: Answer) -> list[Any]:
    parts = alike_parts(answer)
    if not parts:
        return []
    return [*parts, f"Say which are meant: unweave request answer {answer['request']} "
                    "--also NUMBER, or --only."]  # fmt: skip


def listed(answer: Answer) -> list[Any]:
    """Show requests as a table."""
    if not answer["requests"]:
        return ["No request waits."]
    table = table_of("request", "state", "of", "ids", "open", "due by", "guarantee", "run")
    for item in answer["requests"]:
        table.add_row(
            item["request"],
            item["state"],
            item["kind"] if item["right"] == "erasure" else item["right"],
            f"{item['ids']:,}",
            counted(item["days_open"], "day", "days"),
            item["deadline"] + (" (late)" if item["late"] or item["overdue"] else ""),
            item["guarantee"] or BITS.word,
            item["run"] or "",
        )
    return [table]


def shown(answer: Answer) -> list[Any]:
    """Show a request with all that it keeps."""
    what = f"{answer['ids']:,} {answer['kind']}{'' if answer['ids'] == 1 else 's'}"
    if answer["follows"]:
        what = f"the exact phase of {answer['follows']}"
    lines: list[Any] = [
        f"{answer['request']} ({what}) is {answer['state']}, asked {answer['created']}, due by "
        f"{answer['deadline']}",
        *_clock(answer),
    ]
    if answer["right"] != "erasure" or answer["ground"]:
        ground = f", on the ground of Article {answer['ground']}" if answer["ground"] else ""
        lines.append(f"  right        {answer['right']}{ground}")
    lines += [f"  {one}" for one in _restricted(answer)]
    lines += [f"  {one}" for one in answer.get("named", [])]
    lines += [f"  {text:<13}{answer[name]}" for name, text in WORDS.items() if answer.get(name)]
    if answer["held_until"]:
        lines.append(f"  held until   {answer['held_until']}")
    if answer["run"]:
        lines.append(f"  run          {answer['run']}")
    lines += proofs(answer)
    lines += [
        f"  {one['time'][:16]}  {one['what']}" + (f", by {one['by']}" if one["by"] else "")
        for one in answer["history"]
    ]
    lines += [
        f"  {one['name']}, a recipient: "
        + (f"told of the {one['what']} on {one['told']}" if one["told"] else "not told yet")
        for one in answer["to_tell"]
    ]
    lines += [
        f"  {one['name']}: "
        + (f"confirmed for {one['deletion']} on {one['told']}" if one["told"] else "not confirmed")
        for one in answer["to_confirm"]
    ]
    lines += [f"  was served   {served['pushed']}" for served in answer.get("recipients", [])]
    return lines + _near(answer)


def _clock(answer: Answer) -> list[str]:
    """Show what the law's clock says."""
    if answer["regime"] is None:
        return list(answer["warnings"])
    days = counted(answer["days_open"], "day", "days")
    law = f"  received     {answer['received']}, open for {days}; by {answer['regime']} due by "
    law += answer["due_by_law"]
    if answer["extended"]:
        law += f", extended because of {answer['extended']}"
    if answer["late"]:
        law += " (late)"
    stands = answer["stands_since"]
    return [law, *([f"  stands since {stands}"] if stands else []), *answer["warnings"]]


def taken_in(answer: Answer) -> list[Any]:
    """Show which files of the inbox were taken in."""
    lines = [f"accepted {one['file']}: {_names(one['requests'])}" for one in answer["accepted"]]
    lines += [f"refused {one['file']}: {one['why']}" for one in answer["refused"]]
    return lines or ["The inbox is empty."]


def _names(requests: list[Answer]) -> str:
    names = [r["request"] + (" (known already)" if r["duplicate"] else "") for r in requests]
    return ", ".join(names) if len(names) < 10 else f"{len(names):,} requests"


def policy(answer: Answer) -> list[Any]:
    """Show the rules for requests."""
    above = answer["approve_above"]
    lines = [
        "No request needs a second person."
        if above is None
        else f"A second person approves requests of more than {counted(above, 'id')}.",
        *_of_a_user(answer["approve_above_user"]),
        f"Time is counted by {answer['regime']}, from the day of receipt.",
        f"What is over stays registered for {counted(answer['register_years'], 'year', 'years')}.",
        *_own_days(answer["deadline_days"]),
        "What a detector files " + ("runs." if answer["detectors_run"] else "is a proposal."),
    ]
    for sender in answer["senders"]:
        who = f"signed by {sender['key']}"
        if sender["key"] is None:
            who = f"of {user_called(sender['uid'])}"
        lines.append(f"Files {who} are {'proposals' if sender['proposes'] else 'accepted'}.")
    return lines if answer["senders"] else [*lines, "The inbox accepts no file."]


def _of_a_user(above: int | None) -> list[str]:
    if above is None:
        return []
    return [
        f"So do they what one user adds beyond {counted(above, 'id')} a day, under whatever names."
    ]


def _own_days(days: int | None) -> list[str]:
    if days is None:
        return []
    return [f"A request is due in {counted(days, 'day', 'days')}, or by the law."]


def user_called(uid: int) -> str:
    """Say which user has a number, by name where this machine has one."""
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def _settled(answer: Answer) -> list[Any]:
    return [
        f"{one['request']}: {one['outcome']}"
        + (f", forgotten or made exact by {one['run']} before" if one["run"] else "")
        for one in answer["settled"]
    ]


def ran(answer: Answer) -> list[Any]:
    """Show what was run."""
    parts: list[Any] = []
    for run in answer["runs"]:
        parts += [f"{', '.join(run['requests'])} in one run:", *forgotten(run)]
        for name, own in run["certificates"].items():
            parts += [f"{name}:", *(line for one in own for line in proof_lines(one))]
        parts += [
            f"Replaced here, not confirmed at {one['name']}: unweave serving confirm "
            f"{one['number']} {one['deletion']}"
            for one in run["to_confirm"]
        ]
    parts += [f"{run} was finished." for run in answer["finished"]]
    parts += _settled(answer)
    for one in answer["waiting"]:
        parts.append(
            f"{one['request']} waits for {', '.join(one['for'])}, which restricts rows of it."
        )
    for one in answer["failed"]:
        parts.append(f"{', '.join(one['requests'])} failed: {one['error']}")
    parts = parts or ["No request is due."]
    if answer["left"]:
        parts.append(f"Left in the queue: {counts_text(answer['left'])}.")
    return parts


def planned(answer: Answer) -> list[Any]:
    """Show what would be run."""
    groups = answer["groups"]
    if not (groups or answer["settled"]):
        return ["No request is due."]
    nothing = sum(one["outcome"] == "nothing found" for one in answer["settled"])
    begun = in_short(groups, sum(len(group["requests"]) for group in groups), "request")
    parts: list[Any] = [begun.removesuffix(".") + f"; nothing found for {nothing:,}."]
    for group in groups:
        models = planned_models(group)[1:]  # which all begin with a sentence of their own
        parts += [f"{', '.join(group['requests'])} in one run:", *models]
    return [*parts, *_settled(answer)]


def written(answer: Answer) -> list[Any]:
    """Show what was written to be sent."""
    lines = [f"{answer['request']} is {answer['state']}; in {answer['out']} (mode 700) there are:"]
    lines += [f"  {name}" for name in answer["files"]]
    lines += answer["warnings"]
    if "before_sending" in answer:
        lines.append("Before it is sent, make sure of what unweave does not know:")
        lines += [f"  [ ] {what}" for what in answer["before_sending"]]
    return lines


def letters(answer: Answer) -> list[Any]:
    """Show what is kept of a request, and until when."""
    lines = []
    for one in answer["letters"]:
        sent = f", sent {one['sent']}" if one["sent"] else ""
        until = f"; kept until {one['until']}" if one["until"] else ""
        lines.append(
            f"{one['number']:>3}  {one['letter']:<16} written {one['written'][:10]}{sent}{until}"
        )
    lines += [f"They are written to {answer['out']} (mode 700)."] if answer["out"] else []
    return lines or [f"Nothing is kept of {answer['request']}."]


def in_calendar(answer: Answer) -> list[Any]:
    """Show where the calendar was written."""
    return [f"{counted(answer['requests'], 'day', 'days')} in {answer['out']} (mode 600)."]


def evidence(answer: Answer) -> list[Any]:
    """Show where evidence was written, and of what."""
    by = f", drawn by the seed {answer['seed']}" if "seed" in answer else ""
    found = "the audit found nothing" if answer["ok"] else "the audit found something: see in it"
    return [f"The evidence of {', '.join(answer['deletions'])}{by} is in {answer['out']}; {found}."]


def recipient(answer: Answer) -> list[Any]:
    """Show a recipient."""
    what = f"the models of the line {answer['line']}" if answer["line"] else "all models"
    until = f" to {answer['until']}" if answer["until"] else ""
    lines = [f"  told of {run} on {day}" for run, day in answer["told"].items()]
    return [f"{answer['number']}  {answer['name']}: {what}, since {answer['since']}{until}", *lines]


def recipients(answer: Answer) -> list[Any]:
    """Show all recipients, and who is still to be told of what."""
    lines = [line for one in answer["recipients"] for line in recipient(one)]
    lines += [
        f"not told yet: {one['name']} of the {one['what']} {one['deletion'] or one['request']}"
        for one in answer["to_tell"]
    ]
    return lines or ["No recipient was named."]


def places(answer: Answer) -> list[Any]:
    """Show all places that serve, and which deletion each has still to confirm."""
    lines = [line for one in answer["recipients"] for line in place(one)]
    lines += [f"not confirmed: {one['name']} of {one['deletion']}" for one in answer["to_tell"]]
    return lines or ["No place that serves was named."]


def place(answer: Answer) -> list[Any]:
    """Show a place that serves."""
    head, *lines = recipient(answer)
    return [head, *(line.replace("told of", "confirmed for") for line in lines)]


def described(answer: Answer) -> list[Any]:
    """Show who answers for the data."""
    names = (name for name in answer if name != "missing")
    lines = [f"{name:<15} {answer[name] or 'not described yet'}" for name in names]
    if answer["missing"]:
        lines.append(f"Missing (Article 30(1)): {', '.join(answer['missing'])}.")
    return lines


VIEWS: dict[str, Callable[[Answer], list[Any]]] = {
    "added": added,
    "changed": changed,
    "listed": listed,
    "shown": shown,
    "taken_in": taken_in,
    "policy": policy,
    "ran": ran,
    "planned": planned,
    "written": written,
    "lifted": lifted,
    "described": described,
    "evidence": evidence,
    "recipient": recipient,
    "recipients": recipients,
    "place": place,
    "places": places,
    "in_calendar": in_calendar,
    "letters": letters,
}
