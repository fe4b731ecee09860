"""`conclave batch`: a file of requests in the batch format of the OpenAI API, answered with few loads of models."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.situation import ConfigOption, configuration_of, configure_logging, settings_with
from cli.terminal import AsJson, print_json, say, usd
from core.errors import InvalidRequest

if TYPE_CHECKING:
    from agents.batches import Outcome
    from api.openai.batch import BadLine, BatchLine
    from cli.batch_files import AnswerFile
    from core.ids import ModelName
    from core.settings import Settings
    from evals.batching import Served
    from wiring.configuration.values import Configuration

_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file: lines that were in order, those answered before, those that were not in order."""

    lines: int
    before: int
    bad: int
    served: Served

    @property
    def failed(self) -> int:
        """Return the lines without an answer."""
        return self.bad + self.served.failed


def batch(
    file: Annotated[Path, typer.Argument(help="JSON Lines: custom_id, method, url, body.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where answers go; what it answers already is not asked.")],
    pool: Annotated[
        str | None, typer.Option("--pool", "-p", help="Ask this in every line, whatever its body names as model.")
    ] = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, max=10_000, help="Lines under way together.")] = 512,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Answer every line of a batch file, each model loaded about once for all of them.

    Each line is an ordinary question. All are routed first; then one model after another serves its calls of all lines.
    When interrupted, the same command goes on where it stopped; it also asks again what failed. Exit code 1 when a line
    failed.
    """
    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    try:
        done = _batch(settings, file, out, pool, at_once)
    except KeyboardInterrupt:
        say(f"interrupted; what was answered is in {out}, and the same command goes on from there")
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        told = {**done.served.as_json(), "failed": done.failed}
        print_json({"lines": done.lines, "answered_before": done.before, **told, "out": str(out)})
    else:
        _show(done, out)
    if done.failed:
        raise typer.Exit(1)


def _batch(settings: Settings, file: Path, out: Path, pool: str | None, at_once: int) -> Done:
    from api.openai.batch import BatchLine, came_of_bad
    from cli.batch_files import AnswerFile, read_lines
    from core.clock import SystemClock
    from evals.batching import Served

    lines = read_lines(file)
    if out.exists() and out.samefile(file):
        raise InvalidRequest("--out names the batch file itself")
    configuration = configuration_of(settings)
    read = _read(configuration, lines, pool)
    good = [line for line in read if isinstance(line, BatchLine)]
    bad = [line for line in read if not isinstance(line, BatchLine)]
    with AnswerFile(out, SystemClock()) as answers:
        for line in bad:
            answers.append(came_of_bad(line))
            say(f"{file}:{line.number}: {line.error.message.removeprefix(f'line {line.number}: ')}")
        asked = [line for line in good if line.custom_id not in answers.answered]
        served = asyncio.run(_serve(settings, configuration, asked, answers, at_once)) if asked else Served()
    return Done(len(read), len(good) - len(asked), len(bad), served)


def _read(
    configuration: Configuration, lines: Sequence[tuple[int, bytes]], pool: str | None
) -> list[BatchLine | BadLine]:
    from api.openai.batch import BatchReader
    from core.clock import SystemClock
    from core.ids import UlidSource

    reader = BatchReader(configuration, UlidSource(SystemClock()), pool)
    return [reader.line(number, text) for number, text in lines]


async def _serve(
    settings: Settings,
    configuration: Configuration,
    lines: Sequence[BatchLine],
    answers: AnswerFile,
    at_once: int,
) -> Served:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from api.openai.batch import came_of
    from cli.reaching import running_parts
    from evals.batching import serve_batch
    from wiring.build import build_container

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    fingerprint = f"fp_{configuration.version}"
    async with running_parts(settings, roles=("host", "worker")) as with_stores:
        container = await build_container(with_stores, configuration)
        try:
            await container.warm()
            with Progress(*columns, console=Console(stderr=True)) as bars:
                task = bars.add_task("serving", total=len(lines))

                def told(line: BatchLine, outcome: Outcome, model: ModelName | None) -> None:
                    created = int(container.clock.now().timestamp())
                    answers.append(came_of(line, outcome, created, fingerprint))
                    bars.update(task, advance=1, description=f"serving {model or ''}")

                return await serve_batch(container, lines, at_once, told)
        finally:
            await container.aclose()


def _show(done: Done, out: Path) -> None:
    served = done.served
    before = f", {done.before} before" if done.before else ""
    typer.echo(f"lines     {served.answered} answered{before}, {done.failed} failed, of {done.lines}; in {out}")
    rate = served.usage.output_tokens / served.seconds if served.seconds else 0.0
    typer.echo(
        f"took      {served.seconds:.1f} s, {served.usage.output_tokens:,} tokens written ({rate:.0f} a second), "
        f"{usd(served.micros / 1_000_000)}"
    )
    if not served.calls:
        return
    typer.echo(
        f"hosted    {served.calls} calls of {served.models} models, {served.loads.count} loads "
        f"({served.loads.seconds:.1f} s), {served.switches} turns"
    )
    if served.arrival is not None and served.arrival_seconds is not None:
        typer.echo(
            f"estimate  in the order of the file: {served.arrival.count} loads, {served.arrival_seconds:.1f} s "
            "(the same serving, other loads)"
        )
