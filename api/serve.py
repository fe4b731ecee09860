"""The API process: binds the socket first, serves on uvicorn, drains on SIGTERM."""

from __future__ import annotations

import errno
import gc
import signal
import socket
from types import FrameType
from typing import Final

import structlog
import uvicorn

from api.app import create_app
from api.front import Front
from api.service import Build, Service
from api.wire import BoundedProtocol
from core.errors import ConfigurationError
from core.settings import Settings, environment
from wiring.configuration.loading import load_configuration

_BACKLOG: Final = 2048
_KEEP_ALIVE_S: Final = 75
_NOTICE_S: Final = 0.5
_GRACE_S: Final = 30
_IMPATIENT_AFTER_S: Final = 2.0
_log = structlog.get_logger(__name__)


def run_api(settings: Settings, build: Build, *, open_metrics: bool = False) -> None:
    """Serve until told to stop; raises `ConfigurationError` when the address cannot be used or `build` gives up.

    On SIGTERM or SIGINT readiness turns to 503, then nothing new is accepted, and answers under way have half a minute;
    another signal, two seconds later or more, cuts them short.
    """
    # A request makes a few hundred short-lived objects: at the default of 700 the collector runs inside every one of
    # them (measured: 150 us a streamed pass-through with it, 100 us so).
    gc.set_threshold(50_000, 20, 50)
    listening = bind(*address_of(settings))
    try:
        serve(create_app(build, open_metrics=open_metrics), listening)
    finally:
        listening.close()


def serve(app: Front, listening: socket.socket) -> None:
    """Run `app` on a bound socket; raises the `ConclaveError` for which its container could not be built."""
    host, port = listening.getsockname()[:2]
    _log.info("api.listening", host=host, port=port)
    server_of(app).run(sockets=[listening])
    failed = app.service.failed
    if failed is not None and failed.done():
        raise failed.result()


def server_of(app: Front) -> DrainingServer:
    """Return the server for `app`, bounded and quiet."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        # Nothing here asks who is behind a proxy.
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return DrainingServer(config, app.service)


class DrainingServer(uvicorn.Server):
    """A server that tells its load balancer first: it is not ready for a moment before it stops to accept."""

    def __init__(self, config: uvicorn.Config, service: Service, *, notice_s: float = _NOTICE_S) -> None:
        """Serve for `service`, being unready for `notice_s` seconds before the end begins."""
        super().__init__(config)
        self._service = service
        self._notice_s = notice_s
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first signal; stop at once at a later one."""
        del frame
        if self._stop_at is None:
            self.drain()
            _log.info("api.stopping", signal=signal.Signals(sig).name)
        # The end of a supervisor is told twice within half a second: by the kernel and by our own watch.
        elif self._service.clock.monotonic() > self._stop_at - self._notice_s + _IMPATIENT_AFTER_S:
            self.should_exit = True
            self.force_exit = True

    def drain(self) -> None:
        """Turn unready, and stop a moment later."""
        self._service.draining = True
        self._stop_at = self._service.clock.monotonic() + self._notice_s

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether it is time to stop."""
        failed = self._service.failed
        if failed is not None and failed.done():
            self.should_exit = True
        if self._stop_at is not None and self._service.clock.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)


def address_of(settings: Settings) -> tuple[str, int]:
    """Return host and port: from `CONCLAVE_HOST` and `CONCLAVE_PORT`, else from the configuration."""
    if settings.host is not None and settings.port is not None:
        return settings.host, settings.port
    spec = load_configuration(settings.config, environment()).api
    return settings.host or spec.host, spec.port if settings.port is None else settings.port


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; raises `ConfigurationError` naming the port and the setting."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Connections wait in the backlog from here on, while the application still starts.
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigurationError(_refusal(error, host, port)) from None
    listening.setblocking(False)
    return listening


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken; stop what uses it, or set CONCLAVE_PORT (api.port in conclave.yaml)"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights; set CONCLAVE_PORT (api.port in conclave.yaml) to 1024 or more"
    return f"cannot listen on {host}:{port}: {error.strerror}; set CONCLAVE_HOST (api.host in conclave.yaml)"
