"""The header of a GGUF file says what memory it will take, and whether it is one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from tests.workers.models import MIB, smollm
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.gguf import read_shape
from workers.hosting.memory import estimated_bytes


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real file of SmolLM2."""
    return ArtefactStore(tmp_path_factory.mktemp("cache")).locate(smollm())


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that examples overwrite."""
    return tmp_path_factory.mktemp("scratch") / "model.gguf"


def test_a_token_of_smollm_takes_what_its_layers_and_heads_say(weights: Path) -> None:
    shape = read_shape(weights, "m")

    # 30 layers x 3 key-value heads x (64 + 64) x 2 bytes
    assert shape.token_bytes == 30 * 3 * 128 * 2
    assert shape.file_bytes == weights.stat().st_size


def test_the_estimate_grows_with_context_and_slots_and_yields_to_the_configured_figure(weights: Path) -> None:
    shape = read_shape(weights, "m")
    small, large = smollm(context=512, slots=1), smollm(context=1024, slots=4)

    assert estimated_bytes(large, shape) - estimated_bytes(small, shape) == (4096 - 512) * shape.token_bytes
    assert estimated_bytes(small, shape) < 256 * MIB


@given(length=st.integers(0, 500))
def test_a_file_cut_in_its_header_is_a_typed_error(weights: Path, scratch: Path, length: int) -> None:
    with weights.open("rb") as whole:
        scratch.write_bytes(whole.read(length))

    with pytest.raises(ConfigurationError, match="GGUF file"):
        read_shape(scratch, "m")


@given(noise=st.binary(max_size=400))
def test_noise_is_a_typed_error_or_says_nothing(scratch: Path, noise: bytes) -> None:
    scratch.write_bytes(b"GGUF" + noise)

    with suppress(ConfigurationError):
        assert read_shape(scratch, "m").file_bytes == len(noise) + 4
