"""Public names of a room, each imported from its own file when it is first asked for.

A room's `__init__.py` says what others may use of it. Imported at once, one name would load every
file of the room, and what those import; reading commands must start fast.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazily(package: str, places: Mapping[str, Sequence[str]]) -> Callable[[str], object]:
    """Return the `__getattr__` of a package, by the public names in each of its modules."""
    homes = {name: module for module, names in places.items() for name in names}

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return get
