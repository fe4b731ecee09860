"""The shape of conclave.yaml; also the source of the JSON Schema that editors read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from wiring.configuration.units import Bytes, Seconds, Times

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Ability = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


def _free(tag: str) -> str:
    if tag in {"remote", "may_train"} or tag.startswith("region:"):
        raise ValueError(f"{tag} is told by where the expert is and by its data terms; choose another word")
    return tag


Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._:/-]{0,63}$"), AfterValidator(_free)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SourceSection(_Section):
    """One place a model's file may come from; exactly one key."""

    path: str | None = Field(default=None, min_length=1, description="A GGUF file, relative to this file")
    package: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(\{\d+\.\.\d+\})?$", description="Or name-part{1..22}"
    )
    url: str | None = Field(default=None, min_length=1, description="An https address, fetched once")


class AdapterSection(_Section):
    """A LoRA adapter as a GGUF file; experts choose it by name."""

    sources: list[SourceSection] = Field(min_length=1, description="The first that is there is used")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Decides whether a source is the right file")


class ModelSection(_Section):
    """An artefact a host can load: a GGUF file, or whatever a server that the host starts can serve."""

    engine: Literal["llama", "server"] = "llama"
    sources: list[SourceSection] | None = Field(
        default=None, min_length=1, description="llama: the first that is there is used"
    )
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="llama: decides whether a source is the right file"
    )
    command: str | None = Field(
        default=None,
        min_length=1,
        description="server: what to run, without a shell; {port}, {path}, {context}, {slots}, {model} are filled in",
    )
    path: str | None = Field(default=None, min_length=1, description="server: its weights, relative to this file")
    served: str | None = Field(
        default=None, min_length=1, description="server: the name it knows the model under; the model's own by default"
    )
    health: str = Field(default="/health", pattern=r"^/", description="server: answers 200 once it can serve")
    starts_in: Seconds = Field(default=300.0, gt=0, description="server: how long a start may take")
    context: int = Field(default=2048, ge=128, le=1_048_576, description="Tokens per request")
    slots: int = Field(default=4, ge=1, le=256, description="Requests decoded together")
    memory: Bytes = Field(default=0, description="What it takes when loaded; llama: estimated when left out")
    adapters: dict[Name, AdapterSection] | None = Field(
        default=None, min_length=1, description="llama: adapters that experts of this model may choose"
    )
    licence: str = ""
    extra: str | None = Field(default=None, description="What to install when its packages are missing")


