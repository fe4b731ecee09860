"""Profiles as JSON files: written for people to read in a diff, read with suspicion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from core.errors import ConfigurationError
from core.profiles import ProfileSet
from routing.profiles.document import ProfileDocument, digest, document_of, json_of, profiles_of
from routing.profiles.hierarchy import parents_of

_REMEDY = "measure again with `conclave profile build`"


def dump_profiles(profiles: ProfileSet) -> str:
    """Return the profiles as JSON text; `parse_profiles` gives the same profiles back."""
    values = json_of(document_of(profiles))
    lessons = values.pop("lessons", None)
    text = json.dumps(values, indent=1, ensure_ascii=False)
    if lessons is not None:
        # A lesson a line: a diff of two measurements shows which questions went otherwise.
        lines = ",\n".join(f"  {json.dumps(lesson, ensure_ascii=False)}" for lesson in cast("list[object]", lessons))
        text = f'{text[:-2]},\n "lessons": [\n{lines}\n ]\n}}'
    return text + "\n"


def load_profiles(path: Path) -> ProfileSet:
    """Return the profiles of a file; raises `ConfigurationError` naming the file and what is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"{path}: cannot read the profiles: {why}; {_REMEDY}") from None
    return parse_profiles(text, str(path))


def parse_profiles(text: str, where: str = "profiles") -> ProfileSet:
    """Return the profiles that JSON text holds; raises `ConfigurationError` beginning with `where`."""
    try:
        document = ProfileDocument.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ConfigurationError(f"{where}: {key}: {first['msg']}; {_REMEDY}") from None
    profiles = profiles_of(document)
    _check(profiles, where)
    return profiles


def _check(profiles: ProfileSet, where: str) -> None:
    names = [skill.name for skill in profiles.skills]
    known = set(names)
    if len(known) < len(names):
        raise ConfigurationError(f"{where}: skills: a name is there twice; {_REMEDY}")
    for expert, profile in profiles.experts.items():
        strange = sorted(set(profile.skills) - known)
        if strange:
            raise ConfigurationError(f'{where}: experts.{expert}.skills: "{strange[0]}" is no skill here; {_REMEDY}')
    try:
        parents_of(profiles.skills)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error.message}; {_REMEDY}") from None
    for number, lesson in enumerate(profiles.lessons):
        if not known.issuperset(lesson.skills) or not profiles.experts.keys() >= lesson.outcomes.keys():
            raise ConfigurationError(f"{where}: lessons.{number}: names a skill or an expert not here; {_REMEDY}")
    if digest(profiles) != profiles.version:
        raise ConfigurationError(f"{where}: version: the contents do not match {profiles.version!r}; {_REMEDY}")
