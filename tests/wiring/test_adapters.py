"""Adapters of conclave.yaml: a model's, chosen by its experts."""

from __future__ import annotations

import pytest

from core.experts import Adapter, Source
from core.ids import ExpertName, ModelName
from tests.wiring.conftest import GOOD, Complain, Examine

LLAMA = f"sources: [package: llm-small], sha256: {'ab' * 32}, context: 2048, slots: 8, memory: 1GiB"
ADAPTERS = f"adapters: {{law: {{sources: [package: law-lora], sha256: {'cd' * 32}}}}}"


def adapted(expert: str = "adapter: law", adapters: str = ADAPTERS) -> str:
    """The good configuration with an adapter of its model, and an expert that may choose it."""
    assert LLAMA in GOOD
    lawyer = f"experts:\n  lawyer: {{model: hosted/small, {expert}}}\n"
    return GOOD.replace(LLAMA, f"{LLAMA}, {adapters}").replace("experts:\n", lawyer, 1)


def test_an_expert_chooses_an_adapter_of_its_model(examined: Examine) -> None:
    catalogue = examined(adapted()).configuration.catalogue

    model = catalogue.models[ModelName("small")]
    assert model.adapters == (Adapter("law", (Source("package", "law-lora"),), "cd" * 32),)
    assert catalogue.experts[ExpertName("lawyer")].adapter == "law"
    assert model.adapter_number("law") == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (adapted("adapter: lew"), 'small has no adapter "lew"; did you mean "law"?'),
        (adapted(adapters="adapters: {law: {sources: [{}], sha256: " + "cd" * 32 + "}}"), "needs exactly one of path"),
        (adapted().replace("hosted/small, adapter", "openai/gpt-4o, adapter"), "only for experts of a hosted model"),
    ],
)
def test_what_is_wrong_with_an_adapter_is_said(text: str, message: str, complaints: Complain) -> None:
    assert any(message in complaint for complaint in complaints(text))
