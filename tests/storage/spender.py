"""A process that spends as hard as it can, and dies without a word when told to; run by test_ledger_race.

Arguments: Redis URL, database URL, account, seed, requests, and after how many of them to die (0: never).
Says "ready", waits for a line, then prints what it really used, in micro-dollars, as it goes.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys

from core.budgets import Spend
from core.errors import BudgetExceeded
from core.money import Micros
from tests.storage.harness import service_case

CEILING = 20_000
TTL_S = 60.0


async def spend(redis_url: str, database_url: str, account: str, seed: int, requests: int, death: int) -> None:
    """Reserve, use, and settle every hold twice, several at a time."""
    case, rng = service_case(redis_url, database_url), random.Random(seed)
    started = 0

    async def one() -> None:
        nonlocal started
        try:
            hold = await case.ledger.reserve(account, Spend(Micros(CEILING)), TTL_S)
        except BudgetExceeded:
            return
        used = rng.randrange(CEILING + 1)
        sys.stdout.write(f"{used}\n")
        sys.stdout.flush()
        started += 1
        if started == death:
            os._exit(9)
        await case.ledger.settle(account, hold, Spend(Micros(used)))
        await case.ledger.settle(account, hold, Spend(Micros(CEILING)))

    for _ in range(requests // 8):
        await asyncio.gather(*(one() for _ in range(8)))
    await case.close()


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    numbers = [int(argument) for argument in sys.argv[4:]]
    asyncio.run(spend(sys.argv[1], sys.argv[2], sys.argv[3], numbers[0], numbers[1], numbers[2]))
