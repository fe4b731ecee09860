"""The ledger of the service: Valkey spends escrow drawn from PostgreSQL, which holds the truth.

A reservation and its settlement are one line each in a shared round trip to Valkey. PostgreSQL is asked when the
escrow of an account runs out, and told in the background what was spent. What can go wrong costs money we think we
spent, never money we did not have:

* Valkey loses its data: the account's escrow counts as spent, as far as it was not reported.
* Valkey is away: reservations are rows in PostgreSQL, against what was not handed out to Valkey.
* A process dies: its holds expire; what it settled in its last moment may go uncharged, its ceilings never overspent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from core.budgets import AccountState, Budget, Spend
from core.errors import ConclaveError, Overloaded, Unavailable
from core.ids import HoldId
from core.money import Micros
from storage.clamping import clamped, refuse_negative
from storage.coalescing import Coalescer
from storage.postgres.accounts import Drawn, PostgresAccounts, Told
from storage.postgres.database import Database
from storage.postgres.holds import PostgresHolds, in_postgres
from storage.refusals import busy, exceeded
from storage.valkey import escrow
from storage.valkey.connection import Valkey
from storage.valkey.escrow import Holds, Operation, Report, ValkeyEscrow, in_valkey

_DRAWS = 6
_AWAY_S = 1.0
_ACCOUNTS_AT_ONCE = 100
_LATE = 100_000

_log = structlog.get_logger(__name__)


class _ValkeyAway(Exception):  # a state, not an error anybody sees
    """Valkey cannot be reached: do it in PostgreSQL, or later."""


@dataclass(frozen=True, slots=True)
class _Want:
    account: str
    escrow: str
    ceiling: Spend


class EscrowLedger:
    """Accounts, holds and spends. Made once a process, inside its event loop, and closed with `aclose`.

    The concurrency of an account is counted where its holds are: while Valkey is away, holds made before do not count.
    """

    def __init__(self, valkey: Valkey, database: Database, *, report_s: float = 1.0, idle_s: float = 10.0) -> None:
        """Report spends every `report_s` seconds; `expire` takes back the escrow of accounts unused for `idle_s`."""
        self._escrow = ValkeyEscrow(valkey)
        self._accounts = PostgresAccounts(database)
        self._rows = PostgresHolds(database)
        self._holds = Holds()
        self._operations: Coalescer[Operation, str] = Coalescer(self._run, lost=_tell_lost)
        self._draws: Coalescer[_Want, Drawn | None] = Coalescer(self._draw)
        self._report_s = report_s
        self._idle_ms = round(idle_s * 1000)
        self._used: set[str] = set()
        self._unreported: set[str] = set()
        self._late: deque[Operation] = deque()
        self._away_until = 0.0
        self._reporter: asyncio.Task[None] | None = None

    async def open(self, account: str, cap: Budget, concurrency: int | None = None) -> None:
        """Make the account, or change its cap and how many holds it may have at once.

        A cap below what was spent and held allows no more reservations. Costs a transaction: once a process and
        account is enough, unless something changes.
        """
        opened = await self._accounts.open(account, cap, concurrency)
        if opened.changed and not opened.new:
            # Valkey hears of it at its next draw otherwise.
            with suppress(_ValkeyAway):
                await self._operations.submit(escrow.configure(account, opened))
                await self._sweep([account], idle_ms=0)

    async def reserve(self, account: str, ceiling: Spend, ttl_s: float) -> HoldId:
        """Set `ceiling` aside for `ttl_s` seconds; raises `BudgetExceeded`, or `RateLimited` at too many holds."""
        refuse_negative(ceiling)
        self._start()
        if not self._is_away():
            with suppress(_ValkeyAway):
                return await self._reserve_escrow(account, ceiling, ttl_s)
        return await self._rows.reserve(account, ceiling, ttl_s)

    async def settle(self, account: str, hold: HoldId, actual: Spend) -> None:
        """Turn a hold into what was used, clamped to its ceiling; a second settle of a hold changes nothing.

        Returns at once for holds in Valkey: the settlement shares the next round trip, and a later call of this
        process sees it done.
        """
        if in_postgres(hold):
            await self._rows.settle(account, hold, actual)
        elif in_valkey(hold):
            used = clamped(actual, escrow.ceiling_of(hold))
            if used != actual:
                _log.error("ledger.ceiling_too_low", account=account, hold=hold, actual=actual)
            self._leave(escrow.settle(account, hold, used))

    async def release(self, account: str, hold: HoldId) -> None:
        """Give a hold back unused; returns as early as `settle`."""
        if in_postgres(hold):
            await self._rows.settle(account, hold, Spend())
        elif in_valkey(hold):
            self._leave(escrow.release(account, hold))

    async def expire(self) -> int:
        """Charge nothing and free every hold past its time; return how many there were.

        Also reports every account's spends, and takes back escrow that nobody uses.
        """
        freed = await self._rows.expire()
        with suppress(Unavailable, _ValkeyAway):
            names = await self._escrow.active()
            for start in range(0, len(names), _ACCOUNTS_AT_ONCE):
                reports = await self._sweep(names[start : start + _ACCOUNTS_AT_ONCE], self._idle_ms)
                freed += sum(report.expired for report in reports)
                bare = [escrow.forget(report, self._idle_ms) for report in reports if report.holds == 0]
                await asyncio.gather(*map(self._operations.submit, bare))
        return freed

    async def state(self, account: str) -> AccountState:
        """Return what is spent and held; raises `NotFound` for an account never opened.

        Escrow that Valkey lost, or cannot be asked about now, counts as spent.
        """
        report = None
        with suppress(_ValkeyAway):
            report = escrow.report(account, await self._operations.submit(escrow.examine(account)))
        truth = await self._accounts.truth(account)
        if report is not None and report.escrow == truth.escrow:
            spent, held = truth.spent + _beyond(report.spent, truth.told), truth.held + report.held
        else:
            spent, held = truth.spent + truth.outstanding, truth.held
        return AccountState(account, truth.cap, spent, held)

    async def aclose(self) -> None:
        """Settle what is left, report it, and give back the escrow this process drew."""
        if self._reporter is not None:
            self._reporter.cancel()
            await asyncio.wait([self._reporter])
            self._reporter = None
        self._retry_late()
        await self._operations.drain()
        try:
            for names in _chunks(self._used):
                await self._sweep(names, idle_ms=0)
        except (ConclaveError, _ValkeyAway) as error:
            _log.warning("ledger.closed_early", reason=type(error).__name__, unsettled=len(self._late))

    async def _reserve_escrow(self, account: str, ceiling: Spend, ttl_s: float) -> HoldId:
        self._used.add(account)
        hold, drawn, drawn_for = self._holds.new(ceiling), None, ""
        for _ in range(_DRAWS):
            answer = await self._operations.submit(escrow.reserve(account, hold, ttl_s))
            if answer == "ok":
                return hold
            if answer.startswith("busy"):
                raise busy(account, int(answer.split()[1]))
            lack = escrow.lack(answer)
            if drawn is not None and lack.escrow == drawn_for:
                left = _plus(drawn.left, lack.free)
                if left.lacks(ceiling) is not None:
                    raise exceeded(account, ceiling, left)
            if lack.frozen:
                # What is free was handed out under a cap that no longer holds: PostgreSQL decides anew.
                await self._sweep([account], idle_ms=0)
            drawn, drawn_for = await self._draws.submit(_Want(account, lack.escrow, ceiling)), lack.escrow
        raise Overloaded(f"too many requests of {account} at once; try again shortly", retry_after_s=_AWAY_S)

    async def _draw(self, wants: Sequence[_Want]) -> Sequence[Drawn | BaseException | None]:
        """Draw once for all that want of the same escrow, and tell Valkey before they try again."""
        together: dict[tuple[str, str], Spend] = {}
        for want in wants:
            key = (want.account, want.escrow)
            together[key] = together.get(key, Spend()) + want.ceiling
        drawn: dict[tuple[str, str], Drawn | BaseException | None] = {}
        for (account, name), wanted in together.items():
            try:
                drawn[account, name] = await self._draw_one(account, name, wanted)
            except (ConclaveError, _ValkeyAway) as error:
                drawn[account, name] = error
        return [drawn[want.account, want.escrow] for want in wants]

    async def _draw_one(self, account: str, name: str, wanted: Spend) -> Drawn | None:
        drawn = await self._accounts.draw(account, name, wanted)
        if drawn is None:
            _log.error("ledger.escrow_closed", account=account, escrow=name)
            await self._operations.submit(escrow.disown(account, name))
        else:
            await self._operations.submit(escrow.credit(account, name, drawn.total, drawn))
        return drawn

    async def _run(self, operations: Sequence[Operation]) -> Sequence[str | BaseException]:
        try:
            return await self._escrow.run(operations)
        except Unavailable:
            self._away_until = asyncio.get_running_loop().time() + _AWAY_S
            for operation in operations:
                if operation.verb in ("s", "x"):
                    self._keep(operation)
            return [_ValkeyAway()] * len(operations)

    async def _sweep(self, accounts: Sequence[str], idle_ms: int) -> Sequence[Report]:
        """Report accounts to PostgreSQL, with what is free of those unused for `idle_ms`."""
        answers = await asyncio.gather(
            *(self._operations.submit(escrow.examine(account, idle_ms)) for account in accounts)
        )
        reports = [escrow.report(account, answer) for account, answer in zip(accounts, answers, strict=True)]
        await self._accounts.tell(
            [Told(report.account, report.escrow, report.returned, report.spent) for report in reports]
        )
        self._unreported.difference_update(accounts)
        return reports

    def _leave(self, operation: Operation) -> None:
        self._start()
        self._unreported.add(operation.account)
        try:
            self._operations.leave(operation)
        except Overloaded:
            self._keep(operation)

    def _keep(self, operation: Operation) -> None:
        if len(self._late) < _LATE:
            self._late.append(operation)
        else:
            _log.error("ledger.settlement_lost", account=operation.account)

    def _retry_late(self) -> None:
        for _ in range(len(self._late)):
            self._leave(self._late.popleft())

    def _is_away(self) -> bool:
        return asyncio.get_running_loop().time() < self._away_until

    def _start(self) -> None:
        if self._reporter is None:
            self._reporter = asyncio.get_running_loop().create_task(self._report())

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(self._report_s)
            if self._is_away():
                continue
            self._retry_late()
            try:
                for names in _chunks(self._unreported):
                    await self._sweep(names, escrow.NEVER_MS)
            except Exception as error:  # noqa: BLE001  # a defect must not end the reports for good
                _log.warning("ledger.report_delayed", reason=type(error).__name__, accounts=len(self._unreported))


def _tell_lost(errors: Sequence[BaseException]) -> None:
    # Those that Valkey was away for are kept and tried again.
    lost = [error for error in errors if not isinstance(error, _ValkeyAway)]
    if lost:
        _log.error("ledger.settlements_lost", settlements=len(lost), reason=type(lost[0]).__name__)


def _chunks(names: Iterable[str]) -> list[list[str]]:
    ordered = sorted(names)
    return [ordered[start : start + _ACCOUNTS_AT_ONCE] for start in range(0, len(ordered), _ACCOUNTS_AT_ONCE)]


def _plus(left: Budget, free: Spend) -> Budget:
    return Budget(
        None if left.micros is None else Micros(left.micros + free.micros),
        None if left.tokens is None else left.tokens + free.tokens,
        None if left.calls is None else left.calls + free.calls,
    )


def _beyond(newer: Spend, older: Spend) -> Spend:
    return Spend(
        Micros(max(0, newer.micros - older.micros)),
        max(0, newer.tokens - older.tokens),
        max(0, newer.calls - older.calls),
    )
