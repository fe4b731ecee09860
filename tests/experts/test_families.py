"""Families: told from the names that models have in the wild."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import ExpertName
from experts.families import family_of
from wiring.configuration.loading import examine


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("Meta-Llama-3.1-8B-Instruct", "llama"),
        ("meta-llama_Meta-Llama-3-70B-Instruct", "llama"),
        ("codellama:13b-instruct-q4_K_M", "llama"),
        ("gpt-4o-2024-05-13-FC", "gpt"),
        ("openai/chatgpt-4o-latest", "gpt"),
        ("o3-mini", "gpt"),
        ("open-mixtral-8x22b-FC-Any", "mistral"),
        ("mathstral-7B", "mistral"),
        ("Ministral-3B.Q8_0.gguf", "mistral"),
        ("c4ai-command-r-v01", "command"),
        ("command-r-plus", "command"),
        ("Qwen1.5-110B", "qwen"),
        ("qwen/qwq-32b", "qwen"),
        ("01-ai/Yi-34B", "yi"),
        ("Phi-3-mini-4k-instruct", "phi"),
        ("gemini/gemini-1.5-flash-002", "gemini"),
        ("gemini/gemma-3-27b-it", "gemma"),
        ("bedrock/anthropic.claude-3-haiku-20240307-v1:0", "claude"),
        ("DeepSeek-Coder-V2", "deepseek"),
        ("jamba-1.5-large", "jamba"),
        ("THUDM_glm-4-9b-chat", "glm"),
    ],
)
def test_a_brand_decides_whatever_stands_around_it(model: str, family: str) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("NousResearch_Hermes-2-Pro-Mistral-7B", "mistral"),
        ("nvidia/Llama-3.1-Nemotron-70B-Instruct", "llama"),
    ],
)
def test_a_tuned_model_is_of_the_family_it_was_tuned_from(model: str, family: str) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("Salesforce_xLAM-7b-fc-r", "xlam"),
        ("firefunction-v2-FC", "firefunction"),
        ("some-lab/Wombat-9000-70B-Chat-AWQ", "wombat"),
        ("1234", "1234"),
        ("", ""),
    ],
)
def test_an_unknown_name_gives_its_first_word(model: str, family: str) -> None:
    assert family_of(model) == family


@given(st.text())
def test_every_name_has_one_family_whatever_its_case_and_its_version(model: str) -> None:
    assert family_of(model) == family_of(model.lower())
    assert family_of(f"{model}llama-3") == family_of(f"{model}llama-4-70b")


def test_a_configured_model_without_a_family_has_that_of_its_name(tmp_path: Path) -> None:
    experts = {
        "recorded": "{recorded: Meta-Llama-3-8B, options: {pool: .}}",
        "remote": "{model: openai/gpt-x, key: '${KEY}'}",
        "told": "{recorded: Meta-Llama-3-8B, family: mine, options: {pool: .}}",
        "script": "{script: echo}",
    }
    path = tmp_path / "conclave.yaml"
    listed = "".join(f"  {name}: {section}\n" for name, section in experts.items())
    path.write_text(f"version: 1\nexperts:\n{listed}pools:\n  default: {{experts: [script]}}\n", encoding="utf-8")

    found = examine(path, {"KEY": "sk-1"}, known=lambda _: None).configuration

    families = {name: found.expert(ExpertName(name)).family for name in experts}
    assert families == {"recorded": "llama", "remote": "gpt", "told": "mine", "script": "echo"}
