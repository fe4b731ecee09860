"""From an untrusted object to a checked model: every refusal names the field, none repeats what was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from core.errors import InvalidRequest, near
from core.messages import Json

Model = TypeVar("Model", bound=BaseModel)

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Strict(BaseModel):
    """The ground of every request model: unknown names are refused and no value is bent to another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def read(model: type[Model], body: Mapping[str, Json]) -> Model:
    """Return `body` as `model`; raises `InvalidRequest` naming the first field that is wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _refusal(model, error.errors(include_url=False, include_context=True, include_input=False)) from None


def _refusal(model: type[BaseModel], problems: Sequence[ErrorDetails]) -> InvalidRequest:
    # An unknown name is the likelier slip than the missing field it left behind.
    # Of the branches of a union, the one that got deepest is the one that was meant.
    deepest = max(problems, key=lambda p: len(p["loc"]))
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), deepest)
    place = _place(problem["loc"])
    if problem["type"] == "extra_forbidden":
        hint = near(str(problem["loc"][-1]), _names_at(model, problem["loc"][:-1]))
        return InvalidRequest(f"{place}: unknown parameter{hint}", param=place, code="unknown_parameter")
    if problem["type"] == "missing":
        return InvalidRequest(f"{place}: this field is required", param=place, code="missing_field")
    return InvalidRequest(f"{place}: {_said(problem)}", param=place, code="invalid_value")


def _said(problem: ErrorDetails) -> str:
    if problem["type"] == "value_error":
        return str(problem.get("ctx", {}).get("error", "not a valid value"))
    if problem["type"] == "none_required":
        return "not supported; leave it out"
    return problem["msg"][0].lower() + problem["msg"][1:]


def _place(steps: Sequence[str | int]) -> str:
    place = ""
    for step in steps:
        if isinstance(step, int):
            place += f"[{step}]"
        elif not _is_branch(step):
            name = step if _PLAIN_NAME.fullmatch(step) else "?"
            place += f".{name}" if place else name
    return place or "?"


def _is_branch(step: str) -> bool:
    """Whether a step names a branch of a union and not a field: a type such as `str`, `list[Part]` or `ToolChoice`."""
    return step in {"bool", "float", "int", "str"} or "[" in step or step[:1].isupper()


def _names_at(model: type[BaseModel], steps: Sequence[str | int]) -> list[str]:
    """Return the fields known where an unknown one was found: of the nested model when one is named on the way."""
    current: type[BaseModel] = model
    for step in steps:
        field = current.model_fields.get(step) if isinstance(step, str) else None
        nested = _models_in(field.annotation) if field else []
        if nested:
            current = nested[0]
    return list(current.model_fields)


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [kind for part in getattr(annotation, "__args__", ()) for kind in _models_in(part)]
