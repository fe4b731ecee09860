"""How much memory models take: measured from the system, and estimated before loading."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from core.experts import ModelSpec
from workers.hosting.gguf import Shape

# The interpreter, the engine's code and its work buffers: 75 to 120 MB over weights and cache, for 0.1 to 1.5 B models.
_OVERHEAD = 128 << 20


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, 0 when it is gone; blocks. Without /proc, only for this process."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if pid == os.getpid() else 0


def group_bytes(group: int) -> int:
    """Return the resident memory of all processes of a process group; blocks. 0 without /proc.

    Pages that they share count for each.
    """
    return sum(resident_bytes(int(entry.name)) for entry in Path("/proc").glob("[0-9]*") if _group_of(entry) == group)


def _group_of(process: Path) -> int | None:
    with suppress(OSError):
        # The name of the program may hold anything; what follows its closing parenthesis does not.
        return int((process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[2])
    return None


def estimated_bytes(spec: ModelSpec, shape: Shape) -> int:
    """Return what loading will take: as configured, or weights, key-value cache of all slots and an engine's own."""
    if spec.memory_bytes:
        return spec.memory_bytes
    return shape.file_bytes + shape.token_bytes * spec.context * spec.slots + _OVERHEAD
