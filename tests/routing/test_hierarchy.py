"""Parents of skills: what stands below a skill counts for it, and nothing stands above itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.ids import ExpertName, SkillName
from core.profiles import ExpertProfile, LiveProfile, LiveRecord, Record
from core.skills import Skill
from routing.profiles import recount, table_of
from routing.profiles.hierarchy import MOST_GENERATIONS, generations, lineages, parents_of, tops
from tests.routing.pool import profile, profile_set

A = ExpertName("a")


def skills(**parents: str | None) -> tuple[Skill, ...]:
    return tuple(
        Skill(SkillName(name), parent=None if parent is None else SkillName(parent)) for name, parent in parents.items()
    )


@st.composite
def trees(draw: st.DrawFn) -> tuple[Skill, ...]:
    """Skills of which each stands below an earlier one, or below none, in any order."""
    count = draw(st.integers(1, 12))
    above = [draw(st.none() | st.integers(0, at - 1)) if at else None for at in range(count)]
    named = skills(**{f"s{at}": None if up is None else f"s{up}" for at, up in enumerate(above)})
    tree = tuple(draw(st.permutations(named)))
    assume(max(len(line_of(skill, tree)) for skill in tree) <= MOST_GENERATIONS)
    return tree


@given(trees())
def test_a_skill_counts_what_is_its_own_and_all_below_it(tree: tuple[Skill, ...]) -> None:
    records = {skill.name: Record(at + 1, at, 1) for at, skill in enumerate(tree)}
    table = table_of(profile_set(ExpertProfile(A, records, Record()), skills=tree))

    for skill in tree:
        below = [child.name for child in tree if skill.name in line_of(child, tree)]
        assert table.wins[table.skills[skill.name], 0] == sum(records[name].wins for name in below)
        assert table.declined[table.skills[skill.name], 0] == len(below)


@given(trees())
def test_a_lineage_leads_from_the_eldest_to_the_skill_itself(tree: tuple[Skill, ...]) -> None:
    parents = parents_of(tree)
    lines = lineages(parents, np.arange(len(tree)))

    for at, depth in enumerate(generations(parents)[:-1]):
        line = lines[:, at].tolist()
        assert line[: len(line) - depth - 1] == [-1] * (len(line) - depth - 1)
        assert [tree[row].name for row in reversed(line) if row >= 0] == line_of(tree[at], tree)
        assert all(parents[child] == parent for parent, child in pairwise(line))


def line_of(skill: Skill, tree: tuple[Skill, ...]) -> list[SkillName]:
    line, parents = [skill.name], {one.name: one.parent for one in tree}
    while (above := parents[line[-1]]) is not None:
        line.append(above)
    return line


def test_parents_are_left_out_of_the_sum_that_the_paper_takes_over_skills() -> None:
    table = table_of(profile_set(profile("a", algebra=(3, 1)), skills=skills(maths=None, algebra="maths")))

    assert table.net_total[0] == 2


@pytest.mark.parametrize(
    ("parents", "says"),
    [
        ({"a": "a"}, "skills.a.parent: stands above itself: a -> a"),
        ({"a": "b", "b": "c", "c": "a"}, "skills.a.parent: stands above itself: a -> b -> c -> a"),
        ({"a": "z"}, 'skills.a.parent: "z" is no skill here'),
        ({f"s{at}": f"s{at + 1}" for at in range(MOST_GENERATIONS)} | {f"s{MOST_GENERATIONS}": None}, "generations"),
    ],
)
def test_what_is_no_hierarchy_is_refused_by_name(parents: dict[str, str | None], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        parents_of(skills(**parents))


def test_every_skill_has_one_eldest_ancestor() -> None:
    tree = skills(maths=None, algebra="maths", groups="algebra", history=None)

    assert tops(tree) == {"maths": "maths", "algebra": "maths", "groups": "maths", "history": "history"}


def test_verdicts_count_for_the_skill_and_for_all_above_it_until_they_are_taken_out() -> None:
    tree = skills(maths=None, algebra="maths", history=None)
    table = table_of(profile_set(profile("a", algebra=(3, 1), history=(1, 1)), skills=tree))
    live = {A: LiveProfile({SkillName("algebra"): LiveRecord(0.5, 2.0)}, LiveRecord(0.5, 2.0))}

    recount(table, {}, live)
    counted = table.wins[:, 0].tolist(), table.losses[:, 0].tolist(), table.overall[:, 0].tolist(), table.net_total[0]
    recount(table, live, {})

    assert counted == ([3.5, 3.5, 1.0, 0.0], [3.0, 3.0, 1.0, 0.0], [4.5, 4.0, 0.0], 0.5)
    assert table.wins[:, 0].tolist() == [3.0, 3.0, 1.0, 0.0]
