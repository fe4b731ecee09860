"""Where the bytes of a model come from: a path, chunks inside installed packages (never imported), or a URL."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from core.experts import Source

CHUNK = 1 << 20
# No byte for so long, and the whole of a download: 64 GiB need 3 MiB a second.
_SILENT_S = 30.0
_WITHIN_S = 6 * 3600.0
_MOST_BYTES = 64 << 30
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


class Absent(Exception):
    """A source that is not there; the message says what is missing. Never leaves this package."""

    def __init__(self, reason: str, packages: tuple[str, ...] = ()) -> None:
        """Name what is missing, and the packages to install when that would mend it."""
        super().__init__(reason)
        self.packages = packages


def expand(value: str) -> tuple[str, ...]:
    """Return the names a value such as `part{1..3}` stands for, in order; itself when it holds no range."""
    found = _RANGE.search(value)
    if found is None:
        return (value,)
    first, last = int(found[1]), int(found[2])
    return tuple(f"{value[: found.start()]}{number}{value[found.end() :]}" for number in range(first, last + 1))


def pieces(source: Source) -> tuple[Path, ...]:
    """Return the files that make up the artefact, in order; raises `Absent`. URLs have none."""
    if source.kind == "path":
        path = Path(source.value).expanduser()
        if not path.is_file():
            raise Absent(f"there is no file {path}")
        return (path,)
    if source.kind != "package":
        return ()
    names = expand(source.value)
    missing = tuple(name for name in names if not _installed(name))
    if missing:
        listed = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise Absent(f"not installed: {listed}", missing)
    return tuple(piece for name in names for piece in _payload(name))


def read(source: Source, files: tuple[Path, ...]) -> Iterator[bytes]:
    """Yield the artefact's bytes in blocks of at most 1 MiB; raises `Absent` or `OSError`."""
    if source.kind == "url":
        yield from download(source.value)
    for path in files:
        with path.open("rb") as piece:
            while block := piece.read(CHUNK):
                yield block


def download(url: str, within_s: float = _WITHIN_S, most_bytes: int = _MOST_BYTES) -> Iterator[bytes]:
    """Yield what a URL holds; raises `Absent` when it cannot be had whole within so many seconds and bytes."""
    if not url.startswith(("https://", "http://")):
        raise Absent(f"{url} is not an http(s) URL")
    deadline, done = time.monotonic() + within_s, 0
    try:
        with urllib.request.urlopen(url, timeout=_SILENT_S) as response:  # noqa: S310  # the scheme is checked above
            # Not `read`, which waits for a whole block however slowly its bytes come.
            while block := response.read1(CHUNK):
                done += len(block)
                if done > most_bytes:
                    raise Absent(f"{url} holds more than {most_bytes} bytes")
                if time.monotonic() > deadline:
                    raise Absent(f"{url} did not come within {within_s:g} seconds")
                yield block
    except urllib.error.HTTPError as error:
        # It holds the connection its page would be read from.
        error.close()
        raise Absent(f"{url} cannot be fetched: {error}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Absent(f"{url} cannot be fetched: {_why(error)}") from None


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _payload(name: str) -> list[Path]:
    """Return a distribution's GGUF file, or its chunks in order."""
    distribution = metadata.distribution(name)
    listed = sorted(distribution.files or (), key=lambda file: file.as_posix())
    for suffix in (".gguf", ".bin"):
        paths = [Path(str(distribution.locate_file(file))) for file in listed if file.suffix == suffix]
        if paths and all(path.is_file() for path in paths):
            return paths
    raise Absent(f"package {name} is installed but holds no model file", (name,))


def _why(error: Exception) -> str:
    """Return what went wrong in words; some errors of the network have none of their own."""
    return str(getattr(error, "reason", error)) or type(error).__name__
