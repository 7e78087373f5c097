"""The shape of a certificate's statement: which fields there are, and what each may hold.

The same as docs/certificate.schema.json, for `verify`, which needs nothing but this package; a test
holds the two to each other. What is wrong is said by the place of the field and never by what
stands in it: the file is a stranger's.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, get_args

from lineage_store.claim import LEVELS, Word
from lineage_store.log import ORIGIN, DeletionAsked
from unlearning.verification.twin_distance import Nearness

# Says what is wrong with a value that stands at a place, or None.
Shape = Callable[[Any, str], str | None]

LARGEST = 2**63 - 1
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"
VERDICT = (
    "retrained|updated|regenerated|erased|proven unaffected|"
    r"retained: derived until \d{4}-\d\d-\d\d"
)


def fault(statement: Mapping[str, Any]) -> str | None:
    """Say where a statement is not of this shape, in half a sentence; None if it is."""
    return STATEMENT(statement, "the statement")


def time_of(text: str) -> datetime:
    """Return the moment that a text of `TIME` names; raises ValueError if there is none."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def fields(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    """An object with these fields and no others."""
    known = {**required, **(optional or {})}

    def shape(value: Any, at: str) -> str | None:
        if not isinstance(value, dict):
            return f"{at} is no object"
        for name in required:
            if name not in value:
                return f"{at} lacks the field {name}"
        if value.keys() - known.keys():
            return f"{at} has a field that no certificate has"
        found = (known[name](one, f"{at}.{name}") for name, one in value.items())
        return next((one for one in found if one is not None), None)

    return shape


def named(shape_of_each: Shape, *, least: tuple[str, ...] = ()) -> Shape:
    """An object with fields of any name, all of one shape, and some of them there."""

    def shape(value: Any, at: str) -> str | None:
        if not isinstance(value, dict) or not all(name in value for name in least):
            return f"{at} is no object" if not least else f"{at} does not hold what it must"
        found = (shape_of_each(one, at) for one in value.values())
        return next((one for one in found if one is not None), None)

    return shape


def each(shape_of_each: Shape, *, least: int = 0) -> Shape:
    """A list of at least so many values, all of one shape."""

    def shape(value: Any, at: str) -> str | None:
        if not isinstance(value, list) or len(value) < least:
            return f"{at} is no list of at least {least}"
        found = (shape_of_each(one, f"{at}[{place}]") for place, one in enumerate(value))
        return next((one for one in found if one is not None), None)

    return shape


def text(pattern: str = ".*") -> Shape:
    """A text, all of it as the pattern says."""
    compiled = re.compile(pattern, re.ASCII | re.DOTALL)

    def shape(value: Any, at: str) -> str | None:
        fits = isinstance(value, str) and compiled.fullmatch(value)
        return None if fits else f"{at} is no such text as stands there"

    return shape


def read_by(read: Callable[[str], object], pattern: str) -> Shape:
    """A text as the pattern says that can be read, such as a day of the calendar."""
    written = text(pattern)

    def shape(value: Any, at: str) -> str | None:
        wrong = written(value, at)
        if wrong is not None:
            return wrong
        try:
            read(value)
        except (ValueError, OverflowError):
            return f"{at} does not exist in the calendar"
        return None

    return shape


def whole(value: Any, at: str) -> str | None:
    """Whole numbers from 0 on."""
    is_whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST
    return None if is_whole else f"{at} is no whole number from 0 on"


def positive(value: Any, at: str) -> str | None:
    """Whole numbers from 1 on."""
    return whole(value, at) or (None if value >= 1 else f"{at} is 0")


def number(value: Any, at: str) -> str | None:
    """Numbers from 0 on."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if is_number and 0 <= value <= 1.8e308 else f"{at} is no number from 0 on"


def constant(*known: str | int | None) -> Shape:
    """One of these values, which are not other values of their kind: 1 is not true."""

    def shape(value: Any, at: str) -> str | None:
        fits = any(type(value) is type(one) and value == one for one in known)
        return None if fits else f"{at} is none of what can stand there"

    return shape


def either(*shapes: Shape) -> Shape:
    """A value of one of these shapes; what is wrong is said of the last."""

    def shape(value: Any, at: str) -> str | None:
        wrong = [one(value, at) for one in shapes]
        return None if None in wrong else wrong[-1]

    return shape


def anything(value: Any, at: str) -> str | None:
    """Any value."""
    return None


