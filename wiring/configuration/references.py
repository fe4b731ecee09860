"""Names that must lead somewhere, looked up in the raw document: reported together with mistakes of structure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping

from core.commands import PATH, PLACEHOLDERS, PORT, placeholders
from core.errors import near
from wiring.configuration.names import Names
from wiring.configuration.problems import Path, Problem, shown
from wiring.configuration.reading import Document, Plain
from wiring.configuration.schema import ExpertSection
from wiring.configuration.units import parse_bytes
from wiring.configuration.variables import sole_reference, unset

_KINDS = ("model", "tool", "recorded", "script")
_REMOTE_ONLY = ("endpoint", "key", "limits")
_REMOTE_TERMS = ("region", "may_train")
_ENGINE_KEYS = {
    "llama": ("sources", "sha256", "adapters"),
    "server": ("command", "path", "served", "health", "starts_in"),
}
_ENGINE_NEEDS = {"llama": ("sources", "sha256"), "server": ("command", "memory")}
_DEFAULT_MEMORY = 3 * 1024**3


def check_references(document: Document, names: Names, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield a problem for every name that leads nowhere and every part that contradicts another."""
    root = _mapping(document.data)
    models, experts = _mapping(root.get("models")), _mapping(root.get("experts"))
    for name, model in models.items():
        yield from _check_model(document, name, _mapping(model), _memory(root), environment)
    for name, expert in experts.items():
        if isinstance(expert, dict):
            yield from _check_expert(document, ("experts", name), expert, models, names)
            yield from _check_adapter(document, ("experts", name), expert, models)
            yield from _check_address(document, ("experts", name), expert, environment)
            yield from _check_fallback(document, name, experts)
    for name, pool in _mapping(root.get("pools")).items():
        yield from _check_pool(document, ("pools", name), _mapping(pool), experts, names)


def _check_model(
    document: Document, name: str, model: dict[str, Plain], room: int, environment: Mapping[str, str]
) -> Iterator[Problem]:
    yield from _check_sources(document, ("models", name), model, environment)
    for adapter, its in _mapping(model.get("adapters")).items():
        yield from _check_sources(document, ("models", name, "adapters", adapter), _mapping(its), environment)
    yield from _check_engine(document, ("models", name), model)
    yield from _check_command(document, ("models", name), model, environment)
    needed = _bytes(model.get("memory"), 0)
    if needed > room:
        message = f"takes {_gib(needed)} but hosting.memory is {_gib(room)}: it could never be loaded"
        yield document.problem(("models", name, "memory"), message)


def _check_sources(
    document: Document, place: Path, artefact: dict[str, Plain], environment: Mapping[str, str]
) -> Iterator[Problem]:
    for index, source in enumerate(_list(artefact.get("sources"))):
        path: Path = (*place, "sources", index)
        if isinstance(source, dict) and len(source) != 1:
            yield document.problem(path, "needs exactly one of path, package and url")
        for kind in ("path", "url"):
            text = _mapping(source).get(kind)
            for variable in unset(text, environment) if isinstance(text, str) else ():
                yield document.problem((*path, kind), f"the variable {variable} is not set")


def _check_engine(document: Document, path: Path, model: dict[str, Plain]) -> Iterator[Problem]:
    engine = model.get("engine", "llama")
    if engine not in _ENGINE_NEEDS:
        return  # Not an engine; that is already reported.
    for key in _ENGINE_NEEDS[str(engine)]:
        if model.get(key) is None:
            yield document.problem((*path, key), "missing")
    for other, keys in _ENGINE_KEYS.items():
        for key in keys if other != engine else ():
            if key in model:
                yield document.problem((*path, key), f"only for models with engine: {other}")
    if engine == "server" and _bytes(model.get("memory"), 1) == 0:
        yield document.problem((*path, "memory"), "must be more than 0: nothing can be estimated for a server")


def _check_command(
    document: Document, path: Path, model: dict[str, Plain], environment: Mapping[str, str]
) -> Iterator[Problem]:
    command, weights = model.get("command"), model.get("path")
    for variable in unset(weights, environment) if isinstance(weights, str) else ():
        yield document.problem((*path, "path"), f"the variable {variable} is not set")
    if not isinstance(command, str) or model.get("engine") != "server":
        return
    place = (*path, "command")
    try:
        words = shlex.split(command)
    except ValueError as error:
        yield document.problem(place, f"cannot be split into words: {str(error).lower()}")
        return
    if not words:
        yield document.problem(place, "names no program")
        return
    named = placeholders(words)
    for name in sorted(named - PLACEHOLDERS):
        hint = near(name, PLACEHOLDERS) or f"; known are {', '.join(sorted(PLACEHOLDERS))}"
        yield document.problem(place, f"no placeholder {{{name}}}{hint}")
    if PORT not in named:
        yield document.problem(place, "needs {port}: the host chooses where the server listens")
    if PATH in named and weights is None:
        yield document.problem(place, "says {path}, and the model has no path")
    if PATH not in named and weights is not None:
        yield document.problem((*path, "path"), "the command does not say {path}")


