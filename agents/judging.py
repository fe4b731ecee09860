"""Judging: what a score of a run's answer says of each expert that was heard, from the record of the run.

The record need hold no words: it says who gave the answer, and who gave another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.reading import is_number, short_answer
from core.choices import choices_of
from core.events import Event, EventKind
from core.ids import ExpertName, SkillName
from core.query import Query
from core.skills import SkillTag
from core.thoughts import Part, Thought


def sides(query: Query, thoughts: Sequence[Thought], text: str) -> tuple[list[ExpertName], list[ExpertName]]:
    """Return who gave the answer `text`, and who gave another: those whose words cannot be compared are in neither.

    Whoever's very words the answer is gave it. Only letters of options and numbers are known to be another answer:
    other words may mean the same. An expert answers for what its fallback said, under the fallback's name.
    """
    answer = short_answer(text, query.text, query.response_format)
    lettered = bool(choices_of(query.text).options) and query.response_format.kind == "text"
    gave: dict[ExpertName, None] = {}
    differed: dict[ExpertName, None] = {}
    for thought in thoughts:
        if not thought.counts or thought.role is not Part.PANEL:
            continue
        name = thought.served_by or thought.expert
        if thought.text == text or (thought.comparable and thought.answer == answer):
            gave[name] = None
        elif (
            thought.comparable
            and answer is not None
            and (lettered or (is_number(answer) and is_number(thought.answer)))
        ):
            differed[name] = None
    return list(gave), [name for name in differed if name not in gave]


def rights_of(events: Sequence[Event], score: float, expert: ExpertName | None = None) -> dict[ExpertName, float]:
    """Return how right each expert of a run was, in 0..1, so far as the score tells.

    Who gave the answer was as right as the answer. Where that is wholly right, who gave another was wrong; where it is
    not, nothing is known of the others. With `expert` the score is that one's own, and nothing when it was not heard.
    """
    if expert is not None:
        heard = (event.data for event in events if event.kind is EventKind.EXPERT_FINISHED)
        spoke = {_text(data, "served_by") for data in heard if not data.get("declined") and not data.get("error")}
        return {expert: score} if expert in spoke else {}
    final = _last(events, EventKind.ANSWER_FINAL)
    rights = dict.fromkeys(_names(final, "gave"), score)
    return rights | (dict.fromkeys(_names(final, "differed"), 0.0) if score == 1 else {})


def skills_of(events: Sequence[Event]) -> tuple[SkillTag, ...]:
    """Return the skills the run's query was found to need."""
    tagged: Any = _last(events, EventKind.SKILLS_TAGGED).get("skills", ())
    return tuple(SkillTag(SkillName(str(skill["name"])), float(skill["weight"])) for skill in tagged)


def _last(events: Sequence[Event], kind: EventKind) -> Mapping[str, Any]:
    return next((event.data for event in reversed(events) if event.kind is kind), {})


def _names(data: Mapping[str, Any], key: str) -> list[ExpertName]:
    return [ExpertName(str(name)) for name in data.get(key, ())]


def _text(data: Mapping[str, Any], key: str) -> ExpertName:
    return ExpertName(str(data.get(key, "")))
