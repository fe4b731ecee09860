"""`POST /v1/feedback`: how right a run's answer was, said by who asked for it, or by what checked it."""

from __future__ import annotations

from typing import Annotated

import orjson
from pydantic import Field
from starlette.responses import Response

from agents.judging import rights_of, skills_of
from api.events import run_of
from api.openai.asking import session_of
from api.openai.fields import Strict, read
from api.openai.request import SessionName
from api.routes import Visit
from core.errors import Conflict, NotFound
from core.events import EventKind
from core.feedback import Feedback
from core.ids import ExpertName, PoolName
from core.runs import RunState


class FeedbackRequest(Strict):
    """A judgement. `score` is true, false, or a share in 0..1; with `expert` it is of that one's own answer."""

    run_id: Annotated[str, Field(min_length=1, max_length=64)]
    score: bool | Annotated[float, Field(ge=0, le=1)]
    expert: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    session: SessionName | None = None


async def give_feedback(visit: Visit) -> Response:
    """Keep a judgement of a run that succeeded, and return whom it judges and how."""
    given = read(FeedbackRequest, visit.body)
    run = await run_of(visit, given.run_id)
    if run.state is not RunState.SUCCEEDED:
        raise Conflict(f"the run is {run.state.value}: it has no answer to judge", param="run_id", code="no_answer")
    container = visit.container
    pool = container.configuration.pools.get(PoolName(run.target))
    if pool is None:
        raise Conflict("the run convened no pool of this service", param="run_id", code="no_pool")
    events = await container.runs.events(run.id)
    score, expert = float(given.score), None if given.expert is None else ExpertName(given.expert)
    rights = rights_of(events, score, expert)
    if expert is not None and not rights:
        heard = [str(event.data.get("served_by")) for event in events if event.kind is EventKind.EXPERT_FINISHED]
        raise NotFound.named("expert", expert, heard, param="expert")
    feedback = Feedback(
        run.id, pool.name, visit.key.id, score, container.clock.now(), rights, skills_of(events), expert
    )
    await container.feedback.give(feedback)
    if given.session is not None:
        container.recruiter.judged(pool, session_of(given.session, visit.key.id), rights)
    return Response(orjson.dumps(_told(feedback)), media_type="application/json")


def _told(feedback: Feedback) -> dict[str, object]:
    return {
        "object": "conclave.feedback",
        "run_id": feedback.run_id,
        "pool": feedback.pool,
        "score": feedback.score,
        "expert": feedback.expert,
        "judged": [{"expert": name, "right": right} for name, right in feedback.rights.items()],
    }
