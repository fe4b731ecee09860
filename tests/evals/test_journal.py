"""The journal of a measurement survives its process, however that ended."""

from __future__ import annotations

from pathlib import Path

from core.ids import ExpertName, SkillName
from core.money import Micros
from core.profiles import Lesson, Outcome
from evals.checking import Check, CheckKind
from evals.journal import Graded, Journal, lessons_of
from evals.profiling import skills_of
from evals.questions.reading import Question
from routing.canonical import Canon

ONE, OTHER, SUMS = ExpertName("one"), ExpertName("other"), SkillName("sums")


def graded(question: str, expert: ExpertName = ONE) -> Graded:
    """An expert's outcome on a question."""
    outcome = Outcome(1.0, "5", input_tokens=3, output_tokens=5, cost=Micros(7), latency_s=0.25)
    return Graded(question, expert, outcome, "It is 5.")


def question(name: str, category: str = "mathematics", skill: SkillName = SUMS) -> Question:
    """A question of one skill."""
    return Question(name, "What is 2 + 3?", (skill,), category, Check(CheckKind.NUMBER, "5"))


def test_what_was_kept_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "profiles" / "journal.jsonl"

    Journal(path).add(graded("q1"))

    assert Journal(path).known == {(ONE, "q1"): graded("q1")}


def test_a_torn_last_line_is_dropped_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = Journal(path)
    whole.add(graded("q1"))
    whole.add(graded("q2"))
    path.write_bytes(path.read_bytes()[:-20])

    after = Journal(path)
    known = [question for _, question in after.known]
    after.add(graded("q3"))

    assert known == ["q1"]
    assert [question for _, question in Journal(path).known] == ["q1", "q3"]


def test_lines_from_before_answers_and_costs_were_kept_are_read_without_them(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(
        '{"question": "q1", "expert": "one", "skills": ["sums"], "correct": true, "input_tokens": 3,'
        ' "output_tokens": 5, "latency_s": 0.25}\n',
        encoding="utf-8",
    )

    (kept,) = Journal(path).known.values()

    assert kept == Graded("q1", ONE, Outcome(1.0, None, 3, 5, latency_s=0.25))


def test_lessons_are_the_prompts_with_what_every_expert_made_of_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for one in (graded("q2"), graded("q1"), graded("q1", OTHER)):
        journal.add(one)
    canon = Canon((), {SUMS: SkillName("arithmetic")})

    lessons = lessons_of([question("q1"), question("q2"), question("q3")], (ONE, OTHER), journal, canon)

    asked, skills, outcome = "What is 2 + 3?", (SkillName("arithmetic"),), graded("q1").outcome
    assert lessons == [Lesson(asked, skills, {ONE: outcome, OTHER: outcome}), Lesson(asked, skills, {ONE: outcome})]


def test_the_category_of_all_its_questions_is_a_skills_parent() -> None:
    logic, history = SkillName("logic"), SkillName("history")
    skills = skills_of(
        [
            *(question("a"), question("b")),
            *(question("c", skill=logic), question("d", "reasoning", logic)),
            question("e", "history", history),
        ]
    )

    assert {skill.name: skill.parent for skill in skills} == {SUMS: "mathematics", logic: None, history: None}
