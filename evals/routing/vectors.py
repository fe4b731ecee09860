"""Vectors kept on disk: a recorded pool is embedded once, however often it is evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from core.ports import Embedder
from routing.readings import Vectors


class KeptEmbedder:
    """The port `Embedder` over another one, whose vectors it keeps in one file named after the model."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        """Read what `folder` holds; a file that cannot be read is begun anew."""
        self._embedder = embedder
        self._path = folder / f"{embedder.name}.npz"
        self._known: dict[str, Vectors] = {}
        self._fresh = False
        try:
            with np.load(self._path) as kept:
                self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            self._known = {}

    @property
    def name(self) -> str:
        """Name the model behind it."""
        return self._embedder.name

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text, embedding those that were never seen."""
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32] for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if missing:
            vectors = await self._embedder.embed(list(missing.values()))
            self._known.update(zip(missing, np.array(vectors, np.float32), strict=True))
            self._fresh = True
        return [self._known[key].tolist() for key in keys]

    def keep(self) -> None:
        """Write the file, if anything is new; whole or not at all."""
        if not self._fresh:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".part.npz")
        np.savez(beside, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values())))
        beside.replace(self._path)
