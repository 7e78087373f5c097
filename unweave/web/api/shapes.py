"""What is answered, as JSON Schema (2020-12): every field of it, and no other.

What a command prints as JSON is answered here, too, but for two things: names of people, which have
an operation of their own, and paths of the machine that the desk runs on.
"""

from typing import Any

from unweave.web.operations.rules_set import OF_CONTROLLER

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer"}
ANY: Schema = {"type": "object"}


def maybe(schema: Schema) -> Schema:
    """Return what is as a schema says, or null."""
    kind = schema.get("type")
    return schema | {"type": [kind, "null"]} if kind else {"anyOf": [schema, {"type": "null"}]}


def of(fields: dict[str, Schema]) -> Schema:
    """Return an object with all of these fields, and no other."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def and_maybe(schema: Schema, fields: dict[str, Schema]) -> Schema:
    """Return an object that may have these fields, too."""
    return schema | {"properties": schema["properties"] | fields}


def many(schema: Schema) -> Schema:
    """Return a list."""
    return {"type": "array", "items": schema}


def called(name: str) -> Schema:
    """Return a reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


LINE: dict[str, Schema] = {
    "request": TEXT, "state": TEXT, "kind": TEXT, "right": TEXT, "ground": maybe(TEXT),
    "ids": COUNT, "created": TEXT, "received": TEXT, "regime": maybe(TEXT), "due_by_law": TEXT,
    "deadline": TEXT, "days_open": COUNT, "days_left": maybe(COUNT), "late": FLAG, "overdue": FLAG,
    "extended": maybe(TEXT), "stands_since": maybe(TEXT), "held_until": maybe(TEXT),
    "approved": maybe(TEXT), "follows": maybe(TEXT), "run": maybe(TEXT), "deletion": maybe(TEXT),
    "ids_found": maybe(COUNT), "ended": maybe(TEXT), "guarantee": maybe(TEXT),
    "strategy": maybe(TEXT), "exact_by": maybe(TEXT), "restricted_since": maybe(TEXT),
    "lifts_on": maybe(TEXT), "because": maybe(TEXT), "taken_out": maybe(TEXT), "keep_rows": FLAG,
    "warnings": many(TEXT),
}  # fmt: skip
ALIKE = of({"number": COUNT, "rows": COUNT, "why": TEXT})
SPELLING = of({"number": COUNT, "id": TEXT, "rows": COUNT, "why": TEXT})
FOUND = of(
    {"models": many(of({"model": TEXT, "name": maybe(TEXT), "rows": COUNT})),
     "alike": many(of({"id": TEXT, "rows": COUNT, "why": TEXT})), "not_compared": COUNT}
)  # fmt: skip
PART = of(
    {"workspace": COUNT, "name": TEXT, "request": maybe(TEXT), "reached": FLAG,
     "state": maybe(TEXT), "done": FLAG, "behind": many(TEXT), "alike": many(ALIKE)}
)  # fmt: skip
MODEL: dict[str, Schema] = {
    "model": TEXT, "name": maybe(TEXT), "served": FLAG, "state": TEXT, "guarantee": TEXT,
    "created": TEXT, "ended": maybe(TEXT), "rows": COUNT, "deletion": maybe(TEXT),
    "model_family": TEXT,
}  # fmt: skip
RUNNING = of(
    {"deletions": many(TEXT), "requests": many(TEXT), "since": TEXT, "what": maybe(TEXT),
     "done": COUNT, "total": COUNT}
)  # fmt: skip
WORDS_KEPT = (
    "requester", "reason", "legal_basis", "came_by", "verified_by", "verified_how", "added_by",
    "approved_by", "hold_reason", "doubt", "fee", "fee_reason",
)  # fmt: skip
TOKEN: dict[str, Schema] = {"token": TEXT, "name": TEXT, "role": TEXT, "until": TEXT}
ONCE = "Told once, and null if asked again."
FREE_OF_DELETED = "whether it is free of deleted rows, as `unweave query free` says"

