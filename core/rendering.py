"""Values as the JSON people read: in events, in the `conclave` object of an answer, and in `conclave ask --json`."""

from __future__ import annotations

from core.answers import Answer
from core.budgets import Budget, Spend
from core.decision import Decision, Seat
from core.messages import Json
from core.money import to_usd
from core.skills import SkillTag
from core.thoughts import Thought
from core.usage import Usage

JsonObject = dict[str, Json]


def skills_json(skills: tuple[SkillTag, ...]) -> list[Json]:
    """Return skills with weights rounded for reading."""
    return [{"name": tag.name, "weight": round(tag.weight, 3)} for tag in skills]


def usage_json(usage: Usage) -> JsonObject:
    """Return tokens and calls."""
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "calls": usage.calls}


def spend_json(spend: Spend) -> JsonObject:
    """Return a spend with its money in dollars."""
    return {"usd": to_usd(spend.micros), "tokens": spend.tokens, "calls": spend.calls}


def budget_json(budget: Budget) -> JsonObject:
    """Return a cap; a resource without one is null."""
    usd = None if budget.micros is None else to_usd(budget.micros)
    return {"usd": usd, "tokens": budget.tokens, "calls": budget.calls, "seconds": budget.seconds}


def decision_json(decision: Decision) -> JsonObject:
    """Return the whole record of a decision."""
    return {
        "id": decision.id,
        "router": decision.router,
        "tagger": decision.tagger,
        "signals": list(decision.signals),
        "strategy": decision.strategy,
        "profile_version": decision.profile_version,
        "config_version": decision.config_version,
        "seed": decision.seed,
        "expected_quality": round(decision.expected_quality, 4),
        "expected_cost_usd": to_usd(decision.expected_cost),
        "panel": [seat_json(seat) for seat in decision.panel],
        "passed": [seat_json(seat) for seat in decision.passed],
        "excluded": [{"expert": out.expert, "why": out.why} for out in decision.excluded],
        "aggregator": decision.aggregator,
    }


def seat_json(seat: Seat) -> JsonObject:
    """Return one candidate with the line that explains it."""
    return {
        "expert": seat.expert,
        "score": round(seat.score, 4),
        "expected_quality": round(seat.expected_quality, 4),
        "expected_cost_usd": to_usd(seat.expected_cost),
        "why": seat.why,
    }


def thought_json(thought: Thought, *, words: bool = True) -> JsonObject:
    """Return a thought; without `words`, only what is not somebody's text."""
    said: JsonObject = {"answer": thought.answer, "text": thought.text} if words else {}
    return {
        "expert": thought.expert,
        "role": thought.role.value,
        "served_by": thought.served_by or thought.expert,
        **said,
        "confidence": round(thought.confidence, 4),
        "usage": usage_json(thought.usage),
        "cost_usd": to_usd(thought.cost),
        "latency_ms": round(thought.latency_s * 1000, 1),
        "finish": thought.finish.value,
        "declined": thought.declined,
        "error": thought.error,
    }


def answer_json(answer: Answer) -> JsonObject:
    """Return an answer with everything that led to it."""
    return {
        "answer": answer.text,
        "skills": skills_json(answer.decision.skills) if answer.decision else [],
        "decision": decision_json(answer.decision) if answer.decision else None,
        "thoughts": [thought_json(thought) for thought in answer.thoughts],
        "aggregation": answer.aggregation,
        "confidence": round(answer.confidence, 4),
        "usage": usage_json(answer.usage),
        "cost_usd": to_usd(answer.spend.micros),
        "latency_ms": round(answer.latency_s * 1000, 1),
        "stop_reason": answer.stop_reason,
        "run_id": answer.run_id,
    }
