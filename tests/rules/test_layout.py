"""The house keeps its order: what stands where, who may import whom, how large things may be.

All is read from the source with `ast`; nothing is imported. A rule returns what breaks it. Where
it has exceptions they stand in a table of their own, each with its reason; one that is no longer
needed fails its test, too.
"""

import ast
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]

# Each room imports only from those before it; a folder's own files stand under its bare name.
ROOMS = """
    lineage_store
    lineage_store/deadlines  lineage_store/own_files  lineage_store/rights
    lineage_store/keys  lineage_store/workspace  lineage_store/texts  lineage_store/sources
    lineage_store/data
    lineage_store/cells  lineage_store/examples  lineage_store/understood  lineage_store/rows
    lineage_store/ledger  lineage_store/log  lineage_store/index  lineage_store/requests
    lineage_store/processing
    lineage_store/graph  lineage_store/mlmd  lineage_store/doctor  lineage_store/questions

    unlearning
    unlearning/metrics  unlearning/fingerprint  unlearning/keras_models  unlearning/keras_learning
    unlearning/encoding  unlearning/whole_shards  unlearning/estimators
    unlearning/attacks  unlearning/training  unlearning/serving  unlearning/linear
    unlearning/bayes  unlearning/convex  unlearning/items  unlearning/forest  unlearning/clusters
    unlearning/families
    unlearning/poison  unlearning/strategies
    unlearning/planning  unlearning/fitting  unlearning/verification
    unlearning/evaluation  unlearning/erasure  unlearning/registry  unlearning/certificates
    unlearning/own_pipelines

    components  components/ingestion

    pipelines
    pipelines/definitions  pipelines/backends  pipelines/runs  pipelines/by_tasks

    unweave/answers  unweave/text  unweave/report  unweave/graphs
    unweave/session  unweave/letters  unweave/desk  unweave/exports
    unweave/api
    unweave/web/accounts  unweave/web/process  unweave/web/several  unweave/web/operations
    unweave/web/mail  unweave/web/live  unweave/web/pages  unweave/web/lineage  unweave/web/settings
    unweave/web/rights  unweave/web/api  unweave/web
    unweave/options  unweave/commands/requests  unweave/commands  unweave/demo  unweave/tfx
    unweave
""".split()  # noqa: SIM905
FOLDERS = list(dict.fromkeys(room.partition("/")[0] for room in ROOMS))
LEVELS = {room: level for level, room in enumerate(ROOMS)}

FILES_OF_A_ROOM = 15
LINES_OF_A_FILE = 400
PARAMETERS = 8
FLAT_PARAMETERS = (
    "components/",  # TFX wants them one by one
    "unweave/tfx/example_gate_component.py",  # likewise, in anybody's definition
    "unweave/commands/",  # so does click
    "unweave/options/",
    # What a person writes in a notebook is what the docs say and the command line takes: options by
    # name. A value around them would be a second API to learn; these make values of them.
    "unweave/api/project.py",
    "unweave/desk/request_queue.py",
    "unweave/desk/describing.py",
)
TENSORFLOW = (
    "unlearning/fingerprint/determinism.py",
    "unlearning/keras_learning/",
    "unlearning/keras_models/",
    "unlearning/encoding/encode_examples.py",
    "unlearning/encoding/gated_examples.py",
    "unlearning/serving/",
    "unlearning/whole_shards/pinned.py",
    "unlearning/evaluation/keras_outputs.py",
    "unweave/tfx/summed_analyzers.py",
    "unweave/tfx/summed_combiners.py",
    "unweave/tfx/build_model_run.py",
)
FRONT_DOOR = (
    "unweave/cli.py",
    "unweave/commands/",
    "unweave/options/",
    "unweave/text/",
    "unweave/demo/",
    "unweave/reference.py",
    "unweave/web/process/clerk.py",  # it starts commands
    "unweave/airflow.py",  # likewise
    "unweave/airflow_dags.py",
)
OTHER_MEANINGS = {  # what a family's name stands for besides
    ("lineage_store/ledger/train_options.py", "keras"),  # of a ledger of before there were families
    ("unlearning/fingerprint/environment.py", "keras"),  # the library
    ("unlearning/fingerprint/module_imports.py", "keras"),
}
VAGUE = {"util", "utils", "helper", "helpers", "manager", "managers", "misc", "common"}
FOREIGN_SIGNATURES = {  # who hands on whatever is given, since another's signature decides
    "unlearning/keras_models/seeds.py: draw",  # of Python's random numbers
    "unweave/airflow.py: __init__",  # of every operator: most of what it takes is Airflow's
    "unweave/airflow_dags.py: __init__",  # likewise
    "unweave/options/training.py: taking_options",  # click gives a command its options
    "unweave/options/reading.py: taking_reading",  # likewise
    "unweave/options/reading.py: taking_data",
    "unlearning/serving/joined_signatures.py: answer",  # as a served signature has them
    "lineage_store/ledger/train_options.py: option",  # the fields of `Option`, in each one's line
}
OTHER_PROGRAMS = (  # whose flags are not ours: Beam's runners, Chromium
    "unlearning/fitting/beam.py",
    "unlearning/fingerprint/devices.py",
    "unlearning/fitting/engines.py",
    "unweave/report/pdf.py",
)


