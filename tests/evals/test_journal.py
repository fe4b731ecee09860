"""The journal of a measurement survives its process, however that ended."""

from __future__ import annotations

from pathlib import Path

from core.ids import ExpertName, SkillName
from evals.profiling import Graded, Journal
from routing.profiles import Outcome


def graded(question: str) -> Graded:
    """An expert's outcome on a question."""
    skills = (SkillName("sums"),)
    return Graded(
        question,
        Outcome(ExpertName("one"), skills, correct=True, input_tokens=3, output_tokens=5, latency_s=0.25),
    )


def test_what_was_kept_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "profiles" / "journal.jsonl"

    Journal(path).add(graded("q1"))

    assert Journal(path).known == {(ExpertName("one"), "q1"): graded("q1")}


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
