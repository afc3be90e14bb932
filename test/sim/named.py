"""Plays of statuses and money that stand elsewhere than in a column of their own, and of what they freeze.

By doc/reference.md (protect_status, its status_path; protect_columns; places; protect_payment; protect_refund):
statuses are texts, or keys of a table that names them, several of one name; amounts and currencies stand in
columns, within jsonb as numbers or texts, in lists, in composite types.  Machines have ways back: what was
frozen once stays so, whichever way a row goes.  A model of each row says what passes.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import accounts
from commands import APP, OWNER, Found
from running import Refused, Unsaid

ZERO = Decimal(0)
STATES = ("new", "sent", "paid", "done", "lost")
WAITS = ("new", "wait", "sent", "paid", "failed")  # of refunds
EDGES = [("new", "sent"), ("new", "paid"), ("sent", "paid"), ("paid", "done"), ("sent", "lost")]
BACK = [("sent", "new"), ("paid", "new"), ("paid", "sent"), ("done", "paid"), ("lost", "new")]
LIMIT = Decimal(50)
SCALE = {"EUR": 2, "JPY": 0}


@dataclass
class Refund:
    id: int
    amount: Decimal
    status: str
    note: str | None
    n: int  # what stands beside the amount
    people: set[str]
    approved: tuple[str, str, tuple[object, ...]] | None = None  # by whom, in which status, what
    fixed: bool = False  # it has passed by an approval


@dataclass
class Payment:
    id: int
    status: str
    amount: Decimal
    currency: str
    note: str
    n: int
    left: bool = False  # its initial status, or it was captured
    once: bool = False  # in a status that freezes columns
    refunds: dict[int, Refund] = field(default_factory=dict)
    passed: Decimal = ZERO


Books = dict[int, Payment]


class Play(accounts.Play):
    """Payments and refunds whose statuses and amounts are kept in other ways."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.by = {t: rng.choice(["text", "uuid", "uuid", "bigint"]) for t in ("pay", "refund")}
        self.place = {
            t: rng.choice(["column", "json", "text", "list", "composite"])
            for t in ("pay", "refund")
        }
        self.coin = rng.choice(["own", "beside", "constant"])
        self.initial = frozenset(rng.choice([("new",), ("new",), ("new", "sent")]))
        edges = [*EDGES, *(e for e in BACK if self.chance(0.6))]
        self.edges = frozenset(edges)
        self.captured = frozenset(rng.choice([("paid", "done"), ("paid",), ("done",)]))
        self.once = frozenset(
            rng.choice([("paid",), ("sent",), ("sent", "paid"), ("lost", "paid")])
        )
        self.deletable = frozenset(s for s in STATES if s not in self.captured and self.chance(0.4))
        self.first_rule = self.chance(0.5)  # columns are frozen before the payment rule comes
        self.keys: dict[str, list[str]] = {}  # of each name
        self.numbered = 0
        self.next_id = self.next_refund = 1
        self.there: Books = {}
        self.renamed = False

    # ------------------------------------------------------------ tables

    def key_type(self, t: str) -> str:
        return self.by[t]

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        statements = ["CREATE TYPE price AS (amount numeric, currency text)"]
        rows = []
        for kind in ("uuid", "bigint"):
            statements.append(f"CREATE TABLE state_{kind} (id {kind} PRIMARY KEY, name text)")
            for name in sorted({*STATES, *WAITS}):
                for _ in range(self.rng.choice([1, 1, 2])):
                    rows.append(self.name_it(kind, name))
        statements += rows
        for t, more in (("pay", ""), ("refund", ", pay_id int REFERENCES pay")):
            status = (
                "text" if self.by[t] == "text" else f"{self.by[t]} REFERENCES state_{self.by[t]}"
            )
            price = {"column": "numeric", "composite": "price"}.get(self.place[t], "jsonb")
            statements.append(
                f"CREATE TABLE {t} (id int PRIMARY KEY, status {status}, price {price}, currency text, note text{more})"
            )
        statements += [
            "CREATE INDEX ON refund (pay_id)",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
        ]
        columns = (
            "SELECT paysafe.protect_columns('pay', '{note}', once_status => "
            f"'{{{','.join(sorted(self.once))}}}')"
        )
        machine = "\n".join(
            [
                *(f"[*] --> {s}" for s in sorted(self.initial)),
                *(f"{a} --> {b}" for a, b in sorted(self.edges)),
            ]
        )
        statements.append(
            f"SELECT paysafe.protect_status('pay', 'status', '{machine}',"
            f" '{{{','.join(sorted(self.deletable))}}}'{self.path('pay')})"
        )
        pays = (
            f"SELECT paysafe.protect_payment('pay', 'status', '{self.amount_at('pay')}', captured =>"
            f" '{{{','.join(sorted(self.captured))}}}'{self.coin_at()}{self.path('pay')})"
        )
        statements += [columns, pays] if self.first_rule else [pays, columns]
        statements += [
            f"SELECT paysafe.protect_refund('refund', 'pay', 'pay_id', '{self.amount_at('refund')}', status_column =>"
            f" 'status', gated => '{{sent,paid}}', void => '{{failed}}'{self.path('refund')})",
            *(
                f"SELECT paysafe.set_refund_threshold('refund', '{c}', {LIMIT})"
                for c in SCALE
                if self.coin != "constant" or c == "EUR"
            ),
        ]
        self.must(";\n".join(statements), True, "", "owner")

    def name_it(self, kind: str, name: str) -> str:
        """One more key of a name."""
        self.numbered += 1
        key = (
            str(self.numbered)
            if kind == "bigint"
            else f"00000000-0000-7000-8000-{self.numbered:012d}"
        )
        self.keys.setdefault(f"{kind} {name}", []).append(key)
        return f"INSERT INTO state_{kind} VALUES ('{key}', '{name}')"

    def path(self, t: str) -> str:
        return "" if self.by[t] == "text" else ", status_path => '{name}'"

    def amount_at(self, t: str) -> str:
        return {
            "column": "price",
            "json": "price->total",
            "text": "price->total",
            "list": "price->units->0->value",
            "composite": "price->amount",
        }[self.place[t]]

    def coin_at(self) -> str:
        if self.coin == "constant":
            return ", currency => 'EUR'"
        place = {
            "column": "currency",
            "composite": "price->currency",
            "list": "price->units->0->code",
        }
        at = place.get(self.place["pay"], "price->code") if self.coin == "beside" else "currency"
        return f", currency_column => '{at}'"

    def status(self, t: str, name: str) -> str:
        """As it is stored, by one of its keys."""
        if self.by[t] == "text":
            return f"'{name}'"
        return f"'{self.rng.choice(self.keys[f'{self.by[t]} {name}'])}'"

    def price(self, t: str, amount: Decimal | None, currency: str, n: int) -> str:
        """An amount as it is stored, with what stands beside it."""
        at = self.place[t]
        text = "NULL" if amount is None else format(amount, "f")
        if at == "column":
            return text
        if at == "composite":
            return f"ROW({text}, '{currency}')::price"
        number = "null" if amount is None else text
        if at == "text" and amount is not None:
            number = f'"{text}"'
        if at == "list":
            inner = f'{{"units": [{{"value": {number}, "code": "{currency}"}}, {{"value": 7}}], "n": {n}}}'
        else:
            inner = f'{{"total": {number}, "code": "{currency}", "n": {n}}}'
        return f"'{inner}'"

    # ------------------------------------------------------------ the model

    def attempt(self, sql: str, change: Callable[[Books], None], who: str = "anna") -> bool:
        trial = copy.deepcopy(self.there)
        codes: tuple[str, ...] = ()
        try:
            change(trial)
        except Refused as r:
            codes = r.codes
        except Unsaid:
            return False
        begin = f"BEGIN;\nSELECT paysafe.act_as('{who}')"
        if self.chance(0.15):
            begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT paysafe.act_as('{who}')"
        if self.chance(0.2) and not codes:
            begin += f";\nSAVEPOINT s;\n{sql};\nROLLBACK TO s"
        end = "ROLLBACK" if self.chance(0.08) and not codes else "COMMIT"
        if self.must(f"{begin};\n{sql};\n{end}", not codes, " ".join(codes)) and end == "COMMIT":
            self.there = trial
            return True
        return False

    def at_scale(self, amount: Decimal, currency: str) -> bool:
        return amount % Decimal(1).scaleb(-SCALE[currency]) == 0

    def counted(self, p: Payment) -> Decimal:
        return p.amount if p.status in self.captured else ZERO

    def refunded(self, p: Payment) -> Decimal:
        return sum((r.amount for r in p.refunds.values() if r.status != "failed"), ZERO)

    def arrives(self, p: Payment) -> None:
        """What a payment's status says of what becomes of it."""
        if p.status not in self.initial or p.status in self.captured:
            p.left = True
        if p.status in self.once:
            p.once = True

    def some(self) -> Payment | None:
        return self.rng.choice(list(self.there.values())) if self.there else None

    # ------------------------------------------------------------ acts

    def add(self) -> None:
        rng = self.rng
        currency = "EUR" if self.coin == "constant" else rng.choice(["EUR", "EUR", "JPY"])
        amount = Decimal(rng.choice(["100", "100", "60", "100.50", "100.505"]))
        status = rng.choice([*self.initial, *self.initial, *self.initial, *STATES])
        new = Payment(self.next_id, status, amount, currency, rng.choice("ab"), 1)
        self.next_id += 1

        def change(b: Books) -> None:
            if status not in self.initial:
                raise Refused("23T02")
            if not self.at_scale(amount, currency):
                raise Refused("23R04")
            self.arrives(new)
            b[new.id] = new

        values = (
            f"{new.id}, {self.status('pay', status)}, {self.price('pay', amount, currency, 1)}, '{currency}',"
            f" '{new.note}'"
        )
        self.attempt(f"INSERT INTO pay VALUES ({values})", change)

    def strange(self) -> None:
        """What is no amount, and a status that has no name."""
        i = self.next_id
        self.next_id += 1
        status = self.status("pay", sorted(self.initial)[0])
        if self.place["pay"] in ("json", "text", "list") and self.chance(0.7):
            bad = self.rng.choice(
                ['"1e2"', '" 1"', '"+1"', '"1."', "[1]", "true", '"-1"', "-1", "null", '""']
            )
            price = f'{{"total": {bad}, "code": "EUR"}}'
            if self.place["pay"] == "list":
                price = f'{{"units": [{{"value": {bad}, "code": "EUR"}}]}}'
            row = f"({i}, {status}, '{price}', 'EUR', 'a')"
            self.must(f"INSERT INTO pay VALUES {row}", False, "23R04")
            return
        kind = self.by["pay"]
        if kind == "text":
            row = f"({i}, 'no status', {self.price('pay', LIMIT, 'EUR', 1)}, 'EUR', 'a')"
            self.must(f"INSERT INTO pay VALUES {row}", False, "23T04 23T02")
            return
        # a key that came later, whatever it is called
        said = self.rng.choice(STATES)
        self.must(self.name_it(kind, said), True, "", "owner")
        key = self.keys[f"{kind} {said}"].pop()
        self.renamed = True
        row = f"({i}, '{key}', {self.price('pay', LIMIT, 'EUR', 1)}, 'EUR', 'a')"
        self.must(f"INSERT INTO pay VALUES {row}", False, "23T04 23T02")

    def rename(self) -> None:
        """Names that change later say nothing of the rows."""
        kind = self.by["pay"]
        if kind == "text":
            return
        name = self.rng.choice(STATES)
        key = self.rng.choice(self.keys[f"{kind} {name}"])
        to = self.rng.choice([s for s in STATES if s != name])
        self.must(f"UPDATE state_{kind} SET name = '{to}' WHERE id = '{key}'", True, "", "owner")
        self.renamed = True

    def move(self) -> None:
        p = self.some()
        if p is not None:
            ways = sorted(b for a, b in self.edges if a == p.status)
            self.move_to(p, self.rng.choice([*ways, *ways, *ways, *STATES]))

    def move_to(self, p: Payment, to: str, note: str = "") -> None:
        def change(b: Books) -> None:
            x = b[p.id]
            wrong: set[str] = set()
            if to != x.status and (x.status, to) not in self.edges:
                wrong.add("23T01")
            if note and note != x.note and (x.once or to in self.once):
                if not x.once:
                    raise Unsaid  # both at once
                wrong.add("23R03")
            if x.status in self.captured and to not in self.captured and self.refunded(x) > 0:
                wrong.add("23R01")
            if wrong:
                raise Refused(*wrong)
            # its initial status is the one that it began with, whatever else is one
            x.left = x.left or to != x.status
            x.status, x.note = to, note or x.note
            self.arrives(x)

        key = f"{self.by['pay']} {to}"
        plain = self.by["pay"] == "text" or len(self.keys[key]) == 1 and not self.renamed
        if not note and plain and to != p.status and self.chance(0.25):
            ambiguous = (
                self.by["pay"] != "text" and len(self.keys[f"{self.by['pay']} {p.status}"]) > 1
            )
            if not ambiguous:
                sql = f"SELECT paysafe.transition('pay', '{p.id}', '{p.status}', '{to}')"
                self.attempt(sql, change)
                return
        sets = f"status = {self.status('pay', to)}" + (f", note = '{note}'" if note else "")
        self.attempt(self.write(p.id, sets), change)

    def write(self, i: int, sets: str) -> str:
        return self.rng.choice(
            [
                f"UPDATE pay SET {sets} WHERE id = {i}",
                f"UPDATE pay SET {sets} WHERE id = {i}",
                f"MERGE INTO pay USING (SELECT {i} AS k) s ON pay.id = s.k WHEN MATCHED THEN UPDATE SET {sets}",
                f"WITH u AS (UPDATE pay SET {sets} WHERE id = {i} RETURNING 1) SELECT count(*) FROM u",
            ]
        )

    def there_and_back(self) -> None:
        """A way round, and then what was frozen on it."""
        p = self.some()
        if p is None:
            return
        for _ in range(self.rng.randint(2, 4)):
            ways = sorted(b for a, b in self.edges if a == self.there[p.id].status)
            if not ways:
                break
            back = [w for w in ways if w in ("new", "sent")]
            x = self.there[p.id]
            # into a status that freezes columns, and out of it again
            turn = [w for w in ways if (w in self.once) != (x.status in self.once)]
            self.move_to(x, self.rng.choice([*ways, *back, *turn]))
            self.look()
        x = self.there[p.id]
        left = x.once and x.status not in self.once and self.chance(0.6)
        self.edit(x, "note" if left else "")

    def change(self) -> None:
        p = self.some()
        if p is not None:
            self.edit(p)

    def edit(self, p: Payment, what: str = "") -> None:
        """A note, an amount, a currency, or what stands beside them."""
        what = what or self.rng.choice(["note", "note", "amount", "currency", "beside", "words", "key"])
        if what == "note":
            note = "b" if p.note == "a" else "a"

            def noted(b: Books) -> None:
                if b[p.id].once:
                    raise Refused("23R03")
                b[p.id].note = note

            self.attempt(self.write(p.id, f"note = '{note}'"), noted)
        elif what == "key":
            new = self.next_id
            self.next_id += 1

            def keyed(b: Books) -> None:
                if b[p.id].left or b[p.id].refunds:
                    raise Refused("23R03", "23T05", "23503")
                x = b.pop(p.id)
                x.id = new
                b[new] = x

            self.attempt(self.write(p.id, f"id = {new}"), keyed)
        elif what == "amount":
            amount = p.amount + self.rng.choice([1, -1])
            self.reprice(p, amount, p.currency, p.n)
        elif what == "currency" and self.coin != "constant":
            self.reprice(p, p.amount, "JPY" if p.currency == "EUR" else "EUR", p.n)
        elif what == "beside":
            self.reprice(p, p.amount, p.currency, p.n + 1)
        else:
            self.reprice(p, p.amount, p.currency, p.n)

    def reprice(self, p: Payment, amount: Decimal, currency: str, n: int) -> None:
        def change(b: Books) -> None:
            x = b[p.id]
            if (amount, currency) != (x.amount, x.currency):
                if x.left or currency != x.currency and x.refunds:
                    raise Refused("23R03", "23R04")
                if x.refunds:
                    raise Unsaid
                if not self.at_scale(amount, currency):
                    raise Refused("23R04")
            x.amount, x.currency, x.n = amount, currency, n

        text = self.price("pay", amount, currency, n)
        if self.place["pay"] in ("json", "text") and self.chance(0.4):
            # the same amount in other words
            digits = format(amount, "f")
            number = self.rng.choice(
                [digits, f'"{digits}"', f"{digits}{'' if '.' in digits else '.0'}0"]
            )
            text = f"""'{{"n": {n}, "code": "{currency}", "total": {number}}}'"""
        self.attempt(self.write(p.id, f"price = {text}, currency = '{currency}'"), change)

    def remove(self) -> None:
        p = self.some()
        if p is None:
            return

        def change(b: Books) -> None:
            x = b[p.id]
            if x.refunds:
                raise Refused("23503", "23R07", "23T03", "23001")
            if x.status not in self.deletable:
                raise Refused("23T03", "23R07")
            del b[p.id]

        self.attempt(f"DELETE FROM pay WHERE id = {p.id}", change)

    # ------------------------------------------------------------ refunds

    def content(self, p: Payment, r: Refund) -> tuple[object, ...]:
        return (p.id, r.amount, r.note, r.n)

    def pays(self, b: Books, p: Payment, r: Refund) -> None:
        """It enters the gate."""
        if p.passed + r.amount > LIMIT:
            a = r.approved
            if a is None or a[0] in r.people or a[2] != self.content(p, r):
                raise Refused("42501")
            r.fixed = True
        r.approved = None
        p.passed += r.amount

    def refund(self) -> None:
        p = self.some()
        if p is None:
            return
        left = self.counted(p) - self.refunded(p)
        room = LIMIT - p.passed
        amount = self.rng.choice([left, left + 1, room, room + 1, Decimal(10), Decimal("10.5")])
        if amount <= 0:
            amount = Decimal(5)
        status = self.rng.choice(["new", "new", "wait", "sent", "failed"])
        note = self.rng.choice([None, "a"])
        r = Refund(self.next_refund, amount, status, note, 1, {"anna"})
        self.next_refund += 1

        def change(b: Books) -> None:
            x = b[p.id]
            x.refunds[r.id] = r
            if not self.at_scale(amount, x.currency):
                raise Refused("23R04", "23R01")
            if status != "failed" and self.refunded(x) > self.counted(x):
                raise Refused("23R01", "42501")
            if status == "failed" and self.counted(x) == 0:
                raise Unsaid
            if status == "sent":
                self.pays(b, x, r)

        said = "NULL" if note is None else f"'{note}'"
        sql = (
            f"INSERT INTO refund VALUES ({r.id}, {self.status('refund', status)},"
            f" {self.price('refund', amount, p.currency, 1)}, NULL, {said}, {p.id})"
        )
        self.attempt(sql, change)

    def a_refund(self) -> tuple[Payment, Refund] | None:
        some = [(p, r) for p in self.there.values() for r in p.refunds.values()]
        return self.rng.choice(some) if some else None

    def approve(self) -> None:
        got = self.a_refund()
        if got is not None:
            self.approve_it(*got, self.rng.choice(["anna", "bert", "bert", "bert"]))

    def approve_it(self, p: Payment, r: Refund, who: str) -> None:
        if r.status in ("sent", "paid", "failed") or r.approved is not None:
            return

        def change(b: Books) -> None:
            x = b[p.id].refunds[r.id]
            if who in x.people:
                raise Refused("42501")
            x.approved = (who, x.status, self.content(p, x))

        self.attempt(f"SELECT paysafe.approve('refund', '{r.id}', 'seen')", change, who)

    def step(self) -> None:
        got = self.a_refund()
        if got is not None:
            p, r = got
            self.step_to(
                p,
                r,
                self.rng.choice(["new", "wait", "sent", "sent", "paid", "failed"]),
                self.chance(0.2),
            )

    def step_to(self, p: Payment, r: Refund, to: str, noted: bool = False) -> None:
        if to == r.status and not noted:
            return
        if r.status in ("sent", "paid") and to in ("new", "wait"):
            return
        note = ("b" if r.note == "a" else "a") if noted else r.note

        def change(b: Books) -> None:
            x = b[p.id]
            y = x.refunds[r.id]
            before = y.status
            if note != y.note and y.fixed and to != "failed" and y.note is not None:
                raise Refused("23R03")
            if note != y.note and (before == "failed" or to == "failed"):
                raise Unsaid
            if y.approved is not None and to != before and y.approved[1] != before:
                y.approved = None
            y.status, y.note = to, note
            if to == before:
                return
            if before == "failed":
                y.people.add("anna")
                if self.refunded(x) > self.counted(x):
                    raise Refused("23R01", "42501")
            if to == "failed" or before == "failed":
                y.approved, y.fixed = None, False
            if to in ("sent", "paid") and before not in ("sent", "paid"):
                self.pays(b, x, y)
            elif y.approved is not None:
                y.approved = None  # it was of another status
                raise Unsaid

        sets = f"status = {self.status('refund', to)}"
        if noted:
            sets += f", note = '{note}'"
        self.attempt(f"UPDATE refund SET {sets} WHERE id = {r.id}", change)

    def pay_out(self) -> None:
        """As it should be; or what was approved changes before."""
        p = self.some()
        if p is None:
            return
        waits = [r for r in p.refunds.values() if r.status in ("new", "wait")]
        if not waits:
            self.refund()
            return
        r = self.rng.choice(waits)
        self.approve_it(p, r, "bert")
        if self.chance(0.4):
            self.disturb(p.id, r.id)
        self.step_to(self.there[p.id], self.there[p.id].refunds[r.id], "sent", self.chance(0.2))

    def disturb(self, i: int, j: int) -> None:
        """A note, what stands beside the amount, the amount itself, or its status by another key."""
        p = self.there[i]
        r = p.refunds[j]
        way = self.rng.choice(["note", "beside", "amount", "status"])
        if way == "status":
            sql = f"UPDATE refund SET status = {self.status('refund', r.status)} WHERE id = {j}"
            self.attempt(sql, lambda b: None)
            return
        note = ("b" if r.note == "a" else "a") if way == "note" else r.note
        n = r.n + (way == "beside" and self.place["refund"] not in ("column", "composite"))
        amount = r.amount + (way == "amount")

        def change(b: Books) -> None:
            x = b[i].refunds[j]
            if amount != x.amount:
                raise Refused("23R03", "23R01")
            if x.fixed and (n != x.n or note != x.note and x.note is not None):
                raise Refused("23R03")
            x.note, x.n = note, n

        said = "NULL" if note is None else f"'{note}'"
        price = self.price("refund", amount, p.currency, n)
        self.attempt(f"UPDATE refund SET note = {said}, price = {price} WHERE id = {j}", change)

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        def said(t: str) -> str:
            if self.by[t] == "text":
                return "status"
            return "status::text"

        got = self.ask(f"SELECT id, {said('pay')}, price::text, note FROM pay ORDER BY id")
        for i, status, price, note in got:
            p = self.there.get(i)
            if p is None or note != p.note or not self.is_said("pay", status, p.status):
                raise Found("rows", f"{i} {status} {note} is there, it should be {p}")
            if not self.is_price("pay", price, p.amount):
                raise Found("rows", f"{i} has {price}, it should be {p.amount}")
        if len(got) != len(self.there):
            raise Found("rows", f"{got} are there, it should be {self.there}")
        want = {r.id: (p.id, r) for p in self.there.values() for r in p.refunds.values()}
        rows = self.ask(f"SELECT id, pay_id, {said('refund')}, price::text, note FROM refund")
        for i, pay, status, price, note in rows:
            if i not in want or want[i][0] != pay or note != want[i][1].note:
                raise Found(
                    "rows", f"refund {i} of {pay}, {note} is there, it should be {want.get(i)}"
                )
            r = want[i][1]
            if not self.is_said("refund", status, r.status) or not self.is_price(
                "refund", price, r.amount
            ):
                raise Found("rows", f"refund {i} is {status} {price}, it should be {r}")
        if len(rows) != len(want):
            raise Found("rows", f"{rows} are there, it should be {want}")

    def is_said(self, t: str, status: str, name: str) -> bool:
        return (
            status == name if self.by[t] == "text" else status in self.keys[f"{self.by[t]} {name}"]
        )

    def is_price(self, t: str, price: str, amount: Decimal) -> bool:
        at = self.place[t]
        if at == "column":
            return Decimal(price) == amount
        if at == "composite":
            return Decimal(price.strip("()").split(",")[0]) == amount
        there = json.loads(price, parse_float=str, parse_int=str)
        there = there["units"][0]["value"] if at == "list" else there["total"]
        return Decimal(there) == amount

    def evidence(self) -> None:
        bad = {
            r[0]
            for r in self.ask(
                f"SELECT check_name FROM paysafe.check() WHERE NOT ok AND subject LIKE '{self.schema}.%'"
            )
        }
        # of refunds, no machine knows the statuses
        if bad - {"statuses", "status_names"}:
            raise Found("check", f"check() says {bad}")
        if "status_names" in bad and not self.renamed:
            raise Found("check", f"check() says {bad}, and no name was changed")
        if self.renamed and "status_names" not in bad:
            raise Found("check", f"a name was changed, check() says {bad}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        for _ in range(3):
            self.add()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "add": 2,
    "strange": 1,
    "rename": 0.5,
    "move": 5,
    "there_and_back": 5,
    "change": 3,
    "remove": 1,
    "refund": 4,
    "step": 3,
    "approve": 1,
    "pay_out": 4,
}

SHARE = 0.05  # of the seeds


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of statuses by names, and of amounts within columns?"""
    return random.Random(f"named or not {seed}").random() < SHARE
