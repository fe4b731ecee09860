"""The probe of who is apt to aggregate: which replies it is made of, and how what comes of it is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.experts import Catalogue
from core.ids import ExpertName, PoolName, SkillName
from core.pools import PoolSpec
from core.profiles import Outcome, ProfileSet, Record
from core.settings import Settings
from core.skills import Skill
from evals.aptitude import MOST_PER_SKILL, probes_of, synthesised
from evals.checking import Check, CheckKind
from evals.journal import Graded, Journal
from evals.profiling import measure
from evals.questions.reading import Question
from routing.canonical import Canon
from tests.agents.hall import calculator, says
from wiring.build import build_container
from wiring.configuration.values import Configuration
from wiring.container import Container

A, B, C = ExpertName("a"), ExpertName("b"), ExpertName("c")
SUMS, MATHS, LAW = SkillName("sums"), SkillName("mathematics"), SkillName("law")
CANON = Canon((Skill(LAW), Skill(MATHS), Skill(SUMS, parent=MATHS)), {})


def question(name: str = "q", *skills: SkillName) -> Question:
    """A question whose answer is 5."""
    return Question(name, f"What is 2 + 3 ({name})?", skills or (SUMS,), "mathematics", Check(CheckKind.NUMBER, "5"))


def reply(expert: ExpertName, right: float | None, text: str | None = None, name: str = "q") -> Graded:
    """An expert's graded reply; its words tell whose it is."""
    return Graded(name, expert, Outcome(right), f"{expert} said so." if text is None else text)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty journal."""
    return Journal(tmp_path / "journal.jsonl")


def fill(journal: Journal, *replies: Graded) -> None:
    for one in replies:
        journal.add(one)


def test_a_probe_is_one_right_and_two_wrong_replies(journal: Journal) -> None:
    others = [ExpertName(f"wrong-{number}") for number in range(4)]
    fill(journal, reply(A, 1.0), reply(B, 1.0), *(reply(name, 0.0) for name in others))

    (probe,) = probes_of([question()], [A, B, *others], journal, CANON)

    assert [sum(f"{name} said so." in probe.prompt for name in names) for names in ([A, B], others)] == [1, 2]
    assert probe.prompt.startswith("What is 2 + 3 (q)?")
    assert (probe.check, probe.skills) == (question().check, (MATHS,))


@pytest.mark.parametrize(
    "third", [reply(C, 1.0), reply(C, None), reply(C, 0.0, text=""), reply(C, 0.0, name="another")]
)
def test_a_question_without_two_wrong_replies_in_words_is_no_probe(journal: Journal, third: Graded) -> None:
    fill(journal, reply(A, 1.0), reply(B, 0.0), third)

    assert probes_of([question()], [A, B, C], journal, CANON) == []


def test_a_question_that_nobody_answered_right_is_no_probe(journal: Journal) -> None:
    fill(journal, *(reply(name, 0.0) for name in (A, B, C)))

    assert probes_of([question()], [A, B, C], journal, CANON) == []


def test_the_same_journal_gives_the_same_probes_whatever_else_is_asked(journal: Journal, tmp_path: Path) -> None:
    fill(journal, reply(A, 1.0), *(reply(name, 0.0) for name in (B, C, ExpertName("d"))))
    experts = [A, B, C, ExpertName("d")]

    first = probes_of([question()], experts, journal, CANON)

    assert probes_of([question()], experts, Journal(tmp_path / "journal.jsonl"), CANON) == first
    assert probes_of([question("unasked"), question()], experts, journal, CANON) == first


def test_the_right_reply_has_no_place_of_its_own(journal: Journal) -> None:
    questions = [question(f"q{number}", LAW if number % 2 else SUMS) for number in range(2 * MOST_PER_SKILL)]
    for one in questions:
        fill(journal, reply(A, 1.0, name=one.id), reply(B, 0.0, name=one.id), reply(C, 0.0, name=one.id))

    probes = probes_of(questions, [A, B, C], journal, CANON)

    places = {sorted([A, B, C], key=lambda name: probe.prompt.index(f"{name} said")).index(A) for probe in probes}
    assert places == {0, 1, 2}


def test_no_top_level_skill_is_probed_by_more_questions_than_are_enough(journal: Journal) -> None:
    kinds = [(SUMS,), (MATHS,), (LAW, SUMS), (LAW,)]
    questions = [question(f"q{number}", *kinds[number % 4]) for number in range(12 * MOST_PER_SKILL)]
    for one in questions:
        fill(journal, *(reply(name, float(name == A), name=one.id) for name in (A, B, C)))

    probes = probes_of(questions, [A, B, C], journal, CANON)

    assert [sum(top in probe.skills for probe in probes) for top in (MATHS, LAW)] == [MOST_PER_SKILL] * 2


# In mathematics 5 is right, and 6 in law.
QUESTIONS = (
    question("one"),
    Question("two", "How many judges sit?", (LAW,), "law", Check(CheckKind.NUMBER, "6")),
)
NINE = ExpertName("nine")
EXPERTS = (
    says("five", "It is 5."),
    says("six", "It is 6."),
    replace(says(NINE, "It is {system}"), system="9"),
    calculator(),
)


@pytest.fixture
async def container(postgres_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Container]:
    """A container whose pool holds three scripted experts and a calculator."""
    settings = Settings(home=tmp_path, database_url=SecretStr(postgres_url), redis_url=SecretStr(redis_url))
    pool = PoolSpec(PoolName("hall"), tuple(expert.name for expert in EXPERTS))
    catalogue = Catalogue({expert.name: expert for expert in EXPERTS})
    made = await build_container(settings, Configuration("c1", tmp_path, catalogue, {pool.name: pool}))
    yield made
    await made.aclose()


async def measured(container: Container, journal: Journal, *, probe: bool = True) -> ProfileSet:
    """What measuring the pool gives."""
    pool = container.configuration.pool("hall")
    return await measure(container, pool, QUESTIONS, journal, lambda who, done, total: None, probe=probe)


async def test_answers_made_of_mixed_replies_are_counted_by_category_and_overall(
    container: Container, journal: Journal
) -> None:
    profiles = await measured(container, journal)

    found = {name: (its.synthesis, its.aptitude) for name, its in profiles.experts.items()}
    right, wrong = Record(1, 0), Record(0, 1)
    assert found == {
        "five": (Record(1, 1), {MATHS: right, LAW: wrong}),
        "six": (Record(1, 1), {MATHS: wrong, LAW: right}),
        "nine": (Record(0, 2), {MATHS: wrong, LAW: wrong}),
        "calculator": (Record(), {}),
    }


async def test_what_an_expert_answers_as_aggregator_does_not_count_as_its_own_answer(
    container: Container, journal: Journal, tmp_path: Path
) -> None:
    probed = await measured(container, journal)
    plain = await measured(container, await asyncio.to_thread(Journal, tmp_path / "journal.jsonl"), probe=False)

    assert {
        name: replace(its, synthesis=Record(), aptitude={}) for name, its in probed.experts.items()
    } == plain.experts
    assert (plain.skills, plain.lessons) == (probed.skills, probed.lessons)


async def test_without_the_probe_nobody_is_asked_to_aggregate(container: Container, journal: Journal) -> None:
    await measured(container, journal, probe=False)

    assert {question for _, question in journal.known} == {"one", "two"}


async def test_an_interrupted_probe_goes_on_where_it_stopped(
    container: Container, journal: Journal, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    whole = await measured(container, journal)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]))

    again = await measured(container, await asyncio.to_thread(Journal, path))

    kept = path.read_bytes().splitlines(keepends=True)
    assert again.version == whole.version
    assert (kept[:-3], len(kept)) == (lines[:-3], len(lines))


async def test_an_expert_aggregates_without_its_persona(container: Container, journal: Journal) -> None:
    await measured(container, journal)

    said = {question: graded.text for (expert, question), graded in journal.known.items() if expert == NINE}
    assert (said.pop("one"), said.pop("two")) == ("It is 9", "It is 9")
    assert list(said.values()) == ["It is", "It is"]


async def test_an_expert_without_room_for_the_replies_is_counted_as_declining(
    container: Container, journal: Journal
) -> None:
    small = replace(says("small", "5"), context=20)
    fill(journal, reply(A, 1.0), reply(B, 0.0), reply(C, 0.0))
    probes = probes_of([question()], [A, B, C], journal, CANON)
    catalogue = Catalogue({small.name: small})
    settings, configuration = container.settings, Configuration("c2", container.configuration.path, catalogue, {})

    cramped = await build_container(settings, configuration)
    lessons = await synthesised(cramped, [small], probes, journal, CANON, lambda who, done, total: None)
    await cramped.aclose()

    assert [lesson.outcomes for lesson in lessons] == [{small.name: Outcome(None)}]
