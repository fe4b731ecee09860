"""What is kept of a run's story: what happened, and not a word of what anybody said."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from agents.recording import Keeper, Story, without_words
from core.clock import SystemClock
from core.events import Event, EventKind
from core.ids import RunId
from core.messages import Json
from core.ports import RunLog
from core.runs import Run, RunState


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"text": "canary", "usage": {"calls": 1}}, {"usage": {"calls": 1}}),
        ({"error": "upstream_error: it said: canary"}, {"error": "upstream_error"}),
        ({"declined": "the canary sings"}, {"declined": "withheld"}),
        ({"declined": None, "error": None}, {"declined": None, "error": None}),
        ({"thoughts": [{"answer": "canary", "expert": "one"}]}, {"thoughts": [{"expert": "one"}]}),
        ({"leading": "canary", "posterior": 0.9}, {"posterior": 0.9}),
    ],
)
def test_words_are_left_out_wherever_they_stand(said: dict[str, Json], kept: dict[str, Json]) -> None:
    event = Event(RunId("run"), 1, EventKind.EXPERT_FINISHED, datetime.now(UTC), said)

    assert without_words(event).data == kept


async def test_a_step_that_waits_for_a_slow_watcher_goes_on_when_he_leaves(runs: RunLog) -> None:
    now = datetime.now(UTC)
    run = Run(RunId("slow"), None, "hall", RunState.RUNNING, now, over_by=now)
    story = Story(run, Keeper(runs, keep_words=False), SystemClock())
    telling = asyncio.gather(*(story.tell(EventKind.ANSWER_DELTA, {"text": "word"}) for _ in range(200)))
    await asyncio.sleep(0)

    story.desert()

    async with asyncio.timeout(5):
        await telling
