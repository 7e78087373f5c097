"""`unweave request elsewhere`: a request is filed in other workspaces, too, and stands so there.

It is what the desk does by itself while it serves several (`unweave serve HOME OTHER`).
"""

import sys
from pathlib import Path

import click

from lineage_store.errors import NothingFound
from unweave.commands.requests.serve import DEFAULT
from unweave.options.once import Once
from unweave.options.queue_commands import REQUEST
from unweave.options.shared import JSON, WORKSPACE
from unweave.text.printed import say, say_json


@click.command(cls=Once)
@WORKSPACE
@REQUEST
@click.argument("others", nargs=-1, required=True, type=click.Path(path_type=Path))
@JSON
def elsewhere(workspace: Path, request_id: str, others: tuple[Path, ...], as_json: bool) -> None:
    """File a request in other workspaces, too, and say how it stands in each.

    What was said of it since, a hold for one, is carried over. OTHERS are joined by it: a request
    that is open now or comes later is over once it is over in each. The desk answers for all of
    them at once: unweave serve WORKSPACE OTHERS. Ends with status 1 if one cannot be reached.
    """
    from unweave.web.process.bindings import bind
    from unweave.web.process.desk import Desk
    from unweave.web.several.joined_workspaces import joined_to
    from unweave.web.several.keeping_up import keep_up
    from unweave.web.several.part_states import parts_of

    desk = joined_to(Desk(root=workspace, binding=bind(DEFAULT)), others)
    failed = {one.place.number: one.why for one in keep_up(desk, request=request_id)}
    parts = parts_of(desk, request_id)
    if not parts:
        raise NothingFound(
            "The request is filed in no other workspace: of rows, or over, or taken back."
        )
    told = [
        {
            "workspace": one.place.name,
            "request": one.part,
            "state": None if one.told is None else one.told["state"],
            "done": one.is_done,
            "stops": failed.get(one.place.number) or one.stops,
        }
        for one in parts
    ]
    if as_json:
        say_json({"request": request_id, "done": all(one["done"] for one in told), "parts": told})
    else:
        for one in told:
            so = f"In {one['workspace']} it is {one['request']}, {one['state']}."
            say(str(one["stops"] or so))
    if failed or any(one.place.why for one in parts):
        sys.exit(1)
