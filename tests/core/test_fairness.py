"""Laws of whose request is next."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.fairness import FairQueue, Round

_WORK = st.floats(0.1, 5.0)


@given(st.lists(st.tuples(st.sampled_from("abc"), _WORK), max_size=60))
def test_every_request_is_served_once_and_each_callers_in_their_order(asked: list[tuple[str, float]]) -> None:
    callers = Round[tuple[str, int]]()
    for number, (caller, work) in enumerate(asked):
        callers.push(caller, work, (caller, number))

    served = [callers.pop()[1] for _ in range(len(callers))]

    assert sorted(number for _, number in served) == list(range(len(asked)))
    for name in "abc":
        own = [number for caller, number in served if caller == name]
        assert own == sorted(own)


@given(st.lists(_WORK, min_size=20, max_size=60), st.lists(_WORK, min_size=20, max_size=60))
def test_of_two_who_wait_all_the_time_neither_gets_far_ahead(first: list[float], second: list[float]) -> None:
    callers, largest = Round[str](), max(*first, *second)
    for caller, works in (("a", first), ("b", second)):
        for work in works:
            callers.push(caller, work, caller)

    got, left = Counter[str](), Counter(a=len(first), b=len(second))
    while left["a"] and left["b"]:
        work, caller = callers.pop()
        got[caller] += work  # type: ignore[assignment]  # a counter of seconds
        left[caller] -= 1
        assert abs(got["a"] - got["b"]) <= 2 * largest + 1e-9


def test_one_who_floods_does_not_keep_a_newcomer_waiting() -> None:
    callers = Round[str]()
    for _ in range(1_000):
        callers.push("flood", 1.0, "flood")
    callers.pop()

    callers.push("newcomer", 1.0, "newcomer")

    assert "newcomer" in [callers.pop()[1] for _ in range(3)]


@given(st.integers(20, 80), st.integers(20, 80))
def test_while_both_kinds_wait_each_gets_its_share(interactive: int, batch: int) -> None:
    queue = FairQueue[str](interactive_parts=3)
    for _ in range(interactive):
        queue.push("a", 1.0, "interactive")
    for _ in range(batch):
        queue.push("b", 1.0, "batch", batch=True)

    first = [queue.pop()[1] for _ in range(16)]

    assert 11 <= first.count("interactive") <= 13


def test_a_batch_that_comes_late_claims_no_share_of_what_was() -> None:
    queue = FairQueue[str]()
    for _ in range(100):
        queue.push("a", 1.0, "interactive")
    for _ in range(50):
        queue.pop()

    for _ in range(50):
        queue.push("b", 1.0, "batch", batch=True)

    assert [queue.pop()[1] for _ in range(10)].count("batch") <= 3


def test_who_was_served_while_alone_owes_nothing_for_it() -> None:
    queue = FairQueue[str]()
    for kind, batch in (("interactive", False), ("batch", True)):
        for _ in range(100):
            queue.push("a", 1.0, kind, batch=batch)
            queue.pop()

    for kind, batch in (("batch", True), ("interactive", False)):
        for _ in range(50):
            queue.push("a", 1.0, kind, batch=batch)

    assert 7 <= [queue.pop()[1] for _ in range(10)].count("interactive") <= 9


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.booleans()), min_size=1, max_size=30))
def test_what_is_pushed_back_is_next_again_and_then_all_goes_on_as_it_would_have(
    asked: list[tuple[str, int, bool]],
) -> None:
    straight, detour = FairQueue[int](), FairQueue[int]()
    for number, (caller, work, batch) in enumerate(asked):
        straight.push(caller, work, number, batch=batch)
        detour.push(caller, work, number, batch=batch)

    for _ in asked:
        work_s, number = detour.pop()
        detour.push_back(asked[number][0], work_s, number, batch=asked[number][2])
        assert detour.pop() == straight.pop() == (work_s, number)


def test_a_request_that_is_taken_out_leaves_the_others_as_they_were() -> None:
    callers = Round[str]()
    for caller, item in (("a", "a1"), ("b", "b1"), ("a", "a2")):
        callers.push(caller, 1.0, item)

    callers.remove("b", 1.0, "b1")

    assert [callers.pop()[1] for _ in range(len(callers))] == ["a1", "a2"]


def test_next_shows_what_pop_takes() -> None:
    queue = FairQueue[str]()
    for name, batch in (("a", False), ("b", True), ("c", False)):
        queue.push(name, 1.0, name, batch=batch)

    while queue:
        assert queue.next() == queue.pop()
