"""The structure of a document against its schema: every problem at once, with what was found and what is allowed."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import near
from wiring.configuration.problems import Path, Problem, shown
from wiring.configuration.reading import Document

Section = TypeVar("Section", bound=BaseModel)
_Limits = Mapping[str, Any]

_SAID: dict[str, Callable[[object, _Limits], str]] = {
    "bool_type": lambda found, _: f"expected true or false, found {shown(found)}",
    "dict_type": lambda found, _: f"expected a mapping, found {shown(found)}",
    "float_type": lambda found, _: f"expected a number, found {shown(found)}",
    "greater_than": lambda found, limits: f"must be more than {limits['gt']:g}, found {shown(found)}",
    "greater_than_equal": lambda found, limits: f"must be at least {limits['ge']:g}, found {shown(found)}",
    "int_type": lambda found, _: f"expected a whole number, found {shown(found)}",
    "less_than_equal": lambda found, limits: f"must be at most {limits['le']:g}, found {shown(found)}",
    "list_type": lambda found, _: f"expected a list, found {shown(found)}",
    "missing": lambda _, __: "missing",
    "model_type": lambda found, _: f"expected a mapping, found {shown(found)}",
    "string_type": lambda found, _: f"expected text, found {shown(found)}",
    "string_too_short": lambda _, __: "must not be empty",
    "string_too_long": lambda _, limits: f"longer than {limits['max_length']} characters",
    "too_long": lambda _, limits: f"more than {limits['max_length']} entries",
    "too_short": lambda _, limits: f"needs at least {limits['min_length']}",
    "value_error": lambda _, limits: str(limits["error"]),
}
_PATTERNS = {
    "health": "expected the path of an address, such as /health",
    "sha256": "expected the 64 lower-case hexadecimal digits of a SHA-256",
    "tags": "expected a word of small letters, digits and . _ : / -, such as licence:nc",
    "package": "expected the name of a package, or of numbered ones such as name-part{1..22}",
}
_NOT_A_NAME = "is not a name; use letters, digits, dots, dashes and underscores"


def check_structure(document: Document, schema: type[Section]) -> tuple[Section | None, list[Problem]]:
    """Return the document in its schema, or the problems that keep it out."""
    try:
        return schema.model_validate(document.data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    return None, [_problem(document, schema, detail) for detail in details]


def _problem(document: Document, schema: type[BaseModel], detail: ErrorDetails) -> Problem:
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    found, limits = detail["input"], detail.get("ctx", {})
    kind = detail["type"]
    if kind == "extra_forbidden":
        return document.problem(path, f"unknown key{near(str(path[-1]), fields_at(schema, path[:-1]))}")
    if kind == "literal_error":
        expected = str(limits["expected"]).replace("'", '"')
        return document.problem(path, f"expected {expected}, found {shown(found)}")
    if kind == "string_pattern_mismatch":
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        return document.problem(path, _PATTERNS.get(key, f"{shown(found)} {_NOT_A_NAME}"))
    if path[-1:] == ("key",):
        # What stands there may be a secret that was written down by mistake.
        return document.problem(path, "expected a reference such as ${OPENAI_API_KEY}")
    say = _SAID.get(kind)
    return document.problem(path, say(found, limits) if say else detail["msg"])


def fields_at(schema: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that the schema knows at `path`; none where keys are free."""
    here: Any = schema
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            known = here.model_fields.get(str(part))
            here = _bare(known.annotation) if known else None
        else:
            arguments = get_args(here)
            here = _bare(arguments[-1]) if arguments else None
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _bare(annotation: object) -> object:
    """Return what is optional, without its None."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next((kind for kind in get_args(annotation) if kind is not type(None)), None)
    return annotation
