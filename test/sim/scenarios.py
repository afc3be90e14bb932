"""Acts that belong together: what meets in one row, from one session or from several.

Each of them is made of the acts that acts.py has; only which row, who, in which order and how
near to each other is chosen here, so that histories come about that chance alone seldom makes.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from acts import ISOLATION, KEYS, Actors, shortest
from moves import Act, Write
from plots import Plots
from sessions import Step
from values import batch_of, value_of
from world import OWNER, SHARED, Machine, Row, Rule, Table, columns, named

Thunk = Callable[[], Write | None]


class Company(Plots, Actors):
    """Actors who meet."""

    focus: set[int] = set()  # sessions that are in the same place at the moment

    def turn(self, free: list[int], weights: list[int]) -> int:
        near = [n for n in free if n in self.focus and n in self.running]
        if not near:
            self.focus = set()
        elif self.chance(0.92):
            return self.rng.choice(near)
        return super().turn(free, weights)

    def choose(self, n: int) -> Act:
        assert self.play is not None
        if n >= len(self.logins) - 2:
            if n == len(self.logins) - 2 and self.keen > 4 and self.chance(0.8):
                return self.redeclare(n)
            if n == len(self.logins) - 2 and self.chance(0.35):
                return self.rule_and_rows(n)
            return super().choose(n)
        others = [
            s.number
            for s in self.play.sessions[:-2]
            if s.number != n and s.running is None and s.number not in self.running
        ]
        if (joined := self.join(n)) is not None:
            return joined
        if self.shape and self.chance(0.45) and (plot := self.plot(n, others)) is not None:
            return plot
        if self.shape and self.chance(0.3):
            return self.story(n)
        what = self.rng.random()
        if "wallet" in self.kinds() and self.chance(0.15):
            return self.purse(n)
        if what < 0.09 and others and not self.focus:
            return self.race(n, others)
        if what < 0.11 and others and not self.focus and self.logins[n] in (SHARED, OWNER):
            return self.unseen(n, others)
        if what < 0.27 and others and not self.focus:
            return self.meet(n, others)
        if what < 0.44 and "refund" in self.kinds() and self.logins[n] in (SHARED, OWNER):
            return self.payout(n)
        if what < 0.62:
            return self.life(n)
        if what < 0.67:
            return self.same_again(n)
        if what < 0.72 and "refund" in self.kinds():
            return self.freed(n)
        if what < 0.80:
            return self.undone(n)
        if what < 0.84 and "payment" in self.kinds():
            return self.bygone(n)
        return super().choose(n)

    # ------------------------------------------------------------ one row

    def some_row(self, recent: float = 0.5) -> tuple[Table, Row] | None:
        """A row of a protected table; refunds and payments more often than others."""
        tables = [t for t in self.world.tables.values() if self.rows(t)]
        if not tables:
            return None
        weight = {"refund": 3, "payment": 2}
        t = self.rng.choices(tables, [weight.get(t.kind, 1) for t in tables])[0]
        return t, self.rng.choice(self.rows(t))

    def about(self, t: Table, row: Row) -> Thunk:
        """A write that has to do with this row, as it is when it is written."""

        def now(what: Callable[[Row], Write | None]) -> Thunk:
            def write() -> Write | None:
                found = self.again(t, row)
                return None if found is None else what(found)

            return write

        if t.kind in ("payment", "refund", "job"):
            return self.rng.choices(
                [
                    now(lambda r: self.move(t, r)),
                    now(lambda r: self.update_row(t, r, self.other_sets(t, r))),
                    now(lambda r: self.delete(t, r)),
                    lambda: self.anew(t, row),
                    now(lambda r: self.over(t, r)),
                    lambda: self.beside(t, row),
                ],
                [6, 4, 1.5, 2, 1, 4 if t.kind != "job" else 0],
            )[0]
        if t.kind in ("capture", "order") and self.chance(0.5):
            return lambda: self.money_event(self.payment_of(t, row))
        return lambda: getattr(self, f"{t.kind}_write")(t, self.rows(t))

    def move(self, t: Table, row: Row, status: str | None = None) -> Write:
        status = status or self.next_status(t, row, 0.9)
        sets: dict[str, Any] = {t.column("status"): status}
        if t.kind == "payment":
            sets = self.captured_sets(t, row, status)
        if t.column("region") and self.chance(0.5 if self.racing else 0.25):
            sets["region"] = self.rng.choice([1, 2, 3])
        return self.update_row(t, row, sets)

    def other_sets(self, t: Table, row: Row) -> dict[str, Any]:
        names = [c.name for c in t.columns if c.role not in ("status", "generated")]
        wanted = [c.name for c in t.columns if c.role in ("payee", "price", "amount", "captured")]
        column = self.rng.choice([*names, *wanted, *wanted])
        if t.kind == "job":
            return {column: self.rng.choice(["x", "y"]) if column == "payee" else 2}
        return {column: self.other(t, row, column)}

    def anew(self, t: Table, row: Row) -> Write:
        """The same row added again, as it was or nearly."""
        new = {c.name: row.get(c.name) for c in t.columns if c.role != "generated"}
        machine = self.ways(t)
        first = sorted(machine.initial) if machine is not None else ["created"]
        if t.kind == "payment":
            new["status"] = self.rng.choice(first)
            rule = self.rule("payment", t.name)
            if rule is not None and new["status"] not in rule.get("captured") and "captured" in new:
                new["captured"] = None
        elif t.kind == "refund":
            new["status"] = "requested" if self.chance(0.8) else self.rng.choice(first)
        else:
            new["state"] = "open"
        if t.column("payee") and self.chance(0.25):
            new[t.column("payee")] = self.rng.choice(["x", "y", "thief"])
        if t.partition is not None and self.chance(0.3):
            new["region"] = self.rng.choice([1, 2, 3])
        return self.insert(t, [new])

    def over(self, t: Table, row: Row) -> Write | None:
        """An INSERT that finds the row, and moves it."""
        if t.deferrable:
            return None
        status = t.column("status")
        sets = t.settle({status: self.next_status(t, row, 0.9)})
        new = {c.name: row.get(c.name) for c in t.columns if c.role != "generated"}
        _, sql, intent = self.insert(t, [new], "plain")
        set_ = f"{status} = EXCLUDED.{status}" if new[status] == sets[status] else ""
        return (
            "update",
            f"{sql} ON CONFLICT ({', '.join(t.key)}) DO UPDATE SET "
            + (set_ or f"{status} = {t.literal(status, sets[status])}"),
            (
                ("table", t.name),
                ("keys", (tuple(row[k] for k in t.key),)),
                ("sets", sets),
                ("exprs", {}),
                ("upsert", new),
            ),
        )

    def beside(self, t: Table, row: Row) -> Write | None:
        """Something of the same payment: a refund in any table, or the payment itself."""
        refunds = self.world.table("refund")
        if not refunds:
            return self.payment_write()
        if self.shape and self.chance(0.5):
            return self.money_event(self.payment_of(t, row))
        rule = self.rule("refund", t.name)
        if t.kind == "refund" and rule is not None and rule.get("payment") and self.chance(0.3):
            for p in self.rows(self.world.tables["payment"]):
                if named(rule.get("payment_key"), p) == named(rule.get("ref"), row):
                    way = self.rng.random()
                    if way < 0.4:
                        return self.move(self.world.tables["payment"], p)
                    sets = self.other_sets(self.world.tables["payment"], p)
                    return self.update_row(self.world.tables["payment"], p, sets)
        other = self.rng.choice(refunds)
        new = self.new_refund(other, "requested" if self.chance(0.8) else None)
        theirs = self.rule("refund", other.name)
        if new is None or theirs is None:
            return None
        name: tuple[Any, ...] | None = None
        if t.kind == "refund" and rule is not None:
            if rule.get("payment") == theirs.get("payment"):
                name = named(rule.get("ref"), row)
        elif t.kind == "payment" and theirs.get("payment"):
            name = named(theirs.get("payment_key"), row)
        new |= dict(zip(columns(theirs.get("ref")), name or ()))
        left = self.left(theirs, new)
        if left is not None and left > 0 and self.chance(0.6):
            new["amount"] = left + self.world.unit * self.rng.choice([0, 0, 0, 1])
            if theirs.opt("amounts"):
                new["amount"] *= -1
        return self.insert(other, [new])

    def left(self, rule: Rule, row: Row) -> Decimal | None:
        """What may still return of a refund's payment, as the session sees it."""
        if rule.get("payment") is None:
            return None
        for p in self.rows(self.world.tables["payment"]):
            if named(rule.get("payment_key"), p) == named(rule.get("ref"), row):
                gross = self.captured_of(p)
                if isinstance(gross, Decimal):
                    return gross - self.returned(rule, p)
        return None

    def payment_of(self, t: Table, row: Row) -> Row | None:
        """The payment that a row is, or names."""
        rule = self.rule("refund", t.name) or self.rule("captures", t.name)
        if t.kind == "payment":
            return row
        if rule is None or rule.get("payment") is None:
            return None
        for p in self.rows(self.world.tables["payment"]):
            if named(rule.get("payment_key"), p) == named(rule.get("ref"), row):
                return p
        return None

    def story(self, n: int) -> Act:
        """What becomes of the money of one payment."""
        payments = self.rows(self.world.tables["payment"]) if "payment" in self.kinds() else []
        p = self.rng.choice(payments) if payments and self.chance(0.9) else None
        for _ in range(self.rng.randint(2, 6)):
            writes: list[Thunk] = [partial(self.money_event, p)] * self.rng.choice([1, 1, 2, 3])
            yield from self.in_tx(n, writes, self.whoever(), self.chance(0.6))
            if self.chance(0.25):
                got = self.pick_refund()
                if got is not None:
                    yield from self.approval(n, *got)

    # ------------------------------------------------------------ scenarios

    def meet(self, n: int, others: list[int]) -> Act:
        """Several sessions write about one row at the same time."""
        got = self.some_row()
        if got is None:
            yield from super().choose(n)
            return
        t, row = got
        some = self.rng.sample(others, min(len(others), self.rng.choice([1, 1, 1, 2])))
        assert self.play is not None
        owner = len(self.logins) - 2
        idle = owner not in self.running and self.play.sessions[owner].running is None
        if idle and self.chance(0.3):
            some.append(owner)
        for m in some:
            self.running[m] = self.redeclare(m) if m == owner else self.together(m, t, row)
        self.focus = {n, *some}
        self.common_tx = self.rng.choice([0, self.rng.randint(1, 8)])
        yield from self.together(n, t, row)
        self.common_tx = 0

    def race(self, n: int, others: list[int]) -> Act:
        """Several workers take one row: whoever comes second is told, if there was something to win."""
        tables = [t for t in self.world.tables.values() if t.column("status") and self.rows(t)]
        if not tables:
            yield from self.meet(n, others)
            return
        t = self.rng.choices(tables, [2 if t.column("region") else 1 for t in tables])[0]
        row = self.rng.choice(self.rows(t))
        some = self.rng.sample(others, min(len(others), self.rng.choice([1, 1, 2])))
        status = self.next_status(t, row, 0.95) if self.chance(0.7) else None
        for m in some:
            self.running[m] = self.take(m, t, row, status)
        self.focus = {n, *some}
        yield from self.take(n, t, row, status)

    def take(self, n: int, t: Table, row: Row, status: str | None) -> Act:
        """Its next status, in any form, and time before it is committed."""
        iso = self.rng.choice(ISOLATION) if self.chance(0.15) else ISOLATION[0]
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        assert self.play is not None
        now = self.again(t, row)
        if now is not None:
            self.racing = True
            write = self.move(t, now, status)
            self.racing = False
            yield self.form(n, write)
        failed = self.play.sessions[n].failed
        yield Step(n, "ROLLBACK", op="rollback") if failed else Step(n, "COMMIT", op="commit")

    def unseen(self, n: int, others: list[int]) -> Act:
        """Somebody approves what he has looked at before, while it changes."""
        got = self.pick_refund()
        if got is None:
            yield from self.payout(n)
            return
        t, row = got
        iso = self.rng.choice(ISOLATION)
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        who = self.people(n, self.another(t, row))
        if who is not None:
            yield who
        yield Step(n, f"SELECT count(*) FROM {t.place}", op="read")

        def change() -> Write | None:
            now = self.again(t, row)
            if now is None:
                return None
            return self.update_row(t, now, {"payee": self.rng.choice(["x", "y", "thief"])})

        m = self.rng.choice(others)
        self.running[m] = self.in_tx(m, [change], self.person(), True)
        self.focus = {n, m}
        for _ in range(4):
            yield Step(n, f"SELECT count(*) FROM {t.place}", op="read")
        assert self.play is not None
        yield self.form(n, self.approve(t, self.again(t, row) or row))
        failed = self.play.sessions[n].failed
        yield Step(n, "ROLLBACK", op="rollback") if failed else Step(n, "COMMIT", op="commit")
        for _ in range(self.rng.choice([1, 2])):
            yield from self.in_tx(n, [lambda: self.pay(t, row)], self.whoever(), True)

    def together(self, n: int, t: Table, row: Row) -> Act:
        """Some writes about a row in one transaction, which begins slowly."""
        iso = self.rng.choice(ISOLATION) if self.chance(0.4) else ISOLATION[0]
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        who = self.people(n)
        self.actor = self.logins[n] if who is None else str(who.get("person"))
        if who is not None:
            yield who
        assert self.play is not None
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            self.actor = self.logins[n] if who is None else str(who.get("person"))
            got = self.about(t, row)()
            if got is None:
                continue
            yield self.form(n, got)
            if self.play.sessions[n].failed:
                yield Step(n, "ROLLBACK", op="rollback")
                return
        if self.chance(0.15):
            yield Step(n, "ROLLBACK", op="rollback")
        else:
            yield Step(n, "COMMIT", op="commit")

    def life(self, n: int) -> Act:
        """What becomes of one row: lives, approvals, rollbacks, one after the other."""
        got = self.some_row()
        if got is None or (
            got[0].kind != "refund" and "refund" in self.kinds() and self.chance(0.4)
        ):
            got = self.requested() or got
            if got is None:
                yield from super().choose(n)
                return
            t, row = got
            if t.kind == "refund" and self.again(t, row) is None:
                first = self.insert(t, [row])
                yield from self.in_tx(n, [lambda: first], self.whoever(), True)
        t, row = got
        gone = 0
        for _ in range(self.rng.randint(3, 8)):
            now = self.again(t, row)
            gone = 0 if now is not None else gone + 1
            if now is not None:
                row = now
            if gone > 2:
                return  # it cannot be had
            if t.kind == "refund":
                yield from self.event(n, t, row, now is not None)
            elif t.kind == "wallet" and now is not None and self.chance(0.4):
                locked = self.lock(t, now)
                write = self.about(t, row)
                yield from self.in_tx(n, [lambda w=locked: w, write, write])  # type: ignore[misc]
            else:
                writes = [self.about(t, row) for _ in range(self.rng.choice([1, 1, 2]))]
                yield from self.in_tx(n, writes, None, self.chance(0.6))

    def whoever(self) -> str | None:
        """A person; or it is left open who, and perhaps not said."""
        return None if self.chance(0.3) else self.person()

    def kinds(self) -> set[str]:
        return {t.kind for t in self.world.tables.values()}

    def requested(self) -> tuple[Table, Row] | None:
        if "refund" not in self.kinds():
            return None
        t = self.refund_table()
        row = self.new_refund(t, "requested")
        if row is None:
            return None
        rule = self.rule("threshold", t.name)
        if rule is not None and self.chance(0.5):
            sign = -1 if row["amount"] < 0 else 1
            row["amount"] = sign * Decimal(rule.get("amount") + self.world.unit)
        return t, row

    def payout(self, n: int) -> Act:
        """A refund as it should be: requested, approved, paid; and perhaps something in between."""
        got = self.requested()
        if got is None:
            yield from super().choose(n)
            return
        t, row = got
        now = self.again(t, row)
        if now is None:
            yield from self.in_tx(n, [lambda: self.insert(t, [row])], self.person(), True)
            now = self.again(t, row)
        rule = self.rule("refund", t.name)
        if now is None or rule is None or now["status"] in rule.get("gated") | rule.get("void"):
            return
        if self.chance(0.3):
            for status in ("rejected", "requested"):

                def turn(status: str = status) -> Write | None:
                    there = self.again(t, row)
                    return None if there is None else self.update_row(t, there, {"status": status})

                yield from self.in_tx(n, [turn], self.person(), True)
        threshold = self.rule("threshold", t.name)
        for _ in range(1 if threshold is None else int(threshold.get("approvers"))):
            yield from self.approval(n, t, now)
        if self.chance(0.4):
            yield from self.event(n, t, now, True)
        for _ in range(self.rng.choice([0, 1, 1, 1, 2])):
            yield from self.in_tx(n, [lambda: self.pay(t, row)], self.whoever(), True, 0.15)
        after = self.again(t, row)
        if after is not None and self.chance(0.5):
            yield from self.event(n, t, after, True)

    def event(self, n: int, t: Table, row: Row, there: bool) -> Act:
        """Something happens to a refund."""
        status = row["status"]
        rule = self.rule("refund", t.name)
        gated = rule is not None and status in rule.get("gated")
        if not there:
            yield from self.in_tx(n, [lambda: self.anew(t, row)], self.whoever(), True)
            return

        def to(new: str) -> Thunk:
            def write() -> Write | None:
                now = self.again(t, row)
                return None if now is None else self.update_row(t, now, {"status": new})

            return write

        def gone() -> Write | None:
            now = self.again(t, row)
            return None if now is None else self.delete(t, now)

        def change() -> Write | None:
            now = self.again(t, row)
            return None if now is None else self.update_row(t, now, self.other_sets(t, now))

        if status == "rejected":
            ways: list[tuple[list[Thunk], float]] = [
                ([to("requested")], 3),
                ([to("approved")], 1),
                ([gone, lambda: self.anew(t, row)], 4),
                ([gone], 1),
                ([lambda: self.beside(t, row)], 1),
            ]
        else:
            twins = t.partition is not None and "region" in t.key
            ways = [
                ([lambda: self.add_payee_copy(t, row)], 1 if twins else 0),
                ([], 0.5 if gated else 4),  # an approval
                ([lambda: self.pay(t, row)], 3),
                ([lambda: self.pay(t, row), change], 0.7),
                ([change], 4 if gated else 1),
                ([to("rejected")], 2.5),
                ([to("rejected"), gone, lambda: self.anew(t, row)], 1),
                ([lambda: self.beside(t, row)], 2),
                ([to("rejected"), lambda: self.beside(t, row), lambda: self.beside(t, row)], 1.5),
            ]
        writes = self.rng.choices([w for w, _ in ways], [p for _, p in ways])[0]
        if not writes:
            yield from self.approval(n, t, row)
            return
        if len(writes) > 1 and self.chance(0.35):
            for w in writes:
                yield from self.in_tx(n, [w], self.person(), True)
            return
        sure = self.chance(0.75 if len(writes) == 1 else 0.4)
        yield from self.in_tx(n, writes, self.whoever(), sure, 0.1)

    def same_again(self, n: int) -> Act:
        """The same statement twice or more, with other things in between."""
        got = self.some_row()
        if got is None:
            yield from super().choose(n)
            return
        t, row = got
        write = self.about(t, row)()
        if write is None:
            return
        step = self.form(n, write)
        for i in range(self.rng.choice([2, 2, 3])):
            yield step
            if i == 0:
                yield from self.in_tx(n, [self.about(t, row)], self.person(), True)

    def undone(self, n: int) -> Act:
        """What a savepoint takes back has not been: the same once more, or something else."""
        assert self.play is not None
        got = self.some_row()
        if got is None:
            yield from super().choose(n)
            return
        t, row = got
        iso = self.rng.choice(ISOLATION) if self.chance(0.2) else ISOLATION[0]
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        session = self.play.sessions[n]
        first, inner = self.about(t, row), self.about(t, row)
        if t.kind in ("refund", "payment") and self.chance(0.5):
            inner = partial(self.beside, t, row)
        last = inner if self.chance(0.65) else self.about(t, row)
        plan: list[str | Thunk] = ["who"] if self.chance(0.85) else []
        plan += [first] if self.chance(0.5) else []
        plan += ["SAVEPOINT a"]
        plan += ["who"] if self.chance(0.15) else []
        nested = self.chance(0.3)
        plan += ["SAVEPOINT b", inner] if nested else [inner]
        plan += [self.rng.choice(["RELEASE b", "ROLLBACK TO b"])] if nested else []
        plan += ["ROLLBACK TO a" if self.chance(0.8) else "RELEASE a", last]
        plan += [last] if self.chance(0.3) else []
        self.actor = self.logins[n]
        for what in plan:
            if isinstance(what, str):
                verb, _, name = what.rpartition(" ")
                who = self.people(n, self.person()) if what == "who" else None
                if what != "who" and not (session.failed and verb != "ROLLBACK TO"):
                    yield self.mark(n, verb, name)
                elif who is not None and not session.failed:
                    self.actor = str(who.get("person"))
                    yield who
            elif not session.failed:
                write = what()
                if write is not None:
                    yield self.form(n, write)
        yield (
            Step(n, "ROLLBACK", op="rollback") if session.failed else Step(n, "COMMIT", op="commit")
        )

    def freed(self, n: int) -> Act:
        """What makes room is taken back, and the room is taken; or the other way round."""
        assert self.play is not None
        some = [
            (t, r)
            for t in self.world.table("refund")
            for r in self.rows(t)
            if (rule := self.rule("refund", t.name)) is not None
            and r["status"] not in rule.get("void")
        ]
        got = self.rng.choice(some) if some else self.requested()
        if got is None:
            yield from super().choose(n)
            return
        t, row = got
        person = self.people(n, self.person())
        yield Step(n, "BEGIN", op="begin", intent=(("isolation", ISOLATION[0]),))
        self.actor = self.logins[n] if person is None else str(person.get("person"))
        if person is not None:
            yield person
        session = self.play.sessions[n]
        if self.again(t, row) is None or self.chance(0.5):
            # one more, of this transaction
            new = self.new_refund(t, "requested")
            if new is not None:
                yield self.form(n, self.insert(t, [new]))
                row = new

        def less() -> Write | None:
            now = self.again(t, row)
            if now is None:
                return None
            if self.chance(0.25):
                return self.delete(t, now)
            return self.update_row(t, now, {"status": "rejected"})

        def more() -> Write | None:
            return self.as_much(t, row)

        def payment() -> Write | None:
            return self.money_event(self.payment_of(t, row))

        inner = self.rng.choice([less, less, less, more, payment])
        plan: list[str | Thunk] = ["SAVEPOINT a"]
        deeper = self.chance(0.3)
        plan += ["SAVEPOINT b", inner, "RELEASE b"] if deeper else [inner]
        plan += ["ROLLBACK TO a" if self.chance(0.85) else "RELEASE a", more]
        plan += [less] if self.chance(0.3) else []
        for what in plan:
            if isinstance(what, str):
                verb, _, name = what.rpartition(" ")
                if not session.failed or verb == "ROLLBACK TO":
                    yield self.mark(n, verb, name)
            elif not session.failed and (write := what()) is not None:
                yield self.form(n, write)
        yield (
            Step(n, "ROLLBACK", op="rollback") if session.failed else Step(n, "COMMIT", op="commit")
        )

    def purse(self, n: int) -> Act:
        """Balances that are locked, or are not, before, inside or after a savepoint, and overwritten."""
        assert self.play is not None
        t = self.world.tables["wallet"]
        rows = self.rows(t)
        if not rows:
            yield from self.in_tx(n, [lambda: self.wallet_write(t, rows)])
            return
        row, session = self.rng.choice(rows), self.play.sessions[n]
        if self.chance(0.25):
            for _ in range(self.rng.choice([2, 3, 4])):
                there = self.rows(t)
                if there:
                    yield self.form(n, batch_of(self.rng, t, there, self.rng.choice([90, 110])))
            return
        if self.chance(0.4):
            for _ in range(self.rng.choice([1, 2, 3])):
                now = self.again(t, row)
                if now is not None:
                    yield self.form(n, self.wallet_value(t, now))
            return
        iso = self.rng.choice(ISOLATION) if self.chance(0.1) else ISOLATION[0]
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        plan = self.rng.choice(
            [
                ["lock", "SAVEPOINT a", "write", "end", "write"],
                ["lock", "SAVEPOINT a", "SAVEPOINT b", "write", "end", "write"],
                ["SAVEPOINT a", "lock", "RELEASE a", "write"],
                ["SAVEPOINT a", "lock", "ROLLBACK TO a", "write"],
                ["SAVEPOINT a", "write", "end", "write", "write"],
                ["lock", "write", "write"],
                ["share", "write"],
            ]
        )
        for word in plan:
            if word == "end":
                word = self.rng.choice(["RELEASE a", "ROLLBACK TO a", "ROLLBACK TO a"])
            verb, _, name = word.rpartition(" ")
            now = self.again(t, row)
            if verb and not (session.failed and verb != "ROLLBACK TO"):
                yield self.mark(n, verb, name)
            elif session.failed or verb or now is None:
                continue
            elif word == "write":
                yield self.form(n, self.wallet_value(t, now))
            elif word == "lock":
                yield self.form(n, self.lock(t, now))
            else:
                yield Step(n, self.lock(t, now)[1].rpartition("FOR ")[0] + "FOR SHARE", op="read")
        yield (
            Step(n, "ROLLBACK", op="rollback") if session.failed else Step(n, "COMMIT", op="commit")
        )

    def wallet_value(self, t: Table, row: Row) -> Write:
        """An expression for its balance, in a plain UPDATE."""
        value = self.rng.choice([90, 110, 130, 150])
        expr, verdict = value_of(self.rng, value)
        if self.play is not None and self.play.sessions[self.me].in_tx and self.chance(0.5):
            expr, verdict = str(value), "absolute"
        where = f"id = {row['id']}"
        intent = (("table", t.name), ("keys", ((row["id"],),)), ("sets", None))
        sql = f"UPDATE {t.name} SET balance = {expr} WHERE {where}"
        return "update", sql, (*intent, ("lock", verdict), ("value", value))

    def bygone(self, n: int) -> Act:
        """A payment that was captured, or nearly, and leaves that; and what is done with it then."""
        t = self.world.tables["payment"]
        rule = self.rule("payment", "payment")
        rows = self.rows(t)
        fresh = self.fresh_key(t) | {
            "status": self.rng.choice(["created", "created", "captured"]),
            "amount": Decimal(3 * self.world.unit),
            "captured": None,
            "currency": "USD",
            "note": None,
        }
        if fresh["status"] != "created" and t.column("captured"):
            fresh["captured"] = fresh["amount"]
        more: dict[str, Any] = {"lead": Decimal(1), "limit": fresh["amount"]}
        row: Row = {
            c.name: fresh.get(c.name, more.get(c.role)) for c in t.columns if c.role != "generated"
        }
        if rows and self.chance(0.3):
            row = self.rng.choice(rows)
        elif self.again(t, row) is None:
            first = self.insert(t, [row])
            yield from self.in_tx(n, [lambda: first], self.whoever(), True)
        captured = rule.get("captured") if rule is not None else frozenset({"captured"})

        def to(goals: frozenset[str]) -> Thunk:
            def write() -> Write | None:
                now = self.again(t, row)
                if now is None:
                    return None
                machine = self.machine(t)
                if machine is None:
                    status = self.rng.choice(sorted(goals))
                else:
                    path = shortest(machine, now["status"], goals)
                    status = path[0] if path else self.next_status(t, now)
                return self.update_row(t, now, self.captured_sets(t, now, status))

            return write

        def other() -> Write | None:
            now = self.again(t, row)
            return None if now is None else self.update_row(t, now, self.other_sets(t, now))

        def gone() -> Write | None:
            now = self.again(t, row)
            return None if now is None else self.delete(t, now)

        machine = self.machine(t)
        states = machine.states if machine is not None else {"created", "authorized", "captured"}
        away = frozenset(states) - captured
        plan: list[Thunk] = [to(captured)] * self.rng.choice([0, 1, 2, 2])
        plan += [to(away)] if away else []
        plan += [self.rng.choice([other, other, to(captured)])] if self.chance(0.5) else []
        plan += [gone] * self.rng.choice([0, 1, 1])
        plan += [partial(self.anew, t, row), other] if self.chance(0.3) else [other]
        while plan:
            some = self.rng.choice([1, 1, 1, 2, 3])
            yield from self.in_tx(n, plan[:some], self.whoever(), self.chance(0.8))
            plan = plan[some:]

    def as_much(self, t: Table, row: Row) -> Write | None:
        """A refund of the same payment, of what is left or of that with the row's own amount."""
        other = self.refund_table()
        mine, theirs = self.rule("refund", t.name), self.rule("refund", other.name)
        new = self.new_refund(other, "requested")
        if mine is None or theirs is None or new is None:
            return None
        if mine.get("payment") != theirs.get("payment"):
            return self.insert(other, [new])
        new |= dict(zip(columns(theirs.get("ref")), named(mine.get("ref"), row) or ()))
        left = self.left(theirs, new)
        if left is not None and isinstance(row["amount"], Decimal):
            amount = left + abs(row["amount"]) * self.rng.choice([0, 1, 1])
            amount = amount if amount > 0 else abs(row["amount"])
            new["amount"] = -amount if theirs.opt("amounts") else amount
        return self.insert(other, [new])

    def rule_and_rows(self, n: int) -> Act:
        """A rule changes, and the rows that are there feel it."""
        if self.chance(0.5):
            yield from self.about_row(n)
            return
        before = dict(self.rules)
        yield from self.redeclare(n)
        changed = [r for s, r in self.rules.items() if before.get(s) != r]
        t = self.world.tables[changed[0].table] if changed else None
        for _ in range(self.rng.choice([1, 2, 3])):
            if t is None or not self.rows(t):
                got = self.some_row()
                if got is None:
                    return
                table, row = got
            else:
                table, row = t, self.rng.choice(self.rows(t))
            if table.kind == "refund" and self.chance(0.6):
                write: Thunk = partial(self.pay, table, row)
            else:
                write = self.about(table, row)
            yield from self.in_tx(n, [write], self.person(), True)


    def about_row(self, n: int) -> Act:
        """A rule changes in what it says of one row as it is, and then the row goes on."""
        got = self.pick_refund()
        if got is None or self.chance(0.2):
            got = self.requested()
            if got is not None and self.again(*got) is None:
                t, new = got
                yield from self.in_tx(n, [lambda: self.insert(t, [new])], self.person(), True)
        if got is None:
            got = self.some_row()
        row = None if got is None else self.again(*got)
        if got is None or row is None:
            return
        t = got[0]
        rules = [r for r in self.rules.values() if r.table == t.name and self.speaks_of(r)]
        if not rules:
            return
        for _ in range(self.rng.choice([1, 1, 2])):
            rule = self.rng.choice(rules)
            rule = self.rules.get(rule.slot, rule)
            yield from self.declare(n, self.told(rule, row), rule)
        for _ in range(self.rng.choice([1, 1, 2])):
            write: Thunk = self.about(t, row)
            if t.kind == "refund" and self.chance(0.7):
                write = partial(self.pay, t, row)
            yield from self.in_tx(n, [write], self.person(), True)

    def speaks_of(self, rule: Rule) -> bool:
        """Does it name statuses or amounts?"""
        if rule.opt("types") or rule.opt("shape") and rule.kind != "threshold":
            return False
        return rule.kind in ("status", "refund", "threshold", "payment")

    def told(self, rule: Rule, row: Row) -> Rule:
        """The rule with another word about the row's status or amount."""
        status, r = row[self.world.tables[rule.table].column("status")], self.rng
        if rule.kind == "status":
            m = rule.get("machine")
            return r.choice(
                [
                    rule.with_(deletable=rule.get("deletable") ^ {status}),
                    rule.with_(machine=Machine(m.initial ^ {status} or m.initial, m.edges)),
                    rule.with_(
                        machine=Machine(
                            m.initial, m.edges | {(status, r.choice(sorted(m.states)))}
                        )
                    ),
                ]
            )
        if rule.kind == "threshold":
            amount = abs(row["amount"]) if isinstance(row["amount"], Decimal) else Decimal(0)
            return rule.with_(amount=max(amount + self.world.unit * r.choice([0, -1, 1]), Decimal(0)))
        name = "captured" if rule.kind == "payment" else r.choice(["gated", "gated", "void"])
        return rule.with_(**{name: rule.get(name) ^ {status} or rule.get(name)})


__all__ = ["Company", "KEYS", "Rule"]
