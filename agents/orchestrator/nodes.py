"""The graph's nodes, one method each: what happens to a query between admission and answer."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

import structlog
from langgraph.runtime import Runtime

from agents.admission import Desk, ceiling_of, wall_seconds
from agents.aggregators.choosing import Aggregators
from agents.aggregators.contract import Aggregator, Draft, Table
from agents.aggregators.synthesis import Synthesis
from agents.judging import sides
from agents.orchestrator.consulting import Consultation
from agents.orchestrator.state import Context, State, counting
from core.answers import Answer
from core.budgets import Spend
from core.calls import Payer
from core.clock import Clock
from core.decision import Considered, Decision, Seat
from core.errors import BudgetExceeded, ConclaveError, Overloaded
from core.events import EventKind
from core.experts import ExpertSpec
from core.ids import ExpertName
from core.pools import PoolSpec
from core.ports import Gateway, Recruiter
from core.rendering import budget_json, decision_json, skills_json, spend_json, thought_json
from core.thoughts import Part, Thought
from core.usage import Usage

_log = structlog.get_logger(__name__)

_MOST_ROUNDS = 3
_ROOM_FOR_ONE = Spend(calls=1)


class Nodes:
    """Everything the graph's steps work with."""

    def __init__(
        self, gateway: Gateway, recruiter: Recruiter, desk: Desk, experts: dict[ExpertName, ExpertSpec], clock: Clock
    ) -> None:
        """Recruit with `recruiter`, call through `gateway`, admit at `desk`."""
        self._recruiter = recruiter
        self._desk = desk
        self._experts = experts
        self._consultation = Consultation(gateway, clock)
        self._aggregators = Aggregators(gateway, clock)

    async def admit(self, state: State, runtime: Runtime[Context]) -> State:
        """Hold the run's ceiling in the ledger, or refuse it with nothing spent."""
        run = runtime.context
        ceiling = ceiling_of(run.purse.budget, free=self._is_free(run.pool))
        run.admission = await self._desk.admit(run.asked.key, ceiling, wall_seconds(run.asked.query, run.purse.budget))
        await run.story.tell(EventKind.RUN_ADMITTED, {"budget": budget_json(run.purse.budget)})
        return {"thoughts": (), "rounds": 0, **state}

    async def understand(self, state: State, runtime: Runtime[Context]) -> State:
        """Tag the query with skills."""
        run = runtime.context
        payer = Payer(run.asked.run_id, run.purse, run.asked.key.id if run.asked.key else None)
        tags = await self._recruiter.understand(run.asked.query, run.pool, payer)
        await run.story.tell(
            EventKind.SKILLS_TAGGED,
            {"skills": skills_json(tags.skills), "source": tags.source, "signals": list(tags.signals)},
        )
        return {**state, "tags": tags}

    async def recruit(self, state: State, runtime: Runtime[Context]) -> State:
        """Choose the panel."""
        run = runtime.context
        decision = await self._recruiter.decide(run.asked.query, run.pool, state["tags"])
        if not decision.panel:
            reasons = "; ".join(f"{out.expert}: {out.why}" for out in decision.excluded)
            raise Overloaded(f"no expert of pool {run.pool.name} can take this query ({reasons})", code="no_expert")
        await run.story.tell(EventKind.PANEL_RECRUITED, {"decision": decision_json(decision)})
        run.story.save_soon()
        return {"decision": decision, "seats": decision.panel}

    async def consult(self, state: State, runtime: Runtime[Context]) -> State:
        """Let the seats think."""
        seats = state["seats"]
        run, grows = runtime.context, state["decision"].may_grow
        # What may yet be outvoted is not shown as the answer, and a silent expert leaves time to ask another.
        alone = len(seats) == 1 and not grows
        most = None if run.purse.budget.seconds is None else (run.purse.budget.seconds - run.purse.elapsed_s) / 2
        thoughts = await self._consultation.consult(run, seats, alone=alone, seconds=most if grows else None)
        shown = alone and thoughts[0].counts
        return {"thoughts": state["thoughts"] + thoughts, "rounds": state["rounds"] + 1, "shown": shown}

    async def consider(self, state: State, runtime: Runtime[Context]) -> State:
        """Weigh what was said, and bring in another voice where one is worth its price."""
        run, decision = runtime.context, state["decision"]
        thoughts = counting(state["thoughts"])
        if not thoughts or not (decision.may_grow or len(thoughts) > 1):
            return {"seats": (), "ballots": ()}
        considered = await self._considered(run, decision, state)
        if considered.ballots:
            leading = considered.ballots[0]
            await run.story.tell(
                EventKind.VOTE_UPDATED,
                {
                    "leading": leading.answer,
                    "posterior": round(leading.chance, 4),
                    "answers": len(considered.ballots),
                },
            )
        if not considered.seats or not run.purse.affords(_ROOM_FOR_ONE):
            return {"seats": (), "ballots": considered.ballots}
        grown = _with_more(decision, considered.seats)
        await run.story.tell(
            EventKind.PANEL_RECRUITED, {"decision": decision_json(grown), "why": "another voice is worth its price"}
        )
        return {"decision": grown, "seats": considered.seats, "ballots": considered.ballots}

    async def _considered(self, run: Context, decision: Decision, state: State) -> Considered:
        try:
            return await self._recruiter.consider(run.asked.query, run.pool, decision, state["thoughts"], state["tags"])
        except ConclaveError as error:
            # What was said and paid for is answered with, weighed or not.
            _log.warning("thoughts.unweighed", run_id=run.asked.run_id, code=error.error_code)
            return Considered()

    async def aggregate(self, state: State, runtime: Runtime[Context]) -> State:
        """Make one draft of the thoughts that count; none when no thought does."""
        run = runtime.context
        thoughts = counting(state["thoughts"])
        if not thoughts:
            return {"draft": None}
        quality = {seat.expert: seat.expected_quality for seat in state["decision"].panel}
        if len(thoughts) == 1:
            only = thoughts[0]
            if not state["shown"]:
                await run.story.tell(EventKind.ANSWER_DELTA, {"text": only.text})
            chance = state["ballots"][0].chance if state["ballots"] else quality.get(only.expert, 0.5)
            return {"draft": Draft(only.text, chance * only.confidence, "none")}
        table = Table(
            query=run.asked.query,
            thoughts=thoughts,
            quality=quality,
            ballots=state["ballots"],
            chair=state["decision"].aggregator,
            purse=run.purse,
            run_id=run.asked.run_id,
            key_id=run.asked.key.id if run.asked.key else None,
            pool=run.pool.name,
        )
        return {"draft": await self._combined(run, table)}

    async def check(self, state: State, runtime: Runtime[Context]) -> State:
        """Without a draft, bring in who was passed over, as far as the budget goes; otherwise go on."""
        if state["draft"] is not None:
            return {}
        run, decision = runtime.context, state["decision"]
        more = decision.passed[: run.pool.k.max]
        if not more or state["rounds"] >= _MOST_ROUNDS or not run.purse.affords(_ROOM_FOR_ONE):
            raise _why_nobody_answered(state["thoughts"])
        grown = _with_more(decision, more)
        await run.story.tell(
            EventKind.PANEL_RECRUITED, {"decision": decision_json(grown), "why": "nobody on the panel answered"}
        )
        return {"decision": grown, "seats": more}

    async def answer(self, state: State, runtime: Runtime[Context]) -> State:
        """Put the answer and its record together."""
        run, draft, thoughts = runtime.context, state["draft"], state["thoughts"]
        if draft is None:
            raise _why_nobody_answered(thoughts)
        everyone = thoughts if draft.extra is None else (*thoughts, draft.extra)
        self._recruiter.heard(run.asked.query, run.pool, thoughts, draft.text)
        voiced = draft.extra or next((t for t in counting(thoughts) if t.text == draft.text), counting(thoughts)[0])
        answer = Answer(
            run_id=run.asked.run_id,
            text=draft.text,
            thoughts=everyone,
            usage=sum((thought.usage for thought in everyone), Usage()),
            spend=run.purse.spent,
            stop_reason=_stop_reason(thoughts, draft),
            decision=state["decision"],
            aggregation=draft.how,
            finish=voiced.finish,
            tool_calls=voiced.tool_calls,
            confidence=draft.confidence,
            latency_s=run.purse.elapsed_s,
        )
        gave, differed = sides(run.asked.query, thoughts, draft.text)
        await run.story.tell(
            EventKind.ANSWER_FINAL,
            {
                "answer": answer.text,
                "stop_reason": answer.stop_reason,
                "aggregation": answer.aggregation,
                "confidence": round(answer.confidence, 4),
                "gave": list(gave),
                "differed": list(differed),
                "spend": spend_json(answer.spend),
            },
        )
        return {"answer": answer}

    def _is_free(self, pool: PoolSpec) -> bool:
        """Whether nobody whom a run of `pool` may call has a price: its experts, their fallbacks, tagger and chair."""
        named = (*pool.experts, pool.keyword_expert, pool.aggregator_expert)
        first = [self._experts[name] for name in named if name is not None]
        stand_ins = [self._experts[name] for spec in first for name in spec.fallback]
        return all(spec.price.free for spec in (*first, *stand_ins))

    async def _combined(self, run: Context, table: Table) -> Draft:
        aggregator = self._aggregators.for_table(run.pool.aggregator, table)
        await self._announce(run, aggregator, table)
        spoke = False
        try:
            async with aclosing(aggregator.combine(table)) as parts:
                async for part in parts:
                    if isinstance(part, Draft):
                        await _told_of_chair(run, part)
                        return await _told(run, part, spoke=spoke)
                    spoke = True
                    await run.story.tell(EventKind.ANSWER_DELTA, {"text": part})
        except ConclaveError:
            if spoke:
                raise
        return await self._without_chair(run, self._aggregators.without_chair(), table)

    async def _announce(self, run: Context, aggregator: Aggregator, table: Table) -> None:
        if isinstance(aggregator, Synthesis):
            await run.story.tell(EventKind.EXPERT_CALLED, {"expert": table.chair, "role": Part.AGGREGATOR.value})

    async def _without_chair(self, run: Context, aggregator: Aggregator, table: Table) -> Draft:
        async with aclosing(aggregator.combine(table)) as parts:
            async for part in parts:
                if isinstance(part, Draft):
                    return await _told(run, part, spoke=False)
        raise AssertionError("an aggregator ends with a draft")


