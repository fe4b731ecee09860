"""A LiteLLM proxy configuration becomes an equivalent conclave.yaml, or says what it cannot be."""

from __future__ import annotations

import pytest

from core.errors import ConfigurationError
from tests.wiring.conftest import Examine
from wiring.configuration.litellm_import import import_litellm

PROXY = b"""\
model_list:
  - model_name: gpt-4
    litellm_params: {model: azure/gpt-4-eu, api_base: os.environ/AZURE_BASE, api_key: os.environ/AZURE_KEY, rpm: 6}
  - model_name: gpt-4
    litellm_params: {model: gpt-4, api_key: os.environ/OPENAI_API_KEY, temperature: 0.2}
    model_info: {mode: chat, input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001}
  - model_name: local/llama
    litellm_params: {model: openai/llama, api_base: "http://localhost:8000/v1"}
litellm_settings: {drop_params: true, fallbacks: [{gpt-4: [local/llama]}, {local/llama: [gpt-4]}]}
router_settings: {routing_strategy: simple-shuffle, model_group_alias: {chat: gpt-4}}
general_settings: {master_key: os.environ/MASTER_KEY}
"""


def test_deployments_become_experts_and_groups_become_pools(examined: Examine) -> None:
    text = import_litellm(PROXY, "proxy.yaml").text

    found = examined(text, AZURE_BASE="https://eu.example", AZURE_KEY="k", OPENAI_API_KEY="k").configuration
    assert {name: pool.experts for name, pool in found.pools.items()} == {
        "gpt-4": ("gpt-4", "gpt-4-2"),
        "local-llama": ("local-llama",),
        "chat": ("gpt-4", "gpt-4-2"),
        "default": ("gpt-4", "gpt-4-2", "local-llama"),
    }
    first, second = found.expert("gpt-4"), found.expert("gpt-4-2")
    assert (first.target, first.endpoint, first.secret) == ("azure/gpt-4-eu", "https://eu.example", "AZURE_KEY")
    assert (first.limits.rpm, first.fallback, second.fallback) == (6, ("gpt-4-2",), ("local-llama",))
    assert (second.target, second.price.input_per_million, second.sampling.temperature) == (
        "openai/gpt-4",
        2_500_000,
        0.2,
    )


def test_what_is_not_carried_over_is_said() -> None:
    assert import_litellm(PROXY, "proxy.yaml").remarks == (
        "fallbacks of local/llama: one was left out because it leads back",
        "litellm_settings: not carried over: drop_params",
        "router_settings: not carried over: routing_strategy",
        "general_settings: not carried over: master_key",
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"rpm: 6", b"rmp: 6", 'proxy.yaml:3: model_list[0].litellm_params.rmp: unknown key; did you mean "rpm"'),
        (
            b"router_settings",
            b"router_setings",
            'proxy.yaml:10: router_setings: unknown key; did you mean "router_settings"',
        ),
        (
            b"azure/gpt-4-eu",
            b"azure/*",
            "proxy.yaml:3: model_list[0].litellm_params.model: a wildcard cannot be imported",
        ),
    ],
)
def test_what_is_unknown_is_refused_with_its_line(old: bytes, new: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        import_litellm(PROXY.replace(old, new), "proxy.yaml")

    assert caught.value.message.startswith(said)


def test_a_literal_key_is_refused_and_never_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        import_litellm(PROXY.replace(b"os.environ/AZURE_KEY", b"sk-secret"), "proxy.yaml")

    assert "put it in a variable" in caught.value.message
    assert "sk-secret" not in caught.value.message
