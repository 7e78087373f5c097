"""What the code that trains does, as one digest: no comment, path or import line is part of it.

From the functions that make a part of a model out of a source (`ROOTS`) names are followed, through
imports, to the definitions that they lead to: functions, classes and constants. `normal_form` says
how each is written down: a moved file, a renamed module or function, a docstring or an import line
change nothing there; a constant, an operator, a call, a default or another imported name does.

Attributes are looked up at run time. A method counts if anything that counts uses an attribute of
its name, and always if its name has double underscores or its class has a base from outside, which
may call it. What annotations name counts as well: it says which class a value may be of. An
attribute whose name is computed is not followed; code that is loaded at run time is refused.

Digests are refined together, as the colours of a graph are: first of each definition with empty
holes, then with the digests of the round before, until no two more can be told apart. So circles
need no order, and no name is needed to put definitions into one.
"""

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_store.errors import NotReproducible
from unlearning.fingerprint.normal_form import EFFECTS, Definition, Key, Writer
from unlearning.fingerprint.source_names import Defined, Source, says_nothing

TOP = Path(__file__).parents[__name__.count(".")]
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.keras_encoding.KerasEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.keras_learning.make.make_learner",
    "unlearning.families.keras_parts.run_of",
    "unlearning.training.stages.train_shard",
    "unlearning.keras_models.tabular.build_model",
    "unlearning.keras_models.tabular.adapt",
)


@dataclass(frozen=True)
class Function:
    """A function that the digest covers: where it stands, and what it is called there."""

    file: str
    name: str
    line: int


@dataclass(frozen=True)
class Fingerprint:
    """The digest, and the functions that it covers."""

    digest: str
    functions: tuple[Function, ...]


@functools.cache
def code_digest(roots: Sequence[str] = ROOTS) -> str:
    """Return the digest of what the code does on which a run's bits depend, from some roots on."""
    return fingerprint(TOP, roots).digest


@functools.cache
def fingerprint(top: Path, roots: Sequence[str] = ROOTS) -> Fingerprint:
    """Return the fingerprint of the repository in a folder."""
    source = _source(top)
    keys = [_root(source, root) for root in roots]
    found = _reached(source, keys)
    digests = _refined(found)
    whole = [*(digests[key] for key in keys), "", *sorted(digests.values())]
    return Fingerprint(_hash("\n".join(whole)), tuple(sorted(_functions(source, found), key=str)))


@functools.cache
def _source(top: Path) -> Source:
    """Return what is parsed of a repository: a run asks for the fingerprints of several roots."""
    return Source(top)


def _root(source: Source, root: str) -> Key:
    module, _, name = root.rpartition(".")
    target = source.member(module, name) if source.module(module) else None
    if not isinstance(target, Defined):
        raise NotReproducible(f"{root} is not in the source, and what trains begins there.")
    return target.module, target.name, ""


def _reached(source: Source, roots: Sequence[Key]) -> dict[Key, Definition]:
    """Return all definitions that count, by following names and attributes until none is new."""
    found: dict[Key, Definition] = {}
    waiting, used = list(roots), set[str]()
    while waiting:
        while waiting:
            key = waiting.pop()
            if key in found:
                continue
            module = source.module(key[0])
            assert module is not None
            found[key] = made = Writer(source, module).definition(key, found)
            used |= made.attributes
            waiting += [part for part in made.parts if isinstance(part, tuple)]
            waiting += [*made.hints, *_effects(source, key[0])]
        for (module_name, name, method), made in list(found.items()):
            if method:
                continue
            wanted = made.methods.keys() & used
            waiting += [key for one in wanted if (key := (module_name, name, one)) not in found]
    for (module_name, name, method), made in found.items():
        if not method:  # a class is what it is with the methods that count
            made.parts += [
                part
                for one in sorted(made.methods.keys() & used)
                for part in ("method", one, (module_name, name, one))
            ]
    return found


def _effects(source: Source, module: str) -> Iterator[Key]:
    """Yield what runs when a module is imported, and the packages around it."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        one = source.module(".".join(parts[:end]))
        if one is not None and one.effects:
            yield one.name, EFFECTS, ""


def _refined(found: Mapping[Key, Definition]) -> dict[Key, str]:
    """Return the digest of each definition, with those that it leads to in it."""
    digests = {key: "" for key in found}
    distinct = -1
    while len(set(digests.values())) > distinct:
        distinct = len(set(digests.values()))
        digests = {
            key: _hash(
                "\x1f".join(
                    [
                        *(part if isinstance(part, str) else digests[part] for part in made.parts),
                        "hints",
                        *sorted(digests[hint] for hint in made.hints),
                    ]
                )
            )
            for key, made in found.items()
        }
    return digests


def _functions(source: Source, found: Mapping[Key, Definition]) -> Iterator[Function]:
    for (module_name, _, _), made in found.items():
        module = source.module(module_name)
        assert module is not None
        for name, statement in made.functions:
            if not all(map(says_nothing, statement.body)):
                first = min(node.lineno for node in (statement, *statement.decorator_list))
                yield Function(str(module.path.relative_to(source.top)), name, first)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
