"""Times functions of the program from outside, by wrapping them while they are watched."""

import functools
import time
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Adds up the wall seconds and the processor seconds that watched functions take."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def watch(
        self, owner: Any, function: str, name: str | Callable[..., str], *, once: bool = False
    ) -> None:
        """Wrap a function of a module or class; `name` may be told from its arguments.

        With `once` only the first call is timed, and the function is then put back.
        """
        original = getattr(owner, function)

        @functools.wraps(original)
        def timed(*arguments: Any, **options: Any) -> Any:
            if once:
                setattr(owner, function, original)
            began, cpu = time.perf_counter(), time.process_time()
            try:
                return original(*arguments, **options)
            finally:
                told = name if isinstance(name, str) else name(*arguments, **options)
                self.add(told, time.perf_counter() - began, time.process_time() - cpu)

        setattr(owner, function, timed)

    def add(self, name: str, seconds: float, cpu: float = 0.0) -> None:
        """Add to a time."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.cpu[name] = self.cpu.get(name, 0.0) + cpu

    def reset(self) -> None:
        """Start all times at nothing again; what is watched stays watched."""
        self.seconds, self.cpu = {}, {}
