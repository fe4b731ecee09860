"""The API on a real socket, over real PostgreSQL and Valkey, with a scripted convener behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.front import Front
from api.serve import bind, server_of
from api.service import Build
from core.clock import SystemClock
from core.experts import Catalogue, DataTerms, Engine, ExpertSpec, Kind, ModelSpec, Source
from core.ids import ExpertName, KeyId, ModelName, PoolName, UlidSource
from core.keys import ApiKey, mint_key
from core.money import Price
from core.pools import PoolSpec
from core.settings import Settings
from routing.profiles import unmeasured
from storage.memory.ledger import MemoryLedger
from storage.postgres.database import Database
from storage.postgres.feedback import PostgresFeedbackLog
from storage.postgres.keys import PostgresKeyStore
from storage.postgres.profiles import PostgresProfileStore
from storage.postgres.runs import PostgresRunLog
from storage.postgres.shadows import PostgresShadowLog
from storage.postgres.spending import PostgresSpending
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from storage.valkey.mailbox import ValkeyMailbox
from tests.api.scripted import ScriptedConvener, ScriptedEmbedder, ScriptedRecruiter
from wiring.configuration.values import Configuration
from wiring.container import Container
from wiring.regrets import Regrets

PEPPER = "a pepper for tests only"
DEADLINE_S = 20.0
CLOCK = SystemClock()


@dataclass
class Running:
    """A served API: where it is, and the keys that open it, by what they may do."""

    url: str
    keys: dict[str, str]
    convener: ScriptedConvener
    opened: ExitStack = field(default_factory=ExitStack)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, key: str = "runner", *, shown: str | None = None) -> openai.OpenAI:
        client = openai.OpenAI(
            base_url=f"{self.url}/v1", api_key=shown or self.keys[key], max_retries=0, timeout=DEADLINE_S
        )
        self.opened.callback(client.close)
        return client

    def http(self, key: str | None = "runner") -> httpx.Client:
        headers = {"authorization": f"Bearer {self.keys[key]}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=DEADLINE_S, trust_env=False)


def minted() -> tuple[list[ApiKey], dict[str, str]]:
    """Keys of every kind: to store, and to show."""
    now, ids, pepper = CLOCK.now() - timedelta(hours=1), UlidSource(CLOCK), PEPPER.encode()
    kinds: dict[str, dict[str, Any]] = {
        "runner": {},
        "other": {},
        "narrow": {"concurrency": 1},
        "viewer": {"scopes": frozenset({"view"})},
        "approver": {"scopes": frozenset({"approve"})},
        "admin": {"scopes": frozenset({"admin"})},
        "operator": {"scopes": frozenset({"operator"})},
        "expired": {"expires_at": now + timedelta(minutes=1)},
        "doomed": {},
    }
    pairs = {kind: mint_key(KeyId(ids.new()), kind, pepper, now, **terms) for kind, terms in kinds.items()}
    return [key for key, _ in pairs.values()], {kind: shown for kind, (_, shown) in pairs.items()}


def configuration() -> Configuration:
    """One pool of three experts, experts that behave by name, and two hosted models."""
    names = [ExpertName(name) for name in ("echo", "priced", "patient", "broken", "breaking")]
    specs = {name: ExpertSpec(name, Kind.SCRIPTED, name) for name in names}
    specs[ExpertName("priced")] = ExpertSpec(
        ExpertName("priced"),
        Kind.REMOTE,
        "p/m",
        price=Price(1_000_000, 2_000_000),
        data=DataTerms("us", may_train=True, tags=frozenset({"trained-on-web", "licence:nc"})),
        family="gpt",
    )
    pool = PoolSpec(PoolName("default"), tuple(names[:3]))
    models = {name: a_model(name) for name in (ModelName("tiny"), ModelName("large"))}
    return Configuration("c1", Path("conclave.yaml"), Catalogue(specs, models), {pool.name: pool})


def a_model(name: ModelName) -> ModelSpec:
    """A hosted model whose file is nowhere."""
    return ModelSpec(name, Engine.LLAMA, (Source("path", "/nowhere.gguf"),), "0" * 64, 512, 2, "Apache-2.0")


def container_on(
    database_url: str,
    convener: ScriptedConvener,
    recruiter: ScriptedRecruiter,
    redis_url: str = "redis://127.0.0.1:1/0",
) -> Container:
    """The container, made inside the server's event loop; parts the API never touches are missing."""
    database, valkey = Database(database_url, pool_size=4), Valkey(redis_url)
    mailbox = ValkeyMailbox(valkey)
    closing = AsyncExitStack()
    for part in (database, valkey, mailbox):
        closing.push_async_callback(part.aclose)
    nothing: Any = None
    return Container(
        settings=Settings(key_pepper=SecretStr(PEPPER)),
        configuration=configuration(),
        clock=CLOCK,
        ids=UlidSource(CLOCK),
        gateway=nothing,
        recruiter=recruiter,
        convener=convener,
        ledger=MemoryLedger(CLOCK),
        mailbox=mailbox,
        hosts=ValkeyHostDirectory(valkey),
        doorbell=nothing,
        runs=PostgresRunLog(database),
        usage=nothing,
        spending=PostgresSpending(database),
        profiles=PostgresProfileStore(database),
        feedback=PostgresFeedbackLog(database),
        routed_by=lambda pool: unmeasured(pool, CLOCK.now()),
        regrets=Regrets(PostgresShadowLog(database), configuration().pools.values(), CLOCK),
        keys=PostgresKeyStore(database),
        embedder=ScriptedEmbedder(),
        probes={},
        warm_ups=(),
        closing=closing,
    )


@contextmanager
def served(build: Build, *, ready: bool = True) -> Iterator[str]:
    """Serve the application of a container for the duration."""
    with listening_to(create_app(build), ready=ready) as url:
        yield url


@contextmanager
def listening_to(app: Front, *, ready: bool = True) -> Iterator[str]:
    """Serve an application in a thread for the duration; waits until it is ready unless told otherwise."""
    listening = bind("127.0.0.1", 0)
    server = server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        if ready:
            wait_until_ready(url)
        yield url
    finally:
        server.should_exit = True
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def wait_until_ready(url: str) -> None:
    """Return once `/health/ready` says so."""
    deadline = time.monotonic() + DEADLINE_S
    with httpx.Client(base_url=url, trust_env=False) as client:
        while client.get("/health/ready").status_code != 200:
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)


@pytest.fixture(scope="module")
def api(postgres_url: str, valkey_server: str) -> Iterator[Running]:
    """The API of this module, with its keys stored; a test that asks for `redis_url` finds no hosts."""
    recruiter = ScriptedRecruiter()
    convener = ScriptedConvener(recruiter, CLOCK)
    keys, shown = minted()

    async def build() -> Container:
        container = container_on(postgres_url, convener, recruiter, valkey_server)
        for key in keys:
            await container.keys.add(key)
        return container

    with served(build) as url:
        running = Running(url, shown, convener)
        with running.opened:
            yield running
