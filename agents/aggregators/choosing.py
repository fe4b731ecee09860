"""Choosing an aggregator: by name, or, for `auto`, by whether the thoughts can be compared."""

from __future__ import annotations

from agents.aggregators.best_of import BestOf
from agents.aggregators.contract import Aggregator, Table
from agents.aggregators.synthesis import Synthesis
from agents.aggregators.vote import WeightedVote
from agents.reading import short_answer
from core.clock import Clock
from core.ports import Gateway

AGGREGATORS = ("auto", "vote", "synthesis", "best_of")
"""The names a pool may give."""


class Aggregators:
    """The aggregators of one process."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        """Let the synthesis call its chair through `gateway`."""
        self._vote = WeightedVote()
        self._best_of = BestOf()
        self._synthesis = Synthesis(gateway, clock)

    def for_table(self, name: str, table: Table) -> Aggregator:
        """Return the aggregator `name` stands for over this table.

        `auto` votes when every thought holds an answer that can be compared with the others, and synthesises
        otherwise; without a chair it falls back to the best single thought.
        """
        if name == "vote" or (name == "auto" and comparable(table)):
            return self._vote
        if name == "best_of" or table.chair is None:
            return self._best_of
        return self._synthesis

    def without_chair(self) -> Aggregator:
        """Return the aggregator for when the chair failed."""
        return self._best_of


def comparable(table: Table) -> bool:
    """Whether a short answer can be read in every thought on the table."""
    query = table.query
    return all(short_answer(thought.text, query.text, query.response_format) is not None for thought in table.thoughts)
