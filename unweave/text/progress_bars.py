"""Progress bars for what takes long, on standard error and only on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lineage_store.progress import Listener


@contextmanager
def progress_bars() -> Iterator[Listener]:
    """Yield a listener that draws one bar for each kind of work it is told of."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:>12}"), BarColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        pipeline = progress.add_task("working", total=None)

        def listener(what: str, done: int, total: int) -> None:
            if not total:
                progress.update(pipeline, description=what)
                return
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
                progress.update(pipeline, description="working")
            progress.update(tasks[what], completed=done, total=total)

        yield listener
