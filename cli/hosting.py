"""`conclave models` and `conclave hosts`: what the running service's hosts hold, and orders for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.reaching import ask_service
from cli.terminal import AsJson, picked, print_json, print_table, say
from core.errors import DeadlineExceeded, HostLost, NotFound, Overloaded

if TYPE_CHECKING:
    from cli.client import Client
    from core.clock import Clock

models = typer.Typer(help="The models that hosts load: where they are, and moving them.", invoke_without_command=True)
hosts = typer.Typer(help="The hosts alive: what they hold, and draining them.", invoke_without_command=True)

ModelName = Annotated[str, typer.Argument(help="A model of conclave.yaml.", show_default=False)]
HostId = Annotated[str | None, typer.Option("--host", help="The host to tell.", show_default=False)]

_LOADED_WITHIN_S = 600.0
_LOOK_S = 0.5
# A host takes an order within a beat and tells of it with the next: what it told before may be of an older load.
_SETTLED_S = 5.0


@models.callback()
def _models(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_models(as_json)


@models.command("ls")
def list_models(as_json: AsJson = False) -> None:
    """List the models of the running service: what waits for each, and where each is."""
    found = ask_service(lambda client: client.get("/v1/admin/models"))["data"]
    if as_json:
        print_json({"models": found})
        return
    print_table(("model", "engine", "waiting", "oldest", "backlog", "hosts"), [_model_words(row) for row in found])


@models.command("load")
def load(
    name: ModelName,
    host: HostId = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is ready or failed.")] = True,
    as_json: AsJson = False,
) -> None:
    """Load a model on the host best placed, or on --host, and wait for it for at most ten minutes."""
    from core.clock import SystemClock

    if not wait:
        _order(name, "load", host, as_json=as_json)
        return
    told = ask_service(lambda client: _loaded(client, name, host, SystemClock()))
    failed = told["phase"] == "failed"
    if as_json:
        print_json(told)
        raise typer.Exit(int(failed))
    if failed:
        raise Overloaded(f"{told['host']} could not load {name}: {told['reason'] or 'it gave no reason'}")
    typer.echo(
        f"{name} is ready on {told['host']}: {_size(told['memory_bytes'])}, loaded in {_seconds(told['load_s'])}"
    )


@models.command("unload")
def unload(name: ModelName, host: HostId = None, as_json: AsJson = False) -> None:
    """Unload a model from every host that holds it, or from --host."""
    _order(name, "unload", host, as_json=as_json)


@models.command("pin")
def pin(name: ModelName, host: HostId = None, as_json: AsJson = False) -> None:
    """Keep a model in the memory of the host best placed, or of --host."""
    _order(name, "pin", host, as_json=as_json)


@models.command("unpin")
def unpin(name: ModelName, host: HostId = None, as_json: AsJson = False) -> None:
    """Let a model be unloaded again, on every host that holds it, or on --host."""
    _order(name, "unpin", host, as_json=as_json)


@hosts.callback()
def _hosts(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_hosts(as_json)


@hosts.command("ls")
def list_hosts(as_json: AsJson = False) -> None:
    """List the hosts alive with memory, slots and models."""
    found = ask_service(lambda client: client.get("/v1/admin/hosts"))["data"]
    if as_json:
        print_json({"hosts": found})
        return
    print_table(("host", "state", "serving", "slots", "memory", "models"), [_host_words(row) for row in found])


@hosts.command("drain")
def drain(
    host: Annotated[str, typer.Argument(help="The host's id.", show_default=False)], as_json: AsJson = False
) -> None:
    """Let a host finish what it serves and leave the rest to others."""
    told = ask_service(lambda client: client.post(f"/v1/admin/hosts/{_quoted(host)}/drain", {}))
    _show(told, as_json=as_json)


def _order(name: str, verb: str, host: str | None, *, as_json: bool) -> None:
    _show(ask_service(lambda client: _ordered(client, name, verb, host)), as_json=as_json)


async def _ordered(client: Client, name: str, verb: str, host: str | None) -> dict[str, Any]:
    body = {} if host is None else {"host": host}
    return await client.post(f"/v1/admin/models/{_quoted(name)}/{verb}", body)


async def _loaded(client: Client, name: str, host: str | None, clock: Clock) -> dict[str, Any]:
    """Order a load and return what the host tells of the model once it is ready or failed."""
    before = await client.get(f"/v1/admin/models/{_quoted(name)}")
    (chosen,) = (await _ordered(client, name, "load", host))["hosts"]
    say(f"{chosen} is to load {name}")
    failed_before = any(held["host"] == chosen and held["phase"] == "failed" for held in before["hosts"])
    ordered_at, loading = clock.monotonic(), False
    while (passed := clock.monotonic() - ordered_at) < _LOADED_WITHIN_S:
        told = await _residence(client, chosen, name)
        phase = None if told is None else told["phase"]
        stale = phase == "failed" and failed_before and passed < _SETTLED_S
        if told is not None and phase in ("ready", "failed") and not stale:
            return {"host": chosen, **told}
        if phase == "loading" and not loading:
            say(f"{chosen} is loading {name}")
            loading = True
        await asyncio.sleep(_LOOK_S)
    raise DeadlineExceeded(f"{chosen} did not load {name} within {_LOADED_WITHIN_S:g} seconds; it may still do so")


async def _residence(client: Client, host: str, model: str) -> dict[str, Any] | None:
    try:
        told = await client.get(f"/v1/admin/hosts/{_quoted(host)}")
    except NotFound as error:
        raise HostLost(f"{host} went while it was to load {model}: {error.message}") from None
    return next((held for held in told["residences"] if held["model"] == model), None)


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(picked(told, "kind", "model", "hosts"))
    else:
        typer.echo(f"{told['kind']} was ordered of {', '.join(told['hosts'])}")


def _model_words(row: dict[str, Any]) -> tuple[str, ...]:
    places = [f"{held['host']} {held['phase']}{' (pinned)' if held['pinned'] else ''}" for held in row["hosts"]]
    backlog = "unknown" if row["backlog_s"] is None else _seconds(row["backlog_s"])
    oldest = _seconds(row["oldest_s"]) if row["waiting"] else "-"
    where = ", ".join(places) or "not loaded"
    return row["id"], row["engine"], str(row["waiting"]), oldest, backlog if row["waiting"] else "-", where


def _host_words(row: dict[str, Any]) -> tuple[str, ...]:
    state = "draining" if row["draining"] else "serving" if row["serving"] else "idle"
    memory = f"{_size(row['memory_used_bytes'])} of {_size(row['memory_budget_bytes'])}"
    held = ", ".join(f"{held['model']} {held['phase']}" for held in row["residences"]) or "-"
    slots = f"{row['slots_busy']} of {row['slots']}" if row["serving"] else "-"
    return row["id"], state, row["serving"] or "-", slots, memory, held


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _size(size: int) -> str:
    return f"{size / 1024**3:.2f} GiB"


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
