"""Plays of refunds against a model: without rows (a column of the payment that rises, a status that says
that all of it is paid back), and of what has passed the gate where refunds have rows.

By doc/reference.md (protect_refund, set_refund_threshold, approve_refund, protect_test_rows): payments of
every sort, as one table, partitions or a child; amounts in minor units, major ones and with more decimals
than their currency has; thresholds of a currency each, with periods that end while the play goes on;
approvals in advance; payments that are only a test, get another key or currency, go and come again.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import accounts
from commands import APP, OWNER, Found

PEOPLE = ("anna", "bert", "carl", "dora", "emil")
SCALE = {"EUR": 2, "USD": 2, "JPY": 0}
SHORT = 2.0  # seconds of a period that ends
EARLY = 1.2  # before its end it is not clear what a statement meets that is sent now
ZERO = Decimal(0)


@dataclass
class Refund:
    id: int
    amount: Decimal
    status: str
    people: set[str]  # who has requested it
    passed: int = 0


@dataclass
class Payment:
    id: int
    region: int
    table: str
    status: str
    amount: Decimal
    captured: Decimal
    back: Decimal
    currency: str
    order: int | None
    test: bool
    was: bool = False  # has it been captured?
    refunds: dict[int, Refund] = field(default_factory=dict)
    captures: dict[int, tuple[Decimal, str]] = field(default_factory=dict)
    others: dict[int, Decimal] = field(default_factory=dict)  # refunds in another table


@dataclass
class Pass:
    key: int
    currency: str
    amount: Decimal
    began: float
    ended: float = 0.0


@dataclass
class Approval:
    key: int
    currency: str
    amount: Decimal
    person: str


class Refused(Exception):
    """What the model says of a statement: one of these."""

    def __init__(self, *codes: str) -> None:
        self.codes = codes


class Unsaid(Exception):
    """The documentation does not say."""


@dataclass
class Books:
    """The model."""

    payments: dict[int, Payment] = field(default_factory=dict)
    passes: list[Pass] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    breaches: int = 0
    murky: set[int] = field(default_factory=set)  # of these keys it is not said what counts


class Play(accounts.Play):
    """Payments, their refunds, and what people do with them."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.shape = rng.choice(["running", "running", "running", "whole", "rows", "rows"])
        self.kind = rng.choice(["status", "status", "column", "bare", "bare"])
        if self.shape == "whole" and self.kind == "column":
            self.kind = "status"
        if self.shape == "rows" and self.chance(0.35):
            self.kind = "captures"
        self.ruled = self.kind in ("status", "column")
        self.machine = self.kind == "status" and self.chance(0.4)
        self.tree = rng.choice(["plain", "plain", "parts", "child"])
        self.turned = self.chance(0.5)  # the partition key comes first
        self.places = None if self.minor else rng.choice([None, None, 4])
        self.back_places = None if self.minor else rng.choice([self.places, self.places, 4, None])
        self.currency_by = rng.choice(["column", "column", "constant"])
        if self.kind == "bare" and self.shape == "rows":
            self.currency_by = "column"
        self.deletable = self.chance(0.5)
        self.both = self.shape == "rows" and self.chance(0.4)  # another table of refunds
        self.recorded = self.shape == "whole" and self.chance(0.3)
        self.test_by = rng.choice(["", "", "own", "order", "order"])
        self.watched = self.test_by != "" and self.chance(0.15)  # that rule only observes
        self.period = rng.choice([SHORT, SHORT, 86400.0])
        self.thresholds = {"EUR": self.units("50"), "USD": self.units("20")}
        self.approvers = rng.choice([1, 1, 1, 2])
        self.shop = Books()
        self.orders: dict[int, bool] = {}
        self.next_id = 1
        self.next_order = 1
        self.next_refund = 1
        self.next_capture = 1
        self.gid = 0
        self.focus: int | None = None  # whose story is told
        self.small = False  # below what needs approval
        if self.shape == "running" and self.chance(0.35):
            # nothing freezes the payment, and what was paid back may fall
            self.kind, self.deletable, self.machine, self.ruled = "bare", True, False, False

    # ------------------------------------------------------------ money

    def units(self, text: str) -> Decimal:
        """Some money, as the table stores it."""
        return Decimal(text) * (100 if self.minor else 1)

    def unit(self, currency: str, places: int | None) -> Decimal:
        """The smallest amount."""
        if self.minor:
            return Decimal(1)
        return Decimal(1).scaleb(-(SCALE[currency] if places is None else places))

    def at_scale(self, amount: Decimal, currency: str, places: int | None) -> bool:
        return amount % self.unit(currency, places) == 0

    def text(self, amount: Decimal) -> str:
        return format(amount, "f")

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve_refund TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        money = "bigint" if self.minor else "numeric"
        key = "id" if self.tree != "parts" else "region, id" if self.turned else "id, region"
        part = " PARTITION BY LIST (region)" if self.tree == "parts" else ""
        statements = [
            "CREATE TABLE orders (id int PRIMARY KEY, test boolean NOT NULL)",
            f"CREATE TABLE pay (id int, region int NOT NULL DEFAULT 1, status text, amount {money}, captured {money},"
            f" back {money}, currency text, order_id int, test boolean, note text, PRIMARY KEY ({key})){part}",
        ]
        if self.tree == "parts":
            statements += [
                f"CREATE TABLE pay_{i} PARTITION OF pay FOR VALUES IN ({i})" for i in (1, 2)
            ]
        if self.tree == "child":
            statements.append("CREATE TABLE pay_c (PRIMARY KEY (id)) INHERITS (pay)")
        if self.tree != "parts":
            statements.append("CREATE INDEX ON pay (order_id)")
        if self.shape == "rows":
            statements += [
                f"CREATE TABLE refund (id int PRIMARY KEY, pay_id int, amount {money}, status text)",
                "CREATE INDEX ON refund (pay_id)",
            ]
        if self.both:
            statements += [
                f"CREATE TABLE refund_b (id int PRIMARY KEY, pay_id int, amount {money})",
                "CREATE INDEX ON refund_b (pay_id)",
            ]
        if self.kind == "captures":
            statements += [
                f"CREATE TABLE capture (id int PRIMARY KEY, pay_id int, amount {money}, status text)",
                "CREATE INDEX ON capture (pay_id)",
            ]
        statements.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        self.must(";\n".join([*statements, *self.rules()]), True, "", "owner")
        for test in (True, False):
            self.add_order(test)

    def rules(self) -> list[str]:
        out = []
        if self.machine:
            machine = (
                "[*] --> new\nnew --> paid\npaid --> new\npaid --> refunded\nrefunded --> paid"
            )
            out.append(f"SELECT paysafe.protect_status('pay', 'status', '{machine}', '{{new}}')")
        more = self.currency_argument()
        if self.places is not None:
            more += f", decimals => {self.places}"
        if self.kind == "status":
            out.append(
                "SELECT paysafe.protect_payment('pay', 'status', 'amount', captured =>"
                f" '{{paid,refunded}}'{more})"
            )
        elif self.kind == "column":
            out.append(
                "SELECT paysafe.protect_payment('pay', NULL, 'amount', 'captured', changes =>"
                f" 'any'{more})"
            )
        elif self.kind == "captures":
            coin = (
                ", currency => 'EUR'"
                if self.currency_by == "constant"
                else ", currency_path => '{pay_id,currency}', currency_tables => '{pay}'"
            )
            if self.places is not None:
                coin += f", decimals => {self.places}"
            out.append(
                "SELECT paysafe.protect_captures('capture', 'pay', 'pay_id', 'amount', status_column =>"
                f" 'status', counted => '{{done}}', payment_key => 'id', limit_column => 'amount'{coin})"
            )
        out.append(f"SELECT {self.refund_rule(self.deletable)}")
        if self.both:
            more = "" if self.back_places is None else f", decimals => {self.back_places}"
            if self.kind == "bare":
                more += (
                    ", payment_amount_column => 'captured', payment_currency_column => 'currency'"
                )
            out.append(
                f"SELECT paysafe.protect_refund('refund_b', 'pay', 'pay_id', 'amount', payment_key => 'id'{more})"
            )
            out += [
                f"SELECT paysafe.set_refund_threshold('refund_b', '{c}', 1000000)"
                for c in SCALE
                if self.currency_by == "column" or c == "EUR"
            ]
        out += [f"SELECT {self.threshold(c, a)}" for c, a in self.named()]
        mode = "observe" if self.watched else "enforce"
        if self.test_by == "own":
            out.append(f"SELECT paysafe.protect_test_rows('pay', '{{test}}', mode => '{mode}')")
        elif self.test_by == "order":
            out.append(
                "SELECT paysafe.protect_test_rows('pay', '{order_id,test}', parent => 'orders', mode =>"
                f" '{mode}')"
            )
        return out

    def named(self) -> list[tuple[str, Decimal]]:
        return [
            (c, a) for c, a in self.thresholds.items() if self.currency_by == "column" or c == "EUR"
        ]

    def currency_argument(self) -> str:
        if self.currency_by == "constant":
            return ", currency => 'EUR'"
        return ", currency_column => 'currency'"

    def refund_rule(self, deletable: bool) -> str:
        more = f", deletable => {str(deletable).lower()}"
        if self.back_places is not None:
            more += f", decimals => {self.back_places}"
        if self.shape == "rows":
            if self.kind == "bare":
                more += (
                    ", payment_amount_column => 'captured', payment_currency_column => 'currency'"
                )
            return (
                "paysafe.protect_refund('refund', 'pay', 'pay_id', 'amount', status_column => 'status',"
                f" gated => '{{sent,paid}}', void => '{{failed}}', payment_key => 'id'{more})"
            )
        if self.kind == "bare":
            more += self.currency_argument()
        if self.shape == "whole":
            facts = ", recorded => '{refunded}'" if self.recorded else ""
            return (
                "paysafe.protect_refund('pay', 'pay', 'id', 'amount', status_column => 'status', gated =>"
                f" '{{refunded}}', void => '{{}}', amounts => 'running'{facts}{more})"
            )
        return f"paysafe.protect_refund('pay', 'pay', 'id', 'back', amounts => 'running'{more})"

    def threshold(self, currency: str, amount: Decimal) -> str:
        table = "refund" if self.shape == "rows" else "pay"
        return (
            f"paysafe.set_refund_threshold('{table}', '{currency}', {self.text(amount)}, approvers =>"
            f" {self.approvers}, \"within\" => '{self.period} seconds', valid_for => '1 hour')"
        )

    # ------------------------------------------------------------ the model

    def captured(self, p: Payment) -> Decimal | None:
        """What is captured of it; None where nothing limits refunds."""
        if self.kind == "bare":
            return p.captured if self.shape == "rows" else None
        if self.kind == "column":
            return p.captured
        if self.kind == "captures":
            return sum((a for a, s in p.captures.values() if s == "done"), ZERO)
        return p.amount if p.status in ("paid", "refunded") else ZERO

    def refunded(self, p: Payment) -> Decimal:
        if self.shape == "rows":
            there = [r.amount for r in p.refunds.values() if r.status != "failed"]
            return sum([*there, *p.others.values()], ZERO)
        if self.shape == "whole":
            return p.amount if p.status == "refunded" else ZERO
        return p.back

    def is_test(self, p: Payment) -> bool:
        if self.watched:
            return False
        if self.test_by == "own":
            return p.test
        return self.test_by == "order" and p.order is not None and self.orders[p.order]

    def counted(self, b: Books, key: int, currency: str | None) -> Decimal:
        """What has passed of it within the period; waits where that is not clear."""
        total = ZERO
        for x in b.passes:
            if x.key != key or currency not in (None, x.currency):
                continue
            now = time.monotonic()
            if now - x.began < self.period - EARLY or not x.ended:
                total += x.amount
                continue
            rest = x.ended + self.period + 0.05 - now
            if rest > 0:
                time.sleep(rest)
        return total

    def rise(self, b: Books, p: Payment, amount: Decimal, people: set[str]) -> None:
        """A refund of so much passes the gate, or does not."""
        if p.id in b.murky:
            raise Unsaid
        currency = p.currency
        total = self.counted(b, p.id, currency) + amount
        limits = dict(self.named())
        needed = 1
        if currency in limits:
            needed = self.approvers if total > limits[currency] else 0
        best: dict[str, Approval] = {}
        for a in sorted(b.approvals, key=lambda a: a.amount):
            if (a.key, a.currency) == (p.id, currency) and a.amount >= amount:
                if a.person not in people:
                    best.setdefault(a.person, a)
        use = sorted(best.values(), key=lambda a: a.amount)[:needed]
        if len(use) < needed:
            if self.recorded and p.status == "refunded":
                b.breaches += 1
                b.passes.append(Pass(p.id, currency, amount, time.monotonic()))
                return
            raise Refused("42501")
        for a in use:
            b.approvals.remove(a)
        b.passes.append(Pass(p.id, currency, amount, time.monotonic()))

    def judge(self, b: Books, old: Payment | None, new: Payment, who: str) -> None:
        """A payment changes, or comes: is it allowed by the rules of payments, and as a refund?"""
        wrong: set[str] = set()
        captured = self.captured(new)
        before = ZERO if old is None else self.refunded(old)
        after = self.refunded(new)
        if self.ruled:
            if new.captured < 0 or new.amount < 0:
                wrong.add("23R04")
            if not self.at_scale(new.amount, new.currency, self.places):
                wrong.add("23R04")
            if self.kind == "column" and not self.at_scale(new.captured, new.currency, self.places):
                wrong.add("23R04")
            if self.kind == "column" and new.captured > new.amount:
                wrong.add("23R05")
        if self.machine:
            wrong |= self.step(old, new)
        if old is not None:
            wrong |= self.kept(b, old, new)
        fact = self.recorded and new.status == "refunded"
        worse = old is None or after > before or (captured or ZERO) < (self.captured(old) or ZERO)
        if captured is not None and after > captured and worse:
            if not fact:
                wrong.add("23R01")
            else:
                b.breaches += 1
        if self.shape != "rows" and after != 0:
            if after < 0 or not self.at_scale(after, new.currency, self.back_places):
                wrong.add("23R04")
        if self.shape != "rows" and after < before and not self.deletable:
            wrong.add("23R03")
        if wrong:
            raise Refused(*wrong, "42501")
        if self.shape != "rows" and after > before:
            self.rise(b, new, after - before, {who})
        if self.kind == "status" and new.status in ("paid", "refunded"):
            new.was = True

    def step(self, old: Payment | None, new: Payment) -> set[str]:
        edges = {("new", "paid"), ("paid", "new"), ("paid", "refunded"), ("refunded", "paid")}
        if old is None:
            return set() if new.status == "new" else {"23T02", "23T04"}
        if old.status == new.status or (old.status, new.status) in edges:
            return set()
        return {"23T01", "23T04"}

    def kept(self, b: Books, old: Payment, new: Payment) -> set[str]:
        """What stays."""
        out = set()
        frozen = self.ruled and not (self.machine and old.status == "new" and not old.was)
        moved = old.id != new.id
        coin = old.currency != new.currency and self.currency_by == "column"
        if frozen and (moved or coin or old.amount != new.amount):
            out |= {"23R03", "23T05"}
        if self.watched:
            pass
        elif old.test != new.test and self.test_by == "own":
            out.add("23R03")
        elif old.order != new.order and self.test_by == "order":
            # one that had none may get one that says that it is no test
            if old.order is not None or new.order not in self.orders or self.orders[new.order]:
                out.add("23R03")
        if self.refunded(old) > 0 and (moved or coin):
            out.add("23R03")
        if self.shape == "rows" and (old.refunds or old.others) and (moved or coin):
            out.add("23R03")
        if self.kind == "captures":
            captured = self.captured(old) or ZERO
            if captured > 0 and (moved or coin):
                out.add("23R03")
            elif (moved or coin) and (old.captures or old.refunds or old.others):
                raise Unsaid
            if new.amount < captured or captured > 0 and new.amount > old.amount:
                out |= {"23R05", "23R03"}
        if moved and not self.ruled and self.counts(b, old):
            out.add("23R03")
        return out

    def counts(self, b: Books, p: Payment) -> bool:
        """Does something of it count for a threshold now?"""
        if p.id in b.murky:
            raise Unsaid
        return self.counted(b, p.id, None) > 0

    def ended(self, b: Books, key: int) -> None:
        """What was approved in advance ends with its payment."""
        b.approvals = [a for a in b.approvals if a.key != key]

    # ------------------------------------------------------------ doing it

    def attempt(self, sql: list[str], change: Callable[[Books], None], who: str = "anna") -> bool:
        """Statements of one person in a transaction, and what the model says of them."""
        trial = copy.deepcopy(self.shop)
        try:
            change(trial)
            codes: tuple[str, ...] = ()
        except Refused as r:
            codes = r.codes
        except Unsaid:
            return False
        begin = f"BEGIN;\nSELECT paysafe.act_as('{who}')"
        all_of_it = ";\n".join(sql)
        if self.chance(0.15):
            begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT paysafe.act_as('{who}')"
        if self.chance(0.25):
            # what was undone has not happened
            quiet = "; ".join(sql).replace("'", "''")
            begin += (
                f";\nDO 'BEGIN {quiet}; RAISE EXCEPTION ''undone''; EXCEPTION WHEN OTHERS THEN NULL;"
                " END'"
                if self.chance(0.4)
                else f";\nSAVEPOINT s;\n{all_of_it};\nROLLBACK TO s" if not codes else ""
            ).replace("''undone''", "''undone''")
        end = "COMMIT"
        used = len(trial.approvals) < len(self.shop.approvals)
        if self.chance(0.1) and not codes:
            self.gid += 1
            if used and trial.passes != self.shop.passes:
                sure = f"BEGIN;\nSELECT paysafe.act_as('{who}');\n{all_of_it}"
                self.must(f"{sure};\nPREPARE TRANSACTION 'none'", False, "42501")
            name = f"{self.schema}_{self.gid}"
            if not used:
                end = f"PREPARE TRANSACTION '{name}';\nCOMMIT PREPARED '{name}'"
        if self.chance(0.1) and not codes:
            self.must(f"{begin};\n{all_of_it};\nROLLBACK", True, "")
            return False
        if not self.must(f"{begin};\n{all_of_it};\n{end}", not codes, " ".join(codes)):
            return False
        now = time.monotonic()
        for x in trial.passes:
            x.ended = x.ended or now
        self.shop = trial
        return True

    def some(self) -> Payment | None:
        there = list(self.shop.payments.values())
        if self.focus in self.shop.payments:
            return self.shop.payments[self.focus]
        return self.rng.choice(there) if there else None

    def where(self, p: Payment | str) -> str:
        assert isinstance(p, Payment)
        return f"id = {p.id}"

    def write(self, p: Payment, columns: dict[str, str]) -> str:
        """A change of a row, in one of many forms."""
        sets = ", ".join(f"{c} = {v}" for c, v in columns.items())
        way = self.rng.choice(["update", "update", "update", "merge", "cte", "from"])
        if way == "merge":
            return (
                f"MERGE INTO pay USING (SELECT {p.id} AS k) s ON pay.id = s.k WHEN MATCHED THEN"
                f" UPDATE SET {sets}"
            )
        if way == "cte":
            return (
                f"WITH u AS (UPDATE pay SET {sets} WHERE {self.where(p)} RETURNING 1) SELECT"
                " count(*) FROM u"
            )
        if way == "from":
            return f"UPDATE pay SET {sets} FROM (VALUES ({p.id})) s (k) WHERE pay.id = s.k"
        return f"UPDATE pay SET {sets} WHERE {self.where(p)}"

    def set(self, b: Books, p: Payment, who: str, **columns: object) -> None:
        """The same in the model."""
        old = b.payments[p.id]
        new = copy.deepcopy(old)
        for name, value in columns.items():
            setattr(new, name, value)
        if new.id != old.id and new.id in b.payments:
            raise Refused("23505", "23R03", "23T05")
        self.judge(b, old, new, who)
        if (new.id, new.currency) != (old.id, old.currency):
            self.ended(b, old.id)
        del b.payments[old.id]
        b.payments[new.id] = new

    def an_amount(self, currency: str, left: Decimal) -> Decimal:
        """Around what is left, thresholds, scales."""
        rng = self.rng
        unit = self.unit(currency, self.back_places)
        tiny = unit if self.minor else rng.choice([unit, unit, Decimal("0.0001"), Decimal("0.01")])
        limit = self.thresholds.get(currency, self.units("10"))
        if self.small:
            return self.units(rng.choice(["10", "15"]))
        base = rng.choice(
            [left, left, limit, limit - self.units("10"), self.units("10"), self.units("30"), unit]
        )
        return base + rng.choice([ZERO, ZERO, ZERO, tiny, -tiny])

    # ------------------------------------------------------------ acts

    def add_order(self, test: bool) -> None:
        self.must(f"INSERT INTO orders VALUES ({self.next_order}, {str(test).lower()})", True, "")
        self.orders[self.next_order] = test
        self.next_order += 1

    def add(self) -> None:
        rng = self.rng
        gone = [i for i in range(1, self.next_id) if i not in self.shop.payments]
        number = rng.choice(gone) if gone and self.chance(0.5) else self.next_id
        self.next_id = max(self.next_id, number + 1)
        currency = (
            "EUR" if self.currency_by == "constant" else rng.choice(["EUR", "EUR", "USD", "JPY"])
        )
        amount = self.units("120") + rng.choice([ZERO, ZERO, self.unit(currency, self.places)])
        if self.places is not None and self.chance(0.4):
            amount += Decimal("0.0033")
        status = "new" if self.machine else rng.choice(["new", "paid", "paid", "paid"])
        captured = rng.choice([amount, amount, amount / 2 // 1, ZERO])
        back = ZERO
        if self.shape == "running" and self.chance(0.15):
            back = self.an_amount(currency, amount)
        table = "pay_c" if self.tree == "child" and self.chance(0.4) else "pay"
        order = rng.choice([None, *self.orders]) if self.test_by == "order" else None
        if self.test_by == "order" and self.chance(0.05) and not self.watched:
            order = 999
        region = rng.choice([1, 2])
        test = self.chance(0.5)
        new = Payment(number, region, table, status, amount, captured, back, currency, order, test)

        def change(b: Books) -> None:
            if order is not None and order not in self.orders and not self.watched:
                raise Refused("23R03")
            self.judge(b, None, new, "anna")
            b.payments[number] = new

        values = [
            str(number), str(region), f"'{status}'", self.text(amount), self.text(captured),
            self.text(back), f"'{currency}'", "NULL" if order is None else str(order), str(test).lower(),
        ]  # fmt: skip
        self.attempt([f"INSERT INTO {table} VALUES ({', '.join(values)}, 'x')"], change)

    def status(self) -> None:
        p = self.some()
        if p is None:
            return
        who = self.rng.choice(PEOPLE[:2])
        to = self.rng.choice(["paid", "paid", "refunded", "new"])
        if self.shape == "whole" and p.status == "refunded" and to == "new" and self.deletable:
            return
        self.attempt(
            [self.write(p, {"status": f"'{to}'"})],
            lambda b: self.set(b, p, who, status=to),
            who,
        )

    def capture(self) -> None:
        p = self.some()
        if p is not None and self.kind == "captures":
            self.capture_row(p)
            return
        if p is None or self.kind == "status" or self.shape == "running" and self.kind == "bare":
            return
        new = max(
            ZERO, self.rng.choice([p.amount, self.refunded(p), self.an_amount(p.currency, ZERO)])
        )
        self.attempt(
            [self.write(p, {"captured": self.text(new)})],
            lambda b: self.set(b, p, "anna", captured=new),
        )

    def capture_row(self, p: Payment, goes: int = 0) -> None:
        """One more, one that fails or comes back, one that goes with its test."""
        some = list(p.captures.items())
        if goes or some and self.chance(0.5):
            i, (amount, status) = self.rng.choice(some)
            to = self.rng.choice(["done", "failed", "gone"])
            if goes:
                i, to = goes, "gone"
                amount, status = p.captures[i]
            if to == status:
                return

            def change(b: Books) -> None:
                x = b.payments[p.id]
                if to == "gone":
                    if status == "done" and not self.is_test(p):
                        raise Refused("23R07", "23R01")
                    if status == "done" and (x.refunds or x.others):
                        del x.captures[i]
                        if self.refunded(x) > (self.captured(x) or ZERO):
                            raise Refused("23R01", "23R07")
                        raise Unsaid
                    del x.captures[i]
                    return
                x.captures[i] = (amount, to)
                self.in_limits(x)

            sql = f"UPDATE capture SET status = '{to}' WHERE id = {i}"
            if to == "gone":
                sql = f"DELETE FROM capture WHERE id = {i}"
            self.attempt([sql], change)
            return
        left = p.amount - (self.captured(p) or ZERO)
        more = self.rng.choice(
            [left, left, self.units("50"), self.units("30") + self.unit("JPY", None)]
        )
        if more <= 0:
            return
        status = self.rng.choice(["done", "done", "failed"])
        number = self.next_capture
        self.next_capture += 1

        def add(b: Books) -> None:
            x = b.payments[p.id]
            x.captures[number] = (more, status)
            if status == "done" and not self.at_scale(more, x.currency, self.places):
                raise Refused("23R04", "23R05")
            self.in_limits(x)

        sql = f"INSERT INTO capture VALUES ({number}, {p.id}, {self.text(more)}, '{status}')"
        self.attempt([sql], add)

    def in_limits(self, p: Payment) -> None:
        captured = self.captured(p) or ZERO
        if captured > p.amount:
            raise Refused("23R05")
        if self.refunded(p) > captured:
            raise Refused("23R01")
        for a, s in p.captures.values():
            if s == "done" and not self.at_scale(a, p.currency, self.places):
                raise Refused("23R04")

    def refund(self) -> None:
        """Something is paid back; one rise or several, of one payment or of two."""
        if self.shape == "rows":
            self.refund_row()
            return
        p = self.some()
        if p is None:
            return
        if self.shape == "whole":
            self.status()
            return
        who = self.rng.choice(PEOPLE[:3])
        sql: list[str] = []
        steps: list[tuple[int, Decimal]] = []
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            left = (self.captured(p) or p.amount) - self.refunded(p)
            more = self.an_amount(p.currency, left if left > 0 else self.units("5"))
            if more <= 0:
                continue
            value = f"coalesce(back, 0) + {self.text(more)}"
            if self.chance(0.2) and not sql:
                value = self.text(p.back + more)
            other = self.some()
            if other is not None and other.id != p.id and self.chance(0.2):
                steps += [(p.id, more), (other.id, more)]
                sql.append(
                    f"UPDATE pay SET back = coalesce(back, 0) + {self.text(more)} WHERE id IN ({p.id},"
                    f" {other.id})"
                )
            else:
                steps.append((p.id, more))
                sql.append(self.write(p, {"back": value}))
        if not sql:
            return

        def change(b: Books) -> None:
            for i, more in steps:
                x = b.payments[i]
                try:
                    self.set(b, x, who, back=x.back + more)
                except Refused as r:
                    # of two rows another one may come first
                    raise Refused(*r.codes, "23R01", "23R04", "42501") from r

        self.attempt(sql, change, who)

    def fall(self) -> None:
        p = self.some()
        if p is None or self.shape != "running":
            return
        to = self.rng.choice(
            [ZERO, ZERO, p.back - self.unit(p.currency, self.back_places), -Decimal(1)]
        )
        value = self.text(to) if to != 0 or self.chance(0.7) else "NULL"
        self.attempt([self.write(p, {"back": value})], lambda b: self.set(b, p, "anna", back=to))

    def rekey(self) -> None:
        p = self.some()
        if p is None:
            return
        gone = [i for i in range(1, self.next_id) if i not in self.shop.payments]
        new = self.rng.choice(gone) if gone and self.chance(0.5) else self.next_id
        self.next_id = max(self.next_id, new + 1)
        self.attempt([self.write(p, {"id": str(new)})], lambda b: self.set(b, p, "anna", id=new))

    def coin(self) -> None:
        p = self.some()
        if p is None or self.currency_by == "constant":
            return
        new = self.rng.choice([c for c in SCALE if c != p.currency])
        self.attempt(
            [self.write(p, {"currency": f"'{new}'"})],
            lambda b: self.set(b, p, "anna", currency=new),
        )

    def revalue(self) -> None:
        p = self.some()
        if p is None:
            return
        new = p.amount + self.rng.choice([self.units("1"), -self.units("1")])
        self.attempt(
            [self.write(p, {"amount": self.text(new)})],
            lambda b: self.set(b, p, "anna", amount=new),
        )

    def move(self) -> None:
        """To another partition; a note changes with it. Nothing else is said by that."""
        p = self.some()
        if p is None:
            return
        to = 3 - p.region
        columns = {"region": str(to), "note": "'y'"} if p.table == "pay" else {"note": "'y'"}
        self.attempt(
            [self.write(p, columns)],
            lambda b: self.set(b, p, "anna", region=to if p.table == "pay" else p.region),
        )

    def retest(self) -> None:
        """What is a test stays one, and nothing else becomes one."""
        p = self.some()
        if p is None:
            return
        if self.test_by == "own":
            self.attempt(
                [self.write(p, {"test": str(not p.test).lower()})],
                lambda b: self.set(b, p, "anna", test=not p.test),
            )
        elif self.test_by == "order":
            to = self.rng.choice([*self.orders, *([] if self.watched else [999])])
            self.attempt(
                [self.write(p, {"order_id": str(to)})],
                lambda b: self.set(b, p, "anna", order=to),
            )

    def reorder(self) -> None:
        """The order says something else, goes, or gets another number."""
        if self.test_by != "order":
            return
        i = self.rng.choice(list(self.orders))
        used = not self.watched and any(p.order == i for p in self.shop.payments.values())
        if self.watched and any(p.order == i for p in self.shop.payments.values()):
            return
        way = self.rng.choice(["test", "test", "id", "delete"])
        if way == "test":
            new = not self.orders[i]
            sql = f"UPDATE orders SET test = {str(new).lower()} WHERE id = {i}"
            if self.must(sql, not used, "23R03"):
                self.orders[i] = new
        elif way == "id":
            sql = f"UPDATE orders SET id = {self.next_order} WHERE id = {i}"
            if self.must(sql, not used, "23R03"):
                self.orders[self.next_order] = self.orders.pop(i)
                self.next_order += 1
        elif self.must(f"DELETE FROM orders WHERE id = {i}", not used, "23R07"):
            del self.orders[i]
        if len(self.orders) < 2:
            self.add_order(self.chance(0.5))

    def remove(self) -> None:
        p = self.some()
        if p is None:
            return

        def change(b: Books) -> None:
            test = self.is_test(p)
            paid = self.kind != "bare" and (self.captured(p) or ZERO) > 0
            left = self.kind == "status" and not self.machine and p.was
            if self.kind == "captures" and p.captures:
                if not paid:
                    raise Unsaid
                raise Refused("23R07")
            if self.shape == "rows" and (p.refunds or p.others):
                raise Refused("23R07", "23T03")
            if b.breaches:
                raise Unsaid  # is it this one's?
            if not test and (paid or left or self.shape != "rows" and self.refunded(p) > 0):
                raise Refused("23R07", "23T03")
            if self.machine and p.status != "new" and not test:
                raise Refused("23T03", "23R07")
            self.ended(b, p.id)
            del b.payments[p.id]

        self.attempt([f"DELETE FROM pay WHERE id = {p.id}"], change)

    def approve(self) -> None:
        """In advance; and now and then what cannot be."""
        p = self.some()
        if p is None:
            return
        person = self.rng.choice(PEOPLE[1:])
        left = (self.captured(p) or p.amount) - self.refunded(p)
        amount = self.an_amount(p.currency, left if left > 0 else self.units("5"))
        if any(a.key == p.id and a.amount == amount for a in self.shop.approvals):
            return
        captured = self.captured(p)

        def change(b: Books) -> None:
            if amount <= 0 or not self.at_scale(amount, p.currency, self.back_places):
                raise Refused("22023")
            if captured is not None and amount > captured:
                raise Refused("22023")
            b.approvals.append(Approval(p.id, p.currency, amount, person))

        table = "refund" if self.shape == "rows" else "pay"
        sql = (
            f"SELECT paysafe.approve_refund('{table}', '{p.id}', {self.text(amount)}, '{p.currency}',"
            " 'agreed')"
        )
        self.attempt([sql], change, person)

    def approve_and_refund(self) -> None:
        """As it should be."""
        for _ in range(self.rng.choice([1, 2])):
            self.approve()
        self.refund()

    def story(self) -> None:
        """What becomes of one payment: what was paid back, taken back, approved, captured; and then."""
        self.focus = None
        p = self.some()
        if p is None:
            return
        then = ["rekey", "rekey", "coin", "remove", "refund", "refund", "move", "later"]
        stories = [["refund", "back", "back", "+"], ["approve", "coin", "coin", "refund"]]
        if self.kind == "status":
            stories += [["pay", "leave", "move", "remove"], ["pay", "leave", "+", "remove"]]
        if self.kind in ("column", "captures", "bare"):
            stories.append(["refund", "capture", "capture"])
        if self.test_by:
            stories += [["pay", "refund", "empty", "remove"], ["retest", "remove"]]
        if self.shape == "rows":
            stories += [["refund", "again", "again", "again", "again", "refund"]]
        self.focus = p.id
        for what in self.rng.choice(stories):
            self.small = self.chance(0.8)
            getattr(self, self.rng.choice(then) if what == "+" else what)()
            self.look()
        self.focus, self.small = None, False

    def over_again(self) -> None:
        """Something is paid back, and comes back; it counts all the same: for the threshold, for
        the key, in its currency."""
        p = self.some()
        if p is None or self.shape == "whole":
            return
        self.focus = p.id
        limit = dict(self.named()).get(p.currency, self.units("10"))
        amount = limit - self.rng.choice([ZERO, self.units("10")])
        if self.shape == "running" and p.back == 0 or self.shape == "rows":
            self.one_refund(amount)
            self.look()
        for _ in range(self.rng.choice([1, 2, 3])):
            self.back()
        then = self.rng.choice(["same", "same", "key", "key", "coin", "later"])
        if then == "same":
            self.one_refund(self.rng.choice([amount, self.units("10"), self.units("15")]))
        elif then == "key":
            self.rekey()
        elif then == "coin":
            self.coin()
            for _ in range(2):
                self.one_refund(self.units(self.rng.choice(["10", "15", "20"])))
        else:
            self.later()
            self.one_refund(amount)
        self.focus = None

    def one_refund(self, amount: Decimal) -> None:
        p = self.some()
        if p is None:
            return
        if self.shape == "running":
            self.attempt(
                [self.write(p, {"back": f"coalesce(back, 0) + {self.text(amount)}"})],
                lambda b: self.set(b, p, "anna", back=b.payments[p.id].back + amount),
            )
            return
        number = self.next_refund
        self.next_refund += 1

        def change(b: Books) -> None:
            x = b.payments[p.id]
            r = Refund(number, amount, "sent", {"anna"})
            if amount <= 0 or not self.at_scale(amount, p.currency, self.back_places):
                raise Refused("23R04", "23R01", "42501")
            x.refunds[number] = r
            self.enter(b, x, r, "")

        sql = f"INSERT INTO refund VALUES ({number}, {p.id}, {self.text(amount)}, 'sent')"
        self.attempt([sql], change)

    def to_status(self, to: str) -> None:
        p = self.some()
        if p is not None and not (self.shape == "whole" and p.status == "refunded"):
            self.attempt(
                [self.write(p, {"status": f"'{to}'"})],
                lambda b: self.set(b, p, "anna", status=to),
            )

    def pay(self) -> None:
        self.to_status("paid")

    def leave(self) -> None:
        self.to_status("new")

    def back(self) -> None:
        """What was paid back has failed; and of rows, nothing is left."""
        p = self.some()
        if p is None:
            return
        if self.shape == "running":
            self.attempt(
                [self.write(p, {"back": "0"})], lambda b: self.set(b, p, "anna", back=ZERO)
            )
        for r in list(p.refunds.values()):
            to = "failed" if r.status != "failed" else "gone"
            self.refund_step(self.shop.payments[p.id], r, "anna", to)

    def empty(self) -> None:
        """Refunds and captures of a payment go, so that it can."""
        p = self.some()
        if p is None:
            return
        for r in list(p.refunds.values()):
            self.refund_gone(self.shop.payments[p.id], r)
        for i in list(p.captures):
            self.capture_row(self.shop.payments[p.id], i)

    def again(self) -> None:
        """A refund fails, and is tried again."""
        p = self.some()
        if p is None or not p.refunds:
            return
        r = min(p.refunds.values(), key=lambda r: r.id)
        self.refund_step(p, r, "anna", "sent" if r.status in ("new", "failed") else "failed")

    # ------------------------------------------------------------ refunds that have rows

    def refund_row(self) -> None:
        p = self.some()
        if p is None:
            return
        who = self.rng.choice(PEOPLE[:3])
        some = list(p.refunds.values())
        if some and self.chance(0.6):
            self.refund_step(p, self.rng.choice(some), who)
            return
        left = (self.captured(p) or ZERO) - self.refunded(p)
        amount = self.an_amount(p.currency, left if left > 0 else self.units("5"))
        status = self.rng.choice(["new", "sent", "sent", "failed"])
        number = self.next_refund
        self.next_refund += 1

        def change(b: Books) -> None:
            x = b.payments[p.id]
            r = Refund(number, amount, status, {who})
            if amount <= 0 or not self.at_scale(amount, p.currency, self.back_places):
                raise Refused("23R04", "23R01", "42501")
            x.refunds[number] = r
            self.enter(b, x, r, "")

        sql = f"INSERT INTO refund VALUES ({number}, {p.id}, {self.text(amount)}, '{status}')"
        self.attempt([sql], change, who)

    def enter(self, b: Books, p: Payment, r: Refund, before: str) -> None:
        """A refund is in a status now that it was not in before."""
        if r.status != "failed" and before in ("", "failed"):
            if self.refunded(p) > (self.captured(p) or ZERO):
                raise Refused("23R01", "42501")
        if r.status in ("sent", "paid") and before not in ("sent", "paid"):
            if not self.at_scale(r.amount, p.currency, self.back_places):
                raise Unsaid  # it was one in another currency
            r.passed += 1
            self.rise(b, p, r.amount, r.people)

    def refund_step(self, p: Payment, r: Refund, who: str, to: str = "") -> None:
        to = to or self.rng.choice(["new", "sent", "sent", "paid", "failed", "failed", "gone"])
        if to == "gone":
            self.refund_gone(p, r)
            return

        def change(b: Books) -> None:
            x = b.payments[p.id]
            y = x.refunds[r.id]
            before, y.status = y.status, to
            if to == "new" and before != "new":
                y.people.add(who)
            if before == "failed" and not self.at_scale(y.amount, x.currency, self.back_places):
                raise Unsaid
            self.enter(b, x, y, before)

        if to == r.status:
            return
        self.attempt([f"UPDATE refund SET status = '{to}' WHERE id = {r.id}"], change, who)

    def refund_gone(self, p: Payment, r: Refund) -> None:
        def change(b: Books) -> None:
            x = b.payments[p.id]
            if r.status != "failed" and not self.deletable and not self.is_test(p):
                raise Refused("23R07")
            if r.status in ("sent", "paid"):
                if r.passed > 1 or not self.deletable:
                    b.murky.add(p.id)
                else:
                    # it makes room
                    for one in b.passes:
                        if (one.key, one.currency, one.amount) == (p.id, p.currency, r.amount):
                            b.passes.remove(one)
                            break
            elif r.status == "new" and r.passed:
                b.murky.add(p.id)
            del x.refunds[r.id]

        self.attempt([f"DELETE FROM refund WHERE id = {r.id}"], change)

    def refund_other(self) -> None:
        """In the other table; and then less is captured than both have, or just as much."""
        if not self.both:
            return
        p = self.some()
        if p is not None and self.refunded(p) == sum(p.others.values(), ZERO) and self.chance(0.7):
            # of the one table alone, nobody can tell what both have
            self.focus = p.id
            self.one_refund(self.units(self.rng.choice(["10", "15"])))
            self.focus = None
            p = self.shop.payments.get(p.id)
        if p is None:
            return
        left = (self.captured(p) or ZERO) - self.refunded(p)
        amount = self.rng.choice([left, self.units("10"), self.units("10"), left + 1])
        number = self.next_refund
        self.next_refund += 1

        def change(b: Books) -> None:
            x = b.payments[p.id]
            x.others[number] = amount
            if amount <= 0 or not self.at_scale(amount, x.currency, self.back_places):
                raise Refused("23R04", "23R01")
            if self.refunded(x) > (self.captured(x) or ZERO):
                raise Refused("23R01")
            # what has passed there counts for the thresholds here
            b.passes.append(Pass(p.id, x.currency, amount, time.monotonic()))

        sql = f"INSERT INTO refund_b VALUES ({number}, {p.id}, {self.text(amount)})"
        done = self.attempt([sql], change)
        q = self.shop.payments[p.id]
        if not (done or q.others) or self.kind not in ("column", "bare"):
            return
        own = self.refunded(q) - sum(q.others.values(), ZERO)
        beside = sum(q.others.values(), ZERO)
        most = max(own, beside)
        to = self.rng.choice([own, beside, most, most, most + (own + beside - most) // 2])
        self.attempt(
            [self.write(q, {"captured": self.text(to)})],
            lambda b: self.set(b, q, "anna", captured=to),
        )

    # ------------------------------------------------------------ two sessions, rules, time

    def money_race(self) -> None:
        """Whoever changes what counts of a payment waits for whoever does: captures, refunds."""
        p = self.some()
        if p is None or self.kind != "captures" or self.shape != "rows":
            return
        some: list[tuple[list[str], Callable[[Books], None]]] = []
        left = p.amount - (self.captured(p) or ZERO)
        room = (self.captured(p) or ZERO) - self.refunded(p)

        def captured(number: int, amount: Decimal) -> Callable[[Books], None]:
            def change(b: Books) -> None:
                x = b.payments[p.id]
                x.captures[number] = (amount, "done")
                self.in_limits(x)

            return change

        for _ in range(2):
            if left > 0:
                number = self.next_capture
                self.next_capture += 1
                amount = self.rng.choice([left, left, self.units("10")])
                sql = f"INSERT INTO capture VALUES ({number}, {p.id}, {self.text(amount)}, 'done')"
                some.append(([sql], captured(number, amount)))
        if room > 0 and self.both:
            number = self.next_refund
            self.next_refund += 1
            amount = self.rng.choice([room, self.units("10")])

            def change(b: Books) -> None:
                x = b.payments[p.id]
                x.others[number] = amount
                if not self.at_scale(amount, x.currency, self.back_places):
                    raise Refused("23R04")
                if self.refunded(x) > (self.captured(x) or ZERO):
                    raise Refused("23R01")
                b.passes.append(Pass(p.id, x.currency, amount, time.monotonic()))

            some.append(
                ([f"INSERT INTO refund_b VALUES ({number}, {p.id}, {self.text(amount)})"], change)
            )
        for i, (amount, status) in p.captures.items():
            if status == "done":

                def fails(b: Books, i: int = i, amount: Decimal = amount) -> None:
                    x = b.payments[p.id]
                    x.captures[i] = (amount, "failed")
                    self.in_limits(x)

                some.append(([f"UPDATE capture SET status = 'failed' WHERE id = {i}"], fails))
        if len(some) < 2:
            return
        (first, one), (second, other) = self.rng.sample(some, 2)
        trial = copy.deepcopy(self.shop)
        try:
            one(trial)
            other(copy.deepcopy(self.shop))
        except (Refused, Unsaid):
            return
        self.must(f"BEGIN;\nSELECT paysafe.act_as('anna');\n{first[0]}", True, "", "b")
        waits = "BEGIN;\nSET LOCAL lock_timeout = '40ms';\nSELECT paysafe.act_as('bert');\n"
        self.must(f"{waits}{second[0]};\nCOMMIT", False, "55P03")
        undone = self.chance(0.3)
        self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
        if not undone:
            self.shop = trial
        if first != second:
            self.attempt(second, other, "bert")

    def beside(self) -> None:
        """Two pay back of one payment at the same time; the second waits for the first."""
        p = self.some()
        if p is None or self.shape != "running" or p.id in self.shop.murky:
            return
        left = (self.captured(p) or p.amount) - p.back
        rises = [self.an_amount(p.currency, left) for _ in (1, 2)]
        if min(rises) <= 0:
            return
        sql = [
            f"UPDATE pay SET back = coalesce(back, 0) + {self.text(x)} WHERE id = {p.id}"
            for x in rises
        ]
        trial = copy.deepcopy(self.shop)
        try:
            self.set(trial, trial.payments[p.id], "anna", back=p.back + rises[0])
        except (Refused, Unsaid):
            return
        self.must(f"BEGIN;\nSELECT paysafe.act_as('anna');\n{sql[0]}", True, "", "b")
        waits = "BEGIN;\nSET LOCAL lock_timeout = '40ms';\nSELECT paysafe.act_as('bert');\n"
        self.must(f"{waits}{sql[1]};\nCOMMIT", False, "55P03")
        snapshot = self.chance(0.5)
        if snapshot:
            self.must(
                "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT paysafe.act_as('bert');\nSELECT count(*) FROM"
                " pay",
                True,
                "",
            )
        undone = self.chance(0.3)
        self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
        if not undone:
            now = time.monotonic()
            for x in trial.passes:
                x.ended = x.ended or now
            self.shop = trial
            if snapshot:
                self.must(sql[1], False, "40001")
                return
        if snapshot:
            self.must("ROLLBACK", True, "")
        q = self.shop.payments[p.id]
        self.attempt([sql[1]], lambda b: self.set(b, q, "bert", back=q.back + rises[1]), "bert")

    def order_race(self) -> None:
        """Who adds a payment, and who says what of its order is a test, wait for each other."""
        if self.test_by != "order" or self.watched:
            return
        i = self.rng.choice(list(self.orders))
        used = any(p.order == i for p in self.shop.payments.values())
        status = "new" if self.machine else "paid"
        number = self.next_id
        self.next_id += 1
        amount = self.units("120")
        if self.kind == "column":
            status = "new"
        new = Payment(number, 1, "pay", status, amount, amount, ZERO, "EUR", i, False)
        if self.kind == "status" and status == "paid":
            new.was = True
        add = (
            f"INSERT INTO pay VALUES ({number}, 1, '{status}', {self.text(amount)}, {self.text(amount)}, 0,"
            f" 'EUR', {i}, false, 'x')"
        )
        turn = f"UPDATE orders SET test = NOT test WHERE id = {i}"
        short = "BEGIN;\nSET LOCAL lock_timeout = '40ms';\n"
        if used or self.chance(0.5):
            self.must(f"BEGIN;\n{add}", True, "", "b")
            self.must(f"{short}{turn};\nCOMMIT", False, "23R03 55P03")
            undone = self.chance(0.3)
            self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
            if not undone:
                self.shop.payments[number] = new
            if self.must(turn, undone and not used, "23R03"):
                self.orders[i] = not self.orders[i]
            return
        self.must(f"BEGIN;\n{turn}", True, "", "b")
        self.must(f"{short}{add};\nCOMMIT", False, "55P03")
        undone = self.chance(0.3)
        self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
        if not undone:
            self.orders[i] = not self.orders[i]
        self.must(add, True, "")
        self.shop.payments[number] = new

    def by_table(self, what: str) -> None:
        self.by_two(what, "", "refund", ("42501",))

    def redeclare(self) -> None:
        """The rule says something else about what may fall or go."""
        if not self.shop.payments:
            return
        if not self.minor and self.chance(0.4):
            # other decimals are loosening, whether more or fewer
            was, self.back_places = self.back_places, 5 if self.back_places is None else None
            sql = self.refund_rule(self.deletable)
            self.back_places = was
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('clerk');\nSELECT {sql};\nCOMMIT",
                False,
                "42501 23514 22023",
                "owner",
            )
            return
        to = not self.deletable
        what = f"PERFORM {self.refund_rule(to)};"
        if to:
            self.by_table(what)
        else:
            self.must(f"DO $$BEGIN {what} END$$", True, "", "owner")
        self.deletable = to

    def lower(self) -> None:
        """A threshold is lower from now on; not higher by one person alone."""
        if not self.shop.payments:
            return
        currency, amount = self.rng.choice(self.named())
        higher = self.threshold(currency, amount + self.units("1"))
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('clerk');\nSELECT {higher};\nCOMMIT",
            False,
            "42501",
            "owner",
        )
        new = amount - self.units("5")
        if new <= 0 or self.chance(0.5):
            return
        self.must(f"SELECT {self.threshold(currency, new)}", True, "", "owner")
        self.thresholds[currency] = new

    def later(self) -> None:
        """The period is over."""
        if self.period == SHORT and self.shop.passes:
            time.sleep(SHORT + 0.05)

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        columns = (
            "id, region, status, amount, captured, coalesce(back, 0), currency, order_id, test"
        )
        got = sorted(self.ask(f"SELECT {columns} FROM pay"))
        want = sorted(
            (p.id, p.region, p.status, p.amount, p.captured, p.back, p.currency, p.order, p.test)
            for p in self.shop.payments.values()
        )
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")
        if self.shape == "rows":
            rows = {i: (p, a, s) for i, p, a, s in self.ask("SELECT * FROM refund")}
            all_of_them = {
                r.id: (p.id, r.amount, r.status)
                for p in self.shop.payments.values()
                for r in p.refunds.values()
            }
            if rows != all_of_them:
                raise Found("rows", f"{rows} are there, it should be {all_of_them}")
        if self.both:
            others = {i: (p, a) for i, p, a in self.ask("SELECT * FROM refund_b")}
            wanted = {
                i: (p.id, a) for p in self.shop.payments.values() for i, a in p.others.items()
            }
            if others != wanted:
                raise Found("rows", f"{others} are there, it should be {wanted}")

    def evidence(self) -> None:
        """Each rise is an event; what is left of approvals is in sight; check() is green."""
        b = self.shop
        root = "refund" if self.shape == "rows" else "pay"
        if not b.murky:
            got = sorted(
                self.ask(
                    "SELECT payment, currency, amount FROM paysafe.refund_event WHERE relation ="
                    f" '{root}'::regclass AND event IN ('gated', 'recorded')"
                )
            )
            if self.shape != "rows":
                want = sorted((str(x.key), x.currency, x.amount) for x in b.passes)
                if got != want:
                    raise Found("events", f"{got} are on record, it should be {want}")
        open_ones = sorted(
            self.ask(
                "SELECT payment, currency, amount, approver FROM paysafe.approval WHERE relation ="
                f" '{root}'::regclass AND state = 'open'"
            )
        )
        wanted = sorted((str(a.key), a.currency, a.amount, a.person) for a in b.approvals)
        if open_ones != wanted:
            raise Found("approvals", f"{open_ones} are open, it should be {wanted}")
        bad = [
            r
            for r in self.ask(
                "SELECT check_name, subject, detail FROM paysafe.check() WHERE NOT ok AND subject LIKE"
                f" '{self.schema}.%'"
            )
            if r[0] not in ("breaches", "captured", "mode")
        ]
        # the status of a gate that no machine knows
        free = self.shape == "rows" or self.shape == "whole" and not self.machine
        if free != bool([r for r in bad if r[0] == "statuses"]):
            raise Found("check", f"check() says {bad}, nothing else")
        bad = [r for r in bad if r[0] != "statuses"]
        if bad:
            raise Found("check", f"check() says {bad}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        for _ in range(3):
            self.add()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "story": 6,
    "over_again": 5,
    "refund_other": 2,
    "money_race": 2,
    "add": 2,
    "status": 2,
    "capture": 1,
    "refund": 6,
    "fall": 2,
    "rekey": 1.5,
    "coin": 1.5,
    "revalue": 0.7,
    "move": 1,
    "retest": 1,
    "reorder": 1,
    "remove": 2,
    "approve": 2,
    "approve_and_refund": 4,
    "beside": 1.5,
    "redeclare": 0.5,
    "order_race": 1,
    "lower": 0.5,
    "later": 1,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of refunds without rows, and of what has passed?"""
    return random.Random(f"running or not {seed}").random() < 0.12