@cache
def files():
    """All source files, as paths below the repository."""
    return sorted(
        str(path.relative_to(TOP)) for folder in FOLDERS for path in (TOP / folder).rglob("*.py")
    )


@cache
def tree(file):
    """The syntax tree of a file."""
    return ast.parse((TOP / file).read_text(encoding="utf-8"))


@cache
def nodes(file):
    """Return all nodes of a file's tree, which many rules look at."""
    return tuple(ast.walk(tree(file)))


def room_of(file):
    """The room that a file stands in."""
    return file.rpartition("/")[0]


@cache
def modules():
    """Which file each module is."""
    return {file[:-3].replace("/", ".").removesuffix(".__init__"): file for file in files()}


@cache
def imports(file):
    """What a file imports of the house, at its top or later: (module, name or None) each."""
    found = set()
    for node in nodes(file):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{file} imports relatively"
            if node.module.partition(".")[0] in FOLDERS:
                found |= {(node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in FOLDERS:
                    found.add((alias.name, None))
    return found


@cache
def surface(room):
    """The `__all__` of a package."""
    for node in tree(f"{room}/__init__.py").body:
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["__all__"]:
            return ast.literal_eval(node.value)
    return []


@cache
def table(room):
    """Which module of a room each of its public names comes from; what `__getattr__` looks in."""
    for node in nodes(f"{room}/__init__.py"):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "lazily":
            places = ast.literal_eval(node.args[1])
            return {name: module for module, names in places.items() for name in names}
    return {}


def imported_file(module, name):
    """The file that an import reads from: a module's, or where a room's public name comes from."""
    if f"{module}.{name}" in modules():
        return modules()[f"{module}.{name}"]
    file = modules()[module]
    if file.endswith("/__init__.py") and name in (places := table(room_of(file))):
        return modules()[f"{module}.{places[name]}"]
    return file


def strings(file):
    """Every string in a file, with those within f-strings."""
    for node in nodes(file):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def public_functions(file):
    """The public functions and methods of a file, and how each is called: (name, node)."""
    for node in tree(file).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def circles(graph):
    """The strongly connected parts of a graph that have more than one node."""
    order, seen = [], set()

    def visit(node, edges, into):
        stack = [(node, iter(sorted(edges[node])))]
        seen.add(node)
        while stack:
            at, following = stack[-1]
            for other in following:
                if other not in seen:
                    seen.add(other)
                    stack.append((other, iter(sorted(edges[other]))))
                    break
            else:
                stack.pop()
                into.append(at)

    for node in sorted(graph):
        if node not in seen:
            visit(node, graph, order)
    back = defaultdict(set)
    for node, others in graph.items():
        for other in others:
            back[other].add(node)
    seen.clear()
    found = []
    for node in reversed(order):
        if node not in seen:
            part = []
            visit(node, back, part)
            if len(part) > 1:
                found.append(sorted(part))
    return found


def unknown_rooms():
    return {room_of(file) for file in files()} - set(ROOMS)


def imports_upwards():
    return {
        f"{file}: {module}"
        for file in files()
        for module, name in imports(file)
        if not file.endswith("/__init__.py")
        if LEVELS[room_of(imported_file(module, name))] > LEVELS[room_of(file)]
    }


def circles_of_files():
    graph = {
        file: {imported_file(*one) for one in imports(file)} - {file}
        for file in files()
        if not file.endswith("/__init__.py")
    }
    for others in list(graph.values()):
        for other in others - graph.keys():
            graph[other] = set()
    return {" ".join(part) for part in circles(graph)}


def crowded_rooms():
    count = Counter(room_of(file) for file in files() if not file.endswith("/__init__.py"))
    return {room for room, number in count.items() if number > FILES_OF_A_ROOM}


def long_files():
    return {
        file
        for file in files()
        if len((TOP / file).read_text(encoding="utf-8").splitlines()) > LINES_OF_A_FILE
    }


def functions_of_many_parameters():
    found = set()
    for file in files():
        if file.startswith(FLAT_PARAMETERS):
            continue
        for name, node in public_functions(file):
            if node.name.startswith("_") and node.name != "__init__":
                continue
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if "." in name and given and given[0].arg in ("self", "cls"):
                del given[0]
            if len(given) > PARAMETERS:
                found.add(f"{file}: {name}")
    return found


def private_names_across_folders():
    found = set()
    for file in files():
        for module, name in imports(file):
            folder = file.partition("/")[0]
            if module.partition(".")[0] == folder:
                continue
            where = modules()[module]
            room = room_of(where)
            if where.endswith("/__init__.py"):
                public = name in surface(room) or (
                    room in FOLDERS and f"{module}.{name}" in modules()
                )
            elif room in FOLDERS:
                public = name is not None
            else:
                public = module.rpartition(".")[2] in surface(room)
            if not public or (name or "").startswith("_"):
                found.add(f"{file}: {module}.{name}")
    return found


def files_of_one_name():
    found = set()
    for folder in FOLDERS:
        places = defaultdict(list)
        for file in files():
            name = file.rpartition("/")[2]
            if file.startswith(f"{folder}/") and not name.startswith("__"):
                places[name].append(file)
        found |= {" ".join(same) for same in places.values() if len(same) > 1}
    return found


def classes_of_one_name():
    found = set()
    for folder in FOLDERS:
        places = defaultdict(list)
        for file in files():
            if file.startswith(f"{folder}/"):
                for node in tree(file).body:
                    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                        places[node.name].append(file)
        found |= {f"{name}: {' '.join(same)}" for name, same in places.items() if len(same) > 1}
    return found


def names_of_strategies_and_families():
    """Names that are registered, each with the file that defines it."""
    found = {}
    for file in files():
        if not file.startswith(("unlearning/strategies/", "unlearning/families/")):
            continue
        for node in tree(file).body:
            for inner in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, ast.Assign | ast.AnnAssign) and inner.value is not None:
                    target = inner.targets[0] if isinstance(inner, ast.Assign) else inner.target
                    if ast.unparse(target) == "name" and isinstance(inner.value, ast.Constant):
                        found[inner.value.value] = file
    return found


def vague_names():
    """Names of files, functions and classes that say that things belong together, and not why."""
    found = set()
    for file in files():
        names = [file.rpartition("/")[2].removesuffix(".py")]
        for node in nodes(file):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.append(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name))
        found |= {f"{file}: {name}" for name in names if VAGUE & {*name.lower().split("_")}}
    return found


