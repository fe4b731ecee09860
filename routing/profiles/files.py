"""Profiles as JSON files: written for people to read in a diff, read with suspicion."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from core.errors import ConfigurationError
from core.profiles import ProfileSet
from routing.profiles.document import ProfileDocument, digest, document_of, profiles_of

_REMEDY = "measure again with `conclave profile build`"


def dump_profiles(profiles: ProfileSet) -> str:
    """Return the profiles as JSON text; `parse_profiles` gives the same profiles back."""
    return document_of(profiles).model_dump_json(indent=1) + "\n"


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
    if digest(profiles) != profiles.version:
        raise ConfigurationError(f"{where}: version: the contents do not match {profiles.version!r}; {_REMEDY}")
