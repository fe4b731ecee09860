"""From a path to a `Configuration`: find the file, read it, check all of it, build it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from wiring.configuration.building import KnownTerms, Terms, build
from wiring.configuration.checking import check_structure
from wiring.configuration.names import Names
from wiring.configuration.problems import refuse
from wiring.configuration.reading import MAX_BYTES, read_document
from wiring.configuration.references import check_references
from wiring.configuration.schema import Schema
from wiring.configuration.values import Configuration

FILE_NAME = "conclave.yaml"
PACKAGED = Path(__file__).resolve().parents[2] / FILE_NAME


@dataclass(frozen=True, slots=True)
class Examined:
    """A configuration that is right, with remarks on what works less than it might."""

    configuration: Configuration
    remarks: tuple[str, ...] = ()


def load_configuration(path: Path | None, environment: Mapping[str, str], names: Names | None = None) -> Configuration:
    """Return the configuration at `path`; without one, ./conclave.yaml, or the one that comes with Conclave.

    Raises `ConfigurationError` with one line for every problem.
    """
    return examine(path, environment, names).configuration


def examine(
    path: Path | None,
    environment: Mapping[str, str],
    names: Names | None = None,
    known: KnownTerms | None = None,
) -> Examined:
    """Return the configuration with remarks; raises `ConfigurationError` with one line for every problem."""
    path = path or find_configuration()
    document = read_document(_read(path), str(path))
    schema, problems = check_structure(document, Schema)
    problems += check_references(document, names or Names(), environment)
    if schema is None or problems:
        raise refuse(document.file, problems)
    return Examined(*build(document, schema, path, environment, known or bundled_terms))


def find_configuration() -> Path:
    """Return ./conclave.yaml when it is there, else the file that comes with Conclave."""
    here = Path(FILE_NAME)
    return here if here.is_file() else PACKAGED


def bundled_terms(target: str) -> Terms | None:
    """Return what LiteLLM's bundled price file says of `provider/model`."""
    from experts.remote.prices import card_of

    card = card_of(target)
    return Terms(card.price, card.context, card.max_output, card.abilities) if card else None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
