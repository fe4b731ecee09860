"""Recorded experts: what was once said is said again, at what it then took."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.budgets import Spend
from core.errors import ConfigurationError
from core.experts import Kind
from core.money import Micros
from experts.recorded import RecordedTransport
from experts.recording import lettered, normalised, read_pool
from tests.experts.room import call, gateway, spec

SHARED = Path(os.path.abspath(__file__)).parents[3] / "shared" / "data"
ITEMS: list[dict[str, Any]] = [
    {
        "id": "1",
        "query": "Which is  a fruit?",
        "options": ["apple", "anvil"],
        "gold": "A",
        "outcomes": {
            "big": {"answer": "A", "correct": 1, "in_tokens": 100, "out_tokens": 20.0, "cost_usd": 0.00014},
            "small": {"answer": None, "correct": 0},
        },
    },
    {"id": "2", "query": "Say it twice", "outcomes": {"big": {"answer": "x", "correct": 0}}},
    {"id": "3", "query": "Say it twice", "outcomes": {"big": {"answer": "y", "correct": 0}}},
    {"id": "4", "query": "Explain", "outcomes": {"big": {"answer": "z", "correct": 1, "in_tokens": 10}}},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small recorded pool."""
    about = {"name": "small", "models": {"big": {"usd_per_1m_in": 1.0, "usd_per_1m_out": 2}, "small": {}}}
    (tmp_path / "pool.json").write_bytes(orjson.dumps(about))
    with gzip.open(tmp_path / "items.jsonl.gz", "wb") as lines:
        lines.write(b"\n".join(orjson.dumps(item) for item in ITEMS))
    with gzip.open(tmp_path / "texts.jsonl.gz", "wb") as lines:
        lines.write(orjson.dumps({"id": "4", "model": "big", "text": "Because. z"}))
    return tmp_path


def recorded(folder: Path, model: str = "big") -> Any:
    return spec("it", Kind.RECORDED, model, options={"pool": folder})


@pytest.mark.parametrize("text", ["Which is a fruit?", " Which is a\nfruit? ", "Which is a fruit?\nA. apple\nB. anvil"])
async def test_a_known_question_is_answered_as_recorded_at_what_it_took(folder: Path, text: str) -> None:
    paying = call("it", text)
    door = gateway({Kind.RECORDED: RecordedTransport()}, recorded(folder))

    reply = await door.complete(paying)

    assert (reply.text, reply.usage.input_tokens, reply.usage.output_tokens) == ("A", 100, 20)
    assert paying.purse.spent == Spend(Micros(140), 120, 1)


async def test_the_whole_output_is_given_where_it_was_kept(folder: Path) -> None:
    reply = await gateway({Kind.RECORDED: RecordedTransport()}, recorded(folder)).complete(call("it", "Explain"))

    assert reply.text == "Because. z"


@pytest.mark.parametrize("text", ["Something else", "Say it twice"])
async def test_an_unknown_or_ambiguous_question_is_declined_for_nothing(folder: Path, text: str) -> None:
    paying = call("it", text)

    reply = await gateway({Kind.RECORDED: RecordedTransport()}, recorded(folder)).complete(paying)

    assert reply.declined == "the question is not in the recording"
    assert paying.purse.spent == Spend(calls=1)


async def test_an_answer_that_was_never_parsed_is_declined(folder: Path) -> None:
    door = gateway({Kind.RECORDED: RecordedTransport()}, recorded(folder, "small"))

    reply = await door.complete(call("it", "Which is a fruit?"))

    assert reply.declined == "the recording holds no answer to it"


async def test_a_folder_that_is_no_pool_is_named(tmp_path: Path) -> None:
    door = gateway({Kind.RECORDED: RecordedTransport()}, recorded(tmp_path))

    with pytest.raises(ConfigurationError, match=r"pool\.json"):
        await door.complete(call("it"))


def test_a_broken_file_is_an_error_of_configuration(folder: Path) -> None:
    (folder / "items.jsonl.gz").write_bytes(b"not gzip")

    with pytest.raises(ConfigurationError):
        read_pool(folder)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded pools are not here")
def test_a_real_recording_is_read_and_found_again() -> None:
    pool = read_pool(SHARED / "routellm-gsm8k")

    item = pool.items[0]
    assert pool.find(lettered(item.query, item.options)) is item
    assert pool.text_of(item, "gpt-4-1106-preview")
    assert pool.prices["gpt-4-1106-preview"].output_per_million == 30_000_000