def tunnels():
    """Functions that take whatever is given by name and hand it on: nobody reads what they take."""
    found = set()
    for file in files():
        for node in nodes(file):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg:
                name = node.args.kwarg.arg
                handed_on = any(
                    isinstance(one, ast.keyword)
                    and one.arg is None
                    and ast.unparse(one.value) == name
                    for one in ast.walk(node)
                )
                if handed_on and f"{file}: {node.name}" not in FOREIGN_SIGNATURES:
                    found.add(f"{file}: {node.name}")
    return found


def strategies_and_families_by_name():
    registries = (
        "unlearning/strategies/known_strategies.py",
        "unlearning/families/known_families.py",
    )
    known = names_of_strategies_and_families()
    assert "retrain-shards" in known
    return {
        f"{file}: {text}"
        for file in files()
        if file not in registries
        for text in strings(file)
        if known.get(text, file) != file and (file, text) not in OTHER_MEANINGS
    }


def flags_below_the_front_door():
    """All but the command line names an option as Python does (`unweave.text.flags`)."""
    return {
        f"{file}: {flag}"
        for file in files()
        if not file.startswith((*FRONT_DOOR, *OTHER_PROGRAMS))
        for text in strings(file)
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)
    }


def guarantees_compared_as_words():
    """Comparisons with a guarantee's word: what settles, and what is weaker, is said by `Claim`."""
    words = {"exact", "certified", "approximate", "trained"}
    return {
        f"{file}: {ast.unparse(node)}"
        for file in files()
        if file != "lineage_store/claim.py"
        for node in nodes(file)
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
        for constant in ast.walk(side)
        if isinstance(constant, ast.Constant) and constant.value in words
    }


