"""The picture of a lineage: folded, laid out, drawn, and the same as the graph behind it."""

import io
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures import SMALL_MODEL
from fixtures.examples import examples
from fixtures.warm_python import warm_python
from lineage_store.errors import BadInput, NothingFound
from lineage_store.graph.fold import PictureNode, fold, name_of
from lineage_store.graph.layout import lay_out
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.mlmd.ingest import ingest_deletion, ingest_model
from lineage_store.mlmd.metadata_store import Metadata, pb
from lineage_store.mlmd.names import Names
from lineage_store.mlmd.read_graph import read_lineage
from lineage_store.mlmd.selection import Picture, picture_of_model
from lineage_store.processing.named_models import NamedModel
from lineage_store.requests import Controller
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave.api.project import Project
from unweave.graphs.graphml import graphml
from unweave.graphs.in_words import A4, BOX_HEIGHT, column_of, draw, said_of, word_of
from unweave.graphs.svg import DETAIL_CHARACTER, NAME_CHARACTER, svg
from unweave.graphs.write import READABLE

TOP = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"
KINDS = ("lineage.Batch", "lineage.Step", "lineage.Update", "Model", "a.b.Made <&> up")
NODES = st.lists(
    st.builds(
        PictureNode,
        key=st.integers(0, 400),
        kind=st.sampled_from(KINDS),
        execution=st.booleans(),
        deleted=st.booleans(),
        values=st.fixed_dictionaries(
            {},
            optional={
                "model": st.sampled_from(["m1", "m2"]),
                "shard": st.integers(0, 2),
                "stage": st.integers(0, 1),
                "loss": st.floats(0, 1),
            },
        ),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda node: node.key,
)


@st.composite
def graphs(draw):
    """Draw nodes and edges between them, cycles and self loops among them."""
    nodes = draw(NODES)
    key = st.sampled_from([node.key for node in nodes])
    return nodes, draw(st.lists(st.tuples(key, key), max_size=80))


def subject_name(number):
    return f"Pat Example-{number:02d}"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace trained without TFX, and its ledger taken into MLMD as after a pipeline."""
    here = tmp_path_factory.mktemp("graph")
    lines = ["who,a,b,y"]
    lines += [
        f"{subject_name(n % 12)},{n % 17},{n % 5},{'yes' if n % 3 else 'no'}" for n in range(240)
    ]
    (here / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    project = Project(here / "ws", backend=DirectBackend())
    project.train(
        here / "rows.csv",
        label="y",
        subject="who",
        shards=3,
        slices=2,
        epochs=2,
        batch_size=8,
        module=SMALL_MODEL,
    )
    workspace = open_workspace(here / "ws")
    connection = read_index(workspace.index_file)
    record = find_model(connection, "m1")
    connection.close()
    metadata = Metadata(workspace.metadata, create=True)
    names = Names(workspace.keys().key_id)
    for kind, uri in [("components.Rows", "rows"), ("Model", "model"), ("Model", "next")]:
        node = pb.Artifact(type_id=metadata.artifact_type(kind), uri=uri, state=pb.Artifact.LIVE)
        node.custom_properties["told"].string_value = subject_name(3)
        metadata.store.put_artifacts([node])
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    uris = {"rows": "rows", "model": "model"}
    ingest_model(metadata, names=names, record=record, ledger=ledger, uris=uris)
    ingest_deletion(
        metadata,
        names=names,
        request_id="r1",
        certificate_uri="nowhere",
        old_model_uris=["model"],
        new_model_uris=["next"],
        guarantees={"m2": "exact"},
    )
    metadata.mark_deleted([metadata.by_uri("model")])
    return SimpleNamespace(
        here=here, project=project, workspace=workspace, metadata=metadata, names=names
    )


def check_picture(written):
    """Hold an SVG to what every picture must keep; return it parsed."""
    root = ElementTree.fromstring(written)
    nodes = root.findall(f".//{SVG}g[@class='node']")
    boxes = []
    for node in nodes:
        assert node.find(f"{SVG}title").text
        box = [float(node.find(f"{SVG}rect").get(n)) for n in ("x", "y", "width", "height")]
        boxes.append(box)
        for text in node.findall(f"{SVG}text"):
            wide = NAME_CHARACTER if text.get("class") == "name" else DETAIL_CHARACTER
            assert wide * len(text.text) <= box[2]
            assert box[1] < float(text.get("y")) - float(text.get("font-size")) * 0.7
            assert float(text.get("y")) < box[1] + box[3]
        assert box[0] >= 0 and box[1] >= 0
        assert box[0] + box[2] <= float(root.get("width"))
        assert box[1] + box[3] <= float(root.get("height"))
    for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(boxes, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    for edge in root.findall(f".//{SVG}path[@class='edge']"):
        for end in ("data-from", "data-to"):
            assert 0 <= int(edge.get(end)[1:]) < len(nodes)
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text
    assert not root.findall(f".//{SVG}script")
    assert b"http" not in written.replace(b"http://www.w3.org/2000/svg", b"")
    return root


@settings(max_examples=examples(60), deadline=None)
@given(graphs(), st.integers(1, 45), st.randoms())
def test_a_fold_keeps_every_node_and_every_connection(graph, at_most, random):
    nodes, edges = graph
    folded = fold(nodes, edges, at_most=at_most)
    held = [node for one in folded.folds for node in one.nodes]
    assert sorted(node.key for node in held) == sorted(node.key for node in nodes)
    for one in folded.folds:
        assert len({(node.kind, node.execution, node.deleted) for node in one.nodes}) == 1
    kinds = {(node.kind, node.execution, node.deleted) for node in nodes}
    assert len(folded.folds) <= max(at_most, len(kinds))
    place = {node.key: n for n, one in enumerate(folded.folds) for node in one.nodes}
    expected = {(place[a], place[b]) for a, b in edges}
    assert set(folded.edges) == {(a, b) for a, b in expected if a != b}
    mixed, mixed_edges = list(nodes), list(edges)
    random.shuffle(mixed)
    random.shuffle(mixed_edges)
    assert fold(mixed, mixed_edges, at_most=at_most) == folded


@settings(max_examples=examples(60), deadline=None)
@given(graphs(), st.sampled_from([5, 100]))
def test_any_graph_is_drawn_without_overlap_and_with_its_texts_in_their_boxes(graph, at_most):
    folded = fold(*graph, at_most=at_most)
    written = svg(folded, title="<a & b>")
    root = check_picture(written)
    assert len(root.findall(f".//{SVG}g[@class='node']")) == len(folded.folds)
    drawn = [
        (int(e.get("data-from")[1:]), int(e.get("data-to")[1:]))
        for e in root.findall(f".//{SVG}path[@class='edge']")
    ]
    assert sorted(drawn) == list(folded.edges)
    assert svg(folded, title="<a & b>") == written


@given(st.integers(1, 12), st.data())
def test_edges_of_a_graph_without_cycles_all_go_to_the_right(size, data):
    pairs = list(itertools.combinations(range(size), 2))
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    layout = lay_out([(50.0, 20.0)] * size, edges)
    assert sorted(route.edge for route in layout.routes) == sorted(edges)
    for route in layout.routes:
        assert not route.back
        xs = [x for x, _ in route.points]
        assert xs == sorted(xs)
        a, b = (layout.boxes[end] for end in route.edge)
        assert a.x + a.width < b.x


@pytest.mark.parametrize(
    ("kind", "count", "name"),
    [
        ("lineage.Batch", 1, "Batch"),
        ("lineage.Batch", 1204, "1,204 batches"),
        ("PushedModel", 2, "2 pushed models"),
        ("Examples", 3, "3 examples"),
        ("lineage.Assembly", 2, "2 assemblies"),
    ],
)
def test_a_fold_is_called_by_number_and_kind(kind, count, name):
    assert name_of([PictureNode(n, kind) for n in range(count)]) == name


def test_the_picture_of_a_model_is_readable_and_the_same_each_time(made):
    answer = made.project.graph(model="m1", out=made.here / "m1.svg", steps=True)
    written = (made.here / "m1.svg").read_bytes()
    assert answer["boxes"] <= READABLE < answer["nodes"]
    assert answer["of"] == "model m1"
    root = check_picture(written)
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"Assembly", "Deletion", "m1 · deleted"} <= texts
    assert any(re.fullmatch(r"\d+ batches", text) for text in texts)
    made.project.graph(model="m1", out=made.here / "again.svg", steps=True)
    assert (made.here / "again.svg").read_bytes() == written


def test_the_picture_in_words_fits_a_page_and_a_telephone_and_is_what_it_is(made):
    answer = made.project.graph(model="m1", out=made.here / "words.svg")
    written = (made.here / "words.svg").read_bytes()
    root = ElementTree.fromstring(written)
    assert int(root.get("width")) <= 390 and int(root.get("height")) <= A4
    assert b"<script" not in written and b"http" not in written.replace(SVG[1:-1].encode(), b"")
    names = [text.text for text in root.findall(f".//{SVG}g/{SVG}text[@class='name']")]
    assert len(names) == answer["boxes"] and "Deletion r1" in names
    assert [one for one in names if one.startswith("Model")]
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert any(re.fullmatch(r"[0-9]+ batches", one) for one in texts)
    assert any(one.endswith("deleted but for the record") for one in texts)
    for kind in ("Gen", "Assembly", "Batching", "Checkpoint"):  # TFX's words and ours
        assert not any(kind in one for one in texts)
    made.project.graph(model="m1", out=made.here / "words2.svg")
    assert (made.here / "words2.svg").read_bytes() == written


def test_a_picture_in_words_says_what_somebody_said_of_the_model_and_what_nobody_did(made):
    def told(name):
        made.project.graph(model="m1", out=made.here / name)
        root = ElementTree.parse(made.here / name).getroot()
        return [text.text for text in root.findall(f"{SVG}text[@class='told']")]

    assert told("unnamed.svg")[:3] == [
        "It has no name, and nobody said what it is for.",
        "Controller: not described", "Categories of data: not described",
    ]  # fmt: skip
    purpose = "Who might leave us, so that somebody calls them before they do; nothing else <&>"
    made.project.names.name("churn", model="m1", purpose=purpose, owner="Ada")
    made.project.requests.describe(name="Cabs & Co.")
    said = told("named.svg")
    assert said[0] == "It is called churn." and " ".join(said[1:3]) == f"What it is for: {purpose}"
    assert said[3:6] == [
        "Who answers for it: Ada", "Legal basis: not described", "Kept: not described",
    ]  # fmt: skip
    assert said[6:8] == ["Controller: Cabs & Co.", "Categories of data: not described"]


@given(graphs(), st.randoms(use_true_random=False))
def test_any_lineage_in_words_has_every_node_in_a_box_and_lines_go_down(graph, random):
    nodes, edges = graph
    column = column_of(nodes, edges)
    assert column == column_of(random.sample(nodes, len(nodes)), random.sample(edges, len(edges)))
    assert all(a < b < len(column.boxes) for a, b in column.lines)
    assert len(column.boxes) <= len({(word_of(node), gone) for node in nodes for gone in (0, 1)})
    named = NamedModel(
        name="churn", purpose="so that " * 40, owner="o" * 200, legal_basis="1 " * 99
    )
    whose = Controller(name="c" * 90, data="d " * 99)
    title = "Model m1: how it came about"
    root = ElementTree.fromstring(draw(column, title=title, said=said_of(named, whose)))
    assert int(root.get("height")) <= A4
    tops = [int(box.get("y")) for box in root.findall(f".//{SVG}g/{SVG}rect")]
    assert all(
        b - a >= BOX_HEIGHT + 8 for a, b in itertools.pairwise(tops)
    )  # room for a line's tip
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("x")) + 0.62 * float(text.get("font-size")) * len(text.text) <= 380


def test_no_line_is_drawn_that_others_lead_along():
    nodes = [PictureNode(n, kind) for n, kind in enumerate(("Rows", "Shard", "Batch", "Model"))]
    column = column_of(nodes, [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3)])
    assert column.lines == ((0, 1), (1, 2), (2, 3))


def test_the_picture_of_a_model_stops_at_a_deletion_that_it_shares_with_other_lines(made):
    lineage = read_lineage(made.metadata)
    whole = picture_of_model(made.metadata, lineage, made.names, "m1")
    alone = picture_of_model(made.metadata, lineage, made.names, "m1", others=["next"])
    kinds = [[node.kind for node in one.nodes] for one in (whole, alone)]
    assert [one.count("Model") for one in kinds] == [2, 1]
    assert [one.count("lineage.Deletion") for one in kinds] == [1, 1]
    keys, every = ({node.key for node in one.nodes} for one in (alone, whole))
    assert keys < every and len(every) == len(keys) + 1
    assert all(a in keys and b in keys for a, b in alone.edges)


def test_a_full_picture_shows_every_node(made):
    answer = made.project.graph(model="m1", out=made.here / "full.svg", full=True)
    root = check_picture((made.here / "full.svg").read_bytes())
    assert len(root.findall(f".//{SVG}g[@class='node']")) == answer["nodes"] == answer["boxes"]


def test_a_picture_that_would_be_too_large_is_refused(made, monkeypatch):
    monkeypatch.setattr("unweave.graphs.write.MOST", 60)
    with pytest.raises(BadInput, match="at most 60"):
        made.project.graph(model="m1", out=made.here / "none.svg", full=True)
    assert not (made.here / "none.svg").exists()


def test_a_subject_is_drawn_under_its_pseudonym_alone(made):
    subject = subject_name(3)
    touched = made.project.trace_subject(subject)
    for name in ("subject.svg", "subject.graphml"):
        made.project.graph(subject=subject, out=made.here / name)
        written = (made.here / name).read_bytes()
        for part in (subject, "Pat", "Example-", str(made.here)):
            assert part.encode() not in written
        assert touched["pseudonym"][:12].encode() in written
    check_picture((made.here / "subject.svg").read_bytes())
    graph = nx.read_graphml(made.here / "subject.graphml")
    (root,) = [n for n, kind in graph.nodes(data="kind") if kind.startswith("Subject")]
    (model,) = touched["models"]
    found = {
        "s{shard}.r{stage}.p{position}".format_map(graph.nodes[n]) for n in graph.successors(root)
    }
    traced = [made.project.trace_batch(f"{model['model']}:{name}") for name in model["batches"]]
    assert found == {f"{one['next_checkpoint']}.p{one['step']['position']}" for one in traced}
    kinds = [graph.nodes[n]["kind"] for n in nx.descendants(graph, root)]
    assert kinds.count("lineage.Checkpoint") >= len(model["checkpoints"])
    assert kinds.count("Model") == 2


def test_graphml_read_back_is_the_graph_with_typed_attributes(made):
    lineage = read_lineage(made.metadata)
    picture = picture_of_model(made.metadata, lineage, made.names, "m1")
    graph = nx.read_graphml(io.BytesIO(graphml(picture)))
    assert set(graph) == {f"n{node.key}" for node in picture.nodes}
    assert set(graph.edges) == {(f"n{a}", f"n{b}") for a, b in picture.edges}
    assert {name for node in picture.nodes for name in node.values} == {
        "model", "shard", "stage", "position", "request"
    }  # fmt: skip
    for node in picture.nodes:
        read = graph.nodes[f"n{node.key}"]
        assert (read["kind"], read["execution"], read["deleted"]) == (
            node.kind,
            node.execution,
            node.deleted,
        )
        for name, value in node.values.items():
            assert read[name] == value and type(read[name]) is type(value)
    assert picture.nodes and isinstance(picture, Picture)


def test_properties_and_paths_that_are_not_the_project_s_own_are_left_out(made):
    made.project.graph(model="m1", out=made.here / "m1.graphml")
    written = (made.here / "m1.graphml").read_text(encoding="utf-8")
    assert "told" not in written and "Pat" not in written and str(made.here) not in written


def test_what_there_is_not_is_not_found_and_wrong_use_is_refused(made):
    out = made.here / "none.svg"
    for asked in ({"model": "m9"}, {"subject": "Nobody"}, {"artifact": "999999"}):
        with pytest.raises(NothingFound):
            made.project.graph(out=out, **asked)
    for asked in ({}, {"model": "m1", "artifact": "1"}):
        with pytest.raises(BadInput, match="one of"):
            made.project.graph(out=out, **asked)
    with pytest.raises(BadInput, match="ending|graphml"):
        made.project.graph(out=made.here / "none.png", model="m1")
    with pytest.raises(BadInput, match="folder"):
        made.project.graph(out=made.here / "no" / "none.svg", model="m1")
    assert not out.exists()


def run(*arguments, python=None):
    return subprocess.run(
        [*(python or warm_python()), *arguments],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_writes_the_file_and_says_so(made):
    out = made.here / "command.svg"
    ask = ("-m", "unweave", "graph", "--workspace", str(made.here / "ws"), "--out", str(out))
    done = run(*ask, "--artifact", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["out"] == str(out)
    check_picture(out.read_bytes())
    ran = run(*ask, "--model", "m1")
    assert re.match(r"Lineage of model m1: \d+ nodes, drawn as \d+ boxes", ran.stdout)
    missing = run(*ask, "--model", "m9")
    assert (missing.returncode, missing.stdout) == (3, "")
    assert run(*ask).returncode == 2


def test_drawing_imports_neither_networkx_nor_sqlite_utils_nor_tensorflow(made):
    code = (
        "import sys; from unweave.api.project import Project; "
        f"p = Project({str(made.here / 'ws')!r}); "
        f"p.graph(model='m1', out={str(made.here / 'x.svg')!r}); "
        f"p.trace_artifact('1'); p.trace_subject({subject_name(3)!r}); "
        "print([m for m in ('networkx', 'sqlite_utils', 'tensorflow', 'tfx') if m in sys.modules])"
    )
    done = run("-c", code, python=[sys.executable])
    assert done.stdout.strip() == "[]", done.stderr
