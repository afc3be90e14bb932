"""Plays of accounts whose money moves in every way that one may write it down: transfers that name
both accounts in a row, entries of one account, transactions of a ledger; with a minimum that their sums
keep, balances that entries move, and balances that the application writes.

By doc/reference.md (protect_entries, protect_balance and its kept_by).  A transaction is a list of steps;
the model of each step and of COMMIT is a few lines, and says what passes and what is there afterwards.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import accounts
from commands import APP, OWNER, Found

ZERO = Decimal(0)
MANY = (101, 120)  # so many entries of an account have a sum that is kept


@dataclass
class Purse:
    code: str
    credit: bool  # does it grow with credits?
    minimum: Decimal | None
    maximum: Decimal | None
    row: Decimal  # what its row has
    status: str = "active"
    sum: Decimal = ZERO  # debits less credits
    moved: bool = False
    reserved: dict[int, Decimal] = field(default_factory=dict)

    @property
    def balance(self) -> Decimal:
        return -self.sum if self.credit else self.sum

    @property
    def held(self) -> Decimal:
        return sum(self.reserved.values(), ZERO)


@dataclass(frozen=True)
class Row:
    id: int
    tx: int
    account: str | None
    other: str | None  # of transfers: the one that is credited
    amount: Decimal
    posted: bool = True


@dataclass
class State:
    """The model."""

    purses: dict[str, Purse] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    open: dict[int, Decimal] = field(default_factory=dict)  # what transactions sum to


@dataclass
class Step:
    """A statement, and what it does to the model: what is wrong with it."""

    sql: str
    does: Callable[[State], set[str]]


class Play(accounts.Play):
    """Accounts, and what moves them."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.ledger = rng.choice(["pair", "pair", "pair", "single", "double"])
        self.kept = rng.choice(["application", "application", "entries", "none"])
        if self.kept == "none" and self.ledger == "double":
            self.ledger = "pair"
        self.drafts = self.chance(0.35)
        self.zero = self.chance(0.3)
        self.sided = self.kept != "none" and self.chance(0.4)
        self.minima = self.chance(0.8)
        self.limited = self.chance(0.4)
        self.stated = self.chance(0.4)
        self.two = self.kept == "application" and self.chance(0.35)  # columns
        self.turned = self.kept == "application" and not self.two and self.chance(0.25)
        # where nothing keeps balances; of transfers somebody has to have less than nothing
        self.lowest = Decimal(rng.choice([-500, -2000] if self.ledger == "pair" else [0, 0, -20]))
        self.leaves = self.chance(0.25)
        self.there = State()
        self.next_id = 1
        self.gid = 0

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        money = "bigint" if self.minor else "numeric(14,2)"
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        part = " PARTITION BY HASH (id)" if self.leaves else ""
        statements = [
            f"CREATE TABLE entry (id int PRIMARY KEY, tx int, account text, other text, amount {money},"
            f" state text DEFAULT 'posted', note text){part}",
            *(
                f"CREATE TABLE entry_{i} PARTITION OF entry FOR VALUES WITH (MODULUS 2, REMAINDER {i})"
                for i in ((0, 1) if self.leaves else ())
            ),
            *(f"CREATE INDEX ON entry ({c})" for c in ("tx", "account", "other")),
            f"CREATE TABLE purse (code text PRIMARY KEY, balance {money} DEFAULT 0, taken {money} DEFAULT 0,"
            f" side text, minimum {money}, maximum {money}, status text DEFAULT 'active', note text)",
        ]
        if self.turned:
            statements += self.by_trigger()
        statements.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        self.must(";\n".join([*statements, *self.rules()]), True, "", "owner")
        if self.kept == "none":
            for code in self.codes():
                self.there.purses[code] = Purse(code, False, self.lowest, None, ZERO)
            return
        for code in self.codes():
            self.attempt([self.opened(code)])

    def codes(self) -> list[str]:
        return ["anna", "bert", "carl", "bank"]

    def rules(self) -> list[str]:
        more = ", zero_amounts => true" if self.zero else ""
        more += ', rows => \'{"state": ["posted"]}\'' if self.drafts else ""
        if self.ledger == "double":
            first = f"SELECT paysafe.protect_ledger('entry', 'tx', 'account', 'amount', currency => 'USD'{more})"
        else:
            more += ", credit_account_column => 'other'" if self.ledger == "pair" else ""
            more += f", minimum => {self.text(self.lowest)}" if self.kept == "none" else ""
            first = f"SELECT paysafe.protect_entries('entry', 'account', 'amount', currency => 'USD'{more})"
        if self.kept == "none":
            return [first]
        args = ", minimum_column => 'minimum'" if self.minima else ""
        args += ", side_column => 'side'" if self.sided else ""
        args += ", maximum_column => 'maximum'" if self.limited else ""
        if self.stated:
            args += ", status_column => 'status', frozen => '{frozen}', in_only => '{in}', out_only => '{out}', closed => '{closed}'"
        args += f", kept_by => '{self.kept}'" if self.kept == "application" else ""
        args += ", credit_column => 'taken'" if self.two else ""
        return [
            first,
            f"SELECT paysafe.protect_balance('purse', 'code', 'balance', 'entry'{args})",
        ]

    def by_trigger(self) -> list[str]:
        """The application's own trigger writes balances."""
        sign = "CASE WHEN side = 'credit' THEN -1 ELSE 1 END" if self.sided else "1"
        counts = "NEW.state = 'posted'" if self.drafts else "true"
        body = f"UPDATE purse SET balance = balance + {sign} * NEW.amount WHERE code = NEW.account;"
        if self.ledger == "pair":
            body += (
                f" UPDATE purse SET balance = balance - {sign} * NEW.amount WHERE code = NEW.other;"
            )
        when = "AFTER INSERT OR UPDATE OF state" if self.drafts else "AFTER INSERT"
        return [
            f"CREATE FUNCTION moves() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF {counts} AND (TG_OP = 'INSERT' OR"
            f" OLD.state IS DISTINCT FROM NEW.state) THEN {body} END IF; RETURN NULL; END$$",
            f"CREATE TRIGGER {self.rng.choice('az')}_moves {when} ON entry FOR EACH ROW EXECUTE FUNCTION moves()",
        ]

    def text(self, amount: Decimal) -> str:
        return format(amount if self.minor else amount / 100, "f")

    # ------------------------------------------------------------ the model

    def in_row(self, p: Purse) -> bool:
        """Is its balance in its row, and locked when it moves?"""
        return (
            self.kept == "application"
            or not self.minima
            or p.minimum is not None
            or (p.maximum is not None)
        )

    def moves_of(self, r: Row) -> list[tuple[str | None, Decimal]]:
        if not r.posted and self.drafts:
            return []
        if self.ledger == "pair":
            return [(r.account, r.amount), (r.other, -r.amount)]
        return [(r.account, r.amount)]

    def faults(self, r: Row) -> set[str]:
        """What is wrong with a row by itself."""
        if not self.moves_of(r):
            return set()
        missing = r.account is None or self.ledger == "pair" and r.other is None
        same = self.ledger == "pair" and r.account == r.other and r.amount != 0
        wrong = r.amount == 0 and not self.zero or self.ledger == "pair" and r.amount < 0
        return {"23L03"} if missing or same or wrong else set()

    def enter(self, s: State, rows: list[Row]) -> set[str]:
        """A statement's entries."""
        out: set[str] = set()
        moved: dict[str, Decimal] = {}
        takes: set[str] = set()
        for r in rows:
            out |= self.faults(r)
            s.rows[r.id] = r
            for code, amount in self.moves_of(r):
                if code is None:
                    continue
                p = s.purses.get(code)
                if p is None:
                    out.add("23M03")
                    continue
                change = -amount if p.credit else amount
                moved[code] = moved.get(code, ZERO) + change
                if change < 0:
                    takes.add(code)
                out |= self.stopped(p, change)
                p.sum += amount
                p.moved = True
                if self.turned or self.kept == "entries" and self.in_row(p):
                    p.row += change
            if self.ledger == "double" and self.moves_of(r):
                s.open[r.tx] = s.open.get(r.tx, ZERO) + r.amount
        for code, change in moved.items():
            out |= self.beyond(s.purses[code], change, code in takes)
        if "23L03" in out and self.kept == "none" and takes:
            out.add("23M01")  # what a row that is none takes has been counted before it is known
        return out

    def stopped(self, p: Purse, change: Decimal) -> set[str]:
        """Each entry counts for the status."""
        if not self.stated:
            return set()
        if p.status == "closed":
            return {"23M08"}
        bad = p.status == "frozen" or p.status == "in" and change < 0
        return {"23M07"} if bad or p.status == "out" and change > 0 else set()

    def beyond(self, p: Purse, change: Decimal, takes: bool) -> set[str]:
        out = set()
        if self.kept == "none":
            if takes and p.minimum is not None and p.sum < p.minimum:
                out.add("23M01")
            return out
        if self.minima and p.minimum is not None and change < 0:
            if p.balance - p.held < p.minimum:
                out.add("23M01")
        if self.limited and p.maximum is not None and change > 0 and p.balance > p.maximum:
            out.add("23M06")
        return out

    def at_commit(self, s: State) -> set[str]:
        out = set()
        if any(s.open.values()):
            out.add("23L02")
        if self.kept == "application" and any(p.row != p.balance for p in s.purses.values()):
            out.add("23M02")
        s.open = {}
        return out

    def free(self, p: Purse) -> Decimal | None:
        if self.kept == "none":
            return None if p.minimum is None else p.sum - p.minimum
        return None if p.minimum is None or not self.minima else p.balance - p.minimum - p.held

    # ------------------------------------------------------------ steps

    def opened(self, code: str, balance: Decimal = ZERO) -> Step:
        rng = self.rng
        credit = self.sided and self.chance(0.5)
        minimum = rng.choice([ZERO, ZERO, Decimal(-500), None])
        if code == "bank" or not self.minima:
            minimum = None
        maximum = rng.choice([None, Decimal(5000)]) if self.limited and code != "bank" else None
        names, values = "code, balance, minimum, maximum", f"'{code}', {self.text(balance)}"
        if self.two:
            # the side says which of the two it is
            names = "code, balance, taken, minimum, maximum"
            there = balance if not credit else ZERO
            values = f"'{code}', {self.text(there)}, {self.text(balance - there)}"
        for v in (minimum, maximum):
            values += f", {'NULL' if v is None else self.text(v)}"
        if self.sided:
            names, values = f"{names}, side", f"{values}, '{'credit' if credit else 'debit'}'"

        def does(s: State) -> set[str]:
            if code in s.purses:
                return {"23505", "23M02"}
            s.purses[code] = Purse(code, credit, minimum, maximum, balance)
            return {"23M02"} if balance and self.kept == "entries" else set()

        return Step(f"INSERT INTO purse ({names}) VALUES ({values})", does)

    def entered(self, rows: list[Row]) -> Step:
        def one(r: Row) -> str:
            account = "NULL" if r.account is None else f"'{r.account}'"
            other = "NULL" if r.other is None else f"'{r.other}'"
            state = "posted" if r.posted else "asked"
            return f"({r.id}, {r.tx}, {account}, {other}, {self.text(r.amount)}, '{state}')"

        sql = f"INSERT INTO entry (id, tx, account, other, amount, state) VALUES {', '.join(map(one, rows))}"
        return Step(sql, lambda s: self.enter(s, rows))

    def writes(self, changes: dict[str, Decimal]) -> list[Step]:
        """The application adds so much to these balances, in one statement or in some."""
        rng = self.rng
        parts: list[tuple[str, Decimal]] = []
        for code, amount in changes.items():
            if self.chance(0.2):
                some = Decimal(rng.choice([1, 7, -3]))
                parts += [(code, some), (code, amount - some)]
            else:
                parts.append((code, amount))
        if len(changes) > 1 and not self.two and self.chance(0.3):
            rows = ", ".join(f"('{c}', {self.text(a)})" for c, a in changes.items())
            sql = f"UPDATE purse SET balance = balance + v.a FROM (VALUES {rows}) v (c, a) WHERE code = v.c"
            return [Step(sql, lambda s: self.write(s, list(changes.items())))]
        return [self.one_write(c, a) for c, a in parts]

    def one_write(self, code: str, amount: Decimal) -> Step:
        return Step(self.adds(code, amount), lambda s: self.write(s, [(code, amount)]))

    def adds(self, code: str, amount: Decimal) -> str:
        """An UPDATE that adds so much to what an account has."""
        if not self.two:
            value = f"balance = balance + {self.text(amount)}"
            p = self.there.purses.get(code)
            if p is not None and self.chance(0.2):
                return f"MERGE INTO purse USING (SELECT 1) s ON code = '{code}' WHEN MATCHED THEN UPDATE SET {value}"
            return f"UPDATE purse SET {value} WHERE code = '{code}'"
        # on one side or on the other; to both alike nobody notices
        turn = "CASE WHEN side = 'credit' THEN -1 ELSE 1 END * " if self.sided else ""
        both = Decimal(self.rng.choice([0, 0, 50]))
        if self.chance(0.5):
            sets = f"balance = balance + {turn}{self.text(amount)} + {self.text(both)}, taken = taken + {self.text(both)}"
        else:
            sets = f"taken = taken - {turn}{self.text(amount)} + {self.text(both)}, balance = balance + {self.text(both)}"
        return f"UPDATE purse SET {sets} WHERE code = '{code}'"

    def write(self, s: State, changes: list[tuple[str, Decimal]]) -> set[str]:
        for code, amount in changes:
            if code in s.purses:
                if amount and self.kept == "entries":
                    return {"23M02"}
                s.purses[code].row += amount
        return set()

    # ------------------------------------------------------------ transactions

    def attempt(self, steps: list[Step], end: str = "", who: str = "a") -> bool:
        """A database transaction of these, and what the model says of it."""
        trial = copy.deepcopy(self.there)
        wrong: set[str] = set()
        sql = ["BEGIN"]
        if self.chance(0.15):
            sql = ["BEGIN ISOLATION LEVEL " + self.rng.choice(["REPEATABLE READ", "SERIALIZABLE"])]
        name = ""
        for step in steps:
            undone = copy.deepcopy(trial)
            plain = "SAVEPOINT" not in step.sql
            if not wrong and plain and self.chance(0.1) and not step.does(undone):
                quiet = step.sql.replace("'", "''")
                sql.append(
                    self.rng.choice(
                        [
                            f"SAVEPOINT u;\n{step.sql};\nROLLBACK TO u",
                            f"DO 'BEGIN {quiet}; RAISE EXCEPTION ''undone''; EXCEPTION WHEN raise_exception THEN"
                            " NULL; END'",
                        ]
                    )
                )
            if not name and self.chance(0.15):
                name = "s"
                sql.append("SAVEPOINT s")
            sql.append(step.sql)
            if not wrong:
                wrong = step.does(trial)
            if name and self.chance(0.4):
                name = ""
                sql.append("RELEASE s")
        # what ends a transaction that was wrong before is not asked
        wrong = wrong or self.at_commit(trial)
        if not end:
            end = "COMMIT"
            if self.chance(0.1):
                self.gid += 1
                end = f"PREPARE TRANSACTION '{self.schema}_{self.gid}';\nCOMMIT PREPARED '{self.schema}_{self.gid}'"
        if self.must(";\n".join([*sql, end]), not wrong, " ".join(wrong), who):
            self.there = trial
            return True
        return False

    def some_rows(self, n: int) -> list[Row]:
        """What a statement enters: around what an account has."""
        rng = self.rng
        out: list[Row] = []
        purses = list(self.there.purses.values())
        for _ in range(n):
            if len(purses) < 2:
                return out
            a, b = rng.sample(purses, 2)
            if self.chance(0.5) and a.code == "bank":
                a, b = b, a
            # a pays b
            left = self.free(a)
            amount = Decimal(rng.choice([1, 10, 100, 1000]))
            if left is not None and self.chance(0.6):
                amount = left + rng.choice([ZERO, ZERO, Decimal(1)])
            elif b.maximum is not None and self.limited and self.chance(0.4):
                amount = b.maximum - b.balance + rng.choice([ZERO, Decimal(1)])
            if amount <= 0:
                amount = Decimal(rng.choice([1, 10]))
            posted = not ((self.drafts or self.kept == "none") and self.chance(0.25))
            out += self.pays(a, b, amount, posted)
        return out

    def pays(self, a: Purse, b: Purse, amount: Decimal, posted: bool = True) -> list[Row]:
        """What a has gets less by this, and what b has more: if both are on the same side."""
        debit, credit = (a, b) if a.credit else (b, a)
        self.next_id += 2
        i = self.next_id
        if self.ledger == "pair":
            return [Row(i, i, debit.code, credit.code, amount, posted)]
        rows = [
            Row(i, i, debit.code, None, amount, posted),
            Row(i + 1, i, credit.code, None, -amount, posted),
        ]
        if self.ledger == "single" and self.chance(0.3):
            rows = rows[:1] if self.chance(0.5) else rows[1:]
        return rows

    def spoilt(self, rows: list[Row]) -> list[Row]:
        i = self.rng.randrange(len(rows))
        r = rows[i]
        ways = [
            Row(r.id, r.tx, None, r.other, r.amount, r.posted),
            Row(r.id, r.tx, r.account, r.other, ZERO, r.posted),
            Row(r.id, r.tx, "nobody", r.other, r.amount, r.posted),
        ]
        if self.kept == "none":
            del ways[2]
        if self.ledger == "pair":
            ways += [
                Row(r.id, r.tx, r.account, None, r.amount, r.posted),
                Row(r.id, r.tx, r.account, r.account, r.amount, r.posted),
                Row(r.id, r.tx, r.other, r.other, ZERO, r.posted),
                Row(r.id, r.tx, r.account, r.other, -r.amount, r.posted),
            ]
        if self.ledger == "double":
            return rows[:i] + rows[i + 1 :]
        return rows[:i] + [self.rng.choice(ways)] + rows[i + 1 :]

    def adds_up(self, rows: list[Row]) -> dict[str, Decimal]:
        """What the application has to write for these."""
        out: dict[str, Decimal] = {}
        for r in rows:
            for code, amount in self.moves_of(r):
                p = self.there.purses.get(code or "")
                if p is not None:
                    change = -amount if p.credit else amount
                    out[p.code] = out.get(p.code, ZERO) + change
        return out

    def with_writes(self, entered: list[Step], rows: list[Row]) -> list[Step]:
        """Entries, and the balances that the application writes with them: before, between, after."""
        if self.kept != "application" or self.turned:
            return entered
        changes = self.adds_up(rows)
        way = self.rng.choice(["right", "right", "right", "more", "none", "swapped"])
        codes = list(changes)
        if codes and way == "more":
            code = self.rng.choice([*codes, self.rng.choice(list(self.there.purses))])
            changes[code] = changes.get(code, ZERO) + self.rng.choice([Decimal(1), Decimal(-1)])
        elif codes and way == "none":
            del changes[self.rng.choice(codes)]
        elif len(codes) > 1 and way == "swapped":
            a, b = self.rng.sample(codes, 2)
            changes[a], changes[b] = changes[b], changes[a]
        steps = list(entered)
        for step in self.writes(changes):
            steps.insert(self.rng.randint(0, len(steps)), step)
        return steps

    # ------------------------------------------------------------ acts

    def transact(self) -> None:
        rng = self.rng
        parts = [self.some_rows(rng.choice([1, 1, 2, 3])) for _ in range(rng.choice([1, 1, 2, 3]))]
        parts = [p for p in parts if p]
        if not parts:
            return
        if self.chance(0.12):
            parts[0] = self.spoilt(parts[0]) or parts[0]
        rows = [r for p in parts for r in p]
        if self.ledger == "double" and self.chance(0.4):
            # what belongs together comes by and by
            i = rng.randint(1, len(rows))
            parts = [x for x in (rows[:i], rows[i:]) if x]
        self.attempt(self.with_writes([self.entered(p) for p in parts], rows))

    def crowd(self) -> None:
        """More at once than there is room for at first: transactions, or accounts."""
        if self.ledger == "double":
            purses = [p for p in self.there.purses.values() if p.status == "active"]
            if len(purses) < 2:
                return
            rows = []
            for _ in range(self.rng.randint(9, 20)):
                a, b = self.rng.sample(purses, 2)
                rows += self.pays(a, b, Decimal(1))
            if self.chance(0.5):
                del rows[self.rng.randrange(len(rows))]
            self.attempt(self.with_writes([self.entered(rows)], rows))
            return
        if self.kept != "application" or self.turned or "n1" in self.there.purses:
            return
        steps, rows, trial = [], [], copy.deepcopy(self.there)
        for i in range(self.rng.randint(9, 20)):
            steps.append(self.opened(f"n{i}", Decimal(1)))
            steps[-1].does(trial)
            new = trial.purses[f"n{i}"]
            self.next_id += 2
            amount = Decimal(-1 if new.credit else 1)
            rows.append(Row(self.next_id, self.next_id, new.code, "bank", amount))
        if self.ledger == "pair":
            bank = trial.purses.get("bank")
            if bank is None:
                return
            rows = [
                r if r.amount > 0 else Row(r.id, r.tx, r.other, r.account, -r.amount) for r in rows
            ]
            steps += self.writes({k: v for k, v in self.adds_up(rows).items() if k == "bank"})
        if self.chance(0.5):
            del rows[self.rng.randrange(len(rows))]
        self.attempt([*steps, self.entered(rows)])

    def kept_room(self) -> None:
        """Of an account whose sum is kept: what is undone, what is given, and then all of it, or more."""
        rng = self.rng
        some = [p for p in self.there.purses.values() if self.free(p) is not None]
        if not some or len(self.there.purses) < 2:
            return
        code = rng.choice(some).code
        other = rng.choice([c for c in self.there.purses if c != code])
        if sum(code in (r.account, r.other) for r in self.there.rows.values()) <= MANY[0]:
            self.many_of(other, code)
        for _ in range(rng.randint(2, 5)):
            p, q = self.there.purses[code], self.there.purses[other]
            left = self.free(p) or ZERO
            way = rng.choice(["give", "undo", "undo", "take", "take"])
            taken = rng.choice([left, left, left + 1, left + 10, Decimal(1)])
            rows = self.pays(q, p, Decimal(10)) if way != "take" else self.pays(p, q, taken)
            steps = self.with_writes([self.entered(rows)], rows)
            if way == "undo" and left > 0:
                back = self.entered(self.pays(p, q, rng.choice([left, Decimal(1)])))
                trial = copy.deepcopy(self.there)
                if not back.does(trial):
                    back.sql = f"SAVEPOINT k;\n{back.sql};\nROLLBACK TO k"
                    steps.insert(0, Step(back.sql, lambda s: set()))
            self.attempt(steps)
            self.look()

    def redeclare(self) -> None:
        """Other rows count from now on: drafts do not, where they did."""
        if self.kept != "none" or self.drafts:
            return
        trial = copy.deepcopy(self.there)
        for p in trial.purses.values():
            p.sum = ZERO
        for r in trial.rows.values():
            for code, amount in self.moves_of(r) if r.posted else []:
                if code is not None:
                    trial.purses[code].sum += amount
        if not trial.rows or any(p.sum < self.lowest for p in trial.purses.values()):
            return
        self.drafts = True
        what = self.rules()[0].replace("SELECT", "PERFORM", 1) + ";"
        self.by_two(what, "", "ledger", ("42501",))
        self.there = trial

    def taken_again(self) -> None:
        """One account gives and takes in turns, to the last of what it has."""
        rng = self.rng
        some = [p for p in self.there.purses.values() if self.free(p) is not None]
        if not some or len(self.there.purses) < 2:
            return
        p = rng.choice(some)
        other = rng.choice([x for x in self.there.purses.values() if x.code != p.code])
        left = self.free(p) or ZERO
        parts: list[list[Row]] = []
        for _ in range(rng.randint(2, 4)):
            if left <= 0 or self.chance(0.3):
                amount = Decimal(rng.choice([1, 10]))
                left += amount
                parts.append(self.pays(other, p, amount))
                continue
            amount = rng.choice([left, left, left + 1, max(Decimal(1), left // 2)])
            left -= amount
            parts.append(self.pays(p, other, amount))
        rows = [r for x in parts for r in x]
        if self.chance(0.3):
            parts = [rows]
        self.attempt(self.with_writes([self.entered(x) for x in parts], rows))

    def many(self) -> None:
        """So many entries of an account that their sum is kept."""
        if len(self.there.rows) > 3 * MANY[1] or len(self.there.purses) < 2:
            return
        self.many_of(*self.rng.sample(list(self.there.purses), 2))

    def many_of(self, one: str, other: str) -> None:
        a, b = self.there.purses[one], self.there.purses[other]
        rows = [r for _ in range(self.rng.randint(*MANY)) for r in self.pays(a, b, Decimal(1))]
        steps = [self.entered(rows)]
        if self.kept == "application" and not self.turned:
            steps += self.writes(self.adds_up(rows))
        self.attempt(steps)

    def post_draft(self) -> None:
        some = [r for r in self.there.rows.values() if not r.posted]
        if not some or not self.drafts:
            return
        tx = self.rng.choice(some).tx
        posted = [Row(r.id, r.tx, r.account, r.other, r.amount) for r in some if r.tx == tx]
        ids = ", ".join(str(r.id) for r in posted)
        step = Step(
            f"UPDATE entry SET state = 'posted' WHERE id IN ({ids})",
            lambda s: self.enter(s, posted),
        )
        self.attempt(self.with_writes([step], posted))

    def change_entry(self) -> None:
        """What is entered stays; what is not yet may go."""
        if not self.there.rows:
            return
        r = self.rng.choice(list(self.there.rows.values()))
        fixed = bool(self.moves_of(r))
        way = self.rng.choice(
            ["amount = amount + 1", "account = other", "other = 'dora'", "delete"]
        )
        if way == "delete":
            if self.must(f"DELETE FROM entry WHERE id = {r.id}", not fixed, "23L01"):
                del self.there.rows[r.id]
        elif fixed and not (way.startswith("other") and self.ledger != "pair"):
            self.must(f"UPDATE entry SET {way} WHERE id = {r.id}", False, "23L01")

    def write_alone(self) -> None:
        """A balance, and no entries."""
        if self.kept == "none":
            return
        code = self.rng.choice(list(self.there.purses))
        amount = Decimal(self.rng.choice([1, -1, 100]))
        steps = self.writes({code: amount})
        if self.chance(0.3):
            steps += self.writes({code: -amount})  # and back
        self.attempt(steps)

    def opening(self) -> None:
        """An account comes, with what is on it or without."""
        if self.kept == "none":
            return
        gone = [c for c in (*self.codes(), "dora") if c not in self.there.purses]
        code = self.rng.choice(gone or self.codes())
        balance = Decimal(self.rng.choice([0, 0, 30])) if self.kept == "application" else ZERO
        if self.turned:
            balance = ZERO
        step = self.opened(code, balance)
        trial = copy.deepcopy(self.there)
        if step.does(trial) or not balance:
            self.attempt([step])
            return
        payer = self.there.purses.get("bank")
        if payer is None or self.chance(0.25):
            self.attempt([step])
            return
        rows = self.pays(payer, trial.purses[code], balance)
        if self.ledger == "single":
            new = trial.purses[code]
            rows = [Row(self.next_id, 0, code, None, -balance if new.credit else balance)]
        steps = [step, self.entered(rows)]
        changes = self.adds_up(rows)
        if changes:
            steps[1:1] = self.writes(changes)
        if self.chance(0.15):
            steps.reverse()
        self.attempt(steps)

    def gone(self) -> None:
        if self.kept == "none":
            return
        p = self.rng.choice(list(self.there.purses.values()))

        def does(s: State) -> set[str]:
            if p.moved or p.reserved or p.status == "closed":
                return {"23M02", "23M08"}
            del s.purses[p.code]
            return set()

        if p.code != "bank" and not (
            self.kept == "entries" and not self.in_row(p) or p.status == "closed"
        ):
            self.attempt([Step(f"DELETE FROM purse WHERE code = '{p.code}'", does)])

    def limit(self) -> None:
        """Minima, maxima and statuses, against what entries say."""
        if self.kept == "none":
            return
        rng = self.rng
        some = [x for x in self.there.purses.values() if x.status != "closed"]
        if not some:
            return
        p = rng.choice(some)
        ways = (["minimum"] if self.minima else []) + (["maximum"] if self.limited else [])
        ways += ["status", "status"] if self.stated else []
        if not ways:
            return
        way = rng.choice(ways)
        if way == "status":
            self.to_status(p, rng.choice(["active", "frozen", "in", "out", "closed", "closed"]))
            return
        low, high = p.balance - p.held, p.balance
        new: Decimal | None = (low if way == "minimum" else high) + rng.choice([-1, 0, 0, 1])
        if self.kept == "application" and self.chance(0.3):
            new = None
        if self.kept == "entries" and (way == "maximum" or p.minimum is None):
            return  # whether its balance is in the row is decided when it is opened

        steps: list[Step] = []
        if self.kept == "application" and not self.turned and self.chance(0.5):
            # among entries, and what the application has written for them or will
            rows = self.some_rows(1)
            steps = self.with_writes([self.entered(rows)], rows) if rows else []
            more = self.adds_up(rows).get(p.code, ZERO)
            if new is not None and self.chance(0.6):
                new += more

        def does(s: State) -> set[str]:
            q = s.purses[p.code]
            before: Decimal | None = getattr(q, way)
            setattr(q, way, new)
            if way == "minimum":
                narrower = new is not None and (before is None or new > before)
                low = narrower and new is not None and new > q.balance - q.held
                return {"23M01"} if low or new is None and q.reserved else set()
            narrower = new is not None and (before is None or new < before)
            high = narrower and new is not None and new < q.balance
            return {"23M06"} if high else set()

        value = "NULL" if new is None else self.text(new)
        step = Step(f"UPDATE purse SET {way} = {value} WHERE code = '{p.code}'", does)
        steps.insert(rng.randint(0, len(steps)), step)
        self.attempt(steps)

    def limit_between(self) -> None:
        """What the application has written is not there yet, for a limit; or is, when the entries are."""
        if self.kept != "application" or self.turned or self.ledger == "double":
            return
        ways = (["minimum"] if self.minima else []) + (["maximum"] if self.limited else [])
        some = [x for x in self.there.purses.values() if x.status == "active" and x.code != "bank"]
        if not ways or not some or len(self.there.purses) < 2:
            return
        way, p = self.rng.choice(ways), self.rng.choice(some)
        other = self.rng.choice([x for x in self.there.purses.values() if x.code != p.code])
        amount = Decimal(self.rng.choice([10, 50]))
        up = way == "minimum"
        rows = self.pays(other, p, amount) if up else self.pays(p, other, amount)
        new = p.balance - p.held + amount if up else p.balance - amount
        new += self.rng.choice([0, 0, 1, -1])

        def does(s: State) -> set[str]:
            q = s.purses[p.code]
            before: Decimal | None = getattr(q, way)
            setattr(q, way, new)
            if up:
                narrower = before is None or new > before
                return {"23M01"} if narrower and new > q.balance - q.held else set()
            narrower = before is None or new < before
            return {"23M06"} if narrower and new < q.balance else set()

        sql = f"UPDATE purse SET {way} = {self.text(new)} WHERE code = '{p.code}'"
        steps = [*self.writes(self.adds_up(rows)), Step(sql, does)]
        where = self.rng.choice([len(steps), len(steps), 0])
        steps.insert(where, self.entered(rows))
        self.attempt(steps)

    def drop_minimum(self) -> None:
        """A minimum may go, but not while something is reserved."""
        if self.kept != "application" or not self.minima:
            return
        some = [x for x in self.there.purses.values() if x.minimum is not None]
        if not some:
            return
        if not any(x.reserved for x in some):
            self.hold()
        p = self.rng.choice([x for x in some if x.reserved] or some)

        def does(s: State) -> set[str]:
            q = s.purses[p.code]
            q.minimum = None
            return {"23M01"} if q.reserved else set()

        self.attempt([Step(f"UPDATE purse SET minimum = NULL WHERE code = '{p.code}'", does)])

    def to_status(self, p: Purse, to: str) -> None:
        def does(s: State) -> set[str]:
            q = s.purses[p.code]
            q.status = to
            return {"23M08"} if to == "closed" and (q.balance or q.reserved) else set()

        step = Step(f"UPDATE purse SET status = '{to}' WHERE code = '{p.code}'", does)
        if self.attempt([step]) and to == "closed":
            again = f"UPDATE purse SET status = 'active' WHERE code = '{p.code}'"
            self.must(again, False, "42501")

    def hold(self) -> None:
        """Something is reserved, or no longer."""
        if self.kept == "none" or not self.minima:
            return
        some = [p for p in self.there.purses.values() if p.minimum is not None]
        if not some:
            return
        p = self.rng.choice(some)
        if p.reserved and self.chance(0.5):
            i = self.rng.choice(list(p.reserved))
            if self.must(f"SELECT paysafe.void_reservation({i})", True, ""):
                del p.reserved[i]
            return
        left = self.free(p) or ZERO
        amount = left + self.rng.choice([ZERO, ZERO, Decimal(1)])
        if self.chance(0.4) and left > 1:
            amount = left // 2
        if amount <= 0:
            return
        wrong = {"23M01"} if amount > left else set()
        if self.stated and p.status in ("frozen", "in"):
            wrong.add("23M07")
        if self.stated and p.status == "closed":
            wrong.add("23M08")
        sql = f"SELECT paysafe.reserve('purse', '{p.code}', {self.text(amount)})"
        if self.must(sql, not wrong, " ".join(wrong)):
            i = self.ask(
                "SELECT max(id) FROM paysafe.reservation WHERE relation = 'purse'::regclass"
            )[0][0]
            p.reserved[i] = amount
            p.moved = True

    def stale(self) -> None:
        """A balance is computed from one that another session has changed since."""
        if self.kept != "application" or self.turned or self.two:
            return
        code = self.rng.choice(list(self.there.purses))
        p = self.there.purses[code]
        before = p.row
        parts = self.some_rows(1)
        if not any(code == p.code for r in parts for code, _ in self.moves_of(r)):
            return
        if self.adds_up(parts).get(p.code, ZERO) == 0:
            return
        isolation = self.rng.choice(["READ COMMITTED", "REPEATABLE READ"])
        self.must(
            f"BEGIN ISOLATION LEVEL {isolation};\nSELECT balance FROM purse WHERE code = '{p.code}'",
            True,
            "",
            "b",
        )
        steps = [self.entered(parts)]
        for code, amount in self.adds_up(parts).items():
            steps += self.writes({code: amount})
        if not self.attempt(steps, "COMMIT"):
            self.must("ROLLBACK", True, "", "b")
            return
        p = self.there.purses[code]
        value = self.text(before + 1)
        if before + 1 in (p.row, p.row + 1):
            value = self.text(before + 3)  # it must not be right by accident
        sql = f"UPDATE purse SET balance = {value} WHERE code = '{p.code}'"
        if isolation == "REPEATABLE READ":
            self.must(sql, False, "40001", "b")
            return
        row = Row(self.next_id + 2, 0, p.code, "bank", Decimal(-1 if p.credit else 1))
        self.next_id += 4
        if self.ledger == "single" and not self.enter(copy.deepcopy(self.there), [row]):
            sql += f";\n{self.entered([row]).sql}"
        self.must(f"{sql};\nCOMMIT", False, "23M02", "b")

    def beside(self) -> None:
        """Who moves what another one has moved waits for him; who only gives, where sums are kept, does not."""
        rows = self.some_rows(1)
        more = self.some_rows(1)
        if not rows or not more or self.ledger == "double":
            return
        trial = copy.deepcopy(self.there)
        if self.enter(trial, rows):
            return
        mine = {code: amount for r in rows for code, amount in self.moves_of(r)}
        other = {code: amount for r in more for code, amount in self.moves_of(r)}
        first = [self.entered(rows)]
        if self.kept == "application" and not self.turned:
            first += self.writes(self.adds_up(rows))
        self.must(";\n".join(["BEGIN", *(s.sql for s in first)]), True, "", "b")
        both = {c for c in mine if c in other and c is not None}
        if self.kept == "none":
            waits = any(mine[c] < 0 and other[c] < 0 for c in both)
        else:
            waits = any(self.in_row(self.there.purses[c]) for c in both)
        second = [self.entered(more)]
        if self.kept == "application" and not self.turned:
            second += self.writes(self.adds_up(more))
        sql = [s.sql for s in second]
        alone = copy.deepcopy(self.there)
        wrong: set[str] = set()
        for s in second:
            wrong = wrong or s.does(alone)
        if waits or not wrong:
            wait = ";\n".join(["BEGIN", "SET LOCAL lock_timeout = '60ms'", *sql, "COMMIT"])
            if self.must(wait, not waits, " ".join({"55P03"} | wrong)):
                self.there = alone
        undone = self.chance(0.4)
        self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
        if not undone:
            for s in first:
                s.does(self.there)

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        state = {r.id: r for r in self.there.rows.values()}
        got = {i: (a, s == "posted") for i, a, s in self.ask("SELECT id, amount, state FROM entry")}
        want = {i: (Decimal(self.text(r.amount)), r.posted) for i, r in state.items()}
        if got != want:
            raise Found("entries", f"{got} are there, it should be {want}")
        if self.kept == "none":
            self.sums()
            return
        minus = " - coalesce(taken, 0)" if self.two else ""
        turn = "CASE WHEN side = 'credit' THEN -1 ELSE 1 END * " if self.two and self.sided else ""
        rows = self.ask(f"SELECT code, {turn}(coalesce(balance, 0){minus}) FROM purse")
        if {c for c, _ in rows} != set(self.there.purses):
            raise Found("accounts", f"{rows} are there, it should be {set(self.there.purses)}")
        for code, balance in rows:
            p = self.there.purses[code]
            want_row = p.row if self.in_row(p) else ZERO
            if Decimal(balance) != Decimal(self.text(want_row)):
                raise Found("balance", f"{code} has {balance}, it should be {self.text(want_row)}")
            sql = f"SELECT paysafe.balance('{code}', accounts => 'purse', currency => 'USD')"
            now = self.ask(sql)[0][0] or 0
            if Decimal(now) != Decimal(self.text(p.balance)):
                raise Found("balance", f"{sql} is {now}, it should be {self.text(p.balance)}")

    def sums(self) -> None:
        """No account's entries sum below the minimum."""
        where = " WHERE state = 'posted'" if self.drafts else ""
        legs = f"SELECT account AS a, amount AS n FROM entry{where}"
        if self.ledger == "pair":
            legs += f" UNION ALL SELECT other, -amount FROM entry{where}"
        for code, total in self.ask(f"SELECT a, sum(n) FROM ({legs}) s GROUP BY a"):
            p = self.there.purses[code]
            if Decimal(total) != Decimal(self.text(p.sum)):
                raise Found("entries", f"{code} sums to {total}, it should be {self.text(p.sum)}")

    def evidence(self) -> None:
        bad = self.ask(
            "SELECT check_name, subject, detail FROM paysafe.check() WHERE NOT ok AND subject LIKE"
            f" '{self.schema}.%'"
        )
        if bad:
            raise Found("check", f"check() says {bad}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "transact": 9,
    "taken_again": 4,
    "many": 1,
    "kept_room": 2,
    "crowd": 1,
    "redeclare": 0.7,
    "post_draft": 2,
    "change_entry": 1,
    "write_alone": 1.5,
    "opening": 2,
    "gone": 1,
    "limit": 3,
    "limit_between": 2,
    "drop_minimum": 1.5,
    "hold": 2,
    "stale": 2,
    "beside": 2,
}

SHARE = 0.05  # of the seeds


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of what moves accounts?"""
    return random.Random(f"purses or not {seed}").random() < SHARE
