"""A session: a workspace, and by what clock, on which backend and engine it is worked on.

The parts of the Python API share one, and know nothing of each other. What is heavy to import is
imported when it is asked for.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

from lineage_store.clock import machine_time, time_text
from lineage_store.disk_full import translated
from lineage_store.errors import BadInput, MetadataLost
from lineage_store.index import read_index, reading_index
from lineage_store.progress import Listener, listening
from lineage_store.workspace import Connection, Workspace, open_workspace, working, writing
from unweave.session.version import installed_version

if TYPE_CHECKING:
    from lineage_store.understood import Understanding
    from pipelines.jobs import Backend, Command
    from unlearning.fitting import ShardEngine

Now = Callable[[], datetime]


def nobody(what: str, done: int, total: int) -> None:
    """Listen to no progress."""


def both(one: Listener, other: Listener) -> Listener:
    """Return what tells two listeners."""

    def tell(what: str, done: int, total: int) -> None:
        one(what, done, total)
        other(what, done, total)

    return tell


def to_nobody(understanding: "Understanding") -> None:
    """Tell nobody what was understood of a table."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """What all that is done with one workspace has in common; `root` is its folder.

    Without a `chosen` backend jobs run as TFX pipelines. `workers` processes train shards at a
    time, or the runner that `beam_args` name. With `reveal`, answers have digests in the clear.
    A workspace that is in use is waited for, `wait` seconds at most.
    """

    root: Path
    now: Now = machine_time
    listener: Listener = nobody
    chosen: "Backend | None" = None
    workers: int | None = None
    beam_args: str | None = None
    reveal: bool = False
    wait: float = 0

    @property
    def time(self) -> str:
        """The time, in whole seconds."""
        return time_text(self.now())

    @property
    def today(self) -> str:
        """The day."""
        return self.time[:10]

    @cached_property
    def backend(self) -> "Backend":
        """Who executes jobs."""
        if self.chosen is not None:
            return self.chosen
        from pipelines.backends import TfxBackend

        return TfxBackend()

    @property
    def leaves_open(self) -> bool:
        """Whether a run's components are left to an orchestrator."""
        if self.chosen is None:
            return False
        from pipelines.by_tasks import TasksBackend

        return isinstance(self.chosen, TasksBackend)

    @cached_property
    def engine(self) -> "ShardEngine | None":
        """Who carries out shards, if that was asked for; raises BadInput for what contradicts."""
        if self.workers is None and self.beam_args is None:
            return None
        if self.leaves_open:
            raise BadInput(
                "By tasks each component is one process: leave out `workers` and `beam_args`."
            )
        from unlearning.fitting import engine_of

        return engine_of(workers_wanted=self.workers, beam_args=self.beam_args)

    def command(self) -> "Command":
        """Return what the runs that begin now are part of; raises what `engine` does."""
        from pipelines.jobs import Command

        return Command(
            clock=lambda: self.time,
            version=installed_version(),
            backend=self.backend,
            engine=self.engine,
            reveal=self.reveal,
        )

    def workspace(self) -> Workspace:
        """Open the workspace."""
        return open_workspace(self.root)

    @contextmanager
    def aside(self) -> Iterator["Session"]:
        """Yield a session that leaves no workspace where there is none: it has one for a while."""
        if self.root.exists():
            yield self
            return
        with TemporaryDirectory(prefix="unweave-") as folder:
            yield replace(self, root=Path(folder) / "workspace")

    @contextmanager
    def reading(self) -> Iterator[tuple[Workspace, sqlite3.Connection]]:
        """Open the workspace and its index, to read."""
        workspace = self.workspace()
        with translated():  # SQLite wants some room to read, too
            connection = read_index(workspace.index_file)
        with closing(connection):
            yield workspace, connection

    @contextmanager
    def running(
        self,
        *,
        create: bool = False,
        key_file: Path | None = None,
        metadata: Connection | None = None,
    ) -> Iterator[tuple[Workspace, list[str]]]:
        """Hold the workspace for a run, once what killed commands left is finished (its ids)."""
        with (
            translated(),
            self.holding(create=create, key_file=key_file, metadata=metadata) as workspace,
            working(workspace.root, since=self.time, clock=monotonic) as tell,
            listening(both(self.listener, tell)),
        ):
            finished = self._finish_killed(workspace)
            self._end_holds(workspace)
            self._end_register(workspace)
            self._end_retention(workspace)
            yield workspace, finished

    def holding(
        self,
        *,
        create: bool = False,
        key_file: Path | None = None,
        metadata: Connection | None = None,
    ) -> AbstractContextManager[Workspace]:
        """Hold the workspace for writing."""
        return writing(
            self.root, create=create, key_file=key_file, metadata=metadata, wait=self.wait
        )

    def _end_holds(self, workspace: Workspace) -> None:
        """Log the holds whose last day has passed, and restrict what they kept back."""
        from lineage_store.index import logging_events, queue_changes

        if not workspace.index_file.exists():
            return
        with reading_index(workspace) as connection:
            if not queue_changes.holds_to_end(connection, today=self.today):
                return
        with logging_events(workspace) as log:
            for request in queue_changes.holds_to_end(log, today=self.today):
                queue_changes.end_hold(log, request, time=self.time)
        from pipelines.runs import restrict_waiting

        restrict_waiting(workspace, time=self.time)

    def _end_register(self, workspace: Workspace) -> None:
        """Erase letters 30 days after they were sent, and what the policy keeps no longer."""
        from lineage_store.index import logging_events
        from lineage_store.requests import (
            are_over,
            end_letters,
            end_register,
            has_ended,
            load_policy,
            years_before,
        )

        if not workspace.index_file.exists():
            return
        before = years_before(self.today, load_policy(workspace).register_years)
        with reading_index(workspace) as connection:
            over = are_over(connection, today=self.today)
            if not (over or has_ended(connection, before=before)):
                return
        with logging_events(workspace) as log:
            end_letters(log, today=self.today)
            end_register(log, before=before, time=self.time)

    def _end_retention(self, workspace: Workspace) -> None:
        """End the superseded versions of named models whose time is over, but what is restricted.

        Where the names cannot be read, none is known to be over: whoever asks for them is told.
        """
        from lineage_store.processing import kept_until, load_named

        over = False
        if not workspace.index_file.exists():
            return
        with suppress(BadInput), reading_index(workspace) as connection:
            kept = kept_until(connection, load_named(workspace)).values()
            if not any(one.is_over(self.today) and not one.served for one in kept):
                return
            from pipelines.runs import restricted_rows

            restricted = restricted_rows(connection, workspace).rows
            over = True
        if over:
            from lineage_store.index import sign_log
            from unlearning.erasure import retire_over

            spare = [model for model, rows in restricted.items() if rows]
            mark = self.backend.record_retirement
            retire_over(workspace, spare=spare, mark=mark, time=self.time)
            sign_log(workspace)

    def _finish_killed(self, workspace: Workspace) -> list[str]:
        """Do what killed commands did not get to; return the requests that are finished by it."""
        from pipelines.runs import sweep, take_back_interrupted
        from unlearning.erasure import finish_retired

        if not workspace.index_file.exists():
            return []
        try:
            self.backend.catch_up(workspace)
        except MetadataLost as error:  # which the doctor makes again once no deletion is under way
            if not take_back_interrupted(workspace, time=self.time):
                raise
            raise MetadataLost(
                f"{error} What was interrupted is taken back: run it again."
            ) from None
        finish_retired(workspace, mark=self.backend.record_retirement)
        return sweep(workspace, today=self.today)
