"""What a model's module imports beyond keras, numpy, tensorflow and Python's own library.

The module's text is in its ledger; of what it imports there is only a digest. A Python file, or a
folder of them, is told by the bytes of all its files and of what these import; an installed
distribution by its version and the bytes of the imported package; what is unweave's own by its
fingerprint. What can be none of these (a compiled file of its own, a folder without `__init__.py`,
code that is loaded at run time) is refused by name when a model is trained. Nothing is imported to
find out.

What an installed package itself imports of others is not followed.
"""

import ast
import hashlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from lineage_store.errors import NotReproducible
from unlearning.fingerprint.code_fingerprint import TOP, fingerprint
from unlearning.fingerprint.source_names import FOLDERS

KNOWN = {"keras", "numpy", "tensorflow"}
LOADS = {"exec", "eval", "__import__", "importlib", "runpy"}
COMPUTES = {".py", ".so", ".pyd"}
ABSENT, UNKNOWN = "absent", "unknown"


def module_imports(text: str) -> dict[str, str]:
    """Return what stands for each thing that a module imports, by its name.

    What is not there is `absent`, and what nothing can stand for `UNKNOWN`.
    """
    found: dict[str, str] = {}
    waiting = list(imported_names(ast.parse(text)))
    while waiting:
        name = waiting.pop()
        if name.partition(".")[0] in FOLDERS:
            found[name] = _own(name)
            continue
        name = name.partition(".")[0]
        if name in found or name in KNOWN or name in sys.stdlib_module_names:
            continue
        files = _files(name)
        if isinstance(files, str):
            found[name] = files
            continue
        found[name] = _version(name, files[0]) + _digest(files)
        if not _is_installed(files[0]):
            for file in files:
                waiting += imported_names(ast.parse(file.read_bytes()))
    return dict(sorted(found.items()))


def must_be_followed(text: str, *, module: str) -> None:
    """Raise NotReproducible, naming it, for what a module imports and no digest can stand for."""
    for name, found in module_imports(text).items():
        if found == UNKNOWN:
            raise NotReproducible(
                f"The module {module} imports {name}, which is neither Python source nor an "
                f"installed package, so nothing could tell that it has changed: put what is needed "
                f"into a Python file, or install it."
            )
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name in sorted(LOADS & {*used, *(one.partition(".")[0] for one in imported_names(tree))}):
        raise NotReproducible(
            f"The module {module} uses {name}, by which code can be loaded that no fingerprint "
            f"covers: import what it needs by its name."
        )


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield the full names that a module imports; a relative import is of its own package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def library_names(text: str) -> list[str]:
    """Return the top names of what a module itself imports, in order."""
    return sorted({name.partition(".")[0] for name in imported_names(ast.parse(text))})


def _own(name: str) -> str:
    try:
        return fingerprint(TOP, (name,)).digest[:32]
    except NotReproducible:
        return UNKNOWN


def _files(name: str) -> list[Path] | str:
    """Return the files that a name is imported from, or what is in the way."""
    module = sys.modules.get(name)
    try:
        spec = getattr(module, "__spec__", None) or importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return ABSENT
    origin = Path(spec.origin) if spec.origin else None
    if origin is None or not origin.is_file():
        return UNKNOWN
    files = [origin]
    if spec.submodule_search_locations:
        files = sorted(p for p in origin.parent.rglob("*") if p.suffix in COMPUTES)
    if not _is_installed(origin) and any(file.suffix != ".py" for file in files):
        return UNKNOWN
    return files


def _is_installed(file: Path) -> bool:
    places = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    return any(file.is_relative_to(place) for place in places if place)


def _version(name: str, file: Path) -> str:
    if not _is_installed(file):
        return ""
    from importlib.metadata import packages_distributions, version

    own = packages_distributions().get(name, [])
    return "".join(f"{one} {version(one)} " for one in sorted(set(own)))


def _digest(files: list[Path]) -> str:
    # Not that of the first by name: a folder may stand before `__init__.py`.
    top, total = min(files, key=lambda file: len(file.parts)).parent, hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(top)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:32]
