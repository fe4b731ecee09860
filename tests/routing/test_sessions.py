"""What a conversation showed: small, fading, bounded offsets, and an affinity that ends when it should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import ExpertName
from core.thoughts import Part, Thought
from core.usage import Usage
from routing.sessions import AGREEMENT, BOUND, DECAY, VERDICT, Bond, Sessions, Sign, Turn, escape, staying, turn_of
from tests.routing.choosing import choice, facing, laid_out, seated, specs_of

A, B, C = (ExpertName(name) for name in "abc")
LAW, ART = facing(1, 0), facing(0, 1)

turns = st.builds(
    Turn, st.none() | st.sampled_from([A, B]), st.dictionaries(st.sampled_from([A, B, C]), st.sampled_from(Sign))
)


def thought(expert: str, said: str, **fields: object) -> Thought:
    return Thought(ExpertName(expert), f"It is {said}.", said, 0.9, Usage(), **fields)  # type: ignore[arg-type]  # by name


@given(st.lists(turns | st.booleans(), max_size=60))
def test_offsets_never_exceed_their_bound(story: list[Turn | bool]) -> None:
    sessions = Sessions()

    for told in story:
        if isinstance(told, Turn):
            sessions.heard("s", told)
        else:
            sessions.judged("s", A, right=told)

        assert (abs(sessions.offsets("s", [A, B, C])) <= BOUND).all()


def test_agreement_lifts_dissent_lowers_and_verdicts_weigh_more() -> None:
    sessions = Sessions()
    sessions.heard("s", Turn(A, {A: Sign.AGREED, B: Sign.DISSENTED}))
    sessions.judged("s", C, right=False)

    assert sessions.offsets("s", [A, B, C]).tolist() == [AGREEMENT, -AGREEMENT, -VERDICT]


def test_what_was_shown_fades_and_is_forgotten() -> None:
    sessions = Sessions()
    sessions.judged("s", A, right=True)
    sessions.heard("s", Turn(B))
    after_one = sessions.offsets("s", [A])[0]
    for _ in range(60):
        sessions.heard("s", Turn(B))

    assert after_one == pytest.approx(DECAY * VERDICT)
    assert sessions.offsets("s", [A])[0] == 0


def test_conversations_share_nothing_and_the_longest_unused_is_forgotten() -> None:
    sessions = Sessions(kept=2)
    for key in ("one", "two", "one", "three"):
        sessions.judged(key, A, right=True)

    assert len(sessions) == 2
    assert sessions.offsets("two", [A])[0] == 0
    assert sessions.offsets("one", [A])[0] == 2 * VERDICT


def test_reading_of_an_unknown_conversation_keeps_none() -> None:
    sessions = Sessions()

    assert sessions.bond("nobody") is None
    assert len(sessions) == 0


def test_a_conversation_is_bound_to_who_answered_it_and_failures_in_a_row_are_counted() -> None:
    sessions = Sessions()
    failed = Turn(None, {A: Sign.FAILED})
    counted = []
    for turn in (Turn(A, topic=LAW), failed, failed, Turn(A, topic=ART), Turn(None, {B: Sign.FAILED}), Turn(B)):
        sessions.heard("s", turn)
        bond = sessions.bond("s")
        assert bond is not None
        counted.append((bond.expert, bond.failures))

    assert counted == [("a", 0), ("a", 1), ("a", 2), ("a", 0), ("a", 0), ("b", 0)]


def test_the_topic_of_a_conversation_is_what_was_asked_of_late() -> None:
    sessions = Sessions()
    for topic in (LAW, ART, None):
        sessions.heard("s", Turn(A, topic=topic))

    bond = sessions.bond("s")
    assert bond is not None
    assert bond.topic is not None
    assert bond.topic.tolist() == pytest.approx(facing(1, 1).tolist())


SLATE = laid_out(specs_of("x", "y", "z"), topic=(1, 0))
NEAR = choice({"a": 0.80, "b": 0.78, "c": 0.5}, ["a"])


def test_a_conversation_stays_with_its_expert_within_the_margin() -> None:
    kept = staying(NEAR, SLATE, Bond(B, 1, LAW), 0.05)

    assert seated(kept) == ["b"]
    assert kept.panel[0].why == "answered this conversation so far; measured"
    assert {seat.expert for seat in kept.passed} == {"a", "c"}


@pytest.mark.parametrize(
    ("bond", "margin", "why"),
    [
        (Bond(ExpertName("gone")), 0.05, "it cannot be asked now"),
        (Bond(B, 2), 0.05, "it failed 2 times in a row"),
        (Bond(B, 0, ART), 0.05, "the topic moved"),
        (Bond(B, 0, LAW), 0.01, "another is better by more than 0.01"),
        (Bond(C, 0, LAW), 0.05, "another is better by more than 0.05"),
        (Bond(B, 1, LAW), 0.05, None),
        (Bond(B), 0.05, None),
        (Bond(B, 0, facing(0, 1, 0)), 0.05, None),
    ],
)
def test_the_rule_of_escape_is_kept_and_its_reason_said(bond: Bond, margin: float, why: str | None) -> None:
    assert escape(bond, NEAR, SLATE, margin) == why

    after = staying(NEAR, SLATE, bond, margin)
    lines = {seat.expert: seat.why for seat in after.passed}
    assert seated(after) == ([bond.expert] if why is None else ["a"])
    if why is not None and bond.expert in lines:
        assert lines[bond.expert] == f"answered before, but {why}; measured"


def test_the_weakest_of_a_larger_panel_makes_room_where_the_budget_allows() -> None:
    trio = choice({"a": 0.8, "c": 0.6, "b": 0.78}, ["a", "c"], costs={"a": 1, "b": 9, "c": 1})
    poor = laid_out(specs_of("x", "y", "z"), budget=5)

    assert seated(staying(trio, SLATE, Bond(B), 0.05)) == ["b", "a"]
    after = staying(trio, poor, Bond(B), 0.05)
    assert seated(after) == ["a", "c"]
    assert after.passed[0].why == "answered before, but the budget does not reach; measured"


def test_an_expert_that_has_a_seat_already_changes_nothing() -> None:
    assert staying(NEAR, SLATE, Bond(A), 0.05) is NEAR


def test_an_answer_shows_who_gave_it_who_agreed_and_who_failed() -> None:
    thoughts = [
        thought("a", "42"),
        thought("b", "42"),
        thought("c", "41"),
        thought("d", "", error="upstream_error: gone"),
        thought("e", "", declined="not an exact expression"),
        thought("chair", "42", role=Part.AGGREGATOR),
    ]

    told = turn_of(thoughts, "It is 42.", LAW)

    signs = {"a": Sign.AGREED, "b": Sign.AGREED, "c": Sign.DISSENTED, "d": Sign.FAILED}
    assert (told.answered, told.signs, told.topic is LAW) == ("a", signs, True)


def test_one_voice_agrees_with_nobody_and_a_written_answer_is_nobodys() -> None:
    assert turn_of([thought("a", "42")], "It is 42.") == Turn(A)
    assert turn_of([thought("a", "42"), thought("b", "41")], "It is 42.") == Turn(A)
    assert turn_of([thought("a", "42"), thought("b", "42")], "Both.") == Turn()


def test_an_answer_that_never_came_shows_who_failed() -> None:
    assert turn_of([thought("a", "", error="deadline")], "") == Turn(None, {A: Sign.FAILED})


def test_whose_fallback_had_to_answer_has_failed() -> None:
    told = turn_of([thought("a", "42", served_by=B)], "It is 42.")

    assert (told.answered, told.signs) == ("b", {"a": Sign.FAILED})
