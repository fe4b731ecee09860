"""`conclave demo`: starts the service, asks two real questions with the official `openai` client, and stops it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.situation import configuration_of, configure_logging, settings_with
from cli.terminal import AsJson, print_json, say
from core.errors import ConclaveError, Unavailable

if TYPE_CHECKING:
    from core.settings import Settings

QUESTIONS: dict[str, dict[str, int]] = {
    "What is 17.5% of 2340?": {},
    "Why does ice float on water? Answer in two or three sentences.": {"k": 3},
}
"""What is asked, and what is wished of the answer: an answer in words is one expert's unless a panel is asked for."""
_PATIENCE_S = 300.0


def demo(as_json: AsJson = False) -> None:
    """Start the service, ask it an arithmetic and an open question over HTTP, show how each was answered, stop."""
    settings = settings_with()
    configure_logging(settings, quiet=True)
    told = asyncio.run(_demo(settings, draws=not as_json))
    if as_json:
        print_json({"questions": told})


async def _demo(settings: Settings, *, draws: bool) -> list[dict[str, Any]]:
    from core.clock import SystemClock
    from wiring.supervision.installation import Installation

    clock, told = SystemClock(), []
    began = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="conclave-demo-", ignore_cleanup_errors=True) as folder:
        # A state directory of its own: a service that already runs here is left alone.
        passing = settings.model_copy(update={"home": Path(folder), "host": "127.0.0.1", "port": 0})
        async with Installation(passing, configuration_of(settings), clock, say) as installation:
            serving = await installation.start()
            say(f"ready after {clock.monotonic() - began:.1f} s at {serving.url}")
            for question, wishes in QUESTIONS.items():
                say(f"asking {serving.url}/v1 with the openai client")
                answer = await _ask(f"{serving.url}/v1", serving.new_key or "", question, wishes)
                told.append({"question": question} | answer)
                if draws:
                    _show(question, answer)
            say("stopping")
    say("stopped; nothing is left running")
    return told


async def _ask(base_url: str, key: str, question: str, wishes: dict[str, int]) -> dict[str, Any]:
    try:
        from openai import APIError, AsyncOpenAI
    except ImportError:
        raise ConclaveError("the openai client is not installed; run `make setup`") from None
    async with AsyncOpenAI(base_url=base_url, api_key=key, timeout=_PATIENCE_S, max_retries=2) as client:
        try:
            completion = await client.chat.completions.create(
                model="default",
                messages=[{"role": "user", "content": question}],
                extra_body={"conclave": {"explain": True, "seed": 7, **wishes}},
            )
        except APIError as error:
            raise Unavailable(f"the question was not answered: {error.message}") from None
    told: dict[str, Any] = (completion.model_extra or {})["conclave"]
    return told


def _show(question: str, told: dict[str, Any]) -> None:
    from cli.explaining import draw

    typer.echo(f"\nquestion   {question}")
    draw(told)
    typer.echo()
