"""Recorded experts: a question asked before is answered as a model once answered it, with the tokens it once took.

A recorded pool is a folder with `pool.json`, `items.jsonl.gz` and, where whole outputs were kept, `texts.jsonl.gz`.
"""

from __future__ import annotations

import asyncio
import gzip
import unicodedata
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import orjson

from core.calls import Call, Deadlines
from core.errors import ConfigurationError
from core.experts import ExpertSpec
from core.messages import Finish, FinishPiece, Piece, TextPiece, last_user_text
from core.money import Micros, Price, from_usd
from core.usage import Usage
from experts.ports import Quote

UNKNOWN = "the question is not in the recording"
UNANSWERED = "the recording holds no answer to it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one model did with one question. `micros` is nothing where no price was recorded."""

    answer: str | None
    correct: float
    usage: Usage
    micros: Micros | None = None
    latency_s: float = 0.0
    text: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedItem:
    """One question with every model's outcome; the answer to a question with `options` is a letter, A the first."""

    id: str
    query: str
    outcomes: Mapping[str, Outcome]
    options: tuple[str, ...] = ()
    category: str = ""
    gold: str | None = None
    split: str = ""

    @property
    def question(self) -> str:
        """Return the question in words, with its lettered options."""
        return lettered(self.query, self.options)


@dataclass(frozen=True, slots=True)
class RecordedPool:
    """A whole recording; `prices` holds what is listed of each model."""

    name: str
    prices: Mapping[str, Price]
    items: Sequence[RecordedItem]
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    _by_question: dict[str, RecordedItem | None] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the questions, with their options and without; what would mean two items means none."""
        for item in self.items:
            for key in {normalised(item.query), normalised(item.question)}:
                self._by_question[key] = None if key in self._by_question else item

    def find(self, text: str) -> RecordedItem | None:
        """Return the item whose question is `text`, up to spacing, or nothing."""
        return self._by_question.get(normalised(text))

    def text_of(self, item: RecordedItem, model: str) -> str | None:
        """Return what the model said: its whole output where that was kept, else its bare answer, if any."""
        outcome = item.outcomes[model]
        return self.texts.get((item.id, model)) or outcome.text or outcome.answer


def lettered(query: str, options: Sequence[str]) -> str:
    """Return the question followed by its options, one a line, lettered from A."""
    return "\n".join(
        [query, *(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))]
    )


def normalised(text: str) -> str:
    """Return the text with composed characters and single spaces, so that copies compare equal."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def read_pool(folder: Path) -> RecordedPool:
    """Return the recorded pool in `folder`; a large one takes seconds. Raises `ConfigurationError` naming the file."""
    try:
        about = orjson.loads((folder / "pool.json").read_bytes())
        items = tuple(_item(line) for line in _lines(folder / "items.jsonl.gz"))
        texts_file = folder / "texts.jsonl.gz"
        texts = (
            {(line["id"], line["model"]): line["text"] for line in _lines(texts_file)} if texts_file.is_file() else {}
        )
        prices = {model: _price(listed) for model, listed in about["models"].items()}
    except OSError as error:
        raise ConfigurationError(f"{error.filename or folder}: {error.strerror or error}") from None
    except (EOFError, KeyError, TypeError, ValueError, orjson.JSONDecodeError) as error:
        raise ConfigurationError(f"{folder}: not a recorded pool ({type(error).__name__}: {error})") from None
    return RecordedPool(about.get("name", folder.name), prices, items, texts)


class RecordedTransport:
    """Answers from recordings. An expert's target is the model, and its option `pool` the folder.

    A question that is not in the recording is declined, and costs nothing.
    """

    def __init__(self, load: Callable[[Path], RecordedPool] = read_pool) -> None:
        """Read each folder once, in a thread, when it is first needed."""
        self._load = load
        self._pools: dict[Path, asyncio.Task[RecordedPool]] = {}

    async def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield what was recorded as one piece, and the end."""
        del deadlines
        pool = await self._pool(expert)
        item = _asked(pool, expert, call)
        if item is None:
            yield FinishPiece(Finish.STOP, Usage(calls=1), declined=UNKNOWN)
            return
        usage = item.outcomes[expert.target].usage
        text = pool.text_of(item, expert.target)
        if text is None:
            yield FinishPiece(Finish.STOP, usage, declined=UNANSWERED)
            return
        yield TextPiece(text)
        yield FinishPiece(Finish.STOP, usage)

    async def quote(self, expert: ExpertSpec, call: Call) -> Quote:
        """Return what the call took when it was recorded."""
        pool = await self._pool(expert)
        item = _asked(pool, expert, call)
        if item is None:
            return Quote(Usage(calls=1), Micros(0))
        outcome = item.outcomes[expert.target]
        if outcome.micros is not None:
            return Quote(outcome.usage, outcome.micros)
        price = expert.price if not expert.price.free else pool.prices.get(expert.target, expert.price)
        return Quote(outcome.usage, price.cost(outcome.usage.input_tokens, outcome.usage.output_tokens))

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        return None if "pool" in dict(expert.options) else "it names no recorded pool; set options.pool to a folder"

    async def _pool(self, expert: ExpertSpec) -> RecordedPool:
        if (why := self.unfit(expert)) is not None:
            raise ConfigurationError(f"expert {expert.name}: {why}")
        folder = Path(dict(expert.options)["pool"])
        reading = self._pools.get(folder)
        if reading is None or (reading.done() and reading.exception() is not None):
            reading = self._pools[folder] = asyncio.create_task(asyncio.to_thread(self._load, folder))
        # Shielded, so that a caller who leaves does not take the recording from the others.
        return await asyncio.shield(reading)


def _asked(pool: RecordedPool, expert: ExpertSpec, call: Call) -> RecordedItem | None:
    item = pool.find(last_user_text(call.messages))
    return item if item is not None and expert.target in item.outcomes else None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as lines:
        for line in lines:
            yield orjson.loads(line)


def _item(line: Mapping[str, Any]) -> RecordedItem:
    return RecordedItem(
        id=line["id"],
        query=line["query"],
        options=tuple(line.get("options") or ()),
        category=line.get("category") or "",
        gold=line.get("gold"),
        split=line.get("split") or "",
        outcomes={model: _outcome(outcome) for model, outcome in line["outcomes"].items()},
    )


def _outcome(found: Mapping[str, Any]) -> Outcome:
    answer, cost = found.get("answer"), found.get("cost_usd")
    return Outcome(
        answer=None if answer is None else str(answer),
        correct=float(found.get("correct") or 0.0),
        usage=Usage(int(found.get("in_tokens") or 0), int(found.get("out_tokens") or 0), calls=1),
        micros=None if cost is None else from_usd(cost),
        latency_s=float(found.get("latency_s") or 0.0),
        text=found.get("text"),
    )


def _price(listed: Mapping[str, Any]) -> Price:
    return Price(
        input_per_million=from_usd(listed.get("usd_per_1m_in") or 0),
        output_per_million=from_usd(listed.get("usd_per_1m_out") or 0),
    )