SHAPES: dict[str, Schema] = {
    "Problem": {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "properties": {
            "type": TEXT, "title": TEXT, "status": COUNT, "detail": TEXT,
            "errors": many(of({"field": TEXT, "why": TEXT})),
            "first": ANY | {"description": "What came of the call that had this key first."},
        },
        "required": ["type", "title", "status", "detail"],
    },
    "RequestLine": of(LINE),
    "RequestPage": of({"requests": many(called("RequestLine")), "next": maybe(TEXT)}),
    "Request": and_maybe(of(
        LINE
        | {
            "history": many(of({"time": TEXT, "what": TEXT, "by": maybe(TEXT)})),
            "alike": many(ALIKE),
            "found": maybe(
                of({"models": many(of({"model": TEXT, "name": maybe(TEXT), "rows": COUNT})),
                    "ids": COUNT, "with_rows": COUNT})
            ),
            "proofs": many(
                of({"deletion": TEXT, "number": maybe(COUNT), "receipt_until": maybe(TEXT),
                    "receipt_handed_out": maybe(TEXT)})
            ),
            "written": many(TEXT),
            "sent": maybe(TEXT),
        }),
        {"elsewhere": many(PART)},
    ),
    "Filed": of({"request": TEXT, "duplicate": FLAG, "state": TEXT, "deadline": TEXT}),
    "Names": of(
        {"request": TEXT, "named": many(TEXT), "spellings": many(SPELLING)}
        | {name: maybe(TEXT) for name in WORDS_KEPT}
    ),
    "Sent": of({"request": TEXT, "done": {"type": "string", "enum": ["sent", "erased"]}}),
    "OwnLink": of(
        {"request": TEXT, "link": maybe(TEXT | {"description": f"Its path. {ONCE}"})}
    ),
    "LookedUp": and_maybe(
        FOUND,
        {"elsewhere": many(of({"workspace": TEXT, "found": maybe(FOUND)}))},
    ),
    "Recipient": of(
        {"number": COUNT, "name": TEXT, "line": maybe(TEXT), "since": TEXT, "until": maybe(TEXT),
         "told": ANY}
    ),
    "Readmitted": of({"readmitted": COUNT, "deletions": many(TEXT)}),
    "Started": of({"started": FLAG}),
    "Run": of(
        {"running": maybe(RUNNING), "started": FLAG,
         "failed": many(of({"requests": many(TEXT), "error": TEXT}))}
    ),
    "ModelPage": of({"models": many(of(MODEL)), "next": maybe(TEXT)}),
    "Model": of(
        MODEL
        | {"line": many(TEXT), "trace": ANY, "free": ANY | {"description": FREE_OF_DELETED}}
    ),
    "Deletion": of(
        {"deletion": TEXT, "state": TEXT, "created": TEXT, "requests": many(TEXT),
         "certificate": maybe(TEXT | {"description": "The file, byte for byte."})}
    ),
    "EventPage": of(
        {"events": many(of({"seq": COUNT, "time": TEXT, "kind": TEXT, "body": ANY})),
         "next": maybe(TEXT)}
    ),
    "Head": of({"size": COUNT, "root": TEXT, "checkpoint": TEXT}),
    "Records": of(
        {"year": TEXT, "complete": FLAG, "figures": ANY, "controller": ANY, "names": many(ANY),
         "recipients": many(ANY)}
    ),
    "Verified": {
        "type": "object",
        "properties": {"ok": FLAG, "verdict": TEXT, "detail": TEXT},
        "required": ["ok", "verdict", "detail"],
    },
    "TokenList": of({"tokens": many(of(TOKEN))}),
    "TokenMade": of(
        TOKEN
        | {"secret": maybe(TEXT | {"description": ONCE})}
    ),
    "TokenEnded": of(TOKEN | {"ended": FLAG}),
    "WebhookList": of(
        {"webhooks": many(of({"webhook": TEXT, "url": TEXT, "local": FLAG, "failed": COUNT}))}
    ),
    "WebhookMade": of({"webhook": TEXT, "secret": maybe(TEXT | {"description": ONCE})}),
    "WebhookEnded": of({"webhook": TEXT, "ended": FLAG}),
    "UserList": of(
        {"users": many(of({"name": TEXT, "role": TEXT, "set_up": FLAG, "program": FLAG}))}
    ),
    "UserLink": of(
        {"name": TEXT, "role": TEXT, "link": maybe(TEXT | {"description": f"Its path. {ONCE}"})}
    ),
    "UserEnded": of({"name": TEXT, "role": TEXT, "ended": FLAG}),
    "Policy": of(
        {"approve_above": maybe(COUNT), "approve_above_user": maybe(COUNT),
         "deadline_days": maybe(COUNT), "register_years": COUNT, "regime": TEXT,
         "regimes": many(TEXT)}
    ),
    "Controller": of(
        {name: maybe(TEXT) for name in OF_CONTROLLER} | {"missing": many(TEXT)}
    ),
    "LetterList": of({"letters": many(of({"letter": TEXT, "own": FLAG}))}),
    "Letter": of({"letter": TEXT, "own": FLAG, "template": TEXT}),
    "LetterTried": of({"letter": TEXT, "own": FLAG, "template": TEXT, "reads": TEXT}),
    "Mailing": of({"request": TEXT, "mail": maybe(TEXT)}),
    "MailServer": of(
        {"host": maybe(TEXT), "port": maybe(COUNT), "security": maybe(TEXT),
         "sender": maybe(TEXT), "user": maybe(TEXT)}
    ),
    "Document": ANY,
}  # fmt: skip
