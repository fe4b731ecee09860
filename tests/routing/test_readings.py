"""Readings: what a query says becomes rows that can be taken, padded and read one by one alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Message, Role, ToolSpec
from core.query import Query
from routing.clues import CLUES, OPTION_CLUES, option_clues
from routing.readings import Asking, Readings, asking_of, nothing_read, read, readings_of
from tests.routing.meanings import WordEmbedder

OPEN = Asking("What is 17 * 23?")
THREE = Asking("Which is the largest?", ("1", "20", "300"))
TWO = Asking("Is water wet?", ("yes", "no"))
ASKINGS = st.lists(st.builds(Asking, st.text(), st.lists(st.text(), max_size=6).map(tuple), st.just(())), max_size=8)


def side_by_side(askings: list[Asking]) -> Readings:
    return readings_of(
        askings, [np.eye(4, dtype=np.float32)[at % 4] for at in range(len(askings))], [0.0] * len(askings)
    )


@given(ASKINGS)
def test_any_queries_become_rows_of_finite_numbers(askings: list[Asking]) -> None:
    found = side_by_side(askings)

    most = max((len(asking.options) for asking in askings), default=0)
    assert len(found) == len(askings)
    assert found.clues.shape == (len(askings), len(CLUES))
    assert found.options.shape == (len(askings), most, len(OPTION_CLUES))
    assert np.isfinite(found.clues).all()
    assert np.isfinite(found.options).all()


def test_options_are_padded_with_noughts_to_the_most_offered() -> None:
    found = side_by_side([OPEN, THREE, TWO])

    assert found.choices.tolist() == [0, 3, 2]
    assert not found.options[0].any()
    assert not found.options[2, 2:].any()
    assert found.options[1] == pytest.approx(option_clues(THREE.options))


def test_what_is_read_side_by_side_is_what_is_read_alone() -> None:
    together, alone = side_by_side([OPEN, THREE, TWO]).take(np.array([2])), side_by_side([TWO])

    assert together.clues == pytest.approx(alone.clues)
    assert together.options[:, :2] == pytest.approx(alone.options)


@pytest.mark.parametrize("rows", [np.array([2, 0]), np.array([True, False, True]), slice(1, 3), slice(0, 0)])
def test_taking_some_rows_takes_them_of_everything(rows: slice) -> None:
    found = side_by_side([OPEN, THREE, TWO])
    taken = found.take(rows)

    assert taken.choices.tolist() == found.choices[rows].tolist()
    for name in ("vectors", "clues", "options"):
        assert np.array_equal(getattr(taken, name), getattr(found, name)[rows])


async def test_each_stem_and_each_distinct_tool_is_embedded_once() -> None:
    embedder = WordEmbedder()
    weather, light = "weather: tells the weather", "light: turns on the light"
    askings = [Asking("turn on the light", (), (weather, light)), Asking("the weather", (), (weather,)), OPEN, OPEN]

    found = await read(askings, embedder)

    assert sorted(embedder.asked) == sorted({weather, light, OPEN.stem, "turn on the light", "the weather"})
    assert np.array_equal(found.vectors[2], found.vectors[3])


async def test_the_nearest_tool_is_told_and_without_tools_nothing_is_near() -> None:
    tools = ("weather: tells the weather", "turn on the light")
    found = await read([Asking("turn on the light", (), tools), OPEN], WordEmbedder())

    assert found.clues[:, CLUES.index("nearness of the nearest tool")] == pytest.approx([1.0, 0.0], abs=1e-6)


async def test_no_queries_are_read_as_no_rows() -> None:
    assert len(await read([], WordEmbedder())) == 0


def test_a_query_is_its_newest_question_and_its_tools() -> None:
    messages = (Message(Role.USER, "Hello"), Message(Role.USER, "Which?\nA. one\nB. two"))
    query = Query(messages, tools=(ToolSpec("light", "Turns on the light"),))

    assert asking_of(query) == Asking("Which?", ("one", "two"), ("light: Turns on the light",))


def test_nothing_read_is_one_open_question_without_a_meaning() -> None:
    found = nothing_read()

    assert (len(found), found.choices.tolist(), found.vectors.shape) == (1, [0], (1, 0))
    assert not found.clues.any()
