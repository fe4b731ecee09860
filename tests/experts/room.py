"""What the tests of this room set their scenes with: specs, calls, a gateway, a usage log that can be read."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.budgets import Budget
from core.calls import Call, Deadlines
from core.clock import Clock, ManualClock, SystemClock
from core.experts import Catalogue, ExpertSpec, Kind
from core.ids import ExpertName, KeyId, RunId
from core.messages import FinishPiece, Message, Piece, Role, Sampling, TextPiece
from core.money import Price
from core.ports import Transport
from core.purse import Purse
from core.runs import UsageRecord
from experts.gateway import ExpertGateway

PATIENT = Deadlines(connect=10.0, first_token=60.0, idle=60.0, total=90.0)
QUICK = Deadlines(connect=1.0, first_token=0.3, idle=0.3, total=5.0)
PRICE = Price(input_per_million=1_000_000, output_per_million=2_000_000)


class Lines:
    """A usage log that keeps its lines in memory."""

    def __init__(self) -> None:
        self.lines: list[UsageRecord] = []

    def record(self, line: UsageRecord) -> None:
        self.lines.append(line)

    async def flush(self) -> None:
        return None


def still() -> ManualClock:
    """A clock that moves only when told."""
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def spec(name: str, kind: Kind = Kind.SCRIPTED, target: str = "echo", **fields: Any) -> ExpertSpec:
    """An expert with a price, so that money can be seen."""
    options = tuple((key, str(value)) for key, value in fields.pop("options", {}).items())
    fallback = tuple(ExpertName(other) for other in fields.pop("fallback", ()))
    whole = ExpertSpec(ExpertName(name), kind, target, price=PRICE, options=options, fallback=fallback)
    return replace(whole, **fields)


def remote(name: str, model: str, url: str, **fields: Any) -> ExpertSpec:
    """An expert behind an upstream at `url`."""
    return spec(name, Kind.REMOTE, f"openai/{model}", endpoint=url, **fields)


def call(expert: str, text: str = "What is it?", budget: Budget | None = None, **fields: Any) -> Call:
    """A call with one user message and a purse of its own."""
    return Call(
        expert=ExpertName(expert),
        messages=fields.pop("messages", (Message(Role.USER, text),)),
        purse=Purse(budget or Budget(), fields.pop("clock", SystemClock())),
        run_id=RunId("run"),
        key_id=KeyId("key"),
        sampling=fields.pop("sampling", Sampling()),
        **fields,
    )


def gateway(
    transports: Mapping[Kind, Transport],
    *specs: ExpertSpec,
    clock: Clock | None = None,
    usage: Lines | None = None,
    deadlines: Deadlines = PATIENT,
) -> ExpertGateway:
    """A gateway over these experts, with the same deadlines for every kind."""
    catalogue = Catalogue({expert.name: expert for expert in specs})
    by_kind = dict.fromkeys(Kind, deadlines)
    return ExpertGateway(
        catalogue, transports, usage or Lines(), clock or SystemClock(), random.Random(7), deadlines=by_kind
    )


async def all_of(pieces: AsyncIterator[Piece]) -> tuple[str, FinishPiece]:
    """The text and the end of a whole stream."""
    said = [piece async for piece in pieces]
    last = said[-1]
    assert isinstance(last, FinishPiece)
    assert not any(isinstance(piece, FinishPiece) for piece in said[:-1])
    return "".join(piece.text for piece in said if isinstance(piece, TextPiece)), last
