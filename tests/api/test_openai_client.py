"""The official OpenAI client works against the API unchanged."""

from __future__ import annotations

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from tests.api.conftest import Running
from tests.api.sockets import holding

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "say it again"}]


def test_models_are_pools_pools_with_a_strategy_experts_and_the_embedder(api: Running) -> None:
    names = {model.id for model in api.client().models.list()}

    assert {"default", "default/panel", "expert/echo", "scripted-2"} <= names


def test_each_listed_model_can_be_retrieved(api: Running) -> None:
    client = api.client()

    assert [client.models.retrieve(model.id).id for model in client.models.list()]


def test_a_pool_answers_and_the_headers_say_who_and_for_how_much(api: Running) -> None:
    raw = api.client().chat.completions.with_raw_response.create(model="default", messages=ASKED)

    completion = raw.parse()
    assert completion.choices[0].message.content == "forty-two"
    assert completion.usage
    assert completion.usage.total_tokens == 15
    assert raw.headers["x-conclave-experts"] == "echo"
    assert raw.headers["x-conclave-why"] == "as scripted"
    assert raw.headers["x-conclave-cost-usd"] == "0.000007"
    assert completion.id == f"chatcmpl-{raw.headers['x-conclave-run-id']}"


def test_an_expert_is_passed_through_at_its_price(api: Running) -> None:
    raw = api.client().chat.completions.with_raw_response.create(model="expert/priced", messages=ASKED)

    assert raw.parse().choices[0].message.content == "sayitagain"
    assert raw.headers["x-conclave-cost-usd"] == "0.000018"


@pytest.mark.parametrize("model", ["default", "expert/echo"])
def test_a_stream_ends_with_a_usage_chunk_without_choices(api: Running, model: str) -> None:
    stream = api.client().chat.completions.create(
        model=model, messages=ASKED, stream=True, stream_options={"include_usage": True}
    )

    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]) in {"forty-two", "sayitagain"}
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage
    assert chunks[-1].usage.prompt_tokens == 12
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_stream_without_usage_has_no_usage_chunk(api: Running) -> None:
    chunks = list(api.client().chat.completions.create(model="default", messages=ASKED, stream=True))

    assert all(chunk.choices for chunk in chunks)


def test_tool_calls_come_in_parts_that_the_client_can_join(api: Running) -> None:
    tool: ChatCompletionToolParam = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}

    chunks = list(api.client().chat.completions.create(model="expert/echo", messages=ASKED, tools=[tool], stream=True))

    parts = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [part.id for part in parts] == ["call_1", None]
    assert "".join((part.function and part.function.arguments) or "" for part in parts) == '{"x":1}'


def test_explaining_brings_the_decision_and_the_thoughts(api: Running) -> None:
    completion = api.client().chat.completions.create(
        model="default", messages=ASKED, extra_body={"conclave": {"explain": True, "k": 2}}
    )

    told = (completion.model_extra or {})["conclave"]
    assert told["decision"]["panel"][0]["expert"] == "echo"
    assert told["thoughts"][0]["text"] == "forty-two"
    assert api.convener.asked[-1].query.k == 2


@pytest.mark.parametrize("model", ["default", "expert/echo"])
def test_an_explained_stream_tells_in_its_last_chunk_with_choices(api: Running, model: str) -> None:
    chunks = list(
        api.client().chat.completions.create(
            model=model, messages=ASKED, stream=True, extra_body={"conclave": {"explain": True}}
        )
    )

    told = (chunks[-1].model_extra or {})["conclave"]
    assert told["thoughts"][0]["expert"] == "echo"
    assert told["cost_usd"] in {0.0, 7e-06}


def test_embeddings_come_in_base64_and_as_numbers(api: Running) -> None:
    client = api.client()

    packed = client.embeddings.create(model="scripted-2", input=["ab", "abc"])
    plain = client.embeddings.create(model="embedding", input="ab", encoding_format="float")

    assert [row.embedding for row in packed.data] == [[2.0, 1.0], [3.0, 1.0]]
    assert plain.data[0].embedding == [2.0, 1.0]


def test_a_wrong_key_is_an_authentication_error(api: Running) -> None:
    with pytest.raises(openai.AuthenticationError):
        api.client(shown="cvl_wrong").models.list()


@pytest.mark.parametrize(
    ("model", "near"),
    [("defualt", '"default"'), ("expert/ecko", '"echo"'), ("default/panle", '"panel"'), ("agent/none", "no model")],
)
def test_an_unknown_model_is_not_found_and_near_names_are_offered(api: Running, model: str, near: str) -> None:
    with pytest.raises(openai.NotFoundError, match=near):
        api.client().chat.completions.create(model=model, messages=ASKED)


def test_a_wrong_parameter_is_a_bad_request_that_names_it(api: Running) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        api.client().chat.completions.create(model="default", messages=ASKED, temperature=9)

    assert caught.value.param == "temperature"


def test_a_key_at_its_concurrency_limit_gets_a_rate_limit_error(api: Running) -> None:
    with holding(api, "narrow"), pytest.raises(openai.RateLimitError) as caught:
        api.client("narrow").chat.completions.create(model="expert/patient", messages=ASKED)

    assert int(caught.value.response.headers["retry-after"]) >= 1


def test_an_error_before_the_first_word_of_a_stream_has_its_own_status(api: Running) -> None:
    for model, text in (("default", "early"), ("expert/broken", "x")):
        with pytest.raises(openai.InternalServerError) as caught:
            api.client().chat.completions.create(model=model, messages=[{"role": "user", "content": text}], stream=True)

        assert caught.value.status_code == 502


@pytest.mark.parametrize(("model", "text"), [("default", "midway"), ("expert/breaking", "half")])
def test_a_failure_midway_is_an_error_event_that_the_client_raises(api: Running, model: str, text: str) -> None:
    stream = api.client().chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], stream=True
    )

    with pytest.raises(openai.APIError, match="the host died"):
        list(stream)


def test_a_defect_is_told_without_details(api: Running) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        api.client().chat.completions.create(model="default", messages=[{"role": "user", "content": "defect"}])

    assert caught.value.status_code == 500
    assert "secret" not in caught.value.response.text
