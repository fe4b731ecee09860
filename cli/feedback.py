"""`conclave feedback`: say how right a run's answer was."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.reaching import ask_service
from cli.terminal import AsJson, picked, print_json
from core.errors import InvalidRequest

_WORDS = {"right": 1.0, "wrong": 0.0}


def feedback(
    run: Annotated[str, typer.Argument(help="The run's id.", show_default=False)],
    score: Annotated[str, typer.Argument(help="right, wrong, or a share such as 0.5.", show_default=False)],
    expert: Annotated[
        str | None, typer.Option("--expert", help="Judge what this expert said, not the answer.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how right an answer was: the experts that gave it are routed by it from then on."""
    body: dict[str, Any] = {"run_id": run, "score": _share(score), **({} if expert is None else {"expert": expert})}
    told = ask_service(lambda client: client.post("/v1/feedback", body))
    if as_json:
        print_json(picked(told, "run_id", "pool", "score", "expert", "judged"))
        return
    judged = ", ".join(f"{one['expert']} {_word(one['right'])}" for one in told["judged"])
    typer.echo(judged or "kept; it tells of no single expert, as the answer is nobody's own")


def _share(score: str) -> float:
    try:
        share = _WORDS[score] if score in _WORDS else float(score)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InvalidRequest(f'score: "{score}" is neither right nor wrong nor a share in 0..1')
    return share


def _word(right: float) -> str:
    return next((word for word, share in _WORDS.items() if share == right), f"{right:g}")
