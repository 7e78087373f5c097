"""Where text for people goes, and how its tables look."""

from rich.console import Console
from rich.table import Table

WIDTH = 120


def console_for_people(*, quiet: bool = False) -> Console:
    """Return a console as wide as the terminal, and wide enough for tables where there is none."""
    console = Console(highlight=False, quiet=quiet, soft_wrap=True)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def table_of(*columns: str) -> Table:
    """Return an empty table without lines around it."""
    return Table(*columns, box=None, pad_edge=False)
