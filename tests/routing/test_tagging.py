"""The fast tagger on real embeddings: obvious skills are found, odd texts do no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.ids import PoolName
from core.messages import Message, Role
from core.query import Query
from core.skills import OUT_OF_DOMAIN
from routing.embedding import LocalEmbedder
from routing.profiles import unmeasured
from routing.separation import separation
from routing.taggers import EmbeddingTagger
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

    assert before.skills[0].name == after.skills[0].name == "translation"


async def test_a_question_that_leans_on_another_has_the_skills_of_that_one(embedder: LocalEmbedder) -> None:
    turns = (Message(Role.USER, "When did the second world war end?"), Message(Role.ASSISTANT, "In 1945."))

    leaning = await EmbeddingTagger(embedder).tag(Query((*turns, Message(Role.USER, "And why?"))), PROFILES)
    moved = await EmbeddingTagger(embedder).tag(Query((*turns, Message(Role.USER, "What is 48 + 37?"))), PROFILES)

    assert leaning.skills[0].name == "history"
    assert moved.skills[0].name == "arithmetic"


async def test_a_query_like_no_skill_says_so_and_one_that_cannot_be_compared_does_not(embedder: LocalEmbedder) -> None:
    tagger = EmbeddingTagger(embedder)
    strange = await tagger.tag(query("Should I paint my boat blue?"), PROFILES)
    others = [await tagger.tag(one, where) for one, where in ((query(""), PROFILES), (query(), profile_set()))]

    assert not strange.in_domain
    assert OUT_OF_DOMAIN in strange.signals
    assert all(tags.in_domain and not tags.skills for tags in others)


async def test_a_higher_floor_of_the_profile_is_kept_to(embedder: LocalEmbedder) -> None:
    tagger = EmbeddingTagger(embedder)
    near = await tagger.tag(query("What is 48 + 37?"), PROFILES)
    index = await tagger.index(PROFILES)
    strict = EmbeddingTagger(embedder, floor=near.skills[0].weight + 0.01)

    assert near.skills[0].weight >= index.floor
    assert not (await strict.tag(query("What is 48 + 37?"), PROFILES)).in_domain


async def test_the_skills_of_the_shipped_questions_are_told_apart(
    embedder: LocalEmbedder, questions: list[tuple[str, list[str]]]
) -> None:
    found = await separation(embedder, questions)

    assert found.top1 >= 0.85
    assert found.top3 >= 0.95
    assert found.unrecognised <= 0.1
