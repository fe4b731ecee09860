"""How many tokens a call can use at most, and about how many it did use when nobody counted.

Byte-level and byte-fallback tokenizers never make more tokens than a text has UTF-8 bytes, so bytes bound them from
above whatever the model; chat templates and tool preambles are covered by fixed allowances.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from core.calls import Call
from core.messages import Message
from core.usage import Usage

PER_CALL = 32
PER_MESSAGE = 16
PER_TOOL = 64
# The longest tool preamble that a provider documents is about 800 tokens.
TOOL_PREAMBLE = 1024
PER_IMAGE = 6000
# No natural text is denser than this in any tokenizer of the last years; English has about 4.2.
MOST_CHARACTERS_PER_TOKEN = 6
TYPICAL_CHARACTERS_PER_TOKEN = 4


def most_input_tokens(call: Call) -> int:
    """Return a number of tokens that the call's input cannot exceed."""
    total = PER_CALL
    for message in call.messages:
        total += PER_MESSAGE + _bytes(message.text)
        if message.images:
            total += PER_IMAGE * len(message.images)
        for tool_call in message.tool_calls:
            total += PER_MESSAGE + _bytes(tool_call.name) + _bytes(tool_call.arguments)
        if message.name:
            total += _bytes(message.name)
    if call.tools:
        total += TOOL_PREAMBLE
        for tool in call.tools:
            total += PER_TOOL + _bytes(tool.name) + _bytes(tool.description) + len(orjson.dumps(tool.parameters))
    if call.response_format.schema is not None:
        total += PER_TOOL + len(orjson.dumps(call.response_format.schema))
    return total


def least_input_tokens(messages: Iterable[Message]) -> int:
    """Return a number of tokens that natural text of this length needs at least."""
    return _characters(messages) // MOST_CHARACTERS_PER_TOKEN


def guessed_usage(call: Call, characters: int, pieces: int) -> Usage:
    """Return about what a call used when its provider never said: a reply of so many characters in so many pieces.

    A piece counts as one token at least, as streams rarely split tokens.
    """
    return Usage(
        1 + _characters(call.messages) // TYPICAL_CHARACTERS_PER_TOKEN,
        max(pieces, -(-characters // TYPICAL_CHARACTERS_PER_TOKEN)),
        calls=1,
    )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _characters(messages: Iterable[Message]) -> int:
    return sum(len(message.text) for message in messages)
