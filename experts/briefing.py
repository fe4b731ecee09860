"""What an expert is really asked: the caller's messages under its persona, with sampling settled and bounded."""

from __future__ import annotations

from dataclasses import replace

from core.calls import Call
from core.errors import ContextTooLong
from core.experts import ExpertSpec
from core.messages import Message, Role, Sampling
from experts.counting import least_input_tokens


def brief(spec: ExpertSpec, call: Call) -> Call:
    """Return the call as `spec` is to see it; `max_tokens` is always set.

    Raises `ContextTooLong` when it cannot fit.
    """
    messages = under_persona(spec.system, call.messages) if call.persona and spec.system else call.messages
    wanted = call.sampling.over(spec.sampling)
    most = spec.max_output if wanted.max_tokens is None else min(wanted.max_tokens, spec.max_output)
    if spec.context:
        room = spec.context - least_input_tokens(messages)
        if room <= 0:
            raise ContextTooLong(
                f"the messages do not fit the {spec.context} tokens of expert {spec.name}; shorten them",
                param="messages",
            )
        most = min(most, room)
    sampling = _bounded(wanted, max(1, most))
    return replace(call, expert=spec.name, messages=messages, sampling=sampling, persona=False)


def under_persona(system: str, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages with the persona first; one system message in all, as many chat templates allow no second."""
    if messages and messages[0].role in (Role.SYSTEM, Role.DEVELOPER):
        return (Message(Role.SYSTEM, f"{system}\n\n{messages[0].text}"), *messages[1:])
    return (Message(Role.SYSTEM, system), *messages)


def _bounded(sampling: Sampling, max_tokens: int) -> Sampling:
    if sampling.max_tokens == max_tokens:
        return sampling
    return Sampling(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=max_tokens,
        stop=sampling.stop,
        seed=sampling.seed,
        frequency_penalty=sampling.frequency_penalty,
        presence_penalty=sampling.presence_penalty,
    )
