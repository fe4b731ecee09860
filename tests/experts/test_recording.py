"""Recorded pools, read as data from elsewhere: every fault is named, and the rest can still be had."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.errors import ConfigurationError
from core.money import Micros, Price
from core.usage import Usage
from experts.recording import Fault, RecordedModel, RecordedPool, read_pool

DATA = Path(os.environ.get("CONCLAVE_DATA") or Path(os.path.abspath(__file__)).parents[3] / "shared" / "data")
ABOUT: dict[str, Any] = {
    "name": "tiny",
    "source": "made up",
    "licence": "Apache-2.0",
    "scoring": "exact",
    "notes": "none",
    "models": {"big": {"params_b": 70, "usd_per_1m_in": 1.0, "usd_per_1m_out": 2}, "small": {"params_b": None}},
    "subpools": {"both": ["big", "small"]},
    "weak": "small",
    "strong": "big",
}
RIGHT = {"answer": "A", "correct": 1}
ITEM: dict[str, Any] = {"id": "2", "query": "Why?", "outcomes": {"big": RIGHT}}


def item(name: str, **outcome: Any) -> dict[str, Any]:
    """An item that the model "big" answered, with more recorded of its outcome."""
    return {**ITEM, "id": name, "outcomes": {"big": {**RIGHT, **outcome}}}


def without(found: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != key}


def packed(lines: Iterable[object]) -> bytes:
    return gzip.compress(b"".join((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines))


def write(folder: Path, items: Iterable[object], texts: Iterable[object] = (), about: object = ABOUT) -> Path:
    """Write a pool whose lines are values, or bytes as they are."""
    described = about if isinstance(about, bytes) else orjson.dumps(about, option=orjson.OPT_INDENT_2)
    (folder / "pool.json").write_bytes(described)
    (folder / "items.jsonl.gz").write_bytes(packed(items))
    (folder / "texts.jsonl.gz").write_bytes(packed(texts))
    return folder


def refusal(folder: Path) -> str:
    """What a strict reader says against the pool."""
    with pytest.raises(ConfigurationError) as caught:
        read_pool(folder)
    return caught.value.message


def one_fault(folder: Path, file: str, line: int, why: str) -> RecordedPool:
    """Read leniently a pool with one fault, which a strict reader must name."""
    assert f"{file}:{line}: {why}" in refusal(folder)
    pool = read_pool(folder, lenient=True)
    (fault,) = pool.faults
    assert (fault.file, fault.line) == (file, line)
    assert fault.why.startswith(why)
    return pool


def test_everything_the_format_has_is_kept(tmp_path: Path) -> None:
    full = {**ITEM, "options": ["a", "b"], "category": "logic", "gold": "A", "split": "profile"}
    pool = read_pool(write(tmp_path, [full], [{"id": "2", "model": "big", "text": "So A."}]))

    (kept,) = pool.items
    assert (pool.name, pool.source, pool.licence, pool.scoring, pool.notes) == tuple(
        ABOUT[key] for key in ("name", "source", "licence", "scoring", "notes")
    )
    assert pool.models == {"big": RecordedModel(70, Price(1_000_000, 2_000_000)), "small": RecordedModel()}
    assert (pool.subpools, pool.weak, pool.strong, pool.faults) == ({"both": ("big", "small")}, "small", "big", ())
    assert (kept.options, kept.category, kept.gold, kept.split) == (("a", "b"), "logic", "A", "profile")
    assert pool.text_of(kept, "big") == "So A."


def test_what_was_not_recorded_is_nothing_and_what_was_is_kept(tmp_path: Path) -> None:
    recorded = {"in_tokens": 12.0, "out_tokens": 0, "cost_usd": 0, "latency_s": 0.5}
    pool = read_pool(write(tmp_path, [item("1"), item("2", **recorded), item("3", in_tokens=None, text=None)]))

    bare, full, null = (found.outcomes["big"] for found in pool.items)
    assert (bare.in_tokens, bare.out_tokens, bare.micros, bare.latency_s) == (None, None, None, None)
    assert (full.in_tokens, full.out_tokens, full.micros, full.latency_s) == (12, 0, Micros(0), 0.5)
    assert (null.in_tokens, null.text) == (None, None)
    assert (bare.usage, full.usage) == (Usage(calls=1), Usage(12, 0, calls=1))


def test_a_call_that_neither_took_nor_gave_a_token_was_not_counted(tmp_path: Path) -> None:
    pool = read_pool(write(tmp_path, [item("1", in_tokens=0.0, out_tokens=0.0)]))

    outcome = pool.items[0].outcomes["big"]
    assert (outcome.in_tokens, outcome.out_tokens, outcome.usage) == (None, None, Usage(calls=1))


@pytest.mark.parametrize(("tools", "kept"), [([{"name": "f"}], 1), ({"name": "f"}, 1), ([], 0), (None, 0)])
def test_function_schemas_are_kept_alone_or_in_a_list(tmp_path: Path, tools: object, kept: int) -> None:
    pool = read_pool(write(tmp_path, [{**ITEM, "tools": tools}]))

    assert pool.items[0].tools == ({"name": "f"},) * kept


@pytest.mark.parametrize(("answer", "kept"), [(42, "42"), ({"f": [1]}, '{"f":[1]}'), ("", ""), (None, None)])
def test_an_answer_or_gold_that_is_no_text_is_kept_as_its_json(
    tmp_path: Path, answer: object, kept: str | None
) -> None:
    pool = read_pool(write(tmp_path, [{**item("1", answer=answer), "gold": answer}]))

    assert (pool.items[0].outcomes["big"].answer, pool.items[0].gold) == (kept, kept)


def test_a_long_answer_and_a_blank_line_are_no_faults(tmp_path: Path) -> None:
    pool = read_pool(write(tmp_path, [item("1", answer="x" * 100_000), b"", item("2")]))

    assert [found.id for found in pool.items] == ["1", "2"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"id": "2", "que', "not JSON"),
        (b'{"id": "2\xff"}', "not JSON"),
        ([1], "must be an object, found [1]"),
        (without(ITEM, "id"), 'missing key "id"'),
        (without(ITEM, "query"), 'missing key "query"'),
        (without(ITEM, "outcomes"), 'missing key "outcomes"'),
        ({**ITEM, "id": 2}, "id: must be a text, found 2"),
        ({**ITEM, "query": None}, "query: must be a text, found null"),
        ({**ITEM, "options": "A"}, 'options: must be a list of texts, found "A"'),
        ({**ITEM, "options": [1]}, "options: must be a list of texts, found [1]"),
        ({**ITEM, "tools": ["f"]}, 'tools: must be a list of function schemas, found ["f"]'),
        ({**ITEM, "category": 1}, "category: must be a text, found 1"),
        ({**ITEM, "split": []}, "split: must be a text, found []"),
        ({**ITEM, "outcomes": []}, "outcomes: must be an object, found []"),
        ({**ITEM, "outcomes": {}}, "no outcome of any model"),
        ({**ITEM, "id": "1"}, 'id "1" is taken by line 1'),
        ({**ITEM, "outcomes": {"bog": RIGHT}}, 'unknown model "bog"'),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_passed_over(tmp_path: Path, line: object, why: str) -> None:
    folder = write(tmp_path, [item("1"), line, item("3")])

    pool = one_fault(folder, "items.jsonl.gz", 2, why)

    assert [found.id for found in pool.items] == ["1", "3"]
    assert pool.find("Something else") is None


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (1, "must be an object, found 1"),
        (without(RIGHT, "correct"), 'missing key "correct"'),
        (without(RIGHT, "answer"), 'missing key "answer"'),
        ({**RIGHT, "correct": 1.01}, "correct: must be a number from 0 to 1, found 1.01"),
        ({**RIGHT, "correct": -1}, "correct: must be a number from 0 to 1, found -1"),
        ({**RIGHT, "correct": True}, "correct: must be a number from 0 to 1, found true"),
        ({**RIGHT, "correct": None}, "correct: must be a number from 0 to 1, found null"),
        ({**RIGHT, "in_tokens": -1}, "in_tokens: must be a number from 0 on, found -1"),
        ({**RIGHT, "out_tokens": "7"}, 'out_tokens: must be a number from 0 on, found "7"'),
        ({**RIGHT, "latency_s": []}, "latency_s: must be a number from 0 on, found []"),
        ({**RIGHT, "cost_usd": -0.1}, "cost_usd: must be a number from 0 on, found -0.1"),
        ({**RIGHT, "text": 1}, "text: must be a text, found 1"),
    ],
)
def test_an_outcome_that_cannot_be_used_is_named_and_leaves_the_others(
    tmp_path: Path, outcome: object, why: str
) -> None:
    folder = write(tmp_path, [{**ITEM, "outcomes": {"big": outcome, "small": RIGHT}}])

    pool = one_fault(folder, "items.jsonl.gz", 1, f'outcome of "big": {why}')

    assert list(pool.items[0].outcomes) == ["small"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON"),
        ("text", 'must be an object, found "text"'),
        ({"id": "1", "model": "big"}, 'missing key "text"'),
        ({"id": "1", "model": "big", "text": None}, "text: must be a text, found null"),
        ({"id": "9", "model": "big", "text": "x"}, 'unknown item "9"'),
        ({"id": "1", "model": "bog", "text": "x"}, 'unknown model "bog"'),
        ({"id": "2", "model": "big", "text": "x"}, 'a second text of "big" for "2"'),
    ],
)
def test_a_text_that_belongs_to_nothing_is_named_and_passed_over(tmp_path: Path, line: object, why: str) -> None:
    folder = write(tmp_path, [item("1"), item("2")], [{"id": "2", "model": "big", "text": "kept"}, line])

    pool = one_fault(folder, "texts.jsonl.gz", 2, why)

    assert pool.texts == {("2", "big"): "kept"}


def test_a_text_of_an_item_that_was_passed_over_is_no_fault_of_its_own(tmp_path: Path) -> None:
    folder = write(tmp_path, [item("1"), {**ITEM, "options": 1}], [{"id": "2", "model": "big", "text": "x"}])

    one_fault(folder, "items.jsonl.gz", 2, "options")


@pytest.mark.parametrize(
    ("changed", "line", "why"),
    [
        ({"name": 1}, 2, "name: must be a text, found 1"),
        ({"licence": []}, 4, "licence: must be a text, found []"),
        ({"models": {"big": 1}, "subpools": {}, "weak": None}, 8, 'model "big": must be an object, found 1'),
        ({"models": {"small": {}, "big": {"usd_per_1m_in": -1}}}, 9, 'model "big": usd_per_1m_in: must be a number'),
        ({"subpools": ["big"]}, 17, 'subpools: must be an object of lists of models, found ["big"]'),
        ({"subpools": {"odd": "big"}}, 18, 'subpool odd: must be a list of models, found "big"'),
        ({"subpools": {"odd": ["big", "bog"]}}, 18, 'subpool odd: unknown model "bog"'),
        ({"weak": "bog"}, 23, 'weak: unknown model "bog"'),
        ({"strong": 1}, 24, "strong: must be a text, found 1"),
    ],
)
def test_a_wrong_key_of_pool_json_is_named_with_its_line(
    tmp_path: Path, changed: dict[str, Any], line: int, why: str
) -> None:
    pool = one_fault(write(tmp_path, [item("1")], about={**ABOUT, **changed}), "pool.json", line, why)

    assert "bog" not in {pool.weak, pool.strong}
    assert all(members == ("big",) for name, members in pool.subpools.items() if name == "odd")


def test_a_file_that_is_cut_off_is_used_up_to_there(tmp_path: Path) -> None:
    write(tmp_path, [])
    (tmp_path / "items.jsonl.gz").write_bytes(packed([item("1")]) + packed([item("2")])[:-20])

    pool = one_fault(tmp_path, "items.jsonl.gz", 2, "the file is cut off here")

    assert [found.id for found in pool.items] == ["1"]


@pytest.mark.parametrize("tail", [b"not gzip at all", packed([item("2")])[:12] + bytes(40)])
def test_a_damaged_file_is_used_up_to_there(tmp_path: Path, tail: bytes) -> None:
    write(tmp_path, [])
    (tmp_path / "items.jsonl.gz").write_bytes(packed([item("1")]) + tail)

    pool = one_fault(tmp_path, "items.jsonl.gz", 2, "the file is damaged or not gzip")

    assert [found.id for found in pool.items] == ["1"]


def test_a_line_that_would_fill_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    folder = write(tmp_path, [item("1"), b" " * (20 * 2**20), item("3")])

    pool = one_fault(folder, "items.jsonl.gz", 2, "longer than 16 MiB; nothing is read from here on")

    assert [found.id for found in pool.items] == ["1"]


def test_eight_faults_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    folder = write(tmp_path, [item("1"), *([1] * 10)])

    said = refusal(folder)

    assert said.count("must be an object") == 8
    assert "items.jsonl.gz:9: must be an object, found 1; and 2 more; --lenient uses the rest" in said
    assert read_pool(folder, lenient=True).faults[-1] == Fault("items.jsonl.gz", 11, "must be an object, found 1")


@pytest.mark.parametrize("items", [[], [1], [{**ITEM, "outcomes": {"bog": RIGHT}}]])
def test_a_pool_without_a_usable_item_is_always_refused(tmp_path: Path, items: list[object]) -> None:
    write(tmp_path, items)

    with pytest.raises(ConfigurationError, match="no item can be used"):
        read_pool(tmp_path, lenient=True)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (b'{\n"name":\n}', r"pool\.json:3: not JSON"),
        ([], r"pool\.json:1: must be an object"),
        (without(ABOUT, "models"), r"pool\.json:1: models: must be an object of models, found null"),
        ({**ABOUT, "models": {}}, r"pool\.json:7: models: must be an object of models, found \{\}"),
    ],
)
def test_a_pool_that_does_not_list_its_models_is_always_refused(tmp_path: Path, about: object, why: str) -> None:
    write(tmp_path, [item("1")], about=about)

    with pytest.raises(ConfigurationError, match=why):
        read_pool(tmp_path, lenient=True)


@pytest.mark.parametrize("missing", ["pool.json", "items.jsonl.gz"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (write(tmp_path, [item("1")]) / missing).unlink()

    assert missing in refusal(tmp_path)


def test_a_pool_without_texts_has_none(tmp_path: Path) -> None:
    (write(tmp_path, [item("1")]) / "texts.jsonl.gz").unlink()

    assert read_pool(tmp_path).texts == {}


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded pools are not here; set CONCLAVE_DATA to their folder")
def test_every_real_recording_is_read_without_a_fault() -> None:
    pools = [read_pool(about.parent) for about in sorted(DATA.glob("*/pool.json"))]

    assert pools
    assert all(pool.items and not pool.faults for pool in pools)
    assert all(set(found.outcomes) <= set(pool.models) for pool in pools for found in pool.items)
