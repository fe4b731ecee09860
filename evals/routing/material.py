"""A recorded pool made ready to route over: lessons, candidates with prices, and the splits to learn and to test on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.experts import ExpertSpec, Kind
from core.ids import ExpertName
from core.ports import Embedder
from experts.families import family_of
from experts.recording.values import Outcome, RecordedItem, RecordedPool
from routing.lessons import Lessons
from routing.readings import Asking, Numbers, Places, Readings, read
from routing.replies import reply_clues

_CHARACTERS_PER_TOKEN: Final = 4
_EMBEDDED_AT_ONCE: Final = 128
_MICROS: Final = 1_000_000

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Material:
    """A sub-pool of a recording: its experts' lessons over every question.

    `unit` is what lessons' prices count: `usd`, or `tokens` where nothing has a price. `tokens` [questions, experts]
    are those of question and reply. `topics` name the numbers of the lessons' topics; `splits` is each item's own.
    `estimated` is the share of prices that were not recorded and had to be put in.
    """

    name: str
    lessons: Lessons
    specs: tuple[ExpertSpec, ...]
    sizes: Numbers
    tokens: Numbers
    topics: tuple[str, ...]
    splits: tuple[str, ...]
    unit: str
    estimated: float
    weak: int | None = None
    strong: int | None = None


async def read_questions(pool: RecordedPool, embedder: Embedder, say: Say) -> Readings:
    """Return the readings of all the pool's questions, telling how far it is."""
    askings = [asking_of(item) for item in pool.items]
    parts = []
    for start in range(0, len(askings), _EMBEDDED_AT_ONCE):
        say(f"reading questions of {pool.name}: {start:,} of {len(askings):,}")
        parts.append(await read(askings[start : start + _EMBEDDED_AT_ONCE], embedder))
    return joined(parts)


def asking_of(item: RecordedItem) -> Asking:
    """Return what an item asks; its category is kept out, as nobody tells a service the category."""
    tools = tuple(f"{tool.get('name', '')}: {tool.get('description', '')}" for tool in item.tools)
    return Asking(item.query, item.options, tools)


def joined(parts: Sequence[Readings]) -> Readings:
    """Return readings one after another; options are padded to the most that any of them offers."""
    most = max(part.options.shape[1] for part in parts)
    padded = [np.pad(part.options, ((0, 0), (0, most - part.options.shape[1]), (0, 0))) for part in parts]
    return Readings(
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.clues for part in parts]),
        np.concatenate(padded),
        np.concatenate([part.choices for part in parts]),
    )


def materials(pool: RecordedPool, readings: Readings, wanted: Sequence[str] = ()) -> list[Material]:
    """Return the material of the wanted sub-pools; of all of them, or of the whole pool where it has none."""
    named = dict(pool.subpools) or {"all": tuple(pool.models)}
    if "all" in wanted:
        named["all"] = tuple(pool.models)
    return [
        _material(pool, readings, name, tuple(models)) for name, models in named.items() if not wanted or name in wanted
    ]


def blind(material: Material) -> Material:
    """Return the material with nothing known of how the offered options look."""
    readings = material.lessons.readings
    unseen = replace(readings, options=np.zeros_like(readings.options))
    return replace(material, lessons=replace(material.lessons, readings=unseen))


def _material(pool: RecordedPool, readings: Readings, name: str, models: tuple[str, ...]) -> Material:
    spent = _spent(pool, models)
    shape = (len(pool.items), len(models))
    right = np.full(shape, np.nan)
    words = np.full(shape, np.nan)
    said = np.full(shape, -1, np.intp)
    replies = np.full((*shape, len(reply_clues(None, ""))), np.nan)
    truth = np.full(len(pool.items), -1, np.intp)
    for row, item in enumerate(pool.items):
        numbers: dict[str, int] = {}
        for column, model in enumerate(models):
            outcome = item.outcomes.get(model)
            if outcome is None:
                continue
            text = pool.texts.get((item.id, model)) or outcome.text
            right[row, column] = outcome.correct
            said[row, column] = _answer(item, outcome, numbers)
            words[row, column] = _words(outcome, text)
            replies[row, column] = reply_clues(text, item.query)
        truth[row] = _truth(item, right[row], said[row])
    topics = tuple(sorted({item.category for item in pool.items if item.category}))
    places = {topic: at for at, topic in enumerate(topics)}
    lessons = Lessons(
        experts=tuple(map(ExpertName, models)),
        families=tuple(map(family_of, models)),
        readings=readings,
        right=right,
        said=said,
        price=spent.prices,
        words=words,
        replies=replies,
        truth=truth,
        topics=np.array([places.get(item.category, -1) for item in pool.items], np.intp),
    )
    found = {model: at for at, model in enumerate(models)}
    return Material(
        name=name,
        lessons=lessons,
        specs=tuple(ExpertSpec(ExpertName(model), Kind.RECORDED, model, family=family_of(model)) for model in models),
        sizes=np.array([pool.models[model].params_b or np.nan for model in models], np.float64),
        tokens=spent.tokens,
        topics=topics,
        splits=tuple(item.split for item in pool.items),
        unit=spent.unit,
        estimated=spent.estimated,
        weak=found.get(pool.weak or ""),
        strong=found.get(pool.strong or ""),
    )


