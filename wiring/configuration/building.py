"""The schema's sections as the frozen values that every room works with."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from core.budgets import Budget
from core.experts import (
    Adapter,
    Catalogue,
    DataTerms,
    Engine,
    ExpertSpec,
    Kind,
    Limits,
    ModelSpec,
    ServerCommand,
    Source,
)
from core.ids import ExpertName, ModelName, PoolName
from core.messages import Sampling
from core.money import Micros, Price, from_usd
from core.pools import PanelSize, PoolSpec, Rules, Shadow
from experts.families import family_of
from wiring.configuration.reading import Document
from wiring.configuration.schema import (
    BudgetSection,
    ExpertSection,
    ModelSection,
    PoolSection,
    PriceSection,
    Schema,
    SourceSection,
)
from wiring.configuration.values import ApiSpec, Configuration, HostingSpec
from wiring.configuration.variables import expand, sole_reference

_ABILITIES = {
    Kind.REMOTE: frozenset({"chat", "json_schema", "tools"}),
    Kind.HOSTED: frozenset({"chat", "json_schema"}),
    Kind.RECORDED: frozenset({"chat"}),
    Kind.SCRIPTED: frozenset({"chat"}),
}
_REMOTE_OUTPUT = 4096
_LEAST_OUTPUT = 512


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known of a provider's model: its price, the tokens it takes and gives (0 is unknown), its abilities."""

    price: Price
    context: int = 0
    max_output: int = 0
    abilities: frozenset[str] = frozenset()


KnownTerms = Callable[[str], Terms | None]
"""Looks up `provider/model`."""


def build(
    document: Document, schema: Schema, path: Path, environment: Mapping[str, str], known: KnownTerms
) -> tuple[Configuration, tuple[str, ...]]:
    """Return the configuration of a checked document, and remarks on what works less than it might."""
    folder = path.resolve().parent
    models = {ModelName(name): _model(name, section, folder, environment) for name, section in schema.models.items()}
    experts: dict[ExpertName, ExpertSpec] = {}
    remarks: list[str] = []
    for name, section in schema.experts.items():
        spec = _expert(name, section, models, folder, environment)
        if spec.kind is Kind.REMOTE:
            spec, unpriced = _with_terms(spec, section, known)
            remarks += [f"experts.{name}: no price is known for {spec.target}; calls count as free"] * unpriced
        experts[spec.name] = spec
    secrets, missing = _secrets(schema, environment)
    remarks += [f"experts.{name}: {variable} is not set; it is left out of every panel" for name, variable in missing]
    configuration = Configuration(
        version=_version(document),
        path=path,
        catalogue=Catalogue(experts=experts, models=models),
        pools={PoolName(name): _pool(name, section) for name, section in schema.pools.items()},
        hosting=HostingSpec(
            memory_bytes=schema.hosting.memory,
            turn=schema.hosting.turn,
            keep_alive_s=schema.hosting.keep_alive,
            drain_s=schema.hosting.drain,
            policy=schema.hosting.policy,
            mailbox_limit=schema.hosting.mailbox_limit,
        ),
        api=ApiSpec(host=schema.api.host, port=schema.api.port),
        store=schema.privacy.store,
        secrets=secrets,
    )
    return configuration, tuple(remarks)


