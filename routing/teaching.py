"""Teaching: fitting the vote, and how far a reply's looks are to be trusted, to lessons. Seeded, seconds at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from routing.lessons import Lessons
from routing.readings import Flags, Numbers, Places, Readings
from routing.ridges import folds, ridged
from routing.voting import (
    HEARD_CLUES,
    Voting,
    fresh_clues,
    log_odds,
    possible,
    slots,
    tallied,
    untaught,
)

PRIOR: Final = 1.0
"""How strongly what a vote is worth is held to where it began, in units of one lesson's curvature; design choice."""
PANELS: Final = (1.5, 3.0, 5.0, 5.0)
"""Expected sizes of the random panels a vote is taught on besides the full one: it must judge small ones too."""
TELLING: Final = 0.04
"""The share of what foresight leaves open that looks must explain to be listened to; design choice."""
_ROUNDS: Final = 150


@dataclass(frozen=True, slots=True)
class Trust:
    """What a reply's clues add to the quality foreseen: of its own expert [experts, clues], and of all others [clues].

    `spread` [experts] is by how much hearing an expert moves what is thought of its reply: the worth of listening.
    """

    own: Numbers
    others: Numbers
    spread: Numbers


def usual_replies(lessons: Lessons) -> Numbers:
    """Return what each expert's replies usually look like, [experts, clues]; nan for whose words were never kept."""
    told = ~np.isnan(lessons.replies)
    count = told.sum(axis=0)
    total = np.where(told, lessons.replies, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def heard_clues(words: Numbers, replies: Numbers, expected: Numbers, spread: Numbers, usual: Numbers) -> Numbers:
    """Return what is known of replies once they were heard, [..., experts, heard clues].

    It is how a reply's length surprises (in spreads, its shortfall alone, and squared), and how its clues differ from
    the expert's usual ones. `words` and the logarithm `expected` are [..., experts], `replies` [..., experts, clues].
    What is not known surprises nobody.
    """
    off = np.nan_to_num((np.log(np.maximum(words, 1.0)) - expected) / np.maximum(spread, 1e-6))
    off = np.clip(off, -4, 4)
    return np.concatenate([np.stack([off, np.minimum(off, 0), off**2], axis=-1), np.nan_to_num(replies - usual)], -1)


def taught(lessons: Lessons, foreseen: Numbers, clues: Numbers, rng: np.random.Generator) -> Voting:
    """Return the voting under which the right answers of the lessons are likeliest, held to `untaught`.

    `foreseen` is the quality by foresight that has not seen the lesson. Each lesson is taught with the full panel and
    with random smaller ones.
    """
    experts = lessons.right.shape[1]
    count = slots(lessons.readings, experts)
    panels = [np.ones(lessons.right.shape, bool)]
    panels += [rng.random(lessons.right.shape) < min(0.9, size / experts) for size in PANELS]
    parts = [_sheet(lessons, foreseen, clues, panel, count) for panel in panels]
    sheet, truth, allowed = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    start = _as_vector(untaught(experts))

    def loss(theta: Numbers) -> tuple[float, Numbers]:
        found = np.where(allowed, sheet @ theta, -np.inf)
        raised = np.exp(found - found.max(axis=1, keepdims=True))
        chance = raised / raised.sum(axis=1, keepdims=True)
        rows = np.arange(len(truth))
        held = PRIOR * (theta - start)
        value = -np.log(chance[rows, truth] + 1e-12).sum() + held @ (theta - start) / 2
        chance[rows, truth] -= 1
        return float(value), np.einsum("qaf,qa->f", sheet, chance) + held

    if not len(truth):
        return untaught(experts)
    return _as_voting(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS}).x, experts)


def trusted(lessons: Lessons, foreseen: Numbers, clues: Numbers) -> Trust:
    """Return what replies' clues say of their own expert and of the others, by ridge regression on the lessons.

    Nothing is said where looks explain next to nothing of lessons held out: the best-looking of several replies would
    be the one whose looks deceive most.
    """
    known = ~np.isnan(lessons.right)
    left = np.where(known, lessons.right - foreseen, 0.0)
    heard = np.where(known[:, :, None], clues, 0.0)
    moved = np.zeros(known.shape)
    for rest, fold in folds(np.arange(len(lessons))):
        moved[fold] = np.einsum("qec,ec->qe", heard[fold], _own(heard[rest], left[rest], known[rest]))
    if _explained(left, moved, known) < TELLING:
        return untrusting(lessons.right.shape[1])
    others = np.maximum(known.sum(axis=1)[:, None, None] - 1, 1)
    around = (heard.sum(axis=1, keepdims=True) - heard) / others
    spread = np.array([moved[seen, at].std() if seen.any() else 0.0 for at, seen in enumerate(known.T)])
    return Trust(_own(heard, left, known), _scaled(*_rows(around, left, known)), spread)


