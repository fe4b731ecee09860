"""Reads just enough of a GGUF file to say whether it is one and how much memory a token of context takes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import ConfigurationError

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
# Scalar types of the format by number, as `struct` spells them.
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_LONGEST = 1 << 20
_HALF = 2
_Value = int | float | bool | str | tuple[int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What memory depends on: bytes of the file, and bytes of key-value cache a token takes (16 bit a number)."""

    file_bytes: int
    token_bytes: int


def read_shape(path: Path, model: str) -> Shape:
    """Read the header of a model's file; raises `ConfigurationError` when it is not a GGUF file or ends too soon."""
    try:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise ConfigurationError(f"model {model}: its file is not a GGUF file")
            return Shape(path.stat().st_size, _token_bytes(_facts(file)))
    except (struct.error, EOFError, UnicodeDecodeError):
        raise ConfigurationError(f"model {model}: its file is a truncated or damaged GGUF file") from None
    except OSError as error:
        raise ConfigurationError(f"model {model}: its file cannot be read: {error.strerror or error}") from None


def _facts(file: BinaryIO) -> dict[str, _Value]:
    """Return the header's entries up to the vocabulary, which is long and says nothing about memory."""
    _version, _tensors, entries = struct.unpack("<IQQ", _take(file, 20))
    facts: dict[str, _Value] = {}
    for _ in range(entries):
        key = _string(file)
        if key.startswith("tokenizer."):
            break
        facts[key] = _value(file, _number(file, "I"))
    return facts


def _token_bytes(facts: dict[str, _Value]) -> int:
    """Layers x key-value heads x (key + value length) x 2 bytes; 0 for an architecture that does not say."""
    about = str(facts.get("general.architecture", ""))

    def fact(name: str) -> int:
        value = facts.get(f"{about}.{name}", 0)
        return max(map(int, value), default=0) if isinstance(value, tuple) else int(value)

    heads = fact("attention.head_count") or 1
    length = fact("embedding_length") // heads
    keys, values = fact("attention.key_length") or length, fact("attention.value_length") or length
    return fact("block_count") * (fact("attention.head_count_kv") or heads) * (keys + values) * _HALF


def _value(file: BinaryIO, kind: int) -> _Value:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _number(file, _scalar(kind))
    inner, count = _number(file, "I"), _number(file, "Q")
    if inner == _STRING:
        for _ in range(count):
            _string(file)
        return ()
    return tuple(_number(file, _scalar(inner)) for _ in range(min(count, _LONGEST)))


def _scalar(kind: int) -> str:
    if kind not in _SCALARS:
        raise EOFError
    return _SCALARS[kind]


def _number(file: BinaryIO, spelling: str) -> int:
    value: int = struct.unpack("<" + spelling, _take(file, struct.calcsize("<" + spelling)))[0]
    return value


def _string(file: BinaryIO) -> str:
    return _take(file, _number(file, "Q")).decode("utf-8")


def _take(file: BinaryIO, count: int) -> bytes:
    taken = file.read(count) if count <= _LONGEST else b""
    if len(taken) != count:
        raise EOFError
    return taken
