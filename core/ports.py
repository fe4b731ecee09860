"""The ports: what one room may ask of another without knowing it. Wiring hands in the adapters."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.budgets import AccountState, Budget, Spend
from core.calls import Call, Deadlines, Payer
from core.decision import Considered, Decision
from core.events import Event
from core.experts import ExpertSpec
from core.feedback import Feedback
from core.hosting import (
    EVERYTHING,
    Backlog,
    Claim,
    Claims,
    Frame,
    Grant,
    HostedRequest,
    HostState,
    Order,
    Renewal,
    Snapshot,
    Standing,
    Terms,
)
from core.ids import ExpertName, HoldId, HostId, KeyId, ModelName, PoolName, RequestId, RunId
from core.keys import ApiKey
from core.messages import Piece, Reply
from core.pools import PoolSpec
from core.profiles import ProfileSet
from core.query import Query
from core.runs import Run, UsageRecord
from core.shadows import Sample
from core.skills import Tags
from core.spending import By, Period, Spent
from core.thoughts import Thought


class Transport(Protocol):
    """One way to call experts of a kind. Knows nothing of budgets, fallbacks or health."""

    def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces, the last a `FinishPiece`; raises a `ConclaveError` when it cannot.

        Closing the iterator cancels the call at the other end.
        """
        ...


class Gateway(Protocol):
    """Calls experts: deadlines, fallbacks, health, cancellation, usage and price are settled here."""

    def stream(self, call: Call) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces, the last a `FinishPiece`, paying from the call's purse."""
        ...

    async def complete(self, call: Call) -> Reply:
        """Return the whole reply."""
        ...

    def ceiling(self, call: Call) -> Spend:
        """Return the most the call can cost, its fallbacks included; raises `ContextTooLong`, `NotFound`."""
        ...

    def healthy(self, expert: ExpertName) -> str | None:
        """Return why the expert should not be called now, or nothing when it may be."""
        ...


class Recruiter(Protocol):
    """Chooses a panel for a query."""

    async def understand(self, query: Query, pool: PoolSpec, payer: Payer | None = None) -> Tags:
        """Return the skills the query needs.

        An expert is called only when the pool's tagger is the keyword one and there is somebody to pay for it.
        """
        ...

    async def decide(self, query: Query, pool: PoolSpec, tags: Tags | None = None) -> Decision:
        """Return the decision, understanding the query first when no tags are given."""
        ...

    async def consider(
        self, query: Query, pool: PoolSpec, decision: Decision, thoughts: Sequence[Thought], tags: Tags | None = None
    ) -> Considered:
        """Return what is made of the thoughts so far, and who is to be asked next; calls no expert.

        Those who failed or declined are among the thoughts: they have no say, and are not asked again.
        """
        ...

    async def constants(self, query: Query, pool: PoolSpec, tags: Tags) -> Mapping[str, ExpertName]:
        """Return whom each router of `core.shadows.CONSTANTS` would ask, alone, of those who may be; calls no expert.

        A router that could ask nobody is left out.
        """
        ...

    def heard(self, query: Query, pool: PoolSpec, thoughts: Sequence[Thought], text: str) -> None:
        """Take note of what was said and of the answer it came to, for the conversation's next question."""
        ...

    def judged(self, pool: PoolSpec, session: str, rights: Mapping[ExpertName, float]) -> None:
        """Take note of how right experts were, in 0..1, for the next question of the conversation."""
        ...


class Tagger(Protocol):
    """Names the skills a query needs."""

    async def tag(self, query: Query, profiles: ProfileSet, payer: Payer | None = None) -> Tags:
        """Return skills of the profile set, heaviest first; none when the query is like none of them."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors whose dot product says how near their meanings are."""

    @property
    def name(self) -> str:
        """Name the model behind it."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text."""
        ...


class Ledger(Protocol):
    """Where every spend is reserved and settled; keeps `0 <= spent + held <= cap` in every account, whatever races."""

    async def open(self, account: str, cap: Budget, concurrency: int | None = None) -> None:
        """Make the account, or change its cap and how many holds it may have at once."""
        ...

    async def reserve(self, account: str, ceiling: Spend, ttl_s: float) -> HoldId:
        """Set `ceiling` aside for `ttl_s` seconds; raises `BudgetExceeded`, or `RateLimited` at too many holds."""
        ...

    async def settle(self, account: str, hold: HoldId, actual: Spend) -> None:
        """Turn a hold into what was used, clamped to its ceiling; a second settle of a hold changes nothing."""
        ...

    async def release(self, account: str, hold: HoldId) -> None:
        """Give a hold back unused."""
        ...

    async def expire(self) -> int:
        """Charge nothing and free every hold past its time; return how many there were."""
        ...

    async def state(self, account: str) -> AccountState:
        """Return what is spent and held; raises `NotFound` for an account never opened."""
        ...


