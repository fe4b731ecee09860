"""The validated configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from core.errors import NotFound
from core.experts import Catalogue, ExpertSpec
from core.ids import ExpertName, PoolName
from core.pools import PoolSpec


@dataclass(frozen=True, slots=True)
class HostingSpec:
    """How hosts share memory (bytes) and turns; `turn` is in measured switch times, the rest in seconds.

    `policy` is one of `core.scheduling.POLICIES`.
    """

    memory_bytes: int = 3 * 1024**3
    turn: float = 8.0
    keep_alive_s: float = 600.0
    drain_s: float = 30.0
    policy: str = "turns"
    mailbox_limit: int = 1000


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """Where the API listens."""

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything conclave.yaml says.

    `version` is a short hash of it. `secrets` are looked up by `ExpertSpec.secret`; one that is not there makes its
    expert unavailable, not the configuration wrong.
    """

    version: str
    path: Path
    catalogue: Catalogue
    pools: dict[PoolName, PoolSpec]
    hosting: HostingSpec = HostingSpec()
    api: ApiSpec = ApiSpec()
    store: str = "metadata"
    secrets: dict[str, SecretStr] = field(default_factory=dict)

    def pool(self, name: str) -> PoolSpec:
        """Return a pool; raises `NotFound` with near names."""
        pool = self.pools.get(PoolName(name))
        if pool is None:
            raise NotFound.named("pool", name, self.pools, param="model")
        return pool

    def expert(self, name: str) -> ExpertSpec:
        """Return an expert; raises `NotFound` with near names."""
        expert = self.catalogue.experts.get(ExpertName(name))
        if expert is None:
            raise NotFound.named("expert", name, self.catalogue.experts, param="model")
        return expert