def untrusting(experts: int) -> Trust:
    """Return the trust that makes nothing of a reply's looks."""
    return Trust(np.zeros((experts, HEARD_CLUES)), np.zeros(HEARD_CLUES), np.zeros(experts))


def _own(heard: Numbers, left: Numbers, known: Flags) -> Numbers:
    return np.stack([_scaled(*_rows(heard[:, at], left[:, at], seen)) for at, seen in enumerate(known.T)])


def _explained(left: Numbers, moved: Numbers, known: Flags) -> float:
    """Return the share of what foresight leaves open that looks explain, on lessons held out; below 0 they mislead."""
    return float(1 - ((left - moved)[known] ** 2).sum() / max(float((left[known] ** 2).sum()), 1e-12))


def _rows(clues: Numbers, left: Numbers, seen: Flags) -> tuple[Numbers, Numbers, Places]:
    return clues[seen], left[seen], np.asarray(np.nonzero(seen)[0], np.intp)


def _scaled(clues: Numbers, left: Numbers, questions: Places) -> Numbers:
    if not len(left):
        return np.zeros(HEARD_CLUES)
    scale = np.maximum(clues.std(axis=0), 1e-6)
    return np.asarray(ridged(clues / scale, left[:, None], questions).weights[:, 0] / scale)


def _sheet(
    lessons: Lessons, foreseen: Numbers, clues: Numbers, panel: Flags, count: int
) -> tuple[Numbers, Places, Flags]:
    """Lay out what is said for each answer: [questions, answers, parts of a score], the right one, and who may be."""
    said = np.where(panel & ~np.isnan(lessons.right), lessons.said, -1)
    # An offered option is always among the possible answers, but which is right must be known to learn from it.
    rows = np.flatnonzero((said >= 0).any(axis=1) & ((lessons.readings.choices == 0) | (lessons.truth >= 0)))
    said, readings = said[rows], lessons.readings.take(rows)
    given = (said[:, :, None] == np.arange(count)).astype(np.float64)
    votes = tallied(said, count)
    parts = np.concatenate(
        [
            log_odds(foreseen[rows])[:, :, None],
            np.broadcast_to(np.eye(said.shape[1]), (len(rows), said.shape[1], said.shape[1])),
            clues[rows],
        ],
        axis=2,
    )
    sheet = np.concatenate([np.einsum("qea,qef->qaf", given, parts), _looks(readings, votes)], axis=2)
    allowed = possible(readings, votes)
    return sheet, _truth(lessons, rows, votes > 0), allowed


def _looks(readings: Readings, votes: Numbers) -> Numbers:
    queries, count = votes.shape
    opened = (readings.choices == 0)[:, None]
    fresh = opened & (np.arange(count) == count - 1)
    unseen = np.log1p(votes.sum(axis=1, keepdims=True)) * (votes == 0) * ~opened
    options = np.zeros((queries, count, readings.options.shape[2]))
    offered = readings.options[:, :count]
    options[:, : offered.shape[1]] = offered
    freshly = fresh_clues(votes)[:, None, :] * fresh[:, :, None]
    return np.concatenate([np.log1p(votes)[:, :, None], unseen[:, :, None], freshly, options], axis=2)


def _truth(lessons: Lessons, rows: Places, given: Flags) -> Places:
    """Return the place of each right answer; to an open question that nobody answered rightly, the last place."""
    truth = lessons.truth[rows]
    told = (truth >= 0) & given[np.arange(len(rows)), truth]
    opened = lessons.readings.choices[rows] == 0
    return np.where(opened & ~told, given.shape[1] - 1, truth)


def _as_vector(voting: Voting) -> Numbers:
    return np.concatenate(
        [[voting.slope], voting.own, voting.reply, [voting.crowd, voting.unseen], voting.fresh, voting.option]
    )


def _as_voting(theta: Numbers, experts: int) -> Voting:
    slope, own, reply, crowd, unseen, fresh, option = np.split(
        theta, np.cumsum([1, experts, HEARD_CLUES, 1, 1, len(untaught(experts).fresh)])
    )
    return Voting(float(slope[0]), own, float(crowd[0]), float(unseen[0]), fresh, option, reply)