def heavy_imports(wanted):
    """Each file that imports one of these libraries."""
    found = set()
    for file in files():
        for node in nodes(file):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            if {name.partition(".")[0] for name in names} & wanted:
                found.add(file)
    return found


def tfx_below_the_components():
    return {
        file
        for file in heavy_imports({"tfx"})
        if file.startswith(("lineage_store/", "unlearning/"))
    }


def tensorflow_elsewhere():
    return {f for f in heavy_imports({"tensorflow", "keras"}) if not f.startswith(TENSORFLOW)}


RULES = {
    rule.__name__: rule
    for rule in (
        unknown_rooms,
        imports_upwards,
        circles_of_files,
        crowded_rooms,
        long_files,
        functions_of_many_parameters,
        private_names_across_folders,
        files_of_one_name,
        classes_of_one_name,
        vague_names,
        tunnels,
        strategies_and_families_by_name,
        flags_below_the_front_door,
        guarantees_compared_as_words,
        tfx_below_the_components,
        tensorflow_elsewhere,
    )
}


EXCEPTIONS = {
    "functions_of_many_parameters": "FLAT_PARAMETERS",
    "tunnels": "FOREIGN_SIGNATURES",
    "strategies_and_families_by_name": "OTHER_MEANINGS",
    "flags_below_the_front_door": "OTHER_PROGRAMS",
    "tensorflow_elsewhere": "TENSORFLOW",
}


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps(rule):
    assert RULES[rule]() == set()


@pytest.mark.parametrize("rule, table", EXCEPTIONS.items())
def test_every_exception_is_needed_and_without_it_the_rule_finds_it(rule, table, monkeypatch):
    excepted = [": ".join(one) if isinstance(one, tuple) else one for one in globals()[table]]
    monkeypatch.setitem(globals(), table, ())
    found = RULES[rule]()
    assert [one for one in excepted if not any(it.startswith(one) for it in found)] == []


def test_the_order_holds_every_room_once():
    assert len(ROOMS) == len(LEVELS)
    assert all((TOP / room / "__init__.py").exists() for room in ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_the_public_names_of_a_room_are_said_once_and_the_same(room):
    """`__all__`, the table for later imports, and what type checkers see name the same things."""
    init = f"{room}/__init__.py"
    seen = {
        alias.asname or alias.name: module.rpartition(".")[2]
        for node in tree(init).body
        if isinstance(node, ast.If)
        for inner in node.body
        if isinstance(inner, ast.ImportFrom) and (module := inner.module)
        for alias in inner.names
    }
    if table(room):
        assert seen == table(room)
        of_modules = {name for name in surface(room) if name not in seen}
        assert of_modules <= {f.rpartition("/")[2][:-3] for f in files() if room_of(f) == room}
        assert seen.keys() <= set(surface(room))


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []
