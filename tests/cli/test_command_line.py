"""Data on stdout, everything else on stderr, exit 2 for misuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from routing.recruiters import RECRUITERS
from tests.architecture.tree import ROOT
from tests.cli.conftest import Run
from tests.fixtures.servers import DatabaseServer

VERBS = (
    *("serve", "ask", "route", "experts", "pools", "profile", "config", "keys", "bench", "doctor", "demo"),
    *("models", "hosts", "api", "worker", "host", "migrate"),
    *("batch", "feedback", "regret", "routers", "eval", "usage", "budgets"),
)


def test_help_names_every_verb(conclave: Run) -> None:
    done = conclave("--help")

    assert done.returncode == 0
    assert [verb for verb in VERBS if f" {verb} " not in done.stdout] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = CliRunner().invoke(app, [verb, "--help"])

    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_the_version_is_told(conclave: Run) -> None:
    assert conclave("--version").stdout.startswith("conclave ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("serve", "--port", "99999"),
        ("ask",),
        ("ask", " "),
        ("ask", "hello", "--usd", "0"),
        ("keys", "create", "--scope", "everything"),
        ("models", "load"),
        ("hosts", "drain"),
        ("config", "check", "absent.yaml"),
        ("profile", "show", "--pool", "absent"),
        ("migrate",),
    ],
)
def test_misuse_ends_with_two_and_says_why_on_stderr(conclave: Run, arguments: tuple[str, ...]) -> None:
    done = conclave(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr


def test_a_service_that_does_not_answer_ends_with_one(conclave: Run) -> None:
    done = conclave("ask", "hello", CONCLAVE_URL="http://127.0.0.1:9", CONCLAVE_API_KEY="k")

    assert done.returncode == 1
    assert "http://127.0.0.1:9 does not answer" in done.stderr


@pytest.mark.parametrize("words", [("ask", "hello"), ("models", "ls")])
def test_the_key_of_this_home_is_not_sent_to_another_machine(
    conclave: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    home = tmp_path / "with-a-key"
    home.mkdir()
    (home / "key").write_text("of this home")

    done = conclave(*words, CONCLAVE_URL="http://192.0.2.1:9", CONCLAVE_HOME=str(home))

    assert done.returncode != 0
    assert "set CONCLAVE_API_KEY" in done.stderr


def test_experts_are_listed_with_what_keeps_them_from_answering(conclave: Run, tmp_path: Path) -> None:
    path = tmp_path / "conclave.yaml"
    path.write_text(
        "version: 1\nexperts:\n  gpt: {model: openai/gpt-4o-mini, key: ${GPT_KEY}}\n  sum: {tool: calculator}\n"
        "pools: {default: {experts: [gpt, sum]}}\n",
        encoding="utf-8",
    )

    rows = json.loads(conclave("experts", "--config", str(path), "--json").stdout)["experts"]

    assert [(row["name"], row["kind"], row["health"]) for row in rows] == [
        ("gpt", "remote", "no key configured: set GPT_KEY"),
        ("sum", "tool", "ok"),
    ]
    assert rows[0]["price"]["input_per_million_usd"] > 0


def test_every_recruiter_is_listed_with_its_source(conclave: Run) -> None:
    listed = json.loads(conclave("routers", "--json").stdout)["routers"]

    assert {one["name"] for one in listed} == set(RECRUITERS)
    assert all(one["source"] and one["cold_start"] for one in listed)


def test_pools_are_listed(conclave: Run) -> None:
    (row,) = json.loads(conclave("pools", "ls", "--json").stdout)["pools"]

    assert row["name"] == "default"
    assert set(row["budget"]) == {"usd", "tokens", "calls", "seconds"}


def test_config_check_says_file_line_and_key(conclave: Run, tmp_path: Path) -> None:
    path = tmp_path / "conclave.yaml"
    path.write_text("version: 1\nexperts:\n  a: {tol: calculator}\npools: {default: {experts: [b]}}\n", "utf-8")

    done = conclave("config", "check", str(path))

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f'{path}:3: experts.a.tol: unknown key; did you mean "tool"?',
        f'{path}:4: pools.default.experts[0]: no expert "b"',
    ]


def test_config_check_counts_one_expert_and_one_pool_as_one(conclave: Run, tmp_path: Path) -> None:
    path = tmp_path / "conclave.yaml"
    path.write_text("version: 1\nexperts: {a: {tool: calculator}}\npools: {default: {experts: [a]}}\n", "utf-8")

    done = conclave("config", "check", str(path))

    assert "ok, 1 expert in 1 pool (version" in done.stdout


def test_config_check_accepts_what_ships(conclave: Run) -> None:
    done = conclave("config", "check", str(ROOT / "conclave.yaml"), "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["ok"] is True


def test_a_litellm_file_is_printed_as_conclave_yaml(conclave: Run, tmp_path: Path) -> None:
    path = tmp_path / "proxy.yaml"
    path.write_text("model_list: [{model_name: a, litellm_params: {model: groq/b, timeout: 3}}]\n", "utf-8")

    done = conclave("config", "import-litellm", str(path))

    assert "model: groq/b" in done.stdout
    assert done.stderr == f"{path}: note: experts.a: not carried over: timeout\n"


def test_the_schema_is_printed(conclave: Run) -> None:
    assert json.loads(conclave("config", "schema").stdout)["title"] == "Schema"


def test_doctor_finds_nothing_wrong_here(conclave: Run) -> None:
    done = conclave("doctor", "--json", CONCLAVE_PORT="0")

    found = json.loads(done.stdout)
    assert [check for check in found["checks"] if check["standing"] == "fail"] == []
    assert {"python", "packages", "configuration", "weights", "home", "port"} <= {
        check["name"] for check in found["checks"]
    }


def test_doctor_fails_on_a_configuration_that_is_wrong(conclave: Run, tmp_path: Path) -> None:
    path = tmp_path / "conclave.yaml"
    path.write_text("version: 1\n", encoding="utf-8")

    done = conclave("doctor", "--config", str(path))

    assert done.returncode == 1
    assert f"{path}:1: experts: missing" in done.stdout


def test_doctor_fails_on_missing_weights_and_names_what_to_install(conclave: Run, tmp_path: Path) -> None:
    path = tmp_path / "conclave.yaml"
    path.write_text(
        "version: 1\nmodels:\n  tiny: {engine: llama, sources: [{package: tiny-weights-of-nobody}], "
        f"sha256: {'a' * 64}, context: 128, slots: 1, memory: 1MiB}}\n"
        "experts: {small: {model: hosted/tiny}}\npools: {default: {experts: [small]}}\n",
        encoding="utf-8",
    )

    done = conclave("doctor", "--config", str(path), CONCLAVE_PORT="0")

    (line,) = [line for line in done.stdout.splitlines() if line.split()[:2] == ["fail", "weights"]]
    assert done.returncode == 1
    assert "tiny-weights-of-nobody" in line
    assert "make setup" in line


def test_a_part_that_is_not_there_is_not_well(conclave: Run, home: Path) -> None:
    done = conclave("health", "host", "--json")

    why = f"no host of {home} gave a sign of life within "
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["part"], told["ok"], told["why"][: len(why)]) == ("host", False, why)


def test_an_empty_database_is_migrated(conclave: Run, database_server: DatabaseServer) -> None:
    done = conclave("migrate", "--json", CONCLAVE_DATABASE_URL=database_server.fresh(empty=True))

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"migrated": True}


def test_a_key_is_shown_once_and_can_be_revoked(conclave: Run) -> None:
    made = json.loads(conclave("keys", "create", "--name", "bob", "--scope", "run", "--json").stdout)
    revoked = conclave("keys", "revoke", made["id"])
    (listed,) = json.loads(conclave("keys", "ls", "--json").stdout)["keys"]

    assert made["key"].startswith(f"cvl_{made['id']}_")
    assert revoked.returncode == 0
    assert (listed["name"], listed["usable"]) == ("bob", False)
    assert made["key"] not in str(listed)


def test_a_key_that_is_not_there_cannot_be_revoked(conclave: Run) -> None:
    done = conclave("keys", "revoke", "absent")

    assert done.returncode == 2
    assert "absent" in done.stderr
