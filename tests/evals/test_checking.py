"""What counts as a right answer, and what a broken question file says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from evals.checking import Check, CheckKind, check
from evals.questions.reading import load_questions

NUMBER = Check(CheckKind.NUMBER, "1234.5", ("a dozen",))
CHOICE = Check(CheckKind.CHOICE, "B", ("blue",))
TEXT = Check(CheckKind.TEXT, "went")
CONTAINS = Check(CheckKind.CONTAINS, "carbon dioxide", ("CO2",))
PATTERN = Check(CheckKind.REGEX, "ls -l", pattern=r"\bls\s+-l\b")
JSON = Check(CheckKind.JSON, '{"a": 1, "b": [true, null]}')

RIGHT = [
    (NUMBER, "1234.5"),
    (NUMBER, "It is $1,234.50."),
    (NUMBER, "2469 / 2"),
    (NUMBER, "First 10, then 20, so the total is **1,234.5** euros."),
    (NUMBER, "The answer is 1234.5, which is 50% of 2469."),
    (NUMBER, "1000 + 234.5 = 1234.5"),
    (NUMBER, "\\boxed{1234.5}"),
    (NUMBER, "About a dozen."),
    (Check(CheckKind.NUMBER, "10/3"), "10/3 ≈ 3.333333333"),
    (Check(CheckKind.NUMBER, "25"), "25%"),
    (Check(CheckKind.NUMBER, "-5"), "x = -5"),
    (CHOICE, "B"),
    (CHOICE, "b."),
    (CHOICE, "(B)"),
    (CHOICE, "**B) blue**"),
    (CHOICE, "Answer: B"),
    (CHOICE, "The correct answer is b)."),
    (CHOICE, "A sky is not red, so it must be B."),
    (CHOICE, "Option B is right, A and C are not."),
    (CHOICE, "Blue"),
    (Check(CheckKind.CHOICE, "A"), "The answer is A because the others are false."),
    (Check(CheckKind.CHOICE, "A"), "Option A is correct."),
    (TEXT, "Went."),
    (TEXT, 'The past tense of "go" is "went".'),
    (TEXT, "The past tense of go is went."),
    (TEXT, "went\n\nIt is irregular."),
    (CONTAINS, "Plants take in Carbon-Dioxide from the air."),
    (CONTAINS, "CO₂"),
    (PATTERN, "Use `ls -l` for that."),
    (JSON, '```json\n{"b": [true, null], "a": 1.0}\n```'),
]
WRONG = [
    (NUMBER, "1234"),
    (NUMBER, "12,345"),
    (NUMBER, "-1234.5"),
    (NUMBER, "I cannot say."),
    (NUMBER, "The answer is 7. It was 1234.5 before."),
    (Check(CheckKind.NUMBER, "18446744073709551616"), "18446744073709551615"),
    (CHOICE, "A"),
    (CHOICE, "A) red B) blue C) green D) white"),
    (CHOICE, "Answer: C, not B"),
    (CHOICE, "The answer is a matter of taste."),
    (CHOICE, ""),
    (TEXT, "goed"),
    (TEXT, "It may be went or gone, I am unsure which"),
    (CONTAINS, "oxygen"),
    (CONTAINS, "CO"),
    (PATTERN, "dir"),
    (JSON, '{"a": 1, "b": [1, null]}'),
    (JSON, '{"a": 1'),
]


@pytest.mark.parametrize(("wanted", "answer"), RIGHT)
def test_a_right_answer_passes_whatever_its_form(wanted: Check, answer: str) -> None:
    assert check(answer, wanted)


@pytest.mark.parametrize(("wanted", "answer"), WRONG)
def test_a_wrong_answer_fails(wanted: Check, answer: str) -> None:
    assert not check(answer, wanted)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("wanted", [NUMBER, CHOICE, TEXT, CONTAINS, PATTERN, JSON], ids=lambda wanted: wanted.kind)
@pytest.mark.parametrize("piece", ["[", "{", '{"a":', "9", "1/0 ", "1,", "answer is ", "**", '"', "A ", "x: ", "ls -"])
def test_a_long_hostile_answer_is_only_wrong(wanted: Check, piece: str) -> None:
    assert not check(piece * 20_000, wanted)


@given(st.text(max_size=80), st.sampled_from([NUMBER, CHOICE, TEXT, CONTAINS, PATTERN, JSON]))
def test_no_answer_raises(answer: str, wanted: Check) -> None:
    assert check(answer, wanted) in (True, False)


GOOD = '{"id": "q1", "question": "?", "skills": ["s"], "category": "c", "check": {"kind": "text", "gold": "x"}}'
BROKEN = [
    ("{", r"questions\.jsonl:2: .*JSON"),
    (GOOD, r"questions\.jsonl:2: id: 'q1' is taken"),
    (GOOD.replace("q1", "q2").replace('"text"', '"telepathy"'), r":2: check\.kind: "),
    (GOOD.replace("q1", "q2").replace('["s"]', "[]"), r":2: skills: "),
    (GOOD.replace("q1", "q2").replace('"category"', '"catgory"'), r":2: category: "),
    (GOOD.replace("q1", "q2").replace('"text"', '"number"'), r":2: check: .*one number"),
    (GOOD.replace("q1", "q2").replace('"text"', '"choice"'), r":2: .*options"),
    (GOOD.replace("q1", "q2").replace('"text"', '"regex"'), r":2: check: .*pattern"),
]


@pytest.mark.parametrize(("line", "message"), BROKEN)
def test_a_broken_line_is_named_with_file_line_and_key(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(f"{GOOD}\n{line}\n")

    with pytest.raises(ConfigurationError, match=message):
        load_questions(file)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe"])
def test_a_file_without_questions_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"questions\.jsonl"):
        load_questions(file)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_questions(tmp_path / "absent.jsonl")
