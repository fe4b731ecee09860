"""The journal: graded outcomes on disk as they come, so that what was interrupted goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.ids import ExpertName
from core.money import FREE, Micros
from core.profiles import Lesson, Outcome
from evals.questions.reading import Question
from routing.canonical import Canon


@dataclass(frozen=True, slots=True)
class Graded:
    """One question's outcome for one expert, as the journal keeps it; `text` is what others are shown of the reply."""

    question: str
    expert: ExpertName
    outcome: Outcome
    text: str = ""


class Journal:
    """Graded outcomes on disk, one line each, so that nothing is measured twice."""

    def __init__(self, path: Path) -> None:
        """Read what `path` holds, if it is there; a last line whose writing was cut short is dropped."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            # Cut off the file too: the next outcome would be written behind it, on the same line.
            lines.pop()
            os.truncate(path, sum(map(len, lines)))
        self.known = {(graded.expert, graded.question): graded for graded in map(_from_line, lines)}

    def add(self, graded: Graded) -> None:
        """Keep one more outcome."""
        self.known[graded.expert, graded.question] = graded
        # Unbuffered, a line is one write: lines added by several threads at once do not mix.
        with self._path.open("ab", buffering=0) as file:
            file.write(f"{_to_line(graded)}\n".encode())


def lessons_of(
    questions: Iterable[Question], experts: Sequence[ExpertName], journal: Journal, canon: Canon
) -> list[Lesson]:
    """Return what the journal holds of the questions, in their order, by their canonical skills."""
    lessons = []
    for question in questions:
        graded = [journal.known[name, question.id] for name in experts if (name, question.id) in journal.known]
        if graded:
            outcomes = {its.expert: its.outcome for its in graded}
            lessons.append(Lesson(question.prompt, canon.of(question.skills), outcomes))
    return lessons


def _to_line(graded: Graded) -> str:
    outcome = graded.outcome
    return json.dumps(
        {
            "question": graded.question,
            "expert": graded.expert,
            "correct": outcome.correct,
            "answer": outcome.answer,
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
            "cost_micros": outcome.cost,
            "latency_s": outcome.latency_s,
            "text": graded.text,
        }
    )


def _from_line(line: bytes) -> Graded:
    """Return what a line holds; lines written before answers, costs and texts were kept lack them."""
    kept = json.loads(line)
    return Graded(
        kept["question"],
        ExpertName(kept["expert"]),
        Outcome(
            correct=None if kept["correct"] is None else float(kept["correct"]),
            answer=kept.get("answer"),
            input_tokens=kept["input_tokens"],
            output_tokens=kept["output_tokens"],
            cost=Micros(kept.get("cost_micros", FREE)),
            latency_s=kept["latency_s"],
        ),
        kept.get("text", ""),
    )
