"""Question files: one JSON object a line, validated as a whole; an error names file, line and key."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from core.errors import ConfigurationError
from core.ids import SkillName
from evals.checking import Check, CheckKind
from evals.extraction import numbers


@dataclass(frozen=True, slots=True)
class Question:
    """One checkable question, with the skills that a right answer shows."""

    id: str
    question: str
    skills: tuple[SkillName, ...]
    category: str
    check: Check
    options: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The text to put to an expert: the question, and the options by letter when there are some."""
        if not self.options:
            return self.question
        lines = [f"{letter}) {option}" for letter, option in zip(ascii_uppercase, self.options, strict=False)]
        return "\n".join([self.question, *lines, "Answer with the letter of the right option only."])


class _CheckLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["number", "choice", "text", "contains", "regex", "json"]
    gold: JsonValue
    aliases: list[str] = []
    pattern: str = ""

    @model_validator(mode="after")
    def _gold_fits_its_kind(self) -> _CheckLine:
        if self.kind != "json" and not (isinstance(self.gold, str) and self.gold.strip()):
            raise ValueError(f"gold of kind {self.kind} must be a text, found {self.gold!r}")
        if self.kind == "number" and len(numbers(str(self.gold))) != 1:
            raise ValueError(f"gold must be one number, found {self.gold!r}")
        if (self.kind == "regex") != bool(self.pattern):
            raise ValueError("pattern belongs to kind regex, and kind regex needs it")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        return self


class _QuestionLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(min_length=1)]
    question: Annotated[str, Field(min_length=1)]
    skills: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    category: Annotated[str, Field(min_length=1)]
    check: _CheckLine
    options: list[str] = []

    @model_validator(mode="after")
    def _letter_is_an_option(self) -> _QuestionLine:
        letters = ascii_uppercase[: len(self.options)]
        if (self.check.kind == "choice") != bool(self.options):
            raise ValueError("options belong to kind choice, and kind choice needs them")
        if self.options and self.check.gold not in tuple(letters):
            raise ValueError(f"gold must be one of the letters {', '.join(letters)}, found {self.check.gold!r}")
        return self

    def frozen(self) -> Question:
        gold, aliases = self.check.gold, list(self.check.aliases)
        if self.options:
            aliases.append(self.options[ascii_uppercase.index(str(gold))])
        text = json.dumps(gold) if self.check.kind == "json" else str(gold)
        return Question(
            id=self.id,
            question=self.question,
            skills=tuple(SkillName(skill) for skill in self.skills),
            category=self.category,
            check=Check(CheckKind(self.check.kind), text, tuple(aliases), self.check.pattern),
            options=tuple(self.options),
        )


HELD_OUT = Path(__file__).with_name("held_out.jsonl")
"""Questions of the same skills that the shipped profile was not measured on."""


def default_questions() -> tuple[Question, ...]:
    """Return the question set that ships."""
    return load_questions(Path(__file__).with_name("default.jsonl"))


def load_questions(path: Path) -> tuple[Question, ...]:
    """Return the questions of a JSON-lines file, in its order; blank lines are passed over.

    Raises:
        ConfigurationError: naming file, line and key, when the file cannot be read, a line is broken, an id comes
            twice, or nothing is in it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    questions: dict[str, Question] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        question = _question(line, f"{path}:{number}")
        if question.id in questions:
            raise ConfigurationError(f"{path}:{number}: id: {question.id!r} is taken by an earlier line")
        questions[question.id] = question
    if not questions:
        raise ConfigurationError(f"{path}: holds no questions; one JSON object a line is expected")
    return tuple(questions.values())


def _question(line: str, where: str) -> Question:
    try:
        return _QuestionLine.model_validate_json(line).frozen()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{where}: {f'{key}: ' if key else ''}{first['msg']}") from error
