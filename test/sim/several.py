"""Plays of a table whose rows are refunds by several rules: of payments, of deposits, of both, payouts.

By doc/reference.md (protect_refund, its `rule`): each rule has rows, a reference, a status, a gate,
thresholds and approvals of its own; what a row is by one says nothing of what it is by the other, but that
rules of the same payments add up together.  A model of each rule says what passes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import modelled
from commands import APP, OWNER, Found
from running import Refused, Unsaid

ZERO = Decimal(0)
PEOPLE = ("anna", "bert", "carl", "dora", "emil")
REFERENCE = {"pay": "pay_id", "dep": "dep_id", "": "payee"}
HELD = Decimal(120)  # of each payment and deposit


@dataclass
class Rule:
    name: str
    of: str  # table; "" for payouts
    kinds: tuple[str, ...]
    status: str  # its column
    gated: tuple[str, ...]
    thresholds: dict[str, Decimal]
    approvers: int
    bands: dict[str, tuple[Decimal, int]] = field(default_factory=dict)  # above more, by more

    @property
    def group(self) -> str:
        """What is added up together."""
        return self.of or self.name


@dataclass(frozen=True)
class Row:
    id: int
    kind: str
    pay_id: int | None
    dep_id: int | None
    payee: str | None
    amount: Decimal
    currency: str
    status: str
    state: str
    note: str | None = None


@dataclass
class Life:
    """What a row is by a rule."""

    people: set[str] = field(default_factory=set)  # who has requested it
    writers: set[str] = field(default_factory=set)  # who has changed what approvals are of
    fixed: bool = False  # it has passed by approvals
    passed: bool = False


@dataclass
class Approval:
    rule: str
    person: str
    key: str
    currency: str
    amount: Decimal
    row: int = 0  # 0: given in advance
    content: tuple[Any, ...] = ()


@dataclass
class Books:
    """The model."""

    rows: dict[int, Row] = field(default_factory=dict)
    lives: dict[tuple[int, str], Life] = field(default_factory=dict)
    passes: list[tuple[str, str, str, Decimal, str]] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)


class Play(modelled.Play):
    """Rows that are refunds of several things."""

    there: Books

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.own = self.chance(0.5)  # deposits have a status column of their own
        self.later = self.chance(0.3)  # ... or a gate of their own
        self.shared = self.chance(0.5)  # another rule of the same payments
        self.payouts = self.chance(0.5)
        self.nameless = self.chance(0.7)  # one rule has no name of its own
        self.there = Books()
        self.next_id = 1
        units = 100 if self.minor else 1
        self.units = Decimal(units)
        names = ["refund" if self.nameless else "refund_order", "refund_deposit"]
        gate = ("sent", "paid")
        both = self.chance(0.7)
        self.ruled = {
            names[0]: Rule(
                names[0], "pay", ("pay", "both") if both else ("pay",), "status", gate, {}, 1
            ),
            names[1]: Rule(
                names[1],
                "dep",
                ("dep", "both") if both else ("dep",),
                "state" if self.own else "status",
                ("paid",) if self.later else gate,
                {},
                1,
            ),
        }
        if self.shared:
            self.ruled["refund_fee"] = Rule("refund_fee", "pay", ("fee",), "status", gate, {}, 1)
        if self.payouts:
            self.ruled["refund_out"] = Rule(
                "refund_out",
                "",
                ("out", "dep") if self.chance(0.3) else ("out",),
                "status",
                gate,
                {},
                1,
            )
        for r in self.ruled.values():
            r.approvers = rng.choice([1, 1, 2])
            r.thresholds = {"EUR": Decimal(rng.choice([20, 50, 80])) * units}
            if self.chance(0.4):
                r.thresholds["USD"] = Decimal(30) * units
        # drawn apart, so that what a seed plays otherwise stays
        apart = random.Random(f"{rng.getstate()[1][0]} bands")
        for r in self.ruled.values():
            for currency, amount in r.thresholds.items():
                if apart.random() < 0.4:
                    more = amount + apart.choice([5, 20, 60]) * units
                    r.bands[currency] = more, min(r.approvers + apart.choice([0, 1, 1]), 3)
        self.coins = {("pay", 1): "EUR", ("pay", 2): "USD", ("dep", 1): "EUR", ("dep", 2): "EUR"}

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        money = "bigint" if self.minor else "numeric(14,2)"
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve_refund, paysafe.approve TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        amount = self.text(HELD * self.units)
        statements = [
            *(
                f"CREATE TABLE {t} (id int PRIMARY KEY, held {money} NOT NULL, currency text NOT NULL)"
                for t in ("pay", "dep")
            ),
            f"CREATE TABLE ret (id int PRIMARY KEY, kind text, pay_id int, dep_id int, payee text, amount {money},"
            " currency text, status text, state text, note text)",
            *(f"CREATE INDEX ON ret ({c})" for c in ("pay_id", "dep_id", "payee")),
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
            *(
                f"SELECT paysafe.protect_payment('{t}', NULL, 'held', currency_column => 'currency')"
                for t in ("pay", "dep")
            ),
            *(f"INSERT INTO {t} VALUES ({i}, {amount}, '{c}')" for (t, i), c in self.coins.items()),
            *(f"SELECT {self.rule(r)}" for r in self.ruled.values()),
            *(
                f"SELECT {self.threshold(r, c, a)}"
                for r in self.ruled.values()
                for c, a in r.thresholds.items()
            ),
            *(
                f"SELECT {self.band(r, c, *band)}"
                for r in self.ruled.values()
                for c, band in r.bands.items()
            ),
        ]
        self.must(";\n".join(statements), True, "", "owner")
        if self.chance(0.6):
            r = self.rng.choice([r for r in self.ruled.values() if r.of])
            kinds = (r.kinds[-1], "more") if self.chance(0.7) else (r.kinds[0],)
            self.must(f"SELECT {self.rule(r, 'refund_twice', kinds)}", False, "22023", "owner")

    def rule(self, r: Rule, name: str = "", kinds: tuple[str, ...] = ()) -> str:
        names = ", ".join(f'"{k}"' for k in kinds or r.kinds)
        of = f"'{r.of}'" if r.of else "NULL"
        name = name or r.name
        more = f", rule => '{name}'" if name != "refund" else ""
        key = ", payment_key => 'id'" if r.of else ""
        gate = ",".join(r.gated)
        return (
            f"paysafe.protect_refund('ret', {of}, '{REFERENCE[r.of]}', 'amount', 'currency', '{r.status}', gated =>"
            f" '{{{gate}}}', void => '{{failed}}', rows => '{{\"kind\": [{names}]}}'{key}{more})"
        )

    def threshold(self, r: Rule, currency: str, amount: Decimal) -> str:
        more = f", rule => '{r.name}'" if r.name != "refund" or self.chance(0.3) else ""
        return f"paysafe.set_refund_threshold('ret', '{currency}', {self.text(amount)}, approvers => {r.approvers}{more})"

    def band(self, r: Rule, currency: str, amount: Decimal, approvers: int) -> str:
        more = f", rule => '{r.name}'" if r.name != "refund" else ""
        return (
            f"paysafe.set_refund_threshold('ret', '{currency}', {self.text(amount)}, approvers =>"
            f" {approvers}, band => 'large'{more})"
        )

    def text(self, amount: Decimal) -> str:
        return format(amount, "f")

    # ------------------------------------------------------------ the model

    def holding(self, row: Row) -> list[Rule]:
        return [r for r in self.ruled.values() if row.kind in r.kinds]

    def status_of(self, r: Rule, row: Row) -> str:
        return row.state if r.status == "state" else row.status

    def key_of(self, r: Rule, row: Row) -> Any:
        return getattr(row, REFERENCE[r.of])

    def content(self, r: Rule, row: Row, seen: Row) -> tuple[Any, ...]:
        """What an approval is of: all but the status, also that of another rule that holds for the row."""
        judged = {x.status for x in self.holding(seen)} | {r.status}
        out = [
            (c, getattr(row, c))
            for c in ("kind", "pay_id", "dep_id", "payee", "amount", "currency", "note")
        ]
        out += [(c, getattr(row, c)) for c in ("status", "state") if c not in judged]
        return tuple(out)

    def counted(self, b: Books, r: Rule, key: Any, currency: str) -> Decimal:
        return sum(
            (a for g, k, c, a, _ in b.passes if (g, k, c) == (r.group, str(key), currency)), ZERO
        )

    def total(self, b: Books, r: Rule, key: Any) -> Decimal:
        """Not void, by any rule of these payments."""
        return sum(
            (
                row.amount
                for row in b.rows.values()
                for x in self.holding(row)
                if x.group == r.group
                and self.key_of(x, row) == key
                and self.status_of(x, row) != "failed"
            ),
            ZERO,
        )

    def needed(self, b: Books, r: Rule, row: Row) -> int:
        total = self.counted(b, r, self.key_of(r, row), row.currency) + row.amount
        if row.currency not in r.thresholds:
            return 1
        above = [(r.thresholds[row.currency], r.approvers), *([r.bands[row.currency]] if row.currency in r.bands else [])]
        return max((n for amount, n in above if total > amount), default=0)

    def usable(self, b: Books, r: Rule, row: Row, old: Row | None) -> list[Approval]:
        """By persons who are none of those who requested it; its own first, then what leaves least over."""
        life = b.lives[row.id, r.name]
        own, ahead = [], []
        for a in b.approvals:
            if a.rule != r.name or a.person in life.people:
                continue
            if a.row:
                if old is not None and a.row == row.id and self.is_of(a, r, old):
                    if self.content(r, row, old) == self.content(r, old, old):
                        own.append(a)
            elif a.person in life.writers:
                continue
            elif (a.key, a.currency) == (str(self.key_of(r, row)), row.currency):
                if a.amount >= row.amount:
                    ahead.append(a)
        out: list[Approval] = []
        for a in [*own, *sorted(ahead, key=lambda a: a.amount)]:
            if all(x.person != a.person for x in out):
                out.append(a)
        return out

    def is_of(self, a: Approval, r: Rule, row: Row) -> bool:
        return a.content == (self.status_of(r, row), *self.content(r, row, row))

    def change(self, b: Books, old: Row | None, new: Row, who: str) -> None:
        """A row comes or changes; each rule that holds judges it."""
        wrong: set[str] = set()
        b.rows[new.id] = new
        gates: list[Rule] = []
        for r in self.ruled.values():
            was = old is not None and old.kind in r.kinds
            if new.kind not in r.kinds:
                if was:
                    wrong.add("23R03")
                continue
            if was and old is not None:
                wrong |= self.stays(b, r, old, new)
                if self.content(r, new, old) != self.content(r, old, old):
                    b.lives[new.id, r.name].writers.add(who)
            else:
                b.lives[new.id, r.name] = Life({who})
                wrong |= self.possible(r, new)
            before = self.status_of(r, old) if was and old is not None else ""
            now = self.status_of(r, new)
            if now != "failed" and before in ("", "failed"):
                if before == "failed":
                    b.lives[new.id, r.name].people.add(who)
                    b.lives[new.id, r.name].writers = set()
                if r.of and not wrong and self.total(b, r, self.key_of(r, new)) > HELD * self.units:
                    wrong.add("23R01")
            if before and (before == "failed") != (now == "failed"):
                b.approvals = [a for a in b.approvals if (a.rule, a.row) != (r.name, new.id)]
            if now in r.gated and before not in r.gated:
                gates.append(r)
            elif before in r.gated and now not in (*r.gated, "failed"):
                raise Unsaid
            elif now == "failed":
                b.lives[new.id, r.name].passed = b.lives[new.id, r.name].fixed = False
        short = []
        for r in gates:
            if not wrong:
                short.append(self.passes(b, r, old, new))
        if wrong:
            raise Refused(*wrong, "42501")
        if any(short):
            raise Refused("42501")

    def stays(self, b: Books, r: Rule, old: Row, new: Row) -> set[str]:
        names = (REFERENCE[r.of], "amount", "currency")
        if any(getattr(old, n) != getattr(new, n) for n in names):
            return {"23R03", "23R01", "23R02"}
        if not b.lives[old.id, r.name].fixed:
            return set()
        if self.status_of(r, new) == "failed":
            raise Unsaid  # what becomes void and something else at once
        # what was empty may be filled
        before, after = dict(self.content(r, old, old)), dict(self.content(r, new, old))
        return (
            {"23R03"}
            if any(v is not None and after.get(c) != v for c, v in before.items())
            else set()
        )

    def possible(self, r: Rule, new: Row) -> set[str]:
        out = set()
        key = self.key_of(r, new)
        if key is None or r.of and (r.of, key) not in self.coins:
            out |= {"23R06", "23R04"}
        elif r.of and self.coins[r.of, key] != new.currency:
            out.add("23R02")
        if new.amount == 0 or new.amount < 0 and r.of:
            out.add("23R04")
        return out

    def passes(self, b: Books, r: Rule, old: Row | None, new: Row) -> bool:
        """It enters the gate; true: somebody has to approve it before."""
        was = old if old is not None and old.kind in r.kinds else None
        life = b.lives[new.id, r.name]
        needed = self.needed(b, r, new)
        use = self.usable(b, r, new, was)[:needed]
        if len(use) < needed:
            return True
        b.approvals = [
            a
            for a in b.approvals
            if not any(a is x for x in use) and (a.rule, a.row) != (r.name, new.id)
        ]
        life.passed = True
        life.fixed = needed > 0
        b.passes.append((r.group, str(self.key_of(r, new)), new.currency, new.amount, r.name))
        return False

    # ------------------------------------------------------------ doing it

    def literal(self, value: Any) -> str:
        if value is None:
            return "NULL"
        return self.text(value) if isinstance(value, Decimal) else f"'{value}'"

    def an_amount(self, r: Rule, key: Any, currency: str) -> Decimal:
        """Around what is left, and around the threshold."""
        rng, b = self.rng, self.there
        left = HELD * self.units - self.total(b, r, key)
        limit = r.thresholds.get(currency, Decimal(10) * self.units)
        room = limit - self.counted(b, r, key, currency)
        base = rng.choice([left, room, room, limit, Decimal(10) * self.units])
        amount = base + rng.choice([ZERO, ZERO, Decimal(1)])
        return amount if amount > 0 else Decimal(rng.choice([1, 5])) * self.units

    # ------------------------------------------------------------ acts

    def add(self) -> None:
        rng = self.rng
        kinds = sorted({k for r in self.ruled.values() for k in r.kinds} | {"none"})
        kind = rng.choice([*kinds, *kinds, "none", "both" if "both" in kinds else "pay"])
        i = self.next_id
        self.next_id += 1
        row = Row(i, kind, None, None, None, ZERO, "EUR", "new", "new")
        ruling = self.holding(row)
        for r in ruling:
            # of both: in one currency
            key: Any = rng.choice(
                [1, 1, 2] if r.of and len(ruling) < 2 else [1] if r.of else ["m1", "m2"]
            )
            if self.chance(0.03):
                key = 99 if r.of else None
            row = replace(row, **{REFERENCE[r.of]: key})
            if r.of and key != 99:
                row = replace(row, currency=self.coins[r.of, key])
        if self.chance(0.05):
            row = replace(row, currency="USD" if row.currency == "EUR" else "EUR")
        r = rng.choice(ruling) if ruling else next(iter(self.ruled.values()))
        row = replace(row, amount=self.an_amount(r, self.key_of(r, row), row.currency))
        if self.chance(0.4):
            row = replace(row, note="a")
        start = rng.choice(["new", "new", "sent", "failed"])
        row = replace(row, status=start)
        if self.own:
            row = replace(row, state=rng.choice(["new", "new", "sent"]))
        who = rng.choice(PEOPLE[:3])
        names = list(row.__dataclass_fields__)
        values = ", ".join(self.literal(getattr(row, n)) for n in names)
        self.attempt(
            [f"INSERT INTO ret ({', '.join(names)}) VALUES ({values})"],
            lambda b: self.change(b, None, row, who),
            who,
        )

    def some(self) -> Row | None:
        rows = list(self.there.rows.values())
        return self.rng.choice(rows) if rows else None

    def update(self, row: Row, who: str, **columns: Any) -> bool:
        sets = ", ".join(f"{c} = {self.literal(v)}" for c, v in columns.items())
        plain = f"UPDATE ret SET {sets} WHERE id = {row.id}"
        sql = self.rng.choice(
            [
                plain,
                plain,
                f"MERGE INTO ret USING (SELECT {row.id} AS k) s ON ret.id = s.k WHEN MATCHED THEN UPDATE SET {sets}",
                f"WITH u AS ({plain} RETURNING 1) SELECT count(*) FROM u",
            ]
        )
        return self.attempt(
            [sql], lambda b: self.change(b, b.rows[row.id], replace(row, **columns), who), who
        )

    def move(self) -> None:
        """By one rule, by another one, by both at once."""
        row = self.some()
        if row is None:
            return
        self.move_on(row)

    def move_on(self, row: Row) -> None:
        rng = self.rng
        to = rng.choice(["wait", "sent", "sent", "paid", "failed", "new"])
        columns = {"status": to}
        if self.own and self.chance(0.6):
            columns = {"state": rng.choice(["wait", "sent", "paid", "paid", "failed", "new"])}
            if self.chance(0.3):
                columns["status"] = to
        if all(getattr(row, c) == v for c, v in columns.items()):
            return
        self.update(row, rng.choice(PEOPLE[:3]), **columns)

    def remark(self) -> None:
        """What the row says changes: what was approved is not it any more."""
        row = self.some()
        if row is not None:
            new = self.rng.choice([n for n in ("a", "b", None) if n != row.note])
            self.update(row, "anna", note=new)

    def become(self) -> None:
        """A row comes to a rule, or leaves it."""
        row = self.some()
        if row is None:
            return
        kinds = sorted({k for r in self.ruled.values() for k in r.kinds} | {"none"})
        more = ["both"] * 3 if row.kind in ("pay", "dep") and "both" in kinds else []
        kind = self.rng.choice([k for k in kinds if k != row.kind] + more)
        new = replace(row, kind=kind)
        columns: dict[str, Any] = {"kind": kind}
        for r in self.holding(new):
            if self.key_of(r, row) is None:
                columns[REFERENCE[r.of]] = 1 if r.of else "m1"
        self.update(row, self.rng.choice(PEOPLE[:3]), **columns)

    def alter(self) -> None:
        row = self.some()
        if row is not None and self.holding(row):
            what = self.rng.choice(["amount", "reference"])
            if what == "amount":
                self.update(row, "anna", amount=row.amount + 1)
                return
            r = self.rng.choice(self.holding(row))
            other: Any = (2 if self.key_of(r, row) == 1 else 1) if r.of else "m3"
            self.update(row, "anna", **{REFERENCE[r.of]: other})

    def approve(self) -> None:
        row = self.some()
        waits = [r for x in self.there.rows.values() for r in self.waiting(x)]
        if row is None or not waits:
            return
        row = self.rng.choice([x for x in self.there.rows.values() if self.waiting(x)])
        self.approve_row(row, self.rng.choice(PEOPLE))

    def waiting(self, row: Row) -> list[Rule]:
        """By these rules it has not passed, and could."""
        return [r for r in self.holding(row) if self.status_of(r, row) not in (*r.gated, "failed")]

    def approve_row(self, row: Row, person: str) -> None:
        rules = self.waiting(row)

        def change(b: Books) -> None:
            mine = [person in b.lives[row.id, r.name].people for r in rules]
            if any(mine):
                # one call is for all of them
                raise Refused("42501")
            if any(person in b.lives[row.id, r.name].writers for r in rules):
                raise Refused("42501")  # what he has changed
            for r in rules:
                content = (self.status_of(r, row), *self.content(r, row, row))
                if any((a.rule, a.person, a.row) == (r.name, person, row.id) for a in b.approvals):
                    raise Unsaid
                b.approvals.append(
                    Approval(
                        r.name,
                        person,
                        str(self.key_of(r, row)),
                        row.currency,
                        row.amount,
                        row.id,
                        content,
                    )
                )

        self.attempt([f"SELECT paysafe.approve('ret', '{row.id}', 'seen')"], change, person)

    def approve_ahead(self) -> None:
        rng = self.rng
        r = rng.choice(list(self.ruled.values()))
        key: Any = rng.choice([1, 2] if r.of else ["m1", "m2"])
        currency = self.coins[r.of, key] if r.of else "EUR"
        amount = self.an_amount(r, key, currency)
        person = rng.choice(PEOPLE[1:])
        more = f", rule => '{r.name}'" if r.name != "refund" or self.chance(0.3) else ""

        def change(b: Books) -> None:
            if r.of and amount > HELD * self.units:
                raise Refused("22023")
            if any((a.key, a.amount, a.rule) == (str(key), amount, r.name) for a in b.approvals):
                raise Unsaid  # which of two alike is used
            b.approvals.append(Approval(r.name, person, str(key), currency, amount))

        sql = f"SELECT paysafe.approve_refund('ret', '{key}', {self.text(amount)}, '{currency}', 'agreed'{more})"
        self.attempt([sql], change, person)

    def pay_out(self) -> None:
        """As it should be: a row that waits is approved, and moves; or something comes between."""
        some = [x for x in self.there.rows.values() if self.waiting(x)]
        if not some:
            self.add()
            return
        row = self.rng.choice(some)
        for person in self.rng.sample(PEOPLE, 3):
            self.approve_row(row, person)
        if self.own and self.chance(0.3):
            self.elsewhere(row)
        elif self.chance(0.3):
            getattr(self, self.rng.choice(["remark", "move", "become", "add"]))()
        row = self.there.rows.get(row.id, row)
        for _ in range(2):
            row = self.there.rows.get(row.id, row)
            rules = self.waiting(row)
            if not rules:
                return
            r = self.rng.choice(rules)
            self.update(row, self.rng.choice(PEOPLE[:3]), **{r.status: self.rng.choice(r.gated)})

    def elsewhere(self, row: Row) -> None:
        """A status that is no rule's of this row is content like any other."""
        judged = {r.status for r in self.holding(row)}
        for column in ("status", "state"):
            if column not in judged and self.holding(row):
                to = self.rng.choice(
                    [w for w in ("wait", "sent", "new") if w != getattr(row, column)]
                )
                self.update(row, "anna", **{column: to})

    def comes_later(self) -> None:
        """A row of one rule comes to another one, by somebody else; whoever brought it approves it, or not."""
        if "both" not in {k for r in self.ruled.values() for k in r.kinds}:
            return
        some = [x for x in self.there.rows.values() if x.kind in ("pay", "dep") and self.waiting(x)]
        if not some:
            self.add()
            return
        row = self.rng.choice(some)
        columns: dict[str, Any] = {"kind": "both"}
        for r in self.holding(replace(row, kind="both")):
            if self.key_of(r, row) is None:
                columns[REFERENCE[r.of]] = 1
        who = self.rng.choice(PEOPLE[:4])
        if self.update(row, who, **columns):
            row = self.there.rows[row.id]
            if self.waiting(row):
                self.approve_row(row, self.rng.choice([who, who, *PEOPLE]))

    def remove(self) -> None:
        row = self.some()
        if row is None:
            return

        def change(b: Books) -> None:
            if any(self.status_of(r, row) != "failed" for r in self.holding(row)):
                raise Refused("23R07")
            b.approvals = [a for a in b.approvals if a.row != row.id]
            del b.rows[row.id]

        self.attempt([f"DELETE FROM ret WHERE id = {row.id}"], change, "anna")

    def declare(self) -> None:
        """Rules of the same payments exclude each other; a threshold is not higher by one person alone."""
        r = self.rng.choice(list(self.ruled.values()))
        if not self.there.passes:
            return
        if r.of and self.chance(0.5):
            sql = self.rule(r, "refund_twice", (r.kinds[-1], "more"))
            self.must(f"SELECT {sql}", False, "22023", "owner")
            return
        currency = self.rng.choice(list(r.thresholds))
        higher = self.threshold(r, currency, r.thresholds[currency] + 1)
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('clerk');\nSELECT {higher};\nCOMMIT",
            False,
            "42501",
            "owner",
        )
        if currency in r.bands:
            amount, approvers = r.bands[currency]
            for less in (
                self.band(r, currency, amount + 1, approvers),
                self.band(r, currency, amount, approvers).replace(self.text(amount), "NULL"),
            ):
                self.must(f"SELECT {less}", False, "42501", "owner")
            if amount > 10:
                self.must(f"SELECT {self.band(r, currency, amount - 5, approvers)}", True, "", "owner")
                r.bands[currency] = amount - 5, approvers
        new = r.thresholds[currency] - 5
        if new > 0 and self.chance(0.5):
            self.must(f"SELECT {self.threshold(r, currency, new)}", True, "", "owner")
            r.thresholds[currency] = new

    def beside(self) -> None:
        """Refunds of one payment wait for each other, by whatever rule; of others they do not."""
        rng = self.rng
        rules = [r for r in self.ruled.values() if r.of]
        a, b = rng.choice(rules), rng.choice(rules)
        key, other = rng.choice([1, 2]), rng.choice([1, 2])
        rows = []
        for r, k in ((a, key), (b, other)):
            self.next_id += 1
            row = Row(self.next_id, r.kinds[0], None, None, None, self.units, "EUR", "new", "new")
            named: dict[str, Any] = {REFERENCE[r.of]: k, "currency": self.coins[r.of, k]}
            row = replace(row, **named)
            if len(self.holding(row)) > 1:
                return
            rows.append(row)
        self.next_id += 1
        if any(
            self.total(self.there, r, k) + 2 * self.units > HELD * self.units
            for r, k in ((a, key), (b, other))
        ):
            return
        sql = []
        for row in rows:
            names = list(row.__dataclass_fields__)
            values = ", ".join(self.literal(getattr(row, n)) for n in names)
            sql.append(f"INSERT INTO ret ({', '.join(names)}) VALUES ({values})")
        same = (a.of, key) == (b.of, other)
        self.must(f"BEGIN;\nSELECT paysafe.act_as('anna');\n{sql[0]}", True, "", "b")
        wait = f"BEGIN;\nSELECT paysafe.act_as('bert');\nSET LOCAL lock_timeout = '60ms';\n{sql[1]};\nCOMMIT"
        if self.must(wait, not same, "55P03"):
            self.change(self.there, None, rows[1], "bert")
        self.must("COMMIT", True, "", "b")
        self.change(self.there, None, rows[0], "anna")

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        names = list(Row.__dataclass_fields__)
        got = sorted(self.ask(f"SELECT {', '.join(names)} FROM ret"))
        want = sorted(tuple(getattr(r, n) for n in names) for r in self.there.rows.values())
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def evidence(self) -> None:
        b = self.there
        got = sorted(
            self.ask(
                "SELECT rule, payment, currency, amount FROM paysafe.refund_event WHERE relation ="
                " 'ret'::regclass AND event = 'gated'"
            )
        )
        want = sorted((rule, key, currency, amount) for _, key, currency, amount, rule in b.passes)
        if got != want:
            raise Found("events", f"{got} are on record, it should be {want}")
        pending = sorted(
            self.ask(
                "SELECT rule, key FROM paysafe.pending_approval WHERE relation = 'ret'::regclass AND key IS NOT NULL"
            )
        )
        waits = sorted(
            (r.name, str(row.id))
            for row in b.rows.values()
            for r in self.waiting(row)
            if len(self.usable(b, r, row, row)) < self.needed(b, r, row)
        )
        if pending != waits:
            raise Found("pending", f"{pending} are pending, it should be {waits}")
        open_ones = sorted(
            self.ask(
                "SELECT rule, approver, coalesce(key, payment) FROM paysafe.approval WHERE relation ="
                " 'ret'::regclass AND state = 'open'"
            )
        )
        wanted = sorted(
            (a.rule, a.person, str(a.row) if a.row else a.key)
            for a in b.approvals
            if not a.row or self.is_of(a, self.ruled[a.rule], b.rows[a.row])
        )
        if open_ones != wanted:
            raise Found("approvals", f"{open_ones} are open, it should be {wanted}")
        bad = [
            r
            for r in self.ask(
                "SELECT check_name, subject, detail FROM paysafe.check() WHERE NOT ok AND subject LIKE"
                f" '{self.schema}.%'"
            )
            if r[0] != "statuses"
        ]
        if bad:
            raise Found("check", f"check() says {bad}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        for _ in range(2):
            self.add()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "add": 5,
    "move": 5,
    "pay_out": 6,
    "comes_later": 2,
    "approve": 2,
    "approve_ahead": 2,
    "remark": 1.5,
    "become": 1.5,
    "alter": 1,
    "remove": 1,
    "declare": 0.7,
    "beside": 1,
}

SHARE = 0.05  # of the seeds


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of several rules on one table?"""
    return random.Random(f"several or not {seed}").random() < SHARE
