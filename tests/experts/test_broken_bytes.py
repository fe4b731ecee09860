"""An upstream whose very bytes are broken: cut anywhere, or with bytes flipped, in headers and body alike."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from core.errors import ConclaveError, InternalError
from core.experts import Kind
from core.messages import FinishPiece
from experts.remote.openai_transport import OpenAITransport
from experts.scripted_upstream import wire
from tests.experts.room import QUICK, call, gateway, remote

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in wire.streamed("ok", wire.ANSWER))
RECORDED = HEAD + CHUNKS + b"0\r\n\r\n"


def typed(found: object) -> bool:
    """Whether a call ended well, or with an error that is not a defect of ours."""
    return isinstance(found, ConclaveError | FinishPiece) and not isinstance(found, InternalError)


@asynccontextmanager
async def sending(answers: Iterator[bytes]) -> AsyncIterator[str]:
    """A server that reads a request, sends the next answer and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers, b""))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def outcome(lean: OpenAITransport, url: str) -> object:
    """The error or the end that one call brings; anything untyped is raised."""
    pieces = []
    try:
        async for piece in gateway({Kind.REMOTE: lean}, remote("it", "ok", url), deadlines=QUICK).stream(call("it")):
            pieces.append(piece)  # noqa: PERF401  # the pieces before an error do not matter
    except ConclaveError as error:
        return error
    return pieces[-1]


async def test_a_recorded_answer_is_whole_when_nothing_is_broken(lean: OpenAITransport) -> None:
    async with sending(iter([RECORDED])) as url:
        assert isinstance(await outcome(lean, url), FinishPiece)


async def test_an_answer_cut_at_any_byte_is_whole_or_a_typed_error(lean: OpenAITransport) -> None:
    cuts = [RECORDED[:end] for end in range(0, len(RECORDED), 7)]

    async with sending(iter(cuts)) as url:
        outcomes = [await outcome(lean, url) for _ in cuts]

    assert all(typed(found) for found in outcomes)


@pytest.mark.parametrize("seed", range(3))
async def test_an_answer_with_bytes_flipped_is_whole_or_a_typed_error(lean: OpenAITransport, seed: int) -> None:
    rng = random.Random(seed)
    flipped = [bytearray(RECORDED) for _ in range(60)]
    for answer in flipped:
        answer[rng.randrange(len(answer))] ^= rng.randrange(1, 256)

    async with sending(map(bytes, flipped)) as url:
        outcomes = [await outcome(lean, url) for _ in flipped]

    assert all(typed(found) for found in outcomes)
