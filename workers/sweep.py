"""What must happen even when processes and messages get lost: hosts are rung, holds and runs past their time ended."""

from __future__ import annotations

import structlog

from core.errors import ConclaveError
from core.ports import Doorbell, HostDirectory, Ledger, Mailbox, RunLog
from experts.hosted import best_host

_log = structlog.get_logger(__name__)
# A healthy host has claimed a request or is loading its model long before.
_OVERDUE_S = 1.0


class Sweep:
    """One round of mending. Safe to run in several workers at once: ringing and freeing twice change nothing."""

    def __init__(
        self, *, mailbox: Mailbox, hosts: HostDirectory, doorbell: Doorbell, ledger: Ledger, runs: RunLog
    ) -> None:
        """Mend with these ports."""
        self._mailbox = mailbox
        self._hosts = hosts
        self._doorbell = doorbell
        self._ledger = ledger
        self._runs = runs

    async def run(self) -> None:
        """Do every part of a round; what one part meets does not keep the others from running."""
        for part in (self._ring, self._expire, self._lose):
            try:
                await part()
            except ConclaveError as error:
                _log.warning("sweep.failed", part=part.__name__, code=error.error_code, reason=error.message)

    async def _ring(self) -> None:
        # Reading the backlog also returns requests of dead hosts to their mailboxes.
        overdue = [entry for entry in await self._mailbox.backlog() if entry.oldest_s >= _OVERDUE_S]
        if not overdue:
            return
        hosts = await self._hosts.hosts()
        for entry in overdue:
            host = best_host(hosts, entry.model)
            if host is None:
                _log.warning("sweep.no_host", model=entry.model, waiting=entry.waiting, oldest_s=round(entry.oldest_s))
            elif host.serving is None:
                await self._doorbell.ring(host)

    async def _expire(self) -> None:
        freed = await self._ledger.expire()
        if freed:
            _log.info("sweep.holds_expired", holds=freed)

    async def _lose(self) -> None:
        lost = await self._runs.lose()
        if lost:
            _log.warning("sweep.runs_lost", runs=lost)
