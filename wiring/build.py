"""Which adapter stands behind which port: the one place that decides."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from pydantic import SecretStr

from agents.service import ConveningService
from agents.shadowing import Shadowing
from core.clock import Clock, SystemClock
from core.errors import ConfigurationError, Unavailable
from core.experts import Kind
from core.ids import UlidSource
from core.ports import Transport, UsageLog
from core.settings import Settings, environment
from experts.gateway import ExpertGateway
from experts.hosted import HostedTransport
from experts.recorded import RecordedTransport
from experts.remote import RemoteTransport
from experts.scripted import ScriptedTransport
from experts.tool import ToolTransport
from routing.deciding import RoutingService
from routing.embedding import LocalEmbedder
from storage.ledger import EscrowLedger
from storage.migrations.running import drift
from storage.postgres.database import Database
from storage.postgres.feedback import PostgresFeedbackLog
from storage.postgres.keys import PostgresKeyStore
from storage.postgres.profiles import PostgresProfileStore
from storage.postgres.runs import PostgresRunLog
from storage.postgres.shadows import PostgresShadowLog
from storage.postgres.spending import PostgresSpending
from storage.postgres.usage import PostgresUsageLog
from storage.queue import CeleryDoorbell
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from storage.valkey.mailbox import ValkeyMailbox
from wiring.configuration.loading import load_configuration
from wiring.configuration.values import Configuration
from wiring.container import Container
from wiring.regrets import Regrets
from wiring.rooms import check_rooms
from wiring.schools import Schools
from wiring.shelf import ProfileShelf
from wiring.tools import answering_tools, screens_of, warm_tools


async def build_container(settings: Settings, configuration: Configuration | None = None) -> Container:
    """Return the container of a process; raises `ConfigurationError`, or `Unavailable` while a store is away.

    Everything opened before a failure is closed again.
    """
    check_rooms()
    configuration = configuration or load_configuration(settings.config, environment())
    async with AsyncExitStack() as closing:
        container = await _assemble(settings, configuration, closing)
        wrong = await container.ready()
        if wrong:
            raise Unavailable("; ".join(f"{part}: {reason}" for part, reason in wrong.items()))
        return replace(container, closing=closing.pop_all())


async def _assemble(settings: Settings, configuration: Configuration, closing: AsyncExitStack) -> Container:
    clock = SystemClock()
    ids = UlidSource(clock)
    database_url = _required(settings.database_url, "CONCLAVE_DATABASE_URL")
    redis_url = _required(settings.redis_url, "CONCLAVE_REDIS_URL")
    database, valkey = _closed_with(closing, Database(database_url)), _closed_with(closing, Valkey(redis_url))
    ledger = _closed_with(closing, EscrowLedger(valkey, database))
    usage = _closed_with(closing, PostgresUsageLog(database))
    runs = _closed_with(closing, PostgresRunLog(database))
    mailbox = _closed_with(closing, ValkeyMailbox(valkey, configuration.hosting.mailbox_limit))
    hosts, doorbell = ValkeyHostDirectory(valkey), _closed_with(closing, CeleryDoorbell(redis_url))
    remote = _closed_with(closing, RemoteTransport(configuration.secrets, clock))
    hosted = HostedTransport(mailbox, hosts, doorbell, clock, ids, configuration.catalogue.models)
    gateway = _gateway(configuration, remote, hosted, usage, clock)
    embedder, store = LocalEmbedder(), PostgresProfileStore(database)
    experts_of = {name: pool.experts for name, pool in configuration.pools.items()}
    feedback = PostgresFeedbackLog(database)
    shelf = _closed_with(closing, ProfileShelf(store, feedback, experts_of, clock))
    await shelf.open()
    families = {name: expert.family for name, expert in configuration.catalogue.experts.items()}
    schools = _closed_with(closing, Schools(shelf, experts_of, families, embedder))
    schools.open()
    shadows = PostgresShadowLog(database)
    regrets = _closed_with(closing, Regrets(shadows, configuration.pools.values(), clock))
    regrets.open()
    screens = screens_of(configuration.catalogue)
    recruiter = RoutingService(
        catalogue=configuration.catalogue,
        profiles=shelf.of,
        embedder=embedder,
        gateway=gateway,
        clock=clock,
        ids=ids,
        rng=random.Random(),
        config_version=configuration.version,
        screens=screens,
        schooling=schools.of,
        stand_in=regrets.stand_in,
    )
    convener = ConveningService(
        gateway=gateway,
        recruiter=recruiter,
        ledger=ledger,
        runs=runs,
        experts=configuration.catalogue.experts,
        clock=clock,
        keep_words=configuration.store == "content",
        shadowing=Shadowing(gateway, recruiter, shadows, clock, random.Random()),
    )
    return Container(
        settings=settings,
        configuration=configuration,
        clock=clock,
        ids=ids,
        gateway=gateway,
        recruiter=recruiter,
        convener=_closed_with(closing, convener),
        ledger=ledger,
        mailbox=mailbox,
        hosts=hosts,
        doorbell=doorbell,
        runs=runs,
        usage=usage,
        spending=PostgresSpending(database),
        profiles=store,
        feedback=feedback,
        routed_by=shelf.of,
        regrets=regrets,
        keys=PostgresKeyStore(database),
        embedder=embedder,
        probes={"database": partial(drift, database_url), "redis": partial(_answers, valkey)},
        warm_ups=(
            convener.warm,
            *(partial(recruiter.warm, pool) for pool in configuration.pools.values()),
            *([warm_tools] if screens else []),
        ),
        closing=closing,
    )


def _gateway(
    configuration: Configuration, remote: Transport, hosted: Transport, usage: UsageLog, clock: Clock
) -> ExpertGateway:
    transports: dict[Kind, Transport] = {
        Kind.REMOTE: remote,
        Kind.HOSTED: hosted,
        Kind.RECORDED: RecordedTransport(),
        Kind.TOOL: ToolTransport(answering_tools()),
        Kind.SCRIPTED: ScriptedTransport(),
    }
    return ExpertGateway(configuration.catalogue, transports, usage, clock, random.Random())


async def _answers(valkey: Valkey) -> None:
    await valkey.command("PING")


class _Closable(Protocol):
    async def aclose(self) -> None: ...


_Part = TypeVar("_Part", bound=_Closable)


def _closed_with(closing: AsyncExitStack, part: _Part) -> _Part:
    closing.push_async_callback(part.aclose)
    return part


def _required(value: SecretStr | None, name: str) -> str:
    if value is None:
        raise ConfigurationError(f"{name}: not set; only `conclave serve` starts its own stores")
    return value.get_secret_value()
