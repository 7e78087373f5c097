"""A workspace's own templates of letters: `letters/<language>/<kind>.j2`, which go first.

One is taken that can be written of facts that are all there: whatever else it does shows in how it
reads then. What it says where a fact is missing, it must ask for itself (`if`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput, NothingFound
from lineage_store.requests import Controller
from unweave.letters.catalogue import letter_in
from unweave.letters.facts import Facts, Proven
from unweave.letters.kinds import KINDS, LANGUAGES, Kind

FOLDER = "letters"
LONGEST = 20_000  # characters


@dataclass(frozen=True)
class OwnTemplates:
    """The templates of a workspace, by its folder."""

    root: Path

    @staticmethod
    def letters() -> Iterator[tuple[str, str]]:
        """Yield every letter that there is: its language and its kind."""
        return ((language, kind) for kind in KINDS for language in LANGUAGES)

    def has(self, language: str, kind: str) -> bool:
        """Say whether a letter has a template of the workspace's own."""
        return self._file(language, kind).is_file()

    def text(self, language: str, kind: str) -> str:
        """Return the template of a letter, as it is used now."""
        own = self._file(language, kind)
        shipped = files("unweave.letters") / language / f"{kind}.j2"
        return (own if own.is_file() else shipped).read_text(encoding="utf-8")

    def save(self, *, language: str, kind: str, text: str) -> dict[str, Any]:
        """Use a template from now on, and return how it reads of made-up facts.

        Raises BadInput for one that cannot be written, and NothingFound for no such letter.
        """
        file = self._file(language, kind)
        if len(text) > LONGEST:
            raise BadInput(f"A template has {LONGEST:,} characters at most.")
        data = text.replace("\r\n", "\n").rstrip("\n").encode("utf-8") + b"\n"
        with TemporaryDirectory(prefix="unweave-letter-") as folder:
            tried = Path(folder) / language / file.name
            tried.parent.mkdir()
            tried.write_bytes(data)
            letter = letter_in(language, _kind(kind), made_up(), own=Path(folder))
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(file, data)
        return {"language": language, "kind": kind, "reads": letter.text}

    def end(self, *, language: str, kind: str) -> dict[str, Any]:
        """Use the template that ships again; raises NothingFound if there is no other."""
        file = self._file(language, kind)
        if not file.is_file():
            raise NothingFound("The workspace has no template of its own for this letter.")
        file.unlink()
        return {"language": language, "kind": kind}

    def _file(self, language: str, kind: str) -> Path:
        if (language, kind) not in set(self.letters()):
            raise NothingFound("There is no such letter.")
        return self.root / FOLDER / language / f"{kind}.j2"


def made_up() -> Facts:
    """Return facts of nobody, all of which are there."""
    day = date(2031, 3, 14)
    proven = Proven(
        deletion="r0",
        on=day,
        rows=3,
        number=1,
        receipt="enclosed",
        exact_by="r1",
        exact_since=day,
    )
    return Facts(
        request="q0",
        to="Anna Example",
        today=day,
        received=day - timedelta(days=20),
        due=day + timedelta(days=10),
        first_due=day + timedelta(days=10),
        regime="gdpr",
        controller=Controller(
            name="Example Ltd",
            contact="1 Example Road",
            officer="officer@example.com",
            authority="The authority of Example",
            purposes="examples",
            people="nobody",
            data="made up",
            recipients="nobody",
            transfers="none",
            retention="a day",
            security="all of it",
            source="made up",
            decisions="none",
        ),
        found=1,
        exact=True,
        enclosed=True,
        extended="complexity",
        doubt="two of that name",
        fee="10 EUR",
        ground="12(5)(b)",
        reason="the reason that is given",
        until=day + timedelta(days=30),
        proven=(proven,),
        since=day - timedelta(days=5),
        kept=True,
        lifts_on=day + timedelta(days=7),
        because="verified",
        ended=day,
        held=3,
        recipients=("Example Cloud",),
    )


def _kind(text: str) -> Kind:
    return next(one for one in KINDS if one == text)
