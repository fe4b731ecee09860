"""Checks on JSON Schemas that callers hand in, before any engine or provider sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from core.errors import InvalidRequest
from core.messages import Json

_MAX_PATTERN = 256
_MAX_BYTES_OF_REFERENCE = 512
# Measured on llama.cpp, whose grammar keeps every way on at once: 500 choices take 0.9 s before the first token, 2,000
# take 5 to 17 s, 10,000 more than 25 s, and nothing else that its process serves is decoded or cancelled meanwhile.
_MAX_CHOICES = 500
# `(a?b?c?d?){1,25}`, 100 in all, took more than 25 s; 60 take 0.7 s.
_MAX_OPTIONS = 48
_MAX_AT_LEAST = 2000
_AT_LEAST = ("minLength", "minItems")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_REPEATS = frozenset("*+{")
_COUNT = re.compile(r"\{(\d*)(?:,(\d*))?\}")
_LITERAL = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]?", re.DOTALL)
"""An escape or a class: one character to match, whatever is written in it."""


def check_schema(schema: Mapping[str, Json], place: str) -> None:
    """Raise `InvalidRequest` for a reference that leaves the schema or only leads to itself, or a runaway pattern.

    Also for more choices in one place, or a longer least length, than an engine's grammar bears.
    """
    sound: set[str] = set()
    for part in _parts(schema):
        _check_least(part, place)
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
        if any(options(pattern) > _MAX_OPTIONS for pattern in _patterns(part)):
            raise InvalidRequest(
                f"{place}: a pattern with more than {_MAX_OPTIONS} optional or alternative parts, each counted as "
                "often as its group is repeated; simplify it, or check the answer after it came",
                param=place,
                code="invalid_schema",
            )
    if _most_choices(schema) > _MAX_CHOICES:
        raise InvalidRequest(
            f"{place}: more than {_MAX_CHOICES} choices in one place; use fewer enum values or anyOf branches, or make "
            "properties required",
            param=place,
            code="invalid_schema",
        )


def options(pattern: str) -> int:
    """Return how many parts are optional or alternatives, each as often as the groups that hold it are repeated."""
    groups, own = list[int](), 0
    marks = _LITERAL.sub("x", pattern)
    for position, mark in enumerate(marks):
        if mark == "(":
            groups.append(own)
            own = 0
        elif mark == ")" and groups:
            count = _COUNT.match(marks, position + 1)
            own = groups.pop() + own * (1 if count is None else _largest(count))
        elif mark in "*|" or (mark == "?" and marks[position - 1 : position] != "("):
            own += 1
    return own + sum(groups)


def _largest(count: re.Match[str]) -> int:
    # Six digits are over every bound; a number of any length would cost time to read.
    return max(int(number[:6]) if number else 1 for number in (count[1], count[2]))


def _check_least(part: Mapping[str, Json], place: str) -> None:
    for word in _AT_LEAST:
        least = part.get(word)
        if isinstance(least, int | float) and least > _MAX_AT_LEAST:
            raise InvalidRequest(
                f"{place}: a {word} above {_MAX_AT_LEAST}; lower it", param=place, code="invalid_schema"
            )


def _most_choices(schema: Mapping[str, Json]) -> int:
    """Return the largest number of choices that a matcher has in one place: branches, values, optional properties."""
    known: dict[int, int] = {}
    most = 0
    for part in _parts(schema):
        properties, required = part.get("properties"), part.get("required")
        if isinstance(properties, Mapping):
            needed = {name for name in required if isinstance(name, str)} if isinstance(required, list | tuple) else ()
            most = max(most, len(properties.keys() - needed))
        most = max(most, known.get(id(part)) or _choices(schema, part, known))
    return most


def _choices(schema: Mapping[str, Json], part: Mapping[str, Json], known: dict[int, int]) -> int:
    """Return in how many ways what fits `part` may begin; references are followed, each once.

    One that leads back to where it is counts once: the engine refuses it.
    """
    pending, counted = [part], set[int]()
    # A stack of our own: references may form a chain of thousands, and thousands may lead to one place.
    while pending:
        current = pending[-1]
        if id(current) in counted:
            pending.pop()
            continue
        inner = list(_beginnings(schema, current))
        if id(current) not in known:
            known[id(current)] = 1
            pending.extend(one for one in inner if id(one) not in known)
            continue
        counted.add(id(pending.pop()))
        values = current.get("enum")
        own = len(values) if isinstance(values, Sequence) and not isinstance(values, str) else 0
        known[id(current)] = max(1, own + sum(known[id(one)] for one in inner))
    return known[id(part)]


def _beginnings(schema: Mapping[str, Json], part: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    for word in ("anyOf", "oneOf", "allOf"):
        branches = part.get(word)
        if isinstance(branches, Sequence) and not isinstance(branches, str):
            yield from (branch for branch in branches if isinstance(branch, Mapping))
    reference = part.get("$ref")
    target = _resolve(schema, reference) if isinstance(reference, str) else None
    if target is not None:
        yield target


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
