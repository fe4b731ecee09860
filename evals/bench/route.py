"""`bench route`: what one decision costs, on the default pool with real embeddings and on a very large one."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Callable

import numpy as np

from core.calls import Call, Deadlines
from core.clock import SystemClock
from core.errors import InternalError
from core.experts import ExpertSpec, Kind
from core.ids import ExpertName, SkillName, UlidSource
from core.messages import Message, Piece, Role
from core.money import FREE
from core.pools import PoolSpec
from core.profiles import ExpertProfile, ProfileSet, Record
from core.query import Query
from core.runs import UsageRecord
from core.skills import Skill, SkillTag
from evals.bench.rivals import semantic_router_s
from evals.questions.reading import HELD_OUT, load_questions
from evals.reports import Figure, Report, median, percentile
from experts.gateway import ExpertGateway
from routing.clues import CLUES, OPTION_CLUES
from routing.consulting import Consultation, School
from routing.deciding import RoutingService
from routing.embedding import LocalEmbedder
from routing.profiles import load_profiles, table_of
from routing.readings import Readings, nothing_read
from routing.recruiters.symbolic import draw, probabilities_of
from routing.replies import REPLY_CLUES
from routing.schooling import unschooled
from routing.slate import Candidate, slate_of
from routing.teaching import untrusting
from routing.voting import HEARD_CLUES, nothing_heard, untaught
from wiring.configuration.loading import PACKAGED, load_configuration
from wiring.stores import SHIPPED_PROFILES
from wiring.tools import screens_of

_EXPERTS = 1_000
_SKILLS = 10_000
_QUERIES, _VOICES = 5_000, 10
_MILLION = 1_000_000
_MATCHED = 5
_REPEATS = 500

Say = Callable[[str], None]


async def bench_route(say: Say) -> Report:
    """Return the report; queries are the held-out questions, each asked once, so that no embedding is remembered."""
    say("deciding over the default pool")
    decisions, embeddings, others = await _decisions()
    say(f"the symbolic part over {_EXPERTS:,} experts and {_SKILLS:,} skills")
    laid_out, drawn, weighed, megabytes = _large()
    say(f"replaying consultations of {_VOICES} experts")
    replayed = _replayed()
    p50 = percentile(decisions, 0.5) * 1000
    figures = (
        Figure("one decision, tag and recruit, p50", round(p50, 3), "ms", "< 5"),
        Figure("one decision, tag and recruit, p99", round(percentile(decisions, 0.99) * 1000, 3), "ms"),
        Figure(
            "a decision against its embedding alone",
            round(p50 / (percentile(embeddings, 0.5) * 1000), 3),
            "of the embedding's time",
            reference="embedding of the same queries",
        ),
        *_beside(decisions, others),
        Figure("the symbolic part: weights and draw, p50", round(median(drawn) * 1e6, 1), "us", "< 200"),
        Figure("the same with the candidates laid out first, p50", round(median(laid_out) * 1e6, 1), "us", "< 200"),
        Figure("the default's weighing of the same, p50", round(median(weighed) * 1e6, 1), "us", "< 300"),
        Figure("memory of the profile, laid out", round(megabytes, 1), "MB", "< 200"),
        Figure("a million replayed consultations, one core", round(replayed, 1), "s", "< 120"),
    )
    return Report("route", figures, notes=(f"{len(decisions)} decisions; {_REPEATS} symbolic draws",))


def default_routing() -> tuple[RoutingService, PoolSpec, LocalEmbedder]:
    """Return routing over the default pool and its shipped profile, where nothing can be called; and its embedder."""
    configuration = load_configuration(PACKAGED, {})
    profiles = load_profiles(SHIPPED_PROFILES)
    clock, embedder = SystemClock(), LocalEmbedder()
    service = RoutingService(
        catalogue=configuration.catalogue,
        profiles=lambda _: profiles,
        embedder=embedder,
        gateway=ExpertGateway(
            configuration.catalogue, {kind: _NeverCalled() for kind in Kind}, _NothingUsed(), clock, random.Random(1)
        ),
        clock=clock,
        ids=UlidSource(clock),
        rng=random.Random(1),
        config_version=configuration.version,
        screens=screens_of(configuration.catalogue),
    )
    return service, configuration.pool("default"), embedder


def _beside(ours: list[float], others: list[float]) -> tuple[Figure, ...]:
    if not others:
        return ()
    ratio = round(median(ours) / median(others), 3)
    return (Figure("a decision against semantic-router's", ratio, "of its time", reference="the same encoder"),)


async def _decisions() -> tuple[list[float], list[float], list[float]]:
    """Return the seconds of our decisions, of their embeddings alone, and of semantic-router's where it is there."""
    service, pool, embedder = default_routing()
    await service.warm(pool)
    # Questions the profile was not measured on: those it was are embedded already, as examples of their skills.
    texts = [question.question for question in load_questions(HELD_OUT)]
    embeddings = []
    for text in texts:
        started = time.perf_counter()
        # The same question as another text, so that the decision below finds nothing remembered.
        await embedder.embed([text + " "])
        embeddings.append(time.perf_counter() - started)
    others = await semantic_router_s(load_profiles(SHIPPED_PROFILES).skills, embedder, [text + "  " for text in texts])
    decisions = []
    for text in texts:
        started = time.perf_counter()
        await service.decide(Query((Message(Role.USER, text),)), pool)
        decisions.append(time.perf_counter() - started)
    return decisions, embeddings, others


