"""The scripted upstream is a server that other people's clients understand."""

from __future__ import annotations

import asyncio
import math
import sys

import openai
import pytest

from experts.scripted_upstream import ScriptedUpstream


def client(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0)


async def test_the_official_client_chats_streams_lists_and_embeds(upstream: ScriptedUpstream) -> None:
    async with client(upstream.url) as it:
        whole = await it.chat.completions.create(model="ok", messages=[{"role": "user", "content": "?"}])
        stream = await it.chat.completions.create(
            model="ok-9", messages=[{"role": "user", "content": "?"}], stream=True
        )
        tokens = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
        models = await it.models.list()
        vectors = await it.embeddings.create(model="e", input=["a", "b", "a"])

    assert whole.choices[0].message.content == "The answer is 42."
    assert len([token for token in tokens if token]) == 9
    assert "stall" in {model.id for model in models.data}
    assert vectors.data[0].embedding == vectors.data[2].embedding != vectors.data[1].embedding
    assert math.isclose(math.hypot(*vectors.data[0].embedding), 1.0)


async def test_it_answers_unknown_models_and_routes_as_a_provider_would(upstream: ScriptedUpstream) -> None:
    async with client(upstream.url) as it:
        with pytest.raises(openai.NotFoundError):
            await it.chat.completions.create(model="nope", messages=[{"role": "user", "content": "?"}])
        with pytest.raises(openai.NotFoundError):
            await it.moderations.create(input="x")


async def test_it_runs_as_a_program_and_stops_when_told() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "experts.scripted_upstream", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(20.0):
        url = (await process.stdout.readline()).decode().strip()
        async with client(url) as it:
            models = await it.models.list()
        process.terminate()
        code = await process.wait()

    assert models.data
    assert code == 0