def _version(document: Document) -> str:
    canonical = json.dumps(document.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _model(name: str, section: ModelSection, folder: Path, environment: Mapping[str, str]) -> ModelSpec:
    return ModelSpec(
        name=ModelName(name),
        engine=Engine(section.engine),
        sources=_sources(section.sources or (), folder, environment),
        sha256=section.sha256 or "",
        context=section.context,
        slots=section.slots,
        licence=section.licence,
        memory_bytes=section.memory,
        extra=section.extra,
        server=_server(name, section, folder, environment),
        adapters=tuple(
            Adapter(adapter, _sources(its.sources, folder, environment), its.sha256)
            for adapter, its in sorted((section.adapters or {}).items())
        ),
    )


def _sources(sections: Iterable[SourceSection], folder: Path, environment: Mapping[str, str]) -> tuple[Source, ...]:
    sources: list[Source] = []
    for source in sections:
        if source.path is not None:
            sources.append(Source("path", _place(source.path, folder, environment)))
        elif source.package is not None:
            sources.append(Source("package", source.package))
        elif source.url is not None:
            sources.append(Source("url", expand(source.url, environment)))
    return tuple(sources)


def _server(name: str, section: ModelSection, folder: Path, environment: Mapping[str, str]) -> ServerCommand | None:
    if section.command is None:
        return None
    return ServerCommand(
        words=tuple(shlex.split(section.command)),
        served=section.served or name,
        health=section.health,
        starts_s=section.starts_in,
        path=None if section.path is None else _place(section.path, folder, environment),
    )


def _place(path: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return where a path of the file leads; it is relative to the file's folder."""
    return str(folder / Path(expand(path, environment)).expanduser())


def _kind(section: ExpertSection) -> tuple[Kind, str]:
    if section.tool is not None:
        return Kind.TOOL, section.tool
    if section.recorded is not None:
        return Kind.RECORDED, section.recorded
    if section.script is not None:
        return Kind.SCRIPTED, section.script
    target = section.model or ""
    if target.startswith("hosted/"):
        return Kind.HOSTED, target.removeprefix("hosted/")
    return Kind.REMOTE, target


def _expert(
    name: str,
    section: ExpertSection,
    models: Mapping[ModelName, ModelSpec],
    folder: Path,
    environment: Mapping[str, str],
) -> ExpertSpec:
    kind, target = _kind(section)
    context = section.context or (models[ModelName(target)].context if kind is Kind.HOSTED else 0)
    abilities = section.abilities or _ABILITIES.get(kind, frozenset({target}))
    drawn = section.sampling
    key = sole_reference(section.key) if section.key else None
    endpoint = expand(section.endpoint, environment).rstrip("/") if section.endpoint else None
    return ExpertSpec(
        name=ExpertName(name),
        kind=kind,
        target=target,
        system=section.system.strip(),
        sampling=Sampling(**{**drawn.model_dump(), "stop": tuple(drawn.stop)}),
        abilities=frozenset(abilities),
        context=context,
        max_output=section.max_output or _output(kind, context, drawn.max_tokens or 0),
        price=_price(section.price) if section.price else Price(),
        limits=Limits(**section.limits.model_dump()),
        data=DataTerms(section.data.region, section.data.may_train, frozenset(section.data.tags)),
        fallback=tuple(ExpertName(other) for other in section.fallback),
        endpoint=endpoint,
        secret=key.name if key else None,
        family=section.family or _family(kind, target),
        group=section.group or _group(kind, target, endpoint),
        adapter=section.adapter,
        options=tuple((option, _option(value)) for option, value in _options(kind, section, folder).items()),
    )


def _family(kind: Kind, target: str) -> str:
    """Return the family when nobody says: that of a model known to the world; a name of this file is its own."""
    return family_of(target) if kind in {Kind.REMOTE, Kind.RECORDED} else target


def _group(kind: Kind, target: str, endpoint: str | None) -> str:
    """Return the host group when nobody says: a hosted model's experts share it, those of a provider its address."""
    if kind is Kind.REMOTE:
        return endpoint or target.partition("/")[0]
    return f"hosted/{target}" if kind is Kind.HOSTED else ""


def _output(kind: Kind, context: int, wanted: int) -> int:
    """Return how long a reply may be when nobody says: half of a hosted context leaves room for the question."""
    usual = {Kind.REMOTE: _REMOTE_OUTPUT, Kind.HOSTED: context // 2}.get(kind, _LEAST_OUTPUT)
    return max(usual, wanted)


def _options(kind: Kind, section: ExpertSection, folder: Path) -> dict[str, str | int | float | bool]:
    """Return the options; the folder of a recording is relative to the file."""
    if kind is not Kind.RECORDED:
        return section.options
    return {**section.options, "pool": str(folder / Path(str(section.options["pool"])).expanduser())}


def _option(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _price(section: PriceSection) -> Price:
    cached = section.cached_input_per_million_usd
    return Price(
        input_per_million=from_usd(section.input_per_million_usd),
        output_per_million=from_usd(section.output_per_million_usd),
        cached_input_per_million=None if cached is None else from_usd(cached),
        per_call=from_usd(section.per_call_usd),
    )


def _with_terms(spec: ExpertSpec, section: ExpertSection, known: KnownTerms) -> tuple[ExpertSpec, bool]:
    """Fill in what the file leaves out from the known terms; tell whether the price stays unknown."""
    terms = known(spec.target)
    if terms is None:
        return spec, section.price is None
    learnt = replace(
        spec,
        price=spec.price if section.price else terms.price,
        context=spec.context or terms.context,
        abilities=spec.abilities if section.abilities else terms.abilities or spec.abilities,
        max_output=min(spec.max_output, terms.max_output) if terms.max_output else spec.max_output,
    )
    return learnt, False


def _secrets(schema: Schema, environment: Mapping[str, str]) -> tuple[dict[str, SecretStr], list[tuple[str, str]]]:
    found: dict[str, SecretStr] = {}
    missing: list[tuple[str, str]] = []
    for name, section in schema.experts.items():
        reference = sole_reference(section.key) if section.key else None
        if reference is None:
            continue
        value = reference.value(environment)
        if value is None:
            missing.append((name, reference.name))
        else:
            found[reference.name] = SecretStr(value)
    return found, missing


def _pool(name: str, section: PoolSection) -> PoolSpec:
    return PoolSpec(
        name=PoolName(name),
        experts=tuple(ExpertName(expert) for expert in section.experts),
        router=section.router,
        k=PanelSize(max=section.k.max, stop_at=section.k.stop_at, thrift=section.k.thrift),
        strategy=section.strategy,
        aggregator=section.aggregator,
        budget=_budget(section.budget),
        tagger=section.tagger,
        keyword_expert=ExpertName(section.keyword_expert) if section.keyword_expert else None,
        aggregator_expert=ExpertName(section.aggregator_expert) if section.aggregator_expert else None,
        rules=Rules(**section.rules.model_dump()),
        shadow=Shadow(**section.shadow.model_dump()),
    )


def _budget(section: BudgetSection) -> Budget:
    return Budget(
        micros=None if section.usd is None else Micros(from_usd(section.usd)),
        tokens=section.tokens,
        calls=section.calls,
        seconds=section.seconds,
    )
