"""The languages of letters: a folder of templates each, and how dates are written.

A template is text: its first line is the subject, and each block after an empty line a paragraph.
A workspace's own template, `letters/<language>/<kind>.j2`, goes first. It is run in a sandbox, and
one that names a fact that there is not is refused, so that no letter has a hole in it. Those that
ship speak of the GDPR, and of no other law.
"""

import re
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from lineage_store.errors import BadInput
from unweave.letters.facts import Facts
from unweave.letters.kinds import LANGUAGES, OF_LESS, Kind
from unweave.letters.letter import Letter

MONTHS = {
    "en": (
        "", "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "de": (
        "", "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
        "Oktober", "November", "Dezember",
    ),
}  # fmt: skip
BREAKS = re.compile(r"\n{2,}")
PARTS = (
    "proofs.j2",
    "asked.j2",
    "recipients.j2",
    "elsewhere.j2",
)  # what templates may include or import
SPEAKING_OF = ("gdpr", "uk-gdpr")


def day_in(day: date, language: str) -> str:
    """Write a day as people of a language do: 3 May 2026, 3. Mai 2026."""
    month = MONTHS[language][day.month]
    return f"{day.day}{'.' if language == 'de' else ''} {month} {day.year}"


def letter_in(language: str, kind: Kind, facts: Facts, *, own: Path | None = None) -> Letter:
    """Return a letter in a language; `own` is the workspace's folder of templates.

    Raises BadInput for a language that there is not, and for an own template that cannot be.
    """
    if language not in LANGUAGES:
        raise BadInput(f"There are no letters in {language!r}: there are {', '.join(LANGUAGES)}.")
    own_file = None if own is None else own / language / f"{kind}.j2"
    has_own = own_file is not None and own_file.is_file()
    if facts.regime not in SPEAKING_OF and not has_own:
        raise BadInput(
            f"The letters that ship speak of the GDPR, and the request is counted by "
            f"{facts.regime}: write your own, letters/{language}/{kind}.j2 in the workspace."
        )
    shipped = files(__package__) / language
    parts = {name: (shipped / name).read_text(encoding="utf-8") for name in PARTS}
    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        finalize=_text_or_number,
        loader=DictLoader(parts),
    )
    environment.filters["day"] = lambda day: day_in(day, language)
    try:
        file = own_file if own_file is not None and has_own else shipped / f"{kind}.j2"
        text = environment.from_string(file.read_text(encoding="utf-8")).render(facts=facts)
        subject, _, body = (part.strip() for part in text.partition("\n"))
        if not (subject and body):
            raise ValueError("a letter without a subject, or without a word")
        frame = environment.from_string((shipped / "frame.j2").read_text(encoding="utf-8"))
        less = kind in OF_LESS
        whole = frame.render(facts=facts, subject=subject, body=body, kind=kind, less=less)
    except Exception as error:  # whatever a template of one's own may raise
        raise BadInput(
            f"The letter {kind} in {language} cannot be written: {type(error).__name__}. If the "
            f"template is your own, see which facts there are in docs/answering-people.md."
        ) from error
    return Letter(kind, language, _paragraphs(whole), subject)


def _text_or_number(value: Any) -> Any:
    """Return a value that stands in a letter; raises ValueError for what is no text or number."""
    if not isinstance(value, str) and type(value) is not int:
        raise ValueError("a fact that there is not")
    return value


def _paragraphs(text: str) -> str:
    """Return a text with one empty line between paragraphs."""
    return "\n\n".join(part.strip("\n") for part in BREAKS.split(text.strip())) + "\n"
