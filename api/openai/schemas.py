"""Checks on JSON Schemas that callers hand in, before any engine or provider sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from core.errors import InvalidRequest
from core.messages import Json

_MAX_PATTERN = 256
_MAX_BYTES_OF_REFERENCE = 512
_REPEATS = frozenset("*+{")


def check_schema(schema: Mapping[str, Json], place: str) -> None:
    """Raise `InvalidRequest` for a reference that leaves the schema or only leads to itself, or a runaway pattern."""
    for part in _parts(schema):
        reference = part.get("$ref")
        if isinstance(reference, str):
            _follow(schema, reference, place)
        pattern = part.get("pattern")
        if isinstance(pattern, str) and (len(pattern) > _MAX_PATTERN or runs_away(pattern)):
            raise InvalidRequest(
                f"{place}: a pattern with repetition inside repetition, or of more than {_MAX_PATTERN} characters",
                param=place,
                code="invalid_schema",
            )


def runs_away(pattern: str) -> bool:
    """Whether a repeated group holds an open repetition: what makes backtracking matchers take for ever."""
    groups: list[bool] = []
    hot = escaped = in_class = False
    for position, mark in enumerate(pattern):
        if escaped:
            escaped = False
        elif mark == "\\":
            escaped = True
        elif in_class:
            in_class = mark != "]"
        elif mark == "[":
            in_class = True
        elif mark == "(":
            groups.append(hot)
            hot = False
        elif mark == ")" and groups:
            if hot and pattern[position + 1 : position + 2] in _REPEATS:
                return True
            hot = groups.pop() or hot
        elif mark in "*+" or (mark == "{" and "," in pattern[position:].partition("}")[0]):
            hot = True
    return False


def _parts(value: Json) -> Iterator[Mapping[str, Json]]:
    pending: list[Json] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            yield item
            pending.extend(item.values())
        elif isinstance(item, Sequence) and not isinstance(item, str):
            pending.extend(item)


def _follow(schema: Mapping[str, Json], reference: str, place: str) -> None:
    seen: set[str] = set()
    while True:
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
            return
        reference = following


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
