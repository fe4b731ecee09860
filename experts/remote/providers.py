"""Providers that speak the OpenAI wire format, with where they are; every other one goes through LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import ConfigurationError, near
from core.experts import ExpertSpec

LEAN = "lean"
LITELLM = "litellm"


@dataclass(frozen=True, slots=True)
class Provider:
    """One OpenAI-compatible provider. `base` is empty where every operator has an endpoint of their own."""

    base: str = ""
    max_tokens_key: str = "max_tokens"
    developer: bool = False


OPENAI_COMPATIBLE: Mapping[str, Provider] = {
    "openai": Provider("https://api.openai.com/v1", max_tokens_key="max_completion_tokens", developer=True),
    "cerebras": Provider("https://api.cerebras.ai/v1"),
    "deepinfra": Provider("https://api.deepinfra.com/v1/openai"),
    "deepseek": Provider("https://api.deepseek.com/v1"),
    "fireworks_ai": Provider("https://api.fireworks.ai/inference/v1"),
    "groq": Provider("https://api.groq.com/openai/v1"),
    "hosted_vllm": Provider(),
    "hyperbolic": Provider("https://api.hyperbolic.xyz/v1"),
    "llama_server": Provider("http://127.0.0.1:8080/v1"),
    "lm_studio": Provider("http://127.0.0.1:1234/v1"),
    "mistral": Provider("https://api.mistral.ai/v1"),
    "moonshot": Provider("https://api.moonshot.ai/v1"),
    "nebius": Provider("https://api.studio.nebius.com/v1"),
    "novita": Provider("https://api.novita.ai/v3/openai"),
    "nvidia_nim": Provider("https://integrate.api.nvidia.com/v1"),
    "ollama": Provider("http://127.0.0.1:11434/v1"),
    "openai_like": Provider(),
    "openrouter": Provider("https://openrouter.ai/api/v1"),
    "sambanova": Provider("https://api.sambanova.ai/v1"),
    "sglang": Provider("http://127.0.0.1:30000/v1"),
    "together_ai": Provider("https://api.together.xyz/v1"),
    "vllm": Provider("http://127.0.0.1:8000/v1"),
    "xai": Provider("https://api.x.ai/v1"),
}
_ELSEWHERE = Provider()


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where an expert's calls go and how they are written there."""

    url: str
    model: str
    max_tokens_key: str
    developer: bool


def transport_of(spec: ExpertSpec) -> str:
    """Return `lean` or `litellm`: what `options.transport` says, else lean for an OpenAI-compatible provider.

    An endpoint of the operator's own counts as OpenAI-compatible. Raises `ConfigurationError` for any other word.
    """
    forced = dict(spec.options).get("transport")
    if forced is not None:
        if forced not in (LEAN, LITELLM):
            raise ConfigurationError(
                f'expert {spec.name}: options.transport is "{forced}"; allowed are {LEAN} and {LITELLM}'
            )
        return forced
    return LEAN if spec.endpoint or _provider_of(spec) in OPENAI_COMPATIBLE else LITELLM


def upstream_of(spec: ExpertSpec) -> Upstream:
    """Return where the lean transport calls the expert; raises `ConfigurationError` when no endpoint is known."""
    name = _provider_of(spec)
    model = spec.target.partition("/")[2] or spec.target
    provider = OPENAI_COMPATIBLE.get(name, _ELSEWHERE)
    base = (spec.endpoint or provider.base).rstrip("/")
    if not base.startswith(("http://", "https://")):
        hint = near(name, OPENAI_COMPATIBLE) if provider is _ELSEWHERE else ""
        raise ConfigurationError(
            f'expert {spec.name}: provider "{name}" needs an endpoint that begins with http:// or https://{hint}'
        )
    # OpenAI's newer parameter names are its own: servers that imitate it may know only the older ones.
    own = spec.endpoint is None
    options = dict(spec.options)
    return Upstream(
        url=base if base.endswith("/chat/completions") else f"{base}/chat/completions",
        model=model,
        max_tokens_key=options.get("max_tokens_key", provider.max_tokens_key if own else "max_tokens"),
        developer=own and provider.developer,
    )


def _provider_of(spec: ExpertSpec) -> str:
    return spec.target.partition("/")[0]
