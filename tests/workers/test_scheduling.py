"""Laws of the choices a host makes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.hosting import Backlog
from core.ids import HostId, ModelName
from core.scheduling import (
    LEFT_TO_ANOTHER_S,
    Candidate,
    Collate,
    Fifo,
    LowestRate,
    Resident,
    SwitchTime,
    Turn,
    Turns,
    Waiting,
    choose,
    evictions,
    next_model,
)

_NAMES = st.sampled_from([ModelName(name) for name in "abcdef"])
_WAITING = st.lists(
    st.builds(Waiting, _NAMES, st.floats(0, 1e6), st.floats(0, 1e6)), unique_by=lambda entry: entry.model
)
_RESIDENT = st.lists(
    st.builds(
        Resident, _NAMES, st.integers(1, 100), st.floats(0, 1e6), st.floats(0.1, 60), st.booleans(), st.booleans()
    ),
    unique_by=lambda entry: entry.model,
)
_HOSTS = st.lists(st.sampled_from([HostId("h1"), HostId("h2")]), max_size=2, unique=True).map(tuple)
_BACKLOG = st.lists(
    st.builds(
        Backlog,
        _NAMES,
        st.integers(0, 9),
        st.floats(0, 1e3),
        st.floats(0, 1e3),
        st.integers(0, 9999),
        _HOSTS,
    ),
    unique_by=lambda entry: entry.model,
)
_CANDIDATES = st.dictionaries(_NAMES, st.builds(Candidate, st.floats(0, 60), st.floats(0, 500), st.booleans()))


@given(waiting=_WAITING)
def test_the_model_whose_turn_clock_is_oldest_is_next(waiting: list[Waiting]) -> None:
    chosen = next_model(waiting, Turns())

    clocks = {entry.model: entry.since for entry in waiting}
    assert (chosen is None) == (not clocks)
    assert chosen is None or clocks[chosen] == min(clocks.values())


def test_an_endless_backlog_does_not_keep_every_turn() -> None:
    busy, rare = Waiting(ModelName("busy"), since=60.0, head=0.0), Waiting(ModelName("rare"), since=58.0, head=58.0)

    assert next_model([busy, rare], Collate()) == "busy"
    assert next_model([busy, rare], Turns()) == "rare"


@given(claimed=st.floats(0, 100), quantum=st.floats(0.1, 100), work=st.floats(0.1, 100), rival=st.booleans())
def test_a_turn_claims_past_its_quantum_only_its_first_request_or_while_nobody_else_waits(
    claimed: float, quantum: float, work: float, rival: bool
) -> None:
    other = Waiting(ModelName("other"), since=0.0, head=0.0) if rival else None

    goes_on = Turns().goes_on(Turn(claimed, quantum), work, 1.0, other)

    assert goes_on == (not rival or claimed == 0 or claimed + work <= quantum)


def test_in_order_of_arrival_a_turn_ends_at_an_older_request_of_another_model() -> None:
    rival, turn = Waiting(ModelName("other"), since=2.0, head=2.0), Turn(5.0, 1.0)

    assert Fifo().goes_on(turn, 1.0, 1.9, rival)
    assert not Fifo().goes_on(turn, 1.0, 2.1, rival)


@given(st.lists(st.floats(0, 60), max_size=30), st.floats(0.1, 10))
def test_a_switch_is_never_taken_for_less_than_its_load(measured: list[float], load_s: float) -> None:
    switch = SwitchTime(load_s)
    for seconds in measured:
        switch.measured(seconds)

    assert load_s <= switch.seconds <= max(load_s, *measured, load_s) + 1e-9
    assert switch.quantum_s() == 8 * switch.seconds


@given(st.lists(st.tuples(st.integers(1, 9999), st.floats(0.01, 60)), min_size=1, max_size=30))
def test_the_lowest_rate_follows_down_by_half_and_up_by_a_tenth_at_most(turns: list[tuple[int, float]]) -> None:
    rate = LowestRate()
    for work, seconds in turns:
        before = rate.tokens_per_s
        rate.measured(work, seconds)
        assert before == 0 or before / 2 - 1e-9 <= rate.tokens_per_s <= before * 1.1 + 1e-9
    lowest = min(work / seconds for work, seconds in turns)
    assert rate.tokens_per_s >= lowest - 1e-9


@given(backlog=_BACKLOG, candidates=_CANDIDATES)
def test_a_free_host_rests_only_when_nothing_waits_that_it_may_serve(
    backlog: list[Backlog], candidates: dict[ModelName, Candidate]
) -> None:
    free = [entry for entry in backlog if entry.waiting and not entry.granted and entry.model in candidates]
    mine = [entry for entry in free if not candidates[entry.model].elsewhere or entry.since_s >= LEFT_TO_ANOTHER_S]

    chosen = choose(backlog, candidates, Turns())

    if mine:
        assert chosen in {entry.model for entry in mine if entry.since_s == max(one.since_s for one in mine)}
    elif chosen is not None:
        (entry,) = [entry for entry in backlog if entry.model == chosen]
        candidate = candidates[chosen]
        assert entry.granted
        assert entry.work_tokens > candidate.load_s * candidate.tokens_per_s * len(entry.granted)


def test_a_second_host_gets_a_model_when_what_waits_is_worth_the_load() -> None:
    hot = Backlog(ModelName("a"), 9, 1.0, 1.0, work_tokens=1000, granted=(HostId("h1"),))

    assert choose([hot], {hot.model: Candidate(load_s=9.0, tokens_per_s=100.0)}, Turns()) == "a"
    assert choose([hot], {hot.model: Candidate(load_s=11.0, tokens_per_s=100.0)}, Turns()) is None
    assert choose([hot], {hot.model: Candidate(load_s=9.0)}, Turns()) is None


@given(resident=_RESIDENT, wanted=st.integers(1, 150), budget=st.integers(1, 300))
def test_what_is_unloaded_makes_room_is_not_more_than_needed_and_is_not_in_use(
    resident: list[Resident], wanted: int, budget: int
) -> None:
    size = {entry.model: entry.memory_bytes for entry in resident}
    kept = {entry.model for entry in resident if entry.kept}

    gone = evictions(resident, wanted, budget)

    if gone is None:
        assert wanted + sum(size[model] for model in kept) > budget
        return
    assert not kept & set(gone)
    left = sum(size.values()) - sum(size[model] for model in gone)
    assert left + wanted <= budget
    assert not gone or left + size[gone[-1]] + wanted > budget


@given(resident=_RESIDENT, wanted=st.integers(1, 150))
def test_what_is_worth_least_goes_first(resident: list[Resident], wanted: int) -> None:
    worth = {entry.model: entry.worth for entry in resident if not entry.kept}

    gone = evictions(resident, wanted, 150) or ()

    stays = worth.keys() - set(gone)
    assert all(worth[out] <= worth[other] for out in gone for other in stays)


def test_a_model_that_is_waited_for_is_worth_more_than_one_that_is_not() -> None:
    wanted = Resident(ModelName("a"), 10, idle_s=500.0, load_s=2.0, wanted=True)
    fresh, slow = Resident(ModelName("b"), 10, 0.0, 2.0), Resident(ModelName("c"), 10, 60.0, 30.0)

    assert evictions([wanted, fresh], 10, 20) == ["b"]
    assert evictions([fresh, slow], 10, 20) == ["b"]
