"""Plays of velocity, against a model: how much of one key is written within a time.

By doc/velocity.md and doc/reference.md (protect_velocity) alone: rules that refuse or observe, of rows, amounts and values,
of rows of a status or within a band, in plain tables, partitions and children; rows that are added, raised, lowered, moved to
another key or partition, deleted and added again, by INSERT, COPY, upsert, MERGE, cascades and triggers, in savepoints that are
undone, in prepared transactions, by a second session at every isolation level; rules that become tighter at once and looser by
two; windows that pass; a server that crashes; a dump that is restored.
"""

from __future__ import annotations

import copy
import random
import subprocess
import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import psycopg

import tabled
from commands import APP, BIN, OWNER, SUPER, Found

KEYS = ("int", "bigint", "text", "uuid", "varchar(60)")
TREES = ("plain", "plain", "list", "child")
STATUSES = ("paid", "declined", "moved")
LONG, SHORT = 3600.0, 2.0
PLACES = 3  # partitions


@dataclass(frozen=True)
class Row:
    customer: int | None  # 1 to 3
    shop: str | None
    card: str | None
    amount: Decimal | None
    status: str
    place: int


@dataclass(frozen=True)
class Rule:
    name: str
    key: tuple[str, ...]
    maximum: Decimal
    within: float
    counts: str
    column: str = ""
    band: tuple[Decimal, Decimal] | None = None
    statuses: tuple[str, ...] = ()
    refuses: bool = True

    def key_of(self, r: Row) -> tuple[Any, ...] | None:
        out = tuple(getattr(r, c) for c in self.key)
        return None if None in out else out

    def amount_of(self, r: Row | None) -> Decimal:
        """What a row counts for, as an amount."""
        return r.amount if r is not None and r.amount is not None and r.amount > 0 else Decimal(0)

    def has(self, r: Row | None) -> bool:
        """Is it one of those that count?"""
        if r is None or self.key_of(r) is None or self.statuses and r.status not in self.statuses:
            return False
        if self.band is not None:
            return r.amount is not None and self.band[0] <= r.amount < self.band[1]
        return True

    def event(self, old: Row | None, new: Row | None) -> tuple[Decimal, str | None] | None:
        """What a change adds for the key of the new row: an amount or a value."""
        if new is None or not self.has(new):
            return None
        came = old is None or not self.has(old) or self.key_of(old) != self.key_of(new)
        if self.counts == "rows":
            return (Decimal(1), None) if came else None
        if self.counts == "amount":
            more = self.amount_of(new) - (Decimal(0) if came else self.amount_of(old))
            return (more, None) if more > 0 else None
        value = getattr(new, self.column)
        if value is None or not came and old is not None and getattr(old, self.column) == value:
            return None
        return Decimal(1), str(value)

    def text(self) -> str:
        keys = self.key[0] if len(self.key) == 1 else f"{{{','.join(self.key)}}}"
        more = f", '{self.column}'" if self.column else ""
        if self.band is not None:
            more += f", {self.band[0]}, {self.band[1]}"
        if self.statuses:
            words = ", ".join(f'"{s}"' for s in self.statuses)
            more += f", rows => '{{\"status\": [{words}]}}'"
        mode = "refuse" if self.refuses else "observe"
        return (
            f"SELECT paysafe.protect_velocity('charge', '{keys}', {self.maximum}, '{self.within:.0f} s',"
            f" '{self.counts}'{more}, rule => '{self.name}', mode => '{mode}')"
        )


@dataclass(frozen=True)
class Flow:
    """What has counted, and between which times."""

    early: float
    late: float
    amount: Decimal
    value: str | None


Key = tuple[str, tuple[Any, ...]]  # rule and values


@dataclass
class Model:
    rows: dict[int, Row] = field(default_factory=dict)
    flows: dict[Key, list[Flow]] = field(default_factory=dict)


@dataclass
class Change:
    """A statement, and what it makes of which rows."""

    sql: str
    rows: list[tuple[int, Row | None]]


def total(flows: list[Flow]) -> Decimal:
    values = {f.value for f in flows if f.value is not None}
    return Decimal(len(values)) if values else sum((f.amount for f in flows), Decimal(0))


