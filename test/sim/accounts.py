"""Plays of accounts: ledgers, balances, reservations and periods, against a model of them.

A play makes a ledger and its accounts in a schema of its own, of any shape that doc/reference.md
has, and does some twenty things with them, honest and not.  A model of a few lines says which of
them pass, what every balance is, and what it was at each time that was asked for.  Statements
come in all sizes, since buffers and portions end somewhere.
"""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg

import reports
from commands import APP, OWNER, SUPER, Finding, Found
from endings import Endings

DEBIT = ("debit", "dr", "d", "1")
CREDIT = ("credit", "cr", "c", "-1")
STATUS_TYPES = {
    "text": "text",
    "state": "state",
    "int": "int",
    "boolean": "boolean",
    "timestamptz": "timestamptz",
}
NUMBERS = {"active": "1", "frozen": "2", "in": "3", "out": "4", "closed": "5"}
STATUS_WORDS: dict[str, dict[str, str]] = {
    "int": NUMBERS,
    "boolean": dict.fromkeys(NUMBERS, "true"),
    "timestamptz": dict.fromkeys(NUMBERS, "set"),
}
# posting dates of each type, and the day that each falls on, in UTC and in Tokyo
DAYS: dict[str, dict[str, tuple[str, str]]] = {
    "date": {d: (d, d) for d in ("2024-01-10", "2024-02-10")},
    "timestamp": {
        "2024-01-31 23:59:59.9": ("2024-01-31", "2024-01-31"),
        "2024-02-01 00:00": ("2024-02-01", "2024-02-01"),
    },
    "timestamptz": {
        "2024-01-31 14:59:59.9+00": ("2024-01-31", "2024-01-31"),
        "2024-01-31 15:00+00": ("2024-01-31", "2024-02-01"),
        "2024-02-01 00:00+09": ("2024-01-31", "2024-02-01"),
        "2024-02-01 12:00+00": ("2024-02-01", "2024-02-01"),
    },
}
Row = dict[str, Any]
SIZES = (([40, 300, 1100, 5000, 17000, 33000]), [3, 2, 3, 1, 4, 1])


@dataclass
class Account:
    code: str
    minimum: int | None  # None: its balance is in no row
    credit: bool  # does it grow with credits?
    place: int
    sum: int = 0  # debits less credits
    moved: bool = False
    maximum: int | None = None
    status: str = "active"

    @property
    def stored(self) -> bool:
        """Is its balance in its row?"""
        return self.minimum is not None or self.maximum is not None

    @property
    def balance(self) -> int:
        return -self.sum if self.credit else self.sum


@dataclass
class Reservation:
    code: str
    amount: int
    state: str = "open"
    posted: int = 0
    to: str = ""
    key: str = ""
    again: str = ""  # the call that made it, if it had a key
    parts: dict[str, tuple[str, int]] = field(default_factory=dict)  # by key: call, what it posted


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
    keys: int = 1  # of reservations
    days: list[tuple[str, int, Leg]] = field(default_factory=list)  # posting date, transaction

    def reserved(self, code: str) -> int:
        return sum(
            r.amount - r.posted
            for r in self.reservations.values()
            if r.code == code and r.state == "open"
        )

    def free(self, a: Account) -> int:
        assert a.minimum is not None
        return a.balance - a.minimum - self.reserved(a.code)

    def wrong(self, legs: list[Leg]) -> set[str]:
        """What is refused in these, all together."""
        moved: dict[str, int] = {}
        out = set()
        for leg in legs:
            a = self.accounts[leg.code]
            change = -leg.amount if a.credit else leg.amount
            moved[leg.code] = moved.get(leg.code, 0) + change
            # each entry counts for the status
            if a.status == "closed":
                out.add("23M08")
            elif a.status == "frozen" or a.status == ("in" if change < 0 else "out"):
                out.add("23M07")
        for code, change in moved.items():
            a = self.accounts[code]
            if a.minimum is not None and change < 0 and self.free(a) + change < 0:
                out.add("23M01")
            if a.maximum is not None and change > 0 and a.balance + change > a.maximum:
                out.add("23M06")
        return out

    def falls(self, legs: list[Leg]) -> bool:
        """Do these move an account where it may not be?"""
        return bool(self.wrong(legs))

    def post(self, tx: int, legs: list[Leg], day: str) -> None:
        self.move(legs)
        self.posted[tx] = legs
        self.days += [(day, tx, leg) for leg in legs]

    def move(self, legs: list[Leg], back: bool = False, trial: bool = False) -> None:
        for leg in legs:
            a = self.accounts[leg.code]
            a.sum += -leg.amount if back else leg.amount
            a.moved = a.moved or not (back or trial)


