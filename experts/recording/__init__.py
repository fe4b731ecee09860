"""Recordings: what many models once did with many questions, kept as a folder.

A recorded pool is `pool.json`, `items.jsonl.gz` and, where whole outputs were kept, `texts.jsonl.gz`. `reading` reads
one, `values` is what it holds. Imported by the recorded transport, by evals and above; imports core only.
"""

from __future__ import annotations

from experts.recording.reading import read_pool
from experts.recording.values import (
    Fault,
    Outcome,
    RecordedItem,
    RecordedModel,
    RecordedPool,
    lettered,
    normalised,
)

__all__ = [
    "Fault",
    "Outcome",
    "RecordedItem",
    "RecordedModel",
    "RecordedPool",
    "lettered",
    "normalised",
    "read_pool",
]
