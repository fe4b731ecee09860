"""From a checked chat request to a `Query`: what a schema cannot say about messages, tools and formats is said here."""

from __future__ import annotations

import re
from collections.abc import Collection

from api.openai.request import (
    BudgetFields,
    ChatMessage,
    ChatRequest,
    ConclaveFields,
    Exclusions,
    Format,
    Part,
    Tool,
    ToolChoice,
)
from api.openai.schemas import check_schema
from core.budgets import Budget
from core.errors import InvalidRequest, near
from core.experts import Catalogue
from core.ids import ExpertName, KeyId
from core.messages import Image, Json, Message, ResponseFormat, Role, Sampling, ToolCall, ToolSpec
from core.money import from_usd
from core.query import Constraints, Query

MAX_IMAGES = 20
_IMAGE_URL = re.compile(
    r"https://[^\s\"<>\\]{1,2000}|data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}", re.ASCII
)
_NO_FIELDS = ConclaveFields()
_TEXT = ResponseFormat()
_NOTHING_EXCLUDED = Exclusions()
_REGION = "region:"
_TERMS = frozenset({"remote", "may_train"})
_SUBJECTS = {
    "data": "a term that is none of remote, may_train and region:<name>, nor a tag of any expert",
    "experts": "a name that no expert has",
    "families": "a family that no expert is of",
}


def query_of(request: ChatRequest, catalogue: Catalogue, owner: KeyId | None = None) -> Query:
    """Return what `request` asks; raises `InvalidRequest` naming the field that makes no sense.

    A session belongs to the key that named it, its `owner`: two keys that choose the same name share nothing.
    """
    fields = request.conclave or _NO_FIELDS
    messages = _messages(request.messages)
    tools = tuple(_tool(tool, index) for index, tool in enumerate(request.tools or ()))
    response_format = _format(request.response_format) if request.response_format else _TEXT
    needs = set()
    if tools:
        needs.add("tools")
    if response_format.kind != "text":
        needs.add("json_schema")
    if any(message.images for message in messages):
        needs.add("vision")
    return Query(
        messages=messages,
        sampling=_sampling(request),
        response_format=response_format,
        tools=tools,
        tool_choice=_tool_choice(request.tool_choice, tools),
        constraints=_constraints(fields, frozenset(needs), catalogue),
        budget=_budget(fields.budget) if fields.budget else Budget(),
        k=_panel_size(fields.k, tools),
        strategy=fields.strategy,
        seed=fields.seed,
        session=None if fields.session is None else session_of(fields.session, owner),
    )


def session_of(name: str, owner: KeyId | None) -> str:
    """Return what a conversation is known by inside: two keys that choose the same name share nothing."""
    return f"{owner or ''}/{name}"


def _messages(given: list[ChatMessage]) -> tuple[Message, ...]:
    called: set[str] = set()
    messages = []
    images = 0
    for index, message in enumerate(given):
        read = _message(message, f"messages[{index}]", called)
        images += len(read.images)
        if images > MAX_IMAGES:
            raise _wrong(f"messages[{index}].content", f"more than {MAX_IMAGES} images in one request")
        messages.append(read)
    return tuple(messages)


