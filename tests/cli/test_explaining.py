"""How an answer came about, drawn in columns."""

from __future__ import annotations

from typing import Any

from cli.explaining import lines_of
from cli.terminal import usd

EXACT = "exact on arithmetic (41 of 41 in profile 7f3a), free"
TOLD: dict[str, Any] = {
    "answer": "409.5",
    "skills": [{"name": "percentages", "weight": 0.91}, {"name": "arithmetic", "weight": 0.88}],
    "decision": {
        "panel": [{"expert": "calculator", "score": 0.98, "why": EXACT}],
        "passed": [{"expert": "coder", "score": 0.62, "why": "one expert is enough at 0.98"}],
        "excluded": [{"expert": "gpt", "why": "no key configured"}],
        "aggregator": None,
    },
    "thoughts": [{"expert": "calculator", "answer": "409.5", "latency_ms": 3.2, "cost_usd": 0}],
    "usage": {"input_tokens": 0, "output_tokens": 0, "calls": 1},
    "cost_usd": 0,
    "latency_ms": 14.0,
    "run_id": "01J",
}


def drawn(told: dict[str, Any], cap_usd: float | None = None) -> list[str]:
    """The lines as they are printed."""
    return [f"{label:<11}{text}" for label, text in lines_of(told, cap_usd)]


def test_one_question_is_drawn_in_columns() -> None:
    assert drawn(TOLD, 0.05) == [
        "skills     percentages 0.91 · arithmetic 0.88",
        f"decision   calculator  0.98  chosen    {EXACT}",
        "           coder       0.62  passed    one expert is enough at 0.98",
        "           gpt               excluded  no key configured",
        "thoughts   calculator  409.5  3 ms  $0",
        "answer     409.5",
        "cost       $0.000000 of $0.05 · 0 tokens · 1 call · 14 ms    run 01J",
    ]


def test_a_decision_alone_has_no_answer() -> None:
    lines = drawn({"skills": [], "decision": TOLD["decision"]})

    assert lines[0] == "skills     none known"
    assert not [line for line in lines if line.startswith(("answer", "cost", "thoughts"))]


def test_long_thoughts_are_cut_and_failures_are_told() -> None:
    thoughts = [
        {"expert": "a", "answer": "word\n" * 40, "latency_ms": 1234.5, "cost_usd": 0.000125},
        {"expert": "b", "error": "deadline_exceeded", "latency_ms": 5, "cost_usd": 0},
        {"expert": "c", "declined": "not arithmetic", "latency_ms": 1, "cost_usd": 0},
    ]

    lines = [line for line in drawn(TOLD | {"thoughts": thoughts}) if " ms  " in line]

    assert lines[0].startswith("thoughts   a  word word word")
    assert lines[0].endswith("…  1,234 ms  $0.000125")
    assert "b  failed: deadline_exceeded " in lines[1]
    assert "c  declined: not arithmetic " in lines[2]


def test_an_answer_of_many_lines_keeps_them() -> None:
    assert drawn(TOLD | {"answer": "one\ntwo\n"})[-3:-1] == ["answer     one", "           two"]


def test_dollars_are_short_and_never_lose_a_micro() -> None:
    assert [usd(amount) for amount in (0, 0.05, 0.4, 1.5, 12, 0.000125, 0.000001)] == [
        "$0",
        "$0.05",
        "$0.40",
        "$1.50",
        "$12.00",
        "$0.000125",
        "$0.000001",
    ]
