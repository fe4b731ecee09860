"""An expert's own limits: what fits into a minute, and what is under way at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UpstreamRateLimited
from core.experts import Kind, Limits
from experts.pace import Pace
from experts.scripted import ScriptedTransport
from tests.experts.room import all_of, call, gateway, spec


@given(st.integers(1, 600), st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_minute_sees_more_calls_than_the_limit_a_tenth_and_one(rpm: int, pauses: list[float]) -> None:
    pace, now, accepted = Pace(Limits(rpm=rpm)), 0.0, list[float]()
    for pause in pauses:
        now += pause
        while pace.wait_s(now) is None:
            pace.begin(now, 0)
            pace.end(0)
            accepted.append(now)

    busiest = max(sum(start <= at < start + 60 for at in accepted) for start in accepted)
    assert busiest <= rpm + rpm / 10 + 1 + 1e-6


def test_tokens_that_were_not_used_are_given_back() -> None:
    pace = Pace(Limits(tpm=1_000))
    pace.begin(0.0, 500)
    waiting = pace.wait_s(0.0)

    pace.end(500)

    assert waiting == pytest.approx(24.0)
    assert pace.wait_s(0.0) is None


def test_an_expert_without_limits_never_waits() -> None:
    pace = Pace(Limits())
    for _ in range(1_000):
        pace.begin(0.0, 10_000)

    assert pace.wait_s(0.0) is None


async def test_a_call_past_the_limit_goes_to_the_fallback_and_the_expert_is_left_out() -> None:
    narrow = spec("narrow", limits=Limits(concurrency=1), fallback=("other",), options={"reply": "narrow"})
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, narrow, spec("other", options={"reply": "other"}))
    first = door.stream(call("narrow"))
    await anext(first)

    text, last = await all_of(door.stream(call("narrow")))

    assert (text, last.served_by) == ("other", "other")
    assert door.healthy(call("narrow").expert) == "it is at the limit that conclave.yaml sets"
    await first.aclose()
    assert door.healthy(call("narrow").expert) is None


async def test_a_call_past_the_limit_without_a_fallback_is_told_when_to_come_again() -> None:
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("slow", limits=Limits(rpm=1)))
    await door.complete(call("slow"))

    with pytest.raises(UpstreamRateLimited) as caught:
        await door.complete(call("slow"))

    assert caught.value.error_code == "expert_limit"
    assert 53 < (caught.value.retry_after_s or 0) <= 54
