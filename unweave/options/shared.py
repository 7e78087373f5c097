"""What commands have in common: options, the project they open, and how they show an answer.

Also the flags of all options by their names in Python, as `text.flags` takes them: each command
declares its own, and nothing is written twice.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from unweave.text.flags import answer_in_flags
from unweave.text.printed import say, say_json

WORKSPACE = click.option(
    "--workspace",
    is_eager=True,  # what is completed after it is read from there
    type=click.Path(path_type=Path),
    default=Path("workspace"),
    show_default=True,
    help="The folder of the workspace.",
)
WORKERS = click.option(
    "--workers", type=int, help="Train as many shards at a time, in processes of their own."
)
BEAM_ARGS = click.option(
    "--beam-args", help="Train the shards on a Beam runner, by these options: see docs/parallel.md."
)
WAIT = click.option(
    "--wait",
    type=click.IntRange(0, 1_000_000),
    default=0,
    metavar="SECONDS",
    help="If the workspace is in use, wait so long for it at most; else the exit status is 75.",
)
AS_TASKS = click.option(
    "--as-tasks",
    is_flag=True,
    help="End once the data are through the gate: unweave component runs the rest, one by one.",
)
REVEAL = click.option(
    "--reveal", is_flag=True, help="Show digests of weights in the clear: they answer guesses."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@contextmanager
def project_of(
    workspace: Path,
    *,
    progress: bool = True,
    workers: int | None = None,
    beam_args: str | None = None,
    wait: float = 0,
    reveal: bool = False,
    as_tasks: bool = False,
) -> Iterator[Any]:
    """Open a project, with progress bars on a terminal unless its command only reads."""
    from unweave.api.project import Project

    if not progress:
        yield Project(workspace, wait=wait, reveal=reveal)
        return
    from unweave.text.progress_bars import progress_bars

    with progress_bars() as listener:
        yield Project(
            workspace,
            listener=listener,
            workers=workers,
            beam_args=beam_args,
            wait=wait,
            reveal=reveal,
            backend=_leaving_open() if as_tasks else None,
        )


def _leaving_open() -> Any:
    from pipelines.by_tasks import TasksBackend

    return TasksBackend()


def asked_for(arguments: Sequence[str], commands: click.Command) -> click.Command:
    """Return the command that arguments name, of a group of commands."""
    for name in arguments:
        if not isinstance(commands, click.Group) or name not in commands.commands:
            break
        commands = commands.commands[name]
    return commands


def workspace_of(arguments: Sequence[str], *, default: str = "workspace") -> Path:
    """Return the workspace that a command line names; it may not even have been read."""
    for name, value in zip(arguments, (*arguments[1:], ""), strict=True):
        if name == "--workspace":
            return Path(value)
        if name.startswith("--workspace="):
            return Path(name.partition("=")[2])
    return Path(default)


def must_be_utf8(arguments: Sequence[str]) -> str | None:
    """Say which argument is no text in UTF-8, as bytes of other encodings are; None if all are."""
    for number, one in enumerate(arguments, start=1):
        try:
            one.encode("utf-8")
        except UnicodeEncodeError:
            return (
                f"Argument {number} is not text in UTF-8: write ids as they stand in the data, and "
                f"give files and folders names in UTF-8."
            )
    return None


def flags_for(command: click.Command, commands: click.Command) -> Mapping[str, str]:
    """Return the flag of every option by its name in Python, and by the flag's own words.

    Where two commands call one otherwise, it is as `command` calls it, or else as the first does.
    """
    found: dict[str, str] = {}
    options = [
        (option.name, max(option.opts, key=len))
        for one in (command, *_all_of(commands))
        for option in one.params
        if isinstance(option, click.Option) and option.name
    ]
    spelled = [(flag.strip("-").replace("-", "_"), flag) for _, flag in options]
    for name, flag in (*options, *spelled):
        found.setdefault(name, flag)
    return found


def _all_of(command: click.Command) -> Iterator[click.Command]:
    yield command
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _all_of(one)


def for_people(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the command that runs, if one does, with flags in its sentences."""
    context = click.get_current_context(silent=True)
    if context is None:
        return answer
    flags = flags_for(context.command, context.find_root().command)
    in_flags: dict[str, Any] = answer_in_flags(answer, flags)
    return in_flags


def spelled_for_a_terminal(
    answer: dict[str, Any], as_json: bool, spellings: Callable[[], dict[int, str]]
) -> dict[str, Any]:
    """Return what an answer says besides on a terminal: how ids that look alike are spelled."""
    if as_json or not answer.get("alike") or not sys.stdout.isatty():
        return {}
    return {"spellings": spellings()}


def show(answer: dict[str, Any], as_json: bool, what: str) -> None:
    """Print an answer as JSON, or as text of its kind; its warnings go to standard error too."""
    answer = for_people(answer)
    for warning in answer.get("warnings", ()):
        say(f"Warning: {warning}", err=True)
    if as_json:
        say_json(answer)
        return
    from unweave.text import answers as text

    text.show(what, answer)
