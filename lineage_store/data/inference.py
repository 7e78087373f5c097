"""What is told from the data: each column's kind, the task, the classes.

Law 2. All of it is a pure function of the retained rows, independent of their order, so a plan
can compute it again without the deleted rows and see whether anything changed.

A column holds *numbers* if every value that is not missing is a finite decimal number, and *texts*
otherwise. There are no integers: whether a column has fractions must not depend on one row.
"""

from collections.abc import Iterable

from lineage_store.data.evidence import Evidence
from lineage_store.data.record import Block
from lineage_store.data.schema import Roles, Schema
from lineage_store.errors import BadInput


def infer(blocks: Iterable[Block], roles: Roles) -> Schema:
    """Infer kinds, task and classes from rows alone; raises what `Evidence.conclude` raises."""
    evidence = Evidence(roles)
    for block in blocks:
        evidence.add_block(block.values)
    return evidence.conclude()


def in_terms_of(own: Schema, base: Schema | None) -> Schema:
    """Return what rows say in the terms of a base model's data: then it is what those rows said.

    Columns must have the base's names in its order. Any text may stand in a column of text, a class
    may be missing, and whole numbers may stand where the base learnt a regression; without a base
    rows speak for themselves. Raises BadInput saying what does not fit.
    """
    if base is None:
        return own
    mine, its = (one.roles for one in (own, base))
    if mine.columns != its.columns:
        names = sorted({*mine.columns} ^ {*its.columns})
        differ = f"one of the two lacks {', '.join(map(repr, names))}" if names else "their order"
        raise BadInput(
            f"The columns are not those of the base model's data ({differ}): give it the same "
            f"columns in the same order, or leave `base` out."
        )
    for what, option, these, those in (
        ("weights", "weight_column", mine.weights, its.weights),
        ("groups", "group_column", mine.groups, its.groups),
    ):
        if these != those:
            raise BadInput(
                f"The rows here and those of the base model do not both have {what}, in the same "
                f"column: give `{option}` as it was given to the base, or leave `base` out."
            )
    labels, wanted = (_labels_in_words(one) for one in (own, base))
    if labels != wanted:
        raise BadInput(
            f"The label column {labels} is not that of the base model's data, {wanted}: give it "
            f"the same, or leave `base` out."
        )
    for column, known in zip(own.columns, base.columns, strict=True):
        if column.kind != known.kind and known.kind != "text":
            raise BadInput(
                f"The column {column.name!r} holds {column.kind}s here and {known.kind}s in the "
                f"base model's data: correct it, or leave `base` out."
            )
    for label, known_label in zip(own.labels, base.labels, strict=True):
        foreign = label.task == "regression" or not {*label.classes} <= {*known_label.classes}
        if known_label.task == "classification" and foreign:
            raise BadInput(
                f"The label column {label.name!r} holds values that are no class of the base "
                f"model: leave these rows or `base` out."
            )
    return base


def _labels_in_words(schema: Schema) -> str:
    return ", ".join(f"{one.name!r} ({one.kind})" for one in schema.labels) or "(none)"
