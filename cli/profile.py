"""`conclave profile`: what is known of each expert, and measuring it anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.situation import ConfigOption, configuration_of, configure_logging, settings_with
from cli.terminal import AsJson, print_json, print_table, say
from core.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.ids import ExpertName
    from core.profiles import ExpertProfile, ProfileSet
    from core.settings import Settings
    from routing.profiles.drift import Drift

app = typer.Typer(help="Measure experts, and show what was measured.", no_args_is_help=True)
PoolOption = Annotated[str, typer.Option("--pool", "-p", help="The pool.")]


@app.command("build")
def build(
    pool: PoolOption = "default",
    questions: Annotated[
        Path | None, typer.Option("--questions", help="A question file; the shipped set by default.")
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option("--recorded", help="Ask nobody: count what a recorded pool, a folder, holds.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the profile there as JSON.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Try it on so many questions; not stored.")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="Measure too who makes one right answer of mixed replies.")
    ] = True,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Ask every expert of a pool every question, check the answers, and store the profile.

    A running service routes by what is stored, so a part measured with --limit is only printed and written to --out.
    Answers are kept under CONCLAVE_HOME as they come: when interrupted, the next build goes on from there. With
    --recorded, an expert is the recorded model it is `recorded` from, or whose name it has.
    """
    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    if recorded is None:
        profiles = asyncio.run(_build(settings, pool, questions, limit, probe=probe))
    elif questions is not None or limit is not None:
        raise InvalidRequest("--recorded asks nobody, so it takes no --questions and no --limit")
    else:
        profiles = _remembered(settings, pool, recorded)
        asyncio.run(_take_in(settings, profiles))
        say(f"stored profile {profiles.version}")
    if out is not None:
        from routing.profiles import dump_profiles

        _write(out, dump_profiles(profiles))
    _show(profiles, as_json=as_json)


