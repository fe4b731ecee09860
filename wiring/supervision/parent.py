"""A supervised process ends when its supervisor does, however that one ended: no orphans after `kill -9`."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

from core.settings import load_settings

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.5
_GRACE_S = 15.0


def die_with_parent() -> None:
    """Tie this process to the one named by `CONCLAVE_PARENT_PID`; does nothing when it is not set.

    It gets SIGTERM when the parent is gone, and SIGKILL when it has not ended 15 seconds later.
    """
    parent = load_settings().parent_pid
    if parent is None:
        return
    if sys.platform == "linux":
        # Noticed at once; the thread below notices within half a second, on every system.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent, threading.Event()), name="parent-watch", daemon=True).start()


def _watch(parent: int, never: threading.Event) -> None:
    while os.getppid() == parent:
        never.wait(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    never.wait(_GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)