class Play(tabled.Play):
    """A table of charges under rules of velocity, and who writes it."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.tree = rng.choice(TREES)
        self.key_type = rng.choice(KEYS)
        self.cents = self.chance(0.3)
        self.cascades = self.chance(0.5) and self.tree != "child"
        self.traps = self.chance(0.4)
        self.refusing = self.chance(0.7)
        self.breaks = restarts(self.seed)
        names = rng.sample(["velocity", "velocity_a", "velocity_b"], rng.choice([1, 1, 2, 3]))
        self.rules = {n: self.a_rule(n) for n in names}
        self.m = Model()
        self.next, self.gid, self.copies = 1, 0, 0
        self.refused = 0
        self.watched: dict[Key, list[Decimal | str]] = {}
        self.over: dict[Key, int] = {}
        self.perhaps: dict[Key, int] = {}
        self.unsure = False  # a transaction failed in between

    def a_rule(self, name: str) -> Rule:
        rng = self.rng
        counts = rng.choice(["rows", "rows", "amount", "amount", "values"])
        keys: tuple[str, ...] = rng.choice(
            [("customer",), ("customer",), ("customer", "shop"), ("shop",)]
        )
        column, maximum = "", Decimal(rng.choice([2, 3, 4]))
        band = None
        if counts == "values":
            column = "card"
            if self.chance(0.3):
                keys, column = ("card",), "customer"
        elif counts == "amount":
            column, maximum = "amount", Decimal(rng.choice([100, 250]))
        if counts != "values" and self.chance(0.3):
            column, band = "amount", (Decimal(40), Decimal(60))
        statuses: tuple[str, ...] = rng.choice([(), (), ("declined",), ("paid", "declined")])
        # whose end values see to by themselves
        short = self.refusing and self.chance(0.5 if counts == "values" else 0.3)
        within = SHORT if short else LONG
        return Rule(name, keys, maximum, within, counts, column, band, statuses, self.refusing)

    @staticmethod
    def alone(seed: int) -> bool:
        return restarts(seed)

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        self.begin_schema()
        key = "id, place" if self.tree == "list" else "id"
        by = " PARTITION BY LIST (place)" if self.tree == "list" else ""
        refers = (
            " REFERENCES customer ON UPDATE CASCADE ON DELETE SET NULL" if self.cascades else ""
        )
        money = "int" if self.cents else "numeric(12,2)"
        made = [
            f"CREATE TABLE customer (code {self.key_type} PRIMARY KEY)",
            f"INSERT INTO customer VALUES {', '.join(f'({self.code(i)})' for i in (1, 2, 3))}",
            f"CREATE TABLE charge (id int, customer {self.key_type}{refers}, shop text, card text, amount {money},"
            f" status text DEFAULT 'paid', place int NOT NULL DEFAULT 1, PRIMARY KEY ({key})){by}",
        ]
        if self.tree == "list":
            made += [
                f"CREATE TABLE charge_{i} PARTITION OF charge FOR VALUES IN ({i})"
                for i in range(1, PLACES + 1)
            ]
        elif self.tree == "child":
            made.append("CREATE TABLE charge_child (PRIMARY KEY (id)) INHERITS (charge)")
        if self.traps:
            made += [
                "CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.status = 'moved'"
                f" THEN NEW.customer := {self.code(1)}; END IF; RETURN NEW; END$$",
                "CREATE TRIGGER zz_give BEFORE INSERT OR UPDATE ON charge FOR EACH ROW EXECUTE FUNCTION give()",
            ]
            if self.tree == "child":
                made.append(
                    "CREATE TRIGGER zz_give BEFORE INSERT OR UPDATE ON charge_child FOR EACH ROW EXECUTE FUNCTION give()"
                )
        made += [r.text() for r in self.rules.values()]
        made.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        self.must(";\n".join(made), True, "", "owner")

    def code(self, i: int | None) -> str:
        """A customer as the column has it."""
        if i is None:
            return "NULL"
        if self.key_type == "uuid":
            return f"'00000000-0000-0000-0000-{i:012}'"
        return str(i) if "int" in self.key_type else f"'c{i}'"

    def row_values(self, i: int, r: Row) -> str:
        def text(v: str | None) -> str:
            return "NULL" if v is None else f"'{v}'"

        amount = "NULL" if r.amount is None else str(r.amount)
        return f"({i}, {self.code(r.customer)}, {text(r.shop)}, {text(r.card)}, {amount}, '{r.status}', {r.place})"

    # ------------------------------------------------------------ the model

    def as_stored(self, r: Row) -> Row:
        """As it is when triggers have seen it."""
        return replace(r, customer=1) if self.traps and r.status == "moved" else r

    def apply(self, m: Model, changes: list[Change], early: float, late: float) -> set[Key]:
        """The model goes on; the keys for which something has counted."""
        touched = set()
        for c in changes:
            for i, new in c.rows:
                old = m.rows.get(i)
                if new is None:
                    m.rows.pop(i, None)
                    continue
                new = self.as_stored(new)
                m.rows[i] = new
                for rule in self.rules.values():
                    got = rule.event(old, new)
                    key = rule.key_of(new)
                    if got is not None and key is not None:
                        m.flows.setdefault((rule.name, key), []).append(Flow(early, late, *got))
                        touched.add((rule.name, key))
        return touched

    def verdict(
        self, before: Model, m: Model, touched: set[Key], began: float, now: float
    ) -> tuple[bool, bool]:
        """May it pass?  May it be refused?"""
        may_pass, may_fail = True, False
        for key in touched:
            rule = self.rules[key[0]]
            if not rule.refuses:
                continue
            flows, had = m.flows[key], len(before.flows.get(key, []))
            surely = [f for f in flows if f.early > now - rule.within]
            perhaps = [f for f in flows if f.late > began - rule.within]
            if total(surely) > rule.maximum:
                values = {f.value for f in flows[:had]}
                # who is over already, since it was lowered, and brings nothing new: nobody says
                if rule.counts != "values" or any(f.value not in values for f in flows[had:]):
                    may_pass = False
                may_fail = True
            elif total(perhaps) > rule.maximum:
                may_fail = True
        return may_pass, may_fail

    def watch(self, changes: list[Change], before: Model) -> None:
        """What is only observed counts whatever becomes of it."""
        rows = dict(before.rows)
        for c in changes:
            came: dict[Key, list[Decimal | str]] = {}
            for i, new in c.rows:
                old = rows.get(i)
                if new is None:
                    rows.pop(i, None)
                    continue
                rows[i] = new = self.as_stored(new)
                for rule in self.rules.values():
                    got, key = rule.event(old, new), rule.key_of(new)
                    if not rule.refuses and got is not None and key is not None:
                        came.setdefault((rule.name, key), []).append(
                            got[0] if got[1] is None else got[1]
                        )
            for at, some in came.items():
                self.watch_key(at, some)

    def watch_key(self, at: Key, came: list[Decimal | str]) -> None:
        """Of one statement, whose rows come in any order."""
        rule, seen = self.rules[at[0]], self.watched.setdefault(at, [])

        def much() -> Decimal:
            values = {x for x in seen if isinstance(x, str)}
            return (
                Decimal(len(values))
                if values
                else sum((x for x in seen if isinstance(x, Decimal)), Decimal(0))
            )

        before = much()
        seen += came
        after = much()
        if after <= rule.maximum:
            return
        least = 1 if rule.counts == "amount" else int(after - max(before, rule.maximum))
        if before > rule.maximum and rule.counts != "values":
            least = len(came)
        if least:
            self.over[at] = self.over.get(at, 0) + least
        if least < len(came):
            self.perhaps[at] = self.perhaps.get(at, 0) + len(came) - least

    def full(self) -> bool:
        """Sums that are observed are exact for 32 rows in a window."""
        return any(len(x) > 24 for x in self.watched.values())

    # ------------------------------------------------------------ statements

    def a_row(self) -> Row:
        rng = self.rng
        amount = rng.choice([0, 10, 39, 40, 45, 50, 59, 60, 90, 100, -5, None])
        money = None if amount is None else Decimal(amount)
        if money and not self.cents and self.chance(0.3):
            money += Decimal("0.99")
        place = rng.randint(1, PLACES) if self.tree == "list" else 1
        status = rng.choices(STATUSES, [5, 4, 1])[0]
        return Row(
            rng.choice([1, 1, 2, 3, None]),
            rng.choice(["x", "x", "X", None]),
            rng.choice(["p", "q", "r", "R", None]),
            money,
            status,
            place,
        )

    def table(self) -> str:
        return self.rng.choice(["charge", "charge_child"]) if self.tree == "child" else "charge"

    def changed(self, r: Row) -> Row:
        """One column, or two."""
        rng, out = self.rng, r
        for _ in range(rng.choice([1, 1, 2])):
            other = self.a_row()
            name = rng.choice(["customer", "shop", "card", "amount", "amount", "status", "place"])
            if name == "amount" and r.amount is not None and self.chance(0.5):
                out = replace(out, amount=r.amount + rng.choice([-20, 10, 30]))
            else:
                out = replace(out, **{name: getattr(other, name)})
        return out

    def set_list(self, r: Row) -> str:
        v = self.row_values(0, r)[1:-1].split(", ")
        names = ["id", "customer", "shop", "card", "amount", "status", "place"]
        return ", ".join(f"{n} = {x}" for n, x in list(zip(names, v))[1:])

    def some_id(self, m: Model) -> int | None:
        return self.rng.choice([*m.rows] or [None])

    def addition(self, m: Model) -> Change:
        n = self.rng.choice([1, 1, 1, 2, 3])
        like = self.a_row()
        some: list[tuple[int, Row]] = []
        for _ in range(n):
            some.append((self.next, like if self.chance(0.6) else self.a_row()))
            self.next += 1
        rows = ", ".join(self.row_values(i, r) for i, r in some)
        way = self.rng.choice(["plain", "plain", "select", "copy", "cte", "merge", "upsert"])
        t = self.table()
        sql = f"INSERT INTO {t} VALUES {rows}"
        if way == "select":
            sql = f"INSERT INTO {t} SELECT * FROM (VALUES {rows}) v"
            # NULLs alone have no type
            sql = f"INSERT INTO {t} VALUES {rows}" if "NULL" in rows or "'" in self.code(1) else sql
        elif way == "copy":
            cells = [
                (
                    i,
                    None if r.customer is None else self.code(r.customer).strip("'"),
                    r.shop,
                    r.card,
                    r.amount,
                    r.status,
                    r.place,
                )
                for i, r in some
            ]
            sql = self.copy_rows(t, cells)
        elif way == "cte":
            sql = f"WITH x AS (INSERT INTO {t} VALUES {rows} RETURNING 1) SELECT count(*) FROM x"
        elif way == "merge" and n == 1:
            v = self.row_values(*some[0])
            sql = f"MERGE INTO {t} USING (SELECT {some[0][0]} AS i) v ON id = i WHEN NOT MATCHED THEN INSERT VALUES {v}"
        elif way == "upsert" and self.tree != "list":
            sql += " ON CONFLICT (id) DO UPDATE SET amount = 1"
        return Change(sql, list(some))

    def update(self, m: Model) -> Change | None:
        i = self.some_id(m)
        if i is None:
            return None
        new = self.changed(m.rows[i])
        sets, where = self.set_list(new), f"WHERE id = {i}"
        way = self.rng.choice(["plain", "plain", "upsert", "merge", "cte", "nothing"])
        sql = f"UPDATE charge SET {sets} {where}"
        if way in ("upsert", "nothing") and self.tree == "plain":
            # a row that would count is proposed, and not added
            sql = (
                f"INSERT INTO charge VALUES {self.row_values(i, self.a_row())} ON CONFLICT (id) DO "
            )
            if way == "nothing":
                return Change(
                    sql + self.rng.choice(["NOTHING", f"UPDATE SET {sets} WHERE false"]), []
                )
            sql += f"UPDATE SET {sets}"
        elif way == "merge":
            sql = f"MERGE INTO charge USING (SELECT {i} AS i) v ON id = i WHEN MATCHED THEN UPDATE SET {sets}"
        elif way == "cte":
            sql = f"WITH x AS (UPDATE charge SET {sets} {where} RETURNING 1) SELECT count(*) FROM x"
        return Change(sql, [(i, new)])

    def many(self, m: Model) -> Change | None:
        """One statement over all of them."""
        if not m.rows:
            return None
        way = self.rng.choice(["raise", "status", "customer", "same", "place"])
        new: dict[int, Row] = {}
        status, to = self.rng.choice(STATUSES), self.rng.choice([1, 2, 3])
        for i, r in m.rows.items():
            new[i] = {
                "raise": replace(r, amount=None if r.amount is None else r.amount + 10),
                "status": replace(r, status=status),
                "customer": replace(r, customer=to),
                "same": r,
                "place": replace(r, place=1),
            }[way]
        sets = {
            "raise": "amount = amount + 10",
            "status": f"status = '{status}'",
            "customer": f"customer = {self.code(to)}",
            "same": "amount = amount, customer = customer, card = card",
            "place": "place = 1",
        }[way]
        return Change(f"UPDATE charge SET {sets}", list(new.items()))

    def delete(self, m: Model) -> list[Change]:
        """It makes no room: perhaps it comes again at once."""
        i = self.some_id(m)
        if i is None:
            return []
        out = [Change(f"DELETE FROM charge WHERE id = {i}", [(i, None)])]
        if self.chance(0.6):
            r = m.rows[i]
            out.append(Change(f"INSERT INTO charge VALUES {self.row_values(i, r)}", [(i, r)]))
        return out

    def twice(self, m: Model) -> list[Change]:
        """Lowered and raised again, or to another key and back."""
        i = self.some_id(m)
        if i is None:
            return []
        r = m.rows[i]
        less = (
            replace(r, amount=Decimal(1)) if self.chance(0.5) else replace(r, customer=2, card="z")
        )
        return [
            Change(f"UPDATE charge SET {self.set_list(x)} WHERE id = {i}", [(i, x)])
            for x in (less, r)
        ]

    def some_work(self, m: Model) -> list[Change]:
        way = self.rng.choices(
            ["addition", "update", "many", "delete", "twice"], [10, 7, 1.5, 2, 2]
        )[0]
        if way in ("delete", "twice"):
            return getattr(self, way)(m)  # type: ignore[no-any-return]
        got = getattr(self, way)(m)
        return [] if got is None else [got]

    # ------------------------------------------------------------ acts

    def write(self) -> None:
        """A transaction of one to three statements, perhaps with a savepoint that is undone, perhaps rolled back."""
        if self.full():
            return
        began = time.time()
        m = copy.deepcopy(self.m)
        steps: list[str] = []
        touched: set[Key] = set()
        tried: list[tuple[list[Change], Model]] = []
        risky = False
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            aside = copy.deepcopy(m)
            work = self.some_work(m)
            if not work:
                continue
            undone = self.chance(0.2)
            got = self.apply(aside, work, began, began + 60)
            sqls = [c.sql for c in work]
            tried.append((work, copy.deepcopy(m)))
            if undone:
                # what is undone could be refused, too, and then all is
                risky = risky or self.verdict(m, aside, got, began, began)[1]
                steps += ["SAVEPOINT s", *sqls, "ROLLBACK TO s"]
            else:
                steps += ["SAVEPOINT s", *sqls, "RELEASE s"] if self.chance(0.2) else sqls
                m, touched = aside, touched | got
        if not steps or risky and self.refusing:
            return
        single = len(steps) == 1 and self.chance(0.5)
        end = (
            "COMMIT"
            if single or self.chance(0.88)
            else self.rng.choice(["ROLLBACK", "SELECT 1 / 0"])
        )
        text = ";\n".join(steps if single else [f"BEGIN{self.isolation()}", *steps, end])
        self.done(
            text, m, touched, tried, began, end, self.rng.choice(["a", "a", "a", "owner", "super"])
        )

    def done(
        self,
        text: str,
        m: Model,
        touched: set[Key],
        tried: list[tuple[list[Change], Model]],
        began: float,
        end: str = "COMMIT",
        who: str = "a",
        more: str = "",
    ) -> bool:
        """It is said, and judged; the model goes on if it was committed."""
        code = self.run(text, who)
        return self.judged(code, text, m, touched, tried, began, end, more)

    def judged(
        self,
        code: str,
        text: str,
        m: Model,
        touched: set[Key],
        tried: list[tuple[list[Change], Model]],
        began: float,
        end: str = "COMMIT",
        more: str = "",
    ) -> bool:
        now = time.time()
        self.settle(m, began, now)
        may_pass, may_fail = self.verdict(self.m, m, touched, began, now)
        if code == "23V01" and may_fail:
            self.refused += 1
            return False
        if code in more.split() and code:
            self.unsure = True
            return False
        wanted = "22012" if "0" in end else ""
        if code != wanted:
            raise Found("legitimate" if code else "passed", f"{code or 'no refusal'}: {text}")
        if not may_pass:
            raise Found("passed", f"more than may be of a key passes: {text}")
        for work, before in tried:
            self.watch(work, before)
        if end == "COMMIT":
            self.m = m
            return True
        return False

    @staticmethod
    def settle(m: Model, began: float, now: float) -> None:
        """What was written now was not written later."""
        for flows in m.flows.values():
            flows[:] = [
                replace(f, late=now) if f.early >= began and f.late > now else f for f in flows
            ]

    def caught(self) -> None:
        """What a block has undone has not counted, where it refuses."""
        work = [self.addition(self.m)]
        if not work or work[0].sql.startswith("COPY") or not self.refusing:
            return
        began, aside = time.time(), copy.deepcopy(self.m)
        got = self.apply(aside, work, began, began + 60)
        if self.verdict(self.m, aside, got, began, began)[1]:
            return
        sql = work[0].sql.replace("SELECT count(*) FROM x", "SELECT 1 INTO n FROM x")
        self.must(
            f"DO $$DECLARE n int; BEGIN BEGIN {sql}; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END; END$$",
            True,
            "",
        )
        self.fill()

    def fill(self, like: Row | None = None, column: str = "card") -> None:
        """Of one key as much as there may be, and one more, one by one."""
        if self.full():
            return
        like = like or self.a_row()
        for _ in range(self.rng.choice([3, 5])):
            i, self.next = self.next, self.next + 1
            row = like
            if self.chance(0.7):
                other: Any = self.rng.choice([1, 2, 3] if column == "customer" else "pqrstu")
                row = replace(like, **{column: other})
            work = [
                Change(f"INSERT INTO {self.table()} VALUES {self.row_values(i, row)}", [(i, row)])
            ]
            self.one(work)

    def counted_row(self, rule: Rule) -> Row:
        """One that counts for a rule."""
        like = self.a_row()
        like = replace(
            like,
            customer=like.customer or self.rng.choice([1, 2, 3]),
            shop=like.shop or "x",
            card=like.card or "p",
        )
        status = self.rng.choice(rule.statuses or ("paid", "declined"))
        return replace(like, amount=Decimal(self.rng.choice([40, 50])), status=status)

    def one(self, work: list[Change], who: str = "a") -> bool:
        """In a transaction of its own."""
        began, m = time.time(), copy.deepcopy(self.m)
        tried = [(work, copy.deepcopy(m))]
        got = self.apply(m, work, began, began + 60)
        text = ";\n".join(["BEGIN" + self.isolation(), *[c.sql for c in work], "COMMIT"])
        return self.done(text, m, got, tried, began, who=who)

    def climb(self) -> None:
        """A row rises until it is too much; lowered in between, that counts again."""
        some = [i for i, r in self.m.rows.items() if r.amount is not None]
        if not some or self.full():
            return
        i, up = self.rng.choice(some), self.rng.choice([1, 30, 45, 70])
        for step in (up, up, -up, up, up):
            amount = self.m.rows[i].amount
            assert amount is not None
            row = replace(self.m.rows[i], amount=amount + step)
            self.one(
                [Change(f"UPDATE charge SET amount = {row.amount} WHERE id = {i}", [(i, row)])]
            )

    def cascade(self) -> None:
        """A customer gets another number: all of his rows are of another key."""
        if not self.cascades:
            return
        i = self.rng.choice([2, 3])
        gone = self.chance(0.3)
        new = None if gone else 4
        rows = [(n, replace(r, customer=new)) for n, r in self.m.rows.items() if r.customer == i]
        if self.traps and any(r.status == "moved" for _, r in rows):
            return
        sql = f"UPDATE customer SET code = {self.code(4)} WHERE code = {self.code(i)}"
        if gone:
            sql = f"DELETE FROM customer WHERE code = {self.code(i)}"
        began, m = time.time(), copy.deepcopy(self.m)
        work = [Change(sql, list(rows))]
        tried = [(work, copy.deepcopy(m))]
        got = self.apply(m, work, began, began + 60)
        if not self.done(sql, m, got, tried, began):
            return
        # and back, which counts again
        back = f"INSERT INTO customer VALUES ({self.code(i)})"
        if gone:
            self.must(back, True, "")
            return
        work = [
            Change(
                f"UPDATE customer SET code = {self.code(i)} WHERE code = {self.code(4)}",
                [(n, replace(r, customer=i)) for n, r in self.m.rows.items() if r.customer == 4],
            )
        ]
        if not self.one(work):
            sql = f"DELETE FROM charge WHERE customer = {self.code(4)}"
            self.must(
                f"{sql};\nDELETE FROM customer WHERE code = {self.code(4)};\n{back}", True, ""
            )
            self.m.rows = {n: r for n, r in self.m.rows.items() if r.customer != 4}

    # ------------------------------------------------------------ two sessions

    def ahead(self) -> tuple[Model, list[tuple[list[Change], Model]]] | None:
        """Session b has written something that passes, and is not done."""
        began, m = time.time(), copy.deepcopy(self.m)
        work = [self.addition(m)]
        tried = [(work, copy.deepcopy(m))]
        got = self.apply(m, work, began, began + 60)
        if self.full() or self.verdict(self.m, m, got, began, began)[1]:
            return None
        self.must(";\n".join([f"BEGIN{self.isolation()}", *[c.sql for c in work]]), True, "", "b")
        return m, tried

    def race(self) -> None:
        """Who writes the same key waits, and then sees what the other one has stored, whatever his snapshot is."""
        began = time.time()
        got = self.ahead()
        if got is None:
            return
        ahead, tried = got
        way, end = self.isolation(), self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
        if self.chance(0.25):
            self.gid += 1
            end = self.prepared(self.gid, end)
        same = [r for i, r in ahead.rows.items() if i not in self.m.rows]
        i, self.next = self.next, self.next + 1
        row = self.rng.choice(same)
        if self.chance(0.5):
            row = replace(row, card=self.rng.choice("pqrstu"))
        work = [Change(f"INSERT INTO charge VALUES {self.row_values(i, row)}", [(i, row)])]
        begin = f"BEGIN{way};\nSELECT count(*) FROM charge"
        self.must(begin, True, "")
        code, _ = self.behind_b(work[0].sql, end)
        now = time.time()
        for w, before in tried:
            self.watch(w, before)
        if end.startswith("COMMIT"):
            self.settle(ahead, began, now)
            self.m = ahead
        m = copy.deepcopy(self.m)
        tried = [(work, copy.deepcopy(m))]
        touched = self.apply(m, work, began, now)
        if not code:
            code = self.run("COMMIT")
        self.judged(
            code,
            f"after {end}, {way}: {work[0].sql}",
            m,
            touched,
            tried,
            began,
            more="40001" if way else "",
        )

    def old_snapshot(self) -> None:
        """What others have committed since counts."""
        if self.full():
            return
        way = self.rng.choice(tabled.SNAPSHOTS)
        self.must(f"BEGIN{way};\nSELECT count(*) FROM charge", True, "")
        like, began = self.a_row(), time.time()
        for who in ("b", "b", "a"):
            i, self.next = self.next, self.next + 1
            row = replace(like, card=self.rng.choice("pqrstu")) if self.chance(0.5) else like
            work = [Change(f"INSERT INTO charge VALUES {self.row_values(i, row)}", [(i, row)])]
            if who == "b":
                self.one(work, "b")
                continue
            m = copy.deepcopy(self.m)
            tried = [(work, copy.deepcopy(m))]
            got = self.apply(m, work, began, began + 60)
            self.done(f"{work[0].sql};\nCOMMIT", m, got, tried, began, more="40001")

    # ------------------------------------------------------------ rules, windows, the server

    def pause(self) -> None:
        """Short windows pass, and the same key has room again; what counts no more is removed, sooner or later."""
        short = [r for r in self.rules.values() if r.within == SHORT]
        if not short:
            self.must("SELECT paysafe.velocity_expire()", True, "", "super")
            self.fill()
            return
        rule = self.rng.choice(short)
        like, column = self.counted_row(rule), rule.column if rule.counts == "values" else "card"
        self.fill(like, column)
        self.run(f"SELECT pg_sleep({self.rng.choice([0.7, SHORT + 0.1, SHORT + 0.1])})", "super")
        if self.chance(0.5):
            self.must("SELECT paysafe.velocity_expire()", True, "", "super")
        self.fill(like, column)

    def tighten(self) -> None:
        """At once, and what has counted goes on counting."""
        rule = self.rng.choice(list(self.rules.values()))
        new = replace(rule, maximum=max(rule.maximum - self.rng.choice([1, 50]), Decimal(1)))
        if rule.within == LONG and self.chance(0.3):
            new = replace(rule, within=rule.within * 2)
        self.must(new.text(), True, "", "owner")
        self.rules[new.name] = new

    def loosen(self) -> None:
        """By two; by one it is refused, and nothing changes."""
        rule = self.rng.choice(list(self.rules.values()))
        new = replace(rule, maximum=rule.maximum + self.rng.choice([1, 2]))
        if not self.refusing:  # at once
            self.must(new.text(), True, "", "owner")
            self.rules[new.name] = new
        elif self.chance(0.4):
            other = self.rng.choice(
                [
                    new,
                    replace(rule, within=max(rule.within / 2, 1)),
                    replace(
                        rule, key=("shop", "card") if rule.key != ("shop", "card") else ("card",)
                    ),
                    replace(
                        rule, statuses=("paid",) if rule.statuses != ("paid",) else ("declined",)
                    ),
                    replace(rule, refuses=False),
                ]
            )
            if other.column in other.key:
                return
            self.refused_alone(other.text())
        else:
            self.refused_alone(new.text())
            self.agreed_by_two(new.text())
            self.rules[new.name] = new
        self.fill()

    def meddle(self) -> None:
        """What has counted is nobody's to change."""
        sql = self.rng.choice(
            [
                "DELETE FROM paysafe.velocity_flow",
                "UPDATE paysafe.velocity_flow SET at = at - interval '1 day'",
                "TRUNCATE paysafe.velocity_flow",
                "ALTER TABLE charge DISABLE TRIGGER USER",
                "SET session_replication_role = replica",
            ]
        )
        code = self.run(sql, "super")
        kept = any(self.m.flows.get(k) for k in self.m.flows if self.rules[k[0]].within == LONG)
        if not code and (kept or "SET" in sql) and self.refusing:
            raise Found("passed", f"no refusal: {sql}")
        self.fill()

    def crash(self) -> None:
        """A crash loses nothing of what refuses."""
        if not self.breaks or not self.refusing:
            return
        self.stop_and_start()
        self.fill()

    def restored(self) -> None:
        """The copy of a dump has the rules, and not what was counted."""
        if self.copies or not self.refusing or not self.chance(0.5):
            return
        self.copies = 1
        info = self.conns["super"].info
        here, there = info.dbname, f"{info.dbname}_copy"
        where = ["-h", info.host, "-p", str(info.port), "-U", SUPER]
        before, model, refused = self.conns, copy.deepcopy(self.m), self.refused
        self.script.append(f"-- pg_dump {here}, restored as {there}")
        with psycopg.connect(
            f"host={info.host} port={info.port} dbname=postgres user={SUPER}", autocommit=True
        ) as c:
            c.execute(f"DROP DATABASE IF EXISTS {there} WITH (FORCE)")
            c.execute(f"CREATE DATABASE {there} TEMPLATE template0")
            try:
                dump = subprocess.run([f"{BIN}pg_dump", *where, here], capture_output=True)
                subprocess.run(
                    [f"{BIN}psql", "-qX", *where, "-d", there],
                    input=dump.stdout,
                    capture_output=True,
                )
                self.conns = dict(before)
                self.conns = {
                    w: self.connected(f"host={info.host} port={info.port}", there, x.info.user)
                    for w, x in before.items()
                }
                self.m.flows = {}
                self.fill()
                self.write()
                self.look()
            finally:
                for x in self.conns.values():
                    x.close()
                self.conns, self.m, self.refused = before, model, refused
                c.execute(f"DROP DATABASE IF EXISTS {there} WITH (FORCE)")
        self.script.append("-- and in the first one again")
        self.fill()

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = self.ask(
            "SELECT id, customer::text, shop, card, amount, status, place FROM charge ORDER BY id"
        )
        want = []
        for i, r in sorted(self.m.rows.items()):
            code = None if r.customer is None else self.code(r.customer).strip("'")
            want.append((i, code, r.shop, r.card, r.amount, r.status, r.place))
        if [tuple(x) for x in got] != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def records(self) -> tuple[int, dict[str, int], int]:
        """Refusals; what was observed, by rule; signals."""
        rows = self.ask(
            "SELECT sqlstate, rule, observed, sum(count)::int FROM paysafe.refusal_log WHERE"
            f" schema_name = '{self.schema}' AND table_name LIKE 'charge%' AND sqlstate = '23V01' GROUP BY 1, 2, 3"
        )
        refused = sum(n for _, _, observed, n in rows if not observed)
        seen = {rule: n for _, rule, observed, n in rows if observed}
        signals = self.ask(
            f"SELECT coalesce(sum(count), 0)::int FROM paysafe.signal WHERE kind = 'velocity' AND segment LIKE '{self.schema}.%'"
        )[0][0]
        return refused, seen, signals

    def wrong(self) -> str:
        refused, seen, signals = self.records()
        if refused != self.refused:
            return f"{refused} refusals are on record, it should be {self.refused}"
        for rule in self.rules.values():
            if rule.refuses:
                continue
            least = sum(n for (name, _), n in self.over.items() if name == rule.name)
            most = least + sum(n for (name, _), n in self.perhaps.items() if name == rule.name)
            if not least <= seen.get(rule.name, 0) <= most:
                return f"{seen.get(rule.name, 0)} of {rule.name} were observed, it should be {least} to {most}"
        if not self.refusing:
            if not len(self.over) <= signals <= len({*self.over, *self.perhaps}):
                return f"{signals} are signals, {len(self.over)} keys had more than may be"
        elif refused and not signals:
            return "no refusal was a signal"
        return ""

    def evidence(self) -> None:
        if self.unsure and not self.refusing:
            return
        self.until_right("observed", self.wrong)

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.fill()
        self.look()
        self.evidence()


ACTS: dict[str, float] = {
    "write": 10,
    "fill": 4,
    "climb": 2.5,
    "caught": 1.5,
    "cascade": 2,
    "race": 5,
    "old_snapshot": 3,
    "pause": 2,
    "tighten": 2,
    "loosen": 1,
    "meddle": 1,
    "crash": 1.5,
    "restored": 0.5,
}


def restarts(seed: int) -> bool:
    """Does this play stop the server that it has?"""
    return tabled.stops(seed, "flows", 0.15)


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of velocity?"""
    return random.Random(f"flows or not {seed}").random() < 0.05