class Play(Endings):
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
        self.features()
        self.next_tx = 1
        self.held: list[Leg] | None = None  # what session b has posted and not committed
        self.held_tx = 0
        self.stored: dict[int, list[Row]] = {}  # entries as they were given
        self.loose: set[str] = set()  # accounts with entries that are in no list of days
        self.answers: dict[tuple[Any, ...], Any] = {}
        self.times: list[tuple[Any, dict[str, int]]] = []  # and the balances that were right

    def features(self) -> None:
        """What most plays have not."""
        rng = self.rng
        self.limits = self.chance(0.45)  # maxima
        self.kind = rng.choice(list(STATUS_TYPES)) if self.chance(0.5) else ""  # of statuses
        self.locked = rng.choice(["frozen", "in", "out", "closed"])  # where there is one of them
        self.late = self.chance(0.4)  # the statuses come when there are entries
        # keys of several columns, in any order; a reversal has the transaction's tenant, or its own
        self.tenants = self.chance(0.3)
        self.tenant_first = self.chance(0.6)
        self.referenced = self.chance(0.5) and not self.parts
        self.key_turned = self.referenced and self.chance(0.5)
        self.own_tenant = self.chance(0.5)
        self.stamp = rng.choice([*DAYS, "timestamptz"]) if self.dated else "date"
        self.zone = rng.choice(["UTC", "Asia/Tokyo", "Asia/Tokyo"])
        self.journal = self.chance(0.3)  # a trigger of the ledger writes another protected table

    @staticmethod
    def alone(seed: int) -> bool:
        """Does it take a database that nobody else plays in?"""
        return False

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
                self.script.append(
                    f"-- {e.sqlstate} {e.diag.message_primary} {e.diag.message_detail or ''}"
                )
                if c.closed:
                    raise Found("alive", f"the server has gone: {e}") from e
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
        """An account for a function."""
        if not self.tenants:
            return f"'{code}'"
        shop, rest = self.key(code)
        return f"'{shop},{rest}'" if self.tenant_first else f"'{rest},{shop}'"

    def key(self, code: str) -> tuple[int, str]:
        """With tenants: two accounts share each code."""
        codes = self.codes()
        return codes.index(code) % 2 + 1, codes[codes.index(code) // 2]

    def values(self, code: str) -> str:
        if not self.tenants:
            return f"'{code}'"
        shop, rest = self.key(code)
        return f"'{rest}', {shop}"

    def where(self, code: str) -> str:
        if not self.tenants:
            return f"code = '{code}'"
        shop, rest = self.key(code)
        return f"code = '{rest}' AND shop = {shop}"

    def tx_text(self, tx: int) -> str:
        """A transaction as it is named in answers."""
        if not self.tenants:
            return str(tx)
        return f"{tx % 2},{tx // 2}" if self.tenant_first else f"{tx // 2},{tx % 2}"

    def tx_values(self, tx: int) -> str:
        return f"{tx // 2}, {tx % 2}" if self.tenants else str(tx)

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        money = "bigint" if self.minor else "numeric(14,2)"
        key = "bigint" if self.number else "text"
        more = (", direction text" if self.direction else "") + (
            f", booked_on {self.stamp} NOT NULL DEFAULT now()" if self.dated else ""
        )
        columns = (", currency text" if self.coded else "") + (", side text" if self.sides else "")
        columns += f", maximum {money}" if self.limits else ""
        columns += f", status {STATUS_TYPES[self.kind]}" if self.kind else ""
        part = " PARTITION BY LIST (place)" if self.parts else ""
        primary = "code"
        if self.tenants:
            columns += ", shop int NOT NULL"
            more += ", tenant int, shop int" + (", rtenant int" if self.own_tenant else "")
            primary = "shop, code"
            if self.referenced:
                more += ", FOREIGN KEY (shop, account) REFERENCES account (shop, code)"
        primary += ", place" if self.parts else ""
        types = ["CREATE TYPE state AS ENUM ('active', 'frozen', 'in', 'out', 'closed')"]
        account = (
            f"CREATE TABLE account (code {key}, balance {money} DEFAULT 0, minimum {money}, place int NOT NULL"
            f" DEFAULT 1{columns}, PRIMARY KEY ({primary})){part}"
        )
        entry = (
            f"CREATE TABLE entry (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tx bigint,"
            f" account {key}, amount {money}, currency text DEFAULT 'USD', reverses bigint{more})"
        )
        statements = [*(types if self.kind == "state" else []), account, entry]
        statements += ["CREATE INDEX ON entry (tx)", "CREATE INDEX ON entry (reverses)"]
        if self.parts:
            for i in (1, 2):
                statements += [
                    f"CREATE TABLE account_{i} PARTITION OF account FOR VALUES IN ({i})",
                    f"CREATE UNIQUE INDEX ON account_{i} ({'shop, ' if self.tenants else ''}code)",
                ]
        statements += [
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
            f"SELECT paysafe.protect_ledger({self.ledger_arguments()})",
            f"SELECT paysafe.protect_balance({self.balance_arguments(not self.late)})",
        ]
        if self.audited:
            statements.append("SELECT paysafe.audit('entry')")
        if self.journal:
            statements += self.journal_of_entries()
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        self.must(";\n".join(statements), True, "", "owner")
        self.today = str(self.ask("SELECT current_date")[0][0])
        for code in self.codes()[:4]:
            self.open(code, None if code == self.codes()[3] else self.rng.choice([0, 0, -500]))
        self.post([Leg(self.codes()[0], self.up(self.codes()[0], 10000)), self.rest(10000, 0)])
        if self.kind and self.late:
            # a first status_column tightens, unless something can be closed
            sql = f"PERFORM paysafe.protect_balance({self.balance_arguments(True)});"
            if "closed" in self.states():
                self.by_two(sql, "", "balance", ("42501",))
            else:
                self.must(f"DO $$BEGIN {sql} END$$", True, "", "owner")

    def journal_of_entries(self) -> list[str]:
        """The application's own trigger, before paysafe's or after them, by row or statement."""
        rng = self.rng
        name, each = rng.choice("az"), rng.choice(["ROW", "ROW", "STATEMENT"])
        rule = rng.choice(
            ["audit('journal')", "audit('journal')", "protect_append_only('journal')"]
        )
        return [
            "CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text)",
            f"GRANT ALL ON journal TO {APP}",
            f"SELECT paysafe.{rule}",
            "CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO journal (note)"
            " VALUES (TG_OP); RETURN NULL; END'",
            f"CREATE TRIGGER {name}_note AFTER INSERT ON entry FOR EACH {each} EXECUTE FUNCTION note_it()",
        ]

    def columns(self, *names: str) -> str:
        return "'{" + ",".join(names if self.tenant_first else names[::-1]) + "}'"

    def ledger_arguments(self) -> str:
        if self.tenants:
            back = self.columns("rtenant" if self.own_tenant else "tenant", "reverses")
            args = (
                f"'entry', {self.columns('tenant', 'tx')}, {self.columns('shop', 'account')},"
                f" 'amount', 'currency', reverses_column => {back}"
            )
        else:
            args = "'entry', 'tx', 'account', 'amount', 'currency', reverses_column => 'reverses'"
        args += ", direction_column => 'direction'" if self.direction else ""
        args += ", posting_date_column => 'booked_on'" if self.dated else ""
        return args

    def balance_arguments(self, statuses: bool) -> str:
        key = "'code'"
        if self.tenants:
            key = self.columns("shop", "code")
            if self.key_turned:  # the foreign key says which is which
                key = "'{code,shop}'" if self.tenant_first else "'{shop,code}'"
        args = f"'account', {key}, 'balance', 'entry', 'minimum'"
        args += ", currency_column => 'currency'" if self.coded else ""
        args += ", side_column => 'side'" if self.sides else ""
        args += ", maximum_column => 'maximum'" if self.limits else ""
        if self.kind and statuses:
            args += ", status_column => 'status'"
            names = {"frozen": "frozen", "in": "in_only", "out": "out_only", "closed": "closed"}
            for state, name in names.items():
                if state in self.states():
                    word = STATUS_WORDS.get(self.kind, {}).get(state, state)
                    args += f", {name} => '{{{word}}}'"
        return args

    def states(self) -> list[str]:
        """What a status may be."""
        if self.kind in ("boolean", "timestamptz"):
            return ["active", self.locked]
        return ["active", "frozen", "in", "out", "closed"]

    def state(self, state: str) -> str:
        """As SQL."""
        if self.kind == "boolean":
            return "true" if state != "active" else self.rng.choice(["false", "NULL"])
        if self.kind == "timestamptz":
            return "now()" if state != "active" else "NULL"
        return f"'{STATUS_WORDS.get(self.kind, {}).get(state, state)}'"

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
        maximum = None
        if self.limits and code != self.codes()[3] and self.chance(0.6):
            maximum = self.rng.choice([10000, 10500, 20000])
            if self.chance(0.3) and code != self.codes()[0]:
                minimum = None
        values = f"{self.values(code)}, {self.money(opening)}, {'NULL' if minimum is None else self.money(minimum)}, {place}"
        values += ", 'USD'" if self.coded else ""
        values += f", '{self.rng.choice(CREDIT if credit else DEBIT)}'" if self.sides else ""
        names = "code, shop" if self.tenants else "code"
        names += ", balance, minimum, place" + (", currency" if self.coded else "")
        names += ", side" if self.sides else ""
        if maximum is not None:
            names, values = f"{names}, maximum", f"{values}, {self.money(maximum)}"
        if self.kind:
            names, values = f"{names}, status", f"{values}, {self.state('active')}"
        passes = not taken and opening == 0 and (minimum is None or minimum <= 0)
        sql = f"INSERT INTO account ({names}) VALUES ({values})"
        if self.must(sql, passes, "23505 23M02 23M01"):
            self.books.accounts[code] = Account(
                code, minimum, credit, place, maximum=maximum, status="active"
            )

    def open_again(self) -> None:
        self.open(self.rng.choice(self.codes()), 0)

    # ------------------------------------------------------------ entries

    def rows(self, tx: int, legs: list[Leg], back: int | None = None, day: str = "") -> list[Row]:
        """Entries, as values by column."""
        out = []
        for leg in legs:
            row: Row = (
                dict(zip(("tx", "tenant"), (tx // 2, tx % 2))) if self.tenants else {"tx": tx}
            )
            if self.tenants:
                shop, code = self.key(leg.code)
                row |= {"shop": shop, "account": code}
            else:
                row["account"] = leg.code
            row["amount"] = self.money(leg.amount)
            if self.direction:
                row["amount"] = self.money(abs(leg.amount))
                row["direction"] = self.rng.choice(DEBIT if leg.amount > 0 else CREDIT)
            row["currency"] = self.rng.choice(["USD", "USD", "usd", "Usd"])
            if back is not None and self.tenants:
                row["reverses"] = back // 2
                if self.own_tenant:
                    row["rtenant"] = back % 2
            elif back is not None:
                row["reverses"] = back
            if day:
                row["booked_on"] = self.rng.choice(self.moments(day))
            out.append(row)
        return out

    def moments(self, day: str) -> list[str]:
        """What falls on a day, in the time zone of the books."""
        return [
            m
            for m, d in DAYS[self.stamp].items()
            if day == (d[1] if self.zone == "Asia/Tokyo" else d[0])
        ]

    def some_days(self) -> list[str]:
        return sorted({d[1 if self.zone == "Asia/Tokyo" else 0] for d in DAYS[self.stamp].values()})

    def entries(self, tx: int, legs: list[Leg], back: int | None = None, day: str = "") -> str:
        return self.insert(self.rows(tx, legs, back, day))

    def insert(self, rows: list[Row]) -> str:
        names = list(rows[0])
        values = [
            "("
            + ", ".join(
                f"'{r[n]}'" if isinstance(r[n], str) and n != "amount" else str(r[n]) for n in names
            )
            + ")"
            for r in rows
        ]
        return f"INSERT INTO entry ({', '.join(names)}) VALUES {', '.join(values)}"

    def legs(self) -> list[Leg]:
        """A transaction at random; mostly it sums to zero."""
        held = {leg.code for leg in self.held or []}
        codes = [
            c
            for c, a in self.books.accounts.items()
            if c in self.codes()
            and (not a.stored or c not in held)
            and (a.status == "active" or self.chance(0.3))
        ]
        rng = self.rng
        legs: list[Leg] = []
        if not codes:
            return legs
        for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
            code = rng.choice(codes)
            a = self.books.accounts[code]
            amount = rng.choice([10, 50, 1000, 5000])
            if a.minimum is not None and self.chance(0.5):
                amount = max(1, self.books.free(a) + rng.choice([0, 0, 1, 1, -1]))
                amount = -self.up(code, amount)
            elif a.maximum is not None and self.chance(0.4):
                amount = max(1, a.maximum - a.balance + rng.choice([0, 0, 1, 1, -1]))
                amount = self.up(code, amount)
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
        if not legs:
            return
        tx = self.next_tx
        if b.posted and self.chance(0.08):
            tx = rng.choice(list(b.posted))
        self.next_tx += 1
        day = rng.choice([*self.some_days(), ""]) if self.dated else ""
        wrong = set()
        if sum(leg.amount for leg in legs) != 0:
            wrong.add("23L02")
        if tx in b.posted:
            wrong.add("23L04")
        if day and day <= b.closed:
            wrong.add("23L06")
        parts = [legs]
        if len(legs) > 1 and self.chance(0.3):
            i = rng.randint(1, len(legs) - 1)
            parts = [legs[:i], legs[i:]]
        undone: list[Leg] = []
        statements = []
        rows: list[Row] = []
        for part in parts:
            # each statement leaves the accounts as they may be
            wrong |= b.wrong(part)
            rows += self.rows(tx, part, None, day)
            statements.append(self.insert(rows[-len(part) :]))
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
                        if some and not b.falls(some) and not wrong and self.fits(some, legs)
                        else "SAVEPOINT s;\nROLLBACK TO s"
                    ),
                )
            if self.chance(0.4):
                i = rng.randrange(len(statements))
                statements[i] = f"SAVEPOINT r;\n{statements[i]};\nRELEASE r"
            statements = ["BEGIN", *statements, "COMMIT"]
        elif self.chance(0.35) and tx not in b.posted:
            statements = [self.post_entries(rows)]
        b.move(undone, True)
        if self.must(";\n".join(statements), not wrong, " ".join(wrong)):
            b.post(tx, legs, day or self.today)
            self.stored[tx] = rows

    def post_entries(self, rows: list[Row]) -> str:
        return f"SELECT paysafe.post_entries('entry', '{json.dumps(rows)}')"

    def post_again(self) -> None:
        """The same id once more: quiet if it says the same."""
        if not self.stored:
            return
        tx = self.rng.choice(list(self.stored))
        rows = [dict(r) for r in self.stored[tx]]
        way = self.rng.choice(["same", "same", "fewer", "other", "more", "account"])
        if way == "fewer":
            del rows[self.rng.randrange(len(rows))]
        elif way == "more":
            rows.append(dict(rows[0]))
        elif way == "other":
            rows[-1]["amount"] = self.money(123456)
        elif way == "account":
            other = [c for c in self.codes() if c in self.books.accounts]
            shop = self.rows(tx, [Leg(self.rng.choice(other), 1)])[0]
            changed = {k: v for k, v in shop.items() if k in ("account", "shop")}
            if all(rows[0][k] == v for k, v in changed.items()):
                return
            rows[0] |= changed
        self.rng.shuffle(rows)
        if self.chance(0.2):
            for r in rows:
                r.pop("currency", None)  # is not compared
        if not rows:
            return
        before = self.ask("SELECT count(*) FROM entry")
        if self.must(self.post_entries(rows), way == "same", "23L04"):
            after = self.ask("SELECT count(*) FROM entry")
            if before != after:
                raise Found("passed", f"transaction {tx} is posted twice")

    def fits(self, some: list[Leg], legs: list[Leg]) -> bool:
        """Does it pass wherever among the statements it stands?"""
        codes = {leg.code for leg in legs}
        return all(
            (not self.books.accounts[leg.code].stored or leg.code not in codes)
            and not self.books.falls([leg])
            for leg in some
        )

    def reverse(self) -> None:
        b = self.books
        if not b.posted:
            return
        old = self.rng.choice(list(b.posted))
        held = {leg.code for leg in self.held or []}
        if any(x.code in held and b.accounts[x.code].stored for x in b.posted[old]):
            return
        if len(b.posted[old]) > 60:
            return
        legs = [Leg(x.code, -x.amount) for x in b.posted[old]]
        honest = self.chance(0.8)
        if not honest:
            legs = [*legs, Leg(legs[0].code, 1), Leg(legs[0].code, -1)]
        tx = self.next_tx
        if self.tenants and not self.own_tenant and tx % 2 != old % 2:
            tx += 1  # the tenant is the transaction's
        self.next_tx = tx + 1
        wrong = b.wrong(legs)
        if not honest or old in b.reversed:
            wrong.add("23L05")
        rows = self.rows(tx, legs, old)
        if self.must(self.insert(rows), not wrong, " ".join(wrong)):
            b.post(tx, legs, self.today)
            b.reversed.add(old)
            self.stored[tx] = rows

    def bulk(self) -> None:
        """One payer, many payees, and the money comes last."""
        b = self.books
        if self.tenants or any(c.startswith(("p", "1000")) for c in b.accounts):
            return
        n = self.rng.choices(*SIZES)[0]
        n = min(n, 1100) if self.journal else n
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

        if any(
            b.accounts[c].maximum is not None or b.accounts[c].status != "active"
            for c in (payer, source)
        ):
            return
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
            self.loose.add(payer)
            self.loose.add(source)
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
            if a.stored and c in self.codes() and c not in held
        ]

    def reserve(self) -> None:
        a = self.rng.choice([x for x in self.in_rows() if x.minimum is not None] or [None])
        if a is not None:
            self.reserve_of(a)

    def reserve_of(self, a: Account) -> None:
        b = self.books
        free = b.free(a)
        amount = self.rng.choice([free, free, free + 1, free // 2, 50])
        if amount <= 0:
            return
        short = self.chance(0.4)
        more = ", valid_for => '120 ms'" if short else ""
        to = key = ""
        others = [c for c, x in b.accounts.items() if c in self.codes() and x.status != "closed"]
        if self.chance(0.4) and others != [a.code]:
            to = self.rng.choice([c for c in others if c != a.code])
            more += f", to_account => {self.name(to)}"
        if self.chance(0.4):
            key = f"order {b.keys}"
            b.keys += 1
            more += f", key => '{key}'"
        wrong = set()
        if amount > free:
            wrong.add("23M01")
        if a.status in ("frozen", "in"):
            wrong.add("23M07")
        if a.status == "closed":
            wrong.add("23M08")
        call = f"SELECT paysafe.reserve('account', {self.name(a.code)}, "
        sql = f"{call}{self.money(amount)}{more})"
        asked = time.monotonic()
        if self.must(sql, not wrong, " ".join(wrong)):
            number = self.ask(
                "SELECT max(id) FROM paysafe.reservation WHERE relation = 'account'::regclass"
            )[0][0]
            b.reservations[number] = Reservation(a.code, amount, to=to, key=key, again=sql)
            if key and self.chance(0.4):
                self.must(self.reserved_otherwise(a, amount, more, to), False, "23M05")
            if short:
                if self.chance(0.5):
                    self.void_in_time(number, asked)
                self.run("SELECT pg_sleep(0.15)")
                if b.reservations[number].state == "open":
                    b.reservations[number].state = "expired"

    def void_in_time(self, number: int, asked: float) -> None:
        """Before it expires; or it has already, where everything is slow."""
        sql = f"SELECT paysafe.void_reservation({number})"
        code = self.run(sql)
        if not code:
            self.books.reservations[number].state = "voided"
        elif code != "23M05" or time.monotonic() < asked + 0.12:
            raise Found("legitimate", f"refused with {code}: {sql}")

    def reserved_otherwise(self, a: Account, amount: int, more: str, to: str) -> str:
        """The key of a reservation for another one: of more, of less, of another account, for another."""
        who, new = a.code, amount
        others = [x.code for x in self.in_rows() if x.minimum is not None and x.code != a.code]
        what = self.rng.choice(["more", "less", "account", "for"])
        if what == "account" and others and to not in others:
            who = self.rng.choice(others)
        elif what == "for" and to:
            more = more.replace(f", to_account => {self.name(to)}", "")
        else:
            new = amount - 1 if what == "less" and amount > 1 else amount + 1
        return f"SELECT paysafe.reserve('account', {self.name(who)}, {self.money(new)}{more})"

    def reserve_again(self) -> None:
        """The same call once more: whatever became of it, its number."""
        free = {a.code for a in self.in_rows()}
        some = [
            i for i, r in self.books.reservations.items() if (r.key or r.parts) and r.code in free
        ]
        if some:
            self.repeat(self.rng.choice(some))

    def repeat(self, number: int) -> None:
        r = self.books.reservations[number]
        got = self.answer(r.again) if r.key else number
        if got != number:
            raise Found("reservation", f"{r.again} is {got}, it was {number}")
        for key, (call, posted) in r.parts.items():
            got = self.answer(call)
            if got is None or Decimal(got) != Decimal(self.money(posted)):
                raise Found("reservation", f"{call} is {got}, it was {self.money(posted)}")
            if self.chance(0.3):
                bad = self.rng.choice(
                    [f"0.01, true, '{key}'", f"{self.money(posted + 1)}, true, '{key}'"]
                )
                if self.minor:
                    bad = f"{self.money(posted + 1)}, true, '{key}'"
                self.must(f"SELECT paysafe.post_reservation({number}, {bad})", False, "23M05")

    def answer(self, sql: str) -> Any:
        self.script.append(f"a: {sql};")
        try:
            row = self.conns["a"].execute(sql).fetchone()
        except psycopg.Error as e:
            raise Found("legitimate", f"{e.sqlstate} {e}: {sql}") from e
        return None if row is None else row[0]

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
        key = f", 'part {tx}'" if self.chance(0.6) else ""
        call = f"SELECT paysafe.post_reservation({number}, {what}, {final}{key})"
        statements = ["BEGIN", call]
        rows = self.rows(tx, out)
        statements.append(self.post_entries(rows) if self.chance(0.3) else self.insert(rows))
        wrong = set()
        if r.state != "open" or wanted > left or taken < wanted:
            wrong.add("23M05")
        before, legs = (r.state, r.posted), list(out)
        if r.state == "open":
            r.posted += wanted
            r.state = "posted" if final or wanted == left else "open"
        wrong |= b.wrong(out)
        if self.chance(0.4):
            statements.append(self.entries(tx + 1, deposit))
            legs += deposit
            b.move(out, trial=True)
            wrong |= b.wrong(deposit)
            b.move(out, True)
        if self.must(";\n".join([*statements, "COMMIT"]), not wrong, " ".join(wrong)):
            b.post(tx, out, self.today)
            self.stored[tx] = rows
            if key:
                r.parts[f"part {tx}"] = (call, wanted)
            if len(legs) > 2:
                b.post(tx + 1, deposit, self.today)
            if key and self.chance(0.7):
                self.repeat(number)
        else:
            r.state, r.posted = before

    # ------------------------------------------------------------ periods, and what is refused

    def close_period(self) -> None:
        if not self.dated:
            return
        until = self.rng.choice(["2024-01-31", "2024-02-28"])
        if until <= self.books.closed or self.held is not None:
            return
        close = f"PERFORM paysafe.close_period('entry', '{until}', '{self.zone}');"
        self.by_two(close, "", "period", ("42501",))
        self.books.closed = until

    def by_two(self, what: str, then: str, rule: str, codes: tuple[str, ...]) -> None:
        """Not alone; by a proposal that another person approves; a second time, not again alone."""
        ann = "PERFORM paysafe.act_as('clerk');"
        self.must(f"DO $$BEGIN {ann} {what} END$$", False, " ".join(codes), "owner")
        self.must(
            f"DO $$BEGIN {ann} PERFORM paysafe.propose('as agreed'); {what}"
            " PERFORM paysafe.propose(NULL); PERFORM paysafe.act_as('controller');"
            " PERFORM paysafe.approve('paysafe.rule', key, 'agreed') FROM paysafe.pending_change"
            f" WHERE rule = '{rule}'; {ann} {what} {then} END$$",
            True,
            "",
            "owner",
        )

    def tamper(self) -> None:
        a = self.rng.choice([x for x in self.in_rows()] or [None])
        if a is None:
            return
        where = f"WHERE {self.where(a.code)}"
        way = self.rng.choice(
            [
                "balance",
                "written",
                "key",
                "raise",
                "lower",
                "delete",
                "entry",
                "gone",
                "void",
            ]
        )
        if way == "balance":
            self.must(f"UPDATE account SET balance = balance + 1 {where}", False, "23M02")
        elif way == "written":
            self.must(self.written(a), False, "23M02 23505")
        elif way == "key":
            self.must(
                f"UPDATE account SET code = '{self.codes()[4] + '7'}' {where}",
                False,
                "23M02 23503",
            )
        elif way == "raise" and a.minimum is not None:
            above = self.money(a.balance + self.rng.choice([1, 1, 100]))
            self.must(self.sets(f"minimum = {above}", a.code), False, "23M01")
        elif way == "lower" and a.minimum is not None:
            new = min(a.minimum, a.balance - self.books.reserved(a.code)) - self.rng.choice(
                [0, 100]
            )
            if self.must(self.sets(f"minimum = {self.money(new)}", a.code), True, ""):
                a.minimum = new
        elif way == "delete" and a.moved:
            self.must(f"DELETE FROM account {where}", False, "23M02 23M08 23503")
        elif way == "void" and a.minimum is not None:
            self.must(f"UPDATE account SET minimum = NULL {where}", False, "23M02")
        elif way in ("entry", "gone") and self.books.posted:
            verb = "UPDATE entry SET amount = amount * 2" if way == "entry" else "DELETE FROM entry"
            self.must(verb, False, "23L01")

    def sets(self, what: str, code: str) -> str:
        """An UPDATE of an account, in any form."""
        where = self.where(code)
        on = where.replace("code =", "account.code =").replace("shop =", "account.shop =")
        plain = f"UPDATE account SET {what} WHERE {where}"
        return self.rng.choice(
            [
                plain,
                plain,
                f"MERGE INTO account USING (SELECT 1) s ON {on} WHEN MATCHED THEN UPDATE SET {what}",
                f"WITH u AS ({plain} RETURNING 1) SELECT count(*) FROM u",
                f"BEGIN;\nSAVEPOINT s;\n{plain};\nRELEASE s;\nCOMMIT",
            ]
        )

    def written(self, a: Account) -> str:
        """A balance written by other statements than a plain UPDATE."""
        where = self.where(a.code)
        on = where.replace("code =", "account.code =").replace("shop =", "account.shop =")
        return self.rng.choice(
            [
                f"MERGE INTO account USING (SELECT 1) s ON {on} WHEN MATCHED THEN UPDATE SET balance = 7777",
                f"WITH u AS (UPDATE account SET balance = 7777 WHERE {where} RETURNING 1) SELECT count(*) FROM u",
                f"DO $$BEGIN UPDATE account SET balance = NULL WHERE {where}; END$$",
                f"UPDATE account SET balance = balance + 1, minimum = minimum WHERE {where}",
                f"BEGIN;\nSELECT * FROM account WHERE {where} FOR UPDATE;\nUPDATE account SET balance = balance - 1"
                f" WHERE {where};\nCOMMIT",
            ]
        )

    def cap(self) -> None:
        """A maximum is set anew; never below the balance."""
        some = self.in_rows()
        if not self.limits or not some:
            return
        a = self.rng.choice([x for x in some if x.maximum is not None] or some)
        new = self.rng.choice([a.balance, a.balance + 100, a.balance - 1, a.balance - 1, None])
        wrong = set()
        if new is None and a.minimum is None:
            wrong.add("23M02")  # such an account keeps one
        if new is not None and new < a.balance:
            wrong.add("23M06")
        value = "NULL" if new is None else self.money(new)
        sql = self.sets(f"maximum = {value}", a.code)
        if self.must(sql, not wrong, " ".join(wrong)):
            a.maximum = new

    # ------------------------------------------------------------ statuses of accounts

    def change_status(self) -> None:
        """Only what is empty is closed, and only two people open it again."""
        b, held = self.books, {leg.code for leg in self.held or []}
        if not self.kind:
            return
        some = [a for c, a in b.accounts.items() if c in self.codes()]
        a = self.rng.choice(some)
        if self.held is not None and (a.code in held or not a.stored):
            return  # it would wait
        state = self.rng.choice(["active", *self.states()])
        if a.status == "closed" and self.chance(0.7):
            state = "active"
        sql = f"UPDATE account SET status = {self.state(state)} WHERE {self.where(a.code)}"
        sql = sql if a.status == "closed" else self.sets(f"status = {self.state(state)}", a.code)
        wrong = set()
        if state == "closed" and a.status != "closed" and (a.sum or b.reserved(a.code)):
            wrong.add("23M08")
        if a.status == "closed" and state != "closed":
            self.must(f"DO $$BEGIN PERFORM paysafe.act_as('clerk'); {sql}; END$$", False, "42501")
            key = self.name(a.code)
            self.must(
                "DO $$BEGIN PERFORM paysafe.act_as('controller'); PERFORM"
                f" paysafe.approve('account', {key}, 'it is used again'); END$$",
                True,
                "",
            )
            if self.chance(0.2):
                own = f"DO $$BEGIN PERFORM paysafe.act_as('controller'); {sql}; END$$"
                self.must(own, False, "42501")
            # and it is used: an approval that stays open would be another act's
            sql = f"DO $$BEGIN PERFORM paysafe.act_as('clerk'); {sql}; END$$"
        if self.must(sql, not wrong, " ".join(wrong)):
            a.status = state

    def empty_and_close(self) -> None:
        """All that an account has goes to another one, and it is closed."""
        b = self.books
        some = [
            a
            for a in self.in_rows()
            if a.status == "active" and a.sum and a.code != self.codes()[0]
        ]
        if not self.kind or "closed" not in self.states() or not some:
            return
        a = self.rng.choice(some)
        legs = [Leg(a.code, -a.sum), Leg(self.codes()[3], a.sum)]
        if not b.falls(legs):
            self.post(legs)
        wrong = {"23M08"} if a.sum or b.reserved(a.code) else set()
        sql = f"UPDATE account SET status = {self.state('closed')} WHERE {self.where(a.code)}"
        if self.must(sql, not wrong, " ".join(wrong)):
            a.status = "closed"

    def both_ways(self) -> None:
        """One statement adds to an account and takes from it: each entry counts for its status."""
        some = self.in_rows()
        closed = [a for a in some if a.status != "active"]
        if not self.kind or not some:
            return
        a = self.rng.choice(closed or some)
        one_way = [s for s in self.states() if s in ("in", "out")]
        if a.status == "active" and one_way and self.chance(0.6):
            state = self.rng.choice(one_way)
            self.must(
                f"UPDATE account SET status = {self.state(state)} WHERE {self.where(a.code)}",
                True,
                "",
            )
            a.status = state
        total = self.up(a.code, self.rng.choice([15, -15]))
        legs = [Leg(a.code, total * 2), Leg(a.code, -total), self.leg_of_rest(-total)]
        self.rng.shuffle(legs)
        self.post(legs)

    def leg_of_rest(self, amount: int) -> Leg:
        return Leg(self.codes()[3], amount)

    def change_and_hold(self) -> None:
        """Who posts waits for who changes the status, and the other way round."""
        b = self.books
        if not self.kind or self.held is not None:
            return
        some = [a for c, a in b.accounts.items() if c in self.codes() and a.status == "active"]
        if not some:
            return
        a = self.rng.choice(some)
        legs = [Leg(a.code, self.up(a.code, 10))]
        other = self.codes()[3 if a.code != self.codes()[3] else 0]
        legs.append(Leg(other, -legs[0].amount))
        states = [s for s in self.states() if s not in ("active", "closed")]
        if b.falls(legs) or not states:
            return
        state = self.rng.choice(states)
        status = f"UPDATE account SET status = {self.state(state)} WHERE {self.where(a.code)}"
        tx = self.next_tx
        self.next_tx += 1
        post = self.entries(tx, legs)
        first, second = (status, post) if self.chance(0.5) else (post, status)
        self.must(f"BEGIN;\n{first}", True, "", "b")
        waits = f"BEGIN;\nSET LOCAL lock_timeout = '60ms';\n{second};\nCOMMIT"
        self.must(waits, False, "55P03")
        back = self.chance(0.4)
        self.must("ROLLBACK" if back else "COMMIT", True, "", "b")
        if not back and first == status:
            a.status = state
        elif not back:
            b.post(tx, legs, self.today)

    # ------------------------------------------------------------ two sessions, and times

    def hold(self) -> None:
        """Session b posts and does not commit; or it does at last."""
        b = self.books
        if self.held is not None:
            back = self.chance(0.3)
            self.must("ROLLBACK" if back else "COMMIT", True, "", "b")
            if not back:
                b.post(self.held_tx, self.held, self.today)
            self.held = None
            return
        legs = [x for x in self.legs()]
        if not legs or sum(x.amount for x in legs) != 0 or b.falls(legs):
            return
        tx = self.next_tx
        self.next_tx += 1
        parts = [legs[:1], legs[1:]] if self.chance(0.5) and not b.falls(legs[:1]) else [legs]
        sql = ["BEGIN", *[self.entries(tx, p) for p in parts if p]]
        self.must(";\n".join(sql), True, "", "b")
        self.held, self.held_tx = legs, tx

    def post_beside(self) -> None:
        """Two sessions post one id, or reverse one transaction: the second waits for the first."""
        b = self.books
        if self.held is not None:
            return
        legs = self.legs_that_pass()
        other = self.legs_that_pass()
        if not legs or not other:
            return
        tx = self.next_tx
        self.next_tx += 2
        back = None
        some = [t for t, x in b.posted.items() if t not in b.reversed and len(x) < 8]
        if some and self.chance(0.35):
            back = self.rng.choice(some)
            legs = other = [Leg(x.code, -x.amount) for x in b.posted[back]]
            if self.tenants and not self.own_tenant:
                tx += (tx + back) % 2
                self.next_tx = tx + 3
            if b.falls(legs):
                return
        if back is None and {x.code for x in legs} & {
            x.code for x in other if b.accounts[x.code].stored
        }:
            return  # it would wait for the account
        first, second = self.rows(tx, legs, back), self.rows(tx, other, back)
        if back is not None:
            # whose number is another one
            second = self.rows(tx + 2 if self.tenants else tx + 1, other, back)
            self.next_tx += 2
        way = "post" if back is None and self.chance(0.4) else "insert"
        sql = self.post_entries(second) if way == "post" else self.insert(second)
        self.must(f"BEGIN;\n{self.insert(first)}", True, "", "b")
        waits = f"BEGIN;\nSET LOCAL lock_timeout = '60ms';\n{sql};\nCOMMIT"
        self.must(waits, False, "55P03")
        undone = self.chance(0.4)
        self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
        if undone:
            return
        b.post(tx, legs, self.today)
        self.stored[tx] = first
        if back is not None:
            b.reversed.add(back)

    def race(self) -> None:
        """The second one waits for the first, and is judged by what that has left."""
        b, rng = self.books, self.rng
        some = [a for a in self.in_rows() if a.status == "active"]
        if self.held is not None or not some:
            return
        a, other = rng.choice(some), self.codes()[3]

        def moves() -> list[Leg]:
            way = rng.choice(["out", "out", "in"] if a.minimum is not None else ["in"])
            amount = rng.choice([10, 1000])
            if way == "out" and a.minimum is not None and b.free(a) > 0:
                amount = max(1, b.free(a) // rng.choice([1, 1, 2]))
            elif way == "in" and a.maximum is not None and a.maximum > a.balance:
                amount = max(1, (a.maximum - a.balance) // rng.choice([1, 1, 2]))
            signed = self.up(a.code, amount if way == "in" else -amount)
            return [Leg(a.code, signed), Leg(other, -signed)]

        first, second, tx = moves(), moves(), self.next_tx
        self.next_tx += 2
        if b.falls(first):
            return
        held = b.free(a) if a.minimum is not None and self.chance(0.3) else 0
        reserve = f"SELECT paysafe.reserve('account', {self.name(a.code)}, {self.money(held)})"
        limit = a.balance if a.maximum is not None and held <= 0 and self.chance(0.3) else None
        sql = self.entries(tx + 1, second)
        if held > 0:
            sql = reserve
        elif limit is not None:
            sql = self.sets(f"maximum = {self.money(limit)}", a.code)
        self.must(f"BEGIN;\n{self.entries(tx, first)}", True, "", "b")
        code = self.behind(sql, "ROLLBACK" if self.chance(0.3) else "COMMIT", tx, first)
        wrong = b.wrong(second)
        if held > 0:
            wrong = {"23M01"} if held > b.free(a) else set()
        elif limit is not None:
            wrong = {"23M06"} if limit < a.balance else set()
        if bool(code) != bool(wrong) or code and code not in wrong:
            what = f"{code or 'no refusal'} after having waited, it is {wrong or 'none'}: {sql}"
            raise Found("legitimate" if code and not wrong else "passed", what)
        if not code and held > 0:
            number = self.ask(
                "SELECT max(id) FROM paysafe.reservation WHERE relation = 'account'::regclass"
            )[0][0]
            b.reservations[number] = Reservation(a.code, held, again=sql)
        elif not code and limit is not None:
            a.maximum = limit
        elif not code:
            b.post(tx + 1, second, self.today)

    def behind(self, sql: str, end: str, tx: int, first: list[Leg]) -> str:
        """What becomes of a statement that waits for session b, which then ends."""
        codes: list[str] = []
        pid = self.conns["a"].info.backend_pid
        waits = threading.Thread(target=lambda: codes.append(self.run(sql)))
        waits.start()
        limit = time.time() + 60
        while waits.is_alive() and time.time() < limit:
            if self.ask(f"SELECT cardinality(pg_blocking_pids({pid}))")[0][0]:
                break
            time.sleep(0.005)
        if codes or not waits.is_alive():
            raise Found("passed", f"{codes}, and session b is not done: {sql}")
        self.must(end, True, "", "b")
        if end == "COMMIT":
            self.books.post(tx, first, self.today)
        waits.join()
        if not codes:
            raise Found("error", f"no answer to {sql}")
        return codes[0]

    def circle(self) -> None:
        """Two transactions that reverse each other, or one that reverses itself."""
        legs = self.legs_that_pass()
        if not legs or self.held is not None:
            return
        tx = self.next_tx
        self.next_tx += 4
        other = self.rng.choice([tx + 2, tx + 2, tx + 2, tx])
        forth = self.rows(tx, legs, other)
        back = self.rows(other, [Leg(x.code, -x.amount) for x in legs], tx)
        statements = [self.insert(forth), self.insert(back)]
        if self.chance(0.5) or self.books.falls([Leg(x.code, -x.amount) for x in legs]):
            statements = [self.insert(forth + back)]
        self.must(";\n".join(["BEGIN", *statements, "COMMIT"]), False, "23L05")

    def legs_that_pass(self) -> list[Leg]:
        for _ in range(4):
            legs = self.legs()
            if legs and sum(x.amount for x in legs) == 0 and not self.books.falls(legs):
                return legs
        return []

    def look_back(self) -> None:
        """What was so at a time is so for ever."""
        now = self.ask("SELECT clock_timestamp()")[0][0]
        if self.held is None:
            self.times.append(
                (now, {c: a.balance for c, a in list(self.books.accounts.items())[:5]})
            )
        times = [t for t, _ in self.times]
        at = self.rng.choice([now, now, *times[-4:], *self.asked()[-3:]])
        self.balances_at(at)

    def asked(self) -> list[Any]:
        """The times that balances have been given for."""
        return sorted({key[1] for key in self.answers if len(key) == 2})

    def balances_at(self, at: Any) -> None:
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

    def report(self) -> None:
        """What the functions that only read have to say."""
        ways = [reports.available, reports.trial_balance, reports.statement]
        if self.dated:
            ways += [reports.on_day, reports.trial_on_day, reports.statement_on_day]
        for way in self.rng.sample(ways, 2):
            way(self)

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        b = self.books
        shop = "shop" if self.tenants else "0"
        rows = self.ask(f"SELECT code::text, {shop}, balance FROM account ORDER BY 1 LIMIT 12")
        names = {self.key(c): c for c in b.accounts} if self.tenants else {}
        for code, shop, balance in rows:
            a = b.accounts[names[shop, code] if self.tenants else code]
            want = a.balance if a.stored else 0
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

    def plays(self, plan: list[tuple[int, str]], look: bool = True) -> None:
        """What is planned; each act has chances of its own, so that others can be left out."""
        for i, name in plan:
            self.rng = random.Random(f"act {self.seed} {i}")
            getattr(self, name)()
            if look:
                self.look()

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        if self.held is not None:
            self.hold()
        self.look()
        self.look_back()
        for at in self.asked()[-6:]:
            self.balances_at(at)  # whatever was answered while others had not committed
        self.trial()
        for _ in range(3 if self.dated else 1):
            self.report()


ACTS: dict[str, float] = {
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
    "post_again": 2,
    "reserve_again": 2,
    "change_status": 4,
    "empty_and_close": 1.5,
    "both_ways": 3,
    "cap": 1.5,
    "change_and_hold": 0.7,
    "race": 2.5,
    "ending": 4.5,
    "post_beside": 2.5,
    "circle": 1,
    "report": 4,
}
TASTES = (0, 1, 1, 1, 4)
DATABASE = 25  # so many plays in one
LIMIT = 60.0  # seconds for making a finding short


class Server:
    """A database in which plays follow each other."""

    def __init__(
        self, dsn: str, name: str, sort: type[Play] = Play, acts: dict[str, float] | None = None
    ) -> None:
        self.dsn, self.name, self.count = dsn, name, 0
        self.sort, self.acts = sort, ACTS if acts is None else acts

    def database(self) -> str:
        """A fresh one now and then: rules stay with their tables."""
        if self.count % DATABASE == 0:
            with psycopg.connect(f"{self.dsn} dbname=postgres user={SUPER}", autocommit=True) as c:
                c.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
                c.execute(f"CREATE DATABASE {self.name} TEMPLATE sim_play")
        self.count += 1
        return self.name

    def play(self, seed: int, plan: list[tuple[int, str]]) -> tuple[Found, list[str]] | None:
        alone = self.sort.alone(seed)
        if alone:
            self.fresh()
        p = self.sort(self.dsn, self.database(), f"books_{self.count}", seed)
        try:
            p.all(plan)
            return None
        except Found as f:
            return f, p.script
        finally:
            p.close()
            if alone:
                self.fresh()

    def fresh(self) -> None:
        """The next one has a fresh database."""
        self.count += -self.count % DATABASE

    def one(self, seed: int, shorten: bool) -> Finding | None:
        rng = random.Random(f"plan {seed}")
        # each play has a taste of its own: what it does often, and what not at all
        often = [w * rng.choice(TASTES) for w in self.acts.values()]
        often = often if any(often) else list(self.acts.values())
        names = rng.choices(list(self.acts), often, k=rng.randint(12, 28))
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
        self.fresh()
        found, script = got
        text = "\n".join(script)
        return Finding(seed, found.promise, found.words, f"{text}\n-- {found.words}", at)


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of accounts?"""
    return random.Random(f"books or not {seed}").random() < 0.22
