"""`conclave eval`: how good recruiters are on recorded outcomes, and how good the experts of a recorded pool are."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.situation import configure_logging, settings_with
from cli.terminal import AsJson, print_table, say
from core.errors import NotFound

if TYPE_CHECKING:
    from core.settings import Settings
    from evals.routing.evaluation import Evaluated
    from evals.routing.material import Material

app = typer.Typer(help="Evaluate recruiters and experts on recorded outcomes.", no_args_is_help=True)
DataOption = Annotated[
    Path | None, typer.Option("--data", help="A recorded pool: a folder with pool.json (CONCLAVE_DATA).")
]
PoolOption = Annotated[list[str] | None, typer.Option("--pool", help="A sub-pool of it; all of them by default.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Pass over what is wrong in the recording and use the rest.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Also write a JSON, a page and plots there.")]


@app.command("routing")
def routing(
    data: DataOption = None,
    pool: PoolOption = None,
    recruiters: Annotated[
        str | None, typer.Option("--recruiters", help="Some of them, with commas between.", show_default=False)
    ] = None,
    splits: Annotated[
        int, typer.Option("--splits", min=1, max=20, help="So many random halves to learn and test.")
    ] = 5,
    profile_split: Annotated[
        str | None, typer.Option("--profile-split", help="Learn from questions so marked.", show_default=False)
    ] = None,
    test_split: Annotated[
        str | None, typer.Option("--test-split", help="Test on questions so marked.", show_default=False)
    ] = None,
    out: OutOption = None,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Replay recruiters on recorded questions: learn on one half, test on the other, in every split anew.

    The default recruiter is shown at several settings, and along its whole curve of price against accuracy.
    """
    from evals.routing.evaluation import evaluate, splits_of
    from routing.recruiters.registry import RECRUITERS

    names = list(RECRUITERS) if recruiters is None else [name.strip() for name in recruiters.split(",")]
    for name in names:
        if name not in RECRUITERS:
            raise NotFound.named("recruiter", name, RECRUITERS)
    settings = settings_with()
    configure_logging(settings, quiet=True)
    found = []
    for material in _materials(settings, data, pool or [], lenient=lenient):
        evaluated = evaluate(material, splits_of(material, splits, profile_split, test_split), names, say)
        found.append(evaluated)
        if not as_json:
            _show(evaluated)
    if as_json:
        typer.echo(json.dumps({"rows": [row for evaluated in found for row in evaluated.rows]}, ensure_ascii=False))
    if out is not None:
        _write(found, out)


@app.command("pool")
def rank(
    data: DataOption = None,
    pool: PoolOption = None,
    out: OutOption = None,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Rank the experts of a recorded pool in Swiss rounds over its categories, and show what each is good at.

    `wins` is the expected number of rounds won when pairs are drawn among those with as many wins; `fall` how much of
    it is lost when the lowest leave after each round: a steep fall is a specialist's.
    """
    from evals.routing.plots import draw_ranking
    from evals.routing.standings import ranked

    settings = settings_with()
    configure_logging(settings, quiet=True)
    found = [ranked(one) for one in _materials(settings, data, pool or [], lenient=lenient)]
    for one in found:
        if not as_json:
            typer.secho(f"\n{one.material.name}: rounds {', '.join(one.skills)}", bold=True)
            columns = ("expert", "family", "accuracy", "wins", "fall", "price_per_1k")
            print_table(columns, [["" if row[c] is None else str(row[c]) for c in columns] for row in one.rows])
        if out is not None:
            for path in draw_ranking(one, out):
                say(f"wrote {path}")
    if as_json:
        typer.echo(json.dumps({one.material.name: list(one.rows) for one in found}, ensure_ascii=False))


def _materials(settings: Settings, data: Path | None, pools: list[str], *, lenient: bool) -> list[Material]:
    from core.errors import ConfigurationError
    from core.settings import environment
    from evals.routing.material import materials, read_questions
    from evals.routing.vectors import KeptEmbedder
    from experts.recording import read_pool
    from routing.embedding import LocalEmbedder

    folder = data or (Path(named) if (named := environment().get("CONCLAVE_DATA")) else None)
    if folder is None:
        raise ConfigurationError("no recorded pool: give --data DIR, or set CONCLAVE_DATA")
    recording = read_pool(folder, lenient=lenient)
    for fault in recording.faults:
        say(f"passed over: {fault}")
    for wanted in pools:
        if wanted not in {*recording.subpools, "all"}:
            raise NotFound.named("sub-pool", wanted, [*recording.subpools, "all"])
    embedder = KeptEmbedder(LocalEmbedder(timeout_s=600), settings.home / "evaluations")
    readings = asyncio.run(read_questions(recording, embedder, say))
    embedder.keep()
    return materials(recording, readings, pools)


def _show(evaluated: Evaluated) -> None:
    from evals.routing.pages import COLUMNS, told

    typer.secho(f"\n{evaluated.material.name}", bold=True)
    shown = [(key, title) for key, title in COLUMNS[:10] if any(row.get(key) is not None for row in evaluated.rows)]
    rows = [[told(row.get(key)) for key, _ in shown] for row in evaluated.rows if "thrift" not in str(row["point"])]
    print_table([title for _, title in shown], rows)


def _write(found: list[Evaluated], folder: Path) -> None:
    from evals.routing.pages import page
    from evals.routing.plots import draw

    folder.mkdir(parents=True, exist_ok=True)
    drawn = [(evaluated, draw(evaluated, folder)) for evaluated in found]
    rows = [row for evaluated in found for row in evaluated.rows]
    (folder / "routing.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    command = "conclave " + shlex.join(sys.argv[1:])
    (folder / "routing.html").write_text(page(drawn, command), encoding="utf-8")
    say(f"wrote {folder / 'routing.html'}")
