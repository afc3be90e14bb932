"""Acts about money of other shapes (shapes.py): captures, movements, what leads to a
currency, approvals before there is a row, breaches."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sessions import Result, Step
from shapes import of_type
from world import Machine, Row, Rule, Table, World, columns, holds, literal, named

Act = Generator[Step, Result, None]
Write = tuple[str, str, tuple[tuple[str, Any], ...]]  # op, sql, intent


class Shapes:
    """What Actors do with them."""

    world: World
    rng: random.Random
    rules: dict[tuple[str, str, str], Rule]

    if TYPE_CHECKING:

        def chance(self, p: float) -> bool: ...
        def rows(self, t: Table) -> list[Row]: ...
        def rule(self, kind: str, table: str) -> Rule | None: ...
        def machine(self, t: Table) -> Machine | None: ...
        def amount(self, around: list[Any]) -> Decimal: ...
        def fresh_key(self, t: Table) -> Row: ...
        def new_key(self, t: Table) -> Row: ...
        def other(self, t: Table, row: Row, column: str) -> Any: ...
        def insert(self, t: Table, rows: list[Row], way: str = "") -> Write: ...
        def delete(self, t: Table, row: Row) -> Write: ...
        def update_row(
            self, t: Table, row: Row, sets: dict[str, Any], exprs: dict[str, str] | None = None
        ) -> Write: ...
        def next_status(self, t: Table, row: Row, legal: float = 0.75) -> str: ...
        def in_tx(
            self,
            n: int,
            writes: list[Callable[[], Write | None]],
            person: str | None = None,
            sure: bool = False,
        ) -> Act: ...
        def person(self) -> str: ...
        def refund_table(self) -> Table: ...
        def new_refund(self, t: Table, status: str | None = None) -> Row | None: ...
        def again(self, t: Table, row: Row) -> Row | None: ...
        def pay(self, t: Table, row: Row, sets: dict[str, Any] | None = None) -> Write | None: ...

    def only(self, t: Table, row: Row) -> Row:
        """What of it the table has columns for; and where there are more, something in them."""
        names = {c.name for c in t.columns}
        return {k: v for k, v in row.items() if k in names}

    def sorts(self, t: Table) -> list[str]:
        rule = self.rule("refund", t.name)
        types = rule.opt("types") if rule is not None else None
        return [w for _, words in types for w in words] if types else []

    # ------------------------------------------------------------ as a session sees it

    def captured_of(self, p: Row) -> Any:
        """What is captured of a payment, or about that."""
        if isinstance(p.get("captured"), Decimal):
            return p["captured"]
        total = Decimal(0)
        found = False
        for r in self.rules.values():
            counts: Callable[[Row, Rule], bool] | None = None
            if r.kind == "captures":
                counts = lambda row, r: True
            elif r.kind == "refund" and r.opt("types") and r.get("payment"):
                counts = lambda row, r: of_type(r, "capture", row)
            if counts is None:
                continue
            found = True
            for row in self.rows(self.world.tables[r.table]):
                if (
                    named(r.get("ref"), row) == named(r.get("payment_key"), p)
                    and counts(row, r)
                    and row[r.get("status")] in r.get("counted")
                    and row["amount"] is not None
                ):
                    total += row["amount"]
        if found:
            return total
        rule = self.rule("payment", "payment")
        if rule is not None and rule.get("captured_column") is None:
            return p["amount"] if p["status"] in rule.get("captured") else Decimal(0)
        return None

    def returned(self, rule: Rule, p: Row) -> Decimal:
        """What returns of a payment, over all tables."""
        total = Decimal(0)
        for r in self.rules.values():
            if r.kind == "refund" and r.get("payment") == rule.get("payment"):
                for row in self.rows(self.world.tables[r.table]):
                    if (
                        named(r.get("ref"), row) == named(rule.get("payment_key"), p)
                        and row["status"] not in r.get("void")
                        and row["amount"] is not None
                        and holds(r, row)
                    ):
                        total += abs(row["amount"])
        return total

    def shape_row(self, t: Table, rule: Rule, row: Row) -> Row:
        """A refund as its table has it."""
        if rule.opt("amounts"):
            row["amount"] = -row["amount"] if self.chance(0.95) else row["amount"]
        types = rule.opt("types")
        if types:
            row["sort"] = (
                self.rng.choice(["refund", "refund", "refund", "chargeback"])
                if self.chance(0.7)
                else self.rng.choice(self.sorts(t))
            )
        elif t.column("sort"):
            row["sort"] = "money" if self.chance(0.85) else "test"
        return t.settle(self.only(t, row))

    def changed_shape(self, rule: Rule) -> Rule:
        """What is captured, said in other words."""
        if rule.kind == "captures":
            return self.rng.choice(
                [
                    rule.with_(counted=rule.get("counted") ^ {"asked"}),
                    rule.with_(deletable=not rule.get("deletable")),
                    rule.with_(over=None if rule.get("over") else 50),
                    rule.with_(limit=None if rule.get("limit") else "amount"),
                ]
            )
        free = self.rng.choice([frozenset({"authorized"}), frozenset({"captured"}), None])
        return self.rng.choice(
            [
                rule.with_(over=None if rule.get("over") else 50),
                rule.with_(adjustable=free),
                rule.with_(captured=rule.get("captured") ^ {"refunded"}),
            ]
        )

    def changed_movements(self, rule: Rule) -> Rule:
        """What counts of movements, or what they are, in other words."""
        counted = rule.get("counted")
        types = rule.get("types")

        def other(types: Any) -> Rule:
            of = [w for v, words in types for w in words if v in ("refund", "chargeback")]
            return rule.with_(types=tuple(types), rows=(("sort", tuple(of), False),))

        return self.rng.choice(
            [
                rule.with_(counted=counted ^ {"approved"}),
                rule.with_(counted=counted ^ {self.rng.choice(["requested", "review"])}),
                other([(v, t) for v, t in types if v != "authorize"]),
                other([(v, t) for v, t in types if v != "chargeback"]),
                other([(v, (*t, "credit") if v == "refund" else t) for v, t in types]),
            ]
        )

    # ------------------------------------------------------------ at the beginning

    def leads(self) -> Act:
        for name in ("event", "orders"):
            t = self.world.tables.get(name)
            if t is None:
                continue
            rows: list[Row] = [{"id": i} for i in (1, 2)]
            for i, row in enumerate(rows):
                if t.column("currency"):
                    row["currency"] = "USD" if i == 0 or self.chance(0.6) else "EUR"
                if t.column("lead"):
                    row["event_id"] = row["id"]
            op, sql, intent = self.insert(t, rows, "plain")
            yield Step(0, sql, "simple", (), op, intent)

    def shaped(self, t: Table) -> Act:
        """Payments, most of them captured."""
        rule, machine = self.rule("payment", "payment"), self.machine(t)
        for i in range(self.rng.choice([1, 1, 2])):
            unit = self.world.unit
            row = self.new_key(t) | {
                "status": "created",
                "amount": Decimal(10 * unit),
                "currency": "USD",
                "order_id": Decimal(1),
                "ceiling": Decimal((10 + i) * unit),
                "sort": "money",
            }
            for c in t.columns:
                if c.role == "key":
                    row[c.name] = self.choice_of(c, i)
            row = t.settle(self.only(t, row))
            op, sql, intent = self.insert(t, [row], "plain")
            r = yield Step(0, sql, "simple", (), op, intent)
            path = ["captured"]
            if machine is not None:
                from acts import shortest

                path = shortest(
                    machine, row["status"], rule.get("captured") if rule else {"captured"}
                )
            for status in path if self.chance(0.9) else []:
                sets: Row = {"status": status}
                if rule is not None and status in rule.get("captured"):
                    sets["captured"] = row["amount"] if self.chance(0.7) else Decimal(6 * unit)
                sets = t.settle(self.only(t, sets))
                op, sql, intent = self.update_plain(t, row, sets)
                r = yield Step(0, sql, "simple", (), op, intent)
                if r.ok:
                    row |= sets
            yield from self.first_movements(row)

    def choice_of(self, c: Any, i: int) -> Any:
        from acts import choices

        return choices(c)[i]

    def update_plain(self, t: Table, row: Row, sets: Row) -> Write:
        where = " AND ".join(f"{k} = {literal(row[k])}" for k in t.key)
        sets = t.settle(sets)
        text = ", ".join(f"{c} = {t.literal(c, v)}" for c, v in sets.items())
        intent: tuple[tuple[str, Any], ...] = (
            ("table", t.name),
            ("keys", (tuple(row[k] for k in t.key),)),
            ("sets", sets),
            ("exprs", {}),
        )
        return "update", f"UPDATE {t.place} SET {text} WHERE {where}", intent

    def first_movements(self, p: Row) -> Act:
        """What captures the payment, where rows do."""
        for r in list(self.rules.values()):
            if not (r.kind == "captures" or r.kind == "refund" and r.opt("types")):
                continue
            t = self.world.tables[r.table]
            key = named(r.get("payment_key"), p)
            if key is None or not self.chance(0.9):
                continue
            row = self.fresh_key(t) | dict(zip(columns(r.get("ref")), key))
            if t.kind == "capture":
                row["state"] = "done" if self.starts(t, "done") else "asked"
            else:
                row["sort"] = "auth" if "auth" in self.sorts(t) and self.chance(0.5) else "sale"
                row["status"] = "approved" if self.starts(t, "approved") else "requested"
            row |= {
                "amount": Decimal(self.rng.choice([10, 10, 6]) * self.world.unit),
                "currency": "USD",
                "payee": "x",
                "provider_ref": None,
            }
            row = self.only(t, row)
            op, sql, intent = self.insert(t, [row], "plain")
            got = yield Step(0, sql, "simple", (), op, intent)
            waits = row.get("state") == "asked" or row.get("status") == "requested"
            if got.ok and waits:
                column = t.column("status")
                word = "done" if column == "state" else "approved"
                op, sql, intent = self.update_plain(t, row, {column: word})
                yield Step(0, sql, "simple", (), op, intent)

    def starts(self, t: Table, status: str) -> bool:
        machine = self.machine(t)
        return machine is None or status in machine.initial

    # ------------------------------------------------------------ writes

    def beside_write(self) -> Write | None:
        """Of a capture, or of what leads to a currency."""
        some = [t for t in self.world.tables.values() if t.kind in ("capture", "order")]
        if not some:
            return None
        t = self.rng.choices(some, [4 if t.kind == "capture" else 1 for t in some])[0]
        return (
            self.capture_write(t, self.rows(t))
            if t.kind == "capture"
            else self.order_write(t, self.rows(t))
        )

    def capture_write(self, t: Table, rows: list[Row]) -> Write | None:
        rule = self.rule("captures", t.name)
        payments = self.rows(self.world.tables["payment"])
        if rule is None or not payments:
            return None
        if not rows or self.chance(0.35):
            p = self.rng.choice(payments)
            got = self.captured_of(p)
            left = [p["amount"]]
            if isinstance(got, Decimal) and isinstance(p["amount"], Decimal):
                left = [p["amount"] - got, p["amount"]]
            row = self.fresh_key(t)
            row |= dict(zip(columns(rule.get("ref")), named(rule.get("payment_key"), p) or ()))
            row |= {
                "amount": self.amount(left),
                "currency": p.get("currency", "USD") if self.chance(0.95) else "EUR",
                "state": self.rng.choice(["asked", "done", "done", "failed"]),
                "payee": "x",
            }
            return self.insert(t, [self.only(t, row)])
        row = self.rng.choice(rows)
        what = self.rng.random()
        if what < 0.45:
            status = (
                self.next_status(t, row)
                if self.machine(t) is not None
                else self.rng.choice(["asked", "done", "failed"])
            )
            return self.update_row(t, row, {"state": status})
        if what < 0.8:
            names = [c.name for c in t.columns if c.role != "status"]
            column = self.rng.choice([*names, "amount"])
            return self.update_row(t, row, {column: self.other(t, row, column)})
        return self.delete(t, row)

    def order_write(self, t: Table, rows: list[Row]) -> Write | None:
        if not rows or self.chance(0.2):
            row = self.fresh_key(t) | {"currency": "EUR", "event_id": Decimal(1)}
            return self.insert(t, [self.only(t, row)])
        row = self.rng.choice(rows)
        if self.chance(0.25):
            return self.delete(t, row)
        column = self.rng.choice([c.name for c in t.columns])
        return self.update_row(t, row, {column: self.other(t, row, column)})

    def money_event(self, p: Row | None) -> Write | None:
        """Something that has to do with how much of a payment may return."""
        t = self.world.tables.get("payment")
        p = None if p is None or t is None else self.again(t, p)
        if p is None or t is None:
            return self.another_payout()
        ways = [self.refund_left, self.refund_left, self.refund_ends, self.moves_back]
        rule = self.rule("payment", "payment")
        if rule is not None and rule.opt("changes"):
            ways += [self.column_moves] * 3
        if any(x.kind == "capture" for x in self.world.tables.values()):
            ways += [self.captures_more, self.captures_less, self.captures_less]
        if any(r.opt("types") for r in self.rules.values()):
            ways += [self.captures_more, self.captures_less, self.another_movement]
        return self.rng.choice(ways)(t, p)

    def left_of(self, p: Row) -> Decimal | None:
        got = self.captured_of(p)
        rule = next(
            (r for r in self.rules.values() if r.kind == "refund" and r.get("payment")), None
        )
        if rule is None or not isinstance(got, Decimal):
            return None
        # of a net column refunds have been taken already
        of = self.rule("payment", "payment")
        return got - (
            Decimal(0)
            if of and of.opt("changes") == "net" and self.chance(0.5)
            else self.returned(rule, p)
        )

    def around(self, v: Decimal | None) -> Decimal:
        """As much as that, a little less or more."""
        u = self.world.unit
        if v is None or v <= 0 or self.chance(0.15):
            return Decimal(u * self.rng.randint(1, 8))
        return max(Decimal(u), v + u * self.rng.choice([0, 0, 0, 0, 1, 1, -1, -4]))

    def refund_left(self, t: Table, p: Row) -> Write | None:
        other = self.refund_table()
        rule = self.rule("refund", other.name)
        new = self.new_refund(other, self.rng.choice(["requested", "requested", "approved"]))
        if rule is None or new is None or rule.get("payment") is None:
            return None
        new |= dict(zip(columns(rule.get("ref")), named(rule.get("payment_key"), p) or ()))
        amount = self.around(self.left_of(p))
        new["amount"] = -amount if rule.opt("amounts") else amount
        if rule.opt("types"):
            new["sort"] = self.rng.choice(["refund", "refund", "chargeback"])
        return self.insert(other, [new])

    def of_payment(self, p: Row, kinds: str) -> list[tuple[Table, Row]]:
        """Rows of captures or refunds that name it."""
        out = []
        for r in self.rules.values():
            if (
                r.kind in ("captures", "refund")
                and r.get("payment")
                and r.table in self.world.tables
            ):
                t = self.world.tables[r.table]
                for row in self.rows(t) if t.kind in kinds else []:
                    if named(r.get("ref"), row) == named(r.get("payment_key"), p):
                        out.append((t, row))
        return out

    def refund_ends(self, t: Table, p: Row) -> Write | None:
        """A refund becomes void, or is taken back, or goes."""
        some = self.of_payment(p, "refund")
        if not some:
            return None
        other, row = self.rng.choice(some)
        if self.chance(0.2):
            return self.delete(other, row)
        to = "rejected" if row["status"] != "rejected" else "requested"
        return self.update_row(other, row, {"status": to})

    def moves_back(self, t: Table, p: Row) -> Write | None:
        """The payment itself: into another status, less authorized, gone."""
        way = self.rng.random()
        if way < 0.4:
            return self.update_row(t, p, {"status": self.next_status(t, p, 0.8)})
        if way < 0.5:
            return self.delete(t, p)
        column = self.rng.choice([c.name for c in t.columns if c.role in ("amount", "limit")])
        now = p[column] if isinstance(p[column], Decimal) else Decimal(self.world.unit)
        new = now + self.world.unit * self.rng.choice([1, 5, -1, -5])
        return self.update_row(t, p, {column: max(new, Decimal(0))})

    def column_moves(self, t: Table, p: Row) -> Write | None:
        """The captured column falls for what was refunded, or rises again."""
        if "captured" not in p:
            return None
        now = p["captured"] if isinstance(p["captured"], Decimal) else Decimal(0)
        refunds: dict[str, Decimal] = {}
        for x, r in self.of_payment(p, "refund"):
            if isinstance(r["amount"], Decimal) and r["status"] != "rejected":
                refunds[x.name] = refunds.get(x.name, Decimal(0)) + abs(r["amount"])
        step = self.around(self.rng.choice(list(refunds.values())) if refunds else None)
        new = now - step if self.chance(0.65) else now + step
        if refunds and self.chance(0.35):
            # what was returned by one table or by all of them, or nearly
            new = self.rng.choice([*refunds.values(), sum(refunds.values(), Decimal(0))])
            new += self.world.unit * self.rng.choice([0, 0, 1, -1])
        return self.update_row(t, p, {"captured": max(new, Decimal(0))})

    def captures_more(self, t: Table, p: Row) -> Write | None:
        """Another capture of what may still be captured."""
        some = [r for r in self.rules.values() if r.kind == "captures" or r.opt("types")]
        if not some:
            return None
        r = self.rng.choice(some)
        table = self.world.tables[r.table]
        got, amount = self.captured_of(p), p.get("amount")
        left = amount - got if isinstance(got, Decimal) and isinstance(amount, Decimal) else None
        row = self.fresh_key(table)
        row |= dict(zip(columns(r.get("ref")), named(r.get("payment_key"), p) or ()))
        row |= {"amount": self.around(left), "payee": "x", "provider_ref": None}
        row["currency"] = p.get("currency", "USD") if self.chance(0.93) else "EUR"
        row |= {"state": self.rng.choice(["done", "done", "asked"])}
        if r.opt("types"):
            row |= {
                "sort": self.rng.choice(["capture", "capture", "sale", "auth", "cancel", "cancel"])
            }
            row["status"] = self.rng.choice(["approved", "requested"])
        return self.insert(table, [self.only(table, row)])

    def captures_less(self, t: Table, p: Row) -> Write | None:
        """A capture fails, or goes."""
        some = [
            (x, row)
            for x, row in self.of_payment(p, "capture refund")
            if x.kind == "capture" or row.get("sort") in ("capture", "sale", "auth", "cancel")
        ]
        if not some:
            return None
        table, row = self.rng.choice(some)
        status = table.column("status")
        if self.chance(0.25):
            return self.delete(table, row)
        ways = ["failed", "asked", "done"] if table.kind == "capture" else ["rejected", "approved"]
        return self.update_row(table, row, {status: self.rng.choice(ways)})

    def another_movement(self, t: Table, p: Row) -> Write | None:
        """What a movement is, or of what, becomes something else."""
        some = [(x, row) for x, row in self.of_payment(p, "refund") if "sort" in row]
        if not some:
            return None
        taken = ("capture", "sale", "auth", "cancel")
        counts = [(x, r) for x, r in some if r["sort"] in taken and r["status"] == "approved"]
        if counts and self.rng.random() < 0.6:
            # one that counts, and counts as something else
            table, row = self.rng.choice(counts)
            sorts = [s for s in self.sorts(table) if s in taken and s != row["sort"]]
            if sorts:
                return self.update_row(table, row, {"sort": self.rng.choice(sorts)})
        table, row = self.rng.choice(some)
        column = self.rng.choice(["sort", "sort", "amount"])
        return self.update_row(table, row, {column: self.other(table, row, column)})

    def another_payout(self) -> Write | None:
        """One more to somebody who had one, around the threshold."""
        some = [t for t in self.world.table("refund") if self.is_payout(t)]
        if not some:
            return None
        t = self.rng.choice(some)
        row = self.new_refund(t, self.rng.choice(["approved", "requested"]))
        rule, threshold = self.rule("refund", t.name), self.rule("threshold", t.name)
        if row is None or rule is None:
            return None
        others = self.rows(t)
        if others and self.chance(0.7):
            row |= {c: self.rng.choice(others)[c] for c in columns(rule.get("ref"))}
        if threshold is not None and self.chance(0.6):
            sign = -1 if row["amount"] < 0 else 1
            row["amount"] = sign * self.around(Decimal(threshold.get("amount")))
        return self.insert(t, [row])

    def is_payout(self, t: Table) -> bool:
        rule = self.rule("refund", t.name)
        return rule is not None and rule.get("payment") is None

    # ------------------------------------------------------------ approvals before the row

    def approve_ahead(
        self, t: Table, row: Row, ask: bool = False, exact: bool = False
    ) -> Write | None:
        """Of a refund that is not there yet, and would be as this row; or only asked for."""
        rule = self.rule("refund", t.name)
        key = None if rule is None else named(rule.get("ref"), row)
        if rule is None or key is None:
            return None
        text = ",".join(str(k).replace("\\", "\\\\").replace(",", "\\,") for k in key)
        if len(key) == 1:
            text = str(key[0])
        amount = abs(row["amount"])
        if not exact:
            amount += self.world.unit * self.rng.choice([0, 0, 0, 1, -1])
        if amount <= 0:
            return None
        code = row.get("currency", "USD")
        reason = "looked at"
        words = (t.place, text, amount, code, reason)
        verb = "request" if ask else "approve"
        return (
            f"{verb}_ahead",
            f"SELECT paysafe.{verb}_refund({', '.join(map(literal, words))})",
            (
                ("table", t.name),
                ("payment", tuple(str(k) for k in key)),
                ("amount", amount),
                ("currency", code),
                ("reason", reason),
            ),
        )

    def ahead(self, n: int) -> Act:
        """Approved first, then added: as it is, as more, as somebody else's, or twice."""
        t = self.refund_table()
        machine = self.machine(t)
        born = machine is not None and "approved" in machine.initial
        row = self.new_refund(t, "approved" if born and self.chance(0.8) else "requested")
        if row is None:
            return
        if self.chance(0.25):
            yield from self.in_tx(
                n, [lambda: self.approve_ahead(t, row, True)], self.person(), True
            )
            if self.chance(0.25):
                return
        for _ in range(self.rng.choice([1, 1, 2])):
            yield from self.in_tx(
                n, [lambda: self.approve_ahead(t, row)], self.person(), self.chance(0.85)
            )
        if self.chance(0.2):
            row["amount"] += self.world.unit if row["amount"] > 0 else -self.world.unit
        yield from self.in_tx(n, [lambda: self.insert(t, [row])], self.person(), self.chance(0.8))
        if row["status"] == "requested":
            for _ in range(self.rng.choice([1, 2])):
                yield from self.in_tx(n, [lambda: self.pay(t, row)], None, self.chance(0.7))
        if self.chance(0.4):
            again = dict(row) | self.fresh_key(t)
            yield from self.in_tx(n, [lambda: self.insert(t, [again])], self.person(), True)

    def settle(self, n: int) -> Act:
        """Somebody says what became of a breach."""
        yield from self.in_tx(
            n,
            [
                lambda: (
                    "settle",
                    (
                        "SELECT paysafe.settle_breach(min(id), 'claimed back') FROM paysafe.breach"
                        " WHERE settled_at IS NULL HAVING min(id) IS NOT NULL"
                    ),
                    (),
                )
            ],
            self.person(),
            True,
        )
