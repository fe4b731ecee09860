"""What a conversation showed of its experts: small offsets on their expected quality, and the expert it stays with.

Inspired by rewiring experts on the fly: routing adapted online from context alone. Clock-free and bounded: the longest
unused conversation is forgotten first, and nothing outlives the process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np

from core.decision import Seat
from core.ids import ExpertName
from core.thoughts import Part, Thought
from routing.profiles.table import Numbers
from routing.readings import Vectors
from routing.rules import quality_of
from routing.slate import Choice, Slate

KEPT: Final = 1024
BOUND: Final = 0.06
"""In expected quality: what a conversation can move an expert by at most; design choice, as are the next three."""
DECAY: Final = 0.8
"""What is left of an offset after each turn."""
AGREEMENT: Final = 0.01
VERDICT: Final = 0.03
PATIENCE: Final = 2
"""So many failures in a row end the affinity to an expert."""
MOVED: Final = 0.15
"""Below this similarity to what was asked so far the topic is taken to have moved.

Measured on pairs of our own questions: 6 % of those of one skill are less similar, 75 % of those of different skills.
"""
_FADED: Final = 1e-4


class Sign(StrEnum):
    """What a turn showed of an expert: whether it agreed with the answer that others shared, or failed."""

    AGREED = "agreed"
    DISSENTED = "dissented"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Turn:
    """One answered question of a conversation: who answered, what it showed of whom, and its topic, a unit vector."""

    answered: ExpertName | None = None
    signs: Mapping[ExpertName, Sign] = field(default_factory=dict)
    topic: Vectors | None = None


@dataclass(frozen=True, slots=True)
class Bond:
    """The expert that answered a conversation so far, how often it failed since, and what was asked, a unit vector."""

    expert: ExpertName
    failures: int = 0
    topic: Vectors | None = None


@dataclass(frozen=True, slots=True)
class _Session:
    offsets: Mapping[ExpertName, float] = field(default_factory=dict)
    bond: Bond | None = None
    asked: Vectors | None = None


class Sessions:
    """The conversations under way, each under a key that must tell callers apart; at most `kept` of them."""

    def __init__(self, *, kept: int = KEPT, bound: float = BOUND, decay: float = DECAY) -> None:
        self._kept = kept
        self._bound = bound
        self._decay = decay
        self._sessions: OrderedDict[Hashable, _Session] = OrderedDict()

    def __len__(self) -> int:
        """Return how many conversations are remembered."""
        return len(self._sessions)

    def offsets(self, key: Hashable, experts: Sequence[ExpertName]) -> Numbers:
        """Return what a conversation showed of each expert, in expected quality, within the bound of nought."""
        offsets = self._at(key).offsets
        return np.array([offsets.get(name, 0.0) for name in experts])

    def bond(self, key: Hashable) -> Bond | None:
        """Return whom a conversation would stay with; nobody before its first answer."""
        return self._at(key).bond

    def asked(self, key: Hashable, topic: Vectors | None) -> None:
        """Take note of what is asked now: the topic of the next turn that is heard without one."""
        if topic is not None:
            self._keep(key, replace(self._at(key), asked=topic))

    def heard(self, key: Hashable, turn: Turn) -> None:
        """Take note of a turn: what was shown before fades, and what it showed is added."""
        session = self._at(key)
        offsets = {name: self._decay * offset for name, offset in session.offsets.items()}
        for name, sign in turn.signs.items():
            step = {Sign.AGREED: AGREEMENT, Sign.DISSENTED: -AGREEMENT, Sign.FAILED: 0.0}[sign]
            offsets[name] = self._bounded(offsets.get(name, 0.0) + step)
        offsets = {name: offset for name, offset in offsets.items() if abs(offset) >= _FADED}
        topic = session.asked if turn.topic is None else turn.topic
        self._keep(key, _Session(offsets, _bond_after(session.bond, replace(turn, topic=topic))))

    def judged(self, key: Hashable, expert: ExpertName, *, right: bool) -> None:
        """Take note of a verdict on what an expert answered in a conversation: a person's, or a checker's."""
        session = self._at(key)
        moved = session.offsets.get(expert, 0.0) + (VERDICT if right else -VERDICT)
        self._keep(key, replace(session, offsets={**session.offsets, expert: self._bounded(moved)}))

    def _at(self, key: Hashable) -> _Session:
        return self._sessions.get(key, _Session())

    def _keep(self, key: Hashable, session: _Session) -> None:
        self._sessions[key] = session
        self._sessions.move_to_end(key)
        while len(self._sessions) > self._kept:
            self._sessions.popitem(last=False)

    def _bounded(self, offset: float) -> float:
        return min(self._bound, max(-self._bound, offset))


def turn_of(thoughts: Sequence[Thought], text: str, topic: Vectors | None = None) -> Turn:
    """Return what thoughts and the `text` they led to showed: who gave it, who agreed with whom, and who failed.

    Agreement takes two. Whose fallback had to answer has failed. An answer that was written from several thoughts was
    given by nobody, and so was one that never came.
    """
    panel = [thought for thought in thoughts if thought.role is Part.PANEL]
    signs = {thought.expert: Sign.FAILED for thought in panel if _failed(thought)}
    counting = [thought for thought in panel if thought.counts]
    given = next((thought for thought in counting if thought.text == text), None)
    if given is not None and sum(thought.answer == given.answer for thought in counting) > 1:
        for thought in counting:
            sign = Sign.AGREED if thought.answer == given.answer else Sign.DISSENTED
            signs.setdefault(thought.expert, sign)
    return Turn(None if given is None else given.served_by or given.expert, signs, topic)


def escape(bond: Bond, choice: Choice, slate: Slate, margin: float) -> str | None:
    """Return why a conversation leaves the expert that answered it so far, or nothing when it stays.

    It leaves when the expert may not be asked (excluded, unhealthy: it is no candidate), when it failed twice in a row,
    when the topic moved, or when somebody else's expected quality is better by more than `margin`.
    """
    seats = {seat.expert: seat for seat in (*choice.passed, *choice.panel)}
    if bond.expert not in seats:
        return "it cannot be asked now"
    if bond.failures >= PATIENCE:
        return f"it failed {bond.failures} times in a row"
    if _moved(bond.topic, topic_of(slate)):
        return "the topic moved"
    best = max(seat.expected_quality for seat in seats.values())
    if best - seats[bond.expert].expected_quality > margin:
        return f"another is better by more than {margin:g}"
    return None


def staying(choice: Choice, slate: Slate, bond: Bond, margin: float) -> Choice:
    """Return the choice with the expert that answered the conversation so far in the first seat, unless it escapes.

    The weakest seat makes room for it, where the budget allows. The reason to leave it stands in its own line.
    """
    own = next((seat for seat in choice.passed if seat.expert == bond.expert), None)
    if own is None or not choice.panel:
        return choice
    rest = tuple(seat for seat in choice.passed if seat is not own)
    why = escape(bond, choice, slate, margin)
    weakest = min(choice.panel, key=lambda seat: seat.expected_quality)
    others = [seat for seat in choice.panel if seat is not weakest]
    if why is None and not _fits([own, *others], slate):
        why = "the budget does not reach"
    if why is not None:
        left = replace(own, why=f"answered before, but {why}; {own.why}")
        return replace(choice, passed=tuple(left if seat is own else seat for seat in choice.passed))
    panel = (replace(own, why=f"answered this conversation so far; {own.why}"), *others)
    gone = () if any(seat.expert == weakest.expert for seat in panel) else (weakest,)
    return Choice(panel, (*gone, *rest), quality_of(panel, slate))


def topic_of(slate: Slate) -> Vectors | None:
    """Return the topic of the query a slate is for, a unit vector; nothing when the query was not read."""
    if slate.readings is None or not slate.readings.vectors.size:
        return None
    vector: Vectors = slate.readings.vectors[0]
    return vector


def _bond_after(bond: Bond | None, turn: Turn) -> Bond | None:
    if turn.answered is not None:
        before = None if bond is None else bond.topic
        return Bond(turn.answered, 0, _mixed(before, turn.topic))
    if bond is not None and turn.signs.get(bond.expert) is Sign.FAILED:
        return replace(bond, failures=bond.failures + 1)
    return bond


def _mixed(before: Vectors | None, now: Vectors | None) -> Vectors | None:
    """Return the topic of a conversation: what was asked last counts as much as all before it."""
    if before is None or now is None or before.shape != now.shape:
        return before if now is None else now
    both = before + now
    return np.asarray(both / max(float(np.linalg.norm(both)), 1e-9), np.float32)


def _moved(before: Vectors | None, now: Vectors | None) -> bool:
    if before is None or now is None or before.shape != now.shape:
        return False
    return float(before @ now) < MOVED


def _failed(thought: Thought) -> bool:
    return thought.error is not None or thought.served_by not in {None, thought.expert}


def _fits(panel: Sequence[Seat], slate: Slate) -> bool:
    return slate.budget is None or sum(seat.expected_cost for seat in panel) <= slate.budget
