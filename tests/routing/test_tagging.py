"""The fast tagger on real embeddings: obvious skills are found, odd texts do no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.ids import PoolName
from core.query import Query
from routing.embedding import LocalEmbedder
from routing.profiles import unmeasured
from routing.separation import separation
from routing.taggers import EmbeddingTagger
from routing.taggers.embedding import focus
from routing.taggers.signals import signals
from tests.routing.pool import PROFILES, profile_set, query

QUESTIONS = Path(__file__).resolve().parents[2] / "evals" / "questions" / "default.jsonl"
OBVIOUS = [
    ("What is 48 + 37?", "arithmetic"),
    ("Multiply 12 by 13.", "arithmetic"),
    ("In which year did the Roman empire fall?", "history"),
    ("When did the second world war end?", "history"),
    ("Translate 'good morning' to French", "translation"),
    ("Write a Python function that adds two lists.", "python"),
]


@pytest.fixture
def questions() -> list[tuple[str, list[str]]]:
    entries = map(json.loads, QUESTIONS.read_text(encoding="utf-8").splitlines())
    return [(entry["question"], entry["skills"]) for entry in entries]


async def test_a_pool_that_was_never_measured_can_be_warmed(embedder: LocalEmbedder) -> None:
    unknown = unmeasured(PoolName("new"), PROFILES.measured_at)

    index = await EmbeddingTagger(embedder).index(unknown)

    assert index.nearest([1.0]) == ()


@pytest.mark.parametrize(("text", "skill"), OBVIOUS)
async def test_the_obvious_skill_is_the_heaviest(embedder: LocalEmbedder, text: str, skill: str) -> None:
    tags = await EmbeddingTagger(embedder).tag(query(text), PROFILES)

    assert tags.skills[0].name == skill
    assert all(0 < tag.weight <= 1 for tag in tags.skills)


async def test_a_query_like_no_skill_gets_none(embedder: LocalEmbedder) -> None:
    tags = await EmbeddingTagger(embedder).tag(query("Should I paint my boat blue?"), PROFILES)

    assert tags.skills == ()


@pytest.mark.parametrize("text", ["", "   \n", "🙂🙂🙂", "x" * 20_000, "\ud83d", "\x00\x01", "؟" * 3000])
async def test_odd_texts_are_tagged_without_a_crash(embedder: LocalEmbedder, text: str) -> None:
    tags = await EmbeddingTagger(embedder).tag(query(text), PROFILES)

    assert tags.source == "embedding"


async def test_a_query_without_messages_has_no_skills(embedder: LocalEmbedder) -> None:
    tags = await EmbeddingTagger(embedder).tag(Query(()), PROFILES)

    assert tags.skills == ()


async def test_profiles_without_skills_tag_nothing(embedder: LocalEmbedder) -> None:
    tags = await EmbeddingTagger(embedder).tag(query(), profile_set())

    assert tags.skills == ()


async def test_the_question_is_found_at_either_end_of_a_long_text(embedder: LocalEmbedder) -> None:
    filler = "The boat lay in the harbour and nobody spoke of it. " * 300
    tagger = EmbeddingTagger(embedder)
    before = await tagger.tag(query("Translate this text to French: " + filler), PROFILES)
    after = await tagger.tag(query(filler + " Translate this text to French."), PROFILES)

    assert len(focus(filler)) < 500
    assert before.skills[0].name == after.skills[0].name == "translation"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def add(a, b):\n    return a + b", ("code",)),
        ("What is 17.5% of 2340?", ("maths",)),
        ("Quelle est la capitale de la France et que faire dans une ville pour manger ?", ("language:fr",)),
        ("東京はどこですか", ("language:ja",)),
        ("Who was Ada Lovelace?", ()),
        ("river " * 400, ("long",)),
        ("", ()),
    ],
)
def test_signals_name_what_is_plain_to_see(text: str, found: tuple[str, ...]) -> None:
    assert signals(text) == found


async def test_the_skills_of_the_shipped_questions_are_told_apart(
    embedder: LocalEmbedder, questions: list[tuple[str, list[str]]]
) -> None:
    found = await separation(embedder, questions)

    assert found.top1 >= 0.85
    assert found.top3 >= 0.95
    assert found.unrecognised <= 0.1
