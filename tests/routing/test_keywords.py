"""The slow tagger: what five samples agree on, paid by the payer, and never worse than the fast tagger."""

from __future__ import annotations

import pytest

from core.budgets import Budget
from core.calls import Payer
from core.clock import ManualClock
from core.errors import Overloaded
from core.ids import ExpertName, RunId
from core.messages import Message, Role
from core.purse import Purse
from core.query import Constraints, Query
from core.skills import OUT_OF_DOMAIN
from routing.embedding import LocalEmbedder
from routing.taggers import EmbeddingTagger, KeywordTagger
from routing.taggers.keywords import SAMPLES, parsed, voted
from tests.routing.pool import AT, PROFILES, ListedGateway, query


def payer(calls: int = 10) -> Payer:
    return Payer(RunId("run"), Purse(Budget(calls=calls), ManualClock(AT)))


def tagger(gateway: ListedGateway, embedder: LocalEmbedder) -> KeywordTagger:
    return KeywordTagger(gateway, ExpertName("quick"), embedder, EmbeddingTagger(embedder))


@pytest.mark.parametrize(
    ("reply", "keywords"),
    [
        ("Keywords: Algebra, World History.", {"algebra", "world history"}),
        ("keywords: first\nNo. KEYWORDS: sums, products", {"sums", "products"}),
        ("Keywords: geometry\nand more", {"geometry", "and more"}),
        ("Keywords: the history of all known things, law", {"law"}),
        ("algebra, history", set()),
        ("Keywords:", set()),
        ("", set()),
    ],
)
def test_keywords_stand_after_the_last_label(reply: str, keywords: set[str]) -> None:
    assert parsed(reply) == keywords


def test_a_keyword_counts_when_more_than_one_sample_names_it() -> None:
    replies = ["Keywords: a, b", "Keywords: b, c", "Keywords: b, a", "Keywords: d, d", "nothing"]

    assert voted(replies) == ["b", "a"]


async def test_keywords_lead_to_the_nearest_skills(embedder: LocalEmbedder) -> None:
    gateway = ListedGateway(["Keywords: multiplication, sums"] * 3 + ["Keywords: french history"] * 2)

    tags = await tagger(gateway, embedder).tag(query("Anything at all"), PROFILES, payer())

    assert tags.source == "keywords"
    assert {tag.name for tag in tags.skills} >= {"arithmetic", "history"}
    assert [call.sampling.temperature for call in gateway.calls] == [0.7] * SAMPLES


async def test_every_sample_is_paid_from_the_purse(embedder: LocalEmbedder) -> None:
    paying = payer(calls=7)

    await tagger(ListedGateway(["Keywords: sums"] * 5), embedder).tag(query(), PROFILES, paying)

    assert paying.purse.spent.calls == SAMPLES


async def test_seeds_follow_the_querys_so_that_samples_differ_and_repeat(embedder: LocalEmbedder) -> None:
    gateway = ListedGateway(["Keywords: sums"] * 5)

    await tagger(gateway, embedder).tag(query(seed=40), PROFILES, payer())

    assert sorted(call.sampling.seed or 0 for call in gateway.calls) == [40, 41, 42, 43, 44]


async def test_with_nobody_to_pay_no_expert_is_called(embedder: LocalEmbedder) -> None:
    gateway = ListedGateway()

    tags = await tagger(gateway, embedder).tag(query(), PROFILES)

    assert gateway.calls == []
    assert tags.skills[0].name == "arithmetic"
    assert "keywords:unpaid" in tags.signals


async def test_failing_samples_fall_back_to_the_embedding(embedder: LocalEmbedder) -> None:
    tags = await tagger(ListedGateway([Overloaded("full")] * 5), embedder).tag(query(), PROFILES, payer())

    assert tags.skills[0].name == "arithmetic"
    assert "keywords:failed" in tags.signals


async def test_a_purse_that_runs_dry_keeps_the_samples_it_paid_for(embedder: LocalEmbedder) -> None:
    gateway = ListedGateway(["Keywords: sums"] * 5)

    tags = await tagger(gateway, embedder).tag(query("Odd words"), PROFILES, payer(calls=2))

    assert [tag.name for tag in tags.skills] == ["arithmetic"]


async def test_the_expert_is_shown_what_the_conversation_asks(embedder: LocalEmbedder) -> None:
    gateway = ListedGateway(["Keywords: sums"] * 5)
    turns = (Message(Role.USER, "Write a Python function."), Message(Role.ASSISTANT, "Done."))

    await tagger(gateway, embedder).tag(Query((*turns, Message(Role.USER, "Why?"))), PROFILES, payer())

    assert "Why?\nWrite a Python function." in gateway.calls[0].messages[-1].text


async def test_fallbacks_of_the_expert_keep_to_the_querys_constraints(embedder: LocalEmbedder) -> None:
    gateway, strict = ListedGateway(["Keywords: sums"] * 5), Constraints(local_only=True)

    await tagger(gateway, embedder).tag(query(constraints=strict), PROFILES, payer())

    assert {call.constraints for call in gateway.calls} == {strict}


@pytest.mark.parametrize(("keywords", "in_domain"), [("sums", True), ("boat varnish", False)])
async def test_what_the_expert_says_decides_whether_a_query_is_like_any_skill(
    embedder: LocalEmbedder, keywords: str, in_domain: bool
) -> None:
    gateway = ListedGateway([f"Keywords: {keywords}"] * 5)

    tags = await tagger(gateway, embedder).tag(query("Should I paint my boat blue?"), PROFILES, payer())

    assert tags.in_domain is in_domain
    assert tags.signals.count(OUT_OF_DOMAIN) == (not in_domain)
