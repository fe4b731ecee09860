"""`POST /v1/chat/completions`: a pool convened, or one expert passed through; whole or streamed."""

from __future__ import annotations

from starlette.responses import Response

from agents.convening import Asked
from api.openai.asking import query_of
from api.openai.completion import Completion
from api.openai.convening import Convening
from api.openai.fields import read
from api.openai.passing import PassingThrough
from api.openai.request import ChatRequest
from api.openai.targets import find_target
from api.routes import Visit
from core.experts import ExpertSpec
from core.ids import RunId


async def chat_completions(visit: Visit) -> Response:
    """Answer a chat completion request."""
    request = read(ChatRequest, visit.body)
    container = visit.container
    configuration = container.configuration
    target = find_target(request.model, configuration, request.conclave.strategy if request.conclave else None)
    options = request.stream_options
    completion = Completion(
        run_id=RunId(container.ids.new()),
        model=request.model,
        created=int(container.clock.now().timestamp()),
        fingerprint=f"fp_{configuration.version}",
        with_usage=bool(request.stream and options and options.include_usage),
    )
    asked = Asked(completion.run_id, query_of(request, configuration.catalogue, visit.key.id), visit.key)
    explain = request.conclave is not None and request.conclave.explain
    if isinstance(target, ExpertSpec):
        through = PassingThrough(visit, completion, asked, target, explain=explain)
        return through.stream() if request.stream else await through.whole()
    convening = Convening(visit, completion, asked, target, explain=explain)
    return convening.stream() if request.stream else await convening.whole()
