"""Plots about room: how much may still be captured, or returned, of the money of one payment.

Whatever a rule adds up, it adds up rows; a fault forgets some of them, for a while or for some
sessions.  So amounts are chosen that fit exactly, or that would fit if some rows were forgotten:
in one session after another, in several at a time, around a savepoint that is taken back.
Each plot is made of ordinary writes; the oracle judges what became of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from moves import Act, Write
from sessions import Step
from shapes import of_type
from world import OWNER, SHARED, Machine, Person, Row, Rule, Table, World, columns, holds, named

Thunk = Callable[[], Write | None]
ISOLATION = ["read committed", "repeatable read", "serializable"]


@dataclass(frozen=True)
class Money:
    """The money of one payment; or of a name, where no table has payments."""

    name: tuple[Any, ...]
    row: Row | None


@dataclass(frozen=True)
class Piece:
    """What one row adds to a room; less than nothing: it takes that."""

    amount: Decimal
    group: str  # of rows that could be forgotten together


@dataclass(frozen=True)
class Way:
    """Writes that take from a room or give to it: any amount, or what a row has."""

    writes: Callable[[Decimal], list[Thunk]]
    amount: Decimal | None = None


class Plots:
    """What several people make of one payment's money."""

    world: World
    rng: random.Random
    rules: dict[tuple[str, str, str], Rule]
    logins: list[str]
    crew: tuple[Person, ...]
    running: dict[int, Act]
    focus: set[int]
    actor: str | None
    serial = 20
    open_room: tuple[int, Money, str, Decimal] | None = None  # who has taken it, and is not done
    joined = False  # somebody else takes it, too

    if TYPE_CHECKING:
        play: Any

        def chance(self, p: float) -> bool: ...
        def rows(self, t: Table) -> list[Row]: ...
        def rule(self, kind: str, table: str) -> Rule | None: ...
        def machine(self, t: Table) -> Machine | None: ...
        def ways(self, t: Table) -> Machine | None: ...
        def new_key(self, t: Table) -> Row: ...
        def other(self, t: Table, row: Row, column: str) -> Any: ...
        def only(self, t: Table, row: Row) -> Row: ...
        def starts(self, t: Table, status: str) -> bool: ...
        def again(self, t: Table, row: Row) -> Row | None: ...
        def insert(self, t: Table, rows: list[Row], way: str = "") -> Write: ...
        def delete(self, t: Table, row: Row) -> Write: ...
        def update_row(
            self, t: Table, row: Row, sets: dict[str, Any], exprs: dict[str, str] | None = None
        ) -> Write: ...
        def in_tx(
            self,
            n: int,
            writes: list[Thunk],
            person: str | None = None,
            sure: bool = False,
            parked: float = 0.0,
        ) -> Act: ...
        def form(self, n: int, write: Write) -> Step: ...
        def mark(self, n: int, verb: str, name: str) -> Step: ...
        def people(self, n: int, person: str | None = None) -> Step | None: ...
        def person(self) -> str: ...
        def whoever(self) -> str | None: ...
        def new_refund(self, t: Table, status: str | None = None) -> Row | None: ...
        def pay(self, t: Table, row: Row, sets: dict[str, Any] | None = None) -> Write | None: ...
        def approve_ahead(
            self, t: Table, row: Row, ask: bool = False, exact: bool = False
        ) -> Write | None: ...

    def plot(self, n: int, others: list[int]) -> Act | None:
        """One of them, if there is anything to have one about."""
        moneys = self.moneys()
        plots: list[tuple[Callable[[], Act], float]] = []
        if moneys:
            money = self.rng.choice(moneys)
            plots += [
                (lambda: self.edge(n, money), 4),
                (lambda: self.taken_back(n, money), 3),
                (lambda: self.same_room(n, money, others), 3 if len(self.logins) > 3 else 0),
                (lambda: self.as_it_counts(n, money), 2.5),
                (lambda: self.fact(n, money), 3 if self.facts() else 0),
                (lambda: self.falls(n, money), 5 if self.may_fall() else 0),
            ]
        if self.logins[n] in (SHARED, OWNER) and self.gates():
            plots.append((lambda: self.advance(n), 4))
        if not plots:
            return None
        return self.rng.choices([p for p, _ in plots], [w for _, w in plots])[0]()

    # ------------------------------------------------------------ whose money

    def about_money(self) -> list[Rule]:
        return [
            r
            for r in self.rules.values()
            if r.kind == "captures"
            or r.kind == "refund"
            and r.opt("shape")
            and (r.get("payment") or r.opt("types"))
        ]

    def moneys(self) -> list[Money]:
        rules = self.about_money()
        if not rules:
            return []
        out: dict[tuple[Any, ...], Money] = {}
        for p in self.rows(self.world.tables["payment"]):
            of = self.rule("payment", "payment")
            name = named(rules[0].get("payment_key"), p)
            if name is not None and (of is None or holds(of, p)):
                out[name] = Money(name, p)
        if rules[0].opt("types") and rules[0].get("payment") is None:
            for row in self.rows(self.world.tables[rules[0].table]):
                name = named(rules[0].get("ref"), row)
                if name is not None:
                    out.setdefault(name, Money(name, None))
        return list(out.values())

    def name_in(self, r: Rule, m: Money) -> tuple[Any, ...]:
        return m.name if m.row is None else named(r.get("payment_key"), m.row) or m.name

    def rows_of(self, r: Rule, m: Money) -> list[Row]:
        name = tuple(map(str, self.name_in(r, m)))
        return [
            row
            for row in self.rows(self.world.tables[r.table])
            if tuple(map(str, named(r.get("ref"), row) or ())) == name
            and isinstance(row["amount"], Decimal)
            and row["amount"].is_finite()
        ]

    def own_key(self, t: Table) -> Row:
        """A key that no row has: there is always room for one more."""
        self.serial += 1
        row = self.new_key(t)
        for c in t.columns:
            if c.role != "key" or c.name not in t.key or c.name.endswith("day"):
                continue
            texts = {
                "uuid": f"00000000-0000-0000-0000-0000000{self.serial:05d}",
                "date": f"2021-{self.serial % 12 + 1:02d}-{self.serial % 28 + 1:02d}",
                "text": f"k{self.serial}",
                "varchar(8)": f"k{self.serial}",
            }
            row[c.name] = texts.get(c.type, Decimal(self.serial))
        return row

    # ------------------------------------------------------------ how much room there is

    def rooms(self, m: Money) -> dict[str, list[Piece]]:
        """Of what may return, and of what may be captured; as whoever acts sees it."""
        back: list[Piece] = []
        more: list[Piece] = []
        limits: list[Any] = []
        rows = False
        for r in self.about_money():
            for row in self.rows_of(r, m):
                amount, status = abs(row["amount"]), row[r.get("status")]
                if r.kind == "captures":
                    if status in r.get("counted"):
                        back.append(Piece(amount, r.table))
                        more.append(Piece(-amount, r.table))
                    continue
                if r.opt("types") and status in r.get("counted"):
                    sort = f"{r.table} {row[r.get('type')]}"
                    if of_type(r, "capture", row):
                        back.append(Piece(amount, sort))
                        more.append(Piece(-amount, sort))
                    if of_type(r, "authorize", row):
                        more.append(Piece(amount, sort))
                    if of_type(r, "cancel", row):
                        more.append(Piece(-amount, sort))
                if holds(r, row) and status not in r.get("void"):
                    back.append(Piece(-amount, f"{r.table} {status}"))
            if r.kind == "captures":
                rows = True
                limits.append(r)
            if r.opt("types"):
                rows = True
                if not dict(r.get("types")).get("authorize"):
                    limits.append(None)
        of, p = self.rule("payment", "payment"), m.row
        if not rows and of is not None and p is not None:
            self.of_payment_row(of, p, back, more)
            limits.append(None if of.opt("changes") not in ("rising", "any") else True)
        for r in limits:
            if isinstance(r, Rule) and r.get("limit") and p is not None and r is limits[0]:
                over = 100 + (r.opt("over") or 0)
                more.append(Piece((p[r.get("limit")] or Decimal(0)) * over / 100, "limit"))
        unlimited = any(r is None or isinstance(r, Rule) and not r.get("limit") for r in limits)
        return {"back": back} if unlimited else {"back": back, "more": more}

    def of_payment_row(self, of: Rule, p: Row, back: list[Piece], more: list[Piece]) -> None:
        """What the payment's own row says."""
        column = of.get("captured_column")
        if column is None:
            if p[of.get("status")] in of.get("captured") and isinstance(p["amount"], Decimal):
                back.append(Piece(p["amount"], "payment"))
            return
        captured = p[column] if isinstance(p[column], Decimal) else Decimal(0)
        limit = p[of.get("limit")] if of.opt("limit") else p["amount"]
        back.append(Piece(captured, "payment"))
        more.append(Piece(-captured, "payment"))
        if isinstance(limit, Decimal):
            more.append(Piece(limit * (100 + (of.opt("over") or 0)) / 100, "limit"))

    def wanted(self, pieces: list[Piece]) -> Decimal:
        """What is left; a little more; or what were left if something were forgotten."""
        left, unit = sum((x.amount for x in pieces), Decimal(0)), Decimal(self.world.unit)
        takes = [x for x in pieces if x.amount < 0]
        what = self.rng.random()
        if takes and what < 0.6:
            one = self.rng.choice(takes)
            if self.chance(0.5):
                return left - one.amount
            return left - sum((x.amount for x in takes if x.group == one.group), Decimal(0))
        if what < 0.7:
            return left + unit
        return left if what < 0.88 else (left / 2).quantize(unit if left > unit else left or unit)

    # ------------------------------------------------------------ ways to take and to give

    def takers(self, m: Money, room: str) -> list[Way]:
        return self.changes_of(m, room, True)

    def givers(self, m: Money, room: str) -> list[Way]:
        return self.changes_of(m, room, False)

    def changes_of(self, m: Money, room: str, takes: bool) -> list[Way]:
        out: list[Way] = []
        for r in self.about_money():
            t = self.world.tables[r.table]
            if r.kind == "captures":
                out += self.of_captures(t, r, m, takes == (room == "more"))
            elif r.opt("types"):
                out += self.of_movements(t, r, m, room, takes)
            if r.kind == "refund" and room == "back":
                out += self.of_refunds(t, r, m, takes)
        of, p = self.rule("payment", "payment"), m.row
        if of is not None and p is not None and of.opt("changes") in ("rising", "any"):
            rises = takes == (room == "more")
            if rises or of.opt("changes") == "any":
                sign = 1 if rises else -1
                out += [Way(lambda a: [lambda: self.column_by(p, sign * a)])] * 5
        return out

    def of_captures(self, t: Table, r: Rule, m: Money, more: bool) -> list[Way]:
        """One more that counts; or one less."""
        if more:
            late = [("asked", "done")] if self.machine(t) is None or self.chance(0.4) else []
            first = "done" if self.starts(t, "done") and not late else "asked"
            return [Way(lambda a: self.added(t, r, m, a, {"state": first}, "done"))] * 2
        return [
            Way(partial(self.moved_to, t, row, self.rng.choice(["failed", "asked"])), row["amount"])
            for row in self.rows_of(r, m)
            if row[r.get("status")] in r.get("counted")
        ]

    def of_movements(self, t: Table, r: Rule, m: Money, room: str, takes: bool) -> list[Way]:
        sorts: dict[tuple[str, bool], list[str]] = {
            ("back", False): ["capture", "sale"],
            ("more", True): ["capture", "cancel"],
            ("more", False): ["auth"],
        }
        known = {w for _, words in r.get("types") for w in words}
        out: list[Way] = []
        for sort in sorts.get((room, takes), []):
            if sort in known:
                out.append(Way(partial(self.moved_as, t, r, m, sort)))
        less = {("back", True): "capture", ("more", False): "cancel", ("more", True): "authorize"}
        verb = less.get((room, takes))
        for row in self.rows_of(r, m) if verb else []:
            if of_type(r, str(verb), row) and row[r.get("status")] in r.get("counted"):
                out.append(Way(partial(self.moved_to, t, row, "rejected"), row["amount"]))
        return out

    def of_refunds(self, t: Table, r: Rule, m: Money, takes: bool) -> list[Way]:
        if takes:
            more = {"sort": "refund"} if r.opt("types") else {"sort": "money"}
            back = [
                Way(partial(self.moved_to, t, row, "requested"), abs(row["amount"]))
                for row in self.rows_of(r, m)
                if row[r.get("status")] in r.get("void") and holds(r, row)
            ]
            return [Way(lambda a: self.added(t, r, m, a, more, ""))] * 3 + back[:1]
        return [
            Way(partial(self.moved_to, t, row, "rejected"), abs(row["amount"]))
            for row in self.rows_of(r, m)
            if row[r.get("status")] not in r.get("void") and holds(r, row)
        ]

    def added(
        self, t: Table, r: Rule, m: Money, amount: Decimal, more: Row, then: str
    ) -> list[Thunk]:
        """A row of so much, which counts at last."""
        status = t.column("status")
        row = self.own_key(t) | dict(zip(columns(r.get("ref")), self.name_in(r, m)))
        row |= {"amount": -amount if r.opt("amounts") else amount, "payee": "x"}
        row |= {"currency": (m.row or {}).get("currency") or "USD", "provider_ref": None}
        first = then if then and self.starts(t, then) and self.chance(0.7) else "requested"
        row = dict(t.mark) | row | {status: more.get(status, first)}
        row = t.settle(self.only(t, row | {k: v for k, v in more.items() if k != status}))

        def later() -> Write | None:
            now = self.again(t, row)
            return None if now is None else self.update_row(t, now, {status: then})

        out: list[Thunk] = [lambda: self.insert(t, [row])]
        return [*out, later] if then and row[status] != then else out

    def moved_as(self, t: Table, r: Rule, m: Money, sort: str, amount: Decimal) -> list[Thunk]:
        return self.added(t, r, m, amount, {"sort": sort}, "approved")

    def moved_to(self, t: Table, row: Row, status: str, amount: Decimal) -> list[Thunk]:
        def write() -> Write | None:
            now = self.again(t, row)
            if now is None:
                return None
            gone = status in ("failed", "rejected") and self.chance(0.15)
            return (
                self.delete(t, now)
                if gone
                else self.update_row(t, now, {t.column("status"): status})
            )

        return [write]

    def column_by(self, p: Row, amount: Decimal) -> Write | None:
        """The captured column rises by so much, or falls."""
        t = self.world.tables["payment"]
        now = self.again(t, p)
        if now is None:
            return None
        captured = now["captured"] if isinstance(now["captured"], Decimal) else Decimal(0)
        return self.update_row(t, now, {"captured": max(captured + amount, Decimal(0))})

    # ------------------------------------------------------------ plots

    def pick(self, m: Money) -> tuple[str, list[Piece]] | None:
        """A room, and what makes it."""
        rooms = {k: v for k, v in self.rooms(m).items() if self.takers(m, k)}
        if not rooms:
            return None
        name = self.rng.choice(list(rooms))
        return name, rooms[name]

    def fresh(self, m: Money) -> Money:
        """As it is now."""
        if m.row is None:
            return m
        return Money(m.name, self.again(self.world.tables["payment"], m.row) or m.row)

    def room_left(self, m: Money, room: str) -> Decimal:
        return sum((x.amount for x in self.rooms(m).get(room, [])), Decimal(0))

    def given(self, m: Money, room: str) -> tuple[Decimal, list[Thunk]]:
        """Room, and how it comes about: what it takes from the other one fits there."""
        other = "more" if room == "back" else "back"
        most = self.room_left(m, other) if other in self.rooms(m) else None
        fit = [
            w
            for w in self.givers(m, room)
            if most is None or (most > 0 if w.amount is None else room == "back" or w.amount <= most)
        ]
        if not fit:
            return Decimal(0), []
        way = self.rng.choice(fit)
        amount = way.amount or Decimal(self.world.unit * self.rng.randint(2, 6))
        if way.amount is None and most is not None and room == "back":
            amount = min(amount, most)
        return amount, way.writes(amount)

    def takes(self, m: Money, room: str, amount: Decimal) -> list[Thunk]:
        ways = self.takers(m, room)
        if not ways or amount <= 0:
            return []
        return self.rng.choice([w for w in ways if w.amount is None] or ways).writes(amount)

    def edge(self, n: int, m: Money) -> Act:
        """What is left is taken to the last cent, and as if some of the rows were not there."""
        if self.chance(0.6):
            yield from self.some_each(n, m)
        for _ in range(self.rng.randint(3, 7)):
            m = self.fresh(m)
            got = self.pick(m)
            if got is None:
                return
            room, pieces = got
            left = sum((x.amount for x in pieces), Decimal(0))
            if left <= 0 and self.chance(0.5) or self.chance(0.2):
                writes = self.given(m, room)[1]
            else:
                writes = self.takes(m, room, self.wanted(pieces))
            if self.chance(0.5):
                yield from self.in_tx(n, writes, self.whoever(), True)
            else:
                for w in writes:
                    yield from self.in_tx(n, [w], self.whoever(), True)

    def may_fall(self) -> bool:
        of = self.rule("payment", "payment")
        return of is not None and of.opt("changes") == "any"

    def falls(self, n: int, m: Money) -> Act:
        """The captured column falls to what returns over all tables, or to what one of them says."""
        yield from self.some_each(n, m)
        for _ in range(self.rng.randint(2, 4)):
            m = self.fresh(m)
            if m.row is None:
                return
            row, step = m.row, self.wanted(self.rooms(m)["back"])
            if self.chance(0.15):
                step = -Decimal(self.world.unit * self.rng.randint(1, 4))
            if step:
                yield from self.in_tx(n, [partial(self.column_by, row, -step)], self.whoever(), True)

    def some_each(self, n: int, m: Money) -> Act:
        """Some of what may return is asked for in each table; some of what is authorized is cancelled."""
        unit = Decimal(self.world.unit)
        for r in self.about_money():
            m = self.fresh(m)
            t = self.world.tables[r.table]
            back, more = (self.room_left(m, x) for x in ("back", "more"))
            writes: list[Thunk] = []
            void = r.opt("void", frozenset())
            has = any(holds(r, x) and x[r.get("status")] not in void for x in self.rows_of(r, m))
            if r.kind == "refund" and not has and back >= 2 * unit:
                sort = {"sort": "refund" if r.opt("types") else "money"}
                writes = self.added(t, r, m, (back / 3).quantize(unit) or unit, sort, "")
            yield from self.in_tx(n, writes, self.whoever(), True)
            if r.opt("types") and more >= 2 * unit and self.chance(0.5):
                half = (more / 2).quantize(unit)
                writes = self.added(t, r, m, half, {"sort": "cancel"}, "approved")
                yield from self.in_tx(n, writes, self.whoever(), True)

    def taken_back(self, n: int, m: Money) -> Act:
        """A savepoint gives room or takes it, and is taken back; then the room is taken."""
        m = self.fresh(m)
        got = self.pick(m)
        if got is None:
            return
        room = "back" if self.chance(0.3) else got[0]
        unit = Decimal(self.world.unit)
        session = self.play.sessions[n]
        other = "more" if room == "back" else "back"
        if other in self.rooms(m) and self.room_left(m, other) <= 0:
            yield from self.in_tx(n, self.given(m, other)[1], self.person(), True)
            m = self.fresh(m)
        who = self.people(n, self.person())
        yield Step(n, "BEGIN", op="begin", intent=(("isolation", ISOLATION[0]),))
        self.actor = self.logins[n] if who is None else str(who.get("person"))
        if who is not None:
            yield who

        def left() -> Decimal:
            return self.room_left(self.fresh(m), room)

        known: list[Thunk] = []
        if self.chance(0.6) and left() > unit:
            known = self.takes(m, room, unit)
        amount, inner = self.given(m, room)
        gives = self.chance(0.7) and bool(inner)
        if not gives:
            amount = max(left() - (unit if known else 0), unit)
            inner = self.takes(m, room, amount)
        deep = self.chance(0.3)
        plan: list[str | Thunk] = [*known, "SAVEPOINT a", *(["SAVEPOINT b"] if deep else []), *inner]
        if gives and self.chance(0.4):
            plan.append("use")
        plan += [self.rng.choice(["RELEASE b", "RELEASE b", "ROLLBACK TO b"])] if deep else []
        plan += ["ROLLBACK TO a" if self.chance(0.85) else "RELEASE a"]
        plan += ["take", "take"] if self.chance(0.3) else ["take"]
        for what in plan:
            if isinstance(what, str) and what not in ("take", "use"):
                verb, _, name = what.rpartition(" ")
                if not session.failed or verb == "ROLLBACK TO":
                    yield self.mark(n, verb, name)
                continue
            writes: list[Thunk] = []
            if what == "use":
                writes = self.takes(m, room, left())
            elif what == "take":
                more = amount if gives and self.chance(0.6) else Decimal(0)
                writes = self.takes(m, room, left() + more + (unit if self.chance(0.1) else 0))
            elif not isinstance(what, str):
                writes = [what]
            for w in writes:
                if not session.failed and (write := w()) is not None:
                    yield self.form(n, write)
        failed = session.failed
        yield Step(n, "ROLLBACK", op="rollback") if failed else Step(n, "COMMIT", op="commit")

    def same_room(self, n: int, m: Money, others: list[int]) -> Act:
        """Several sessions take the same room at the same time: it is there once."""
        got = self.pick(m)
        if got is None:
            return
        room = got[0]
        for _ in range(3):
            m = self.fresh(m)
            left = self.room_left(m, room)
            if left > self.world.unit:
                break
            writes = self.given(m, room)[1]
            if not writes:
                writes = self.given(m, "back" if room == "more" else "more")[1]
            yield from self.in_tx(n, writes, self.whoever(), True)
        else:
            return
        some = [o for o in others if o not in self.running]
        if some:
            some = self.rng.sample(some, min(len(some), self.rng.choice([1, 1, 1, 2])))
            for o in some:
                self.running[o] = self.part(o, m, room, left)
            self.focus = {n, *some}
        elif self.open_room is None or self.open_room[0] not in self.running:
            self.open_room, self.joined = (n, m, room, left), False
        yield from self.part(n, m, room, left)

    def join(self, n: int) -> Act | None:
        """Somebody has taken a room, and waits for others who do."""
        if self.open_room is None or self.joined or self.open_room[0] == n:
            return None
        self.joined = True
        host, m, room, left = self.open_room
        self.focus = {n, host}
        return self.part(n, m, room, left)

    def part(self, n: int, m: Money, room: str, left: Decimal) -> Act:
        """Most of a room, in a transaction that takes its time."""
        iso = self.rng.choice(ISOLATION) if self.chance(0.3) else ISOLATION[0]
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        who = self.people(n)
        self.actor = self.logins[n] if who is None else str(who.get("person"))
        if who is not None:
            yield who
        unit = Decimal(self.world.unit)
        ways = self.takers(m, room)
        amount = self.rng.choice([left, left, max(left - unit, unit), (left / 2).quantize(unit) + unit])
        way = self.rng.choice(ways) if ways else None
        for w in way.writes(way.amount or amount) if way is not None else []:
            if (write := w()) is not None and not self.play.sessions[n].failed:
                yield self.form(n, write)
        if self.open_room is not None and self.open_room[0] == n:
            for _ in range(12):
                if not self.joined and not self.play.sessions[n].failed:
                    yield Step(n, "SELECT 1", op="read")
            for _ in range(3 if self.joined else 0):
                yield Step(n, "SELECT 1", op="read")
            self.open_room = None
        failed = self.play.sessions[n].failed
        if failed or self.chance(0.15):
            yield Step(n, "ROLLBACK", op="rollback")
        else:
            yield Step(n, "COMMIT", op="commit")

    def as_it_counts(self, n: int, m: Money) -> Act:
        """What counts says the same for ever: each column that says how much, of what, as what."""
        some = [
            (self.world.tables[r.table], r, row)
            for r in self.about_money()
            for row in self.rows_of(r, m)
            if row[r.get("status")] not in r.opt("void", frozenset({"failed"}))
        ]
        if not some:
            yield from self.in_tx(n, self.given(self.fresh(m), "back")[1], self.whoever(), True)
            return
        t, r, row = self.rng.choice(some)
        roles = ("amount", "currency", "ref", "sort", "key", "status", "region", "payee")
        for _ in range(self.rng.randint(2, 5)):
            names = [c.name for c in t.columns if c.role in roles]
            column = self.rng.choice([*names, *(["sort", "sort"] if "sort" in names else [])])

            def change(column: str = column) -> Write | None:
                now = self.again(t, row)
                if now is None:
                    return None
                sets = {column: self.other(t, now, column)}
                if column == t.column("status"):
                    states = self.machine(t) or self.ways(t)
                    sets = {column: self.rng.choice(sorted(states.states if states else ["done"]))}
                elif self.chance(0.2):
                    sets["payee"] = "y"
                return self.update_row(t, now, self.only(t, sets))

            yield from self.in_tx(n, [change], self.whoever(), True)

    # ------------------------------------------------------------ what has happened

    def facts(self) -> list[Rule]:
        """Rules by which what has happened is stored, whatever it breaks."""
        return [
            r
            for r in self.rules.values()
            if r.opt("recorded") and r.kind in ("refund", "captures") and r.opt("shape")
            or r.opt("types")
        ]

    def fact(self, n: int, m: Money) -> Act:
        """More has happened than may; and somebody says what became of it: who, is the question."""
        r = self.rng.choice([x for x in self.facts() if x.get("payment") or x.opt("types")] or [None])
        if r is None:
            return
        t = self.world.tables[r.table]
        m = self.fresh(m)
        pieces = self.rooms(m).get("more" if r.kind == "captures" else "back", [])
        left = sum((x.amount for x in pieces), Decimal(0))
        amount = max(left, Decimal(0)) + self.world.unit * self.rng.randint(1, 5)
        status, more = "paid", {"sort": "money"}
        if r.opt("types"):
            status, more = "requested", {"sort": "chargeback"}
        elif r.kind == "captures":
            status, more = "done", {}
        writes = self.added(t, r, m, amount, {**more, t.column("status"): status}, "")
        causer = self.person()
        yield from self.in_tx(n, writes, causer, True)
        for _ in range(self.rng.choice([1, 1, 2])):
            who = causer if self.chance(0.55) else self.person()
            yield from self.in_tx(n, [self.settle_newest], who, True)

    def settle_newest(self) -> Write:
        return (
            "settle",
            (
                "SELECT paysafe.settle_breach(max(id), 'claimed back') FROM paysafe.breach"
                " WHERE settled_at IS NULL HAVING max(id) IS NOT NULL"
            ),
            (),
        )

    # ------------------------------------------------------------ approved before it is there

    def gates(self) -> list[Rule]:
        return [r for r in self.rules.values() if r.kind == "refund" and r.opt("shape")]

    def advance(self, n: int) -> Act:
        """Money that is approved before there is a row: for so much, once, of this payment."""
        r = self.rng.choice(self.gates())
        t = self.world.tables[r.table]
        born = self.starts(t, "approved")
        row = self.new_refund(t, "approved" if born and self.chance(0.8) else "requested")
        if row is None:
            return
        row |= self.own_key(t)
        if t.column("sort"):
            row["sort"] = "refund" if r.opt("types") else "money"
        unit = Decimal(self.world.unit)
        sign = -1 if row["amount"] < 0 else 1
        threshold = self.rule("threshold", t.name)
        least = Decimal(threshold.get("amount")) if threshold is not None else Decimal(0)
        row["amount"] = sign * (least + unit * self.rng.choice([1, 1, 2]))
        row = t.settle(row)
        asks, *others = self.rng.sample([p.name for p in self.crew], len(self.crew))
        need = 1 if threshold is None else int(threshold.get("approvers"))
        for person in others[:need] if self.chance(0.85) else [asks]:
            yield from self.in_tx(n, [lambda: self.approve_ahead(t, row, False, True)], person, True)
        kind = self.rng.choice(["as it is", "more", "more", "less", "twice", "twice", "both", "again"])
        first = dict(row)
        if kind in ("more", "less"):
            first["amount"] += sign * unit * (1 if kind == "more" else -1)
            if first["amount"] == 0:
                return
        second = first | self.own_key(t)
        if kind == "both":
            yield from self.in_tx(n, [lambda: self.insert(t, [first, second])], asks, True)
        elif kind == "again":
            yield from self.undone_once(n, t, first, asks)
        else:
            yield from self.in_tx(n, [lambda: self.insert(t, [first])], asks, True)
        if kind == "twice":
            yield from self.in_tx(n, [lambda: self.insert(t, [second])], asks, True)
        for one in (first, second) if kind in ("twice", "both") else (first,):
            for _ in range(2 if one["status"] == "requested" else 0):
                yield from self.in_tx(n, [partial(self.pay, t, one)], self.whoever(), True)

    def undone_once(self, n: int, t: Table, row: Row, person: str) -> Act:
        """It is used, that is taken back, and it is used again."""
        who = self.people(n, person)
        session = self.play.sessions[n]
        yield Step(n, "BEGIN", op="begin", intent=(("isolation", ISOLATION[0]),))
        self.actor = self.logins[n] if who is None else str(who.get("person"))
        if who is not None:
            yield who
        yield self.mark(n, "SAVEPOINT", "a")
        yield self.form(n, self.insert(t, [row]))
        yield self.mark(n, "ROLLBACK TO" if self.chance(0.8) or session.failed else "RELEASE", "a")
        yield self.form(n, self.insert(t, [row]))
        failed = session.failed
        yield Step(n, "ROLLBACK", op="rollback") if failed else Step(n, "COMMIT", op="commit")


__all__ = ["Plots"]
