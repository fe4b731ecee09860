"""A pool's rules together: each is brought to bear, in order, and without rules nothing is touched."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from core.ids import ExpertName, PoolName
from core.pools import PoolSpec, Rules
from core.query import Query
from core.thoughts import Thought
from core.usage import Usage
from routing.ruling import Ruling, session_key
from tests.routing.choosing import choice, laid_out, seated, specs_of
from tests.routing.pool import pool, query

SPECS = specs_of("qwen", "qwen", "llama")
SLATE = laid_out(SPECS, topic=(1, 0))
EVEN = choice({"a": 0.8, "b": 0.8, "c": 0.8}, ["a"])
TALK = query("Why?", session="k/s")


def ruled(**rules: object) -> PoolSpec:
    return pool(SPECS, rules=Rules(**rules))  # type: ignore[arg-type]  # rules are given by name


def tell(ruling: Ruling, by: str, where: PoolSpec, asked: Query = TALK) -> None:
    """Let an expert have answered."""
    ruling.heard([Thought(ExpertName(by), "Because.", "because", 0.9, Usage())], "Because.", asked, where)


def test_without_rules_a_choice_is_returned_as_it_is() -> None:
    ruling = Ruling()

    assert ruling.settled(EVEN, SLATE, TALK, ruled()) is EVEN
    assert ruling.further(EVEN, SLATE, ruled(), [ExpertName("b")]) is EVEN


def test_balance_spreads_equals_over_a_pool_and_each_pool_has_its_own() -> None:
    ruling, where = Ruling(), ruled(balance=True)
    count = Counter(seated(ruling.settled(EVEN, SLATE, query(), where))[0] for _ in range(30))

    assert max(count.values()) - min(count.values()) <= 2
    other = replace(where, name=PoolName("other"))
    assert seated(ruling.settled(EVEN, SLATE, query(), other)) == ["a"]


def test_a_conversation_stays_with_its_expert_and_another_one_does_not() -> None:
    ruling, where = Ruling(), ruled(affinity=0.05)
    tell(ruling, "c", where)

    assert seated(ruling.settled(EVEN, SLATE, TALK, where)) == ["c"]
    assert seated(ruling.settled(EVEN, SLATE, query(session="k/other"), where)) == ["a"]
    assert seated(ruling.settled(EVEN, SLATE, query(), where)) == ["a"]


def test_a_conversation_whose_topic_moved_is_free_again_and_says_why() -> None:
    ruling, where = Ruling(), ruled(affinity=0.05)
    ruling.settled(EVEN, SLATE, TALK, where)
    tell(ruling, "c", where)

    moved = ruling.settled(EVEN, laid_out(SPECS, topic=(0, 1)), TALK, where)

    assert seated(moved) == ["a"]
    assert "answered before, but the topic moved; measured" in {seat.why for seat in moved.passed}


def test_verdicts_move_the_choices_of_their_conversation_only() -> None:
    ruling, where = Ruling(), ruled(adapt=True)
    assert TALK.session is not None
    ruling.judged(where, TALK.session, {ExpertName("a"): 0.0, ExpertName("b"): 1.0, ExpertName("c"): 0.5})

    chosen = ruling.settled(EVEN, SLATE, TALK, where)
    assert chosen.panel[0].why == "by what this conversation showed; measured"
    assert seated(chosen) == ["b"]
    assert ruling.settled(EVEN, SLATE, query(), where) is EVEN


def test_families_are_kept_to_whatever_the_other_rules_say() -> None:
    ruling, where = Ruling(), ruled(per_family=1, affinity=0.05)
    tell(ruling, "b", where)

    both = choice({"a": 0.8, "b": 0.8, "c": 0.7}, ["a", "c"])

    assert seated(ruling.settled(both, SLATE, TALK, where)) == ["b", "c"]


def test_who_joins_later_keeps_to_the_rules_too() -> None:
    ruling, where = Ruling(), ruled(per_family=1, balance=True)
    further = choice({"b": 0.8, "c": 0.7}, ["b"])

    joined = ruling.further(further, SLATE, where, [ExpertName("a")])

    assert joined is not None
    assert seated(joined) == ["c"]
    assert ruling.further(choice({"b": 0.8}, ["b"]), SLATE, where, [ExpertName("a")]) is None


def test_a_query_of_no_conversation_leaves_no_trace() -> None:
    ruling, where = Ruling(), ruled(affinity=0.05, adapt=True)
    tell(ruling, "c", where, query())

    assert session_key(query(), where) is None
    assert ruling.settled(EVEN, SLATE, TALK, where) is EVEN


def test_a_conversation_belongs_to_a_pool() -> None:
    here = ruled()

    assert session_key(TALK, here) == ("default", "k/s")
    assert session_key(TALK, replace(here, name=PoolName("other"))) == ("other", "k/s")
