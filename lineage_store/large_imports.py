"""Imports of large libraries, which the garbage collector need not look through.

TensorFlow and TFX make hundreds of thousands of objects as they are imported, and all of them stay.
Python's collector looks through all that there is each time that it has grown by a quarter: while
they are imported, and again when a command reads much of anything.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def large_imports() -> Iterator[None]:
    """Collect no garbage while something is imported, and look through none of it afterwards.

    What this process has made before is not looked through any more, either.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
