"""Celery as this project uses it: broker settings shared with producers, and one way to run a worker."""

from __future__ import annotations

import platform
import threading
import warnings
from collections.abc import Callable

from celery import Celery, signals
from celery.platforms import SecurityWarning

from storage.queue import broker_settings

RUNS_QUEUE = "runs"
"""Where durable work waits for any run worker."""


def make_app(redis_url: str) -> Celery:
    """Return an application on the broker at `redis_url`; nothing is connected yet."""
    app = Celery("conclave", set_as_current=False)
    app.conf.update(
        broker_settings(redis_url),
        # Logging is the process's own, and one program's output is not another's log line.
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def consume(app: Celery, name: str, queue: str, on_stop: Callable[[], None] | None = None) -> int:
    """Take tasks from one queue, one at a time, until SIGTERM; return the exit code.

    Waits for a broker that is not there, for ever, with backoff. `on_stop` is called once, in a thread, when the
    worker is told to stop: running tasks are waited for, so it is there to end them.
    """
    stopping = threading.Event()

    def stop(**_: object) -> None:
        # Called inside a signal handler, where nothing may wait.
        if not stopping.is_set():
            stopping.set()
            if on_stop is not None:
                threading.Thread(target=on_stop, name="stopping").start()

    signals.worker_shutting_down.connect(stop, weak=False)
    worker = app.Worker(
        hostname=f"{name}@{platform.node()}",
        queues=[queue],
        # The thread pool, and not the solo one: it answers control messages while a task runs.
        pool="threads",
        concurrency=1,
        prefetch_multiplier=1,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    )
    # Only JSON is accepted, so nothing in a message is ever run, whoever we are.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    try:
        worker.start()
    finally:
        signals.worker_shutting_down.disconnect(stop)
    return int(worker.exitcode or 0)
