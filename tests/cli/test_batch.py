"""`conclave batch` answers every line it can, says what is wrong with the others, and goes on where it was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from tests.cli.conftest import Run
from tests.fixtures.service import Served, serving, until, variables

CONFIGURATION = """\
version: 1
experts:
  parrot: {script: echo, price: {output_per_million_usd: 1}}
  "no": {script: fail}
  slow: {script: echo, options: {first_ms: 300}}
pools:
  default: {experts: [parrot], k: {max: 1}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("batches"), CONFIGURATION) as service:
        yield service
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0


def line(custom_id: str, model: str = "default", **body: Any) -> str:
    """One request as a line."""
    asked = {"model": model, "messages": [{"role": "user", "content": f"about {custom_id}"}], **body}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": asked})


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def read(path: Path) -> dict[str | None, dict[str, Any]]:
    """The output lines by custom_id."""
    lines = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
    found = {told["custom_id"]: told for told in lines}
    assert len(found) == len(lines)
    return found


def test_every_line_is_answered_as_the_api_would(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    lines = [line("a"), line("b", "expert/parrot"), line("c", "default/panel", conclave={"explain": True})]

    done = served.run("batch", written(tmp_path / "in.jsonl", *lines), "--out", str(out), "--json")

    told = read(out)
    answers = {name: ChatCompletion.model_validate(one["response"]["body"], strict=True) for name, one in told.items()}
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["answered"], summary["failed"]) == (0, 3, 0)
    assert summary["cost_usd"] == pytest.approx(12e-6)
    assert {a.choices[0].message.content for a in answers.values()} == {f"You asked: about {n}" for n in "abc"}
    assert {one["response"]["status_code"] for one in told.values()} == {200}
    assert told["a"]["response"]["body"]["conclave"].keys() == {"run_id", "cost_usd"}
    assert told["c"]["response"]["body"]["conclave"]["decision"]["panel"][0]["expert"] == "parrot"


def test_what_is_wrong_is_said_line_by_line_and_the_rest_is_answered(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    lines = ["nonsense", line("ok"), line("pool", "nope"), line("ok2").replace("chat/completions", "embeddings")]
    lines += [line("failing", "expert/no"), line("odd", temperature=9)]

    done = served.run("batch", written(tmp_path / "in.jsonl", *lines), "--out", str(out))

    told = read(out)
    assert done.returncode == 1
    assert told["ok"]["response"]["status_code"] == 200
    assert told[None]["error"]["message"].startswith("line 1: ")
    assert "line 4: url" in told["ok2"]["error"]["message"]
    assert told["pool"]["response"]["status_code"] == 404
    assert told["failing"]["response"]["body"]["error"]["code"] == "upstream_error"
    assert told["odd"]["response"]["body"]["error"]["param"] == "temperature"
    assert "1 answered, 5 failed, of 6" in done.stdout


def test_the_second_of_two_lines_with_one_id_is_refused(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    done = served.run("batch", written(tmp_path / "in.jsonl", line("a"), line("a")), "--out", str(out))

    refused, answered = (json.loads(text) for text in out.read_text("utf-8").splitlines())
    assert done.returncode == 1
    assert refused["error"] == {"code": "duplicate_custom_id", "message": "line 2: custom_id: the same as in line 1"}
    assert answered["response"]["status_code"] == 200


def test_a_second_run_asks_only_what_has_no_answer(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    served.run("batch", written(tmp_path / "one.jsonl", line("a"), line("b", "expert/no")), "--out", str(out))
    first = read(out)["a"]
    out.write_bytes(out.read_bytes() + b'{"id": "batch_req_cut sho')

    done = served.run(
        "batch",
        written(tmp_path / "two.jsonl", *map(line, "abc")),
        "--out",
        str(out),
        "--pool",
        "expert/parrot",
        "--json",
    )

    told, summary = read(out), json.loads(done.stdout)
    assert (done.returncode, summary["answered"], summary["answered_before"]) == (0, 2, 1)
    assert told.keys() == {"a", "b", "c"}
    assert told["a"] == first
    assert told["b"]["response"]["body"]["model"] == "expert/parrot"


def test_an_interrupt_leaves_whole_lines_to_go_on_from(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    file = written(tmp_path / "in.jsonl", *(line(f"q{at}", "expert/slow") for at in range(12)))
    command = [sys.executable, "-m", "cli.main", "batch", file, "--out", str(out), "--at-once", "1"]
    with subprocess.Popen(command, env=variables(served.home), stderr=subprocess.PIPE, text=True) as process:
        assert until(lambda: out.exists() and out.stat().st_size > 0)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]

    before = read(out)
    done = served.run("batch", file, "--out", str(out), "--json")

    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert 0 < len(before) < 12
    assert (done.returncode, json.loads(done.stdout)["answered_before"]) == (0, len(before))
    assert len(read(out)) == 12


@pytest.mark.parametrize("text", [None, "a,b\n1,2\n", ""])
def test_what_is_no_batch_file_is_refused_at_once(conclave: Run, home: Path, tmp_path: Path, text: str | None) -> None:
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    if text is not None:
        file.write_text(text, encoding="utf-8")

    done = conclave("batch", str(file), "--out", str(out))

    assert done.returncode == 2
    assert str(file) in done.stderr
    assert not out.exists()
    assert not home.exists()


def test_the_batch_file_is_never_written_to(conclave: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "in.jsonl", line("a"))
    os.link(file, tmp_path / "same")

    done = conclave("batch", file, "--out", str(tmp_path / "same"))

    assert (done.returncode, Path(file).read_text("utf-8")) == (2, line("a"))
