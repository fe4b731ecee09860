"""`conclave profile` tells what was measured, of answering and of aggregating, and carries it elsewhere and back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from core.clock import SystemClock
from core.feedback import Feedback
from core.ids import ExpertName, KeyId, PoolName, RunId, SkillName
from core.skills import Skill
from routing.profiles import Outcome, build_profiles, dump_profiles, load_profiles
from tests.cli.conftest import Run
from tests.evals.recorded import items, recorded
from tests.routing.pool import AT
from wiring.stores import open_feedback

_RECORDED = """
version: 1
experts:
  clerk: {{recorded: law-small, options: {{pool: {folder}}}}}
pools:
  lawyers: {{experts: [clerk]}}
"""
A, B = ExpertName("a"), ExpertName("b")
MATHS, SUMS = SkillName("maths"), SkillName("sums")
SKILLS = (Skill(MATHS), Skill(SUMS, parent=MATHS))


def shown(conclave: Run, folder: Path, *syntheses: Outcome) -> dict[str, list[str]]:
    """What is shown of a profile, the cells of a row by its name."""
    own = [Outcome(A, (SUMS,), True), Outcome(B, (SUMS,), False)]
    path = folder / "profile.json"
    path.write_text(dump_profiles(build_profiles("default", "q1", AT, SKILLS, own, syntheses)), encoding="utf-8")
    done = conclave("profile", "show", "--file", str(path))
    assert done.returncode == 0, done.stderr
    rows = [line.split("  ") for line in done.stdout.splitlines()]
    return {row[0].strip(): [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}


def test_aggregating_is_shown_overall_and_by_category(conclave: Run, tmp_path: Path) -> None:
    syntheses = (Outcome(A, (MATHS,), True), Outcome(A, (MATHS,), False), Outcome(A, (MATHS,), None))

    rows = shown(conclave, tmp_path, *syntheses)

    assert rows["(all)"] == ["1/1", "0/1"]
    assert rows["(as aggregator)"] == rows["(as aggregator: maths)"] == ["1/2, 1 declined", "-"]


def test_where_nobody_was_probed_no_category_is_shown(conclave: Run, tmp_path: Path) -> None:
    rows = shown(conclave, tmp_path)

    assert rows["(as aggregator)"] == ["-", "-"]
    assert not [name for name in rows if name.startswith("(as aggregator:")]


def test_what_was_exported_is_what_is_imported_and_shown(conclave: Run, postgres_url: str, tmp_path: Path) -> None:
    shipped, newer, again = (tmp_path / f"{name}.json" for name in ("shipped", "newer", "again"))
    known = {"CONCLAVE_DATABASE_URL": postgres_url}
    assert conclave("profile", "export", str(shipped), **known).returncode == 0
    profiles = load_profiles(shipped)
    profiles = replace(profiles, measured_at=profiles.measured_at + timedelta(days=1))
    newer.write_text(dump_profiles(profiles), encoding="utf-8")

    assert conclave("profile", "import", str(newer), **known).returncode == 0
    assert conclave("profile", "export", str(again), **known).returncode == 0
    assert load_profiles(again) == profiles
    refused = conclave("profile", "import", str(shipped), **known)
    assert (refused.returncode, "a newer profile is stored" in refused.stderr) == (1, True)


def test_a_place_that_cannot_be_written_to_is_named(conclave: Run, tmp_path: Path) -> None:
    done = conclave("profile", "export", str(tmp_path / "nowhere" / "profile.json"))

    assert (done.returncode, "nowhere/profile.json: cannot be written" in done.stderr) == (2, True)


async def test_an_expert_that_left_its_profile_is_marked(conclave: Run, postgres_url: str) -> None:
    quick = ExpertName("quick")
    async with open_feedback(postgres_url) as log:
        for number in range(80):
            run, pool, now = RunId(f"run {number}"), PoolName("default"), SystemClock().now()
            await log.give(Feedback(run, pool, KeyId("key"), 0.0, now, {quick: 0.0}))

    shown = await asyncio.to_thread(conclave, "profile", "show", CONCLAVE_DATABASE_URL=postgres_url)

    assert "(in service)" in shown.stdout
    assert "worse: 0.00 where" in shown.stdout


def test_a_profile_is_built_from_a_recording_and_asks_nobody(conclave: Run, postgres_url: str, tmp_path: Path) -> None:
    folder = recorded(tmp_path, items(40))
    (tmp_path / "conclave.yaml").write_text(_RECORDED.format(folder=folder), encoding="utf-8")
    known = {"CONCLAVE_DATABASE_URL": postgres_url, "CONCLAVE_CONFIG": str(tmp_path / "conclave.yaml")}

    built = conclave("profile", "build", "--pool", "lawyers", "--recorded", str(folder), **known)
    shown = conclave("profile", "show", "--pool", "lawyers", **known)

    assert built.returncode == 0, built.stderr
    assert "profile" in shown.stdout.splitlines()[0]
    assert built.stdout == shown.stdout
