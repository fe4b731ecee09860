"""How long a model that could not be loaded is left alone: longer after every failure in a row."""

from __future__ import annotations

import random
from dataclasses import dataclass

from core.errors import ConclaveError
from core.ids import ModelName

_FIRST_S = 1.0
_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class _Failure:
    error: ConclaveError
    in_a_row: int
    until: float


class Failures:
    """Remembers, for each model, the last failure and when to try again: after 1, 2, 4 ... 60 seconds, jittered."""

    def __init__(self, rng: random.Random) -> None:
        """Begin with every model unblamed; `rng` keeps hosts from trying again in step."""
        self._rng = rng
        self._failures: dict[ModelName, _Failure] = {}

    def failed(self, model: ModelName, error: ConclaveError, now: float) -> float:
        """Remember a failure, and return for how many seconds the model is blocked: half to all of its back-off."""
        before = self._failures.get(model)
        in_a_row = before.in_a_row + 1 if before is not None else 1
        # The back-off is at its longest after seven failures; more only count.
        longest = min(_LONGEST_S, _FIRST_S * 2 ** min(in_a_row - 1, 10))
        pause = self._rng.uniform(longest / 2, longest)
        self._failures[model] = _Failure(error, in_a_row, now + pause)
        return pause

    def succeeded(self, model: ModelName) -> None:
        """Forget the model's failures."""
        self._failures.pop(model, None)

    def reasons(self) -> dict[ModelName, str]:
        """Return why each model failed that was not loaded since."""
        return {model: failure.error.message for model, failure in self._failures.items()}

    def blocked(self, model: ModelName, now: float) -> ConclaveError | None:
        """Return what kept the model from loading and for how long it is blocked, or nothing when it may be tried."""
        failure = self._failures.get(model)
        if failure is None or now >= failure.until:
            return None
        error = failure.error
        # A new one: an exception that is raised again and again collects a traceback without end.
        return type(error)(
            error.message, param=error.param, code=error.error_code, retry_after_s=round(failure.until - now, 1)
        )
