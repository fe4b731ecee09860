"""What a right conclave.yaml becomes."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.experts import DataTerms, Kind, Source
from core.money import Price
from core.pools import Rules, Shadow
from tests.architecture.tree import ROOT
from tests.wiring.conftest import GOOD, Examine, unknown_terms
from wiring.configuration.building import Terms
from wiring.configuration.checking import check_structure
from wiring.configuration.loading import PACKAGED, examine, load_configuration
from wiring.configuration.names import Names
from wiring.configuration.reading import read_document
from wiring.configuration.references import check_references
from wiring.configuration.schema import Schema, json_schema
from wiring.configuration.units import parse_bytes, parse_seconds, parse_times


def test_the_packaged_configuration_is_right_and_needs_no_key() -> None:
    found = examine(PACKAGED, {}, known=unknown_terms)

    kinds = [expert.kind for expert in found.configuration.catalogue.experts.values()]
    assert found.remarks == ()
    assert kinds.count(Kind.HOSTED) >= 5
    assert kinds.count(Kind.TOOL) >= 1
    assert len(found.configuration.catalogue.models) == 3


def test_kinds_and_defaults_follow_from_what_is_written(examined: Examine) -> None:
    found = examined(GOOD, GPT_KEY="sk-1").configuration

    coder, calculator, gpt = (found.expert(name) for name in ("coder", "calculator", "gpt"))
    assert (coder.kind, coder.target, coder.context, coder.max_output) == (Kind.HOSTED, "small", 2048, 1024)
    assert (calculator.kind, calculator.abilities) == (Kind.TOOL, frozenset({"calculator"}))
    assert (gpt.kind, gpt.local, "tools" in gpt.abilities) == (Kind.REMOTE, False, True)
    assert found.secrets["GPT_KEY"].get_secret_value() == "sk-1"
    assert "sk-1" not in repr(found)


def test_references_may_stand_unquoted_inside_braces_and_brackets() -> None:
    text = b"a: {key: ${X:-a, b}, list: [n-part{1..22}, 'q${Y}'], plain: no, time: 12:30}  # {c}\n"

    assert read_document(text, "f").data == {
        "a": {"key": "${X:-a, b}", "list": ["n-part{1..22}", "q${Y}"], "plain": "no", "time": "12:30"}
    }


def test_an_address_may_name_variables_with_defaults(examined: Examine) -> None:
    text = GOOD.replace("key: ${GPT_KEY}", "endpoint: http://${HOST:-localhost}:${PORT}/v1/")

    assert examined(text, PORT="8000").configuration.expert("gpt").endpoint == "http://localhost:8000/v1"


def test_a_price_in_the_file_wins_over_the_known_one(examined: Examine) -> None:
    text = GOOD.replace("key: ${GPT_KEY}", "price: {input_per_million_usd: 0.4, output_per_million_usd: 1.6}")

    assert examined(text).configuration.expert("gpt").price == Price(400_000, 1_600_000)


def test_known_terms_fill_in_price_and_context(examined: Examine) -> None:
    path = examined(GOOD).configuration.path

    found = examine(path, {"GPT_KEY": "k"}, known=lambda _: Terms(Price(1, 2), 9000))

    assert found.remarks == ()
    assert found.configuration.expert("gpt").price == Price(1, 2)
    assert found.configuration.expert("gpt").context == 9000


def test_paths_of_models_are_relative_to_the_file(examined: Examine) -> None:
    found = examined(GOOD.replace("package: llm-small", "path: weights/a.gguf")).configuration

    (model,) = found.catalogue.models.values()
    assert model.sources == (Source("path", str(found.path.parent / "weights" / "a.gguf")),)


def test_data_use_tags_are_for_any_expert(examined: Examine) -> None:
    text = GOOD.replace('code."}', 'code.", data: {tags: [licence:nc, trained-on-web]}}')
    text = text.replace("${GPT_KEY}}", "${GPT_KEY}, data: {region: us, may_train: true, tags: [a/b.c_d]}}")

    found = examined(text).configuration

    assert found.expert("coder").data == DataTerms(tags=frozenset({"licence:nc", "trained-on-web"}))
    assert found.expert("gpt").data == DataTerms("us", may_train=True, tags=frozenset({"a/b.c_d"}))


def test_experts_of_a_model_or_a_provider_are_a_host_group_unless_the_file_says_otherwise(examined: Examine) -> None:
    found = examined(GOOD.replace("  gpt: {", "  own: {model: hosted/small, group: gpu-0}\n  gpt: {")).configuration

    groups = {name: found.expert(name).group for name in ("coder", "own", "gpt", "calculator")}
    assert groups == {"coder": "hosted/small", "own": "gpu-0", "gpt": "openai", "calculator": ""}


def test_the_shadow_of_a_pool_is_read_and_there_is_none_when_left_out(examined: Examine) -> None:
    shadow = "{share: 0.02, spend: 0.1, fall_back: true}"
    found = examined(GOOD.replace("gpt]}", f"gpt], shadow: {shadow}}}")).configuration

    assert found.pool("default").shadow == Shadow(0.02, 0.1, fall_back=True)
    assert examined(GOOD).configuration.pool("default").shadow.share == 0


def test_the_rules_of_a_pool_are_read_and_hold_nothing_when_left_out(examined: Examine) -> None:
    rules = "{per_family: 1, per_group: 2, balance: true, affinity: 0.05, adapt: true}"
    found = examined(GOOD.replace("gpt]}", f"gpt], rules: {rules}}}")).configuration

    assert found.pool("default").rules == Rules(1, 2, balance=True, affinity=0.05, adapt=True)
    assert examined(GOOD).configuration.pool("default").rules == Rules()


def test_the_version_changes_with_the_meaning_only(examined: Examine) -> None:
    version = examined(GOOD).configuration.version

    assert examined(f"# a comment\n{GOOD}").configuration.version == version
    assert examined(GOOD.replace("slots: 8", "slots: 4")).configuration.version != version


def test_a_repeated_part_may_be_an_alias(examined: Examine) -> None:
    text = GOOD.replace("{experts: [coder, calculator, gpt]}", "&p {experts: [coder]}\n  other: *p")

    assert set(examined(text).configuration.pools) == {"default", "other"}


@pytest.mark.parametrize(
    ("text", "value"), [("3GiB", 3 * 1024**3), ("500MB", 500_000_000), ("1.5KiB", 1536), (7, 7), ("12", 12)]
)
def test_sizes_are_read(text: object, value: int) -> None:
    assert parse_bytes(text) == value


@pytest.mark.parametrize(("text", "value"), [("10m", 600), ("90s", 90), ("1.5h", 5400), ("250ms", 0.25), (3, 3)])
def test_durations_are_read(text: object, value: float) -> None:
    assert parse_seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["8y", "x", "-1x", "", None, True, "1e3", [8]])
def test_a_factor_that_is_none_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a factor such as 8x"):
        parse_times(text)


def test_the_published_schema_is_the_schema() -> None:
    published = json.loads((ROOT / "docs" / "conclave.schema.json").read_text("utf-8"))

    assert published == json_schema()


PIECES = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ": ",
        "\n",
        "  ",
        "- ",
        "*a",
        "&a ",
        "!!int ",
        "${A}",
        "'",
        '"',
        "null",
        "1e999",
        "\t",
        "experts",
        "#",
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), PIECES | st.text(max_size=4)), min_size=1, max_size=5
    )
)
def test_mutated_yaml_is_right_or_refused_and_nothing_else(cuts: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for place, length, piece in cuts:
        text = text[:place] + piece + text[place + length :]

    try:
        document = read_document(text.encode("utf-8", "replace"), "conclave.yaml")
    except ConfigurationError:
        return
    schema, problems = check_structure(document, Schema)
    problems += check_references(document, Names(), {})

    assert schema is not None or problems
    assert all(problem.render("f") for problem in problems)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(ConfigurationError):
        read_document(content, "f")


def test_without_a_path_the_file_of_the_working_directory_is_used(
    examined: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = examined(GOOD.replace("  gpt: {model: openai/gpt-x, key: ${GPT_KEY}}\n", "").replace(", gpt", ""))

    monkeypatch.chdir(folder.configuration.path.parent)

    assert load_configuration(None, {}).version == folder.configuration.version