class Mailbox(Protocol):
    """Requests waiting for hosted models, and the results on their way back."""

    async def submit(self, request: HostedRequest) -> bool:
        """Queue a request; return whether its mailbox was empty. Raises `Overloaded` when the mailbox is full."""
        ...

    async def snapshot(self) -> Snapshot:
        """Return every model with waiting requests, and the version that a decision on it is good for."""
        ...

    async def grant(self, model: ModelName, host: HostId, version: int, lease_s: float) -> Grant | None:
        """Give a host a turn for a model; nothing when the version has moved on: look and decide again."""
        ...

    async def claim(self, grant: Grant, count: int, lease_s: float, terms: Terms = EVERYTHING) -> Claims:
        """Lease up to `count` waiting requests to the host of a grant, in the order of `core.fairness`.

        The turn is over when its terms say so, or when the grant no longer stands.
        """
        ...

    async def renew(self, grant: Grant, claims: Sequence[Claim], lease_s: float) -> Renewal:
        """Extend a grant and its leases; tell which claims were cancelled, expired or taken by another host."""
        ...

    async def release(self, grant: Grant) -> None:
        """End a turn: the model's turn clock is set to now. Claims that are not over yet keep their leases."""
        ...

    async def push(self, claim: Claim, frames: Sequence[Frame]) -> bool:
        """Append frames to a result; return false, writing nothing, when the claim's fence is no longer the newest."""
        ...

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """Return requests without frames to the head of their mailbox, as a draining host does."""
        ...

    async def read(self, request: RequestId, after: int, wait_s: float) -> Sequence[Frame]:
        """Return frames numbered above `after`, waiting up to `wait_s` for the first."""
        ...

    async def cancel(self, request: RequestId) -> None:
        """Take the request out, or tell its host to stop; idempotent."""
        ...

    async def standing(self, request: RequestId) -> Standing:
        """Return where a request stands.

        A claimed request whose lease ran out goes back to the head of its mailbox when nothing of it was shown and
        it was tried less than three times; otherwise it is lost.
        """
        ...

    async def backlog(self) -> Sequence[Backlog]:
        """Return every model with waiting requests, the longest-waiting head first."""
        ...


class HostDirectory(Protocol):
    """Which hosts are alive and what they hold."""

    async def beat(self, state: HostState, ttl_s: float) -> Sequence[Order]:
        """Say that a host is alive, forgotten `ttl_s` seconds after the last beat; return its orders, each once."""
        ...

    async def order(self, host: HostId, order: Order) -> None:
        """Leave an order for a host, taken with its next beat; raises `NotFound` when it is not alive.

        Raises `Overloaded` when a hundred orders wait for it already.
        """
        ...

    async def leave(self, host: HostId) -> None:
        """Say that a host is gone."""
        ...

    async def hosts(self) -> Sequence[HostState]:
        """Return the hosts alive now."""
        ...


class Doorbell(Protocol):
    """Wakes a host that may be idle."""

    async def ring(self, host: HostState) -> None:
        """Ask the host to take turns; ringing too often is harmless."""
        ...


class RunLog(Protocol):
    """The append-only record of runs."""

    async def begin(self, run: Run) -> None:
        """Record a run that starts."""
        ...

    async def append(self, events: Sequence[Event]) -> None:
        """Record events; one run's sequence numbers are unique."""
        ...

    async def finish(self, run: Run) -> None:
        """Record the terminal state; a run leaves `running` once."""
        ...

    async def lose(self) -> int:
        """Fail every run that should have been over by now, with the code `process_lost`; return how many."""
        ...

    async def run(self, run_id: RunId) -> Run:
        """Return a run; raises `NotFound`. A call passed through has no record of its own but that of its usage."""
        ...

    async def events(self, run_id: RunId, after: int = 0) -> Sequence[Event]:
        """Return a run's events numbered above `after`, in order."""
        ...


class UsageLog(Protocol):
    """Who used what."""

    def record(self, line: UsageRecord) -> None:
        """Take a line to be written soon; never waits. Lines are written in batches, and on `flush`."""
        ...

    async def flush(self) -> None:
        """Write every line taken so far."""
        ...


class Spending(Protocol):
    """Reports over the usage log."""

    async def report(self, by: Sequence[By], period: Period) -> Sequence[Spent]:
        """Return what was used in a period, a line for each group, in the order of the groups."""
        ...


class ProfileStore(Protocol):
    """Versioned profiles of pools."""

    async def save(self, profiles: ProfileSet) -> None:
        """Keep a version; saving the same version again changes nothing."""
        ...

    async def latest(self, pool: PoolName) -> ProfileSet | None:
        """Return the newest profiles of a pool, or nothing when none were measured."""
        ...

    async def newest(self, pool: PoolName) -> str | None:
        """Return the version of the newest profiles of a pool, without reading them."""
        ...


class FeedbackLog(Protocol):
    """What callers and checkers said of answers."""

    async def give(self, feedback: Feedback) -> None:
        """Keep a judgement, in place of an earlier one by the same key on the same run and expert."""
        ...

    async def since(self, pool: PoolName, at: datetime, most: int = 10_000) -> Sequence[Feedback]:
        """Return the newest `most` judgements of a pool's answers given after `at`, the oldest first."""
        ...


class ShadowLog(Protocol):
    """What shadows found; of each pool only the newest samples are kept."""

    async def add(self, samples: Sequence[Sample]) -> None:
        """Keep the samples of one query, forgetting what is too old; adding the same again changes nothing."""
        ...

    async def of(self, pool: PoolName, since: datetime) -> Sequence[Sample]:
        """Return a pool's samples taken at `since` or later, in the order they were added."""
        ...


class KeyStore(Protocol):
    """API keys by id."""

    async def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        ...

    async def find(self, key_id: KeyId) -> ApiKey | None:
        """Return a key, or nothing."""
        ...

    async def all(self) -> Sequence[ApiKey]:
        """Return every key, newest first."""
        ...

    async def revoke(self, key_id: KeyId) -> None:
        """Make a key useless from now on; raises `NotFound`."""
        ...

    async def touch(self, used: Iterable[KeyId]) -> None:
        """Record that keys were used now."""
        ...
