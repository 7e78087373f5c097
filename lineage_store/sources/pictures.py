"""A folder of small pictures as a source: who they are of, and their pixels as columns of numbers.

    cat/one.png, dog/two.png           each picture's `path`, and as its `class` the folder's name
    table.csv, one.png, more/two.png   the columns of the table, one of which names each row's file

A pixel of a grey picture is the column `pixel[y][x]`, from 0 to 255, and one of a coloured picture
the columns `pixel[y][x][0]`, `[1]` and `[2]`: every model takes columns of numbers. Pictures of
more than 16,384 values are one column of arrays, `pixel`, which a module's model takes alone.

All pictures have one size and are either grey or coloured, as the first is, or are refused: nothing
is scaled, so that no pixel depends on another row. Pictures may show people and be called after
them: messages name rows, and neither pixels nor the names of files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from lineage_store.sources.data_frame import ColumnsInMemory, columns_of_array
from lineage_store.texts.array_texts import array_texts
from lineage_store.texts.row_source import Source
from lineage_store.texts.text_rows import Kind, Progress, TextRows, texts_of
from lineage_store.texts.value_texts import from_numpy, texts_of_array

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp")
FORMATS = ("PNG", "JPEG", "BMP")
MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}
"""As what the pixels of a picture are read: grey, or in three colours."""
NAMES_OF_FILES = ("file", "file_name", "filename", "path", "image")
AT_ONCE = 1 << 18
MOST_COLUMNS = 1 << 14
"""Of one picture: 128 times 128 pixels of grey, or 73 times 73 in colours."""
MOST_VALUES = 1 << 20
"""Of one picture that is an array: 1,024 times 1,024 pixels of grey, 591 times 591 in colours."""
Pixels = npt.NDArray[np.uint8]


def picture_files(folder: Path) -> list[Path]:
    """Return the pictures in a folder and below it, sorted, but for hidden ones."""
    found = (one for one in folder.rglob("*") if one.suffix.lower() in ENDINGS and one.is_file())
    return sorted(
        one for one in found if not any(part[0] in "._" for part in one.relative_to(folder).parts)
    )


def pictures_of(folder: Path, files: Sequence[Path], table: Source | None) -> "Pictures":
    """Return the source that pictures are, with a table of them or with their folders as classes.

    Raises BadInput if no column of the table names files, or if some pictures lie in folders of
    classes and others do not.
    """
    if table is not None:
        names = table.columns()
        column = next((name for name in NAMES_OF_FILES if name in names), None)
        if column is None:
            raise BadInput(
                f"No column of {table.name} says which picture a row has: call it "
                f"{', '.join(NAMES_OF_FILES[:-1])} or {NAMES_OF_FILES[-1]}."
            )
        return Pictures(folder, table, column)
    paths = [one.relative_to(folder) for one in files]
    depths = {len(path.parts) for path in paths}
    if depths not in ({1}, {2}):
        raise BadInput(
            f"The pictures in {folder} lie in it and in folders, or in folders of folders: give "
            f"each class a folder of its own in one folder, or a table that names their files."
        )
    columns = [("path", [path.as_posix() for path in paths])]
    if depths == {2}:
        columns.append(("class", [path.parts[0] for path in paths]))
    return Pictures(folder, ColumnsInMemory(columns, str(folder)), "path")


@dataclass(frozen=True, eq=False)
class Pictures:
    """The rows of a table, each with the pixels of the picture that one of its columns names."""

    folder: Path
    table: Source
    column: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.folder)

    @property
    def unit(self) -> str:
        """What the numbers of its rows count: those of the table."""
        return self.table.unit

    @property
    def description(self) -> str:
        """What it was taken for."""
        return f"pictures of {' x '.join(map(str, self._shape[1::-1]))} pixels"

    @property
    def size(self) -> int:
        """How much there is to read of the table."""
        return self.table.size

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; raises BadInput for a picture that is none."""
        if self._is_array:
            return (*self.table.columns(), "pixel")
        none = np.zeros((0, *self._shape), np.uint8)
        return (*self.table.columns(), *(name for name, _ in columns_of_array("pixel", none)))

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds that the table declares; pixels are numbers."""
        pixels = self.columns()[len(self.table.columns()) :]
        own: dict[str, Kind] = dict.fromkeys(pixels, "array" if self._is_array else "number")
        return {**self.table.kinds(), **own}

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, as the table numbers them.

        Raises BadInput for a row without its picture, and a picture unlike the first.
        """
        import pyarrow as pa

        at_once = max(1, AT_ONCE // int(np.prod(self._shape)))
        for rows in self.table.batches(progress):
            for start in range(0, len(rows), at_once):
                numbers, batch = (
                    rows.numbers[start : start + at_once],
                    rows.values.slice(start, at_once),
                )
                read = np.stack([self._pixels(*one) for one in self._named(numbers, batch)])
                columns = [*batch.columns, *self._columns(read)]
                names = [""] * len(columns)
                yield TextRows(numbers, pa.RecordBatch.from_arrays(columns, names=names))

    @property
    def _is_array(self) -> bool:
        return bool(np.prod(self._shape) > MOST_COLUMNS)

    def _columns(self, read: Pixels) -> Iterator[Any]:
        """Yield the columns of text that pictures (n, ...) are."""
        import pyarrow as pa

        if self._is_array:
            yield pa.array(array_texts(list(read)), pa.string())
            return
        for _, values in columns_of_array("pixel", read):
            yield texts_of_array(from_numpy(values))

    def _named(self, numbers: Any, values: Any) -> Iterator[tuple[str, int]]:
        place = self.table.columns().index(self.column)
        return zip(texts_of(values.column(place)), numbers.tolist(), strict=True)

    @cached_property
    def _shape(self) -> tuple[int, ...]:
        """The shape of the first picture."""
        for rows in self.table.batches():
            for name, number in self._named(rows.numbers, rows.values):
                return self._read(name, number).shape
        raise BadInput(f"There is no row with a picture in {self.folder}: give one with rows.")

    def _pixels(self, name: str, number: int) -> Pixels:
        found = self._read(name, number)
        if found.shape != self._shape:
            raise self._wrong(
                number,
                f"has {_in_words(found.shape)}, and the first {_in_words(self._shape)}: make all "
                f"of one size and either grey or coloured",
            )
        return found

    def _read(self, name: str, number: int) -> Pixels:
        """Return the pixels of a picture, (height, width) or (height, width, 3)."""
        from PIL import Image

        path = self.folder / name
        if not name or not path.resolve().is_relative_to(self.folder.resolve()):
            raise self._wrong(number, f"is not in the folder: name a file in it as {self.column!r}")
        try:
            with Image.open(path, formats=FORMATS) as picture:
                mode = MODES.get(picture.mode)
                if mode is None:
                    raise self._wrong(
                        number,
                        f"is of the mode {picture.mode}: save it in grey or in RGB, with eight "
                        f"bits a colour and without transparency",
                    )
                if picture.width * picture.height * len(mode) > MOST_VALUES:
                    raise self._wrong(
                        number,
                        f"has {picture.width} x {picture.height} pixels, and a row takes "
                        f"{MOST_VALUES:,} values at most: make the pictures smaller",
                    )
                return np.asarray(picture.convert(mode), np.uint8)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise self._wrong(
                number, "cannot be read: it is not there, damaged, or no PNG, JPEG or BMP file"
            ) from None

    def _wrong(self, number: int, what: str) -> BadInput:
        return BadInput(f"The picture of {self.unit} {number} of {self.table.name} {what}.")


def _in_words(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]} pixels{' in colours' if len(shape) == 3 else ''}"
