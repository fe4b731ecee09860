"""An embedder that knows words alone: deterministic, quick, and near for texts that share words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from routing.skills import unit


class WordEmbedder:
    """The port `Embedder`: a text is the sum of its words' directions; `asked` lists what was embedded, in order."""

    name = "words"

    def __init__(self, dims: int = 16) -> None:
        """Begin with nothing asked."""
        self._dims = dims
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text."""
        self.asked.extend(texts)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        words = text.lower().split() or [""]
        vectors: list[list[float]] = unit(np.sum([self._direction(word) for word in words], axis=0)[None]).tolist()
        return vectors[0]

    def _direction(self, word: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=self._dims).astype(np.float32)
