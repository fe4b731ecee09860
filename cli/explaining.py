"""Draws how an answer came about: skills, decision, thoughts, answer, cost; one line each, in columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from cli.terminal import usd

_INDENT = 11
_LONGEST_ANSWER = 48
_Told = dict[str, Any]


def draw(told: _Told, cap_usd: float | None = None) -> None:
    """Print the `conclave` object of an answer, or of a decision alone, on stdout; `cap_usd` is what it could cost."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else 10_000)
    for label, text in lines_of(told, cap_usd):
        console.print(f"{label:<{_INDENT}}", style="bold", end="")
        console.print(text)


def lines_of(told: _Told, cap_usd: float | None = None) -> Iterable[tuple[str, str]]:
    """Return label and text of every line; lines that go on have no label."""
    skills = " · ".join(f"{skill['name']} {skill['weight']:.2f}" for skill in told.get("skills") or ())
    yield "skills", skills or "none known"
    if told.get("decision"):
        yield from _labelled("decision", _decision(told["decision"]))
    if "answer" not in told:
        return
    if told.get("thoughts"):
        yield from _labelled("thoughts", _thoughts(told["thoughts"]))
    yield from _labelled("answer", told["answer"].strip().splitlines() or ["(empty)"])
    yield "cost", _cost(told, cap_usd)


def _decision(decision: _Told) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for standing, seats in (("chosen", decision["panel"]), ("passed", decision.get("passed") or ())):
        rows += [(seat["expert"], f"{seat['score']:.2f}", standing, seat["why"]) for seat in seats]
    rows += [(out["expert"], "", "excluded", out["why"]) for out in decision.get("excluded") or ()]
    if decision.get("aggregator"):
        rows.append((decision["aggregator"], "", "combines", "puts the thoughts together"))
    return _columns(rows)


def _who(thought: _Told) -> str:
    return f"{thought['expert']}, combining" if thought.get("role") == "aggregator" else str(thought["expert"])


def _thoughts(thoughts: Sequence[_Told]) -> list[str]:
    rows = []
    for thought in thoughts:
        said = thought.get("error") or thought.get("declined") or thought.get("answer") or thought.get("text") or ""
        prefix = "failed: " if thought.get("error") else "declined: " if thought.get("declined") else ""
        rows.append(
            (_who(thought), _short(prefix + said), f"{thought['latency_ms']:,.0f} ms", usd(thought["cost_usd"]))
        )
    return _columns(rows, right={2})


def _cost(told: _Told, cap_usd: float | None) -> str:
    usage = told.get("usage") or {}
    tokens = usage.get("input_tokens", 0) + usage.get("output_tokens", 0)
    calls = usage.get("calls", 0)
    cap = "" if cap_usd is None else f" of {usd(cap_usd)}"
    parts = [f"${told.get('cost_usd') or 0:.6f}{cap}", f"{tokens:,} tokens", f"{calls} call{'s' * (calls != 1)}"]
    if told.get("latency_ms") is not None:
        parts.append(f"{told['latency_ms']:,.0f} ms")
    return f"{' · '.join(parts)}    run {told.get('run_id', '')}".rstrip()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_ANSWER else f"{line[: _LONGEST_ANSWER - 1]}…"


def _columns(rows: Sequence[Sequence[str]], right: frozenset[int] | set[int] = frozenset()) -> list[str]:
    """Return rows with every column but the last padded to its widest cell."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _labelled(label: str, texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    yield from ((label if index == 0 else "", text) for index, text in enumerate(texts))
