"""The tools experts may be made of, and the screens that tell beforehand what they can answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.errors import ConfigurationError
from core.experts import Catalogue, Kind
from core.ids import ExpertName
from experts.tool import AnsweringTool, ThreadedTool, ToolAnswer, ToolDeclined
from tools.calculator import Calculation, calculate

CALCULATOR = "calculator"
TOOLS = (CALCULATOR,)
"""The names an expert may give as its `tool`."""


def answering_tools() -> dict[str, AnsweringTool]:
    """Return the tools by name."""
    return {CALCULATOR: ThreadedTool(_calculated)}


def screens_of(catalogue: Catalogue) -> dict[ExpertName, Callable[[str], bool]]:
    """Return, for every tool expert, whether it can answer a text; raises `ConfigurationError` for an unknown tool."""
    screens: dict[ExpertName, Callable[[str], bool]] = {}
    for expert in catalogue.experts.values():
        if expert.kind is not Kind.TOOL:
            continue
        if expert.target != CALCULATOR:
            raise ConfigurationError(f'experts.{expert.name}.tool: no tool "{expert.target}"; known: {CALCULATOR}')
        screens[expert.name] = calculates
    return screens


async def warm_tools() -> None:
    """Have the calculator import what its first root needs: over a second, which is not to be spent while deciding."""
    await asyncio.to_thread(calculate, "sqrt(2)")


def calculates(text: str) -> bool:
    """Whether `text` is, as a whole, an expression the calculator answers exactly."""
    return isinstance(calculate(text), Calculation)


def _calculated(question: str) -> ToolAnswer | ToolDeclined:
    result = calculate(question)
    return ToolAnswer(result.value) if isinstance(result, Calculation) else ToolDeclined(result.reason)
