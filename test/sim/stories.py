"""Acts about one thing that is limited, and what was planned to come of it: captures that follow
their limit, columns that follow refunds, several who take of the same money or the same row.

A story is a plan of a few steps.  One of them may be left out, come twice, or at another time, so
that what is near to a history that matters is played as well.  Each world has a taste of its own:
some stories are told often there, others not at all.

In a world that is calm hardly anything else happens: no rule changes, everybody says who he is and
why, and keys are seldom taken.  There plans come to their ends.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from acts import ISOLATION
from moves import Act, Write
from scenarios import Company, Thunk
from sessions import Step
from world import OWNER, SHARED, Row, Rule, Table, World, columns, named

TASTES = (0, 1, 1, 1, 4)
# where all is calm there are keys enough for all that is planned
PLENTY: dict[str, list[Any]] = {
    "bigint": list(range(1, 13)),
    "int": list(range(1, 13)),
    "text": list("abcdefghijkl"),
    "varchar(8)": [*"abcdefghijk", "a,b"],
    "numeric": [Decimal(i) / 2 for i in range(2, 14)],
    "uuid": [f"00000000-0000-0000-0000-00000000000{c}" for c in "123456789abc"],
    "date": [f"2020-01-{i:02}" for i in range(1, 13)],
}


def nothing() -> Act:
    """An act of no steps."""
    yield from ()


class Tellers(Company):
    """Actors who meet, and who have plans."""

    def __init__(self, world: World, steps: int, rng: random.Random) -> None:
        super().__init__(world, steps, rng)
        names = ("spend", "follows", "limits", "contend", "freed", "bygone", "purse")
        self.calm = rng.random() < 0.4
        self.convener: int | None = None  # who waits for others
        self.convened = False  # they are there
        self.needed = 2
        self.taste = {name: rng.choice(TASTES[1 if self.calm else 0 :]) for name in names}

    # ------------------------------------------------------------ calm

    def turn(self, free: list[int], weights: list[int]) -> int:
        some = [n for n in free if n < len(self.logins) - 2 or n in self.running]
        if self.convener is not None:
            # the others come to the end of what they do, and wait
            ready = [n for n in some if n not in self.running]
            busy = [n for n in some if n in self.running]
            if len(ready) >= self.needed and self.convener in ready or not busy:
                n, self.convener = self.convener, None
                self.convened = len(ready) > 1
                return n if n in free else super().turn(free, weights)
            return self.rng.choice(busy)
        if self.calm and some:
            return super().turn(some, [1] * len(some))
        return super().turn(free, weights)

    def new_key(self, t: Table) -> Row:
        row = super().new_key(t)
        if self.calm and t.kind in ("refund", "capture"):
            for c in t.columns:
                if c.role == "key" and c.name in row and c.type in PLENTY:
                    row[c.name] = self.rng.choice(PLENTY[c.type])
        return row

    def people(self, n: int, person: str | None = None) -> Step | None:
        got = super().people(n, person)
        for _ in range(6 if self.calm else 0):
            if got is not None and got.get("reason"):
                break
            got = super().people(n, person or self.person())
        return got

    def in_tx(
        self,
        n: int,
        writes: list[Callable[[], Write | None]],
        person: str | None = None,
        sure: bool = False,
        parked: float = 0.0,
    ) -> Act:
        yield from super().in_tx(n, writes, person, sure or self.calm and self.chance(0.9), parked)

    # ------------------------------------------------------------ choosing

    def choose(self, n: int) -> Act:
        assert self.play is not None
        others = [
            s.number
            for s in self.play.sessions[:-2]
            if s.number != n and s.running is None and s.number not in self.running
        ]
        if n >= len(self.logins) - 2:
            return super().choose(n)
        if (joined := self.join(n)) is not None:
            return joined
        if self.convened:
            self.convened = False
            ways = self.to_meet(n, others)
            return self.rng.choices([a for a, _ in ways], [w for _, w in ways])[0]()
        if len(self.logins) > 3 and not self.focus and self.chance(0.6 if self.calm else 0.3):
            self.convener, self.needed = n, min(len(self.logins) - 2, self.rng.choice([2, 2, 3]))
            return nothing()
        if self.chance((0.6 if self.shape else 0.85) if self.calm else 0.3):
            ways = [(act, w) for act, w in self.ways_to_tell(n, others) if w > 0]
            if ways:
                act = self.rng.choices([a for a, _ in ways], [w for _, w in ways])[0]
                return act()
        return super().choose(n)

    def ways_to_tell(self, n: int, others: list[int]) -> list[tuple[Callable[[], Act], float]]:
        """What this world has stories of, and how often they are told."""
        kinds, taste = self.kinds(), self.taste
        rule = self.rule("payment", "payment")
        plain = rule is not None and rule.get("captured_column") is None
        follows = rule is not None and rule.opt("changes") is not None
        limited = "capture" in kinds or any(
            c.role == "limit" for t in self.world.tables.values() for c in t.columns
        )
        ways: list[tuple[str, Callable[[], Act], float]] = []
        if follows and "refund" in kinds:
            ways.append(("follows", lambda: self.follows(n), 3))
        if limited:
            ways.append(("limits", lambda: self.limits(n), 3))
        if "refund" in kinds and self.logins[n] in (SHARED, OWNER):
            ways.append(("freed", lambda: self.freed(n), 1))
        if "payment" in kinds:
            ways.append(("bygone", lambda: self.bygone(n), 3 if plain else 0.5))
        if "wallet" in kinds:
            ways.append(("purse", lambda: self.purse(n), 2))
        return [(act, weight * taste[name]) for name, act, weight in ways]

    def to_meet(self, n: int, others: list[int]) -> list[tuple[Callable[[], Act], float]]:
        """What several do together."""
        ways: list[tuple[Callable[[], Act], float]] = [
            (lambda: self.meet(n, others), 1),
            (lambda: self.race(n, others), 0.5),
        ]
        if self.kinds() & {"refund", "capture"}:
            ways.append((lambda: self.spend(n, others), 2 * self.taste["spend"]))
        if any(t.column("status") for t in self.world.tables.values()):
            ways.append((lambda: self.contend(n, others), 2 * self.taste["contend"]))
        return ways

    def varied(self, plan: list[Thunk]) -> list[Thunk]:
        """The plan; or one of its steps does not come, comes twice, or comes elsewhere."""
        plan = list(plan)
        if len(plan) > 2 and self.chance(0.25):
            del plan[self.rng.randrange(len(plan))]
        if self.chance(0.25):
            plan.insert(self.rng.randint(0, len(plan)), self.rng.choice(plan))
        if self.chance(0.15):
            self.rng.shuffle(plan)
        return plan

    def in_turn(self, n: int, plan: list[Thunk]) -> Act:
        """Each step in a transaction of its own, or some of them in one."""
        while plan:
            some = self.rng.choice([1, 1, 1, 1, 2, 3])
            yield from self.in_tx(n, plan[:some], self.whoever(), self.chance(0.8))
            plan = plan[some:]

    # ------------------------------------------------------------ several sessions, one thing

    def spend(self, n: int, others: list[int]) -> Act:
        """Each takes as much of the same money as it alone might, or nearly."""
        tables = [t for t in self.world.tables.values() if t.kind in ("refund", "capture")]
        t = self.rng.choices(tables, [3 if self.is_payout(t) else 1 for t in tables])[0]
        rows = self.shares(t, min(len(others), self.rng.choice([1, 1, 2])) + 1)
        if len(rows) < 2:
            yield from self.meet(n, others)
            return
        writes: list[Thunk] = [partial(self.insert, t, [row]) for row in rows]
        if t.kind == "refund" and rows[0]["status"] == "requested":
            # they are there before, and pass the gate at the same time
            if self.is_payout(t) or self.chance(0.3):
                for w in writes:
                    yield from self.in_tx(n, [w], self.person(), True)
                writes = [partial(self.pay, t, row) for row in rows]
        some = self.rng.sample(others, len(rows) - 1)
        for m, write in zip(some, writes[1:]):
            self.running[m] = self.slowly(m, write)
        self.focus = {n, *some}
        yield from self.slowly(n, writes[0])

    def shares(self, t: Table, count: int) -> list[Row]:
        """So many rows of other keys about the same money, each of about what there is."""
        rule = self.rule("refund", t.name) or self.rule("captures", t.name)
        machine = self.ways(t)
        born = machine is None or "approved" in machine.initial
        rows: list[Row] = []
        for _ in range(16):
            row = (
                self.new_refund(t, "approved" if born and self.chance(0.7) else "requested")
                if t.kind == "refund"
                else self.new_capture(t)
            )
            if row is None or rule is None or len(rows) == count:
                break
            if any(all(row[k] == r[k] for k in t.identity()) for r in rows):
                continue
            if rows:
                same = [*columns(rule.get("ref")), "currency", "status", "state"]
                row |= {c: rows[0][c] for c in same if c in row}
            rows.append(row)
        room = self.room(t, rule, rows[0]) if rule is not None and rows else None
        unit = Decimal(self.world.unit)
        for row in rows:
            if room is not None and room > 0:
                part = room - unit * self.rng.choice([0, 0, 1, 2])
                if self.chance(0.3):
                    part = (room // (2 * unit) + 1) * unit
                row["amount"] = max(part, unit) * (-1 if row["amount"] < 0 else 1)
        return rows

    def new_capture(self, t: Table) -> Row | None:
        payments = self.rows(self.world.tables["payment"])
        for _ in range(4 if payments else 0):
            write = self.captures_more(t, self.rng.choice(payments))
            if write is not None and dict(write[2])["table"] == t.name:
                return dict(dict(write[2])["rows"][0])
        return None

    def room(self, t: Table, rule: Rule, row: Row) -> Decimal | None:
        """How much may be taken, as the session sees it: what is left, or goes without approval."""
        threshold = self.rule("threshold", t.name)
        known = None if threshold is None else Decimal(threshold.get("amount"))
        if rule.get("payment") is None:
            return known
        if t.kind == "refund":
            return known if known and self.chance(0.3) else self.left(rule, row)
        for p in self.rows(self.world.tables["payment"]):
            got = self.captured_of(p)
            if named(rule.get("payment_key"), p) == named(rule.get("ref"), row):
                if isinstance(got, Decimal) and isinstance(p.get("amount"), Decimal):
                    return Decimal(p["amount"] - got)
        return None

    def slowly(self, n: int, write: Thunk) -> Act:
        """A write, and some time before it is committed."""
        assert self.play is not None
        iso = self.rng.choice(ISOLATION) if self.chance(0.2) else ISOLATION[0]
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        who = self.people(n) if self.chance(0.8) else None
        self.actor = self.logins[n] if who is None else str(who.get("person"))
        if who is not None:
            yield who
        got = write()
        if got is not None:
            yield self.form(n, got)
        for _ in range(self.rng.choice([1, 1, 2])):
            if not self.play.sessions[n].failed:
                yield Step(n, "SELECT 1", op="read")
        back = self.play.sessions[n].failed or self.chance(0.1)
        yield Step(n, "ROLLBACK", op="rollback") if back else Step(n, "COMMIT", op="commit")

    def contend(self, n: int, others: list[int]) -> Act:
        """Several give one row the same status, and one of them moves it to another partition."""
        some = [
            (t, row, way)
            for t in self.world.tables.values()
            if t.column("status")
            for row in self.rows(t)
            for way in self.free_ways(t, row)
        ]
        if not some:
            yield from self.race(n, others)
            return
        t, row, status = self.rng.choices(
            some, [3 if t.partition is not None and t.column("region") else 1 for t, _, _ in some]
        )[0]

        def take(moves: bool) -> Write | None:
            now = self.again(t, row)
            if now is None:
                return None
            sets: dict[str, Any] = {t.column("status"): status}
            if t.kind == "payment":
                sets = self.captured_sets(t, now, status)
            if t.column("region") and moves:
                sets["region"] = self.rng.choice([r for r in (1, 2, 3) if r != now["region"]])
            self.racing = True
            got = self.update_row(t, now, sets)
            self.racing = False
            return got

        rivals = self.rng.sample(others, min(len(others), self.rng.choice([1, 1, 2])))
        mover = self.rng.choice([n, *rivals, *rivals, -1])
        for m in rivals:
            self.running[m] = self.slowly(m, partial(take, m == mover))
        self.focus = {n, *rivals}
        yield from self.slowly(n, partial(take, n == mover))

    def free_ways(self, t: Table, row: Row) -> list[str]:
        """Where it may go without anybody's consent."""
        machine, rule = self.machine(t), self.rule("refund", t.name)
        gated = rule.get("gated") if rule is not None else frozenset()
        if machine is None:
            return []
        return sorted(
            b for a, b in machine.edges if a == row[t.column("status")] and b != a and b not in gated
        )

    # ------------------------------------------------------------ what follows something else

    def one_payment(self) -> Row | None:
        payments = self.rows(self.world.tables["payment"]) if "payment" in self.kinds() else []
        return self.rng.choice(payments) if payments else None

    def about_payment(self, p: Row, what: Callable[[Table, Row], Write | None]) -> Thunk:
        """Something about the payment as it is by then."""
        t = self.world.tables["payment"]

        def write() -> Write | None:
            now = self.again(t, p)
            return None if now is None else what(t, now)

        return write

    def follows(self, n: int) -> Act:
        """A refund; the captured column falls for it; it is void after all; what is left then?"""
        p = self.one_payment()
        if p is None or "captured" not in p:
            yield from self.story(n)
            return
        unit = Decimal(self.world.unit)
        first = p["captured"] if isinstance(p["captured"], Decimal) else Decimal(0)
        mine: dict[str, Any] = {}

        def column(now: Row) -> Decimal:
            return Decimal(now["captured"] if isinstance(now["captured"], Decimal) else 0)

        def refund(most: Callable[[Decimal], Decimal], t: Table, now: Row) -> Write | None:
            other = self.refund_table()
            rule = self.rule("refund", other.name)
            void = [r for r in self.rows(other) if r["status"] == "rejected"]
            if void and len(self.rows(other)) > 2 and self.chance(0.7):
                return self.delete(other, self.rng.choice(void))  # makes room for another key
            new = self.new_refund(other, "requested")
            if rule is None or new is None or not rule.get("payment"):
                return None
            new |= dict(zip(columns(rule.get("ref")), named(rule.get("payment_key"), now) or ()))
            amount = max(most(column(now)), unit)
            new["amount"] = -amount if rule.opt("amounts") else amount
            mine.update(table=other, row=new, amount=amount)
            return self.insert(other, [new])

        def falls(t: Table, now: Row) -> Write | None:
            less = mine.get("amount", unit) + unit * self.rng.choice([0, 0, 0, 0, 0, 1, -1])
            return self.update_row(t, now, {"captured": max(column(now) - less, Decimal(0))})

        def rises(t: Table, now: Row) -> Write | None:
            more = self.rng.choice([mine.get("amount", unit), unit, first - column(now)])
            return self.update_row(t, now, {"captured": max(column(now) + more, Decimal(0))})

        def ends(t: Table, now: Row) -> Write | None:
            there = self.again(mine["table"], mine["row"]) if mine else None
            if there is None:
                return self.refund_ends(t, now)
            if self.chance(0.15):
                return self.delete(mine["table"], there)
            return self.update_row(mine["table"], there, {"status": "rejected"})

        def part(c: Decimal) -> Decimal:
            return c // (unit * Decimal(self.rng.choice([1, 2, 2, 3]))) * unit

        def all_of_it(c: Decimal) -> Decimal:
            return Decimal(self.rng.choice([first, c, c + unit, c + mine.get("amount", unit)]))

        less = self.about_payment(p, partial(refund, part))
        more = self.about_payment(p, partial(refund, all_of_it))
        fall, rise = self.about_payment(p, falls), self.about_payment(p, rises)
        end = self.about_payment(p, ends)
        plan = self.rng.choice(
            [
                [less, fall, end, more, more],
                [less, fall, end, rise, more],
                [less, fall, less, fall, end, more],
                [less, fall, rise, end, fall, more],
                [less, end, fall, more],
            ]
        )
        yield from self.in_turn(n, self.varied(plan))

    def limits(self, n: int) -> Act:
        """Money is captured, and what limits that moves: before it, after it, up, down."""
        p = self.one_payment()
        if p is None:
            yield from self.story(n)
            return

        def limit(signs: list[int], t: Table, now: Row) -> Write | None:
            names = [c.name for c in t.columns if c.role in ("amount", "limit")]
            column = self.rng.choice(names)
            old = now[column] if isinstance(now[column], Decimal) else Decimal(0)
            step = self.world.unit * self.rng.choice(signs) * self.rng.choice([1, 1, 5])
            return self.update_row(t, now, {column: max(old + step, Decimal(0))})

        up = self.about_payment(p, partial(limit, [1, 1, 1, -1]))
        down = self.about_payment(p, partial(limit, [-1, -1, -1, 1]))
        take = self.about_payment(p, self.captures_more)
        lose = self.about_payment(p, self.captures_less)
        column = self.about_payment(p, self.column_moves)
        more = take if "capture" in self.kinds() else column
        plan = self.rng.choice(
            [
                [more, up, more],
                [up, more, up, more],
                [more, down, lose, down],
                [more, lose, up, more],
                [down, more, up],
            ]
        )
        if "refund" in self.kinds() and self.chance(0.4):
            plan.append(self.about_payment(p, self.refund_left))
        yield from self.in_turn(n, self.varied(plan))


__all__ = ["Tellers"]
