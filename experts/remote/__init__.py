"""Remote experts: provider APIs, by a lean transport of our own or by LiteLLM, and what providers charge.

The only place that may import litellm, and only inside a call. Imported by wiring and the rest of this room.
"""

from __future__ import annotations

from experts.remote.transport import RemoteTransport

__all__ = ["RemoteTransport"]
