"""`unweave doctor`: does what the index and MLMD say agree with the log and the disk?"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from lineage_store.counted import counted
from unweave.options.once import Once
from unweave.options.shared import JSON, WAIT, WORKSPACE
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@click.option("--repair", is_flag=True, help="Put right what can be made again.")
@click.option(
    "--rebuild", is_flag=True, help="Make ML Metadata anew from log and ledgers; --repair the rest."
)
@WAIT
@JSON
def doctor(workspace: Path, repair: bool, rebuild: bool, wait: int, as_json: bool) -> None:
    """Compare index and MLMD with ledgers, data and event log; tell or repair what differs.

    Ends with status 1 if something differs or could not be repaired.
    """
    from unweave.api.project import Project

    answer = Project(workspace, wait=wait).doctor(repair=repair, rebuild=rebuild)
    if as_json:
        say_json(answer)
    else:
        for line in _lines(answer):
            say(line)
    if not answer["ok"]:
        sys.exit(1)


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    found, left = answer["differences"], answer["left"]
    for one in found:
        note = " [put right]" if one["repaired"] else "" if one["repairable"] else " [no repair]"
        yield f"{one['where']}: {one['what']}{note}"
    if not found:
        yield "Nothing differs."
    elif answer["repair"]:
        yield f"{counted(len(found), 'difference')}, {len(found) - left} put right, {left} left."
    else:
        mends = sum(one["repairable"] for one in found)
        yield f"{counted(left, 'difference')}; `unweave doctor --repair` can put {mends} right."