def _message(message: ChatMessage, place: str, called: set[str]) -> Message:
    role = Role(message.role)
    text, images = _content(message.content, role, f"{place}.content")
    if message.tool_calls and role is not Role.ASSISTANT:
        raise _wrong(f"{place}.tool_calls", "only an assistant message has tool calls")
    if message.tool_call_id is not None and role is not Role.TOOL:
        raise _wrong(f"{place}.tool_call_id", "only a tool message answers a tool call")
    if message.name is not None and not message.name.isprintable():
        raise _wrong(f"{place}.name", "a name has no hidden characters")
    calls = tuple(ToolCall(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or ())
    if role is Role.ASSISTANT:
        if message.content is None and not calls and message.refusal is None:
            raise _wrong(f"{place}.content", "this field is required unless there are tool calls")
        called.update(call.id for call in calls)
    elif message.content is None:
        raise _wrong(f"{place}.content", "this field is required")
    if role is Role.TOOL and message.tool_call_id not in called:
        raise _wrong(f"{place}.tool_call_id", "no earlier assistant message made this tool call")
    return Message(
        role=role,
        text=text or message.refusal or "",
        images=images,
        tool_calls=calls,
        tool_call_id=message.tool_call_id,
        name=message.name,
    )


def _content(content: str | list[Part] | None, role: Role, place: str) -> tuple[str, tuple[Image, ...]]:
    if content is None or isinstance(content, str):
        return content or "", ()
    texts, images = [], []
    for index, part in enumerate(content):
        where = f"{place}[{index}]"
        if part.type == "image_url":
            if role is not Role.USER:
                raise _wrong(where, "only a user message may hold images")
            if part.image_url is None or not _IMAGE_URL.fullmatch(part.image_url.url):
                raise _wrong(f"{where}.image_url", "an https URL or a base64 data URL of a png, jpeg, gif or webp")
            images.append(Image(part.image_url.url))
        else:
            said = part.text if part.type == "text" else part.refusal
            if said is None:
                raise _wrong(f"{where}.{part.type}", "this field is required")
            texts.append(said)
    return "\n".join(texts), tuple(images)


def _tool(tool: Tool, index: int) -> ToolSpec:
    function = tool.function
    parameters: dict[str, Json] = dict(function.parameters or {})
    check_schema(parameters, f"tools[{index}].function.parameters")
    return ToolSpec(function.name, function.description or "", parameters)


def _tool_choice(choice: str | ToolChoice | None, tools: tuple[ToolSpec, ...]) -> dict[str, Json] | str | None:
    if choice is None:
        return None
    if not tools:
        raise _wrong("tool_choice", "there are no tools to choose from")
    if isinstance(choice, str):
        return choice
    if choice.function.name not in {tool.name for tool in tools}:
        raise _wrong("tool_choice.function.name", "not one of the tools")
    return {"type": "function", "function": {"name": choice.function.name}}


def _format(wanted: Format) -> ResponseFormat:
    if wanted.type != "json_schema":
        return ResponseFormat(kind=wanted.type)
    if wanted.json_schema is None or wanted.json_schema.schema_ is None:
        raise _wrong("response_format.json_schema.schema", "this field is required")
    schema: dict[str, Json] = dict(wanted.json_schema.schema_)
    check_schema(schema, "response_format.json_schema.schema")
    return ResponseFormat("json_schema", wanted.json_schema.name, schema, wanted.json_schema.strict is not False)


def _sampling(request: ChatRequest) -> Sampling:
    stop = (request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ())
    if any(not 0 < len(text) <= 256 for text in stop):
        raise _wrong("stop", "each stop text has 1 to 256 characters")
    return Sampling(
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        stop=stop,
        seed=request.seed,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
    )


def _constraints(fields: ConclaveFields, needs: frozenset[str], catalogue: Catalogue) -> Constraints:
    exclude = fields.exclude or _NOTHING_EXCLUDED
    specs = catalogue.experts.values()
    terms, experts, families = (frozenset(words or ()) for words in (exclude.data, exclude.experts, exclude.families))
    regions = frozenset(term for term in terms if term.startswith(_REGION) and term != _REGION)
    tags = terms - regions - _TERMS
    _check_known("data", tags, {tag for spec in specs for tag in spec.data.tags} | _TERMS)
    _check_known("experts", experts, {spec.name for spec in specs})
    _check_known("families", families, {spec.family for spec in specs})
    return Constraints(
        needs=needs,
        no_training="may_train" in terms,
        local_only="remote" in terms,
        exclude=frozenset(map(ExpertName, experts)),
        without_regions=frozenset(term.removeprefix(_REGION) for term in regions),
        without_families=families,
        without_tags=tags,
    )


def _check_known(field: str, words: Collection[str], known: Collection[str]) -> None:
    # A slip of the pen must not let in whom it was meant to keep out.
    for word in sorted(words):
        if word not in known:
            raise _wrong(f"conclave.exclude.{field}", f"{_SUBJECTS[field]}{near(word, known)}")


def _budget(fields: BudgetFields) -> Budget:
    return Budget(
        micros=None if fields.usd is None else from_usd(fields.usd),
        tokens=fields.tokens,
        calls=fields.calls,
        seconds=fields.seconds,
    )


def _panel_size(k: int | None, tools: tuple[ToolSpec, ...]) -> int | None:
    if tools and k is not None and k > 1:
        raise _wrong("conclave.k", "tools need a panel of one; leave k out or make it 1")
    return 1 if tools else k


def _wrong(place: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{place}: {what}", param=place, code="invalid_value")
