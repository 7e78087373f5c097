"""The text of a file as UTF-8, block by block, whatever it is packed in and written in.

UTF-8 and UTF-16 are told by a mark at the front, other text is UTF-8 unless its encoding is named:
of Latin-1 and its like any bytes are valid, so that nothing could be told from them. What stands
before a byte that is no text is read; then it is refused, by its line.
"""

import codecs
from pathlib import Path

from lineage_store.errors import BadInput
from lineage_store.sources.unpacked import Unpacked

UTF8, UTF16 = "utf-8", "utf-16"
MARKS = {codecs.BOM_UTF8: UTF8, codecs.BOM_UTF16_LE: UTF16, codecs.BOM_UTF16_BE: UTF16}
MARK = "\ufeff"


class TextBytes:
    """An open file as UTF-8 without a mark.

    `packed_in` and `encoding` are what its first bytes tell, `ended` whether all was read.
    """

    def __init__(self, path: Path, *, encoding: str | None) -> None:
        """Open it; raises BadInput if it cannot be read."""
        self._path, self._named = path, encoding
        self._bytes = Unpacked(path)
        self.packed_in = self._bytes.packed_in
        self._first = self._bytes.read(4)
        marked = next((name for mark, name in MARKS.items() if self._first.startswith(mark)), None)
        self.encoding = codecs.lookup(encoding).name if encoding else marked or UTF8
        self._decoder = codecs.getincrementaldecoder(self.encoding)()
        self._lines, self._begun, self._wrong, self.ended = 0, False, False, False

    def read(self, size: int) -> bytes:
        """Return about so many bytes of text, and none only at the end.

        Raises BadInput, naming the line, once it comes to what is no text of its encoding.
        """
        text = ""
        while not text and not self.ended:
            if self._wrong:
                raise BadInput(self._why_not())
            data = self._given(size)
            try:
                text = self._decoder.decode(data, final=len(data) < size)
                self.ended = len(data) < size
            except UnicodeDecodeError as error:
                self._wrong = True
                text = error.object[: error.start].decode(_as_named(error, self.encoding))
            if text and not self._begun:
                text, self._begun = text.removeprefix(MARK), True
        self._lines += text.count("\n")
        return text.encode(UTF8)

    def _given(self, size: int) -> bytes:
        """Return so many bytes of the file, fewer only at its end."""
        data, self._first = self._first[:size], self._first[size:]
        while len(data) < size and (more := self._bytes.read(size - len(data))):
            data += more
        return data

    @property
    def done(self) -> int:
        """How many bytes of the file have been read."""
        return self._bytes.done

    def __enter__(self) -> "TextBytes":
        return self

    def __exit__(self, *_: object) -> None:
        self._bytes.close()

    def _why_not(self) -> str:
        sentence = f"Line {self._lines + 1} of {self._path} is not {self.encoding.upper()}"
        if self._named:
            return f"{sentence}, which it was said to be: give another `encoding`."
        return f"{sentence}: name its `encoding`, such as cp1252 or latin-1."


def _as_named(error: UnicodeDecodeError, encoding: str) -> str:
    """Return the encoding of what an error holds, which has no mark; tables are all `charmap`."""
    return error.encoding if error.encoding.startswith("utf") else encoding
