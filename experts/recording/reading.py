"""Reading a recorded pool as data from elsewhere: every fault is named by file and line, and nothing is guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from core.errors import ConfigurationError
from core.money import Price, from_usd
from experts.recording.lines import Flaw, amount, members, objects, optional_text, required, shown, text_at
from experts.recording.values import Fault, Outcome, RecordedItem, RecordedModel, RecordedPool

_LISTED: Final = 8


def read_pool(folder: Path, *, lenient: bool = False) -> RecordedPool:
    """Return the recorded pool in `folder`; a large one takes seconds.

    When `lenient`, what is wrong is passed over and kept as the pool's `faults`: a line, an outcome, a text or a key of
    pool.json at a time.

    Raises:
        ConfigurationError: naming the first faults by file and line, unless lenient; and in any case when a file cannot
            be read, pool.json lists no models, or no item can be used.
    """
    faults: list[Fault] = []
    try:
        about = _About(folder / "pool.json", faults).pool()
        items, ids = _items(folder / "items.jsonl.gz", about.models, faults)
        texts_file = folder / "texts.jsonl.gz"
        texts = _texts(texts_file, ids, about.models, faults) if texts_file.is_file() else {}
    except OSError as error:
        raise ConfigurationError(f"{error.filename or folder}: {error.strerror or error}") from None
    if not items:
        raise ConfigurationError(f"{folder}: no item can be used{': ' if faults else ''}{_listing(faults)}")
    if faults and not lenient:
        raise ConfigurationError(f"{folder}: {_listing(faults)}; --lenient uses the rest")
    return replace(about, items=items, texts=texts, faults=tuple(faults))


def _listing(faults: Sequence[Fault]) -> str:
    more = [f"and {len(faults) - _LISTED} more"] if len(faults) > _LISTED else []
    return "; ".join([*map(str, faults[:_LISTED]), *more])


class _About:
    """A pool.json while it is read; what is wrong is noted with the line on which its key stands."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        self._path = path
        self._faults = faults
        self._raw = path.read_bytes()
        try:
            self._found = orjson.loads(self._raw)
        except orjson.JSONDecodeError as error:
            raise ConfigurationError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
        if not isinstance(self._found, dict):
            raise ConfigurationError(f"{path}:1: must be an object, found {shown(self._found)}")

    def pool(self) -> RecordedPool:
        """Return the pool without its items; raises `ConfigurationError` when no models are listed."""
        models = self._models()
        return RecordedPool(
            name=self._text("name") or self._path.parent.name,
            models=models,
            items=(),
            source=self._text("source") or "",
            licence=self._text("licence") or "",
            scoring=self._text("scoring") or "",
            notes=self._text("notes") or "",
            subpools=self._subpools(models),
            weak=self._model("weak", models),
            strong=self._model("strong", models),
        )

    def _models(self) -> dict[str, RecordedModel]:
        listed = self._found.get("models")
        if not isinstance(listed, dict) or not listed:
            raise ConfigurationError(
                f"{self._path}:{self._line('models')}: models: must be an object of models, found {shown(listed)}"
            )
        models = {}
        for name, about in listed.items():
            models[name] = RecordedModel()
            try:
                models[name] = _model(about)
            except Flaw as flaw:
                self._note(f"model {shown(name)}: {flaw}", "models", name)
        return models

    def _subpools(self, models: Collection[str]) -> dict[str, tuple[str, ...]]:
        listed = self._found.get("subpools")
        if listed is not None and not isinstance(listed, dict):
            self._note(f"subpools: must be an object of lists of models, found {shown(listed)}", "subpools")
        subpools = {}
        for name in listed if isinstance(listed, dict) else ():
            try:
                named = members(listed, name, str, "models")
            except Flaw as flaw:
                self._note(f"subpool {flaw}", "subpools", name)
                continue
            for stranger in (model for model in named if model not in models):
                self._note(f"subpool {name}: unknown model {shown(stranger)}", "subpools", name)
            if known := tuple(model for model in named if model in models):
                subpools[name] = known
        return subpools

    def _model(self, key: str, models: Collection[str]) -> str | None:
        name = self._text(key)
        if name is not None and name not in models:
            self._note(f"{key}: unknown model {shown(name)}", key)
            return None
        return name

    def _text(self, key: str) -> str | None:
        try:
            return optional_text(self._found, key)
        except Flaw as flaw:
            self._note(str(flaw), key)
            return None

    def _note(self, why: str, *keys: str) -> None:
        self._faults.append(Fault(self._path.name, self._line(*keys), why))

    def _line(self, *keys: str) -> int:
        """Return the line of a key within a key, or of the outermost that is there."""
        at = 0
        for key in keys:
            found = re.compile(re.escape(orjson.dumps(key)) + rb"\s*:").search(self._raw, at)
            at = found.start() if found else at
        return self._raw.count(b"\n", 0, at) + 1


