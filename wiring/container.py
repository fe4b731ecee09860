"""Everything a process works with, built once from settings and configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from agents.convening import Convener
from core.clock import Clock
from core.errors import ConclaveError
from core.ids import IdSource, PoolName
from core.ports import (
    Doorbell,
    Embedder,
    FeedbackLog,
    Gateway,
    HostDirectory,
    KeyStore,
    Ledger,
    Mailbox,
    ProfileStore,
    Recruiter,
    RunLog,
    Spending,
    UsageLog,
)
from core.profiles import ProfileSet
from core.settings import Settings
from wiring.configuration.values import Configuration
from wiring.regrets import Regrets

Probe = Callable[[], Awaitable[str | None]]
"""Returns what is wrong with one part, or nothing."""

WarmUp = Callable[[], Awaitable[object]]
"""Loads what the first query would otherwise wait for."""


@dataclass(frozen=True, slots=True)
class Container:
    """The ports of one process, each with its adapter; close it with `aclose`.

    `routed_by` returns the profiles a pool is routed by now.
    """

    settings: Settings
    configuration: Configuration
    clock: Clock
    ids: IdSource
    gateway: Gateway
    recruiter: Recruiter
    convener: Convener
    ledger: Ledger
    mailbox: Mailbox
    hosts: HostDirectory
    doorbell: Doorbell
    runs: RunLog
    usage: UsageLog
    spending: Spending
    profiles: ProfileStore
    feedback: FeedbackLog
    routed_by: Callable[[PoolName], ProfileSet]
    regrets: Regrets
    keys: KeyStore
    embedder: Embedder
    probes: dict[str, Probe]
    warm_ups: tuple[WarmUp, ...]
    closing: AsyncExitStack

    async def ready(self) -> dict[str, str]:
        """Return what is not ready, by part, with the reason; empty when everything is."""
        wrong: dict[str, str] = {}
        for part, probe in self.probes.items():
            try:
                reason = await probe()
            except ConclaveError as error:
                reason = error.message
            if reason is not None:
                wrong[part] = reason
        return wrong

    async def warm(self) -> None:
        """Load what the first query needs: the embedding model, the skills of every pool, the graph."""
        for warm_up in self.warm_ups:
            await warm_up()

    async def aclose(self) -> None:
        """Flush what is buffered and close every connection, the last opened first."""
        await self.closing.aclose()
