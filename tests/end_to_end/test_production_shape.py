"""Promises of the production shape: two API processes, a worker and a host, on PostgreSQL and Valkey given by URL."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import openai
import pytest
from openai import OpenAI

from evals.bench.stage import free_port
from tests.architecture.tree import ROOT
from tests.end_to_end.conftest import CONFIGURATION
from tests.fixtures.service import until


@dataclass(frozen=True)
class Town:
    """What runs: the two APIs' URLs and the environment commands need."""

    urls: tuple[str, str]
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    @contextmanager
    def clients(self, *options: str) -> Iterator[list[OpenAI]]:
        """One client for each API, with one new key between them."""
        key = json.loads(self.command("keys", "create", "--name", "town", *options, "--json"))["key"]
        with ExitStack() as stack:
            yield [stack.enter_context(OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)) for url in self.urls]


@pytest.fixture(scope="module")
def town(postgres_url: str, valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    (folder / "conclave.yaml").write_text(CONFIGURATION, encoding="utf-8")
    ports = (free_port(), free_port())
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CONCLAVE_HOME": str(folder / "home"),
        "CONCLAVE_CONFIG": str(folder / "conclave.yaml"),
        "CONCLAVE_DATABASE_URL": postgres_url,
        "CONCLAVE_REDIS_URL": valkey_server,
        "CONCLAVE_KEY_PEPPER": secrets.token_hex(16),
    }
    here = Town((f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"), environment)
    here.command("migrate")
    with ExitStack() as stack:
        for role in (("api", "--port", str(ports[0])), ("api", "--port", str(ports[1])), ("worker",), ("host",)):
            stack.enter_context(_running(role, environment, folder))
        assert until(lambda: all(_ready(url) for url in here.urls), 60)
        yield here


def test_a_key_made_once_opens_both_apis(town: Town) -> None:
    with town.clients() as clients:
        listed = [{model.id for model in client.models.list()} for client in clients]

    assert listed[0] == listed[1]
    assert {"default", "default/panel", "expert/brief"} <= listed[0]


def test_both_apis_are_served_by_the_one_host(town: Town) -> None:
    with town.clients() as clients:
        completions = [
            client.chat.completions.create(model="expert/brief", messages=[{"role": "user", "content": "Say hello."}])
            for client in clients
        ]

    assert all(completion.choices[0].message.content for completion in completions)


def test_the_concurrency_of_a_key_counts_over_both_apis(town: Town) -> None:
    with town.clients("--concurrency", "1") as (first, second):
        stream = first.chat.completions.create(
            model="expert/endless", messages=[{"role": "user", "content": "Count to a thousand."}], stream=True
        )
        next(iter(stream))

        with pytest.raises(openai.RateLimitError):
            second.chat.completions.create(model="expert/brief", messages=[{"role": "user", "content": "Say hello."}])
        stream.close()


def test_embeddings_are_the_same_from_both(town: Town) -> None:
    with town.clients() as clients:
        vectors = [
            client.embeddings.create(model="all-MiniLM-L6-v2-int8", input="linear algebra").data[0].embedding
            for client in clients
        ]

    assert vectors[0] == vectors[1]
    assert len(vectors[0]) == 384


def _running(role: tuple[str, ...], environment: dict[str, str], folder: Path) -> ExitStack:
    stack = ExitStack()
    log = stack.enter_context((folder / f"{'-'.join(role)}.log").open("wb"))
    process = subprocess.Popen([sys.executable, "-m", "cli.main", *role], env=environment, stdout=log, stderr=log)

    def end() -> None:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()

    stack.callback(end)
    return stack


def _ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/health/ready", timeout=2) as answer:  # noqa: S310  # our own process
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
