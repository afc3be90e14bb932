"""Plays of payments with many refunds or captures, whose sums are kept from one transaction to the next.

A payment has a hundred rows and more; then one is added, is void, goes or comes back, in one
session or beside another one, around savepoints; and rows come to the table by which no statement
was judged: with a partition, in a window, by another type of a column.  Whatever is kept, a refund
fits exactly what is captured less what is there (doc/reference.md, protect_refund).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import accounts
from commands import APP, OWNER, Found


@dataclass
class Refund:
    payment: int
    amount: int
    status: str
    part: int


class Play(accounts.Play):
    """One table of refunds, and the model of it."""

    def features(self) -> None:
        super().features()
        self.tree = self.rng.choice(["plain", "parts", "parts", "parts", "child"])
        self.deletable = self.chance(0.5)
        self.refunds: dict[int, Refund] = {}
        self.captured = {1: 600, 2: 900}
        self.next_id = 1
        self.next_part = 3
        self.parts_there = [1, 2] if self.tree == "parts" else [1]

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        part = " PARTITION BY LIST (part)" if self.tree == "parts" else ""
        key = "id, part" if self.tree == "parts" else "id"
        deletable = ", deletable => true" if self.deletable else ""
        statements = [
            "CREATE TABLE payment (id int PRIMARY KEY, captured int, currency text)",
            "CREATE TABLE refund (id int, payment int, amount int, currency text DEFAULT 'USD', status text"
            f" DEFAULT 'asked', part int NOT NULL DEFAULT 1, PRIMARY KEY ({key})){part}",
        ]
        if self.tree == "parts":
            statements += [
                f"CREATE TABLE refund_{i} PARTITION OF refund FOR VALUES IN ({i})" for i in (1, 2)
            ]
        statements.append("CREATE INDEX ON refund (payment)")
        if self.tree == "child":
            statements.append("CREATE TABLE refund_c (PRIMARY KEY (id)) INHERITS (refund)")
            statements.append("CREATE INDEX ON refund_c (payment)")
        statements += [
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
            "SELECT paysafe.protect_refund('refund', 'payment', 'payment', 'amount', 'currency', 'status',"
            f" '{{paid}}', '{{void}}', 'captured', 'currency'{deletable})",
            "INSERT INTO payment VALUES (1, 600, 'USD'), (2, 900, 'USD')",
        ]
        self.must(";\n".join(statements), True, "", "owner")
        self.many()

    # ------------------------------------------------------------ the model

    def room(self, payment: int) -> int:
        total = sum(
            r.amount
            for r in self.refunds.values()
            if r.payment == payment and r.status != "void"
        )
        return self.captured[payment] - total

    def some(self, payment: int, *statuses: str) -> list[int]:
        return [
            i for i, r in self.refunds.items() if r.payment == payment and r.status in statuses
        ]

    def a_payment(self) -> int:
        return self.rng.choice([1, 1, 2])

    def place(self) -> tuple[str, int]:
        if self.tree == "child" and self.chance(0.4):
            return "refund_c", 1
        return "refund", self.rng.choice(self.parts_there)

    # ------------------------------------------------------------ acts

    def many(self) -> None:
        """A hundred and more, in one statement."""
        payment = self.a_payment()
        n = self.rng.choice([99, 101, 101, 120])
        if self.room(payment) < n:
            return
        table, part = self.place()
        first = self.next_id
        self.next_id += n
        sql = (
            f"INSERT INTO {table} (id, payment, amount, part) SELECT g, {payment}, 1, {part} FROM"
            f" generate_series({first}, {first + n - 1}) g"
        )
        self.must(sql, True, "")
        for i in range(first, first + n):
            self.refunds[i] = Refund(payment, 1, "asked", part)

    def amount_of(self, payment: int) -> int:
        """What is left, a little more, or what were left if a larger one were not there."""
        left = self.room(payment)
        large = [r.amount for i, r in self.refunds.items() if r.payment == payment and r.amount > 1]
        return max(1, left + self.rng.choice([0, 0, 1, -3, *large[-3:]]))

    def add_sql(self, payment: int, amount: int) -> tuple[str, int, Refund]:
        table, part = self.place()
        i = self.next_id
        self.next_id += 1
        sql = f"INSERT INTO {table} (id, payment, amount, part) VALUES ({i}, {payment}, {amount}, {part})"
        return sql, i, Refund(payment, amount, "asked", part)

    def add(self, amount: int = 0) -> None:
        payment = self.a_payment()
        amount = amount or self.rng.choice([self.amount_of(payment), 5, 20])
        sql, i, r = self.add_sql(payment, amount)
        if self.must(sql, amount <= self.room(payment), "23R01"):
            self.refunds[i] = r

    def full(self, payment: int = 0) -> None:
        """To the last cent, and one more."""
        payment = payment or self.a_payment()
        for amount in (self.amount_of(payment), self.room(payment) + 1):
            if amount > 0:
                sql, i, r = self.add_sql(payment, amount)
                if self.must(sql, amount <= self.room(payment), "23R01"):
                    self.refunds[i] = r

    def less(self) -> None:
        """Some are void, or go."""
        payment = self.a_payment()
        some = self.some(payment, "asked")
        if not some:
            return
        large = [i for i in some if self.refunds[i].amount > 1]
        ids = self.rng.sample(large or some, 1) if self.chance(0.7) else some[:: self.rng.randint(5, 30)]
        where = f"WHERE id IN ({', '.join(map(str, ids))})"
        if self.chance(0.3):
            if self.must(f"DELETE FROM refund {where}", self.deletable, "23R07"):
                for i in ids:
                    del self.refunds[i]
            return
        self.must(f"UPDATE refund SET status = 'void' {where}", True, "")
        for i in ids:
            self.refunds[i].status = "void"

    def back(self) -> None:
        """One that was void is asked for again."""
        payment = self.a_payment()
        some = self.some(payment, "void")
        if not some:
            return
        i = self.rng.choice(some)
        sql = f"UPDATE refund SET status = 'asked' WHERE id = {i}"
        if self.must(sql, self.refunds[i].amount <= self.room(payment), "23R01"):
            self.refunds[i].status = "asked"

    def undone(self) -> None:
        """A savepoint takes back what was added, or what was void; then there is as much room as before."""
        payment = self.a_payment()
        some = self.some(payment, "asked")
        left = self.room(payment)
        if not some or left < 4:
            return
        first = self.add_sql(payment, self.rng.randint(1, left // 2))
        i = self.rng.choice(some)
        inner = self.rng.choice([first[0], f"UPDATE refund SET status = 'void' WHERE id = {i}"])
        known = self.add_sql(payment, 1) if self.chance(0.5) else None
        amount = left - (1 if known else 0) + self.rng.choice([0, 0, 1, self.refunds[i].amount])
        last = self.add_sql(payment, amount)
        statements = [*([known[0]] if known else []), f"SAVEPOINT a;\n{inner};\nROLLBACK TO a", last[0]]
        passes = amount <= left - (1 if known else 0)
        if self.must(";\n".join(["BEGIN", *statements, "COMMIT"]), passes, "23R01"):
            for one in (known, last):
                if one is not None:
                    self.refunds[one[1]] = one[2]

    def beside(self) -> None:
        """Another session is not done: who adds waits for one that adds, not for one that makes void."""
        payment = self.a_payment()
        some, left = self.some(payment, "asked"), self.room(payment)
        if not some or left < 2:
            return
        if self.chance(0.5):
            sql, i, r = self.add_sql(payment, self.rng.randint(1, left))
            self.must(f"BEGIN;\n{sql}", True, "", "b")
            wait = self.add_sql(payment, 1)[0]
            self.must(f"BEGIN;\nSET LOCAL lock_timeout = '60ms';\n{wait};\nCOMMIT", False, "55P03")
            back = self.chance(0.4)
            self.must("ROLLBACK" if back else "COMMIT", True, "", "b")
            if not back:
                self.refunds[i] = r
            return
        i = self.rng.choice(some)
        self.must(f"BEGIN;\nUPDATE refund SET status = 'void' WHERE id = {i}", True, "", "b")
        amount = left + self.rng.choice([0, self.refunds[i].amount])
        sql, new, r = self.add_sql(payment, amount)
        if self.must(sql, amount <= left, "23R01"):
            self.refunds[new] = r
        back = self.chance(0.4)
        self.must("ROLLBACK" if back else "COMMIT", True, "", "b")
        if not back:
            self.refunds[i].status = "void"

    def window(self, what: str) -> None:
        """What takes two people, and is made by one of them."""
        ticket, name = f"T-{self.next_id}", f"{self.schema}.refund"
        words = f"maintenance of {name} by ''{OWNER}'' for 60 s: {ticket}, sim"
        self.must(what, False, "42501", "owner")
        statements = [
            "BEGIN",
            "SELECT paysafe.act_as('controller')",
            f"SELECT paysafe.approve('paysafe.maintenance_record', '{words}', 'ok')",
            "COMMIT",
            "BEGIN",
            "SELECT paysafe.act_as('clerk')",
            f"SELECT paysafe.open_maintenance('sim', '{ticket}', '60 s', '{{{name}}}')",
            "COMMIT",
            what,
            "SELECT paysafe.close_maintenance()",
        ]
        self.must(";\n".join(statements), True, "", "owner")

    def joins(self) -> None:
        """A partition comes along that has refunds already; or leaves, and comes back with one more."""
        if self.tree != "parts":
            return
        payment = self.a_payment()
        left = self.room(payment)
        if left < 2:
            return
        part = self.next_part
        self.next_part += 1
        i, amount = self.next_id, self.rng.randint(max(1, left // 2), left)
        self.next_id += 1
        name = f"refund_{part}"
        sql = [
            f"CREATE TABLE {name} (LIKE refund INCLUDING DEFAULTS INCLUDING INDEXES)",
            f"INSERT INTO {name} (id, payment, amount, part) VALUES ({i}, {payment}, {amount}, {part})",
            f"GRANT ALL ON {name} TO {APP}",
        ]
        self.must(";\n".join(sql), True, "", "owner")
        self.window(f"ALTER TABLE refund ATTACH PARTITION {name} FOR VALUES IN ({part})")
        self.refunds[i] = Refund(payment, amount, "asked", part)
        self.parts_there.append(part)
        if self.chance(0.6):
            self.full(payment)

    def captures(self) -> None:
        """More or less is captured; never less than what returns."""
        payment = self.a_payment()
        total = self.captured[payment] - self.room(payment)
        new = max(0, total + self.rng.choice([0, 1, 40, 200, -1, -1]))
        sql = f"UPDATE payment SET captured = {new} WHERE id = {payment}"
        if self.must(sql, new >= total, "23R01"):
            self.captured[payment] = new

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got: list[tuple[Any, ...]] = self.ask("SELECT id, payment, amount, status FROM refund")
        want = {(i, r.payment, r.amount, r.status) for i, r in self.refunds.items()}
        if set(got) != want:
            raise Found("rows", f"{set(got) - want} are there, {want - set(got)} should be")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)


ACTS: dict[str, float] = {
    "many": 2,
    "add": 4,
    "full": 4,
    "less": 3,
    "back": 1.5,
    "undone": 2,
    "beside": 1,
    "joins": 3,
    "captures": 2,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of sums?"""
    return random.Random(f"sums or not {seed}").random() < 0.05
