"""Where a name in the source leads: through imports, re-exports and packages to what defines it.

Source is read and never run, so that this costs no import of TensorFlow and can be asked of another
copy of the repository. A name ends in a definition of this repository, in one of its modules, or
outside of it, where its full name (`numpy.argsort`) is all that is told. What cannot be followed
raises NotReproducible: a star import, and a name that a module of the repository does not have.
"""

import ast
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lineage_store.errors import NotReproducible

FOLDERS = ("lineage_store", "unlearning", "components", "pipelines", "unweave")
ASSIGNED = (ast.Assign, ast.AnnAssign, ast.AugAssign)
COMPOUND = (ast.If, ast.Try, ast.With, ast.For, ast.While)


@dataclass(frozen=True)
class Defined:
    """A definition of this repository: a function, class or constant of a module."""

    module: str
    name: str


@dataclass(frozen=True)
class Outside:
    """A name of another library, or of Python's own."""

    name: str


@dataclass(frozen=True)
class InHouse:
    """A module of this repository."""

    name: str


Target = Defined | Outside | InHouse


@dataclass
class Module:
    """A parsed module: what binds each of its names, and the statements that bind none."""

    name: str
    path: Path
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    def knows(self, name: str) -> bool:
        """Say whether the module binds a name."""
        return name in self.imports or name in self.definitions


class Source:
    """The source of this repository under one folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return a module of this repository, None for one that is not of it."""
        if name not in self._modules:
            path = self._path(name)
            self._modules[name] = None if path is None else _parsed(name, path)
        return self._modules[name]

    def _path(self, name: str) -> Path | None:
        if name.partition(".")[0] not in FOLDERS:
            return None
        stem = self.top.joinpath(*name.split("."))
        candidates = (stem / "__init__.py", stem.with_suffix(".py"))
        return next((path for path in candidates if path.is_file()), None)

    def member(self, module: str, name: str) -> Target:
        """Return what a module's name leads to."""
        found = self.module(module)
        if found is not None and name in found.definitions:
            return Defined(module, name)
        if found is not None and name in found.imports:
            return self.imported(*found.imports[name])
        if self.module(f"{module}.{name}") is not None:
            return InHouse(f"{module}.{name}")
        if found is None:
            return Outside(f"{module}.{name}")
        raise NotReproducible(
            f"What {module}.{name} is cannot be read from the source: define it, or import it by "
            f"its name."
        )

    def imported(self, module: str, name: str | None) -> Target:
        """Return what an import leads to: a module, or a name of one."""
        if name is not None:
            return self.member(module, name)
        return Outside(module) if self.module(module) is None else InHouse(module)


def imports_of(statement: ast.stmt, package: str) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """Yield (name that is bound, (module, its name there or None)) of an import statement."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.asname:
                yield alias.asname, (alias.name, None)
            else:
                first = alias.name.partition(".")[0]
                yield first, (first, None)
    elif isinstance(statement, ast.ImportFrom):
        module = statement.module or ""
        if statement.level:
            parts = package.split(".")
            above = parts[: len(parts) - statement.level + 1]
            module = ".".join([*above, *([module] if module else [])])
        for alias in statement.names:
            if alias.name == "*":
                raise NotReproducible(
                    f"{package} imports all names of {module}: import them one by one, so that it "
                    f"can be read from the source what they are."
                )
            yield alias.asname or alias.name, (module, alias.name)


@functools.lru_cache(maxsize=512)
def _tree(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _parsed(name: str, path: Path) -> Module:
    module = Module(name, path)
    for statement in _tree(path, path.stat().st_mtime_ns).body:
        _bind(module, statement)
    return module


def _bind(module: Module, statement: ast.stmt) -> None:
    bound = set(_bound_by(statement))
    for inner in _imports_within(statement):
        module.imports.update(imports_of(inner, module.package))
    for name in bound:
        module.definitions.setdefault(name, []).append(statement)
    is_import = isinstance(statement, ast.Import | ast.ImportFrom)
    if not bound and not is_import and not says_nothing(statement) and not _only_imports(statement):
        module.effects.append(statement)


def _imports_within(statement: ast.stmt) -> Iterable[ast.stmt]:
    if isinstance(statement, COMPOUND):
        return [one for one in ast.walk(statement) if isinstance(one, ast.Import | ast.ImportFrom)]
    return [statement] if isinstance(statement, ast.Import | ast.ImportFrom) else []


def _bound_by(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a module's statement binds, but for its imports."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, (*ASSIGNED, *COMPOUND)):
        for inner in ast.walk(statement):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                yield inner.id
            elif inner is not statement and isinstance(inner, ast.FunctionDef | ast.ClassDef):
                yield inner.name


def _only_imports(statement: ast.stmt) -> bool:
    """Say whether it is an `if TYPE_CHECKING:` that only imports."""
    return isinstance(statement, ast.If) and all(
        isinstance(inner, ast.Import | ast.ImportFrom) for inner in statement.body
    )


def says_nothing(statement: ast.AST) -> bool:
    """Say whether a statement does nothing: a docstring, an ellipsis, `pass`."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)
