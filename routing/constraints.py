"""Who may be considered at all: every reason to leave an expert out, checked in one place and said in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.decision import Exclusion
from core.errors import BudgetExceeded, ConclaveError, ContextTooLong, InvalidRequest, Overloaded
from core.experts import Catalogue, ExpertSpec
from core.ids import ExpertName
from core.messages import Message
from core.money import Micros, to_usd
from core.pools import PoolSpec
from core.profiles import ProfileSet
from core.query import Query
from routing.slate import Candidate

Screen = Callable[[str], bool]
"""Whether an expert can answer a text at all; asked before it is recruited. Fast, and never raises."""

_CHARACTERS_PER_TOKEN = 4
_LEAST_REPLY_TOKENS = 64
_LISTED = 8


class Cause(StrEnum):
    """The kind of a reason; it decides which error is raised when nobody is left."""

    ASKED = "asked"
    ABILITY = "ability"
    DATA = "data"
    CONTEXT = "context"
    SCREEN = "screen"
    PRICE = "price"
    HEALTH = "health"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an expert is left out."""

    cause: Cause
    exclusion: Exclusion


@dataclass(frozen=True, slots=True)
class Sifted:
    """Candidates in the order of the pool, and a reason for every other expert of it."""

    candidates: tuple[Candidate, ...]
    reasons: tuple[Reason, ...]

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Return the reasons as the decision records them."""
        return tuple(reason.exclusion for reason in self.reasons)


def sift(
    query: Query,
    pool: PoolSpec,
    catalogue: Catalogue,
    profiles: ProfileSet,
    *,
    healthy: Callable[[ExpertName], str | None],
    screens: Mapping[ExpertName, Screen],
) -> Sifted:
    """Part a pool's experts into those that may be recruited and those that may not."""
    needs = needed(query)
    budget = query.budget.within(pool.budget).micros
    size = sum(_characters(message) for message in query.messages)
    candidates: list[Candidate] = []
    reasons: list[Reason] = []
    for name in dict.fromkeys(pool.experts):
        spec = catalogue.experts.get(name)
        if spec is None:
            reasons.append(Reason(Cause.HEALTH, Exclusion(name, "not configured")))
            continue
        tokens = (size + len(spec.system)) // _CHARACTERS_PER_TOKEN + 1
        cost = _cost(spec, query, profiles, tokens)
        screen = screens.get(name)
        found = (
            _unwanted(spec, query, needs)
            or _too_long(spec, query, tokens)
            or _too_dear(cost, budget)
            or _unhealthy(healthy(name))
        )
        if found is None and screen is not None and not screen(query.text):
            found = (Cause.SCREEN, "declines: not an exact expression")
        if found is None:
            candidates.append(Candidate(spec, cost, screen is not None, profiles.of(name).mean_latency_s))
        else:
            reasons.append(Reason(found[0], Exclusion(name, found[1])))
    return Sifted(tuple(candidates), tuple(reasons))


def needed(query: Query) -> frozenset[str]:
    """Return the abilities that the query asks for, or that follow from what it holds."""
    implied = {
        "tools": bool(query.tools),
        "json_schema": query.response_format.kind != "text",
        "vision": any(message.images for message in query.messages),
    }
    return query.constraints.needs | {ability for ability, wanted in implied.items() if wanted}


def nobody(pool: PoolSpec, reasons: Sequence[Reason]) -> ConclaveError:
    """Return the error for a query that no expert may take.

    What time may heal comes first (try again), then money, then length, then what the caller asked for.
    """
    causes = {reason.cause for reason in reasons}
    message = f'no expert of pool "{pool.name}" can take this query: {_listed(reason.exclusion for reason in reasons)}'
    if Cause.HEALTH in causes:
        return Overloaded(message, code="no_expert", retry_after_s=5.0)
    if Cause.PRICE in causes:
        return BudgetExceeded(message, param="conclave.budget.usd")
    if Cause.CONTEXT in causes:
        return ContextTooLong(message, param="messages")
    return InvalidRequest(message, code="no_expert")


def _unwanted(spec: ExpertSpec, query: Query, needs: frozenset[str]) -> tuple[Cause, str] | None:
    lacking = sorted(needs - spec.abilities)
    forbidden = query.constraints.forbid(spec)
    if forbidden is not None:
        return (Cause.ASKED if spec.name in query.constraints.exclude else Cause.DATA), forbidden
    return (Cause.ABILITY, f"cannot do {', '.join(lacking)}") if lacking else None


def _too_long(spec: ExpertSpec, query: Query, tokens: int) -> tuple[Cause, str] | None:
    reply = min(_LEAST_REPLY_TOKENS, query.sampling.max_tokens or spec.max_output)
    if spec.context and tokens + reply > spec.context:
        return Cause.CONTEXT, f"context of {spec.context:,} tokens; the query needs about {tokens + reply:,}"
    return None


def _too_dear(cost: Micros, budget: Micros | None) -> tuple[Cause, str] | None:
    if budget is not None and cost > budget:
        return Cause.PRICE, f"about ${to_usd(cost):.6f} a call; the budget is ${to_usd(budget):.6f}"
    return None


def _unhealthy(why: str | None) -> tuple[Cause, str] | None:
    return None if why is None else (Cause.HEALTH, why)


def _cost(spec: ExpertSpec, query: Query, profiles: ProfileSet, tokens: int) -> Micros:
    """Return what a call is expected to cost: the input by its length, the output as it was when measured."""
    if spec.price.free:
        return Micros(0)
    usual = profiles.of(spec.name).mean_output_tokens or spec.max_output / 2
    most = min(query.sampling.max_tokens or spec.max_output, spec.max_output)
    return spec.price.cost(tokens, min(most, round(usual)))


def _characters(message: Message) -> int:
    text = message.text
    # Scripts beyond Latin have fewer characters a token, and more bytes a character: bytes even it out.
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _listed(exclusions: Iterable[Exclusion]) -> str:
    lines = [f"{out.expert}: {out.why}" for out in exclusions]
    more = f"; and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return ("; ".join(lines[:_LISTED]) or "it has none") + more
