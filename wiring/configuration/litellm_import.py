"""A LiteLLM proxy configuration as an equivalent conclave.yaml.

Every deployment becomes an expert, and every model name a pool of its deployments, so that callers keep their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import yaml
from pydantic import BaseModel

from wiring.configuration.checking import check_structure
from wiring.configuration.litellm_schema import LitellmConfig, LitellmModel
from wiring.configuration.problems import Problem, refuse
from wiring.configuration.reading import Document, read_document
from wiring.configuration.variables import sole_reference

_PARAMS = {
    *("model", "api_base", "base_url", "api_key", "rpm", "tpm", "max_parallel_requests", "temperature", "top_p"),
    *("max_tokens", "seed", "input_cost_per_token", "output_cost_per_token", "region_name"),
}
_INFO = {"id", "mode", "max_input_tokens", "max_output_tokens", "input_cost_per_token", "output_cost_per_token"}


@dataclass(frozen=True, slots=True)
class Imported:
    """The text of a conclave.yaml, and what could not be carried over."""

    text: str
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Plan:
    """Experts and pools as they are collected; `groups` are the experts of each LiteLLM model name."""

    experts: dict[str, dict[str, object]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def import_litellm(content: bytes, file: str) -> Imported:
    """Return the equivalent conclave.yaml; raises `ConfigurationError` for what is unknown or cannot be said."""
    document = read_document(content, file)
    config, problems = check_structure(document, LitellmConfig)
    problems += _unsayable(document)
    if config is None or problems:
        raise refuse(file, problems)
    plan = _Plan()
    for entry in config.model_list:
        _add(plan, entry)
    _add_fallbacks(plan, config)
    pools = {_name(group): _pool(members) for group, members in plan.groups.items()}
    for alias, group in (config.router_settings.model_group_alias or {}).items():
        if group in plan.groups:
            pools[_name(alias)] = _pool(plan.groups[group])
    pools.setdefault("default", {"experts": list(plan.experts)})
    plan.remarks += _left_out(config)
    text = yaml.safe_dump(
        {"version": 1, "experts": plan.experts, "pools": pools}, sort_keys=False, allow_unicode=True, width=110
    )
    return Imported(f"# Imported from {Path(file).name}\n{text}", tuple(plan.remarks))


def _unsayable(document: Document) -> list[Problem]:
    """Return what is well formed in LiteLLM but has no meaning here."""
    data = document.data
    entries = data.get("model_list") if isinstance(data, dict) else None
    problems: list[Problem] = []
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        parameters = entry.get("litellm_params") if isinstance(entry, dict) else None
        if not isinstance(parameters, dict):
            continue
        path = ("model_list", index, "litellm_params")
        model, key = parameters.get("model"), parameters.get("api_key")
        if isinstance(model, str) and "*" in model:
            problems.append(document.problem((*path, "model"), "a wildcard cannot be imported; name the models"))
        if isinstance(key, str) and sole_reference(key) is None:
            message = "a key is not carried over; put it in a variable and write os.environ/NAME"
            problems.append(document.problem((*path, "api_key"), message))
    return problems


def _add(plan: _Plan, entry: LitellmModel) -> None:
    group = plan.groups.setdefault(entry.model_name, [])
    name = _free(_name(entry.model_name), plan.experts)
    plan.experts[name] = _expert(entry)
    if group:
        # LiteLLM spreads load over a group; here the next deployment takes over when one fails.
        plan.experts[group[-1]]["fallback"] = [name]
    group.append(name)
    for section, known in ((entry.litellm_params, _PARAMS), (entry.model_info, _INFO)):
        dropped = sorted(section.model_fields_set - known)
        plan.remarks += [f"experts.{name}: not carried over: {', '.join(dropped)}"] if dropped else []


def _expert(entry: LitellmModel) -> dict[str, object]:
    given, info = entry.litellm_params, entry.model_info
    sampling = {key: getattr(given, key) for key in ("temperature", "top_p", "max_tokens", "seed")}
    limits = {"rpm": given.rpm, "tpm": given.tpm, "concurrency": given.max_parallel_requests}
    cost_in = _first(given.input_cost_per_token, info.input_cost_per_token)
    cost_out = _first(given.output_cost_per_token, info.output_cost_per_token)
    price = {"input_per_million_usd": _per_million(cost_in), "output_per_million_usd": _per_million(cost_out)}
    endpoint = given.api_base or given.base_url
    expert: dict[str, object] = {
        "model": given.model if "/" in given.model else f"openai/{given.model}",
        "endpoint": _reference(endpoint) if endpoint else None,
        "key": _reference(given.api_key) if given.api_key else None,
        "context": info.max_input_tokens,
        "max_output": info.max_output_tokens,
        "sampling": _said(sampling),
        "limits": _said(limits),
        "data": _said({"region": given.region_name}),
        "price": _said(price),
    }
    return {key: value for key, value in expert.items() if value not in (None, {})}


def _add_fallbacks(plan: _Plan, config: LitellmConfig) -> None:
    """Let the last deployment of a group fall back on other groups, unless that would close a circle."""
    rules = [*(config.litellm_settings.fallbacks or []), *(config.router_settings.fallbacks or [])]
    for group, others in (pair for rule in rules for pair in rule.items()):
        targets = [plan.groups[other][0] for other in others if other in plan.groups]
        if group not in plan.groups or len(targets) < len(others):
            plan.remarks.append(f"fallbacks of {group}: names a model that is not in model_list")
        for last in plan.groups.get(group, [])[-1:]:
            free = [target for target in targets if not _reaches(plan.experts, target, last)]
            if len(free) < len(targets):
                plan.remarks.append(f"fallbacks of {group}: one was left out because it leads back")
            if free:
                plan.experts[last]["fallback"] = free


def _reaches(experts: dict[str, dict[str, object]], start: str, goal: str) -> bool:
    seen, ahead = set[str](), [start]
    while ahead:
        here = ahead.pop()
        if here == goal:
            return True
        following = experts[here].get("fallback")
        if here not in seen and isinstance(following, list):
            ahead += following
        seen.add(here)
    return False


def _pool(members: list[str]) -> dict[str, object]:
    return {"experts": list(members), "router": "best_single", "k": {"max": 1}}


def _left_out(config: LitellmConfig) -> list[str]:
    carried = {"litellm_settings": {"fallbacks"}, "router_settings": {"fallbacks", "model_group_alias"}}
    remarks: list[str] = []
    for name in ("litellm_settings", "router_settings", "general_settings"):
        section: BaseModel = getattr(config, name)
        dropped = sorted(section.model_fields_set - carried.get(name, set()))
        remarks += [f"{name}: not carried over: {', '.join(dropped)}"] if dropped else []
    if config.environment_variables is not None:
        remarks.append("environment_variables: not carried over; set them where the service starts")
    return remarks


def _reference(text: str) -> str:
    """Return LiteLLM's way of naming a variable in ours; other text as it is."""
    sole = sole_reference(text)
    return f"${{{sole.name}}}" if sole and text.startswith("os.environ/") else text


def _per_million(per_token: float | None) -> float | None:
    return None if per_token is None else float(Decimal(str(per_token)) * 1_000_000)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _said(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def _name(text: str) -> str:
    """Return a LiteLLM model name in the characters a name may have here."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:60] or "model"


def _free(name: str, taken: dict[str, dict[str, object]]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free
