"""The columns of an Arrow schema as a source of text has them, and its record batches as rows.

A column of lists of one fixed length is as many columns, `name[0]`, `name[1]` and so on, and one of
such lists of lists `name[0][0]`: a row without a list has none of their values. A column of a type
that has no text is refused by its name, before any row is read. An index of pandas that has no name
is no column: it numbers rows, and whether a file has one depends on which rows there are.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.texts.text_rows import Kind, TextRows
from lineage_store.texts.value_texts import NoText, spelling_of, texts_of_array

AT_ONCE = 1 << 18
"""Values that are handed on at once."""
INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls a column in a file that was an index without a name."""


@dataclass(frozen=True)
class ArrowColumns:
    """What the columns of a schema are called, and of which kind they are declared to be.

    `given` is what messages call the source. Raises BadInput for a column of a type without text.
    """

    given: str
    schema: Any

    def __post_init__(self) -> None:
        for name, type_ in self._types():
            if spelling_of(type_) is None and str(type_) != "null":
                raise BadInput(
                    f"The column {name!r} of {self.given} holds {_in_words(type_)}, which have no "
                    f"form as text: give the table without it, or make columns of numbers, texts "
                    f"or dates of it."
                )

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, without white space at their ends."""
        return tuple(name.strip() for name, _ in self._types())

    def kinds(self) -> dict[str, Kind]:
        """Return the kinds of the columns that have a type; one that holds nothing has none."""
        spellings = ((name.strip(), spelling_of(type_)) for name, type_ in self._types())
        return {name: found.kind for name, found in spellings if found is not None}

    def rows(self, batches: Iterable[Any]) -> Iterator[TextRows]:
        """Yield the rows of record batches of the schema, some at a time, numbered from one.

        Raises BadInput for text that is not UTF-8 or holds a zero byte.
        """
        import pyarrow as pa

        size = max(1, AT_ONCE // max(1, len(self.names())))
        before = 0
        for whole in batches:
            for start in range(0, whole.num_rows, size):
                batch = whole.slice(start, size)
                try:
                    batch.validate(full=True)
                except pa.ArrowInvalid:
                    raise BadInput(
                        f"The rows {before + 1} to {before + batch.num_rows} of {self.given} "
                        f"are damaged, or hold text that is not UTF-8."
                    ) from None
                numbers = np.arange(before + 1, before + 1 + batch.num_rows, dtype=np.int64)
                texts = list(self._texts(batch, numbers))
                yield TextRows(numbers, pa.RecordBatch.from_arrays(texts, names=[""] * len(texts)))
                before += batch.num_rows

    def _types(self) -> list[tuple[str, Any]]:
        return [
            (name, type_)
            for field in self.schema
            if not INDEX.fullmatch(field.name)
            for name, type_ in _types_within(field.name, field.type)
        ]

    def _texts(self, batch: Any, numbers: Any) -> Iterator[Any]:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for array in () if INDEX.fullmatch(name) else _within(column):
                try:
                    texts = texts_of_array(array)
                except NoText as error:
                    raise BadInput(
                        f"Row {numbers[error.args[1]]} of {self.given} holds no array of numbers "
                        f"in column {name!r}: make its lists as long as one another, and its "
                        f"numbers finite."
                    ) from None
                row = _zero_byte(texts)
                if row is not None:
                    raise BadInput(
                        f"Row {numbers[row]} of {self.given} holds a zero byte in column {name!r}."
                    )
                yield texts


class Declared(ABC):
    """What every source has whose columns are those of an Arrow schema."""

    unit = "row"

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; raises BadInput for what cannot be read as text."""
        return self.declared().names()

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds that the types of the columns declare."""
        return self.declared().kinds()

    @abstractmethod
    def declared(self) -> ArrowColumns:
        """Return the columns; raises BadInput for what cannot be read."""


def _types_within(name: str, type_: Any) -> Iterator[tuple[str, Any]]:
    """Yield the columns that one of a type is: itself, or those of a list of a fixed length."""
    from pyarrow import types

    if not types.is_fixed_size_list(type_):
        yield name, type_
        return
    for place in range(type_.list_size):
        yield from _types_within(f"{name}[{place}]", type_.value_type)


def _within(array: Any) -> Iterator[Any]:
    """Yield the arrays that one is: itself, or one for each place of a list of a fixed length."""
    import pyarrow as pa

    if not pa.types.is_fixed_size_list(array.type):
        yield array
        return
    length = array.type.list_size
    starts = (np.arange(len(array)) + array.offset) * length
    missing = array.is_null().to_numpy(zero_copy_only=False)
    for place in range(length):
        yield from _within(array.values.take(pa.array(starts + place, mask=missing)))


def _zero_byte(texts: Any) -> int | None:
    """Return the first row whose text holds a zero byte."""
    import pyarrow.compute as pc

    _, _, data = texts.buffers()
    if data is None or b"\x00" not in memoryview(data).tobytes():
        return None
    found = np.flatnonzero(pc.match_substring(texts, "\x00").to_numpy(zero_copy_only=False))
    return int(found[0]) if len(found) else None


def _in_words(type_: Any) -> str:
    from pyarrow import types

    for is_one, words in (
        (types.is_binary, "bytes"),
        (types.is_large_binary, "bytes"),
        (types.is_fixed_size_binary, "bytes"),
        (types.is_list, "lists of what is no number"),
        (types.is_large_list, "lists of what is no number"),
        (types.is_struct, "records"),
        (types.is_map, "maps"),
        (types.is_duration, "spans of time"),
        (types.is_dictionary, "categories that are no texts, numbers or dates"),
    ):
        if is_one(type_):
            return words
    return f"values of the type {type_}"
