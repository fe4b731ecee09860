"""A model that fails is left alone for longer and longer, and is forgiven at its first success."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError, MissingArtefact
from core.ids import ModelName
from workers.hosting.failures import Failures

MODEL, OTHER = ModelName("m"), ModelName("n")
ERROR = MissingArtefact("model m: it has no sources")


@given(seed=st.integers(), times=st.integers(1, 2000))
def test_the_pause_doubles_up_to_a_minute_and_is_jittered(seed: int, times: int) -> None:
    failures = Failures(random.Random(seed))

    pauses = [failures.failed(MODEL, ERROR, now=0.0) for _ in range(times)]

    for pause, longest in zip(pauses, [1, 2, 4, 8, 16, 32] + [60] * times, strict=False):
        assert longest / 2 <= pause <= longest


def test_a_failed_model_is_blocked_until_its_pause_is_over() -> None:
    failures = Failures(random.Random(1))

    pause = failures.failed(MODEL, ERROR, now=100.0)

    assert failures.blocked(MODEL, 100.0 + 0.9 * pause) is not None
    assert failures.blocked(MODEL, 100.0 + pause) is None
    assert failures.blocked(OTHER, 100.0) is None


def test_what_blocks_is_the_last_error_and_says_when_to_come_back() -> None:
    failures = Failures(random.Random(1))
    failures.failed(MODEL, ConfigurationError("model m: before"), now=0.0)
    pause = failures.failed(MODEL, ERROR, now=10.0)

    blocked = failures.blocked(MODEL, 10.0)

    assert isinstance(blocked, MissingArtefact)
    assert blocked is not ERROR
    assert (blocked.message, blocked.error_code) == (ERROR.message, "missing_artefact")
    assert blocked.retry_after_s == round(pause, 1)


def test_a_success_clears_the_row() -> None:
    failures = Failures(random.Random(1))
    for _ in range(6):
        failures.failed(MODEL, ERROR, now=0.0)

    failures.succeeded(MODEL)

    assert failures.blocked(MODEL, 0.0) is None
    assert failures.failed(MODEL, ERROR, now=0.0) <= 1.0
