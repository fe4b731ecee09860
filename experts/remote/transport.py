"""Remote experts: each goes through the lean transport or LiteLLM, as its provider speaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from pydantic import SecretStr

from core.calls import Call, Deadlines
from core.clock import Clock
from core.errors import ConfigurationError
from core.experts import ExpertSpec
from core.messages import Piece, Reply
from experts.remote.litellm_transport import LiteLLMTransport
from experts.remote.openai_transport import OpenAITransport
from experts.remote.providers import LEAN, transport_of


class RemoteTransport:
    """Calls provider APIs, with keys from `secrets` by the name that `ExpertSpec.secret` gives."""

    def __init__(self, secrets: Mapping[str, SecretStr], clock: Clock) -> None:
        """Connect and import nothing yet; close with `aclose`."""
        self._lean = OpenAITransport(secrets, clock)
        self._litellm = LiteLLMTransport(secrets, clock)

    def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces, the last a `FinishPiece`; closing it cancels the call upstream."""
        return self._of(expert).stream(expert, call, deadlines)

    async def complete(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> Reply:
        """Return the whole reply, by the cheaper way where there is one."""
        return await self._of(expert).complete(expert, call, deadlines)

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        try:
            return self._of(expert).unfit(expert)
        except ConfigurationError as error:
            return error.message

    async def aclose(self) -> None:
        """Close every connection."""
        await self._lean.aclose()
        await self._litellm.aclose()

    def _of(self, expert: ExpertSpec) -> OpenAITransport | LiteLLMTransport:
        return self._lean if transport_of(expert) == LEAN else self._litellm