class SamplingSection(_Section):
    """How an expert draws its words when the caller does not say."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000)
    stop: list[str] = Field(default=[], max_length=4)
    seed: int | None = None
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)


class LimitsSection(_Section):
    """What a provider allows."""

    rpm: int | None = Field(default=None, ge=1, description="Requests a minute")
    tpm: int | None = Field(default=None, ge=1, description="Tokens a minute")
    concurrency: int | None = Field(default=None, ge=1, description="Requests at once")


class DataSection(_Section):
    """Where words sent to a provider go, and what any expert is made of or bound to."""

    region: str | None = None
    may_train: bool = False
    tags: list[Tag] = Field(
        default=[], max_length=32, description="Words such as licence:nc that requests may opt out of; for any expert"
    )


class PriceSection(_Section):
    """What a call costs, in dollars."""

    input_per_million_usd: float = Field(default=0, ge=0, le=1_000_000)
    output_per_million_usd: float = Field(default=0, ge=0, le=1_000_000)
    cached_input_per_million_usd: float | None = Field(default=None, ge=0, le=1_000_000)
    per_call_usd: float = Field(default=0, ge=0, le=1_000)


class ExpertSection(_Section):
    """Who can be recruited; exactly one of model, tool, recorded and script."""

    model: str | None = Field(default=None, description="hosted/<model of this file> or provider/model")
    adapter: str | None = Field(default=None, description="An adapter of its hosted model")
    tool: str | None = Field(default=None, description="A tool that answers by itself")
    recorded: str | None = Field(default=None, description="A model of the recording in options.pool")
    script: str | None = Field(default=None, description="A scripted expert, for demos and tests")
    system: str = Field(default="", max_length=20_000, description="The persona")
    sampling: SamplingSection = SamplingSection()
    abilities: list[Ability] | None = Field(default=None, min_length=1)
    context: int | None = Field(default=None, ge=1, description="Tokens; known for hosted and for priced models")
    max_output: int | None = Field(default=None, ge=1, le=1_000_000, description="Tokens a reply may have")
    price: PriceSection | None = None
    limits: LimitsSection = LimitsSection()
    data: DataSection = DataSection()
    fallback: list[str] = Field(default=[], max_length=8, description="Experts asked when this one fails")
    endpoint: str | None = Field(default=None, min_length=1, description="Address of an OpenAI-compatible server")
    key: str | None = Field(default=None, min_length=1, description="${NAME} of the variable that holds it")
    family: str | None = Field(default=None, description="Experts of one family tend to err together")
    group: str | None = Field(
        default=None, min_length=1, description="Experts of one group share hosts or a provider; known when left out"
    )
    options: dict[str, str | int | float | bool] = {}


class PanelSection(_Section):
    """How many experts think."""

    max: int = Field(default=3, ge=1, le=16)
    stop_at: float = Field(default=0.9, ge=0, le=1, description="Expected quality at which recruiting stops")
    thrift: float = Field(
        default=0.02, ge=0, le=10, description="Chance of a right answer that the price of the best expert must bring"
    )


class BudgetSection(_Section):
    """What one question may use."""

    usd: float | None = Field(default=None, ge=0, le=1_000_000)
    tokens: int | None = Field(default=None, ge=0)
    calls: int | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0, le=86_400)


class RulesSection(_Section):
    """What holds for a pool's panels whichever router chose them."""

    per_family: int | None = Field(default=None, ge=1, le=16, description="The most seats for one model family")
    per_group: int | None = Field(default=None, ge=1, le=16, description="The most seats for one host group")
    balance: bool = Field(default=False, description="Experts of like quality take turns")
    affinity: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="A conversation stays with its expert while that one's expected quality is this near to the best",
    )
    adapt: bool = Field(default=False, description="What a conversation shows of its experts moves its choices")


class ShadowSection(_Section):
    """How a pool's router is watched: a few answered queries are put to constant routers too."""

    share: float = Field(default=0.0, ge=0, le=1, description="The share of answered queries that is shadowed; 0: none")
    spend: float = Field(
        default=0.01, ge=0, le=1, description="Shadows spend at most this share of what the pool's queries cost"
    )
    fall_back: bool = Field(
        default=False, description="A router that loses to a constant is replaced by it until it has recovered"
    )


class PoolSection(_Section):
    """A named set of experts and how they are convened."""

    experts: list[str] = Field(min_length=1, max_length=1000)
    router: str = "conclave"
    k: PanelSection = PanelSection()
    strategy: str = "panel"
    aggregator: str = "auto"
    aggregator_expert: str | None = Field(default=None, description="Who synthesises; chosen by profile when left out")
    tagger: str = "embedding"
    keyword_expert: str | None = Field(default=None, description="Who names keywords when tagger is keywords")
    budget: BudgetSection = BudgetSection()
    rules: RulesSection = RulesSection()
    shadow: ShadowSection = ShadowSection()


class HostingSection(_Section):
    """How a host shares its memory and turns."""

    memory: Bytes = 3 * 1024**3
    turn: Times = 8.0
    keep_alive: Seconds = 600.0
    drain: Seconds = Field(default=30.0, description="What a host that ends gives to answers under way")
    policy: Literal["turns", "collate", "fifo"] = Field(
        default="turns", description="Whose turn is next; collate and fifo have no bounds and are there to compare with"
    )
    mailbox_limit: int = Field(default=1000, ge=1, le=1_000_000)


class ApiSection(_Section):
    """Where the API listens."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8080, ge=0, le=65535)


class PrivacySection(_Section):
    """What is kept of a question: metadata never holds its words, content does."""

    store: Literal["metadata", "content"] = "metadata"


class Schema(_Section):
    """conclave.yaml."""

    version: Literal[1]
    models: dict[Name, ModelSection] = {}
    experts: dict[Name, ExpertSection] = Field(min_length=1)
    pools: dict[Name, PoolSection] = Field(min_length=1)
    hosting: HostingSection = HostingSection()
    api: ApiSection = ApiSection()
    privacy: PrivacySection = PrivacySection()


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of conclave.yaml."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Schema.model_json_schema()}
