"""Gzipped JSON lines from elsewhere: each as an object or as the reason why it is none, and checks of their values."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

_Kind = TypeVar("_Kind")
_LONGEST_LINE: Final = 16 * 2**20
_LONGEST_SHOWN: Final = 80


class Flaw(ValueError):
    """Why something that was read cannot be used, in words for the person who can mend it."""


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any] | Flaw]]:
    """Yield each line's number, counted from 1, with its object or its flaw; blank lines are passed over.

    A file that is damaged, cut off or not gzip ends with that flaw, after every whole line before it. Raises `OSError`
    where the file cannot be read at all.
    """
    with gzip.open(path) as lines:
        for number in count(1):
            try:
                # Bounded, so that a few crafted kilobytes cannot unpack into all of the memory.
                line = lines.readline(_LONGEST_LINE + 1)
            except EOFError:
                yield number, Flaw("the file is cut off here")
                return
            except (gzip.BadGzipFile, zlib.error) as error:
                yield number, Flaw(f"the file is damaged or not gzip: {error}")
                return
            if not line:
                return
            if len(line) > _LONGEST_LINE:
                yield number, Flaw(f"longer than {_LONGEST_LINE // 2**20} MiB; nothing is read from here on")
                return
            if not line.isspace():
                yield number, _object(line)


def required(found: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key; raises `Flaw` when it is not there."""
    try:
        return found[key]
    except KeyError:
        raise Flaw(f"missing key {shown(key)}") from None


def text_at(found: Mapping[str, Any], key: str) -> str:
    """Return the text of a key; raises `Flaw` when it is missing or no text."""
    value = required(found, key)
    if not isinstance(value, str):
        raise Flaw(f"{key}: must be a text, found {shown(value)}")
    return value


def optional_text(found: Mapping[str, Any], key: str) -> str | None:
    """Return the text of a key, or nothing where it is missing or null; raises `Flaw` when it is no text."""
    return None if found.get(key) is None else text_at(found, key)


def amount(found: Mapping[str, Any], key: str) -> float | None:
    """Return the number of a key, or nothing where it is missing or null; raises `Flaw` when it is no amount from 0."""
    value = found.get(key)
    if value is None:
        return None
    # By exact type, as true and false are integers to `isinstance`.
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise Flaw(f"{key}: must be a number from 0 on, found {shown(value)}")
    return float(value)


def members(found: Mapping[str, Any], key: str, kind: type[_Kind], what: str) -> list[_Kind]:
    """Return the list of a key, all of one kind, empty where it is missing or null; raises `Flaw` naming `what`."""
    value = found.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(member, kind) for member in value):
        raise Flaw(f"{key}: must be a list of {what}, found {shown(value)}")
    return value


def shown(value: object) -> str:
    """Return a value as JSON, short and printable, to stand in a message."""
    told = orjson.dumps(value).decode()
    printable = "".join(character if character.isprintable() else "?" for character in told[:_LONGEST_SHOWN])
    return printable if len(told) <= _LONGEST_SHOWN else f"{printable}..."


def _object(line: bytes) -> dict[str, Any] | Flaw:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Flaw(f"not JSON: {error.msg} at column {error.colno}")
    return found if isinstance(found, dict) else Flaw(f"must be an object, found {shown(found)}")
