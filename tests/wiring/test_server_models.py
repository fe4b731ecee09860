"""Models of conclave.yaml that a server serves."""

from __future__ import annotations

import pytest

from core.experts import Engine, ServerCommand
from core.ids import ModelName
from tests.wiring.conftest import GOOD, Complain, Examine

HOUSE = "engine: server, command: \"vllm serve {path} --port {port} --arg 'a b'\", path: ${W:-w}/70b, memory: 1GiB"
LLAMA = f"sources: [package: llm-small], sha256: {'ab' * 32}, context: 2048, slots: 8, memory: 1GiB"


def house(old: str = "", new: str = "") -> str:
    """The good configuration with a server in the place of its model, and one thing of it changed."""
    assert old in HOUSE
    assert LLAMA in GOOD
    return GOOD.replace(LLAMA, HOUSE.replace(old, new, 1) if old else HOUSE)


def test_a_server_is_described_by_its_words_and_defaults(examined: Examine) -> None:
    found = examined(house()).configuration

    model = found.catalogue.models[ModelName("small")]
    words = ("vllm", "serve", "{path}", "--port", "{port}", "--arg", "a b")
    path = str(found.path.parent / "w" / "70b")
    assert (model.engine, model.sources, model.sha256) == (Engine.SERVER, (), "")
    assert model.server == ServerCommand(words, "small", "/health", 300.0, path)


def test_what_is_said_of_a_server_is_taken(examined: Examine) -> None:
    text = house("memory: 1GiB", "memory: 1GiB, served: big, health: /ready, starts_in: 10m, context: 4096, slots: 16")

    model = examined(text).configuration.catalogue.models[ModelName("small")]

    assert model.server is not None
    assert (model.server.served, model.server.health, model.server.starts_s) == ("big", "/ready", 600.0)
    assert (model.context, model.slots, model.memory_bytes) == (4096, 16, 1 << 30)


def test_braces_that_name_nothing_are_text(examined: Examine) -> None:
    text = house("--arg 'a b'", "--arg '{}' --port2 {port}1").replace("{}", '{\\"a\\": 1}')

    model = examined(text).configuration.catalogue.models[ModelName("small")]

    assert model.server is not None
    assert model.server.words[-3:] == ('{"a": 1}', "--port2", "{port}1")


COMMAND = "vllm serve {path} --port {port} --arg 'a b'"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", memory: 1GiB", "", "memory: missing"),
        ("memory: 1GiB", "memory: 0", "memory: must be more than 0: nothing can be estimated for a server"),
        (f'command: "{COMMAND}", ', "", "command: missing"),
        ("memory: 1GiB", "memory: 1GiB, sha256: SHA", "sha256: only for models with engine: llama"),
        ("memory: 1GiB", "memory: 1GiB, sources: [package: a]", "sources: only for models with engine: llama"),
        ("--port {port}", "--port 8000", "command: needs {port}: the host chooses where the server listens"),
        ("--port {port}", "--port {prot}", 'command: no placeholder {prot}; did you mean "port"?'),
        ("'a b'", "{x}", "command: no placeholder {x}; known are context, model, path, port, slots"),
        ("'a b'", "'a b", "command: cannot be split into words: no closing quotation"),
        (COMMAND, " ", "command: names no program"),
        (", path: ${W:-w}/70b", "", "command: says {path}, and the model has no path"),
        ("serve {path}", "serve", "path: the command does not say {path}"),
        ("${W:-w}", "${W}", "path: the variable W is not set"),
        ("memory: 1GiB", "memory: 40GiB", "memory: takes 40GiB but hosting.memory is 3GiB: it could never be loaded"),
        ("memory: 1GiB", "memory: 1GiB, health: up", "health: expected the path of an address, such as /health"),
        ("memory: 1GiB", "memory: 1GiB, starts_in: 0", "starts_in: must be more than 0, found 0.0"),
        ("memory: 1GiB", "memory: 1GiB, helth: /up", 'helth: unknown key; did you mean "health"?'),
        ("engine: server", "engine: sever", 'engine: expected "llama" or "server", found "sever"'),
    ],
)
def test_a_mistake_is_named_with_its_line(complaints: Complain, old: str, new: str, said: str) -> None:
    assert f"conclave.yaml:3: models.small.{said}" in complaints(house(old, new.replace("SHA", "ab" * 32)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sources: [package: llm-small], ", "", "sources: missing"),
        (f", sha256: {'ab' * 32}", "", "sha256: missing"),
        ("slots: 8", "slots: 8, command: serve", "command: only for models with engine: server"),
        ("slots: 8", "slots: 8, starts_in: 1m", "starts_in: only for models with engine: server"),
    ],
)
def test_a_file_of_weights_keeps_its_rules(complaints: Complain, old: str, new: str, said: str) -> None:
    assert old in GOOD

    assert f"conclave.yaml:3: models.small.{said}" in complaints(GOOD.replace(old, new))
