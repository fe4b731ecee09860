"""What an engine says, as the frames a caller reads."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.hosting import Frame, FrameKind
from workers.hosting.engine import EngineEvent, Failed, Finished, Text, ToolPart


def frames_of(heard: Sequence[EngineEvent], after: int, waited_s: float) -> list[Frame]:
    """Return the frames for what was heard, numbered from `after` + 1; neighbouring text becomes one frame.

    The last tells for how long the request had `waited_s` when it was claimed.
    """
    return [Frame(seq, kind, data) for seq, (kind, data) in enumerate(_merged(heard, waited_s), start=after + 1)]


def error_frame(seq: int, failure: Failed) -> Frame:
    """Return the last frame of a result that failed."""
    return Frame(seq, FrameKind.ERROR, _error(failure))


def _merged(heard: Sequence[EngineEvent], waited_s: float) -> list[tuple[FrameKind, str]]:
    merged: list[tuple[FrameKind, str]] = []
    for event in heard:
        match event:
            case Text(text):
                if merged and merged[-1][0] is FrameKind.TEXT:
                    text = merged.pop()[1] + text
                merged.append((FrameKind.TEXT, text))
            case ToolPart():
                merged.append((FrameKind.TOOL, _tool(event)))
            case Finished():
                merged.append((FrameKind.END, _end(event, waited_s)))
            case Failed():
                merged.append((FrameKind.ERROR, _error(event)))
            case _:
                pass
    return merged


def _tool(part: ToolPart) -> str:
    named = {key: value for key, value in (("id", part.id), ("name", part.name)) if value is not None}
    return json.dumps({"index": part.index, **named, "arguments": part.arguments})


def _end(finished: Finished, waited_s: float) -> str:
    data = {
        "finish": finished.finish,
        "input_tokens": finished.input_tokens,
        "output_tokens": finished.output_tokens,
        "cached_tokens": finished.cached_tokens,
        "waited_s": round(waited_s, 3),
    }
    if finished.mean_logprob is not None:
        return json.dumps({**data, "mean_logprob": finished.mean_logprob})
    return json.dumps(data)


def _error(failure: Failed) -> str:
    return json.dumps({"code": failure.code, "message": failure.message, "retryable": failure.retryable})
