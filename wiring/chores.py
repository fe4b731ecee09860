"""What a process does again and again for as long as it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from core.errors import ConclaveError, origin_of

_log = structlog.get_logger(__name__)


async def again_and_again(work: Callable[[], Awaitable[None]], every_s: float, *, after_s: float = 0.0) -> None:
    """Do `work` after `after_s` seconds and then every `every_s`; a failure is logged and does not end it."""
    await asyncio.sleep(after_s)
    while True:
        try:
            await work()
        except ConclaveError as error:
            _log.warning("chore.failed", chore=work.__qualname__, code=error.error_code, reason=error.message)
        except Exception as error:  # noqa: BLE001  # a fault of one round must not end the rounds
            # Not the whole traceback: reading source files blocks the loop.
            _log.error("chore.broke", chore=work.__qualname__, error=type(error).__name__, where=origin_of(error))
        await asyncio.sleep(every_s)
