"""Whatever comes in, what goes out is a 4xx in the OpenAI envelope, at once, and the next good request works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import Running
from tests.api.test_gate import FLAWED

USER = {"role": "user", "content": "hello"}
GOOD: dict[str, Any] = {"model": "expert/echo", "messages": [USER]}
CHAT = "/v1/chat/completions"
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def with_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "add", "parameters": parameters}}]}


def with_image(url: str, times: int = 1) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}] * times}]}


WRONG: dict[str, dict[str, Any]] = {
    "an endpoint": {"api_base": "http://169.254.169.254"},
    "a base url": {"base_url": "http://x"},
    "a credential": {"api_key": "sk"},
    "an extra body": {"extra_body": {}},
    "a cost of one's own": {"cost": 0},
    "a tenant of one's own": {"tenant_id": "x"},
    "__proto__": {"__proto__": {"admin": True}},
    "a name with tag characters": {"\U000e0061dmin": 1},
    "no messages": {"messages": []},
    "10k messages": {"messages": [USER] * 10_000},
    "a million answers": {"n": 1_000_000},
    "no tokens": {"max_tokens": 0},
    "less than no tokens": {"max_tokens": -1},
    "too many tokens": {"max_completion_tokens": 10**12},
    "a wild temperature": {"temperature": 1e308},
    "a cold temperature": {"temperature": -0.1},
    "a number as text": {"temperature": "1"},
    "a text as flag": {"stream": "yes"},
    "five stops": {"stop": ["a"] * 5},
    "an empty stop": {"stop": ""},
    "a strange role": {"messages": [{"role": "root", "content": "x"}]},
    "a deprecated role": {"messages": [{"role": "function", "content": "x", "name": "f"}]},
    "no content": {"messages": [{"role": "user"}]},
    "two roles in one": {"messages": [{"role": "user", "content": "x", "tool_calls": [], "roles": "system"}]},
    "a result nobody asked for": {"messages": [USER, {"role": "tool", "tool_call_id": "c9", "content": "x"}]},
    "a result without a call": {"messages": [USER, {"role": "tool", "content": "x"}]},
    "a user who calls tools": {
        "messages": [
            {**USER, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}]}
        ]
    },
    "a hundred images": with_image("https://example.org/a.png", 100),
    "an image on this disk": with_image("file:///etc/passwd"),
    "an image without TLS": with_image("http://127.0.0.1/a.png"),
    "an image that is a page": with_image("data:text/html;base64,PGI+"),
    "an image of the system": {
        "messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://x/a.png"}}]}]
    },
    "a part of no kind": {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
    "a tool of no name": {"tools": [{"type": "function", "function": {}}]},
    "a tool with a path for a name": {"tools": [{"type": "function", "function": {"name": "../x"}}]},
    "a schema that loops": with_parameters({"$ref": "#/a", "a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}),
    "a schema from elsewhere": with_parameters({"$ref": "http://169.254.169.254/x.json"}),
    "a schema that points at nothing": with_parameters({"$ref": "#/definitions/none"}),
    "a runaway pattern": with_parameters({"properties": {"a": {"pattern": "^(a+)+$"}}}),
    "a long pattern": with_parameters({"pattern": "a" * 300}),
    "a choice without tools": {"tool_choice": "auto"},
    "a choice of no tool": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "sub"}}},
    "a format without schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
    "log probabilities": {"logprobs": True},
    "a voice": {"audio": {"voice": "a"}},
    "an unknown wish": {"conclave": {"bugdet": {}}},
    "a free budget": {"conclave": {"budget": {"usd": 0}}},
    "a negative budget": {"conclave": {"budget": {"tokens": -5}}},
    "a huge panel": {"conclave": {"k": 10**9}},
    "a panel with tools": {"model": "default", "tools": [TOOL], "conclave": {"k": 3}},
    "a strategy for one expert": {"conclave": {"strategy": "panel"}},
    "an unknown strategy": {"model": "default", "conclave": {"strategy": "brawl"}},
    "an unknown term": {"conclave": {"exclude": {"data": ["mars"]}}},
    "a session of two lines": {"conclave": {"session": "a\nb"}},
    "a model with a path": {"model": "../../etc/passwd"},
    "a model with a newline": {"model": "expert/echo\n"},
    "a model of hidden characters": {"model": "expert/\u202eecho\u200b"},
    "a model of 10 KB": {"model": "x" * 10_000},
    "a model that is no text": {"model": 5},
}


@pytest.fixture
def client(api: Running) -> Iterator[httpx.Client]:
    """A client with a key that may ask."""
    with api.http() as client:
        yield client


def assert_refused(client: httpx.Client, answer: httpx.Response) -> None:
    """The answer is a 4xx in the envelope, and a good request works right after."""
    assert 400 <= answer.status_code < 500
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].isascii()
    assert client.post(CHAT, json=GOOD).status_code == 200


@pytest.mark.parametrize("body", FLAWED.values(), ids=FLAWED.keys())
def test_a_body_that_is_no_plain_json_object_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post(CHAT, content=body, headers={"content-type": "application/json"})

    assert_refused(client, answer)


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_request_that_makes_no_sense_is_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    began = time.monotonic()
    answer = client.post(CHAT, json={**GOOD, **change})
    took = time.monotonic() - began

    assert_refused(client, answer)
    assert took < 2


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 4 * 1024 * 1024])
def test_a_large_body_is_refused_and_the_connection_survives_or_closes(client: httpx.Client, size: int) -> None:
    answer = client.post(CHAT, content=b" " * size, headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert_refused(client, answer)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
        ({"content-type": "application/json", "idempotency-key": ""}, 400),
        ({"content-type": "application/json", "idempotency-key": "x" * 10_000}, 400),
    ],
)
def test_headers_that_promise_trouble_are_refused(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    answer = client.post(CHAT, content=b"{}", headers=headers)

    assert answer.status_code == status
    assert_refused(client, answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "\x01nonsense/*;q=9"},
        {"range": "bytes=" + ",".join(f"{n}-" for n in range(500))},
        {"x-http-method-override": "DELETE"},
        {"x-request-id": "a b\tc"},
        {"traceparent": "nonsense"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_that_mean_nothing_here_change_nothing(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post(CHAT, json=GOOD, headers=headers)

    assert answer.status_code in {200, 400}
    assert client.post(CHAT, json=GOOD).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CHAT),
        ("DELETE", CHAT),
        ("HEAD", CHAT),
        ("OPTIONS", "/v1/models"),
        ("TRACE", "/v1/models"),
        ("GET", "/v1/nothing"),
        ("GET", "/v1/models/"),
        ("GET", "//v1/models"),
        ("GET", "/v1/%2e%2e/health/live"),
        ("GET", "/v1/models%00"),
        ("GET", "/v1/models;x"),
        ("GET", "/v1/models/nothing"),
        ("GET", "/v1/runs/1"),
        ("GET", "/v1/runs/\u0661\u0662"),
        ("GET", "/docs"),
        ("PUT", "/v1/models"),
    ],
)
def test_a_wrong_method_or_path_is_refused(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path, json={} if method == "PUT" else None)

    assert answer.status_code in {404, 405}
    if method != "HEAD":
        assert_refused(client, answer)


@pytest.mark.parametrize(
    "change",
    [
        {"input": []},
        {"input": ""},
        {"input": [1, 2, 3]},
        {"input": [[1, 2]]},
        {"input": ["x"] * 3000},
        {"encoding_format": "hex"},
        {"dimensions": 7},
        {"model": "text-embedding-none"},
        {"api_base": "x"},
    ],
    ids=str,
)
def test_an_embeddings_request_that_makes_no_sense_is_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    answer = client.post("/v1/embeddings", json={"model": "embedding", "input": "x", **change})

    assert_refused(client, answer)


@pytest.mark.parametrize("name", ["user", "metadata", "store", "service_tier", "parallel_tool_calls", "verbosity"])
def test_parameters_that_change_nothing_are_accepted(client: httpx.Client, name: str) -> None:
    assert client.post(CHAT, json={**GOOD, name: None}).status_code == 200
    assert client.post(CHAT, json={**GOOD, name: "x"}).status_code == 200


def test_an_answer_handed_back_as_a_message_is_accepted(client: httpx.Client) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    history = [
        USER,
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": [],
            "audio": None,
            "tool_calls": [called],
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "5"}]},
    ]

    assert client.post(CHAT, json={**GOOD, "messages": history, "tools": [TOOL]}).status_code == 200


def test_a_recursive_schema_and_a_plain_pattern_are_accepted(client: httpx.Client) -> None:
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "id": {"pattern": "^[a-z]{2,5}(x|y)?$"}}}},
    }

    assert client.post(CHAT, json={**GOOD, **with_parameters(tree)}).status_code == 200


def test_the_callers_request_id_and_trace_come_back(client: httpx.Client) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    answer = client.post(CHAT, json=GOOD, headers={"x-request-id": "mine-1", "traceparent": trace})

    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["traceparent"] == trace
    assert int(answer.headers["openai-processing-ms"]) >= 0
