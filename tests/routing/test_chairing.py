"""The chair is who is likeliest to make one right answer of mixed thoughts, as far as that was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.experts import ExpertSpec
from core.ids import ExpertName, SkillName
from core.money import FREE
from core.profiles import ExpertProfile, ProfileSet, Record
from core.skills import Skill
from routing.chairing import aggregator_of, chance
from routing.profiles import table_of
from routing.slate import Candidate
from tests.routing.pool import Counts, pool, profile, profile_set, spec, tags

MATHS, LAW, SUMS = SkillName("maths"), SkillName("law"), SkillName("sums")
SKILLS = (Skill(MATHS), Skill(SUMS, parent=MATHS), Skill(LAW))


def apt(name: str, synthesis: Counts = (0, 0), overall: Counts = (5, 5), **aptitude: Counts) -> ExpertProfile:
    """A profile of an expert as aggregator."""
    by_skill = {SkillName(skill): Record(*counts) for skill, counts in aptitude.items()}
    return replace(profile(name, overall), synthesis=Record(*synthesis), aptitude=by_skill)


def chair(
    *measured: ExpertProfile,
    able: Sequence[ExpertSpec] | None = None,
    own: ExpertName | None = None,
    **weights: float,
) -> ExpertName | None:
    """Who takes the chair over a query of the weighed skills; every measured expert is able unless told otherwise."""
    profiles: ProfileSet = profile_set(*measured, skills=SKILLS)
    specs = [spec(one.expert) for one in measured] if able is None else able
    seated = [Candidate(one, FREE) for one in specs]
    return aggregator_of(
        pool(specs, aggregator_expert=own), seated, profiles, table_of(profiles), tags(**weights).skills
    )


def test_the_one_apt_in_the_querys_category_takes_the_chair() -> None:
    counsel = apt("counsel", (8, 8), maths=(1, 7), law=(7, 1))
    counter = apt("counter", (9, 7), maths=(7, 1), law=(2, 6))

    assert chair(counsel, counter, law=1.0) == "counsel"
    assert chair(counsel, counter, sums=1.0) == "counter"


def test_each_category_counts_by_the_weight_of_its_tags() -> None:
    counsel = apt("counsel", (8, 8), maths=(1, 7), law=(7, 1))
    counter = apt("counter", (8, 8), maths=(7, 1), law=(1, 7))

    assert chair(counsel, counter, law=0.6, sums=0.4) == "counsel"
    assert chair(counsel, counter, law=0.4, sums=0.3, maths=0.3) == "counter"


def test_one_lucky_answer_in_the_category_does_not_outweigh_a_long_record() -> None:
    lucky = apt("lucky", (6, 14), law=(1, 0))
    steady = apt("steady", (16, 4), law=(6, 2))

    assert chair(lucky, steady, law=1.0) == "steady"


def test_one_lucky_answer_at_all_does_not_outweigh_a_long_record() -> None:
    assert chair(apt("lucky", (1, 0)), apt("steady", (19, 1)), law=1.0) == "steady"


def test_a_query_of_nothing_probed_goes_by_the_whole_record() -> None:
    better, worse = apt("better", (9, 7), law=(1, 7)), apt("worse", (7, 9), law=(7, 1))

    assert chair(worse, better) == chair(worse, better, maths=1.0) == chair(worse, better, unheard_of=1.0) == "better"


def test_declining_to_write_the_answer_is_no_better_than_a_wrong_one() -> None:
    assert chair(apt("shy", (2, 0, 14)), apt("bold", (8, 8))) == "bold"


def test_equals_take_the_chair_in_the_order_of_the_pool() -> None:
    assert chair(apt("b", (3, 3), law=(2, 2)), apt("a", (3, 3), law=(2, 2)), law=0.5) == "b"


def test_who_was_never_probed_takes_no_chair_from_one_who_was() -> None:
    assert chair(apt("unknown", overall=(20, 0)), apt("known", (1, 9), overall=(1, 9))) == "known"


def test_where_nobody_was_probed_the_best_overall_that_chats_takes_the_chair() -> None:
    exact = spec("exact", abilities=frozenset({"arithmetic"}))
    measured = apt("exact", overall=(20, 0)), apt("good", overall=(15, 5)), apt("poor", overall=(5, 15))

    assert chair(*measured, able=[exact, spec("poor"), spec("good")], law=1.0) == "good"
    assert chair(*measured, able=[exact], law=1.0) is None


def test_the_pools_own_choice_takes_the_chair_when_it_may_be_called() -> None:
    best, own = apt("best", (8, 0)), apt("own", (0, 8))

    assert chair(best, own, own=own.expert) == "own"
    assert chair(best, own, able=[spec("best")], own=own.expert) == "best"


rates = st.floats(0.01, 0.99)
counts = st.tuples(st.integers(0, 40), st.integers(0, 40))
weights = st.dictionaries(st.sampled_from([MATHS, LAW]), st.floats(0.01, 1.0), max_size=2)


@given(counts, st.dictionaries(st.sampled_from(["maths", "law"]), counts), rates, weights)
def test_a_chance_lies_between_the_rates_it_is_made_of(
    synthesis: Counts, aptitude: Mapping[str, Counts], usual: float, needed: Mapping[SkillName, float]
) -> None:
    expert = apt("a", synthesis, **aptitude)
    seen = [record for record in (expert.synthesis, *expert.aptitude.values()) if record.asked]
    made_of = [usual, *(record.wins / record.asked for record in seen)]

    assert min(made_of) - 1e-9 <= chance(expert, usual, needed) <= max(made_of) + 1e-9


@given(counts, counts, rates, weights)
def test_a_right_answer_in_place_of_a_wrong_one_never_lowers_a_chance(
    synthesis: Counts, law: Counts, usual: float, needed: Mapping[SkillName, float]
) -> None:
    before = apt("a", (synthesis[0], synthesis[1] + 1), law=(law[0], law[1] + 1))
    after = apt("a", (synthesis[0] + 1, synthesis[1]), law=(law[0] + 1, law[1]))

    assert chance(after, usual, needed) >= chance(before, usual, needed) - 1e-12
