"""The lineage of one model as one column, in words that whoever answers for it knows.

All nodes of a lineage are folded by what they are to people: data, shards, training, what was
learnt, models, deletions, proofs; what is deleted apart from what there is. Boxes stand below each
other, what was there first on top, and lines at their left lead from what something was made of,
but where another line says so already. Above them stands what somebody said of the model: its name,
purpose and owner. So the picture is as wide as a telephone and prints on one sheet of A4, whatever
there is behind it; `svg` draws the same lineage for whoever looks for a step.
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lineage_store.counted import counted
from lineage_store.graph.fold import PictureNode
from lineage_store.processing import NamedModel
from lineage_store.requests import Controller

Edge = tuple[int, int]  # two places, or keys of nodes: from and to

WIDTH, LEFT, BOX_HEIGHT, GAP, TOP = 380, 62, 48, 14, 62
A4 = 1040  # pixels of 1/96 inch that a page is high, without its margins
SAID_LINE, SAID_SIGNS, SAID_LINES = 14, 52, 8  # height and signs of a line; lines at most
LANE, LANES = 9, 5
NAMED = 4  # models that a box names
GONE = "deleted but for the record"
FONT = "font-family='DejaVu Sans, Verdana, Helvetica, Arial, sans-serif'"
STYLE = """
  .paper { fill: #ffffff } .name { fill: #1a1a1a } .told { fill: #4a4a4a }
  .line { fill: none; stroke: #6b7078; stroke-width: 1.3 } .tip { fill: #6b7078 }
  .box { fill: #f4f5f7; stroke: #555555; stroke-width: 1.3 }
  .model { fill: #eadff5; stroke: #653a94 } .deletion { fill: #fbdcd3; stroke: #a33415 }
  .gone { fill: #eeeeee; stroke: #666666; stroke-dasharray: 5 3 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14171a } .name { fill: #e9eaec } .told { fill: #b9bec6 }
    .line { stroke: #a2a8b1 } .tip { fill: #a2a8b1 } .box { fill: #1d2125; stroke: #a2a8b1 }
    .model { fill: #2f2440; stroke: #b79ae0 } .deletion { fill: #40241c; stroke: #f0957d }
    .gone { fill: #26292d; stroke: #8a8f98 }
  }
"""


@dataclass(frozen=True)
class Word:
    """What nodes of some types are to people; `counts` are those that are counted, with nouns."""

    name: str
    meaning: str
    kinds: frozenset[str]
    counts: tuple[tuple[str, str, str], ...] = ()
    look: str = "box"


def _word(
    name: str, meaning: str, kinds: str, *counts: tuple[str, str, str], look: str = "box"
) -> Word:
    return Word(name, meaning, frozenset(kinds.split()), counts, look)


DATA = _word(
    "The data", "rows as they came in, checked and counted",
    "Rows Examples ExampleStatistics Schema ExampleAnomalies TransformGraph",
    ("Rows", "set of rows", "sets of rows"),
)  # fmt: skip
SHARDS = _word(
    "Shards", "the rows, dealt into parts that learn apart", "Shard Placement",
    ("Shard", "shard", "shards"),
)  # fmt: skip
TRAINING = _word(
    "Training", "what was learnt from which rows, step by step",
    "Batch Batching Step Stage Sums Trees Optimum",
    ("Batch", "batch", "batches"), ("Sums", "sum", "sums"),
    ("Trees", "set of trees", "sets of trees"), ("Stage", "stage", "stages"),
)  # fmt: skip
LEARNT = _word(
    "Learnt on the way", "states that are kept, to forget from",
    "Update Checkpoint Subtraction Ledger",
    ("Checkpoint", "state", "states"), ("Update", "update", "updates"),
)  # fmt: skip
MODELS = _word(
    "Model", "what answers", "Model Assembly ModelRecord ModelRecorder",
    ("Model", "model", "models"), look="model",
)  # fmt: skip
SERVED = _word(
    "Served", "where the model is used from", "PushedModel Pusher",
    ("PushedModel", "version", "versions"), look="model",
)  # fmt: skip
DELETION = _word(
    "Deletion", "rows taken out, the old model erased",
    "Deletion Request Plan DeletionPlanner Unlearner DeletionChecker Eraser UnlearningEvaluator "
    "Importer",
    ("Deletion", "deletion", "deletions"), look="deletion",
)  # fmt: skip
PROOFS = _word(
    "Proofs and reports", "what can be shown of it",
    "Certificate Certifier CheckReport ErasureReport RequestReport Evaluation ModelEvaluation",
    ("Certificate", "certificate", "certificates"),
)  # fmt: skip
STEPS = _word("Other steps", "parts of the pipeline around it", "")
FIRST, LAST = (DATA, SHARDS, TRAINING, LEARNT, MODELS, SERVED), (PROOFS, STEPS)
# From the top down: a deletion stands between what it ended (True) and what came of it.
PLACES: tuple[tuple[Word, bool], ...] = (
    *((word, True) for word in FIRST),
    (DELETION, False),
    *((word, False) for word in (*FIRST, *LAST)),
)


@dataclass(frozen=True)
class Box:
    """A box: its word, whether that is deleted, and the two lines that it says."""

    word: Word
    gone: bool
    name: str
    detail: str


@dataclass(frozen=True)
class Column:
    """Boxes from the top down, and lines between them by place: from what was first."""

    boxes: tuple[Box, ...]
    lines: tuple[Edge, ...]


def word_of(node: PictureNode) -> Word:
    """Return what a node is to people."""
    kind = node.kind.rpartition(".")[2]
    for word in (*FIRST, DELETION, *LAST):
        if kind in word.kinds:
            return word
    if kind.endswith("Trainer"):
        return TRAINING
    return DATA if kind.endswith(("Gen", "Validator", "Transform", "Indexer")) else STEPS


def column_of(nodes: Iterable[PictureNode], edges: Iterable[Edge]) -> Column:
    """Fold a lineage into one column."""
    groups: defaultdict[tuple[Word, bool], list[PictureNode]] = defaultdict(list)
    every, edges = sorted(nodes, key=lambda node: node.key), list(edges)
    gone = _gone(every, edges)
    for node in every:
        word = word_of(node)
        groups[word, word in FIRST and node.key in gone].append(node)
    order = [place for place in PLACES if place in groups]
    boxes = tuple(_box_of(word, gone, groups[word, gone]) for word, gone in order)
    at = {node.key: n for n, place in enumerate(order) for node in groups[place]}
    between = {(at[a], at[b]) for a, b in edges if at[a] < at[b]}
    return Column(boxes, tuple(sorted(_reduced(between))))


def _gone(nodes: Sequence[PictureNode], edges: Iterable[Edge]) -> set[int]:
    """Return what is deleted, and what was done of which nothing is left."""
    deleted = {node.key for node in nodes if node.deleted}
    done = {node.key for node in nodes if node.execution}
    made: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in edges:
        if a in done:
            made[a].add(b)
    return deleted | {one for one, of in made.items() if of <= deleted}


def _box_of(word: Word, gone: bool, nodes: Sequence[PictureNode]) -> Box:
    names = {
        str(node.values[of]) for node in nodes for of in ("request", "model") if of in node.values
    }
    own = sorted(one for one in names if one[:1] == ("r" if word is DELETION else "m"))
    own.sort(key=lambda one: (len(one), one))
    named = ", ".join(own[:NAMED]) + (f" and {len(own) - NAMED:,} more" if len(own) > NAMED else "")
    name = word.name
    if word in (MODELS, SERVED, DELETION) and own:
        name = f"{word.name}{'s' if len(own) > 1 and word is not SERVED else ''} {named}"
    kinds = [node.kind.rpartition(".")[2] for node in nodes]
    number = next(
        (counted(kinds.count(kind), one, more) for kind, one, more in word.counts if kind in kinds),
        "",
    )
    if word is MODELS:
        number = "" if gone else "in use"
    state = GONE if gone else number
    if gone and number:
        state = f"{number}, {GONE}"
    return Box(word, gone, name, state or counted(len(nodes), "record"))


def _reduced(edges: set[Edge]) -> set[Edge]:
    """Leave out edges that others lead along; they all go down."""
    after: defaultdict[int, set[int]] = defaultdict(set)
    for a, b in edges:
        after[a].add(b)
    reached: dict[int, set[int]] = {}
    for a in sorted(after, reverse=True):
        reached[a] = set().union(*({b} | reached.get(b, set()) for b in after[a]))
    return {(a, b) for a, b in edges if not any(b in reached.get(c, set()) for c in after[a] - {b})}


def said_of(named: NamedModel | None, controller: Controller) -> tuple[str, ...]:
    """Return what somebody said of a model and of whose it is, and what nobody did."""
    missing = "not described"
    answers = (
        f"Controller: {controller.name or missing}",
        f"Categories of data: {controller.data or missing}",
    )
    if named is None:
        return ("It has no name, and nobody said what it is for.", *answers)
    return (
        f"It is called {named.name}.",
        f"What it is for: {named.purpose or missing}",
        f"Who answers for it: {named.owner or missing}",
        f"Legal basis: {named.legal_basis or missing}",
        f"Kept: {named.retention or missing}",
        *answers,
    )


def draw(column: Column, *, title: str, said: Sequence[str] = ()) -> bytes:
    """Draw a column as SVG: no script, nothing from the network, the same bytes each time.

    Of what was `said`, each takes two lines at most, or one if that is too much; all of it stands
    in the description.
    """
    above = _wrapped(said, 2)
    if len(above) > SAID_LINES:
        above = _wrapped(said, 1)
    place = _Place(TOP + SAID_LINE * len(above), len(column.boxes))
    height = place.end + GAP
    every = (*said, *(f"{one.name}: {one.detail}" for one in column.boxes))
    described = escape(". ".join(one.removesuffix(".") for one in every))
    below = "From top to bottom: what came of what."
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' role='img' aria-labelledby='title description' {FONT}>",
        f"<title id='title'>{escape(title)}</title>",
        f"<desc id='description'>{described}.</desc>",
        f"<style>{STYLE}</style>",
        f"<rect class='paper' width='{WIDTH}' height='{height}'/>",
        "<text class='name' x='14' y='28' font-size='15' font-weight='bold'>"
        f"{escape(title)}</text>",
        *(_said(n, line) for n, line in enumerate(above)),
        f"<text class='told' x='14' y='{47 + SAID_LINE * len(above)}' font-size='10.5'>"
        f"{below}</text>",
        *(_line(place, edge) for edge in column.lines),
        *(_box(place.top(n), box) for n, box in enumerate(column.boxes)),
        "</svg>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


@dataclass(frozen=True)
class _Place:
    """Where boxes stand: from `first` on, closer together where a page is full."""

    first: int
    boxes: int

    def top(self, place: int) -> int:
        room = (A4 - self.first - GAP) // max(self.boxes, 1)
        return self.first + place * min(BOX_HEIGHT + GAP, room)

    @property
    def end(self) -> int:
        return self.top(self.boxes)


def _wrapped(said: Iterable[str], lines: int) -> list[str]:
    every = (textwrap.wrap(one, SAID_SIGNS, max_lines=lines, placeholder=" …") for one in said)
    return [line for one in every for line in one]


def _said(place: int, line: str) -> str:
    y = 47 + SAID_LINE * place
    return f"<text class='told' x='14' y='{y}' font-size='10.5'>{escape(line)}</text>"


def _line(place: _Place, edge: Edge) -> str:
    """Draw a line straight down to a neighbour, or around at the left, further out the longer."""
    first, last = edge
    if last == first + 1:
        x, y, end = LEFT + 40, place.top(first) + BOX_HEIGHT, place.top(last)
        return (
            f"<path class='line' d='M{x} {y}V{end - 7}'/>"
            f"<path class='tip' d='M{x - 4} {end - 8}h8l-4 8z'/>"
        )
    lane = LEFT - 12 - LANE * min(last - first - 2, LANES - 1)
    start = place.top(first) + BOX_HEIGHT * 2 // 3
    end = place.top(last) + BOX_HEIGHT // 3
    return (
        f"<path class='line' d='M{LEFT} {start}H{lane + 6}Q{lane} {start} {lane} {start + 6}"
        f"V{end - 6}Q{lane} {end} {lane + 6} {end}H{LEFT - 7}'/>"
        f"<path class='tip' d='M{LEFT - 8} {end - 4}v8l8 -4z'/>"
    )


def _box(top: int, box: Box) -> str:
    width = WIDTH - LEFT - 14
    look = f"box {box.word.look}{' gone' if box.gone else ''}"
    corner = 14 if box.word is DELETION else 3
    return (
        f"<g class='node' "
        f"role='listitem'><title>{escape(f'{box.name}: {box.word.meaning}')}</title>"
        f"<rect class='{look}' x='{LEFT}' y='{top}' width='{width}' height='{BOX_HEIGHT}' "
        f"rx='{corner}'/>"
        f"<text class='name' x='{LEFT + 12}' y='{top + 16}' font-size='12.5' font-weight='bold'>"
        f"{escape(box.name)}</text>"
        f"<text class='told' x='{LEFT + 12}' y='{top + 30}' font-size='10'>"
        f"{escape(box.word.meaning)}</text>"
        f"<text class='told' x='{LEFT + 12}' y='{top + 43}' font-size='10'>{escape(box.detail)}"
        f"</text></g>"
    )