async def _told(run: Context, draft: Draft, *, spoke: bool) -> Draft:
    if not spoke:
        await run.story.tell(EventKind.ANSWER_DELTA, {"text": draft.text})
    return draft


async def _told_of_chair(run: Context, draft: Draft) -> None:
    if draft.extra is not None:
        await run.story.tell(EventKind.EXPERT_FINISHED, thought_json(draft.extra))


def _with_more(decision: Decision, more: tuple[Seat, ...]) -> Decision:
    return replace(decision, panel=decision.panel + more, passed=decision.passed[len(more) :])


def _stop_reason(thoughts: tuple[Thought, ...], draft: Draft) -> str:
    if any(thought.error and thought.error.startswith(BudgetExceeded.code) for thought in thoughts):
        return "budget"
    if draft.how == "none":
        return "confident" if len(thoughts) == 1 else "only_one_answered"
    return "agreed" if draft.how == "vote" else "aggregated"


def _why_nobody_answered(thoughts: tuple[Thought, ...]) -> ConclaveError:
    reasons = "; ".join(f"{t.expert}: {t.error or 'declined: ' + (t.declined or '')}" for t in thoughts)
    if thoughts and all(t.error and t.error.startswith(BudgetExceeded.code) for t in thoughts):
        return BudgetExceeded(f"the budget covers no expert of the panel ({reasons})", param="conclave.budget")
    return Overloaded(f"no expert answered ({reasons}); try again", code="nobody_answered")
