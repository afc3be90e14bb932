"""What plays about rules of one table have in common: who writes it, and how; changes by two; a second session; crashes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

import accounts
from commands import APP, OWNER, Found, control

SNAPSHOTS = (" ISOLATION LEVEL REPEATABLE READ", " ISOLATION LEVEL SERIALIZABLE")
WAIT = 120.0  # for the worker that writes records


class Play(accounts.Play):
    """One table in a schema of its own."""

    record = "refusals"  # what is judged when all is over

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.until_right(self.record, self.wrong)

    def wrong(self) -> str:
        """What is not on record as it should be; "": nothing."""
        raise NotImplementedError

    def begin_schema(self, *functions: str) -> None:
        names = ", ".join(f"paysafe.{f}" for f in ("act_as", "approve", "propose", *functions))
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            f"GRANT EXECUTE ON FUNCTION {names} TO {APP}, {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {APP}, {OWNER}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)

    def isolation(self) -> str:
        return self.rng.choice(["", "", "", *SNAPSHOTS])

    # ------------------------------------------------------------ statements

    def run(self, sql: str, who: str = "a") -> str:
        """COPY has its rows behind it."""
        for one in sql.split(";\n"):
            code = self.copied(one, who) if one.startswith("COPY ") else super().run(one, who)
            if code:
                return code
        return ""

    def copied(self, sql: str, who: str) -> str:
        c = self.conns[who]
        head, _, rows = sql.partition("\n")
        self.script.append(f"{who}: {head};\n{rows}\n\\.")
        try:
            with c.cursor().copy(head) as out:
                out.write(rows + "\n")
        except psycopg.Error as e:
            self.script.append(f"-- {e.sqlstate} {e.diag.message_primary}")
            if c.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                super().run("ROLLBACK", who)
            return e.sqlstate or "?"
        return ""

    @staticmethod
    def copy_rows(t: str, rows: Iterable[Iterable[Any]]) -> str:
        def cell(v: Any) -> str:
            return "\\N" if v is None else str(v).replace("\\", "\\\\")

        return f"COPY {t} FROM STDIN\n" + "\n".join("\t".join(cell(v) for v in r) for r in rows)

    # ------------------------------------------------------------ changes of rules

    def agreed_by_two(self, sql: str) -> None:
        by = "BEGIN;\nSELECT paysafe.act_as('{}');\n{};\nCOMMIT"
        agree = (
            "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$"
        )
        for who, what in (
            ("anna", f"SELECT paysafe.propose('more');\n{sql}"),
            ("bert", agree),
            ("anna", sql),
        ):
            self.must(by.format(who, what), True, "", "owner")

    def refused_alone(self, sql: str) -> None:
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('carl');\n{sql};\nCOMMIT", False, "42501", "owner"
        )

    # ------------------------------------------------------------ a second session

    def behind_b(self, sql: str, end: str) -> tuple[str, bool]:
        """Session a may wait for session b, which ends: its answer, and whether it waited."""
        codes: list[str] = []
        pid, waited = self.conns["a"].info.backend_pid, False
        waits = threading.Thread(target=lambda: codes.append(self.run(sql)))
        waits.start()
        limit = time.time() + 0.5
        while waits.is_alive() and time.time() < limit and not waited:
            waited = bool(self.ask(f"SELECT cardinality(pg_blocking_pids({pid}))")[0][0])
            time.sleep(0.005)
        self.must(end, True, "", "b")
        waits.join()
        return (codes[0] if codes else "?"), waited

    def prepared(self, number: int, end: str) -> str:
        """Session b prepares what it has begun; how it ends then."""
        name = f"{self.schema} {number}"
        self.must(f"PREPARE TRANSACTION '{name}'", True, "", "b")
        return f"{end} PREPARED '{name}'"

    # ------------------------------------------------------------ the server

    def stop_and_start(self) -> None:
        """It crashes, or is stopped."""
        data = Path(self.ask("SHOW data_directory")[0][0])
        names = {w: (c.info.dbname, c.info.user) for w, c in self.conns.items()}
        info = self.conns["super"].info
        where = f"host={info.host} port={info.port}"
        way = self.rng.choice(["immediate", "fast"])
        self.script.append(f"-- pg_ctl stop -m {way}")
        control(data, "-m", way, "-w", "stop")
        control(data, "-w", "-l", str(data / "server.log"), "start")
        for who, (name, role) in names.items():
            self.conns[who].close()
            self.conns[who] = self.connected(where, name, role)

    def connected(self, where: str, name: str, role: str) -> Any:
        c = psycopg.connect(f"{where} dbname={name} user={role}", autocommit=True)
        c.prepare_threshold = None
        c.execute(
            f"SET client_min_messages = error; SET lock_timeout = '5s'; SET search_path = {self.schema}"
        )
        return c

    # ------------------------------------------------------------ judging

    def until_right(self, promise: str, wrong: Any) -> None:
        """What a worker writes is there within seconds."""
        until = time.time() + WAIT
        while (words := wrong()) and time.time() < until:
            time.sleep(0.2)
        if words:
            raise Found(promise, words)

    def recorded(self, table: str, code: str, observed: bool = False) -> int:
        """How many refusals are on record."""
        n = self.ask(
            "SELECT coalesce(sum(count), 0)::int FROM paysafe.refusal_log WHERE"
            f" schema_name = '{self.schema}' AND table_name LIKE '{table}%' AND sqlstate LIKE '{code}%'"
            f" AND observed = {observed}"
        )[0][0]
        return int(n)


def stops(seed: int, sort: str, share: float) -> bool:
    """Does a play of this sort stop the server that it has?"""
    return random.Random(f"{sort} restarts {seed}").random() < share
