"""The description of the API, as OpenAPI 3.1: made of the tables, and of nothing else."""

import re
from typing import Any

from unweave.web.api.operations_table import OPERATIONS, PLACES, ROOT, Operation
from unweave.web.api.shapes import SHAPES, called
from unweave.web.process.matrix import BY_ROUTE, PUBLIC
from unweave.web.process.problems import MEDIA

UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
ABOUT = """What the desk's pages do, for programs: what the commands print as JSON, without \
names of people, which are read by an operation of their own, and without paths of the machine. \
Whom something is about stands in bodies alone, never in an address."""
ONCE = """A UUID, drawn at random for what is to be done once: asked again within a day with the \
same key and body, it is not done again, and answered as the first time."""


def document() -> dict[str, Any]:
    """Return the description."""
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(ROOT + one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "unweave: the desk", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {
            "schemas": SHAPES,
            "responses": {
                "Problem": {
                    "description": "It is not done, and why.",
                    "content": {MEDIA: {"schema": called("Problem")}},
                }
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    rule = BY_ROUTE[one.method, ROOT + one.path]
    told: dict[str, Any] = {"operationId": one.name, "summary": one.says}
    if rule.roles == PUBLIC:
        told |= {"description": "For everybody.", "security": []}
    else:
        whose = "" if rule.whose == "anybody's" else f" But {rule.whose}."
        told |= {
            "description": f"For the roles {', '.join(sorted(rule.roles))}.{whose}",
            "security": [{"token": []}],
        }
    if parameters := _parameters(one):
        told["parameters"] = parameters
    if one.body:
        schema = {
            "type": "object",
            "properties": {field.name: field.schema() for field in one.body},
            "required": [field.name for field in one.body if field.required],
            "additionalProperties": False,
        }
        told["requestBody"] = {
            "required": bool(schema["required"]),
            "content": {"application/json": {"schema": schema}},
        }
    return told | {"responses": _responses(one)}


def _parameters(one: Operation) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True,
         "schema": {"type": "string", "pattern": f"^{PLACES[name]}$"}}
        for name in re.findall(r"{(\w+)}", one.path)
    ]  # fmt: skip
    found += [
        {"name": query.name, "in": "query", "required": False, "description": query.says,
         "schema": query.schema()}
        for query in one.query
    ]  # fmt: skip
    if one.changes:
        key = {"type": "string", "pattern": f"^{UUID}$"}
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": True, "description": ONCE,
             "schema": key}
        )  # fmt: skip
    return found


def _responses(one: Operation) -> dict[str, Any]:
    schema = called(one.answer)
    if one.media != "application/json":
        schema = {"type": "string", "contentMediaType": one.media}
    return {
        str(one.status): {
            "description": "It is so.",
            "content": {one.media: {"schema": schema}},
        },
        "4XX": {"$ref": "#/components/responses/Problem"},
        "5XX": {"$ref": "#/components/responses/Problem"},
    }
