"""The OpenAPI document, from the same table the routes come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from api.routes import Row

TITLE: Final = "Conclave"
VERSION: Final = "1"
"""Of the HTTP surface, which is what this document describes: the 1 of `/v1`."""
SUMMARY: Final = "Answers a query by convening the right experts, within a budget, and says why."

_ENVELOPE: Mapping[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_REFUSALS = {
    "400": "The request is not well formed, or asks for what cannot be.",
    "401": "No key, or one that is unknown, revoked or expired.",
    "402": "The budget cannot cover the worst case; nothing was spent.",
    "403": "The key may not do this.",
    "404": "No such pool, expert, strategy, model or run.",
    "408": "The body did not arrive in time.",
    "409": "The state does not allow it; look at it first.",
    "413": "The body is too large.",
    "415": "The body is not plain JSON.",
    "429": "Too many requests at once; see retry-after.",
    "502": "A provider failed.",
    "503": "Nobody can serve now; see retry-after.",
    "504": "A deadline passed.",
}
_WITH_BODY_ONLY = {"402", "408", "409", "413", "415", "502", "504"}
_OF_THINKING_ONLY = {"402", "502", "504"}
_OF_ORDERS_ONLY = {"409"}
_LATER = 202


def document_of(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the document of `rows`."""
    rows = tuple(rows)
    models = {row.takes for row in rows if row.takes}
    ordered = sorted(models, key=lambda model: model.__name__)
    references, definitions = models_json_schema(
        [(model, "validation") for model in ordered], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Any] = {}
    for row in rows:
        body = references[row.takes, "validation"] if row.takes else None
        path = row.path.replace(":path}", "}")
        paths.setdefault(path, {})[row.method.lower()] = _operation(row, path, body)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "summary": SUMMARY},
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": _ENVELOPE},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _operation(row: Row, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    content: dict[str, Any] = {row.media: {"schema": {"type": "object" if "json" in row.media else "string"}}}
    if row.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    refusal = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    operation: dict[str, Any] = {
        "operationId": row.handler.__name__,
        "summary": row.summary,
        "description": f"Needs a key with one of the scopes: {', '.join(sorted(row.scopes))}.",
        "parameters": [
            {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
            for part in path.split("/")
            if part.startswith("{")
        ],
        "responses": {
            str(row.answers): {
                "description": "The order was left." if row.answers == _LATER else "The answer.",
                "content": content,
            },
            **{
                status: {"description": why, "content": refusal}
                for status, why in _REFUSALS.items()
                if status not in _never(row)
            },
        },
    }
    if row.takes is not None:
        needed = any(field.is_required() for field in row.takes.model_fields.values())
        operation["requestBody"] = {"required": needed, "content": {"application/json": {"schema": body}}}
    return operation


def _never(row: Row) -> set[str]:
    """Return the refusals a route never answers with."""
    if row.takes is None:
        return _WITH_BODY_ONLY
    return _OF_THINKING_ONLY if row.answers == _LATER else _OF_ORDERS_ONLY
