"""Ids that a shell completes: of models, requests and deletions, and never of a person.

They are read from the workspace that the line names. Whatever is wrong with that, a line that is
being typed is no place to say so: then nothing is offered.
"""

import sqlite3
from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from lineage_store.errors import UnweaveError

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

LIVE_MODELS = "SELECT id, 'live' FROM models WHERE state = 'live' ORDER BY ordinal DESC"
REQUESTS = "SELECT id, coalesce(outcome, 'open') FROM queue ORDER BY ordinal DESC"
DELETIONS = "SELECT id, state FROM requests ORDER BY ordinal DESC"


def of(*questions: str) -> Complete:
    """Return what completes an id of some tables of the index, the newest first."""

    def complete(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
        from lineage_store.index import reading_index
        from lineage_store.workspace import open_workspace

        try:
            with reading_index(open_workspace(context.params["workspace"])) as connection:
                found = [row for one in questions for row in connection.execute(one)]
        except (UnweaveError, sqlite3.Error, OSError, KeyError):
            return []
        return [CompletionItem(id_, help=about) for id_, about in found if id_.startswith(begun)]

    return complete
