"""Sessions that are stepped: one statement at a time, and a blocked one is known.

Each step is sent without waiting for its answer.  Then every session is either
idle or waits for a lock, which pg_blocking_pids says; only so the next step is
chosen.  So the order in which things happen follows from the steps alone.
"""

from __future__ import annotations

import select
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq

from world import Row, literal

LIMIT = 180.0  # seconds that a statement may take which nobody blocks


@dataclass(frozen=True)
class Step:
    """A statement for a session, and what it means."""

    session: int
    sql: str
    form: str = "simple"  # simple, extended, prepared, copy
    args: tuple[str | None, ...] = ()
    op: str = ""  # begin, commit, insert, update, ...: see acts.py
    intent: tuple[tuple[str, Any], ...] = ()

    def get(self, name: str, default: Any = None) -> Any:
        return dict(self.intent).get(name, default)

    def text(self) -> str:
        """As one would type it."""
        sql = self.sql
        for i in range(len(self.args), 0, -1):
            sql = sql.replace(f"${i}", literal(self.args[i - 1]))
        if self.form == "copy":
            return f"{sql};\n{self.get('data')}\\."
        return sql + ";"


@dataclass
class Result:
    """What became of a step."""

    step: Step
    number: int
    sqlstate: str = ""
    message: str = ""
    constraint: str = ""
    table: str = ""
    tag: str = ""
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    waited: bool = False
    for_table: bool = False  # waited for a whole table: its snapshot may be younger than that
    before: dict[str, list[Row]] = field(default_factory=dict)  # what the session saw at its start
    after: dict[str, list[Row]] = field(default_factory=dict)  # what was committed at its end
    between: dict[str, list[Row]] = field(default_factory=dict)  # and when it was let go
    lsn_before: int = 0
    lsn_after: int = 0
    closes: bool = False  # its transaction has ended with it
    alone: bool = True  # no other step ended at the same moment
    began: float = 0.0
    ended: float = 0.0
    server_began: float = 0.0
    tx: int = 0  # number of the transaction that it was part of
    isolation: str = ""
    login: str = ""
    failed_before: bool = False

    @property
    def ok(self) -> bool:
        return self.sqlstate == ""


class Dead(Exception):
    """The server or a session is gone that nobody ended."""


class Session:
    def __init__(self, number: int, dsn: str, login: str, path: str) -> None:
        self.number, self.login, self.dsn, self.path = number, login, dsn, path
        self.conn = pq.PGconn.connect(f"{dsn} user={login} application_name=sim{number}".encode())
        if self.conn.status != pq.ConnStatus.OK:
            raise Dead(self.conn.error_message.decode())
        self.plain("SET client_min_messages = error")
        self.begin(path)
        self.pid = self.conn.backend_pid

    def restart(self) -> None:
        """Another connection, after this one was ended."""
        self.conn.finish()
        self.__init__(self.number, self.dsn, self.login, self.path)  # type: ignore[misc]

    def begin(self, path: str) -> None:
        """As if it were new."""
        self.path = path
        if self.conn.transaction_status != pq.TransactionStatus.IDLE:
            self.plain("ROLLBACK")
        self.plain("DISCARD ALL")
        self.plain(f"SET client_min_messages = error; SET search_path = {path}")
        self.prepared: dict[str, bytes] = {}
        self.preparing = b""
        self.running: Result | None = None
        self.in_tx = False
        self.failed = False
        self.isolation = ""
        self.tx = 0
        self.wrote = False  # anything in this transaction
        self.seen: dict[str, list[Row]] | None = None  # what it saw, while that may not change

    def plain(self, sql: str) -> list[tuple[str | None, ...]]:
        res = self.conn.exec_(sql.encode())
        if res.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise Dead(f"{sql}: {res.error_message.decode()}")
        return rows_of(res)

    def send(self, result: Result) -> None:
        step = result.step
        self.running = result
        sql = step.sql.encode()
        params = [None if a is None else a.encode() for a in step.args]
        if step.form in ("simple", "copy"):
            self.conn.send_query(step.text()[:-1].encode() if step.form == "simple" else sql)
        elif step.form == "extended":
            self.conn.send_query_params(sql, params)
        else:
            name = self.prepared.get(step.sql)
            if name is None:
                # parsing takes locks: it may wait, too
                self.preparing = f"p{len(self.prepared)}".encode()
                self.conn.send_prepare(self.preparing, sql)
            else:
                self.conn.send_query_prepared(name, params)

    def poll(self) -> bool:
        """Has the step ended?"""
        if self.running is None:
            return True
        self.conn.consume_input()
        while not self.conn.is_busy():
            res = self.conn.get_result()
            if res is None and self.preparing and self.running.ok:
                step = self.running.step
                self.prepared[step.sql], self.preparing = self.preparing, b""
                args = [None if a is None else a.encode() for a in step.args]
                self.conn.send_query_prepared(self.prepared[step.sql], args)
                return False
            if res is None:
                self.preparing = b""
                self.done()
                return True
            if res.status == pq.ExecStatus.COPY_IN:
                self.conn.put_copy_data(str(self.running.step.get("data")).encode())
                self.conn.put_copy_end()
                continue
            finish(self.running, res)
        if self.conn.status != pq.ConnStatus.OK:
            raise Dead(f"session {self.number}: {self.conn.error_message.decode()}")
        return False

    def done(self) -> None:
        assert self.running is not None
        self.running.ended = time.time()
        self.running = None
        status = self.conn.transaction_status
        if self.conn.status != pq.ConnStatus.OK:
            raise Dead(f"session {self.number}: {self.conn.error_message.decode()}")
        self.in_tx = status != pq.TransactionStatus.IDLE
        self.failed = status == pq.TransactionStatus.INERROR

    def has_failed(self) -> bool:
        return bool(self.conn.transaction_status == pq.TransactionStatus.INERROR)

    def close(self) -> None:
        self.conn.finish()


