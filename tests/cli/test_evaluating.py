"""`conclave eval routing` as people run it: what it writes, and every refusal names what is wrong and what is near."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.evals.recorded import items, recorded


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A recorded pool of which the first line is broken."""
    return recorded(tmp_path / "pool", ["{broken", *items()])


def told(conclave: Run, *arguments: str | Path) -> str:
    """Return what a refused run tells people."""
    done = conclave("eval", "routing", *map(str, arguments))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_an_unknown_recruiter_is_named_with_near_names(conclave: Run, data: Path) -> None:
    assert 'did you mean "conclave"' in told(conclave, "--data", data, "--recruiters", "conclve")


def test_an_unknown_sub_pool_is_named_with_near_names(conclave: Run, data: Path) -> None:
    assert 'did you mean "four"' in told(conclave, "--data", data, "--pool", "fuor", "--lenient")


def test_broken_lines_are_named_with_the_way_to_pass_them_over(conclave: Run, tmp_path: Path) -> None:
    said = told(conclave, "--data", recorded(tmp_path / "pool", [*items(4), "{broken", *items(1)]))

    assert "items.jsonl.gz:5" in said
    assert "items.jsonl.gz:6: id" in said
    assert "--lenient" in said


def test_without_a_recording_one_is_asked_for(conclave: Run) -> None:
    assert "give --data DIR, or set CONCLAVE_DATA" in told(conclave)


def test_marks_that_no_question_bears_are_refused_with_those_there_are(conclave: Run, data: Path) -> None:
    said = told(conclave, "--data", data, "--lenient", "--profile-split", "dev")

    assert 'no question is marked "dev"; marks there are: test, train' in said


def test_a_lenient_run_tells_what_it_passed_over_and_writes_everything(
    conclave: Run, data: Path, tmp_path: Path, home: Path
) -> None:
    out = tmp_path / "out"
    chosen = ("--recruiters", "conclave,random", "--splits", "2", "--lenient")

    done = conclave("eval", "routing", "--data", str(data), *chosen, "--out", str(out), "--json")

    assert done.returncode == 0, done.stderr
    assert "passed over: items.jsonl.gz:1" in done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert {one["recruiter"] for one in rows} == {"conclave", "random", "oracle", "majority of all"}
    assert json.loads((out / "routing.json").read_text(encoding="utf-8"))["rows"] == rows
    assert {path.name for path in out.iterdir()} >= {"routing.html", "four-price.png", "four-price.svg"}
    assert len(list((home / "evaluations").glob("*.npz"))) == 1
