"""How messages get on the broker, and the one set of broker settings that producers and workers share.

The producer side of Celery only; consumers live in `workers`. Celery is imported at the first ring, in a thread.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import structlog

from core.hosting import HostState

if TYPE_CHECKING:
    from celery import Celery

TAKE_TURNS = "take_turns"
"""The task that wakes a host; it carries no content."""

_RING_S = 2.0
# A host that does not take the message within a minute is woken by the sweep.
_MESSAGE_LIFE_S = 60
_HOUR_S = 3600
# For a ring only: who rings does not wait for a broker to come back.
_ONE_TRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}

_log = structlog.get_logger(__name__)


def broker_url(redis_url: str) -> str:
    """Return a Redis URL as Celery writes it: unix sockets have a scheme of their own there."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    return f"redis+socket://{parts.path}?virtual_host={parse_qs(parts.query).get('db', ['0'])[0]}"


def broker_settings(redis_url: str) -> dict[str, Any]:
    """Return the Celery settings every process on the broker must agree on; each has a measured reason.

    The shortest visibility timeout of all processes wins, and one below the longest task runs it several times at
    once. Lost work is recovered by leases and sweeps, which bound the attempts, not by the broker, which does not.
    """
    return {
        "broker_url": broker_url(redis_url),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": _HOUR_S,
            # By default lost messages are looked for every 100 s, whatever the visibility timeout says.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_timeout": 15,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "retry_on_timeout": True,
            "global_keyprefix": "conclave:celery:",
        },
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": True,
        # A task that kills its process would be run again for ever.
        "task_reject_on_worker_lost": False,
        "task_ignore_result": True,
        "task_time_limit": 900,
        "task_soft_time_limit": 870,
        "worker_prefetch_multiplier": 1,
        # With it the worker's main process dies when the connection is lost (celery issues 7185 and 9250).
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_soft_shutdown_timeout": 20,
        "worker_max_tasks_per_child": 200,
        "enable_utc": True,
    }


class CeleryDoorbell:
    """Wakes hosts. A ring that gets lost is mended by the sweep, so a broker that is away is logged, not raised."""

    def __init__(self, redis_url: str) -> None:
        """Ring through the broker at `redis_url`."""
        self._redis_url = redis_url
        self._celery: Celery | None = None
        # One thread: rings are rare, and Celery's connection stays in one place.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="doorbell")
        self._ringing: set[str] = set()

    async def ring(self, host: HostState) -> None:
        """Ask the host to take turns; returns within two seconds, whether or not the broker took the message."""
        if host.queue in self._ringing:
            return
        self._ringing.add(host.queue)
        sent = asyncio.get_running_loop().run_in_executor(self._thread, self._send, host.queue)
        sent.add_done_callback(lambda _: self._ringing.discard(host.queue))
        try:
            async with asyncio.timeout(_RING_S):
                await asyncio.shield(sent)
        except TimeoutError:
            _log.warning("doorbell.slow", queue=host.queue)

    async def aclose(self) -> None:
        """Let go of the broker."""
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)
        if self._celery is not None:
            await asyncio.to_thread(self._celery.close)

    def _send(self, queue: str) -> None:
        try:
            self._producer().send_task(TAKE_TURNS, queue=queue, expires=_MESSAGE_LIFE_S, retry=False)
        except Exception as error:  # noqa: BLE001  # the broker's client raises its vendors' errors as they are
            _log.warning("doorbell.unheard", queue=queue, reason=type(error).__name__)

    def _producer(self) -> Celery:
        if self._celery is None:
            from celery import Celery

            self._celery = Celery("conclave", set_as_current=False)
            self._celery.conf.update(broker_settings(self._redis_url))
            self._celery.conf.broker_transport_options.update(_ONE_TRY)
        return self._celery
