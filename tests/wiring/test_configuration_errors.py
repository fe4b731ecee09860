"""What a wrong conclave.yaml is told: file, line, key, what was found and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from tests.wiring.conftest import GOOD, Complain, Examine
from wiring.configuration.loading import load_configuration


def changed(old: str, new: str) -> str:
    """The good configuration with one thing changed."""
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("model: hosted/small", "modle: hosted/small", '5: experts.coder.modle: unknown key; did you mean "model"?'),
        (
            "calculator, gpt]",
            "calculater]",
            '9: pools.default.experts[1]: no expert "calculater"; did you mean "calculator"?',
        ),
        ("hosted/small", "hosted/smal", '5: experts.coder.model: no model "smal"; did you mean "small"?'),
        (
            "hosted/small",
            "small",
            (
                "5: experts.coder.model: expected hosted/<model> or provider/model, "
                'found "small"; did you mean "hosted/small"?'
            ),
        ),
        (
            "tool: calculator",
            "tool: calculater",
            '6: experts.calculator.tool: no tool "calculater"; did you mean "calculator"?',
        ),
        (
            "tool: calculator",
            "tool: calculator, script: echo",
            "6: experts.calculator: needs exactly one of model, tool, recorded and script; found tool and script",
        ),
        (
            "tool: calculator",
            "tool: calculator, key: ${K}",
            "6: experts.calculator.key: only for experts of a provider",
        ),
        ("gpt]}", 'gpt], router: "conclav"}', '9: pools.default.router: no router "conclav"; did you mean "conclave"?'),
        ("gpt]}", "gpt], strategy: debate}", '9: pools.default.strategy: no strategy "debate"; known are panel'),
        ("gpt]}", "gpt, gpt]}", '9: pools.default.experts[3]: "gpt" is already in the pool'),
        (
            'code."}',
            'code.", data: {region: eu}}',
            "5: experts.coder.data.region: only for experts of a provider",
        ),
        (
            'code."}',
            'code.", data: {tags: [Licence NC]}}',
            "5: experts.coder.data.tags[0]: expected a word of small letters, digits and . _ : / -, such as licence:nc",
        ),
        (
            'code."}',
            'code.", data: {tags: [may_train]}}',
            (
                "5: experts.coder.data.tags[0]: may_train is told by where the expert is and by its data terms; "
                "choose another word"
            ),
        ),
        (
            "gpt]}",
            "gpt], rules: {per_famly: 1}}",
            '9: pools.default.rules.per_famly: unknown key; did you mean "per_family"?',
        ),
        ("gpt]}", "gpt], rules: {per_group: 0}}", "9: pools.default.rules.per_group: must be at least 1, found 0"),
        ("gpt]}", "gpt], rules: {affinity: 2}}", "9: pools.default.rules.affinity: must be at most 1, found 2"),
        ("gpt]}", "gpt], shadow: {share: 2}}", "9: pools.default.shadow.share: must be at most 1, found 2"),
        (
            "gpt]}",
            "gpt], shadow: {fall_back: true}}",
            "9: pools.default.shadow.fall_back: needs a share above 0: what loses is told by shadows",
        ),
        ("gpt]}", "gpt], k: {max: 0}}", "9: pools.default.k.max: must be at least 1, found 0"),
        ("gpt]}", "gpt], budget: {usd: lots}}", '9: pools.default.budget.usd: expected a number, found "lots"'),
        ("gpt]}", "gpt], tagger: keywords}", "9: pools.default.tagger: keywords needs keyword_expert: who names them"),
        ("[coder, calculator, gpt]", "coder", '9: pools.default.experts: expected a list, found "coder"'),
        (
            "memory: 1GiB",
            "memory: 1 Gib",
            '3: models.small.memory: expected a size such as 512MiB or 3GiB, found "1 Gib"',
        ),
        (
            "memory: 1GiB",
            "memory: 40GiB",
            "3: models.small.memory: takes 40GiB but hosting.memory is 3GiB: it could never be loaded",
        ),
        ("slots: 8", "slots: many", '3: models.small.slots: expected a whole number, found "many"'),
        (
            "abab,",
            "abax,",
            "3: models.small.sha256: expected the 64 lower-case hexadecimal digits of a SHA-256",
        ),
        (
            "[package: llm-small]",
            "[{package: a, path: b}]",
            "3: models.small.sources[0]: needs exactly one of path, package and url",
        ),
        ("version: 1", "version: 2", "1: version: expected 1, found 2"),
        (
            "  coder: {model",
            "  a coder: {model",
            '5: experts.a coder: "a coder" is not a name; use letters, digits, dots, dashes and underscores',
        ),
        ("  gpt: {model", "  coder: {model", '7: key "coder" is already set on line 5'),
    ],
)
def test_a_mistake_is_named_with_its_line(complaints: Complain, old: str, new: str, said: str) -> None:
    assert f"conclave.yaml:{said}" in complaints(changed(old, new))


def test_all_mistakes_are_listed_at_once(complaints: Complain) -> None:
    text = changed("tool: calculator", "tol: calculator").replace("coder, calculator", "codr, calculator")

    assert complaints(text) == [
        'conclave.yaml:6: experts.calculator.tol: unknown key; did you mean "tool"?',
        'conclave.yaml:9: pools.default.experts[0]: no expert "codr"; did you mean "coder"?',
    ]


def test_a_circle_of_fallbacks_is_refused_once(complaints: Complain) -> None:
    text = changed("${GPT_KEY}}", "${GPT_KEY}, fallback: [coder]}").replace('code."}', 'code.", fallback: [gpt]}')

    assert complaints(text) == [
        "conclave.yaml:5: experts.coder.fallback[0]: fallbacks go in a circle: coder > gpt > coder"
    ]


@pytest.mark.parametrize("key", ["sk-very-secret", "[sk-very-secret]", "{a: sk-very-secret}"])
def test_a_key_written_into_the_file_is_refused_and_never_shown(complaints: Complain, key: str) -> None:
    said = "\n".join(complaints(changed("${GPT_KEY}", key)))

    assert "conclave.yaml:7: experts.gpt.key: " in said
    assert "very-secret" not in said


def test_an_endpoint_whose_variable_is_not_set_is_refused(complaints: Complain) -> None:
    text = changed("key: ${GPT_KEY}", "endpoint: ${GPT_URL}/v1")

    assert complaints(text) == ["conclave.yaml:7: experts.gpt.endpoint: the variable GPT_URL is not set"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "conclave.yaml:1: expected a mapping with the keys of conclave.yaml"),
        ("- 1\n", "conclave.yaml:1: expected a mapping with the keys of conclave.yaml"),
        ("a: 1\n---\nb: 2\n", "conclave.yaml:2: a second document; one file holds one"),
        ("a: !!python/name:os.system\n", "conclave.yaml:1: tags are not read"),
        ("a: *b\n", "conclave.yaml:1: *b refers to nothing above"),
        ("? [a]\n: 1\n", "conclave.yaml:1: a key must be plain text"),
        ("a: " + "[" * 100 + "]" * 100, "conclave.yaml:1: nested deeper than 24 levels"),
        ("a: &a [*a]\n", "conclave.yaml:1: more than 20000 values, or an alias inside itself"),
        ("a" * 300_000, "conclave.yaml: larger than 262144 bytes"),
    ],
)
def test_what_is_not_one_plain_mapping_is_refused(complaints: Complain, text: str, said: str) -> None:
    assert complaints(text) == [said]


def test_broken_yaml_names_the_line(complaints: Complain) -> None:
    (said,) = complaints("version: 1\nexperts: {a: [}\n")

    assert said.startswith("conclave.yaml:2: not valid YAML: ")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yaml: cannot be read: No such file"):
        load_configuration(tmp_path / "absent.yaml", {})


def test_a_missing_key_leaves_the_expert_out_with_a_remark(examined: Examine) -> None:
    found = examined(GOOD)

    assert found.configuration.expert("gpt").secret == "GPT_KEY"
    assert found.configuration.secrets == {}
    assert "experts.gpt: GPT_KEY is not set; it is left out of every panel" in found.remarks
