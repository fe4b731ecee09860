"""Skills that mean the same become one, under the name that was seen most; skills that do not stay apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.ids import SkillName
from core.skills import Skill
from routing.canonical import Canon, canonical, merged, spelling
from routing.embedding import LocalEmbedder
from routing.skills import Vectors, index_skills, unit

words = st.text(st.characters(categories=["Ll"], max_codepoint=127), min_size=1, max_size=8).map(SkillName)


def skill(name: str, *aliases: str, parent: str | None = None, examples: tuple[str, ...] = ()) -> Skill:
    return Skill(SkillName(name), aliases, None if parent is None else SkillName(parent), examples)


def apart(count: int) -> Vectors:
    """Directions that have nothing in common."""
    return np.eye(count, dtype=np.float32)


def by_spelling(*skills: Skill, **seen: int) -> Canon:
    return merged(skills, {SkillName(name): count for name, count in seen.items()}, apart(len(skills)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Linear Equations", "linear equation"),
        ("cafés", "cafe"),
        ("contract-law", "contract law"),
        ("histories", "history"),
        ("C++", "c++"),
    ],
)
def test_a_like_spelling_is_the_same_skill(one: str, other: str) -> None:
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(
    ("one", "other"), [("physics", "physic"), ("bus", "bu"), ("C", "C++"), ("C", "C#"), ("analysis", "analysi")]
)
def test_an_unlike_spelling_is_not(one: str, other: str) -> None:
    assert spelling(one) != spelling(other)


def test_the_name_seen_more_wins_and_the_other_becomes_an_alias() -> None:
    less, more = skill("equation", "equality", examples=("x = 1",)), skill("equations", examples=("y = 2",))

    canon = by_spelling(less, more, equation=3, equations=5)

    assert canon.skills == (skill("equations", "equation", "equality", examples=("y = 2", "x = 1")),)
    assert canon.of([SkillName("equation"), SkillName("equations"), SkillName("law")]) == ("equations", "law")


def test_names_near_in_meaning_are_merged_and_a_chain_of_small_steps_is_not() -> None:
    angles = np.radians([0, 20, 40])
    vectors = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    seen = {SkillName("a"): 3, SkillName("b"): 2, SkillName("c"): 1}

    canon = merged([skill("a"), skill("b"), skill("c")], seen, vectors, floor=0.9)

    assert canon.stands_for == {"a": "a", "b": "a", "c": "c"}


def test_parents_follow_the_merge_and_a_child_merged_with_its_parent_has_none() -> None:
    canon = by_spelling(
        skill("maths"), skill("math"), skill("algebra", parent="math"), skill("algebras", parent="algebra"), maths=2
    )

    assert {one.name: one.parent for one in canon.skills} == {"maths": None, "algebra": "maths"}


def test_a_merge_that_makes_a_skill_stand_above_itself_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="stands above itself"):
        by_spelling(skill("law"), skill("tort", parent="law"), skill("laws", parent="tort"))


@given(st.lists(words, unique=True, max_size=8), st.randoms())
def test_whatever_is_merged_every_phrase_stands_for_one_skill_and_none_is_lost(
    names: list[SkillName], order: object
) -> None:
    canon = merged([Skill(name) for name in names], {name: len(name) for name in names}, apart(len(names)))
    phrases = [phrase for one in canon.skills for phrase in (one.name, *one.aliases)]

    assert sorted(phrases) == sorted(names)
    assert set(canon.stands_for.values()) == {one.name for one in canon.skills}
    assert merged(canon.skills, {}, apart(len(canon.skills))).skills == canon.skills


async def test_other_words_for_a_skill_are_found_by_meaning(embedder: LocalEmbedder) -> None:
    seen = {SkillName("translation to french"): 2}
    skills = [skill("translation to french"), skill("french translation"), skill("translation to german")]

    canon = await canonical(skills, seen, embedder)

    assert canon.stands_for[SkillName("french translation")] == "translation to french"
    assert canon.stands_for[SkillName("translation to german")] == "translation to german"


async def test_a_parent_that_is_no_skill_becomes_one_and_is_found_through_its_children(embedder: LocalEmbedder) -> None:
    skills = [skill("algebra", parent="Mathematics", examples=("Solve x = 1.",)), skill("history")]

    canon = await canonical(skills, {}, embedder)
    index = await index_skills(canon.skills, embedder)

    assert [one.name for one in canon.skills] == ["Mathematics", "algebra", "history"]
    assert index.names == ("algebra", "history")