class _NeverCalled:
    """A transport of experts that are decided about, but not called."""

    def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        raise InternalError(f"routing called {expert.name}, {call.run_id}, {deadlines.total}")


class _NothingUsed:
    """A usage log of a gateway through which nothing is called."""

    def record(self, line: UsageRecord) -> None:
        raise InternalError(f"routing used {line.expert}")

    async def flush(self) -> None:
        return


def _large() -> tuple[list[float], list[float], list[float], float]:
    rng = random.Random(2)
    names = [ExpertName(f"expert-{number}") for number in range(_EXPERTS)]
    skills = [SkillName(f"skill {number}") for number in range(_SKILLS)]
    profiles = ProfileSet(
        version="made-up",
        pool="large",
        questions_id="",
        measured_at=SystemClock().now(),
        skills=tuple(Skill(name) for name in skills),
        experts={name: _profile(name, skills, rng) for name in names},
    )
    table = table_of(profiles)
    megabytes = sum(array.nbytes for array in (table.wins, table.losses, table.declined)) / 1e6
    candidates = tuple(Candidate(_expert(name), FREE) for name in names)
    laid_out, drawn, weighed = [], [], []
    for _ in range(_REPEATS):
        tags = [SkillTag(rng.choice(skills), 0.5) for _ in range(_MATCHED)]
        started = time.perf_counter()
        slate = slate_of(candidates, tags, table, k=3, stop_at=1.0)
        ready = time.perf_counter()
        draw(probabilities_of(slate), 3, rng)
        done = time.perf_counter()
        laid_out.append(done - started)
        drawn.append(done - ready)
        quality, school = unschooled(slate)
        allowed = np.ones((1, _EXPERTS), bool)
        consultation = Consultation(school, nothing_read(), quality[None], slate.prices[None], allowed, slate.thrift)
        consultation.worth(nothing_heard(1, _EXPERTS))
        weighed.append(time.perf_counter() - done)
    return laid_out, drawn, weighed, megabytes


def _replayed() -> float:
    """Return the seconds a million whole consultations take: asked, heard and weighed until enough was heard."""
    rng = np.random.default_rng(3)
    quality = rng.uniform(0.3, 0.8, (_QUERIES, _VOICES))
    school = School(untaught(_VOICES), untrusting(_VOICES), np.full((_VOICES, len(REPLY_CLUES)), np.nan), True)
    readings = Readings(
        np.zeros((_QUERIES, 0), np.float32),
        np.zeros((_QUERIES, len(CLUES))),
        np.zeros((_QUERIES, 4, len(OPTION_CLUES))),
        np.full(_QUERIES, 4, np.intp),
    )
    said = np.where(rng.random(quality.shape) < quality, 0, rng.integers(1, 4, quality.shape))
    table = Consultation(school, readings, quality, np.ones(quality.shape), np.ones(quality.shape, bool), 0.02)
    started = time.perf_counter()
    hearing, going = nothing_heard(*quality.shape), np.ones(_QUERIES, bool)
    for called in range(5):
        worth = table.worth(hearing)
        if called:
            going &= (table.standing(hearing).belief < 0.9) & (worth.max(axis=1) > 0)
        rows = np.flatnonzero(going)
        columns = worth[rows].argmax(axis=1)
        hearing = hearing.plus(rows, columns, said[rows, columns], np.zeros((len(rows), HEARD_CLUES)))
    return (time.perf_counter() - started) * _MILLION / _QUERIES


def _profile(name: ExpertName, skills: list[SkillName], rng: random.Random) -> ExpertProfile:
    known = rng.sample(skills, 200)
    records = {skill: Record(rng.randrange(10), rng.randrange(10)) for skill in known}
    return ExpertProfile(name, records, Record(sum(r.wins for r in records.values()), 900))


def _expert(name: ExpertName) -> ExpertSpec:
    return ExpertSpec(name, Kind.SCRIPTED, "echo")