def rows_of(res: Any) -> list[tuple[str | None, ...]]:
    def text(i: int, j: int) -> str | None:
        v = res.get_value(i, j)
        return None if v is None else v.decode()

    return [tuple(text(i, j) for j in range(res.nfields)) for i in range(res.ntuples)]


def finish(result: Result, res: Any) -> None:
    def diag(what: pq.DiagnosticField) -> str:
        value = res.error_field(what)
        return "" if value is None else value.decode()

    if res.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        result.tag = (res.command_status or b"").decode()
        result.rows = rows_of(res)
    elif not result.sqlstate:
        result.sqlstate = diag(pq.DiagnosticField.SQLSTATE) or "08006"
        result.message = diag(pq.DiagnosticField.MESSAGE_PRIMARY) or res.error_message.decode()
        hint = diag(pq.DiagnosticField.MESSAGE_HINT)
        detail = diag(pq.DiagnosticField.MESSAGE_DETAIL)
        result.message += (f" ({detail})" if detail else "") + (f" HINT {hint}" if hint else "")
        result.constraint = diag(pq.DiagnosticField.CONSTRAINT_NAME)
        result.table = diag(pq.DiagnosticField.TABLE_NAME)


class Monitor:
    """Looks at the sessions and at what is committed, from a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)
        self.conn.prepare_threshold = 3

    def all(self, sql: str, args: Any = ()) -> list[tuple[Any, ...]]:
        return self.conn.execute(sql, args).fetchall()

    def one(self, sql: str, args: Any = ()) -> Any:
        return self.all(sql, args)[0][0]

    def do(self, sql: str) -> None:
        self.conn.execute(sql, prepare=False)

    def blockers(self, pids: list[int]) -> dict[int, list[int]]:
        rows = self.all("SELECT p, pg_blocking_pids(p) FROM unnest(%s::int[]) p", (pids,))
        return {p: b for p, b in rows if b}

    def for_tables(self, pids: list[int]) -> set[int]:
        """Those of them that wait for a table."""
        sql = "SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
        return {p for (p,) in self.all(sql) if p in pids}

    def close(self) -> None:
        self.conn.close()


def settle(sessions: list[Session], monitor: Monitor) -> list[Result]:
    """Wait until each session is idle or blocked; what ended, in the order it was seen."""
    ended: list[Result] = []
    limit = time.time() + LIMIT
    wait, known = 0.002, -1
    while True:
        for s in [s for s in sessions if s.running is not None]:
            r = s.running
            if s.poll() and r is not None:
                ended.append(r)
        running = [s for s in sessions if s.running is not None]
        if not running:
            return ended
        pause = wait
        if known != len(running) and all(s.running and s.running.waited for s in running):
            pause, known = 0.0, len(running)  # all of them have waited before: ask at once
        if select.select([s.conn.socket for s in running], [], [], pause)[0]:
            continue
        blockers = monitor.blockers([s.pid for s in running])
        tables = monitor.for_tables(list(blockers)) if blockers else set()
        for s in running:
            if s.pid in blockers and s.running is not None:
                s.running.waited = True
                s.running.for_table = s.running.for_table or s.pid in tables
        if len(blockers) == len(running) and not in_circle(blockers):
            # was one of them just let go?
            if not select.select([s.conn.socket for s in running], [], [], 0)[0]:
                return ended
        wait = min(wait * 1.5, 0.05)
        if time.time() > limit:
            raise Dead(
                "a session neither ends nor waits for a lock: "
                + "; ".join(s.running.step.sql for s in running if s.running)
            )


def in_circle(blockers: dict[int, list[int]]) -> bool:
    """Does somebody wait for himself?  PostgreSQL will end one of them."""
    for start in blockers:
        seen: set[int] = set()
        ahead = list(blockers[start])
        while ahead:
            p = ahead.pop()
            if p == start:
                return True
            if p not in seen:
                seen.add(p)
                ahead += blockers.get(p, [])
    return False
