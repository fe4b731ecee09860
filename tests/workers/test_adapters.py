"""Adapters of a hosted model: chosen by each request, sharing the model's memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.workers.adapters import noise
from tests.workers.conftest import OpenHost
from tests.workers.desk import Desk, ending_of, text_of
from tests.workers.models import smollm

QUESTION = "What is the capital of France?"
CHOSEN: dict[str, Any] = {"lora": [{"id": 0, "scale": 1.0}]}


async def test_a_request_that_chooses_an_adapter_is_answered_with_it_and_its_neighbour_is_not(
    open_host: OpenHost, desk: Desk, tmp_path: Path
) -> None:
    plain = smollm("plain", slots=2)
    adapted = replace(smollm("adapted", slots=2), adapters=(await asyncio.to_thread(noise, tmp_path),))
    host = await open_host(plain, adapted)
    expected = text_of(await desk.ask("plain", QUESTION))

    with_it = [await desk.submit("adapted", QUESTION, **CHOSEN) for _ in range(2)]
    without = [await desk.submit("adapted", QUESTION) for _ in range(2)]
    said = [text_of(await desk.result(request)) for request in (*with_it, *without)]

    assert said[2:] == [expected] * 2
    assert all(text not in ("", expected) for text in said[:2])
    assert sum(residence.model == "adapted" for residence in (await host.state()).residences) == 1


async def test_an_adapter_that_is_not_the_right_file_fails_its_model_typed(
    open_host: OpenHost, desk: Desk, tmp_path: Path
) -> None:
    adapter = replace(await asyncio.to_thread(noise, tmp_path), sha256="0" * 64)
    await open_host(replace(smollm(), adapters=(adapter,)))

    refused = ending_of(await desk.ask("smollm2", QUESTION))

    assert refused["code"] == "configuration_error"
    assert "smollm2+noise" in refused["message"]
