"""Which column of a table means what, as the user says, and the header that must fit it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineage_store.data.record import KEYED
from lineage_store.data.risk import RiskRule
from lineage_store.data.row_weights import Weighing
from lineage_store.data.schema import RULES, Declarations, Roles, Task
from lineage_store.errors import BadInput
from lineage_store.sources.reading import AS_IT_IS, Reading
from lineage_store.sources.source import Given, Source, open_sources
from lineage_store.sources.table_folder import kinds_of_all
from lineage_store.texts.text_rows import Kind


@dataclass(frozen=True)
class Columns:
    """Which column means what; all others are features. A table may have no label.

    `risk` are the rules that tell how likely a row is to be withdrawn, in order of rising risk.
    Their columns may be any, also dropped ones. `kinds` are those of columns whose kind is said, by
    name, and `task` that of the label; all others are told from the rows, by `rules`. By the first
    ones (`FIRST_RULES`) a row's split follows from its own key, since then from its place, so that
    a person's rows lie in one. `weight` is the column that says what a row counts for, `weighing`
    which weights the family takes. `group` is the column that says which rows belong together: they
    are placed by it, whosever they are. `items` is the column of what a row is an interaction with:
    then it is all that is read of a row, besides its weight. `further_labels` are told besides
    `label`, and `tasks` says what some labels are, by name, as `task` does of all others.
    """

    label: str | None = None
    subjects: tuple[str, ...] = ()
    row_id: str | None = None
    drop: tuple[str, ...] = ()
    place_by_row: bool = False
    risk: tuple[RiskRule, ...] = ()
    kinds: tuple[tuple[str, Kind], ...] = ()
    task: Task | None = None
    rules: int = RULES
    weight: str | None = None
    weighing: Weighing = "any"
    group: str | None = None
    items: str | None = None
    further_labels: tuple[str, ...] = ()
    tasks: tuple[tuple[str, Task], ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All columns that are to be told."""
        return (() if self.label is None else (self.label,)) + self.further_labels

    @property
    def weights(self) -> tuple[str, ...]:
        """The column of weights, if there is one."""
        return () if self.weight is None else (self.weight,)

    @property
    def groups(self) -> tuple[str, ...]:
        """The column of groups, if there is one."""
        return () if self.group is None else (self.group,)

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns whose texts name people and rows."""
        return (*self.subjects, *([] if self.row_id is None else [self.row_id]))

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that is named for something, so that a table must have it."""
        ruled = (rule.column for rule in self.risk)
        kinds = (name for name, _ in self.kinds)
        items = () if self.items is None else (self.items,)
        own = (*self.weights, *self.groups, *items)
        return (*self.labels, *self.ids, *self.drop, *own, *ruled, *kinds)

    @property
    def subjects_or_id(self) -> tuple[str, ...]:
        """The columns that name subjects; without one, every row id is a subject of its own.

        Unless rows are placed by themselves, a row is placed by the first of its subjects.
        """
        return self.subjects or (() if self.row_id is None else (self.row_id,))

    @property
    def parts_people(self) -> bool:
        """Whether rows of one person may lie in several places, and so in several splits."""
        if self.group is not None:
            return bool(self.subjects) and self.subjects != self.groups
        return bool(self.subjects) and (len(self.subjects) > 1 or self.place_by_row)


@dataclass(frozen=True)
class TableHeader:
    """The columns of a file, checked against what the user said of them."""

    names: tuple[str, ...]
    roles: Roles

    def place_of(self, name: str | None) -> int | None:
        """Return a column's place in the file."""
        return None if name is None else self.names.index(name)


def kinds_said(
    *, texts: Sequence[str], dates: Sequence[str], arrays: Sequence[str] = ()
) -> tuple[tuple[str, Kind], ...]:
    """Return the kinds of columns that are said; raises BadInput for a column of two kinds."""
    each: tuple[tuple[Kind, Sequence[str]], ...]
    each = (("text", texts), ("date", dates), ("array", arrays))
    kinds: dict[str, Kind] = {}
    for kind, names in each:
        for name in dict.fromkeys(names):
            if name in kinds:
                raise BadInput(
                    f"The column {name!r} is said to hold {kinds[name]}s and {kind}s: say one of "
                    f"them."
                )
            kinds[name] = kind
    return tuple(kinds.items())


def placed_by_row(place_by: str | None, *, group: str | None) -> bool:
    """Say whether rows are placed one by one: by what was asked for, if anything was.

    Raises BadInput if rows of a group are to be placed by it, and by something else.
    """
    if group is not None and place_by is not None:
        raise BadInput(
            f"Rows of one group in the column {group!r} stay together, and are placed by it: leave "
            f"out `place_by`."
        )
    return place_by == "row"


def open_table(
    given: Given | Sequence[Given], columns: Columns, reading: Reading = AS_IT_IS
) -> tuple[Source, ...]:
    """Return the sources of a table of which some columns are known by name."""
    ids = (*columns.ids, *columns.groups, columns.items)
    return open_sources(given, reading.knowing(columns.named, ids=ids))


