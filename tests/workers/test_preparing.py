"""What is settled before a model is loaded, for a file of weights and for a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.errors import MissingArtefact
from core.experts import ModelSpec
from tests.workers.models import MIB, served, smollm
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.commands import command_line
from workers.hosting.preparing import Prepared, prepare


def nowhere(spec: ModelSpec) -> Path:
    """Stand in where no file may be looked for."""
    raise AssertionError(spec)


async def test_a_file_is_found_and_its_memory_estimated(tmp_path: Path) -> None:
    prepared = await prepare(smollm(), ArtefactStore(tmp_path).locate)

    assert prepared.path is not None
    assert 100 * MIB < prepared.wanted_bytes < 400 * MIB


async def test_a_server_takes_what_is_set_aside_and_no_file_is_looked_for(tmp_path: Path) -> None:
    assert await prepare(served("sh", "{port}"), nowhere) == Prepared(None, 50 * MIB)
    assert await prepare(served("sh", "{path}", path=str(tmp_path)), nowhere) == Prepared(tmp_path, 50 * MIB)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (served("no-such-server", "{port}"), 'model house: no program "no-such-server" can be run here'),
        (served("sh", "{port}", path="/no/such/folder"), "model house: /no/such/folder is not there"),
    ],
)
async def test_what_a_server_lacks_is_named_before_it_is_started(spec: ModelSpec, reason: str, tmp_path: Path) -> None:
    with pytest.raises(MissingArtefact) as caught:
        await prepare(spec, nowhere)

    assert caught.value.message == reason
    assert await asyncio.to_thread(ArtefactStore(tmp_path).absent, spec) == reason


def test_nothing_is_absent_for_a_server_whose_program_is_there(tmp_path: Path) -> None:
    assert ArtefactStore(tmp_path).absent(served("sh", "{port}")) is None


def test_values_fill_their_places_and_never_become_words_or_places_of_their_own() -> None:
    words = ("serve", "{path}", "--port={port}", "--name", "{model}", "{context}x{slots}", '{"json": {}}')
    spec = served(*words)
    assert spec.server is not None

    line = command_line(spec, spec.server, Path("/a b; {port}"), 8000)

    name = "the-house-model"
    assert line == ["serve", "/a b; {port}", "--port=8000", "--name", name, "1024x2", '{"json": {}}']
