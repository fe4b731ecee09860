"""What each model name does. A fault that only a stream can have gives a good answer when none was asked for.

ok                an answer of five tokens, as fast as can be
ok-N              an answer of N tokens, each written by itself
echo              the last message's text
slow-MS           MS milliseconds before each token
status-CODE[-S]   an HTTP error with an error envelope, and a Retry-After of S seconds
context           400 that says the context is too long
quota             429 that says the account's quota is used up
flaky-N           N errors of 500, then good answers
redirect          a redirect to another place
hang-connect      takes the request and sends nothing
hang-first        sends the headers of a stream and no token
stall-N           N tokens, then nothing more
drop-N            closes the connection before the headers N times, then good answers
close-first       closes the connection before the headers
close-mid         closes it after three tokens, or halfway through a whole body
bad-json          one event that is not JSON
bad-utf8          one event that is not UTF-8
long-line         one event of more than a mebibyte
error-mid         two tokens, then an error object
no-done           a good stream without its [DONE]
no-end            a stream that says neither why it ended nor [DONE]
no-usage          a good answer without usage
html-200          a web page with status 200
json-for-stream   a whole completion where a stream was asked for
crlf              a stream with CRLF, comments and other fields
cut-utf8          a stream written byte by byte, with characters of several bytes
reasoning         hidden reasoning before the answer
tools             a tool call in parts
tools-zero        two tool calls, both numbered 0
tools-cut         a tool call whose arguments break off
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from experts.scripted_upstream import wire

STREAM_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
JSON_HEADERS = {"Content-Type": "application/json"}
WIDE = ("Grüße", " 世界", " 🌍", "!")


@dataclass(frozen=True, slots=True)
class Order:
    """One request for a completion: `argument` follows the fault's name; `nth` counts calls of the model from 1."""

    request: web.BaseRequest
    model: str
    argument: str
    streamed: bool
    last_text: str
    nth: int

    @property
    def number(self) -> int:
        """Return the number in the argument; 0 when there is none."""
        head = self.argument.partition("-")[0]
        return int(head) if head.isdecimal() else 0


Fault = Callable[[Order], Awaitable[web.StreamResponse]]


async def _ok(order: Order) -> web.StreamResponse:
    if order.argument:
        return await _paced(order, wire.words(order.number), 0.0)
    if order.streamed:
        return web.Response(body=wire.stream_at_once(order.model, wire.ANSWER), headers=STREAM_HEADERS)
    return web.Response(body=wire.completed(order.model, wire.ANSWER), headers=JSON_HEADERS)


async def _echo(order: Order) -> web.StreamResponse:
    return await _paced(order, tuple(order.last_text.split(" ")), 0.0)


async def _slow(order: Order) -> web.StreamResponse:
    return await _paced(order, wire.ANSWER, order.number / 1000)


async def _status(order: Order) -> web.StreamResponse:
    wait = order.argument.partition("-")[2]
    headers = {**JSON_HEADERS, "Retry-After": wait} if wait else JSON_HEADERS
    body = wire.error(f"scripted to answer {order.number}", "scripted_error")
    return web.Response(status=order.number, body=body, headers=headers)


async def _context(_order: Order) -> web.StreamResponse:
    body = wire.error(
        "This model's maximum context length is 8 tokens.", "invalid_request_error", "context_length_exceeded"
    )
    return web.Response(status=400, body=body, headers=JSON_HEADERS)


async def _quota(_order: Order) -> web.StreamResponse:
    body = wire.error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")
    return web.Response(status=429, body=body, headers=JSON_HEADERS)


async def _flaky(order: Order) -> web.StreamResponse:
    if order.nth <= order.number:
        return web.Response(status=500, body=wire.error("not yet", "server_error"), headers=JSON_HEADERS)
    return await _paced(order, wire.ANSWER, 0.0)


async def _redirect(_order: Order) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "http://127.0.0.1:9/v1/chat/completions"})


async def _hang_connect(_order: Order) -> web.StreamResponse:
    return await _for_ever()


async def _hang_first(order: Order) -> web.StreamResponse:
    await _written(order, [])
    return await _for_ever()