def read_header(source: Source, columns: Columns) -> TableHeader:
    """Read and check the names of the columns of a source.

    Raises BadInput if it is missing or empty, or if a column is not there, named twice,
    or leaves no feature.
    """
    names = source.columns()
    if not names:
        raise BadInput(
            f"The file {source.name} is empty: it needs a line of column names and rows."
        )
    for name in names:
        if not name:
            raise BadInput(f"A column of {source.name} has no name in line 1.")
        if "\n" in name or "\r" in name:
            raise BadInput(f"A column name in {source.name} holds a line break: {name!r}.")
        if names.count(name) > 1:
            raise BadInput(f"The column {name!r} stands twice in line 1 of {source.name}.")
        if name in KEYED:
            raise BadInput(
                f"The column name {name!r} in {source.name} is one that unweave uses itself."
            )
    for wanted in columns.named:
        if wanted not in names:
            raise BadInput(
                f"There is no column {wanted!r} in {source.name}; there are: {', '.join(names)}."
            )
    special = (*columns.labels, *columns.ids, *columns.drop, *columns.weights, *columns.groups)
    for name, _ in columns.kinds:
        if name in (*columns.ids, *columns.drop, *columns.groups):
            raise BadInput(f"The column {name!r} is an id or left out: its kind means nothing.")
        if name in columns.weights:
            raise BadInput(f"The column {name!r} has the rows' weights: it holds numbers.")
    features = tuple(name for name in names if name not in special)
    if columns.items is not None:
        _must_have_histories(columns)
        features = (columns.items,)
    if not features:
        raise BadInput(f"No column of {source.name} is left as a feature.")
    for name in columns.labels:
        if name in (*columns.ids, *columns.drop):
            raise BadInput(f"The label column {name!r} cannot be an id or a dropped column.")
        if columns.labels.count(name) > 1:
            raise BadInput(f"The label column {name!r} is named twice: name it once.")
    for name, _ in columns.tasks:
        if name not in columns.labels:
            raise BadInput(f"The column {name!r} has a `task`, and is no label: name it as one.")
    for name in columns.weights:
        if name in (*columns.labels, *columns.ids, *columns.drop):
            raise BadInput(
                f"The weight column {name!r} cannot be the label, an id or a dropped column."
            )
    for name in columns.groups:
        if name in (*columns.labels, *columns.weights, *columns.drop):
            raise BadInput(
                f"The group column {name!r} cannot be the label, the weight or a dropped column."
            )
        if columns.risk:
            raise BadInput(
                f"Rows of one group in the column {name!r} stay together, and `risk_rules` place "
                f"each row by itself: leave them out."
            )
    return TableHeader(names, _roles(features, columns, source.kinds()))


def _must_have_histories(columns: Columns) -> None:
    """Raise BadInput if rows with items have nothing else, or do not make anybody's history."""
    name = columns.items
    if name in (columns.label, *columns.ids, *columns.drop, *columns.weights, *columns.groups):
        raise BadInput(f"The column {name!r} of items cannot be named for something else, too.")
    if columns.label is not None:
        raise BadInput(
            f"Rows of items in the column {name!r} are learnt without a label: leave `label` out."
        )
    if columns.group is None and (columns.place_by_row or not columns.subjects):
        raise BadInput(
            f"Items in the column {name!r} are learnt by whose they are: name that column as "
            f"`subject`, or that of baskets or visits as `group_column`, and leave out `place_by`."
        )


def read_headers(sources: Sequence[Source], columns: Columns) -> TableHeader:
    """Read the names of the columns of several sources of one table.

    Raises BadInput as `read_header` does, and if two have other columns, another order, or types of
    other kinds.
    """
    first, *others = sources
    header = read_header(first, columns)
    for other in others:
        if read_header(other, columns).names != header.names:
            raise BadInput(
                f"The columns of {other.name} are not those of {first.name}: give files with the "
                f"same first line."
            )
    declared = kinds_of_all(sources)
    return TableHeader(header.names, _roles(header.roles.columns, columns, declared))


def _roles(features: tuple[str, ...], columns: Columns, declared: Mapping[str, Kind]) -> Roles:
    said = {**declared, **dict(columns.kinds)}
    if columns.items is not None:
        said[columns.items] = "text"
    known = (*features, *columns.labels)
    kinds = tuple((name, said[name]) for name in known if name in said)
    for name, kind in kinds:
        if kind == "array" and name in columns.labels:
            raise BadInput(f"The label column {name!r} holds arrays: name one of single values.")
    said_of_all = Declarations(kinds, columns.task, columns.rules, columns.tasks, columns.items)
    weights, groups = columns.weights, columns.groups
    return Roles(features, columns.label, said_of_all, weights, groups, columns.further_labels)
