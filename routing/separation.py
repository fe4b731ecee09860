"""How well an embedder tells the skills of a question set apart: `python -m routing.separation QUESTIONS.jsonl`.

The figures of docs/decisions/0003-embeddings.md come from here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.ports import Embedder
from routing.embedding import LocalEmbedder
from routing.skills import FLOOR, MARGIN, TOP, unit


@dataclass(frozen=True, slots=True)
class Separation:
    """Shares of questions whose nearest skill is right, or one of the nearest three, or that are like no skill.

    Of the tags that would be given, `precision` are right; of the right ones, `recall` are given.
    """

    questions: int
    skills: int
    top1: float
    top3: float
    unrecognised: float
    precision: float
    recall: float


async def separation(embedder: Embedder, questions: Sequence[tuple[str, Sequence[str]]]) -> Separation:
    """Return how well skills are found for `questions`, pairs of text and skills, each left out of its own skills."""
    names = sorted({skill for _, skills in questions for skill in skills})
    labels = np.array([[name in skills for name in names] for _, skills in questions])
    vectors = np.array(await embedder.embed([text for text, _ in questions]), np.float32)
    sums = labels.T.astype(np.float32) @ vectors + np.array(await embedder.embed(names), np.float32)
    firsts, threes, given, right, wanted, silent = 0, 0, 0, 0, 0, 0
    for vector, mine in zip(vectors, labels, strict=True):
        similarities = unit(sums - np.outer(mine, vector).astype(np.float32)) @ vector
        order = np.argsort(-similarities, kind="stable")[:TOP]
        least = max(FLOOR, float(similarities[order[0]]) - MARGIN)
        named = [at for at in order if similarities[at] >= least]
        firsts += int(mine[order[0]])
        threes += int(mine[order].any())
        given += len(named)
        right += int(mine[named].sum())
        wanted += int(mine.sum())
        silent += not named
    count = len(questions)
    return Separation(
        count, len(names), firsts / count, threes / count, silent / count, right / max(1, given), right / wanted
    )


def main() -> None:
    """Print the figures of the local embedder on a question set, one a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path, help="a JSON line a question, with `question` and `skills`")
    lines = parser.parse_args().questions.read_text(encoding="utf-8").splitlines()
    questions = [(entry["question"], entry["skills"]) for entry in map(json.loads, lines)]
    found = asyncio.run(separation(LocalEmbedder(), questions))
    for name in Separation.__slots__:
        sys.stdout.write(f"{name:<13}{round(getattr(found, name), 3)}\n")


if __name__ == "__main__":
    main()
