"""One expert's own reply as an answer, for the `conclave` object of a completion that was passed through."""

from __future__ import annotations

from dataclasses import replace

from core.answers import Answer
from core.budgets import Spend
from core.ids import ExpertName, RunId
from core.messages import Reply
from core.rendering import JsonObject, answer_json
from core.thoughts import Thought


def passed_json(reply: Reply, expert: ExpertName, run_id: RunId, latency_s: float) -> JsonObject:
    """Return the reply with everything that led to it: the one expert that was asked for by name."""
    usage = replace(reply.usage, calls=1)
    thought = Thought(
        expert=expert,
        text=reply.text,
        answer=reply.text,
        confidence=reply.confidence or 0.0,
        usage=usage,
        cost=reply.cost,
        latency_s=latency_s,
        finish=reply.finish,
        declined=reply.declined,
        served_by=reply.served_by,
    )
    return answer_json(
        Answer(
            run_id=run_id,
            text=reply.text,
            thoughts=(thought,),
            usage=usage,
            spend=Spend(reply.cost, usage.total_tokens, 1),
            stop_reason="pass_through",
            confidence=reply.confidence or 0.0,
            latency_s=latency_s,
        )
    )