def _model(about: object) -> RecordedModel:
    if not isinstance(about, dict):
        raise Flaw(f"must be an object, found {shown(about)}")
    taken, given = amount(about, "usd_per_1m_in"), amount(about, "usd_per_1m_out")
    price = None
    if taken is not None or given is not None:
        price = Price(input_per_million=from_usd(taken or 0), output_per_million=from_usd(given or 0))
    return RecordedModel(amount(about, "params_b"), price)


def _items(
    path: Path, models: Collection[str], faults: list[Fault]
) -> tuple[tuple[RecordedItem, ...], Mapping[str, int]]:
    """Return the usable items, and the line of every id that was seen, so that a text of a faulty item is no fault."""
    items: list[RecordedItem] = []
    lines: dict[str, int] = {}
    for number, found in objects(path):
        try:
            item, flaws = _item(found, models, lines, number)
        except Flaw as flaw:
            faults.append(Fault(path.name, number, str(flaw)))
            continue
        faults.extend(Fault(path.name, number, why) for why in flaws)
        if item.outcomes:
            items.append(item)
    return tuple(items), lines


def _item(
    found: dict[str, Any] | Flaw, models: Collection[str], lines: dict[str, int], number: int
) -> tuple[RecordedItem, list[str]]:
    """Return the item of a line with what is wrong with single outcomes; raises `Flaw` when it cannot be used."""
    if isinstance(found, Flaw):
        raise found
    name = text_at(found, "id")
    if lines.setdefault(name, number) != number:
        raise Flaw(f"id {shown(name)} is taken by line {lines[name]}")
    outcomes, flaws = _outcomes(required(found, "outcomes"), models)
    item = RecordedItem(
        id=name,
        query=text_at(found, "query"),
        outcomes=outcomes,
        options=tuple(members(found, "options", str, "texts")),
        tools=_tools(found),
        category=optional_text(found, "category") or "",
        gold=_worded(found.get("gold")),
        split=optional_text(found, "split") or "",
    )
    return item, flaws


def _outcomes(listed: object, models: Collection[str]) -> tuple[dict[str, Outcome], list[str]]:
    if not isinstance(listed, dict):
        raise Flaw(f"outcomes: must be an object, found {shown(listed)}")
    if not listed:
        raise Flaw("no outcome of any model")
    outcomes: dict[str, Outcome] = {}
    flaws: list[str] = []
    for model, found in listed.items():
        if model not in models:
            flaws.append(f"unknown model {shown(model)}")
            continue
        try:
            outcomes[model] = _outcome(found)
        except Flaw as flaw:
            flaws.append(f"outcome of {shown(model)}: {flaw}")
    return outcomes, flaws


def _outcome(found: object) -> Outcome:
    if not isinstance(found, dict):
        raise Flaw(f"must be an object, found {shown(found)}")
    correct = required(found, "correct")
    if type(correct) not in (int, float) or not 0 <= correct <= 1:
        raise Flaw(f"correct: must be a number from 0 to 1, found {shown(correct)}")
    taken, given = amount(found, "in_tokens"), amount(found, "out_tokens")
    if taken == 0 and given == 0:
        # No call takes and gives nothing: some recorders write 0 for what they did not count.
        taken = given = None
    cost = amount(found, "cost_usd")
    return Outcome(
        answer=_worded(required(found, "answer")),
        correct=float(correct),
        in_tokens=None if taken is None else math.ceil(taken),
        out_tokens=None if given is None else math.ceil(given),
        micros=None if cost is None else from_usd(cost),
        latency_s=amount(found, "latency_s"),
        text=optional_text(found, "text"),
    )


def _worded(value: object) -> str | None:
    """Return an answer as text: numbers and structures, which some tasks ask for, as their JSON."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _tools(found: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the function schemas; a lone one may stand without its list."""
    lone = found.get("tools")
    return (lone,) if isinstance(lone, dict) else tuple(members(found, "tools", dict, "function schemas"))


def _texts(
    path: Path, ids: Collection[str], models: Collection[str], faults: list[Fault]
) -> dict[tuple[str, str], str]:
    texts: dict[tuple[str, str], str] = {}
    for number, found in objects(path):
        try:
            key, said = _text(found, ids, models)
            if key in texts:
                raise Flaw(f"a second text of {shown(key[1])} for {shown(key[0])}")
            texts[key] = said
        except Flaw as flaw:
            faults.append(Fault(path.name, number, str(flaw)))
    return texts


def _text(found: dict[str, Any] | Flaw, ids: Collection[str], models: Collection[str]) -> tuple[tuple[str, str], str]:
    if isinstance(found, Flaw):
        raise found
    item, model = text_at(found, "id"), text_at(found, "model")
    if item not in ids:
        raise Flaw(f"unknown item {shown(item)}")
    if model not in models:
        raise Flaw(f"unknown model {shown(model)}")
    return (item, model), text_at(found, "text")
