"""`unweave audit`: is what the workspace says of its models true, and is what was deleted gone?"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from lineage_store.clock import machine_time, time_text
from lineage_store.counted import counted, of_them
from lineage_store.workspace import LastAudit, keep_last_audit
from unweave.options.once import Once
from unweave.options.shared import JSON, WORKSPACE, for_people, project_of
from unweave.text.answers import earlier_lines
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@click.option(
    "--replay",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Take N segments between checkpoints again, and compare the bits.",
)
@click.option("--seed", type=int, help="Draw the segments by this number; by default a new one.")
@click.option(
    "--head",
    type=click.Path(path_type=Path),
    help="A head of the event log that you kept: the log must still begin with it.",
)
@JSON
def audit(workspace: Path, replay: int, seed: int | None, head: Path | None, as_json: bool) -> None:
    """Check the log, the records, the files on disk and that nothing deleted came back.

    Ends with status 1 if anything is not as it should be.
    """
    with project_of(workspace, progress=bool(replay) and not as_json) as project:
        answer = for_people(project.audit(replay=replay, seed=seed, head=head))
        time = time_text(machine_time())
        keep_last_audit(workspace, LastAudit(time, len(answer["findings"])))
    if as_json:
        say_json(answer)
    else:
        for line in _lines(answer):
            say(line)
    if not answer["ok"]:
        sys.exit(1)


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    for one in answer["findings"]:
        yield f"{one['part']}, {one['where']}: {one['what']}"
    if answer["replay"] is not None:
        yield from _replayed(answer["replay"])
    if not answer["held_head"]:
        yield (
            "Without a head that you kept yourself (--head), a log that was rewritten as a whole "
            "is not found."
        )
    if answer["earlier"] is not None:
        yield from earlier_lines(answer["earlier"])
    found = len(answer["findings"])
    yield (
        f"{counted(found, 'finding')}."
        if found
        else f"Nothing found; {counted(answer['models'], 'live model')}."
    )


def _replayed(told: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{of_them(told['replayed'], told['segments'], 'segment')} taken again (--seed "
        f"{told['seed']}), "
        f"{counted(told['steps'], 'step')}, compared {told['compared']}."
    )
    if told["differs"]:
        yield (
            f"Bits cannot be compared here: other {', '.join(told['differs'])} than in training. "
            f"Losses and weights were compared within {told['tolerance']:.0%}."
        )
    if told["stages_without_rows"]:
        yield (
            f"{counted(told['stages_without_rows'], 'stage')} cannot be taken again: an "
            f"approximate deletion "
            f"took their rows."
        )
