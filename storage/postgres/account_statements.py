"""The SQL of accounts, escrows and holds. Each resource has a column; `{r}` stands for each of them in turn."""

from __future__ import annotations

from sqlalchemy import text

from storage.postgres.schema import RESOURCES


def _each(part: str, between: str = ", ") -> str:
    return between.join(part.replace("{r}", resource) for resource in RESOURCES)


def _fits(cap: str, used: str) -> str:
    return "(" + _each(f"({cap} IS NULL OR {used} <= {cap})", " AND ") + ")"


_GIVEN = "CAST(:cap_{r} AS bigint)"
_ALL_GIVEN = _each(_GIVEN) + ", CAST(:concurrency AS bigint)"

INSERT = text(f"""
    INSERT INTO accounts (name, {_each("cap_{r}")}, concurrency)
    VALUES (:name, {_ALL_GIVEN})
    ON CONFLICT (name) DO NOTHING
    RETURNING version
""")  # noqa: S608  # column names of ours

CHANGE = text(f"""
    UPDATE accounts
    SET ({_each("cap_{r}")}, concurrency) = ROW({_ALL_GIVEN}),
        version = version + 1,
        overdrawn = NOT {_fits(_GIVEN, "spent_{r} + escrowed_{r}")}
    WHERE name = :name AND ROW({_each("cap_{r}")}, concurrency) IS DISTINCT FROM ROW({_ALL_GIVEN})
    RETURNING version, overdrawn
""")  # noqa: S608  # the same

LOCK = text("SELECT * FROM accounts WHERE name = :name FOR UPDATE")

LOCK_ALL = text("SELECT name FROM accounts WHERE name = ANY(CAST(:names AS text[])) ORDER BY name FOR UPDATE")

HAND_OUT = text(f"""
    UPDATE accounts
    SET {_each("escrowed_{r} = escrowed_{r} + :grant_{r}")},
        overdrawn = overdrawn AND NOT {_fits("cap_{r}", "spent_{r} + escrowed_{r} + :grant_{r}")}
    WHERE name = :name
    RETURNING version, concurrency, overdrawn
""")  # noqa: S608  # the same

TAKE_BACK = text(f"""
    UPDATE accounts
    SET {_each("escrowed_{r} = escrowed_{r} - :freed_{r}, spent_{r} = spent_{r} + :used_{r}")},
        overdrawn = overdrawn AND NOT {_fits("cap_{r}", "spent_{r} + :used_{r} + escrowed_{r} - :freed_{r}")}
    WHERE name = :name
""")  # noqa: S608  # the same

ESCROWS = text("""
    SELECT id, closed_at FROM escrows WHERE (account = :name AND closed_at IS NULL) OR id = :escrow
""")

OPEN_ESCROW = text("INSERT INTO escrows (id, account) VALUES (:escrow, :name)")

DRAW = text(f"""
    UPDATE escrows SET {_each("drawn_{r} = drawn_{r} + :grant_{r}")} WHERE id = :escrow
    RETURNING {_each("drawn_{r}")}
""")  # noqa: S608  # the same

WRITE_OFF = text(f"""
    UPDATE accounts AS a
    SET {_each("escrowed_{r} = a.escrowed_{r} - (e.drawn_{r} - e.returned_{r} - e.spent_{r})")},
        {
    _each('''spent_{r} = a.spent_{r} + CASE WHEN a.cap_{r} IS NULL THEN 0
                                              ELSE e.drawn_{r} - e.returned_{r} - e.spent_{r} END''')
}
    FROM escrows AS e
    WHERE a.name = :name AND e.id = :escrow
""")  # noqa: S608  # the same

CLOSE = text("UPDATE escrows SET closed_at = now() WHERE id = :escrow")

REMOVE_EMPTY = text(f"""
    DELETE FROM escrows WHERE id = :escrow AND {_each("drawn_{r} = returned_{r} + spent_{r}", " AND ")}
""")  # noqa: S608  # the same

# Totals only grow, so the greater of two is the newer one.
TELL = text(f"""
    WITH told AS (
        SELECT * FROM unnest(CAST(:escrow AS text[]), {_each("CAST(:returned_{r} AS bigint[])")},
                             {_each("CAST(:spent_{r} AS bigint[])")})
                 AS t (id, {_each("returned_{r}")}, {_each("spent_{r}")})
    ), before AS (
        SELECT escrows.* FROM escrows JOIN told USING (id) WHERE closed_at IS NULL
    ), after AS (
        UPDATE escrows AS e
        SET {_each("returned_{r} = GREATEST(e.returned_{r}, told.returned_{r})")},
            {_each("spent_{r} = GREATEST(e.spent_{r}, told.spent_{r})")}
        FROM told
        WHERE e.id = told.id AND e.closed_at IS NULL
        RETURNING e.*
    ), moved AS (
        SELECT after.account, {_each("after.returned_{r} - before.returned_{r} AS returned_{r}")},
               {_each("after.spent_{r} - before.spent_{r} AS spent_{r}")}
        FROM after JOIN before USING (id)
    )
    UPDATE accounts AS a
    SET {_each("escrowed_{r} = a.escrowed_{r} - moved.returned_{r} - moved.spent_{r}")},
        {_each("spent_{r} = a.spent_{r} + moved.spent_{r}")},
        overdrawn = a.overdrawn AND NOT {_fits("a.cap_{r}", "a.spent_{r} + a.escrowed_{r} - moved.returned_{r}")}
    FROM moved
    WHERE a.name = moved.account
""")  # noqa: S608  # the same

TRUTH = text(f"""
    SELECT a.*, e.id AS escrow, {_each("COALESCE(e.spent_{r}, 0) AS told_{r}")},
           {
    _each('''CASE WHEN a.cap_{r} IS NULL THEN 0
                          ELSE COALESCE(e.drawn_{r} - e.returned_{r} - e.spent_{r}, 0) END AS outstanding_{r}''')
},
           {_each("h.{r} AS held_{r}")}
    FROM accounts AS a
    LEFT JOIN escrows AS e ON e.account = a.name AND e.closed_at IS NULL
    CROSS JOIN LATERAL (
        SELECT {_each("COALESCE(sum({r}), 0)::bigint AS {r}")} FROM holds WHERE account = a.name AND expires_at > now()
    ) AS h
    WHERE a.name = :name
""")  # noqa: S608  # the same

ADD_HOLD = text(f"""
    INSERT INTO holds (id, account, {_each("{r}")}, expires_at)
    VALUES (:hold, :name, {_each(":grant_{r}")}, now() + CAST(:ttl_s AS float8) * interval '1 second')
""")  # noqa: S608  # the same

COUNT_HOLDS = text("SELECT count(*) AS holds FROM holds WHERE account = :name")

REMOVE_HOLD = text(f"DELETE FROM holds WHERE id = :hold AND account = :name RETURNING {_each('{r}')}")  # noqa: S608

REMOVE_EXPIRED = text(f"""
    WITH gone AS (DELETE FROM holds WHERE account = :name AND expires_at <= now() RETURNING {_each("{r}")})
    SELECT count(*) AS holds, {_each("COALESCE(sum({r}), 0)::bigint AS {r}")} FROM gone
""")  # noqa: S608  # the same

EXPIRED = text("SELECT DISTINCT account FROM holds WHERE expires_at <= now() ORDER BY account LIMIT 1000")
