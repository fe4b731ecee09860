"""A pool's rules brought to bear on what its recruiter chose, with the state that some of them need."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final

import numpy as np

from core.ids import ExpertName, PoolName
from core.pools import PoolSpec, Rules
from core.query import Query
from core.thoughts import Thought
from routing.balancing import Balance
from routing.profiles.table import Numbers
from routing.rules import obeying, swayed
from routing.sessions import Sessions, staying, topic_of, turn_of
from routing.slate import Choice, Slate

_NO_RULES = Rules()
_HALF: Final = 0.5


class Ruling:
    """Holds choices to their pools' rules, in this order: load, conversation, affinity, and last what is never broken.

    One for a process. Without rules a choice is returned as it is.
    """

    def __init__(self, sessions: Sessions | None = None) -> None:
        self._sessions = Sessions() if sessions is None else sessions
        self._balances: dict[PoolName, Balance] = {}

    def settled(self, choice: Choice, slate: Slate, query: Query, pool: PoolSpec) -> Choice:
        """Return the choice as the rules let it stand, and count its seats as load."""
        rules = pool.rules
        if rules == _NO_RULES or not choice.panel:
            return choice
        names = [candidate.spec.name for candidate in slate.candidates]
        lean, why = self._lean(names, query, pool)
        choice = swayed(choice, slate, lean, why)
        choice = self._stayed(choice, slate, query, pool)
        choice = obeying(choice, slate, rules)
        if rules.balance:
            self._balance(pool).chosen(names, [seat.expert for seat in choice.panel])
        return choice

    def further(self, choice: Choice, slate: Slate, pool: PoolSpec, seated: Sequence[ExpertName]) -> Choice | None:
        """Return who joins those `seated` in the same decision as the rules let it stand; nothing when nobody may.

        Nobody is brought in whose score is not above nought: a recruiter that goes on means that it is not worth it.
        """
        if pool.rules == _NO_RULES:
            return choice
        obeyed = obeying(choice, slate, pool.rules, seated=seated, least=0.0)
        if pool.rules.balance and obeyed.panel:
            names = [candidate.spec.name for candidate in slate.candidates]
            self._balance(pool).chosen(names, [seat.expert for seat in obeyed.panel])
        return obeyed if obeyed.panel else None

    def heard(self, thoughts: Sequence[Thought], text: str, query: Query, pool: PoolSpec) -> None:
        """Take note of thoughts and the text they led to, for the conversation they belong to; of failures too."""
        key = session_key(query, pool)
        if key is not None and (pool.rules.adapt or pool.rules.affinity is not None):
            self._sessions.heard(key, turn_of(thoughts, text))

    def judged(self, pool: PoolSpec, session: str, rights: Mapping[ExpertName, float]) -> None:
        """Take note of how right experts were, in 0..1, for the conversation; a half says nothing."""
        if not pool.rules.adapt:
            return
        for expert, right in rights.items():
            if right != _HALF:
                self._sessions.judged((pool.name, session), expert, right=right > _HALF)

    def _stayed(self, choice: Choice, slate: Slate, query: Query, pool: PoolSpec) -> Choice:
        key, margin = session_key(query, pool), pool.rules.affinity
        if key is None or margin is None:
            return choice
        bond = self._sessions.bond(key)
        self._sessions.asked(key, topic_of(slate))
        return choice if bond is None else staying(choice, slate, bond, margin)

    def _lean(self, names: Sequence[ExpertName], query: Query, pool: PoolSpec) -> tuple[Numbers, str]:
        lean = np.zeros(len(names))
        whys: list[str] = []
        key = session_key(query, pool)
        if pool.rules.balance:
            lean = lean + self._balance(pool).bias(names)
            whys.append("to even out the load")
        if pool.rules.adapt and key is not None:
            lean = lean + self._sessions.offsets(key, names)
            whys.append("by what this conversation showed")
        return lean, " and ".join(whys)

    def _balance(self, pool: PoolSpec) -> Balance:
        return self._balances.setdefault(pool.name, Balance())


def session_key(query: Query, pool: PoolSpec) -> Hashable | None:
    """Return what a conversation is remembered under; nothing for a query that belongs to none."""
    return None if query.session is None else (pool.name, query.session)