@app.command("show")
def show(
    pool: PoolOption = "default",
    file: Annotated[Path | None, typer.Option("--file", help="A profile written by build --out.")] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest profile of a pool: the measured one, else the one that ships."""
    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    if file is not None:
        from routing.profiles import load_profiles

        _show(load_profiles(file), as_json=as_json)
        return
    configuration_of(settings).pool(pool)
    profiles = asyncio.run(_latest(settings, pool))
    _show(profiles, {} if as_json else asyncio.run(_drifts(settings, profiles)), as_json=as_json)


@app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="The file to write.", show_default=False)],
    pool: PoolOption = "default",
    config: ConfigOption = None,
) -> None:
    """Write the newest profile of a pool to a file: the measured one, else the one that ships."""
    from routing.profiles import dump_profiles

    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    configuration_of(settings).pool(pool)
    profiles = asyncio.run(_latest(settings, pool))
    _write(out, dump_profiles(profiles))
    say(f"wrote profile {profiles.version} of {pool} to {out}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A profile written by export or by build --out.", show_default=False)],
    config: ConfigOption = None,
) -> None:
    """Store a profile that was measured elsewhere, for the pool it is of; not over a newer one."""
    from routing.profiles import load_profiles

    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    profiles = load_profiles(file)
    asyncio.run(_take_in(settings, profiles))
    say(f"stored profile {profiles.version} of {profiles.pool}; a running service takes it up within 15 seconds")


async def _build(
    settings: Settings, pool: str, questions: Path | None, limit: int | None, *, probe: bool
) -> ProfileSet:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from cli.reaching import running_parts
    from evals.journal import Journal
    from evals.profiling import measure, questions_id
    from evals.questions.reading import default_questions, load_questions
    from wiring.build import build_container

    asked = (load_questions(questions) if questions else default_questions())[:limit]
    spec = configuration_of(settings).pool(pool)
    async with running_parts(settings, roles=("host", "worker")) as with_stores:
        container = await build_container(with_stores)
        journal = Journal(
            settings.home / "profiles" / f"{pool}-{questions_id(asked)}-{container.configuration.version}.jsonl"
        )
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        try:
            with Progress(*columns, console=Console(stderr=True)) as bars:
                tasks = {str(expert): bars.add_task(expert, total=len(asked)) for expert in spec.experts}

                def progress(who: str, done: int, total: int) -> None:
                    if who not in tasks:
                        tasks[who] = bars.add_task(who)
                    bars.update(tasks[who], completed=done, total=total)

                profiles = await measure(container, spec, asked, journal, progress, probe=probe)
            if limit is None:
                await container.profiles.save(profiles)
        finally:
            await container.aclose()
    say(f"{'stored' if limit is None else 'did not store'} profile {profiles.version}")
    return profiles


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{path}: cannot be written: {error.strerror}") from None


def _remembered(settings: Settings, pool: str, folder: Path) -> ProfileSet:
    from core.clock import SystemClock
    from evals.remembering import remembered
    from experts.recording import read_pool

    configuration = configuration_of(settings)
    spec = configuration.pool(pool)
    experts = [configuration.expert(name) for name in spec.experts]
    say(f"reading {folder}")
    return remembered(spec, experts, read_pool(folder), SystemClock().now())


async def _latest(settings: Settings, pool: str) -> ProfileSet:
    from core.ids import PoolName
    from routing.profiles import load_profiles
    from wiring.stores import SHIPPED_PROFILES, known_database, open_profiles

    url = known_database(settings)
    if url is not None:
        async with open_profiles(url) as store:
            found = await store.latest(PoolName(pool))
            if found is not None:
                return found
    if pool == "default" and SHIPPED_PROFILES.exists():
        return load_profiles(SHIPPED_PROFILES)
    raise NotFound(f"no profile of {pool} was measured; run: conclave profile build --pool {pool}")


async def _take_in(settings: Settings, profiles: ProfileSet) -> None:
    from wiring.importing import take_in
    from wiring.stores import open_profiles, reachable_database

    pool = configuration_of(settings).pool(profiles.pool)
    async with reachable_database(settings) as url, open_profiles(url) as store:
        await take_in(store, pool, profiles)


async def _drifts(settings: Settings, profiles: ProfileSet) -> Mapping[ExpertName, Drift]:
    """Return which experts have left the profile, by the feedback of the database, if one is known."""
    from core.clock import SystemClock
    from core.ids import PoolName
    from routing.profiles import HORIZON, drifts_of
    from wiring.stores import known_database, open_feedback

    url = known_database(settings)
    if url is None:
        return {}
    async with open_feedback(url) as log:
        return drifts_of(profiles, await log.since(PoolName(profiles.pool), SystemClock().now() - HORIZON))


def _show(profiles: ProfileSet, drifts: Mapping[ExpertName, Drift] | None = None, *, as_json: bool) -> None:
    if as_json:
        import json

        from routing.profiles import dump_profiles

        print_json(json.loads(dump_profiles(profiles)))
        return
    measured = profiles.measured_at.isoformat(timespec="seconds")
    typer.echo(f"profile {profiles.version} of {profiles.pool}, questions {profiles.questions_id}, measured {measured}")
    experts = list(profiles.experts.values())
    rows: list[list[str]] = [["(all)", *(_record(expert.overall) for expert in experts)]]
    rows += [[skill.name, *(_record(expert.on(skill.name)) for expert in experts)] for skill in profiles.skills]
    rows.append(["(as aggregator)", *(_record(expert.synthesis) for expert in experts)])
    rows += [
        [f"(as aggregator: {skill})", *(_record(expert.aptitude.get(skill)) for expert in experts)]
        for skill in sorted({skill for expert in experts for skill in expert.aptitude})
    ]
    if drifts:
        rows.append(["(in service)", *(_moved(drifts.get(expert.expert)) for expert in experts)])
    rows.append(["(seconds a call)", *(_seconds(expert) for expert in experts)])
    print_table(("skill", *(expert.expert for expert in experts)), rows)


def _record(record: Any) -> str:
    if record is None or not record.asked:
        return "-"
    declined = f", {record.declined} declined" if record.declined else ""
    return f"{record.wins}/{record.seen}{declined}"


def _moved(drift: Drift | None) -> str:
    if drift is None:
        return "-"
    told = f"{drift.right:.2f} where {drift.expected:.2f} was measured"
    return f"{drift.direction.value}: {told}, {drift.verdicts} verdicts"


def _seconds(expert: ExpertProfile) -> str:
    return f"{expert.mean_latency_s:.2f}"
