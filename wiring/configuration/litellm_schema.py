"""The shape of a LiteLLM proxy configuration, as far as it is read; a key that is not here is an error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Section(BaseModel):
    # A deployment's model_info and our own prefix `model_` would otherwise clash with pydantic's.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())


class LitellmParams(_Section):
    """How one deployment is called."""

    model: str = Field(min_length=1)
    api_base: str | None = None
    base_url: str | None = None
    api_key: str | None = None
    rpm: int | None = Field(default=None, ge=1)
    tpm: int | None = Field(default=None, ge=1)
    max_parallel_requests: int | None = Field(default=None, ge=1)
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    input_cost_per_token: float | None = Field(default=None, ge=0)
    output_cost_per_token: float | None = Field(default=None, ge=0)
    region_name: str | None = None
    api_version: Any = None
    organization: Any = None
    timeout: Any = None
    stream_timeout: Any = None
    max_retries: Any = None
    num_retries: Any = None
    weight: Any = None
    order: Any = None
    tags: Any = None
    drop_params: Any = None
    custom_llm_provider: Any = None
    cooldown_time: Any = None


class LitellmModelInfo(_Section):
    """What is known of one deployment."""

    id: Any = None
    mode: str | None = None
    base_model: Any = None
    max_tokens: Any = None
    max_input_tokens: int | None = Field(default=None, ge=1)
    max_output_tokens: int | None = Field(default=None, ge=1)
    input_cost_per_token: float | None = Field(default=None, ge=0)
    output_cost_per_token: float | None = Field(default=None, ge=0)
    supports_function_calling: Any = None
    supports_vision: Any = None
    description: Any = None
    access_groups: Any = None
    health_check_timeout: Any = None
    disable_background_health_check: Any = None


class LitellmModel(_Section):
    """One entry of model_list; entries with one name are deployments of one group."""

    model_name: str = Field(min_length=1)
    litellm_params: LitellmParams
    model_info: LitellmModelInfo = LitellmModelInfo()


class LitellmSettings(_Section):
    """litellm_settings: only fallbacks mean something here."""

    fallbacks: list[dict[str, list[str]]] | None = None
    default_fallbacks: Any = None
    context_window_fallbacks: Any = None
    content_policy_fallbacks: Any = None
    drop_params: Any = None
    modify_params: Any = None
    set_verbose: Any = None
    json_logs: Any = None
    num_retries: Any = None
    request_timeout: Any = None
    allowed_fails: Any = None
    cache: Any = None
    cache_params: Any = None
    callbacks: Any = None
    success_callback: Any = None
    failure_callback: Any = None
    service_callback: Any = None
    turn_off_message_logging: Any = None
    redact_user_api_key_info: Any = None
    max_budget: Any = None
    budget_duration: Any = None
    telemetry: Any = None


class LitellmRouter(_Section):
    """router_settings: fallbacks and aliases mean something here."""

    fallbacks: list[dict[str, list[str]]] | None = None
    model_group_alias: dict[str, str] | None = None
    routing_strategy: Any = None
    routing_strategy_args: Any = None
    num_retries: Any = None
    timeout: Any = None
    stream_timeout: Any = None
    retry_after: Any = None
    retry_policy: Any = None
    allowed_fails: Any = None
    allowed_fails_policy: Any = None
    cooldown_time: Any = None
    disable_cooldowns: Any = None
    enable_pre_call_checks: Any = None
    enable_tag_filtering: Any = None
    context_window_fallbacks: Any = None
    content_policy_fallbacks: Any = None
    default_fallbacks: Any = None
    cache_responses: Any = None
    redis_host: Any = None
    redis_port: Any = None
    redis_password: Any = None
    redis_url: Any = None


class LitellmGeneral(_Section):
    """general_settings: nothing of it is carried over."""

    master_key: Any = None
    database_url: Any = None
    database_connection_pool_limit: Any = None
    salt_key: Any = None
    alerting: Any = None
    alerting_threshold: Any = None
    background_health_checks: Any = None
    health_check_interval: Any = None
    completion_model: Any = None
    disable_spend_logs: Any = None
    max_parallel_requests: Any = None
    global_max_parallel_requests: Any = None
    proxy_batch_write_at: Any = None
    store_model_in_db: Any = None
    ui_access_mode: Any = None


class LitellmConfig(_Section):
    """A LiteLLM proxy configuration."""

    model_list: list[LitellmModel] = Field(min_length=1)
    litellm_settings: LitellmSettings = LitellmSettings()
    router_settings: LitellmRouter = LitellmRouter()
    general_settings: LitellmGeneral = LitellmGeneral()
    environment_variables: Any = None
