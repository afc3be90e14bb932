"""Plays of accounts: ledgers, balances, reservations and periods, against a model of them.

A play makes a ledger and its accounts in a schema of its own, of any shape that doc/reference.md
has, and does some twenty things with them, honest and not.  A model of a few lines says which of
them pass, what every balance is, and what it was at each time that was asked for.  Statements
come in all sizes, since buffers and portions end somewhere.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg

from commands import APP, OWNER, SUPER, Finding, Found

DEBIT = ("debit", "dr", "d", "1")
CREDIT = ("credit", "cr", "c", "-1")
SIZES = (([40, 300, 1100, 5000, 17000, 33000]), [3, 2, 3, 1, 4, 1])


@dataclass
class Account:
    code: str
    minimum: int | None  # None: its balance is in no row
    credit: bool  # does it grow with credits?
    place: int
    sum: int = 0  # debits less credits
    moved: bool = False

    @property
    def balance(self) -> int:
        return -self.sum if self.credit else self.sum


@dataclass
class Reservation:
    code: str
    amount: int
    state: str = "open"
    posted: int = 0


@dataclass(frozen=True)
class Leg:
    code: str
    amount: int  # debits positive


@dataclass
class Books:
    """The model."""

    accounts: dict[str, Account] = field(default_factory=dict)
    posted: dict[int, list[Leg]] = field(default_factory=dict)
    reversed: set[int] = field(default_factory=set)
    reversals: set[int] = field(default_factory=set)
    reservations: dict[int, Reservation] = field(default_factory=dict)
    closed: str = ""

    def reserved(self, code: str) -> int:
        return sum(
            r.amount - r.posted
            for r in self.reservations.values()
            if r.code == code and r.state == "open"
        )

    def free(self, a: Account) -> int:
        assert a.minimum is not None
        return a.balance - a.minimum - self.reserved(a.code)

    def falls(self, legs: list[Leg]) -> bool:
        """Do these take an account too low, all together?"""
        moved: dict[str, int] = {}
        for leg in legs:
            moved[leg.code] = moved.get(leg.code, 0) + leg.amount
        for code, amount in moved.items():
            a = self.accounts[code]
            change = -amount if a.credit else amount
            if a.minimum is not None and change < 0 and self.free(a) + change < 0:
                return True
        return False

    def move(self, legs: list[Leg], back: bool = False, trial: bool = False) -> None:
        for leg in legs:
            a = self.accounts[leg.code]
            a.sum += -leg.amount if back else leg.amount
            a.moved = a.moved or not (back or trial)


class Play:
    """A ledger, its accounts, and who uses them."""

    def __init__(self, dsn: str, database: str, schema: str, seed: int) -> None:
        self.seed, self.schema = seed, schema
        self.rng = random.Random(f"books {seed}")
        self.script: list[str] = []
        self.books = Books()
        self.conns = {}
        for name, role in (("a", APP), ("b", APP), ("owner", OWNER), ("super", SUPER)):
            c = psycopg.connect(f"{dsn} dbname={database} user={role}", autocommit=True)
            c.prepare_threshold = None
            self.conns[name] = c
            c.execute("SET client_min_messages = error; SET lock_timeout = '5s'")
        self.minor = self.chance(0.3)
        self.direction = self.chance(0.3)
        self.sides = self.chance(0.3)
        self.coded = self.chance(0.3)
        self.dated = self.chance(0.5)
        self.parts = self.chance(0.3)
        self.audited = self.chance(0.3)
        self.number = self.chance(0.3)  # accounts have numbers, not names
        self.next_tx = 1
        self.held: list[Leg] | None = None  # what session b has posted and not committed
        self.held_tx = 0
        self.answers: dict[tuple[str, Any], Any] = {}
        self.times: list[tuple[Any, dict[str, int]]] = []  # and the balances that were right

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def close(self) -> None:
        for c in self.conns.values():
            c.close()

    # ------------------------------------------------------------ statements

    def run(self, sql: str, who: str = "a") -> str:
        """The SQLSTATE of some statements, one message for each; after a failure the rest is
        not run, and what was begun is rolled back."""
        c = self.conns[who]
        for one in sql.split(";\n"):
            self.script.append(f"{who}: {one};")
            try:
                c.execute(one)
            except psycopg.Error as e:
                self.script.append(f"-- {e.sqlstate} {e.diag.message_primary}")
                if c.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    c.execute("ROLLBACK")
                    self.script.append(f"{who}: ROLLBACK;")
                if e.sqlstate is None or e.sqlstate[:2] in ("XX", "08", "57"):
                    raise Found("error", f"{e.sqlstate} {e}") from e
                return e.sqlstate
        return ""

    def ask(self, sql: str, who: str = "super") -> list[tuple[Any, ...]]:
        return self.conns[who].execute(sql).fetchall()

    def must(self, sql: str, passes: bool, codes: str, who: str = "a") -> bool:
        """It passes, or is refused with one of these codes."""
        code = self.run(sql, who)
        if passes and code:
            raise Found("legitimate", f"refused with {code}: {sql}")
        if not passes and code not in codes.split():
            raise Found("passed", f"{code or 'no refusal'}, it is {codes}: {sql}")
        return not code

    def money(self, v: int) -> str:
        return str(v) if self.minor else format(Decimal(v) / 100, "f")

    def name(self, code: str) -> str:
        return f"'{code}'"

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        money = "bigint" if self.minor else "numeric(14,2)"
        key = "bigint" if self.number else "text"
        more = (", direction text" if self.direction else "") + (
            ", booked_on date NOT NULL DEFAULT current_date" if self.dated else ""
        )
        columns = (", currency text" if self.coded else "") + (", side text" if self.sides else "")
        part = " PARTITION BY LIST (place)" if self.parts else ""
        statements = [
            f"CREATE TABLE entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tx bigint,"
            f" account {key}, amount {money}, currency text DEFAULT 'USD', reverses bigint{more})",
            "CREATE INDEX ON entry (tx)",
            "CREATE INDEX ON entry (reverses)",
            f"CREATE TABLE account (code {key}, balance {money} DEFAULT 0, minimum {money}, place int NOT NULL"
            f" DEFAULT 1{columns}, PRIMARY KEY (code{', place' if self.parts else ''})){part}",
        ]
        if self.parts:
            for i in (1, 2):
                statements += [
                    f"CREATE TABLE account_{i} PARTITION OF account FOR VALUES IN ({i})",
                    f"CREATE UNIQUE INDEX ON account_{i} (code)",
                ]
        args = "'entry', 'tx', 'account', 'amount', 'currency', reverses_column => 'reverses'"
        args += ", direction_column => 'direction'" if self.direction else ""
        args += ", posting_date_column => 'booked_on'" if self.dated else ""
        balance = "'account', 'code', 'balance', 'entry', 'minimum'"
        balance += ", currency_column => 'currency'" if self.coded else ""
        balance += ", side_column => 'side'" if self.sides else ""
        statements += [
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
            f"SELECT paysafe.protect_ledger({args})",
            f"SELECT paysafe.protect_balance({balance})",
        ]
        if self.audited:
            statements.append("SELECT paysafe.audit('entry')")
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        self.must(";\n".join(statements), True, "", "owner")
        for code in self.codes()[:4]:
            self.open(code, None if code == self.codes()[3] else self.rng.choice([0, 0, -500]))
        self.post([Leg(self.codes()[0], self.up(self.codes()[0], 10000)), self.rest(10000, 0)])

    def codes(self) -> list[str]:
        return (
            ["1", "2", "3", "9", "4"] if self.number else ["anna", "bert", "carl", "fees", "dora"]
        )

    def up(self, code: str, amount: int) -> int:
        """What lets this account grow so much."""
        return -amount if self.books.accounts[code].credit else amount

    def rest(self, amount: int, i: int) -> Leg:
        """The other side of a deposit, of the account whose balance is in no row."""
        return Leg(self.codes()[3], -self.up(self.codes()[i], amount))

    def open(self, code: str, minimum: int | None) -> None:
        if code in {leg.code for leg in self.held or []}:
            return  # it would wait
        credit = self.sides and self.chance(0.5)
        place = self.rng.choice([1, 2]) if self.parts else 1
        taken = code in self.books.accounts
        opening = self.rng.choice([0, 0, 0, 0, 0, 5]) if taken else 0
        values = f"{self.name(code)}, {self.money(opening)}, {'NULL' if minimum is None else self.money(minimum)}, {place}"
        values += ", 'USD'" if self.coded else ""
        values += f", '{self.rng.choice(CREDIT if credit else DEBIT)}'" if self.sides else ""
        names = "code, balance, minimum, place" + (", currency" if self.coded else "")
        names += ", side" if self.sides else ""
        passes = not taken and opening == 0 and (minimum is None or minimum <= 0)
        sql = f"INSERT INTO account ({names}) VALUES ({values})"
        if self.must(sql, passes, "23505 23M02 23M01"):
            self.books.accounts[code] = Account(code, minimum, credit, place)

    def open_again(self) -> None:
        self.open(self.rng.choice(self.codes()), 0)

    # ------------------------------------------------------------ entries

    def entries(self, tx: int, legs: list[Leg], back: int | None = None, day: str = "") -> str:
        rows = []
        for leg in legs:
            amount, more = leg.amount, ""
            if self.direction:
                words = DEBIT if amount > 0 else CREDIT
                amount, more = abs(amount), f", '{self.rng.choice(words)}'"
            if day:
                more += f", '{day}'"
            currency = self.rng.choice(["USD", "USD", "usd", "Usd"])
            rows.append(
                f"({tx}, {self.name(leg.code)}, {self.money(amount)}, '{currency}',"
                f" {'NULL' if back is None else back}{more})"
            )
        names = "tx, account, amount, currency, reverses" + (
            ", direction" if self.direction else ""
        )
        names += ", booked_on" if day else ""
        return f"INSERT INTO entry ({names}) VALUES {', '.join(rows)}"

    def legs(self) -> list[Leg]:
        """A transaction at random; mostly it sums to zero."""
        held = {leg.code for leg in self.held or []}
        codes = [
            c
            for c, a in self.books.accounts.items()
            if c in self.codes() and (a.minimum is None or c not in held)
        ]
        rng = self.rng
        legs = []
        for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
            code = rng.choice(codes)
            a = self.books.accounts[code]
            amount = rng.choice([10, 50, 1000, 5000])
            if a.minimum is not None and self.chance(0.5):
                amount = max(1, self.books.free(a) + rng.choice([0, 0, 1, 1, -1]))
                amount = -self.up(code, amount)
            legs.append(Leg(code, amount * (1 if self.chance(0.8) else -1)))
        total = sum(leg.amount for leg in legs)
        if total:
            legs.append(Leg(rng.choice(codes), -total))
        if self.chance(0.06):
            legs.append(Leg(rng.choice(codes), 1))
        rng.shuffle(legs)
        return legs

    def post(self, legs: list[Leg] | None = None) -> None:
        b, rng = self.books, self.rng
        legs = self.legs() if legs is None else legs
        tx = self.next_tx
        if b.posted and self.chance(0.08):
            tx = rng.choice(list(b.posted))
        self.next_tx += 1
        day = rng.choice(["2024-01-10", "2024-02-10", ""]) if self.dated else ""
        ok = sum(leg.amount for leg in legs) == 0 and tx not in b.posted
        ok = ok and not (day and day <= b.closed)
        codes = "23L02 23L04 23L06 23M01"
        parts = [legs]
        if len(legs) > 1 and self.chance(0.3):
            i = rng.randint(1, len(legs) - 1)
            parts = [legs[:i], legs[i:]]
        undone: list[Leg] = []
        statements = []
        for part in parts:
            # each statement leaves the accounts as they may be
            ok = ok and not b.falls(part)
            statements.append(self.entries(tx, part, None, day))
            b.move(part, trial=True)
            undone += part
        if len(parts) > 1 or self.chance(0.2):
            if self.chance(0.4):
                some = self.legs()
                # what is rolled back counts for nothing; it may be refused
                statements.insert(
                    rng.randint(0, len(statements)),
                    (
                        f"SAVEPOINT s;\n{self.entries(tx, some, None, day)};\nROLLBACK TO s"
                        if not b.falls(some) and ok and self.fits(some, legs)
                        else "SAVEPOINT s;\nROLLBACK TO s"
                    ),
                )
            if self.chance(0.4):
                i = rng.randrange(len(statements))
                statements[i] = f"SAVEPOINT r;\n{statements[i]};\nRELEASE r"
            statements = ["BEGIN", *statements, "COMMIT"]
        b.move(undone, True)
        if self.must(";\n".join(statements), ok, codes):
            b.move(legs)
            b.posted[tx] = legs

    def fits(self, some: list[Leg], legs: list[Leg]) -> bool:
        """Does it pass wherever among the statements it stands?"""
        codes = {leg.code for leg in legs}
        return all(
            self.books.accounts[leg.code].minimum is None
            or leg.code not in codes
            and not self.books.falls([leg])
            for leg in some
        )

    def reverse(self) -> None:
        b = self.books
        if not b.posted:
            return
        old = self.rng.choice(list(b.posted))
        held = {leg.code for leg in self.held or []}
        if any(x.code in held and b.accounts[x.code].minimum is not None for x in b.posted[old]):
            return
        if len(b.posted[old]) > 60:
            return
        legs = [Leg(x.code, -x.amount) for x in b.posted[old]]
        honest = self.chance(0.8)
        if not honest:
            legs = [*legs, Leg(legs[0].code, 1), Leg(legs[0].code, -1)]
        tx = self.next_tx
        self.next_tx += 1
        ok = honest and old not in b.reversed and not b.falls(legs)
        if self.must(self.entries(tx, legs, old), ok, "23L05 23M01"):
            b.move(legs)
            b.posted[tx] = legs
            b.reversed.add(old)

    def bulk(self) -> None:
        """One payer, many payees, and the money comes last."""
        b = self.books
        if any(c.startswith(("p", "1000")) for c in b.accounts):
            return
        n = self.rng.choices(*SIZES)[0]
        first = 100000
        code = "g" if self.number else "'p' || g"
        payer, source = self.codes()[0], self.codes()[3]
        held = {leg.code for leg in self.held or []}
        if payer in held:
            return
        sides = ", side" if self.sides else ""
        names = "code, minimum" + (", currency" if self.coded else "") + sides
        values = f"{code}, 0" + (", 'USD'" if self.coded else "")
        values += ", 'debit'" if self.sides else ""
        self.must(
            f"INSERT INTO account ({names}) SELECT {values} FROM generate_series({first + 1},"
            f" {first + n}) g",
            True,
            "",
        )
        for g in range(first + 1, first + n + 1):
            name = str(g) if self.number else f"p{g}"
            b.accounts[name] = Account(name, 0, False, 1)
        tx = self.next_tx
        self.next_tx += 1
        down = -self.up(payer, 1)

        def amount(text: str) -> str:
            return text if self.minor else f"({text})::numeric / 100"

        short = self.chance(0.3) and self.books.free(b.accounts[payer]) < n
        fund = 0 if short else n
        parts = [
            f"SELECT 1 AS o, {code} AS account, 1 AS amount FROM generate_series({first + 1}, {first + n}) g",
            f"SELECT 0, {self.name(payer)}, {down} FROM generate_series({first + 1}, {first + n}) g",
            f"SELECT 2, {self.name(source)}, {-n - n * down}",
        ]
        if fund:
            parts[2] = f"SELECT 2, {self.name(source)}, {-n}"
            parts.append(f"SELECT 3, {self.name(payer)}, {-down * n}")
        total = -n - n * down if not fund else -n
        if total == 0:
            del parts[2]
        order = self.rng.choice(["o", "o", "o DESC", "account"])
        if self.number:
            parts = [
                p.replace(self.name(payer), payer).replace(self.name(source), source) for p in parts
            ]
        columns = "tx, account, amount" + (", direction" if self.direction else "")
        shown = amount("abs(amount)" if self.direction else "amount")
        more = ", CASE WHEN amount > 0 THEN 'debit' ELSE 'credit' END" if self.direction else ""
        sql = (
            f"INSERT INTO entry ({columns}) SELECT {tx}, account, {shown}{more} FROM"
            f" ({' UNION ALL '.join(parts)}) s ORDER BY {order}"
        )
        if not fund and total:
            passes = self.books.free(b.accounts[payer]) >= n
        else:
            passes = fund > 0 or self.books.free(b.accounts[payer]) >= n
        if self.must(sql, passes, "23M01"):
            for g in range(first + 1, first + n + 1):
                b.accounts[str(g) if self.number else f"p{g}"].sum += 1
            b.accounts[payer].sum += down * n * (0 if fund else 1)
            b.accounts[source].sum += total
            b.posted[tx] = [Leg(payer, 0)] * 61
            b.reversed.add(tx)
        rows = self.ask(
            "SELECT count(*), sum(balance) FROM account WHERE code::text ~ '^(p|1000|1[0-9]{5})'"
        )
        self.same_sum(rows[0], first, n)

    def same_sum(self, got: tuple[Any, ...], first: int, n: int) -> None:
        want = sum(
            a.balance for c, a in self.books.accounts.items() if c.startswith("p") or len(c) == 6
        )
        if got[0] != n or got[1] != (want if self.minor else Decimal(want) / 100):
            raise Found("balance", f"{n} accounts have {got}, it should be {want}")

    # ------------------------------------------------------------ reservations

    def in_rows(self) -> list[Account]:
        held = {leg.code for leg in self.held or []}
        return [
            a
            for c, a in self.books.accounts.items()
            if a.minimum is not None and c in self.codes() and c not in held
        ]

    def reserve(self) -> None:
        b = self.books
        a = self.rng.choice(self.in_rows() or [None])
        if a is None:
            return
        free = b.free(a)
        amount = self.rng.choice([free, free, free + 1, free // 2, 50])
        if amount <= 0:
            return
        short = self.chance(0.4)
        valid = ", valid_for => '120 ms'" if short else ""
        passes = amount <= free
        sql = f"SELECT paysafe.reserve('account', {self.name(a.code)}, {self.money(amount)}{valid})"
        if self.must(sql, passes, "23M01"):
            number = self.ask("SELECT max(id) FROM paysafe.reservation")[0][0]
            b.reservations[number] = Reservation(a.code, amount)
            if short:
                if self.chance(0.5):
                    self.void(number)
                self.run("SELECT pg_sleep(0.15)")
                if b.reservations[number].state == "open":
                    b.reservations[number].state = "expired"

    def void(self, number: int | None = None) -> None:
        b = self.books
        free = {a.code for a in self.in_rows()}
        some = [i for i, r in b.reservations.items() if r.code in free]
        if not some:
            return
        number = self.rng.choice(some) if number is None else number
        r = b.reservations[number]
        if self.must(f"SELECT paysafe.void_reservation({number})", r.state == "open", "23M05"):
            r.state = "voided"

    def post_reserved(self) -> None:
        b, rng = self.books, self.rng
        free = {a.code for a in self.in_rows()}
        some = [i for i, r in b.reservations.items() if r.code in free]
        if not some:
            return
        number = rng.choice([i for i in some if b.reservations[i].state == "open"] or some)
        r = b.reservations[number]
        left = r.amount - r.posted
        wanted = max(1, rng.choice([left, left, left // 2, left + 1]))
        final = self.chance(0.6)
        taken = rng.choice([wanted, wanted, wanted - 1, wanted + 1])
        if taken <= 0:
            return
        tx, other = self.next_tx, self.codes()[3]
        self.next_tx += 2
        out = [Leg(r.code, -self.up(r.code, taken)), Leg(other, self.up(r.code, taken))]
        deposit = [Leg(r.code, self.up(r.code, 20)), Leg(other, -self.up(r.code, 20))]
        what = "NULL" if wanted == left and self.chance(0.5) else self.money(wanted)
        statements = ["BEGIN", f"SELECT paysafe.post_reservation({number}, {what}, {final})"]
        statements.append(self.entries(tx, out))
        ok = r.state == "open" and wanted <= left and taken >= wanted
        before, legs = (r.state, r.posted), list(out)
        if r.state == "open":
            r.posted += wanted
            r.state = "posted" if final or wanted == left else "open"
        ok = ok and not b.falls(out)
        if self.chance(0.4):
            statements.append(self.entries(tx + 1, deposit))
            legs += deposit
        if self.must(";\n".join([*statements, "COMMIT"]), ok, "23M05 23M01"):
            b.move(legs)
            b.posted[tx] = out
            if len(legs) > 2:
                b.posted[tx + 1] = deposit
        else:
            r.state, r.posted = before

    # ------------------------------------------------------------ periods, and what is refused

    def close_period(self) -> None:
        if not self.dated:
            return
        until = self.rng.choice(["2024-01-31", "2024-02-28"])
        if until <= self.books.closed or self.held is not None:
            return
        close = f"PERFORM paysafe.close_period('entry', '{until}');"
        self.must(
            f"DO $$BEGIN PERFORM paysafe.act_as('clerk'); {close} END$$", False, "42501", "owner"
        )
        self.must(
            "DO $$BEGIN PERFORM paysafe.act_as('clerk'); PERFORM paysafe.propose('the month has ended');"
            f" {close} PERFORM paysafe.propose(NULL); PERFORM paysafe.act_as('controller');"
            " PERFORM paysafe.approve('paysafe.rule', key, 'agreed') FROM paysafe.pending_change"
            f" WHERE rule = 'period'; PERFORM paysafe.act_as('clerk'); {close} END$$",
            True,
            "",
            "owner",
        )
        self.books.closed = until

    def tamper(self) -> None:
        a = self.rng.choice([x for x in self.in_rows()] or [None])
        if a is None:
            return
        where = f"WHERE code = {self.name(a.code)}"
        if a.minimum is None:
            return
        way = self.rng.choice(
            ["balance", "key", "raise", "lower", "delete", "entry", "gone", "void"]
        )
        if way == "balance":
            self.must(f"UPDATE account SET balance = balance + 1 {where}", False, "23M02")
        elif way == "key":
            self.must(
                f"UPDATE account SET code = {self.name(self.codes()[4] + '7')} {where}",
                False,
                "23M02",
            )
        elif way == "raise":
            self.must(
                f"UPDATE account SET minimum = {self.money(a.balance + 1)} {where}", False, "23M01"
            )
        elif way == "lower":
            new = min(a.minimum, a.balance - self.books.reserved(a.code)) - self.rng.choice(
                [0, 100]
            )
            if self.must(f"UPDATE account SET minimum = {self.money(new)} {where}", True, ""):
                a.minimum = new
        elif way == "delete" and a.moved:
            self.must(f"DELETE FROM account {where}", False, "23M02")
        elif way == "void":
            self.must(f"UPDATE account SET minimum = NULL {where}", False, "23M02")
        elif self.books.posted:
            verb = "UPDATE entry SET amount = amount * 2" if way == "entry" else "DELETE FROM entry"
            self.must(verb, False, "23L01")

    # ------------------------------------------------------------ two sessions, and times

    def hold(self) -> None:
        """Session b posts and does not commit; or it does at last."""
        b = self.books
        if self.held is not None:
            back = self.chance(0.3)
            self.must("ROLLBACK" if back else "COMMIT", True, "", "b")
            if not back:
                b.move(self.held)
                b.posted[self.held_tx] = self.held
            self.held = None
            return
        legs = [x for x in self.legs()]
        if sum(x.amount for x in legs) or b.falls(legs):
            return
        tx = self.next_tx
        self.next_tx += 1
        parts = [legs[:1], legs[1:]] if self.chance(0.5) and not b.falls(legs[:1]) else [legs]
        sql = ["BEGIN", *[self.entries(tx, p) for p in parts if p]]
        self.must(";\n".join(sql), True, "", "b")
        self.held, self.held_tx = legs, tx

    def look_back(self) -> None:
        """What was so at a time is so for ever."""
        now = self.ask("SELECT clock_timestamp()")[0][0]
        if self.held is None:
            self.times.append(
                (now, {c: a.balance for c, a in list(self.books.accounts.items())[:5]})
            )
        times = [t for t, _ in self.times]
        at = self.rng.choice([now, now, *times[-4:]])
        for code in self.codes():
            if code not in self.books.accounts:
                continue
            key = (code, at)
            sql = f"SELECT paysafe.balance({self.name(code)}, '{at.isoformat()}', 'account', 'USD')"
            try:
                got = self.ask(sql)[0][0]
            except psycopg.errors.ObjectNotInPrerequisiteState as e:
                raise Found("time", f"{sql}: {e}") from e
            except psycopg.errors.LockNotAvailable as e:
                if self.held is None:
                    raise Found("time", f"55P03, and nothing is open: {sql}") from e
                continue
            got = 0 if got is None else got
            if self.answers.setdefault(key, got) != got:
                raise Found("time", f"{sql} was {self.answers[key]}, is {got}")
            want = next((v for t, v in self.times if t == at), {}).get(code)
            if want is not None and got != (want if self.minor else Decimal(want) / 100):
                raise Found("time", f"{sql} is {got}, it was {self.money(want)}")

    def trial(self) -> None:
        """At every time all balances sum to nothing."""
        if self.held is not None or len(self.books.accounts) > 20:
            return
        sign = {c: -1 if a.credit else 1 for c, a in self.books.accounts.items()}
        rows = self.ask(
            "SELECT DISTINCT at FROM paysafe.balance_history WHERE relation = 'account'::regclass"
            " ORDER BY at DESC LIMIT 4"
        )
        for (at,) in rows:
            total = Decimal(0)
            for code, s in sign.items():
                sql = f"SELECT paysafe.balance({self.name(code)}, '{at.isoformat()}', 'account', 'USD')"
                total += s * (self.ask(sql)[0][0] or 0)
            if total:
                raise Found("time", f"at {at} the balances of all accounts sum to {total}")

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        b = self.books
        rows = self.ask("SELECT code::text, balance FROM account ORDER BY 1 LIMIT 12")
        for code, balance in rows:
            a = b.accounts[code]
            want = 0 if a.minimum is None else a.balance
            got = Decimal(balance or 0)
            if got != (want if self.minor else Decimal(want) / 100):
                raise Found("balance", f"account {code} has {got}, it should be {self.money(want)}")
        states = dict(
            self.ask(
                "SELECT id, state FROM paysafe.reservation WHERE relation = 'account'::regclass"
            )
        )
        for number, r in b.reservations.items():
            if states.get(number) != r.state:
                raise Found("reservation", f"{number} is {states.get(number)}, not {r.state}")
        for code in self.codes():
            a = b.accounts.get(code)  # type: ignore[assignment]
            if a is None:
                continue
            sql = f"SELECT paysafe.balance({self.name(code)}, accounts => 'account', currency => 'USD')"
            now = self.ask(sql)[0][0] or 0
            if now != (a.balance if self.minor else Decimal(a.balance) / 100):
                raise Found("balance", f"{sql} is {now}, it should be {self.money(a.balance)}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        """What is planned; each act has chances of its own, so that others can be left out."""
        self.setup()
        for i, name in plan:
            self.rng = random.Random(f"act {self.seed} {i}")
            getattr(self, name)()
            self.look()
        if self.held is not None:
            self.hold()
        self.look()
        self.look_back()
        self.trial()


ACTS = {
    "post": 8,
    "reserve": 4,
    "void": 2,
    "post_reserved": 4,
    "reverse": 2,
    "hold": 4,
    "look_back": 4,
    "tamper": 2,
    "close_period": 0.7,
    "trial": 1,
    "bulk": 0.5,
    "open_again": 1,
}
DATABASE = 25  # so many plays in one
LIMIT = 60.0  # seconds for making a finding short


class Server:
    """A database in which plays follow each other."""

    def __init__(self, dsn: str, name: str) -> None:
        self.dsn, self.name, self.count = dsn, name, 0

    def database(self) -> str:
        """A fresh one now and then: rules stay with their tables."""
        if self.count % DATABASE == 0:
            with psycopg.connect(f"{self.dsn} dbname=postgres user={SUPER}", autocommit=True) as c:
                c.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
                c.execute(f"CREATE DATABASE {self.name} TEMPLATE sim_play")
        self.count += 1
        return self.name

    def play(self, seed: int, plan: list[tuple[int, str]]) -> tuple[Found, list[str]] | None:
        p = Play(self.dsn, self.database(), f"books_{self.count}", seed)
        try:
            p.all(plan)
            return None
        except Found as f:
            return f, p.script
        finally:
            p.close()

    def one(self, seed: int, shorten: bool) -> Finding | None:
        rng = random.Random(f"plan {seed}")
        names = rng.choices(list(ACTS), list(ACTS.values()), k=rng.randint(10, 24))
        plan = list(enumerate(names))
        got = self.play(seed, plan)
        if got is None:
            return None
        at = time.time()
        i = len(plan) - 1
        while shorten and i >= 0 and time.time() < at + LIMIT:
            fewer = plan[:i] + plan[i + 1 :]
            again = self.play(seed, fewer)
            if again is not None and again[0].promise == got[0].promise:
                plan, got = fewer, again
            i -= 1
        self.count += -self.count % DATABASE  # the next one has a fresh database
        found, script = got
        text = "\n".join(script)
        return Finding(seed, found.promise, found.words, f"{text}\n-- {found.words}", at)


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of accounts?"""
    return random.Random(f"books or not {seed}").random() < 0.15
