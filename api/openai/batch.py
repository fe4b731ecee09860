"""Batch files of the OpenAI API: a line read as the request it stands for, and what came of it written as a line.

Imports no web framework's startup: the command line reads and writes batches without a service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import orjson
from pydantic import Field, JsonValue

from agents.batches import BatchItem, Outcome
from agents.convening import Asked
from api.errors import body_of, known
from api.gate import MAX_BODY_BYTES, parse
from api.openai.asking import query_of
from api.openai.completion import Completion
from api.openai.fields import Strict, read
from api.openai.passed import passed_json
from api.openai.request import ChatRequest
from api.openai.targets import find_target
from core.answers import Answer
from core.errors import ConclaveError, InvalidRequest
from core.experts import ExpertSpec
from core.ids import IdSource, RunId
from core.messages import Json, Reply
from core.money import to_usd
from core.pools import PoolSpec
from core.rendering import answer_json
from wiring.configuration.values import Configuration

MAX_CUSTOM_ID = 512


class LineFields(Strict):
    """One line of a batch file."""

    custom_id: Annotated[str, Field(min_length=1, max_length=MAX_CUSTOM_ID)]
    method: Literal["POST"]
    url: Literal["/v1/chat/completions"]
    body: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A line that can be asked. `model` is the name the answer carries."""

    number: int
    custom_id: str
    model: str
    explain: bool
    item: BatchItem


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot; `is_request` says whether the line itself was in order, and what is wrong is its body."""

    request_id: str
    number: int
    custom_id: str | None
    error: ConclaveError
    is_request: bool


class BatchReader:
    """Reads the lines of one batch file, in order."""

    def __init__(self, configuration: Configuration, ids: IdSource, model: str | None = None) -> None:
        """Let `model` stand for whatever the bodies name, when it is given."""
        self._configuration = configuration
        self._ids = ids
        self._model = model
        self._seen: dict[str, int] = {}

    def line(self, number: int, text: bytes) -> BatchLine | BadLine:
        """Return what line `number`, counted from 1, asks for; every id may stand in the file once."""
        custom_id = None
        try:
            if len(text) > MAX_BODY_BYTES:
                raise InvalidRequest(f"longer than {MAX_BODY_BYTES} bytes", code="line_too_long")
            found = parse(text)
            custom_id = _id_in(found)
            fields = read(LineFields, found)
            first = self._seen.setdefault(fields.custom_id, number)
            if first != number:
                raise InvalidRequest(f"custom_id: the same as in line {first}", code="duplicate_custom_id")
        except InvalidRequest as error:
            return BadLine(self._ids.new(), number, custom_id, _of_line(number, error), is_request=False)
        try:
            return self._asked(number, fields)
        except ConclaveError as error:
            return BadLine(self._ids.new(), number, custom_id, error, is_request=True)

    def _asked(self, number: int, fields: LineFields) -> BatchLine:
        body: dict[str, Json] = dict(fields.body)
        if self._model is not None:
            body["model"] = self._model
        request = read(ChatRequest, body)
        if request.stream:
            raise InvalidRequest("stream: a batch has no streams; leave it out", param="stream", code="invalid_value")
        target = find_target(
            request.model, self._configuration, request.conclave.strategy if request.conclave else None
        )
        asked = Asked(RunId(self._ids.new()), query_of(request, self._configuration.catalogue))
        return BatchLine(
            number=number,
            custom_id=fields.custom_id,
            model=request.model,
            explain=request.conclave is not None and request.conclave.explain,
            item=BatchItem(asked, target.name if isinstance(target, ExpertSpec) else target),
        )


def came_of(line: BatchLine, outcome: Outcome, created: int, fingerprint: str) -> bytes:
    """Return the output line of a line that was asked: the completion, or the envelope of why there is none.

    `conclave` always says which run it was and what it cost: a line of a file has no headers that could.
    """
    result, run_id = outcome.result, line.item.asked.run_id
    if isinstance(result, ConclaveError):
        error = known(result)
        return _answer(line.custom_id, run_id, error.http_status, body_of(error))
    completion = Completion(run_id, line.model, created, fingerprint)
    told: dict[str, Json] = {"run_id": run_id, "cost_usd": to_usd(outcome.spent)}
    if line.explain:
        told = _explained(line.item, result, outcome.latency_s)
    body = completion.whole(
        result.text,
        result.finish.value,
        result.usage,
        tool_calls=result.tool_calls,
        refusal=result.declined if isinstance(result, Reply) else None,
        conclave=told,
    )
    return _answer(line.custom_id, run_id, 200, body)


def came_of_bad(line: BadLine) -> bytes:
    """Return the output line of a line that could not be asked: an error, or a refusal when it was a request."""
    error = known(line.error)
    if line.is_request:
        return _answer(line.custom_id, line.request_id, error.http_status, body_of(error))
    return _line(line.custom_id, line.request_id, None, {"code": error.error_code, "message": error.message})


def _explained(item: BatchItem, result: Answer | Reply, latency_s: float) -> dict[str, Json]:
    if isinstance(result, Answer):
        return answer_json(result)
    assert not isinstance(item.target, PoolSpec)  # noqa: S101  # only a single expert is passed through
    return passed_json(result, item.target, item.asked.run_id, latency_s)


def _answer(custom_id: str | None, request_id: str, status: int, body: bytes) -> bytes:
    response = {"status_code": status, "request_id": request_id, "body": orjson.Fragment(body)}
    return _line(custom_id, request_id, response, None)


def _line(custom_id: str | None, request_id: str, response: object, error: object) -> bytes:
    line = {"id": f"batch_req_{request_id}", "custom_id": custom_id, "response": response, "error": error}
    return orjson.dumps(line) + b"\n"


def _id_in(found: dict[str, Json]) -> str | None:
    custom_id = found.get("custom_id")
    return custom_id if isinstance(custom_id, str) and 0 < len(custom_id) <= MAX_CUSTOM_ID else None


def _of_line(number: int, error: InvalidRequest) -> InvalidRequest:
    return InvalidRequest(f"line {number}: {error.message}", param=error.param, code=error.error_code)
