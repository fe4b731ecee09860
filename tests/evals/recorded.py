"""A small recorded pool: four models, two good at law and two at art, of two prices; written as people record it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evals.routing.material import Material, materials, read_questions
from experts.recording import read_pool
from tests.routing.meanings import WordEmbedder

SUBJECTS = {"law": "court judge statute appeal case", "art": "paint canvas museum sculptor picture"}
# How often each is right on law and on art, and what a call costs in dollars.
MODELS = {
    "law-small": (0.75, 0.30, 0.0001),
    "law-large": (0.90, 0.45, 0.0008),
    "art-small": (0.30, 0.75, 0.0001),
    "art-large": (0.45, 0.90, 0.0008),
}
OPTIONS = ("red", "green", "blue", "yellow")


def items(count: int = 160, *, silent: float = 0.0, seed: int = 0) -> list[dict[str, Any]]:
    """Return questions with outcomes; a wrong answer is any other option, and a `silent` share has none."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        subject = list(SUBJECTS)[number % 2]
        gold = int(rng.integers(4))
        outcomes = {}
        for model, (law, art, dollars) in MODELS.items():
            right = bool(rng.random() < (law if subject == "law" else art))
            said = "ABCD"[gold if right else (gold + int(rng.integers(1, 4))) % 4]
            answer = None if not right and rng.random() < silent else said
            outcomes[model] = {
                "answer": answer,
                "correct": float(right),
                "in_tokens": 50,
                "out_tokens": int(rng.integers(20, 80)),
                "cost_usd": dollars,
            }
        made.append(
            {
                "id": f"q{number}",
                "query": f"{' '.join(rng.permutation(SUBJECTS[subject].split())[:4])} number{number}?",
                "options": OPTIONS,
                "category": subject,
                "gold": "ABCD"[gold],
                "split": "train" if number < count // 2 else "test",
                "outcomes": outcomes,
            }
        )
    return made


def recorded(folder: Path, lines: Sequence[dict[str, Any] | str], subpools: Sequence[str] = ("four",)) -> Path:
    """Write the pool and return its folder; a line that is text is written as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    models = {name: {"usd_per_1m_in": 1.0, "usd_per_1m_out": 2.0} for name in MODELS}
    about = {"name": "school", "models": models, "subpools": {name: list(MODELS) for name in subpools}}
    (folder / "pool.json").write_text(json.dumps(about), encoding="utf-8")
    with gzip.open(folder / "items.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    return folder


def material_of(folder: Path) -> Material:
    """Return the material of the pool in a folder, read by the words of its questions."""
    pool = read_pool(folder)
    return materials(pool, asyncio.run(read_questions(pool, WordEmbedder(), lambda _: None)))[0]
