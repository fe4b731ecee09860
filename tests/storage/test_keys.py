"""API keys: found by id, listed newest first, revoked once."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from core.budgets import Budget
from core.errors import Conflict, NotFound
from core.ids import KeyId
from core.keys import ApiKey
from core.money import Micros
from storage.postgres.database import Database
from storage.postgres.keys import PostgresKeyStore

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def a_key(name: str, age: timedelta = timedelta()) -> ApiKey:
    return ApiKey(
        KeyId(name),
        name,
        hashlib.sha256(name.encode()).digest(),
        NOW - age,
        frozenset({"run", "admin"}),
        expires_at=NOW + timedelta(days=9),
        concurrency=3,
        budget=Budget(Micros(5), None, 7, 1.5),
    )


@pytest.fixture
def store(database: Database) -> PostgresKeyStore:
    return PostgresKeyStore(database)


async def test_a_key_is_found_as_it_was_added(store: PostgresKeyStore) -> None:
    await store.add(a_key("one"))

    assert await store.find(KeyId("one")) == a_key("one")
    assert await store.find(KeyId("nobody")) is None


async def test_keys_are_listed_newest_first(store: PostgresKeyStore) -> None:
    await store.add(a_key("young", timedelta(days=-2)))
    await store.add(a_key("old", timedelta(days=2)))

    listed = [key.id for key in await store.all()]

    assert listed.index(KeyId("young")) < listed.index(KeyId("old"))


async def test_a_revoked_key_stays_revoked_since_the_first_time(store: PostgresKeyStore) -> None:
    await store.add(a_key("bad"))

    await store.revoke(KeyId("bad"))
    first = await store.find(KeyId("bad"))
    await store.revoke(KeyId("bad"))

    assert first is not None
    assert not first.usable(datetime.now(UTC))
    assert await store.find(KeyId("bad")) == first


async def test_an_unknown_key_cannot_be_revoked(store: PostgresKeyStore) -> None:
    with pytest.raises(NotFound):
        await store.revoke(KeyId("nobody"))


async def test_an_id_is_given_once(store: PostgresKeyStore) -> None:
    await store.add(a_key("twice"))

    with pytest.raises(Conflict):
        await store.add(a_key("twice"))


async def test_touching_unknown_keys_is_harmless(store: PostgresKeyStore) -> None:
    await store.add(a_key("used"))

    await store.touch([KeyId("used"), KeyId("nobody"), KeyId("used")])
    await store.touch([])

    assert await store.find(KeyId("used")) == a_key("used")
