"""The files of `conclave batch`: the questions, and the answers so far, which survive whatever ends the command."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

import orjson

from core.clock import Clock
from core.errors import InvalidRequest

_FSYNC_EVERY_S = 1.0
_ANSWERED = 200


def read_lines(path: Path) -> list[tuple[int, bytes]]:
    """Return the lines of a file that are not blank, with their numbers; raises `InvalidRequest` when there are none.

    A file of which no line begins like a JSON object is not a batch file at all.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"cannot read {path}: {error.strerror}") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not any(line.lstrip().startswith(b"{") for _, line in lines):
        raise InvalidRequest(f"{path} is not a batch file: it has no line with a JSON object")
    return lines


class AnswerFile:
    """Output lines of a batch, appended whole. Opening it keeps the answers it holds and drops everything else."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Read what `path` holds; raises `InvalidRequest` when that is not the output of a batch."""
        self._clock = clock
        self._fsynced_at = clock.monotonic()
        kept = _kept(path)
        self.answered = frozenset(custom_id for custom_id, _ in kept)
        text = b"".join(line for _, line in kept)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_bytes() != text:
                _replace(path, text)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise InvalidRequest(f"cannot write {path}: {error.strerror}") from None

    def __enter__(self) -> AnswerFile:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make everything durable."""
        os.fsync(self._file.fileno())
        self._file.close()

    def append(self, line: bytes) -> None:
        """Write one line; a crash of the machine costs the last second at most, one of the process nothing."""
        self._file.write(line)
        now = self._clock.monotonic()
        if now - self._fsynced_at >= _FSYNC_EVERY_S:
            os.fsync(self._file.fileno())
            self._fsynced_at = now


def _kept(path: Path) -> list[tuple[str, bytes]]:
    """Return the answers in a file: not its failed lines, which are asked again, nor a last line that was cut short."""
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    except OSError as error:
        raise InvalidRequest(f"cannot read {path}: {error.strerror}") from None
    kept = []
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            break
        try:
            found = orjson.loads(line)
            custom_id, response = found["custom_id"], found["response"]
            answered = response is not None and response["status_code"] == _ANSWERED
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise InvalidRequest(f"{path} is not the output of a batch (line {number}); name another --out") from None
        if answered:
            kept.append((custom_id, line))
    return kept


def _replace(path: Path, text: bytes) -> None:
    """Put `text` in the file's place, at once: what was answered is never at risk."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
