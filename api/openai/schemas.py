"""Checks on JSON Schemas that callers hand in, before any engine or provider sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from core.errors import InvalidRequest
from core.messages import Json

_MAX_PATTERN = 256
_MAX_BYTES_OF_REFERENCE = 512
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_REPEATS = frozenset("*+{")
_LITERAL = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]?", re.DOTALL)
"""An escape or a class: one character to match, whatever is written in it."""


def check_schema(schema: Mapping[str, Json], place: str) -> None:
    """Raise `InvalidRequest` for a reference that leaves the schema or only leads to itself, or a runaway pattern."""
    sound: set[str] = set()
    for part in _parts(schema):
        for word in _REFERENCES:
            reference = part.get(word)
            if isinstance(reference, str):
                _follow(schema, reference, place, sound)
        if any(len(pattern) > _MAX_PATTERN or runs_away(pattern) for pattern in _patterns(part)):
            raise InvalidRequest(
                f"{place}: a pattern with repetition inside repetition, or of more than {_MAX_PATTERN} characters",
                param=place,
                code="invalid_schema",
            )


def runs_away(pattern: str) -> bool:
    """Whether a repeated group holds an open repetition: what makes backtracking matchers take for ever."""
    groups: list[bool] = []
    hot = in_count = False
    marks = _LITERAL.sub("x", pattern)
    for position, mark in enumerate(marks):
        if mark in "{}":
            in_count = mark == "{"
        elif mark == "(":
            groups.append(hot)
            hot = False
        elif mark == ")" and groups:
            if hot and marks[position + 1 : position + 2] in _REPEATS:
                return True
            hot = groups.pop() or hot
        elif mark in "*+" or (mark == "," and in_count):
            hot = True
    return False


def _patterns(part: Mapping[str, Json]) -> Iterator[str]:
    pattern, by_pattern = part.get("pattern"), part.get("patternProperties")
    if isinstance(pattern, str):
        yield pattern
    if isinstance(by_pattern, Mapping):
        yield from by_pattern


def _parts(value: Json) -> Iterator[Mapping[str, Json]]:
    pending: list[Json] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            yield item
            pending.extend(item.values())
        elif isinstance(item, Sequence) and not isinstance(item, str):
            pending.extend(item)


def _follow(schema: Mapping[str, Json], reference: str, place: str, sound: set[str]) -> None:
    """Follow a reference to its end; `sound` are those known to have one, so that no chain is walked twice."""
    seen: set[str] = set()
    while reference not in sound:
        if not reference.startswith("#") or len(reference) > _MAX_BYTES_OF_REFERENCE:
            raise InvalidRequest(
                f"{place}: a $ref may only point into its own schema", param=place, code="invalid_schema"
            )
        if reference in seen:
            raise InvalidRequest(f"{place}: a $ref that leads only to itself", param=place, code="invalid_schema")
        seen.add(reference)
        target = _resolve(schema, reference)
        if target is None:
            raise InvalidRequest(f"{place}: a $ref that points at nothing", param=place, code="invalid_schema")
        following = target.get("$ref")
        if not isinstance(following, str):
            break
        reference = following
    sound |= seen


def _resolve(schema: Mapping[str, Json], reference: str) -> Mapping[str, Json] | None:
    current: Json = schema
    for step in reference.lstrip("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(current, Mapping):
            current = current.get(name)
        elif isinstance(current, Sequence) and not isinstance(current, str) and name.isdecimal():
            current = current[int(name)] if int(name) < len(current) else None
        else:
            return None
    return current if isinstance(current, Mapping) else None
