"""A provider's rate limit, shared by every expert that spends from it: nobody calls while it asks us to wait."""

from __future__ import annotations

from core.experts import ExpertSpec, Kind

LONGEST_WAIT_S = 300.0


class Quota:
    """When calls of one quota group may go on. Times are monotonic seconds."""

    def __init__(self) -> None:
        """Start with nothing in the way."""
        self._until = 0.0

    def wait_s(self, now: float) -> float | None:
        """Return the seconds to wait; nothing when a call may be made now."""
        left = self._until - now
        return left if left > 0 else None

    def hold_off(self, now: float, seconds: float) -> None:
        """Make no call for `seconds`, at most `LONGEST_WAIT_S`; never shortens a wait."""
        self._until = max(self._until, now + min(seconds, LONGEST_WAIT_S))


def quota_group(spec: ExpertSpec) -> str:
    """Return the group whose limit the expert spends from: the endpoint or provider, with the key."""
    if spec.kind is not Kind.REMOTE:
        return f"{spec.kind}:{spec.name}"
    return f"{spec.endpoint or spec.target.partition('/')[0]}#{spec.secret or ''}"


def deployment(spec: ExpertSpec) -> str:
    """Return what fails or works as one: personas of a model share its fate; a script or a recording stands alone."""
    if spec.kind in (Kind.REMOTE, Kind.HOSTED, Kind.TOOL):
        return f"{spec.kind}:{spec.endpoint or ''}:{spec.target}#{spec.secret or ''}"
    return f"{spec.kind}:{spec.name}"