async def _stall(order: Order) -> web.StreamResponse:
    await _written(order, _tokens(order.model, wire.words(order.number)))
    return await _for_ever()


async def _close_first(order: Order) -> web.StreamResponse:
    _hang_up(order)
    return await _for_ever()


async def _drop(order: Order) -> web.StreamResponse:
    return await (_close_first(order) if order.nth <= order.number else _paced(order, wire.ANSWER, 0.0))


async def _close_mid(order: Order) -> web.StreamResponse:
    if order.streamed:
        await _written(order, _tokens(order.model, wire.words(3)))
    else:
        body = wire.completed(order.model, wire.ANSWER)
        response = web.StreamResponse(headers={**JSON_HEADERS, "Content-Length": str(len(body))})
        await response.prepare(order.request)
        await response.write(body[: len(body) // 2])
    _hang_up(order)
    return await _for_ever()


async def _bad_json(order: Order) -> web.StreamResponse:
    if not order.streamed:
        return web.Response(body=wire.completed(order.model, wire.ANSWER)[:-9], headers=JSON_HEADERS)
    return await _streamed(order, [wire.chunk(order.model, {"content": "The"}), b'data: {"choices": [{\n\n', wire.DONE])


async def _bad_utf8(order: Order) -> web.StreamResponse:
    broken = wire.chunk(order.model, {"content": "?"}).replace(b"?", b"\xff\xfe")
    return await _streamed(order, [wire.chunk(order.model, {"content": "The"}), broken, wire.DONE])


async def _long_line(order: Order) -> web.StreamResponse:
    return await _streamed(order, [wire.chunk(order.model, {"content": "x" * (2 * 1024 * 1024)}), wire.DONE])


async def _error_mid(order: Order) -> web.StreamResponse:
    if not order.streamed:
        return web.Response(body=wire.error("it broke", "server_error"), headers=JSON_HEADERS)
    events = [*_tokens(order.model, wire.words(2)), b"data: " + wire.error("it broke", "server_error") + b"\n\n"]
    return await _streamed(order, events)


async def _no_done(order: Order) -> web.StreamResponse:
    return await _streamed(order, wire.streamed(order.model, wire.ANSWER)[:-1])


async def _no_end(order: Order) -> web.StreamResponse:
    return await _streamed(order, wire.streamed(order.model, wire.ANSWER)[:-3])


async def _no_usage(order: Order) -> web.StreamResponse:
    if not order.streamed:
        body = wire.completed(order.model, wire.ANSWER).replace(b'"usage"', b'"not_usage"')
        return web.Response(body=body, headers=JSON_HEADERS)
    *events, _, done = wire.streamed(order.model, wire.ANSWER)
    return await _streamed(order, [*events, done])


async def _html(_order: Order) -> web.StreamResponse:
    return web.Response(text="<!doctype html><title>Sign in</title>", content_type="text/html")


async def _json_for_stream(order: Order) -> web.StreamResponse:
    return web.Response(body=wire.completed(order.model, wire.ANSWER), headers=JSON_HEADERS)


async def _crlf(order: Order) -> web.StreamResponse:
    events = wire.streamed(order.model, wire.ANSWER)
    decorated = (b": still here\r\nevent: message\r\nid: 7\r\n" + part.replace(b"\n", b"\r\n") for part in events)
    return await _streamed(order, decorated)


async def _cut_utf8(order: Order) -> web.StreamResponse:
    # orjson leaves characters as they are, so each of these is several bytes.
    stream = b"".join(wire.streamed(order.model, WIDE))
    return await _streamed(order, (stream[at : at + 1] for at in range(len(stream))))


async def _reasoning(order: Order) -> web.StreamResponse:
    thinking = [wire.chunk(order.model, {"reasoning_content": "hm"}) for _ in range(3)]
    return await _streamed(order, [*thinking, *wire.streamed(order.model, wire.ANSWER)])


async def _tools(order: Order) -> web.StreamResponse:
    parts = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "search", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"query": '}},
        {"index": 0, "function": {"arguments": '"owls"}'}},
    ]
    return await _tool_calls(order, parts)


async def _tools_zero(order: Order) -> web.StreamResponse:
    parts = [
        {"index": 0, "id": "call_1", "function": {"name": "search", "arguments": '{"query": "owls"}'}},
        {"index": 0, "id": "call_2", "function": {"name": "search", "arguments": '{"query": '}},
        {"index": 0, "function": {"arguments": '"bats"}'}},
    ]
    return await _tool_calls(order, parts)


async def _tools_cut(order: Order) -> web.StreamResponse:
    return await _tool_calls(order, [{"index": 0, "id": "call_1", "function": {"name": "search", "arguments": '{"qu'}}])


FAULTS: dict[str, Fault] = {
    "ok": _ok,
    "echo": _echo,
    "slow": _slow,
    "status": _status,
    "context": _context,
    "quota": _quota,
    "flaky": _flaky,
    "redirect": _redirect,
    "hang-connect": _hang_connect,
    "hang-first": _hang_first,
    "stall": _stall,
    "drop": _drop,
    "close-first": _close_first,
    "close-mid": _close_mid,
    "bad-json": _bad_json,
    "bad-utf8": _bad_utf8,
    "long-line": _long_line,
    "error-mid": _error_mid,
    "no-done": _no_done,
    "no-end": _no_end,
    "no-usage": _no_usage,
    "html-200": _html,
    "json-for-stream": _json_for_stream,
    "crlf": _crlf,
    "cut-utf8": _cut_utf8,
    "reasoning": _reasoning,
    "tools": _tools,
    "tools-zero": _tools_zero,
    "tools-cut": _tools_cut,
}


def fault_of(model: str) -> tuple[Fault, str] | None:
    """Return what a model name does and its argument; nothing for a name that does nothing."""
    if model in FAULTS:
        return FAULTS[model], ""
    name, _, argument = model.partition("-")
    fault = FAULTS.get(name)
    return (fault, argument) if fault is not None and argument[:1].isdecimal() else None


async def _paced(order: Order, tokens: tuple[str, ...], seconds: float) -> web.StreamResponse:
    if not order.streamed:
        await asyncio.sleep(seconds * len(tokens))
        return web.Response(body=wire.completed(order.model, tokens), headers=JSON_HEADERS)
    return await _streamed(order, wire.streamed(order.model, tokens), seconds)


async def _tool_calls(order: Order, parts: list[dict[str, Any]]) -> web.StreamResponse:
    if not order.streamed:
        message = {"role": "assistant", "content": None, "tool_calls": _joined(parts)}
        return web.Response(body=wire.completion(order.model, message, "tool_calls", 9), headers=JSON_HEADERS)
    events = [wire.chunk(order.model, {"tool_calls": [part]}) for part in parts]
    ending = [wire.chunk(order.model, {}, "tool_calls"), wire.usage_chunk(order.model, 9), wire.DONE]
    return await _streamed(order, [*events, *ending])


def _joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    for part in parts:
        if "id" in part:
            calls.append({"id": part["id"], "type": "function", "function": dict(part["function"])})
        else:
            calls[-1]["function"]["arguments"] += part["function"]["arguments"]
    return calls


def _tokens(model: str, tokens: tuple[str, ...]) -> Iterator[bytes]:
    return (wire.chunk(model, {"content": token}) for token in tokens)


async def _streamed(order: Order, events: Iterable[bytes], seconds: float = 0.0) -> web.StreamResponse:
    if not order.streamed:
        return web.Response(body=wire.completed(order.model, wire.ANSWER), headers=JSON_HEADERS)
    response = await _written(order, events, seconds)
    await response.write_eof()
    return response


async def _written(order: Order, events: Iterable[bytes], seconds: float = 0.0) -> web.StreamResponse:
    response = web.StreamResponse(headers=STREAM_HEADERS)
    await response.prepare(order.request)
    for part in events:
        if seconds:
            await asyncio.sleep(seconds)
        await response.write(part)
    return response


def _hang_up(order: Order) -> None:
    if order.request.transport is not None:
        order.request.transport.abort()


async def _for_ever() -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
