"""How an expert is described: the artefact it runs on, its persona, abilities, limits, price and data terms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.ids import ExpertName, ModelName
from core.messages import Sampling
from core.money import Price


class Kind(StrEnum):
    """How an expert is called."""

    REMOTE = "remote"
    HOSTED = "hosted"
    RECORDED = "recorded"
    TOOL = "tool"
    SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider or the operator allows; `None` is no limit. Rates are per minute."""

    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class DataTerms:
    """Where an expert's data goes: residency, and whether the provider may train on it.

    `tags` are the operator's words for what the expert is made of or bound to, such as `licence:nc`; a request may
    opt out of any.
    """

    region: str | None = None
    may_train: bool = False
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ExpertSpec:
    """An expert that can be recruited.

    `target` is what the kind calls: `provider/model` for remote, a model of the configuration for hosted, a tool's
    name, a recorded pool's model, or the name of a script. `context` is in tokens, 0 when unknown. `secret` names the
    key in the secret store and never holds it. `local` is false when a call leaves this installation. `adapter` is one
    of its hosted model's. Experts of one `family` tend to err together, those of one `group` share hosts or a provider.
    """

    name: ExpertName
    kind: Kind
    target: str
    system: str = ""
    sampling: Sampling = Sampling()
    abilities: frozenset[str] = frozenset({"chat"})
    context: int = 0
    max_output: int = 512
    price: Price = Price()
    limits: Limits = Limits()
    data: DataTerms = DataTerms()
    fallback: tuple[ExpertName, ...] = ()
    endpoint: str | None = None
    secret: str | None = None
    family: str = ""
    group: str = ""
    adapter: str | None = None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def local(self) -> bool:
        """Whether the words stay on machines this installation runs."""
        return self.kind is not Kind.REMOTE


class Engine(StrEnum):
    """What runs a hosted model."""

    LLAMA = "llama"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Source:
    """One place an artefact may come from; the first that is there is used, and the hash decides if it is right.

    `kind` is `path`, `package` or `url`; a package value may hold a range such as `part{1..22}`.
    """

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """How a host starts an OpenAI-compatible server for a model, and how it speaks with it.

    `words` is the command line (see `core.commands`), `served` the name the server knows the model under, `health` the
    path that answers 200 once it can serve, and `starts_s` how long that may take.
    """

    words: tuple[str, ...]
    served: str
    health: str
    starts_s: float
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """A low-rank adapter of a model: a small file that changes how it answers, chosen by each request."""

    name: str
    sources: tuple[Source, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """An artefact a host can load. `context` is tokens per request; `slots` requests are decoded together.

    A model with a `server` has no sources and no hash: its server finds the weights.
    """

    name: ModelName
    engine: Engine
    sources: tuple[Source, ...]
    sha256: str
    context: int = 2048
    slots: int = 4
    licence: str = ""
    memory_bytes: int = 0
    extra: str | None = None
    server: ServerCommand | None = None
    adapters: tuple[Adapter, ...] = ()

    def adapter_file(self, adapter: Adapter) -> ModelSpec:
        """Return the adapter's file as an artefact of its own, to be found like a model's."""
        return replace(
            self, name=ModelName(f"{self.name}+{adapter.name}"), sources=adapter.sources, sha256=adapter.sha256
        )

    def adapter_number(self, name: str) -> int | None:
        """Return the place of the adapter of this name among the model's, or nothing when it has none such."""
        return next((number for number, adapter in enumerate(self.adapters) if adapter.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All experts and hosted models of one validated configuration, by name."""

    experts: dict[ExpertName, ExpertSpec] = field(default_factory=dict)
    models: dict[ModelName, ModelSpec] = field(default_factory=dict)
