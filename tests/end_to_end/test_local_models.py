"""Promises of the whole service on a real local model, asked with the official client."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageFunctionToolCall

from tests.fixtures.service import Served, processes_of, until


def ask(client: OpenAI, text: str, model: str = "default", **more: Any) -> ChatCompletion:
    """One question, answered whole."""
    completion: ChatCompletion = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], **more
    )
    return completion


def told(completion: ChatCompletion) -> dict[str, Any]:
    """What the service says of how it came to the answer."""
    found: dict[str, Any] = (completion.model_extra or {})["conclave"]
    return found


def test_arithmetic_is_answered_exactly_by_the_calculator(client: OpenAI) -> None:
    completion = ask(client, "What is 17.5% of 2340?", extra_body={"conclave": {"explain": True, "k": 1}})

    assert completion.choices[0].message.content == "409.5"
    assert [thought["expert"] for thought in told(completion)["thoughts"]] == ["calculator"]


def test_an_open_question_is_answered_by_a_panel_of_local_experts(client: OpenAI) -> None:
    completion = ask(client, "Why does bread rise?", extra_body={"conclave": {"explain": True, "k": 2}})

    story = told(completion)
    assert completion.choices[0].message.content
    assert {thought["expert"] for thought in story["thoughts"]} == {"brief", "chatty"}
    assert all(thought["usage"]["output_tokens"] > 0 for thought in story["thoughts"])
    assert {out["expert"]: out["why"] for out in story["decision"]["excluded"]}.keys() == {"calculator"}


def test_a_stream_ends_with_usage(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="expert/brief",
        messages=[{"role": "user", "content": "Say hello."}],
        stream=True,
        stream_options={"include_usage": True},
    )

    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_an_answer_keeps_to_a_json_schema(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
        "additionalProperties": False,
    }
    shape = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}

    completion = ask(client, "Name a city in France.", model="expert/brief", response_format=shape)

    assert set(json.loads(completion.choices[0].message.content or "")) == {"city"}


def test_a_tool_choice_is_kept_to(client: OpenAI) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]}
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": parameters}}

    completion = ask(client, "Good morning!", model="expert/brief", tools=[tool], tool_choice="required")

    [called] = completion.choices[0].message.tool_calls or []
    assert completion.choices[0].finish_reason == "tool_calls"
    assert isinstance(called, ChatCompletionMessageFunctionToolCall)
    assert (called.function.name, list(json.loads(called.function.arguments))) == ("weather", ["city"])


def test_a_killed_host_is_an_error_event_and_the_next_request_succeeds(service: Served, client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="expert/endless", messages=[{"role": "user", "content": "Count from one to a thousand."}], stream=True
    )
    next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)

    for host in hosts(service):
        os.kill(host, signal.SIGKILL)

    with pytest.raises(openai.APIError) as failure:
        list(stream)
    assert failure.value.code == "host_lost"
    assert ask(client, "Say hello.", model="expert/brief").choices[0].message.content


def test_a_caller_that_leaves_frees_the_slot(service: Served, client: OpenAI) -> None:
    long = {"model": "expert/endless", "messages": [{"role": "user", "content": "Tell me everything."}], "stream": True}
    for _ in range(12):
        stream = client.chat.completions.create(**long)  # type: ignore[call-overload]  # spelled out once above
        next(iter(stream))
        stream.close()

    assert ask(client, "Say hello.", model="expert/brief", timeout=15).choices[0].message.content


def test_a_part_of_the_profile_is_measured_for_real_and_not_stored(service: Served, tmp_path: Path) -> None:
    done = service.run("profile", "build", "--pool", "default", "--limit", "3", "--out", str(tmp_path / "profile.json"))

    assert done.returncode == 0, done.stderr
    profile = json.loads((tmp_path / "profile.json").read_text("utf-8"))
    asked = {name: sum(expert["overall"].values()) for name, expert in profile["experts"].items()}
    assert asked == {"brief": 3, "chatty": 3, "calculator": 3}
    assert json.loads(service.run("profile", "show", "--json").stdout)["version"] != profile["version"]


def test_a_batch_is_answered_by_local_models_with_one_load_at_most(service: Served, tmp_path: Path) -> None:
    asked = [
        {
            "model": "default",
            "messages": [{"role": "user", "content": f"Name {at} colours."}],
            "max_tokens": 8,
            "conclave": {"k": 2},
        }
        for at in range(2, 8)
    ]
    lines = [
        json.dumps({"custom_id": str(at), "method": "POST", "url": "/v1/chat/completions", "body": body})
        for at, body in enumerate(asked)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")

    done = service.run("batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl"), "--json")

    told = json.loads(done.stdout)
    out = [json.loads(line)["response"]["body"] for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert (done.returncode, told["answered"], told["hosted"]["models"], told["hosted"]["switches"]) == (0, 6, 1, 1)
    assert told["hosted"]["loads"] <= 1
    assert told["hosted"]["calls"] >= 12
    assert all(ChatCompletion.model_validate(body).choices[0].message.content for body in out)


def hosts(service: Served) -> list[int]:
    """The host processes of the service, once there are some."""

    def found() -> list[int]:
        return [pid for pid in processes_of(service.home) if b"\0host\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    assert until(lambda: bool(found()))
    return found()