def _check_expert(
    document: Document, path: Path, expert: dict[str, Plain], models: Collection[str], names: Names
) -> Iterator[Problem]:
    given = [kind for kind in _KINDS if expert.get(kind) is not None]
    if not given and any(key not in ExpertSection.model_fields for key in expert):
        return  # Most likely the missing key, misspelt; that is already reported.
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "found none"
        yield document.problem(path, f"needs exactly one of {', '.join(_KINDS[:-1])} and {_KINDS[-1]}; {found}")
        return
    target = expert[given[0]]
    remote = given == ["model"] and not (isinstance(target, str) and target.startswith("hosted/"))
    if given == ["model"] and isinstance(target, str):
        yield from _check_target(document, (*path, "model"), target, models)
    for kind, known in (("tool", names.tools), ("script", names.scripts)):
        if given == [kind] and isinstance(target, str) and target not in known:
            yield document.problem((*path, kind), f"no {kind} {shown(target)}{near(target, known)}")
    if given == ["recorded"] and "pool" not in _mapping(expert.get("options")):
        yield document.problem((*path, "recorded"), "needs options.pool: the folder of the recording")
    if not remote:
        given_terms = [("data", key) for key in _REMOTE_TERMS if key in _mapping(expert.get("data"))]
        for place in [*((key,) for key in _REMOTE_ONLY if key in expert), *given_terms]:
            yield document.problem((*path, *place), "only for experts of a provider")


def _check_target(document: Document, path: Path, target: str, models: Collection[str]) -> Iterator[Problem]:
    provider, slash, model = target.partition("/")
    if not slash or not provider or not model:
        known = [f"hosted/{name}" for name in models]
        message = f"expected hosted/<model> or provider/model, found {shown(target)}{near(f'hosted/{target}', known)}"
        yield document.problem(path, message)
    elif provider == "hosted" and model not in models:
        yield document.problem(path, f"no model {shown(model)}{near(model, models)}")


def _check_adapter(
    document: Document, path: Path, expert: dict[str, Plain], models: Mapping[str, Plain]
) -> Iterator[Problem]:
    adapter, target = expert.get("adapter"), expert.get("model")
    if not isinstance(adapter, str):
        return
    provider, _, model = target.partition("/") if isinstance(target, str) else ("", "", "")
    if provider != "hosted":
        yield document.problem((*path, "adapter"), "only for experts of a hosted model")
    elif model in models and adapter not in (known := _mapping(_mapping(models[model]).get("adapters"))):
        yield document.problem((*path, "adapter"), f"{model} has no adapter {shown(adapter)}{near(adapter, known)}")


def _check_address(
    document: Document, path: Path, expert: dict[str, Plain], environment: Mapping[str, str]
) -> Iterator[Problem]:
    key, endpoint = expert.get("key"), expert.get("endpoint")
    if isinstance(key, str) and sole_reference(key) is None:
        message = "a key is not written in this file; put it in a variable and write ${NAME_OF_THE_VARIABLE}"
        yield document.problem((*path, "key"), message)
    if isinstance(endpoint, str):
        for variable in unset(endpoint, environment):
            yield document.problem((*path, "endpoint"), f"the variable {variable} is not set")
        if "${" not in endpoint and sole_reference(endpoint) is None and not endpoint.startswith(_SCHEMES):
            yield document.problem((*path, "endpoint"), f"expected an http or https address, found {shown(endpoint)}")


_SCHEMES = ("http://", "https://")


def _check_fallback(document: Document, name: str, experts: Mapping[str, Plain]) -> Iterator[Problem]:
    for index, other in enumerate(_list(_mapping(experts[name]).get("fallback"))):
        path: Path = ("experts", name, "fallback", index)
        if not isinstance(other, str):
            continue
        if other not in experts:
            yield document.problem(path, f"no expert {shown(other)}{near(other, experts)}")
        elif (circle := _way_back(other, name, experts)) and name == min(circle):
            yield document.problem(path, f"fallbacks go in a circle: {' > '.join((name, *circle))}")


def _way_back(start: str, goal: str, experts: Mapping[str, Plain]) -> tuple[str, ...]:
    """Return the shortest way from `start` to `goal` along fallbacks, or nothing."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        if way[-1] == goal:
            return way
        for following in _list(_mapping(experts.get(way[-1])).get("fallback")):
            if isinstance(following, str) and following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return ()


def _check_pool(
    document: Document, path: Path, pool: dict[str, Plain], experts: Collection[str], names: Names
) -> Iterator[Problem]:
    members = _list(pool.get("experts"))
    for index, member in enumerate(members):
        if isinstance(member, str) and member not in experts:
            message = f"no expert {shown(member)}{near(member, experts)}"
            yield document.problem((*path, "experts", index), message)
        elif isinstance(member, str) and member in members[:index]:
            yield document.problem((*path, "experts", index), f"{shown(member)} is already in the pool")
    choices = (
        ("router", names.routers),
        ("strategy", names.strategies),
        ("aggregator", names.aggregators),
        ("tagger", names.taggers),
    )
    for key, known in choices:
        value = pool.get(key)
        if isinstance(value, str) and value not in known:
            hint = near(value, known) or f"; known are {', '.join(sorted(known))}"
            yield document.problem((*path, key), f"no {key} {shown(value)}{hint}")
    for key in ("aggregator_expert", "keyword_expert"):
        value = pool.get(key)
        if isinstance(value, str) and value not in experts:
            yield document.problem((*path, key), f"no expert {shown(value)}{near(value, experts)}")
    shadow = _mapping(pool.get("shadow"))
    if shadow.get("fall_back") is True and not shadow.get("share"):
        yield document.problem((*path, "shadow", "fall_back"), "needs a share above 0: what loses is told by shadows")
    if pool.get("tagger") == "keywords" and pool.get("keyword_expert") is None:
        yield document.problem((*path, "tagger"), "keywords needs keyword_expert: who names them")


def _memory(root: Mapping[str, Plain]) -> int:
    return _bytes(_mapping(root.get("hosting")).get("memory"), _DEFAULT_MEMORY)


def _bytes(value: Plain, otherwise: int) -> int:
    try:
        return parse_bytes(value)
    except ValueError:
        return otherwise


def _gib(size: int) -> str:
    return f"{size / 1024**3:.3g}GiB"


def _mapping(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _list(value: Plain) -> list[Plain]:
    return value if isinstance(value, list) else []
