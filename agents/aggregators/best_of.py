"""Best of: the words of the one expert most likely to be right."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from agents.aggregators.contract import Draft, Table


class BestOf:
    """Answers with the thought whose expert's expected quality, times its own confidence, is highest."""

    async def combine(self, table: Table) -> AsyncGenerator[str | Draft, None]:
        """Yield the chosen draft."""
        best = max(table.thoughts, key=lambda thought: table.quality.get(thought.expert, 0.5) * thought.confidence)
        yield Draft(best.text, table.quality.get(best.expert, 0.5), "best_of")
