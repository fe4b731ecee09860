"""Feedback on answers; the newest word of a key on a run and expert is the one that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.feedback import Feedback
from core.ids import ExpertName, KeyId, PoolName, RunId, SkillName
from core.skills import SkillTag
from storage.postgres.database import Database
from storage.postgres.schema import FeedbackRow

_NOBODY = ""


class PostgresFeedbackLog:
    """Keeps scores and what they say of whom, and no words."""

    def __init__(self, database: Database) -> None:
        """Read and write through `database`."""
        self._database = database

    async def give(self, feedback: Feedback) -> None:
        """Keep a judgement, in place of an earlier one by the same key on the same run and expert."""
        said = {
            "pool": feedback.pool,
            "score": feedback.score,
            "at": feedback.at,
            "rights": dict(feedback.rights),
            "skills": {tag.name: tag.weight for tag in feedback.skills},
        }
        by = {"run_id": feedback.run_id, "key_id": feedback.key_id, "expert": feedback.expert or _NOBODY}
        statement = insert(FeedbackRow).values(by | said).on_conflict_do_update(index_elements=list(by), set_=said)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self._database.transact(write)

    async def since(self, pool: PoolName, at: datetime, most: int = 10_000) -> Sequence[Feedback]:
        """Return the newest `most` judgements of a pool's answers given after `at`, the oldest first."""
        query = (
            select(*FeedbackRow.__table__.columns)
            .where(FeedbackRow.pool == pool, FeedbackRow.at > at)
            .order_by(FeedbackRow.at.desc(), FeedbackRow.run_id.desc())
            .limit(most)
        )

        async def read(connection: AsyncConnection) -> Sequence[Feedback]:
            return [_feedback(row) for row in await connection.execute(query)][::-1]

        return await self._database.transact(read)


def _feedback(row: Any) -> Feedback:
    skills = [SkillTag(SkillName(name), weight) for name, weight in row.skills.items()]
    return Feedback(
        run_id=RunId(row.run_id),
        pool=PoolName(row.pool),
        key_id=KeyId(row.key_id),
        score=row.score,
        at=row.at,
        rights={ExpertName(name): right for name, right in row.rights.items()},
        # JSONB keeps no order; tags are listed heaviest first.
        skills=tuple(sorted(skills, key=lambda tag: -tag.weight)),
        expert=ExpertName(row.expert) if row.expert else None,
    )
