"""Plays of balances that are only observed: entries move nothing, the application writes, and what
the rule would refuse is on record, as doc/reference.md (Modes) has it.
"""

from __future__ import annotations

import random
import time
from decimal import Decimal
from typing import Any

import accounts
from commands import APP, OWNER, Found

LATEST = 120.0  # seconds after which all is on record


class Play(accounts.Play):
    """Accounts whose balances an application keeps."""

    def features(self) -> None:
        super().features()
        self.balances: dict[str, int] = {}  # by account
        self.frozen: set[str] = set()
        self.wanted: list[tuple[Any, Any, set[str], str]] = []  # from, to, one of these, statement

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        money = "bigint" if self.minor else "numeric(14,2)"
        statements = [
            f"CREATE TABLE entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tx int, account text, amount {money}, currency text DEFAULT 'USD')",
            "CREATE INDEX ON entry (tx)",
            f"CREATE TABLE account (code text PRIMARY KEY, balance {money} DEFAULT 0, minimum {money}, maximum {money}, status text DEFAULT 'active', note text)",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
            "SELECT paysafe.protect_ledger('entry', 'tx', 'account', 'amount', 'currency')",
            "SELECT paysafe.protect_balance('account', 'code', 'balance', 'entry', 'minimum', maximum_column => 'maximum',"
            " status_column => 'status', frozen => '{frozen}', closed => '{closed}', mode => 'observe')",
        ]
        self.must(";\n".join(statements), True, "", "owner")
        for code in ("anna", "bert", "carl"):
            low, high = self.money(0), self.money(10000)
            sql = f"INSERT INTO account (code, minimum, maximum) VALUES ('{code}', {low}, {high})"
            self.seen(sql, set())
            self.balances[code] = 0

    def seen(self, sql: str, codes: set[str]) -> None:
        """It passes, and one of these is on record; nothing if there is none."""
        began = self.ask("SELECT clock_timestamp()")[0][0]
        self.must(sql, True, "")
        self.wanted.append((began, self.ask("SELECT clock_timestamp()")[0][0], codes, sql))

    def code(self) -> str:
        return self.rng.choice(list(self.balances))

    # ------------------------------------------------------------ acts

    def enter(self) -> None:
        """Entries move nothing; of an account that is not there they are on record."""
        a, b = self.code(), self.rng.choice([*self.balances, "nobody"])
        tx = self.next_tx
        self.next_tx += 1
        amount = self.money(self.rng.choice([10, 500]))
        sql = f"INSERT INTO entry (tx, account, amount) VALUES ({tx}, '{a}', {amount}), ({tx}, '{b}', -{amount})"
        self.seen(sql, {"23M03"} if b == "nobody" else set())

    def write(self) -> None:
        """Each write of a balance is on record, wherever it leads."""
        code = self.code()
        new = self.rng.choice([100, 10000, 10001, -1, self.balances[code]])
        where = f"WHERE code = '{code}'"
        sql = f"UPDATE account SET balance = {self.money(new)} {where}"
        if self.chance(0.3):
            sql = f"BEGIN;\n{sql};\nROLLBACK"
        codes = (
            {"23M01", "23M02", "23M06", "23M07", "23M08"} if new != self.balances[code] else set()
        )
        self.seen(sql, codes)
        if "ROLLBACK" not in sql:
            self.balances[code] = new

    def other(self) -> None:
        code = self.code()
        self.seen(f"UPDATE account SET note = 'x' WHERE code = '{code}'", set())

    def rename(self) -> None:
        self.seen(
            f"BEGIN;\nUPDATE account SET code = 'dora' WHERE code = '{self.code()}';\nROLLBACK",
            {"23M02"},
        )

    def close_one(self) -> None:
        """Closed with something on it."""
        code = self.code()
        codes = {"23M08"} if self.balances[code] else set()
        self.seen(
            f"BEGIN;\nUPDATE account SET status = 'closed' WHERE code = '{code}';\nROLLBACK", codes
        )

    def ask_for(self) -> None:
        """There is nothing to read or to reserve."""
        self.must(
            f"SELECT paysafe.balance('{self.code()}', accounts => 'account')",
            False,
            "22023",
            "super",
        )
        self.must(f"SELECT paysafe.reserve('account', '{self.code()}', 1)", False, "22023")

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        for code, balance in self.ask("SELECT code, balance FROM account"):
            want = self.balances[code]
            if Decimal(balance) != Decimal(self.money(want)):
                raise Found("balance", f"{code} has {balance}, {self.money(want)} was written")

    def records(self) -> list[tuple[Any, ...]]:
        return self.ask(
            "SELECT at, sqlstate, count, message FROM paysafe.refusal_log WHERE observed AND schema_name ="
            f" '{self.schema}'"
        )

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        limit = time.time() + LATEST
        while True:
            records = self.records()
            missing = [
                (codes, sql)
                for began, ended, codes, sql in self.wanted
                if codes and not any(r[1] in codes and began <= r[0] <= ended for r in records)
            ]
            counted = {r[1] for r in records if r[2] > 1}
            missing = [m for m in missing if not m[0] & counted]
            if not missing or time.time() > limit:
                break
            time.sleep(0.1)
        if missing:
            raise Found("observed", f"not on record: {missing}; {records}")
        for began, ended, codes, sql in self.wanted:
            more = [r for r in records if began <= r[0] <= ended]
            if more and not codes:
                raise Found("observed", f"on record, and nothing is wrong: {sql}: {more}")


ACTS: dict[str, float] = {
    "enter": 4,
    "write": 5,
    "other": 1,
    "rename": 1,
    "close_one": 2,
    "ask_for": 1,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of balances that are observed?"""
    return random.Random(f"watching or not {seed}").random() < 0.01
