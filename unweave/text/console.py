"""Where text for people goes, and how its tables look."""

from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.style import Style
from rich.table import Column, Table
from rich.text import Text

from unweave.text.printed import visible

WIDTH = 120


class ConsoleForPeople(Console):
    """A console that shows every text as it is: no mark-up, no emoji, nothing that acts."""

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: HighlighterType | None = None,
    ) -> Text:
        """Return a line, or the cell of a table, as it may be shown."""
        shown = visible(text, encoding=self.encoding)
        return Text(shown, style=style, justify=justify, overflow=overflow)


def console_for_people(*, quiet: bool = False) -> Console:
    """Return a console as wide as the terminal, and wide enough for tables where there is none."""
    console = ConsoleForPeople(highlight=False, quiet=quiet, soft_wrap=True)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def table_of(*columns: str) -> Table:
    """Return an empty table without lines around it, whose cells lose nothing when it is narrow."""
    folding = (Column(name, overflow="fold") for name in columns)
    return Table(*folding, box=None, pad_edge=False)
