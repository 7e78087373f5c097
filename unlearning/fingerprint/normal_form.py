"""A definition in normal form: what it does, and nothing of how it is written or where it stands.

It is the syntax tree without comments, docstrings, annotations, positions and what a `raise` says.
A name of this repository is a hole (its key), to be filled with what it leads to; any other name is
its full name (`keras.activations.relu`, however it was imported). A function's own name is no part
of it; those of classes, methods, parameters and fields are, since they are used at run time.
The form is the same on every Python that parses the source.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lineage_store.errors import NotReproducible
from unlearning.fingerprint.source_names import (
    Defined,
    InHouse,
    Module,
    Outside,
    Source,
    Target,
    imports_of,
    says_nothing,
)

# What runs source that it is given is called so: a model's module, whose text is in its ledger.
RUNS_SOURCE = "load_module"
LOADS_CODE = {"exec", "eval", "__import__", "importlib.import_module", "importlib.__import__"}
UNSAID = {"ctx", "kind", "type_comment", "type_params", "returns", "annotation"}
PLAIN_BASES = {"object", "typing.Protocol", "typing.NamedTuple", "Exception", "ValueError"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
EFFECTS = "(effects)"

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
Key = tuple[str, str, str]  # module, name, method or nothing
Scope = Mapping[str, Target | None]


@dataclass
class Definition:
    """A definition in normal form; a Key among its parts is a hole."""

    parts: list[str | Key] = field(default_factory=list)
    hints: set[Key] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    methods: dict[str, list[AnyFunction]] = field(default_factory=dict)
    functions: list[tuple[str, AnyFunction]] = field(default_factory=list)


def name_of(statement: ast.stmt) -> str:
    """Return the name of a function, nothing of any other statement."""
    return statement.name if isinstance(statement, FUNCTIONS) else ""


class Writer:
    """Writes one definition of a module in normal form."""

    def __init__(self, source: Source, module: Module) -> None:
        self.source, self.module = source, module
        self.made = Definition()
        self.scopes: list[Scope] = []
        self.own = ""

    def definition(self, key: Key, found: Mapping[Key, Definition]) -> Definition:
        """Write a definition, a method of a class, or the effects of a module."""
        _, self.own, method = key
        if method:
            statements: Sequence[ast.stmt] = found[key[0], self.own, ""].methods[method]
        elif self.own == EFFECTS:
            statements = self.module.effects
        else:
            statements = self.module.definitions[self.own]
        for statement in statements:
            if isinstance(statement, FUNCTIONS):
                name = f"{self.own}.{method}" if method else self.own
                self.made.functions.append((name, statement))
                self.function(statement, named=bool(method))
            elif isinstance(statement, ast.ClassDef):
                self.class_(statement, top=True)
            else:
                self.write(statement)
        return self.made

    def write(self, node: object) -> None:
        """Write a node, a list of nodes, or a value."""
        if isinstance(node, ast.AST):
            if not says_nothing(node):
                getattr(self, f"on_{type(node).__name__.lower()}", self.any_node)(node)
        elif isinstance(node, list):
            for item in node:
                self.write(item)
        else:
            self.say(f"{type(node).__name__} {node!r}")

    def say(self, *parts: str | Key) -> None:
        """Add parts."""
        self.made.parts += parts

    def any_node(self, node: ast.AST) -> None:
        """Write a node with the fields that say something."""
        self.say(f"({type(node).__name__}")
        for name, value in ast.iter_fields(node):
            if name not in UNSAID and value is not None and value != []:
                self.say(f"{name}:")
                self.write(value)
        self.say(")")

    # Names

    def look_up(self, name: str) -> Target | None:
        """Return what a name leads to; None for one of the function's own, or of Python's."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if self.module.knows(name):
            return self.source.member(self.module.name, name)
        return None

    def is_local(self, name: str) -> bool:
        """Say whether a name is the function's own."""
        return any(name in scope for scope in self.scopes)

    def on_name(self, node: ast.Name) -> None:
        """Write a name as what it leads to."""
        if not self.scopes and isinstance(node.ctx, ast.Store):
            self.say("own name" if node.id == self.own else "other name")
            return
        if isinstance(node.ctx, ast.Store) and not self.scopes[-1]:
            self.say(f"field {node.id}")
            return
        target = self.look_up(node.id)
        if target is None:
            if node.id in self.made.methods:
                self.made.attributes.add(node.id)  # by another name, in the body of its class
            if node.id in LOADS_CODE and not self.is_local(node.id):
                self.refuse(node.id)
            self.say(f"name {node.id}")
        else:
            self.lead_to(target)

    def on_attribute(self, node: ast.Attribute) -> None:
        """Write an attribute; one of a module is what it leads to."""
        target = self.of_module(node)
        if target is not None:
            self.lead_to(target)
            return
        self.made.attributes.add(node.attr)
        self.any_node(node)

    def of_module(self, node: ast.expr) -> Target | None:
        """Return what a dotted name leads to if it begins with a module."""
        if isinstance(node, ast.Name):
            return self.look_up(node.id)
        if not isinstance(node, ast.Attribute):
            return None
        base = self.of_module(node.value)
        if isinstance(base, Outside):
            return Outside(f"{base.name}.{node.attr}")
        return self.source.member(base.name, node.attr) if isinstance(base, InHouse) else None

    def lead_to(self, target: Target | None) -> None:
        """Write a hole, or the full name of what is outside."""
        if isinstance(target, Defined):
            self.say((target.module, target.name, ""))
        elif isinstance(target, Outside):
            if target.name in LOADS_CODE:
                self.refuse(target.name)
            self.say(f"outside {target.name}")
        elif isinstance(target, InHouse):
            raise NotReproducible(
                f"{self.module.name} hands the module {target.name} on as a value: name what is "
                f"used of it, so that it can be read from the source."
            )

    def refuse(self, name: str) -> None:
        """Refuse code that is loaded at run time."""
        if self.own != RUNS_SOURCE:
            raise NotReproducible(
                f"{self.module.name}.{self.own} loads code by {name}, which no fingerprint of the "
                f"source covers: import it by its name."
            )

    def on_call(self, node: ast.Call) -> None:
        """Write a call; one that asks for an attribute by a constant name uses it."""
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr", "attrgetter"):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    self.made.attributes.update(argument.value.split("."))
        self.any_node(node)

    # Statements that say less than they hold

    def on_raise(self, node: ast.Raise) -> None:
        """Write of an error its class alone: what it says to people decides no bit."""
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        target = None if error is None else self.of_module(error)
        self.say("(Raise")
        if isinstance(target, Outside) or self.is_class(target):
            self.lead_to(target)
        elif target is None and isinstance(error, ast.Name):
            self.say(f"name {error.id}")
        self.say(")")

    def is_class(self, target: Target | None) -> bool:
        """Say whether a name leads to a class of this repository."""
        module = self.source.module(target.module) if isinstance(target, Defined) else None
        return (
            module is not None
            and isinstance(target, Defined)
            and all(isinstance(one, ast.ClassDef) for one in module.definitions[target.name])
        )

    def on_annassign(self, node: ast.AnnAssign) -> None:
        """Write a field or variable without its annotation."""
        self.hint(node.annotation)
        self.say("(Assign")
        self.write(node.target)
        if node.value is not None:
            self.say("value:")
            self.write(node.value)
        self.say(")")

    def on_import(self, node: ast.stmt) -> None:
        """Write nothing: what an import binds is in the scope."""

    on_importfrom = on_import

    def hint(self, annotation: ast.expr | None) -> None:
        """Note what an annotation names."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        for node in () if annotation is None else ast.walk(annotation):
            if isinstance(node, ast.Name | ast.Attribute):
                target = self.of_module(node)
                if isinstance(target, Defined):
                    self.made.hints.add((target.module, target.name, ""))

    # Scopes

    def on_functiondef(self, node: ast.FunctionDef) -> None:
        """Write a function within another definition."""
        self.function(node, named=True)

    on_asyncfunctiondef = on_functiondef

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, *, named: bool) -> None:
        """Write a function, with its name if that is part of what it does."""
        self.say(f"({type(node).__name__}", *([node.name] if named else []))
        self.write(node.decorator_list)
        self.parameters(node.args)
        self.hint(node.returns)
        self.scopes.append(self.local_names(node.args, node.body))
        self.write(node.body)
        self.scopes.pop()
        self.say(")")

    def on_lambda(self, node: ast.Lambda) -> None:
        """Write a lambda."""
        self.say("(Lambda")
        self.parameters(node.args)
        self.scopes.append(self.local_names(node.args, []))
        self.write(node.body)
        self.scopes.pop()
        self.say(")")

    def parameters(self, arguments: ast.arguments) -> None:
        """Write parameters: kind, name and default."""
        for kind in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
            value = getattr(arguments, kind)
            for one in value if isinstance(value, list) else filter(None, [value]):
                self.hint(one.annotation)
                self.say(f"{kind} {one.arg}")
        self.write(arguments.defaults)
        for default in arguments.kw_defaults:
            self.say("keyword default")
            if default is not None:
                self.write(default)

    def local_names(self, arguments: ast.arguments, body: Sequence[ast.stmt]) -> Scope:
        """Return the names that are a function's own, and what its imports lead to."""
        parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        parameters += filter(None, [arguments.vararg, arguments.kwarg])
        names: dict[str, Target | None] = {one.arg: None for one in parameters}
        outer: set[str] = set()
        waiting: list[ast.AST] = list(body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, (module, attribute) in imports_of(node, self.module.package):
                    names[name] = self.source.imported(module, attribute)
                continue
            if isinstance(node, ast.Global | ast.Nonlocal):
                outer.update(node.names)
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                names.setdefault(node.name, None)
                continue
            if isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
                walrus = (one for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
                for one in walrus:
                    names.setdefault(one.target.id, None)
                continue
            bound = getattr(node, "name", None) or getattr(node, "rest", None)  # except, match
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound = node.id
            if isinstance(bound, str):
                names.setdefault(bound, None)
            waiting += ast.iter_child_nodes(node)
        return {name: target for name, target in names.items() if name not in outer}

    def comprehension(self, node: ast.AST) -> None:
        """Write a comprehension: its first iterable belongs to the scope around it."""
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self.say(f"({type(node).__name__}")
        self.write(generators[0].iter)
        bound = {
            name.id: None
            for one in generators
            for name in ast.walk(one.target)
            if isinstance(name, ast.Name)
        }
        self.scopes.append(bound)
        for number, one in enumerate(generators):
            self.say(f"for {one.is_async}")
            self.write([one.target, *([one.iter] if number else [])])
            self.say("if")
            self.write(one.ifs)
        for name in ("key", "value", "elt"):
            self.write(getattr(node, name, []))
        self.scopes.pop()
        self.say(")")

    on_listcomp = on_setcomp = on_dictcomp = on_generatorexp = comprehension

    def on_classdef(self, node: ast.ClassDef) -> None:
        """Write a class within another definition: whole."""
        self.class_(node, top=False)

    def class_(self, node: ast.ClassDef, *, top: bool) -> None:
        """Write a class; methods that count only where they are used are set apart."""
        self.say("(ClassDef", node.name)
        self.write(node.decorator_list)
        self.write(node.bases)
        self.write(node.keywords)
        apart = top and all(map(self.is_plain, node.bases))
        for statement in node.body if top else ():
            if isinstance(statement, FUNCTIONS):
                if apart and not statement.name.startswith("__"):
                    self.made.methods.setdefault(statement.name, []).append(statement)
                else:
                    self.made.functions.append((f"{node.name}.{statement.name}", statement))
        # A class's own names are attributes to its methods, so they hide nothing there.
        self.scopes.append({})
        for statement in node.body:
            if not top or name_of(statement) not in self.made.methods:
                self.write(statement)
        self.scopes.pop()
        self.say(")")

    def is_plain(self, base: ast.expr) -> bool:
        """Say whether a base calls no method that this repository does not call itself."""
        base = base.value if isinstance(base, ast.Subscript) else base
        target = self.of_module(base)
        if isinstance(target, Defined):
            module = self.source.module(target.module)
            assert module is not None
            classes = module.definitions[target.name]
            writer = Writer(self.source, module)
            return all(
                isinstance(one, ast.ClassDef) and all(map(writer.is_plain, one.bases))
                for one in classes
            )
        name = base.id if target is None and isinstance(base, ast.Name) else ""
        return (target.name if isinstance(target, Outside) else name) in PLAIN_BASES
