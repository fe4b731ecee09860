"""The life of the process: it answers before it can serve, drains before it ends, and says why it cannot start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.serve import DrainingServer, bind, run_api, serve, server_of
from core.errors import ConfigurationError, Unavailable
from core.settings import Settings, child_environment
from tests.api.conftest import (
    CLOCK,
    DEADLINE_S,
    Running,
    container_on,
    served,
    wait_until_ready,
)
from tests.api.scripted import ScriptedConvener, ScriptedRecruiter
from tests.api.sockets import chat_bytes, connected
from wiring.container import Container

ROOT = Path(__file__).resolve().parents[2]
CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}


async def never() -> Container:
    await asyncio.Event().wait()
    raise AssertionError


def scripted(url: str) -> Container:
    recruiter = ScriptedRecruiter()
    return container_on(url, ScriptedConvener(recruiter, CLOCK), recruiter)


def test_it_lives_before_its_container_is_built_and_says_that_it_is_not_ready() -> None:
    with served(never, ready=False) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        asked = client.post("/v1/chat/completions", json=CHAT)

    assert (ready.status_code, ready.json()["reasons"]) == (503, {"api": "starting"})
    assert (asked.status_code, asked.json()["error"]["code"]) == (503, "starting")
    assert int(asked.headers["retry-after"]) >= 1


def test_it_tries_again_while_a_store_cannot_be_reached(postgres_url: str) -> None:
    tries = iter([Unavailable("PostgreSQL cannot be reached"), None])

    async def build() -> Container:
        failure = next(tries)
        if failure is not None:
            raise failure
        return scripted(postgres_url)

    with served(build) as url:
        assert httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("raised", "told"), [(ConfigurationError("conclave.yaml:3: wrong"), "conclave.yaml:3"), (KeyError("x"), "KeyError")]
)
def test_what_cannot_be_mended_by_waiting_ends_it_with_the_reason(raised: Exception, told: str) -> None:
    async def build() -> Container:
        raise raised

    with bind("127.0.0.1", 0) as listening, pytest.raises(ConfigurationError, match=told):
        serve(create_app(build), listening)


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=rf"port {port} .* CONCLAVE_PORT \(api.port"):
            run_api(Settings(home=tmp_path, host="127.0.0.1", port=port), never)


def test_an_address_that_is_not_ours_is_named_with_its_setting() -> None:
    with pytest.raises(ConfigurationError, match="CONCLAVE_HOST"):
        bind("203.0.113.1", 8080)


def test_draining_turns_unready_first_and_lets_streams_finish(postgres_url: str, api: Running) -> None:
    recruiter = ScriptedRecruiter()
    convener = ScriptedConvener(recruiter, CLOCK)

    async def build() -> Container:
        return container_on(postgres_url, convener, recruiter)

    app = create_app(build)
    listening = bind("127.0.0.1", 0)
    server = DrainingServer(server_of(app).config, app.service, notice_s=1.0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    draining = Running(f"http://127.0.0.1:{listening.getsockname()[1]}", api.keys, convener)
    wait_until_ready(draining.url)
    with connected(draining) as held:
        held.sendall(chat_bytes(draining, "runner", {**CHAT, "model": "expert/patient", "stream": True}))
        assert convener.waiting.wait(DEADLINE_S)

        server.drain()
        ready = httpx.get(f"{draining.url}/health/ready", trust_env=False)
        assert thread.is_alive()

    thread.join(DEADLINE_S)
    assert ready.json()["reasons"] == {"api": "stopping"}
    assert convener.left.is_set()
    assert not thread.is_alive()


def test_sigterm_ends_the_process_in_order(postgres_url: str) -> None:
    port = free_port()
    variables = {"CONCLAVE_HOST": "127.0.0.1", "CONCLAVE_PORT": str(port), "CONCLAVE_DATABASE_URL": postgres_url}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.process"], cwd=ROOT, env=child_environment(variables), stderr=subprocess.PIPE
    )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), trust_env=False) as client:
            assert client.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()

    assert process.returncode == 0, said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
