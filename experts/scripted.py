"""Scripted experts: deterministic, with delays and faults on demand; for demos, tests and rehearsals of trouble.

An expert's target names a script of `SCRIPTS`, and its options change any line of it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, fields, replace

from core import errors
from core.calls import Call, Deadlines
from core.errors import ConclaveError, ConfigurationError, near
from core.experts import ExpertSpec
from core.ids import ExpertName
from core.messages import Finish, FinishPiece, Message, Piece, Role, TextPiece, ToolCallPiece, last_user_text
from core.usage import Usage


@dataclass(frozen=True, slots=True)
class Script:
    """What a scripted expert does.

    `reply` may hold `{question}` (the last user message), `{system}`, `{expert}` and `{n}` (the call's number, from 1);
    it comes in `pieces` parts, `first_ms` after the call and `delay_ms` apart. `error` names an error of `core.errors`,
    raised after `error_after` pieces in the first `error_times` calls (0: in all). `hang_after` pieces it falls silent
    (-1: never). `decline` is a reason not to answer. `tool` and `arguments` make it call a tool. Tokens not set are
    counted as words. `confidence` below 0 says nothing.
    """

    reply: str = "You asked: {question}"
    pieces: int = 4
    first_ms: int = 0
    delay_ms: int = 0
    error: str = ""
    error_after: int = 0
    error_times: int = 0
    hang_after: int = -1
    decline: str = ""
    tool: str = ""
    arguments: str = "{}"
    input_tokens: int = -1
    output_tokens: int = -1
    confidence: float = -1.0


SCRIPTS: Mapping[str, Script] = {
    "echo": Script(),
    "yes": Script(reply="Yes.", pieces=1),
    "slow": Script(first_ms=200, delay_ms=50),
    "hang": Script(hang_after=0),
    "stall": Script(hang_after=2),
    "decline": Script(decline="it is not a question for me"),
    "fail": Script(error="UpstreamError"),
    "break": Script(error="MalformedStream", error_after=2),
    "limited": Script(error="UpstreamRateLimited"),
    "recover": Script(error="UpstreamError", error_times=1),
}

_ERRORS: Mapping[str, type[ConclaveError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, ConclaveError)
}


class ScriptedTransport:
    """Plays scripts. `calls` counts the calls of each expert, `closed` those whose caller left before the end."""

    def __init__(self) -> None:
        """Count from zero."""
        self.calls: Counter[ExpertName] = Counter()
        self.closed: Counter[ExpertName] = Counter()

    async def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield what the script says, the last piece a `FinishPiece`."""
        del deadlines
        script = script_of(expert)
        self.calls[expert.name] += 1
        number = self.calls[expert.name]
        try:
            async with aclosing(_played(script, expert, call, number)) as pieces:
                async for piece in pieces:
                    yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self.closed[expert.name] += 1
            raise

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        try:
            script_of(expert)
        except ConfigurationError as error:
            return error.message
        return None


def script_of(expert: ExpertSpec) -> Script:
    """Return the expert's script with its options; raises `ConfigurationError` for a name or value that is wrong."""
    script = SCRIPTS.get(expert.target)
    if script is None:
        raise ConfigurationError(f'expert {expert.name}: no script "{expert.target}"{near(expert.target, SCRIPTS)}')
    kinds = {field.name: type(getattr(script, field.name)) for field in fields(script)}
    changes: dict[str, str | int | float] = {}
    for name, value in expert.options:
        if name not in kinds:
            raise ConfigurationError(f'expert {expert.name}: no option "{name}"{near(name, kinds)}')
        try:
            changes[name] = kinds[name](value)
        except ValueError:
            raise ConfigurationError(f'expert {expert.name}: options.{name} is "{value}", not a number') from None
    script = replace(script, **changes)  # type: ignore[arg-type]  # each value was made of its field's own type
    if script.error and script.error not in _ERRORS:
        raise ConfigurationError(f'expert {expert.name}: no error "{script.error}"{near(script.error, _ERRORS)}')
    return script


async def _played(script: Script, expert: ExpertSpec, call: Call, number: int) -> AsyncGenerator[Piece, None]:
    failing = script.error != "" and (script.error_times == 0 or number <= script.error_times)
    text = "" if script.decline or script.tool else _filled(script.reply, expert, call, number)
    await _pause(script.first_ms)
    said = 0
    for part in _parts(text, script.pieces):
        await _trouble(script, said, failing=failing)
        if said:
            await _pause(script.delay_ms)
        yield TextPiece(part)
        said += 1
    await _trouble(script, said, failing=failing)
    usage = Usage(
        _count(script.input_tokens, " ".join(message.text for message in call.messages)),
        _count(script.output_tokens, text or script.arguments),
        calls=1,
    )
    if script.decline:
        yield FinishPiece(Finish.STOP, usage, declined=script.decline, confidence=0.0)
        return
    if script.tool:
        yield ToolCallPiece(0, f"call_{number}", script.tool, script.arguments)
    finish = Finish.TOOL_CALLS if script.tool else Finish.STOP
    yield FinishPiece(finish, usage, confidence=script.confidence if script.confidence >= 0 else None)


async def _trouble(script: Script, said: int, *, failing: bool) -> None:
    if script.hang_after == said:
        await asyncio.Event().wait()
    if failing and said >= script.error_after:
        raise _ERRORS[script.error]("scripted to fail")


async def _pause(milliseconds: int) -> None:
    if milliseconds:
        await asyncio.sleep(milliseconds / 1000)


def _filled(reply: str, expert: ExpertSpec, call: Call, number: int) -> str:
    words = {
        "{question}": last_user_text(call.messages),
        "{system}": _system(call.messages),
        "{expert}": expert.name,
        "{n}": str(number),
    }
    for mark, word in words.items():
        reply = reply.replace(mark, word)
    return reply


def _system(messages: tuple[Message, ...]) -> str:
    return next((message.text for message in messages if message.role is Role.SYSTEM), "")


def _parts(text: str, pieces: int) -> list[str]:
    size = max(1, -(-len(text) // max(1, pieces)))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _count(tokens: int, text: str) -> int:
    return tokens if tokens >= 0 else len(text.split())