SHA256 = text("[0-9a-f]{64}")
WHEN = read_by(time_of, TIME)
DAY = read_by(date.fromisoformat, r"\d{4}-\d\d-\d\d")
REQUEST, MODEL = text("r[0-9]{1,18}"), text("m[0-9]{1,18}")
BASE64 = text("[A-Za-z0-9+/]*=*")
WEIGHTS = fields({"id": MODEL, "weights": SHA256})
NULL = constant(None)

CLAIM = fields(
    {"level": constant(*LEVELS)},
    {
        "bridged": fields({"again": whole, "total": whole}),
        "bound": number,
        "norm": text(),
        "epsilon": number,
        "delta": number,
        "assumptions": each(text()),
    },
)
DISTANCES = {name: either(NULL, number) for name in ("unlearned", "untouched", "relative")}
CHANGE = fields(
    {
        "before": WEIGHTS,
        "after": either(NULL, WEIGHTS),
        "strategy": text(),
        "guarantee": constant(*get_args(Word)),
        "rows": named(whole),
        "shards": named(text()),
        "plan": SHA256,
        "verdicts": each(
            fields({"kind": text(), "verdict": text(VERDICT), "why": text(), "count": positive})
        ),
        "verification": fields(
            {
                "rung": constant("bits", "distance", "none", "withdrawn"),
                "how": text(),
                "behaviour": constant("not shown"),
            }
        ),
    },
    {
        "claim": CLAIM,
        "base": fields({"before": text(), "after": either(NULL, text())}),
        "reuse": text(),
        "updates": fields({"affected": whole, "of": whole}),
        "kept_for_later": fields(
            {
                "updates": whole,
                "states": whole,
                "until": DAY,
                "verdict": text(),
                "served_by": each(text()),
            }
        ),
        "checks": each(
            fields(
                {
                    "name": text(),
                    "outcome": constant("passed", "failed", "uninformative"),
                    "detail": text(),
                }
            )
        ),
        "learnt": constant("not learnt from"),
        "fixed_by_the_user": text(),
        "basis": constant("by construction", "by replay"),
        # Numbers are an earlier unweave's.
        "distance_to_twin": either(constant(*get_args(Nearness)), fields(DISTANCES)),
        "closeness": text(),
        "exact_due_by": DAY,
        "evaluation": fields(
            {
                "outcome": constant("passed", "failed", "uninformative"),
                "rung": either(NULL, text()),
                "digest": SHA256,
            }
        ),
    },
)
LOG = fields(
    {
        "format": constant(1),
        "kind": constant("inclusion"),
        "checkpoint": text(rf"{re.escape(ORIGIN)}\n\d{{1,18}}\n.*"),
        "event": fields(
            {
                "seq": positive,
                "time": WHEN,
                "kind": constant(DeletionAsked.name),
                "body": fields({"request": REQUEST, "digest": SHA256}),
            }
        ),
        "path": each(BASE64),
    }
)
ENVIRONMENT = ("python", "machine", "processor", "packages", "onednn", "threads", "deterministic")
PREDICATE = fields(
    {
        "request": fields({"id": REQUEST, "requested": WHEN, "digest": SHA256}),
        "certified": WHEN,
        "subjects": each(SHA256),
        "rows": fields({"count": whole, "root": SHA256}),
        "models": each(CHANGE, least=1),
        "erasure": fields(
            {
                "files_scanned": positive,
                "bytes_scanned": positive,
                "patterns": whole,
                "ids_not_distinctive": whole,
                "found": whole,
            },
            {"ids_left_out": whole},
        ),
        "not_covered": each(text(), least=1),
        "tool": fields({"name": constant("unweave"), "version": text(), "code": SHA256}),
        "environment": named(anything, least=ENVIRONMENT),
        "workspace_key": text("[0-9a-f]{16}"),
        "log": LOG,
        "signer": fields({"public_key": BASE64}),
    },
    {
        "upgrades": each(fields({"request": REQUEST, "certificate": SHA256}), least=1),
        "run": fields(
            {
                "certificate": SHA256,
                "index": whole,
                "size": whole,
                "root": SHA256,
                "path": each(BASE64),
            }
        ),
    },
)
STATEMENT = fields(
    {
        "_type": text(),
        "predicateType": text(),
        "subject": each(
            fields(
                {
                    "name": text("weights of m[0-9]{1,18}, (before|after)"),
                    "digest": fields({"sha256": SHA256}),
                }
            ),
            least=1,
        ),
        "predicate": PREDICATE,
    }
)
