"""What a transport may offer beyond streaming, and the gateway uses where it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from core.calls import Call, Deadlines
from core.experts import ExpertSpec
from core.messages import Reply
from core.money import Micros
from core.usage import Usage


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call will use and cost when it goes well, known before it is made."""

    usage: Usage
    micros: Micros


@runtime_checkable
class CompletingTransport(Protocol):
    """A transport with a cheaper way when nobody needs the stream."""

    async def complete(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> Reply:
        """Return the whole reply; raises a `ConclaveError` when it cannot. Cancelling it cancels the call."""
        ...


@runtime_checkable
class QuotingTransport(Protocol):
    """A transport that can know the use and cost of a call beforehand."""

    async def quote(self, expert: ExpertSpec, call: Call) -> Quote | None:
        """Return the exact use and cost, or nothing when only a ceiling can be given."""
        ...


@runtime_checkable
class SelfReportingTransport(Protocol):
    """A transport that can say without a call that an expert cannot be called."""

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing when it can."""
        ...
