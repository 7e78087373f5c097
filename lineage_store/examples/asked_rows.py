"""Rows of tf.Examples as the exclusion manifest is asked about them: as those of a table are.

A feature is a column: what it holds is the column's text in that row, and no text if it holds none,
several values, or bytes that are none. So whom a gate for tables keeps out, and who is spelled
nearly as somebody forgotten, is told by the same code (`keys.exclusions`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.examples.example_record import id_in
from lineage_store.keys.exclusions import GivenRows, RowKeys
from lineage_store.placement import I64


@dataclass(frozen=True)
class GivenExample:
    """A row that waits to be let in: its split, features, ids (or the empty text) and keys."""

    split: str
    features: dict[str, bytes]
    subject: str
    row_id: str
    key: bytes
    text_key: bytes | None


def asked_about(
    rows: Sequence[GivenExample], *, subject: str | None, row_id: str | None
) -> GivenRows:
    """Return rows as the manifest takes them; `subject` and `row_id` are features that hold ids."""
    named = [] if subject is None else [[row.subject for row in rows]]
    texts = [row.text_key for row in rows if row.text_key is not None]

    def column(name: str) -> tuple[Sequence[str], I64] | None:
        if not any(name in row.features for row in rows):
            return None
        return _coded([_text(row.features, name) for row in rows])

    names, codes = _coded([name for one in named for name in one])
    return GivenRows(
        keys=_keys([row.key for row in rows]),
        column=column,
        subjects=(names, codes.reshape(len(named), len(rows))),
        row_id=row_id,
        text_keys=_keys(texts) if texts else None,
    )


def _text(features: Mapping[str, bytes], name: str) -> str:
    try:
        return id_in(features.get(name), name=name, where="a row")
    except BadInput:
        return ""


def _coded(texts: Sequence[str]) -> tuple[list[str], I64]:
    """Return the different texts, and which of them each is."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return list(places), np.array([places[text] for text in texts], np.int64)


def _keys(keys: Sequence[bytes]) -> RowKeys:
    return np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1)
