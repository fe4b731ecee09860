"""What `/v1/chat/completions` takes: the documented parameters of the OpenAI API, and the optional `conclave` object.

Parameters that change nothing here are accepted and ignored; those that would change the answer and cannot be honoured
are refused; endpoints and credentials are unknown parameters like any other.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from api.openai.fields import Strict

MAX_MESSAGES = 2_000
MAX_TOKENS = 1_000_000
_INT64 = 2**63

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Ignored = Annotated[JsonValue, Field(description="Accepted and ignored.")]
Refused = Annotated[None, Field(description="Not supported: leave it out, or null.")]
DataTerm = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._:/-]{0,63}$")]
Word = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$")]
Usd = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class ImageUrl(Strict):
    """Where an image is: an https or data URL."""

    url: str = Field(max_length=1_000_000)
    detail: Ignored = None


class Part(Strict):
    """One part of a message's content: text, an image, or a model's own refusal handed back."""

    type: Literal["text", "image_url", "refusal"]
    text: str | None = None
    image_url: ImageUrl | None = None
    refusal: str | None = None


class CalledFunction(Strict):
    """The function of a tool call; `arguments` is JSON text."""

    name: Name
    arguments: str


class CalledTool(Strict):
    """A tool call an assistant made earlier."""

    id: str = Field(min_length=1, max_length=128)
    type: Literal["function"] = "function"
    function: CalledFunction
    index: int | None = None


class ChatMessage(Strict):
    """One message of the conversation. The last line holds what clients hand back from earlier answers."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: Annotated[str, Field(max_length=64)] | None = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    refusal: str | None = None
    annotations: Ignored = None
    reasoning_content: Ignored = None
    audio: Refused = None
    function_call: Refused = None


class Function(Strict):
    """A function the expert may call; `parameters` is its JSON Schema."""

    name: Name
    description: Annotated[str, Field(max_length=10_000)] | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class Tool(Strict):
    """A tool offered to the expert."""

    type: Literal["function"]
    function: Function


class ChosenFunction(Strict):
    """The function a tool choice insists on."""

    name: Name


class ToolChoice(Strict):
    """A tool choice that insists on one function."""

    type: Literal["function"]
    function: ChosenFunction


class JsonSchema(Strict):
    """The schema an answer must fit."""

    name: Name
    description: str | None = None
    schema_: dict[str, JsonValue] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class Format(Strict):
    """The shape an answer must have."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Strict):
    """What a stream brings beside the words."""

    include_usage: bool | None = None
    include_obfuscation: Ignored = None


class BudgetFields(Strict):
    """The most one request may use; a resource without a number is capped by the pool."""

    usd: Usd | None = None
    tokens: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    calls: Annotated[int, Field(ge=1, le=10_000)] | None = None
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None


class Exclusions(Strict):
    """What not to ask, fallbacks included: experts by name, by model family, or by what `data` says of them.

    `data` holds `remote`, `may_train`, `region:<name>`, or a data-use tag of conclave.yaml such as `licence:nc`.
    """

    data: Annotated[list[DataTerm], Field(max_length=32)] | None = None
    experts: Annotated[list[Word], Field(max_length=256)] | None = None
    families: Annotated[list[Word], Field(max_length=64)] | None = None


SessionName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]


class ConclaveFields(Strict):
    """How to convene: all optional. `explain` puts the decision and the thoughts into the answer."""

    strategy: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    k: Annotated[int, Field(ge=1, le=64)] | None = None
    budget: BudgetFields | None = None
    seed: Annotated[int, Field(ge=0, lt=_INT64)] | None = None
    explain: bool = False
    session: SessionName | None = None
    exclude: Exclusions | None = None


class ChatRequest(Strict):
    """A chat completion request."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    n: Literal[1] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: Annotated[int, Field(ge=-_INT64, lt=_INT64)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    response_format: Format | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    conclave: ConclaveFields | None = None

    logprobs: Literal[False] | None = None
    modalities: list[Literal["text"]] | None = None
    audio: Refused = None
    function_call: Refused = None
    functions: Refused = None
    logit_bias: Refused = None
    top_logprobs: Refused = None
    web_search_options: Refused = None

    metadata: Ignored = None
    parallel_tool_calls: Ignored = None
    prediction: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_retention: Ignored = None
    reasoning_effort: Ignored = None
    safety_identifier: Ignored = None
    service_tier: Ignored = None
    store: Ignored = None
    user: Ignored = None
    verbosity: Ignored = None
