"""The answers of a batch survive what ends the command, and nothing that is not ours is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.batch_files import AnswerFile, read_lines
from core.clock import SystemClock
from core.errors import InvalidRequest


def answer(custom_id: str, status: int = 200) -> bytes:
    """An output line with an answer, or with a refusal."""
    response = {"status_code": status, "request_id": "r", "body": {}}
    return (
        json.dumps({"id": "batch_req_r", "custom_id": custom_id, "response": response, "error": None}).encode() + b"\n"
    )


BAD = b'{"id": "batch_req_r", "custom_id": null, "response": null, "error": {"code": "c", "message": "m"}}\n'


def test_what_was_answered_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.jsonl"
    with AnswerFile(path, SystemClock()) as answers:
        answers.append(answer("a"))
        answers.append(answer("b"))

    with AnswerFile(path, SystemClock()) as answers:
        assert answers.answered == {"a", "b"}

    assert path.read_bytes() == answer("a") + answer("b")


@pytest.mark.parametrize("torn", [answer("c")[:-1], answer("c")[:9], b"{"])
def test_a_torn_last_line_is_dropped_and_the_rest_goes_on(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(answer("a") + torn)

    with AnswerFile(path, SystemClock()) as answers:
        known = answers.answered
        answers.append(answer("d"))

    assert known == {"a"}
    assert path.read_bytes() == answer("a") + answer("d")


def test_lines_without_an_answer_are_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(BAD + answer("a") + answer("b", 502))

    with AnswerFile(path, SystemClock()) as answers:
        assert answers.answered == {"a"}

    assert path.read_bytes() == answer("a")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", [b"my notes\n", b'{"custom_id": "a"}\n', b"[1]\n", answer("a") + b'{"response": 5}\n'])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "notes"
    path.write_bytes(text)

    with pytest.raises(InvalidRequest, match="not the output of a batch"):
        AnswerFile(path, SystemClock())

    assert path.read_bytes() == text


def test_lines_keep_the_numbers_an_editor_shows(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"a": 1}\n\n  \r\n{"b": 2}')

    assert read_lines(path) == [(1, b'{"a": 1}'), (4, b'{"b": 2}')]


@pytest.mark.parametrize("text", [b"", b"\n\n", b"a,b\n1,2\n", b"[1, 2]\n"])
def test_a_file_without_objects_is_no_batch_file(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(text)

    with pytest.raises(InvalidRequest, match="not a batch file"):
        read_lines(path)
