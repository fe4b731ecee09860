"""Taggers: what skills does a query need? `EmbeddingTagger` is fast and free, `KeywordTagger` asks an expert.

Imported by `routing.deciding`.
"""

from __future__ import annotations

from routing.taggers.embedding import EmbeddingTagger
from routing.taggers.keywords import KeywordTagger

__all__ = ["EmbeddingTagger", "KeywordTagger"]