@dataclass(frozen=True, slots=True)
class _Spent:
    prices: Numbers
    tokens: Numbers
    unit: str
    estimated: float


def _spent(pool: RecordedPool, models: Sequence[str]) -> _Spent:
    """Return what every call took: as recorded, else by tokens and price, else what is usual for such a call."""
    shape = (len(pool.items), len(models))
    asked, spoken, price = (np.full(shape, np.nan) for _ in range(3))
    known = np.zeros(shape, bool)
    for row, item in enumerate(pool.items):
        for column, model in enumerate(models):
            outcome = item.outcomes.get(model)
            if outcome is None:
                continue
            known[row, column] = True
            text = pool.texts.get((item.id, model)) or outcome.text
            asked[row, column] = _or_nan(outcome.in_tokens)
            spoken[row, column] = _words(outcome, text)
            price[row, column] = _or_nan(outcome.micros)
        seen = ~np.isnan(asked[row])
        length = np.median(asked[row][seen]) if seen.any() else _length(item)
        asked[row] = np.where(known[row] & ~seen, length, asked[row])
    tokens = asked + spoken
    listed = [pool.models[model].price for model in models]
    for column, its in enumerate(listed):
        if its is not None:
            rate = asked[:, column] * its.input_per_million + spoken[:, column] * its.output_per_million
            price[:, column] = np.where(np.isnan(price[:, column]), rate / _MICROS, price[:, column])
    recorded = ~np.isnan(tokens)
    filled = np.where(known, _filled(tokens), np.nan)
    if all(its is None for its in listed):
        return _Spent(filled, filled, "tokens", float((known & ~recorded).sum() / max(1, known.sum())))
    estimated = float((known & np.isnan(price)).sum() / max(1, known.sum()))
    return _Spent(np.where(known, _filled(price), np.nan), filled, "usd", estimated)


def _filled(values: Numbers) -> Numbers:
    """Put in what is missing: the expert's usual, else what the others took for the same question, else 1."""
    known = ~np.isnan(values)
    usual, across = _medians(values.T), _medians(values)
    filled = np.where(known, values, np.where(np.isnan(usual)[None], across[:, None], usual[None]))
    return np.nan_to_num(filled, nan=1.0)


def _medians(rows: Numbers) -> Numbers:
    return np.array([np.median(row[~np.isnan(row)]) if not np.isnan(row).all() else np.nan for row in rows])


def _answer(item: RecordedItem, outcome: Outcome, numbers: dict[str, int]) -> int:
    if outcome.answer is None:
        return -1
    if item.options:
        place = ord(outcome.answer[0].upper()) - ord("A") if len(outcome.answer) == 1 else -1
        return place if 0 <= place < len(item.options) else -1
    return numbers.setdefault(" ".join(outcome.answer.split()), len(numbers))


def _truth(item: RecordedItem, right: Numbers, said: Places) -> int:
    if item.options and item.gold is not None and len(item.gold) == 1:
        return ord(item.gold.upper()) - ord("A")
    found = said[(np.nan_to_num(right) > 0.5) & (said >= 0)]
    return int(found[0]) if len(found) else -1


def _length(item: RecordedItem) -> float:
    """Return about how many tokens a question takes with its options and tools, where nobody's count was recorded."""
    return (len(item.question) + sum(len(str(tool)) for tool in item.tools)) / _CHARACTERS_PER_TOKEN


def _words(outcome: Outcome, text: str | None) -> float:
    if outcome.out_tokens is not None:
        return float(outcome.out_tokens)
    return len(text) / _CHARACTERS_PER_TOKEN if text else np.nan


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)
