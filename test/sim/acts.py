"""Acts at random: what the people of a world do, as steps for its sessions.

An act is a generator of steps in one session; it looks at the state that is
committed, so that keys meet and amounts fall around thresholds.  The steps are
recorded, and can be played again without this.
"""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable, Generator
from decimal import Decimal
from typing import Any

import ddl
from moves import Act, Shapes, Write
from runner import SUPERUSER, Play, logins
from sessions import Result, Step
from shapes import DAYS
from values import batch_of, value_of
from world import (
    OWNER,
    PEOPLE,
    SHARED,
    Column,
    Machine,
    Row,
    Rule,
    Table,
    World,
    columns,
    key_text,
    literal,
    named,
    person_of,
)

KEYS: dict[str, list[Any]] = {
    "bigint": [1, 2, 3],
    "int": [1, 2, 3],
    "text": ["a", "b", "c"],
    "varchar(8)": ["a", "b", "a,b"],
    "numeric": [Decimal("1"), Decimal("1.5"), Decimal("2")],
    "uuid": ["00000000-0000-0000-0000-00000000000" + c for c in "1ab"],
    "date": ["2020-01-01", "2020-01-02", "2020-02-01"],
    # of refunds in the table of their payments, and what these name
    "int8": [11, 12, 13],
    "bigint ": [1, 2, 3, 11],
}
ROLES: dict[str, list[Any]] = {  # columns that are always of the same kind
    "lead": [Decimal(1), Decimal(2)],
    "sort": ["money", "money", "money", "test"],
}
UNITS = {"refunds in minor units", "refunds in major units"}
ISOLATION = ["read committed", "repeatable read", "serializable"]
# what is given as a parameter where there are parameters
GIVEN = re.compile(r"(?<== )('(?:[^']|'')*'|-?\d+(?:\.\d+)?)(?![\w.])")


def same_row(t: Table, row: Row) -> str:
    return " AND ".join(f"{k} = {literal(row[k])}" for k in t.key)


class Actors(Shapes):
    """Chooses the next step of a play."""

    def __init__(self, world: World, steps: int, rng: random.Random) -> None:
        self.world, self.steps, self.rng = world, steps, rng
        self.play: Play | None = None
        self.running: dict[int, Act] = {}
        self.last: dict[int, int] = {}
        self.count = 0
        # in some worlds the owner changes rules all the time
        self.keen = rng.choice([1, 1, 1, 4, 4, 30])
        self.gid = 0
        self.me = 0  # the session that acts
        self.actor: str | None = None  # who acts in it
        self.asked: dict[tuple[Any, ...], set[str | None]] = {}  # who requested a refund
        self.expiring = False
        some = PEOPLE[:3] if rng.random() < 0.5 else rng.sample(PEOPLE, 3)
        self.crew = tuple(some)  # who acts in this world
        self.racing = False  # updates in forms that come second in other ways
        self.common_tx = 0  # the ledger transaction that everybody posts
        self.taken = 0
        self.program: list[Step] = []
        self.logins = logins(world)
        self.rules: dict[tuple[str, str, str], Rule] = {r.slot: r for r in world.rules}
        self.shape = "shape" in world.features
        self.queue: list[Act] = [self.opening()]

    # ------------------------------------------------------------ choosing

    def __call__(self, play: Play) -> Step | None:
        self.play = play
        fruitless = 0
        while self.count < self.steps and fruitless < 50:
            free = [s.number for s in play.sessions if s.running is None]
            if not free:
                return None
            if 0 not in free and self.queue:
                self.queue.clear()
            # the owner's and the superuser's sessions come last, and have less to do
            own = [self.keen if f == len(self.logins) - 2 else 1 for f in free]
            weights = [3 if f < len(self.logins) - 2 else w for f, w in zip(free, own)]
            first = 0 in free and (self.queue or (0 in self.running and not self.taken))
            n = 0 if first else self.turn(free, weights)
            if play.sessions[n].in_tx and n < len(self.logins) - 2 and self.chance(0.004):
                self.running.pop(n, None)
                self.count += 1
                self.program.append(
                    Step(n, "SELECT pg_terminate_backend(pg_backend_pid())", op="kill")
                )
                return self.program[-1]
            act = self.running.get(n)
            self.me = n
            try:
                if act is None:
                    act = self.queue.pop() if self.queue else self.choose(n)
                    self.running[n] = act
                if inspect.getgeneratorstate(act) == inspect.GEN_CREATED:
                    step = next(act)
                else:
                    last = next(r for r in reversed(play.history.results) if r.step.session == n)
                    step = act.send(last)
            except StopIteration:
                del self.running[n]
                self.taken += 1
                fruitless += 1
                continue
            self.count += 1
            self.program.append(step)
            return step
        return None

    def turn(self, free: list[int], weights: list[int]) -> int:
        """Whose turn it is."""
        return self.rng.choices(free, weights)[0]

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def rows(self, t: Table) -> list[Row]:
        """The rows of a table, as whoever acts sees them."""
        assert self.play is not None
        return self.play.view(self.play.sessions[self.me])[t.name]

    def choose(self, n: int) -> Act:
        r = self.rng
        acts: list[tuple[Callable[[int], Act], float]] = []
        kinds = {t.kind for t in self.world.tables.values()}
        if n == len(self.logins) - 1:
            return self.commands(n)
        if n == len(self.logins) - 2:
            acts += [(self.owner_writes, 1), (self.redeclare, 8), (self.commands, 3)]
        if "refund" in kinds:
            acts += [
                (self.some_writes, 6),
                (self.request_and_pay, 5),
                (self.approve_some, 5),
                (self.live_again, 3),
                (self.approve_then_change, 3),
                (self.withdraw, 0.5),
            ]
            if self.shape:
                acts += [(self.ahead, 3), (self.settle, 0.7)]
        if "ledger" in kinds:
            acts.append((self.posting, 2))
        if kinds - {"payment", "refund"}:
            acts.append((self.other_writes, 5 if "refund" in kinds else 10))
        choice = r.choices([a for a, _ in acts], [w for _, w in acts])[0]
        return choice(n)

    # ------------------------------------------------------------ transactions

    def people(self, n: int, person: str | None = None) -> Step | None:
        """Says who acts, perhaps."""
        if self.logins[n] not in (SHARED, OWNER):
            return None
        if person is None and self.chance(0.15):
            return None
        p = next((p for p in PEOPLE if p.name == person), None) or self.rng.choice(self.crew)
        name = p.name if self.chance(0.5) else self.rng.choice(p.spellings)
        more = ", 'because', 'T-1'" if self.chance(0.7) else ""
        return Step(
            n,
            f"SELECT paysafe.act_as({literal(name)}{more})",
            "simple",
            (),
            "act_as",
            (("person", name), ("reason", bool(more))),
        )

    def in_tx(
        self,
        n: int,
        writes: list[Callable[[], Write | None]],
        person: str | None = None,
        sure: bool = False,
        parked: float = 0.0,
    ) -> Act:
        """Some writes, in a transaction, which is perhaps prepared, or each by itself."""
        assert self.play is not None
        session = self.play.sessions[n]
        who = self.people(n, person)
        self.actor = self.logins[n]
        if who is None and self.chance(0.4) or (not sure and self.chance(0.1)):
            for w in writes:
                got = w()
                if got is not None:
                    yield self.form(n, got)
            return
        iso = "read committed" if sure or self.chance(0.7) else self.rng.choice(ISOLATION)
        yield Step(
            n, f"BEGIN ISOLATION LEVEL {iso.upper()}", op="begin", intent=(("isolation", iso),)
        )
        if who is not None:
            yield who
        marks: list[str] = []
        left = list(writes)
        while left:
            self.actor = self.logins[n] if who is None else str(who.get("person"))
            got = left[0]()
            write = left.pop(0)
            if got is None:
                continue
            if (not sure or self.chance(0.1)) and self.chance(0.25):
                marks.append("abc"[len(marks)] if len(marks) < 3 else "c")
                yield self.mark(n, "SAVEPOINT", marks[-1])
            r = yield self.form(n, got)
            if session.failed:
                if not marks:
                    yield Step(n, "ROLLBACK", op="rollback")
                    return
                yield self.mark(n, "ROLLBACK TO", marks[-1])
            elif marks and r.ok and self.chance(0.45):
                if self.chance(0.3):
                    yield self.mark(n, "RELEASE", marks.pop())
                    continue
                i = self.rng.randrange(len(marks))
                yield self.mark(n, "ROLLBACK TO", marks[i])
                del marks[i + 1 :]
                if self.chance(0.6) and len(left) < 4:
                    left.append(write)  # and once more, as things are now
        if not sure and self.chance(0.1):
            yield Step(n, "ROLLBACK", op="rollback")
        elif self.chance(parked if sure else 0.08):
            self.gid += 1
            gid = f"{self.play.schema}_{self.gid}"
            r = yield Step(n, f"PREPARE TRANSACTION '{gid}'", op="prepare", intent=(("gid", gid),))
            if r.ok and r.tag == "PREPARE TRANSACTION":
                if self.chance(0.5):
                    yield from self.in_tx(n, [self.any_write()])
                verb = "ROLLBACK" if self.chance(0.25) else "COMMIT"
                yield Step(
                    n,
                    f"{verb} PREPARED '{gid}'",
                    op=f"{verb.lower()}_prepared",
                    intent=(("gid", gid),),
                )
        else:
            yield Step(n, "COMMIT", op="commit")

    def mark(self, n: int, verb: str, name: str) -> Step:
        op = {"SAVEPOINT": "savepoint", "RELEASE": "release"}.get(verb, "rollback_to")
        return Step(n, f"{verb} {name}", op=op, intent=(("name", name),))

    def form(self, n: int, write: Write) -> Step:
        op, sql, intent = write
        if op == "copy":
            return Step(n, sql, "copy", (), "insert", intent)
        if sql.startswith("DECLARE c "):
            return Step(n, sql, "simple", (), op, intent)
        judged = dict(intent).get("lock")  # by its expressions: the plan must not matter
        weights = [3, 3, 4] if judged else [6, 2, 2]
        form = self.rng.choices(["simple", "extended", "prepared"], weights)[0]
        given_often = 0.85 if judged else 0.6
        if form != "simple" and op in ("update", "merge", "delete") and self.chance(given_often):
            # the same text each time: what was planned is used again
            values: list[str] = []

            def given(m: re.Match[str]) -> str:
                v = m[1]
                values.append(v[1:-1].replace("''", "'") if v.startswith("'") else v)
                return f"${len(values)}"

            sql = GIVEN.sub(given, sql)
            return Step(n, sql, form, tuple(values), op, intent)
        if (
            self.chance(0.06)
            and "paysafe.transition" not in sql
            and op in ("insert", "update", "delete", "merge")
            and "RETURNING" not in sql
        ):
            return Step(n, f"DO $do$ BEGIN {sql}; END $do$", "simple", (), op, intent)
        if (
            "writes inside others" in self.world.features
            and self.chance(0.3)
            and "paysafe.transition" not in sql
            and op in ("insert", "update", "delete", "merge")
            and ";" not in sql
        ):
            return Step(n, self.inside(sql), "simple", (), op, (*intent, ("nested", True)))
        return Step(n, sql, form, (), op, intent)

    def inside(self, sql: str) -> str:
        """The same, as something that another statement does."""
        insert = "INSERT INTO outbox (command) VALUES "
        return self.rng.choice(
            [
                f"SELECT run_it({literal(sql)})",
                f"SELECT 1 WHERE run_it({literal(sql)}) = 1",
                f"{insert}({literal(sql)})",
                f"WITH x AS ({insert}({literal(sql)}) RETURNING 1) SELECT count(*) FROM x",
                f"{insert}({literal(insert + '(' + literal(sql) + ')')})",
                f"SELECT run_it({literal(insert + '(' + literal(sql) + ')')})",
                f"{insert}({literal('SELECT run_it(' + literal(sql) + ')')}), ('SELECT 1')",
            ]
        )

    # ------------------------------------------------------------ statements

    def insert(self, t: Table, rows: list[Row], way: str = "") -> Write:
        rows = [dict(t.mark) | r for r in rows]
        cols = [c.name for c in t.columns if c.role != "generated" and c.name in rows[0]]
        rows = [t.settle(r) for r in rows]
        intent = (("table", t.name), ("rows", tuple(dict(r) for r in rows)))
        for r in rows:
            if t.kind == "refund":
                self.asked[self.name_of(t, r)] = {person_of(self.actor)}
        plain = f"INSERT INTO {t.place} ({', '.join(cols)}) "
        values = ", ".join(
            "(" + ", ".join(t.literal(c, r.get(c)) for c in cols) + ")" for r in rows
        )
        if way == "" and self.chance(0.1):
            data = "".join(
                "\t".join(
                    "\\N" if v is None else str(v).replace("\\", "\\\\")
                    for v in (t.get(c).kept(r.get(c)) for c in cols)
                )
                + "\n"
                for r in rows
            )
            return (
                "copy",
                f"COPY {t.place} ({', '.join(cols)}) FROM STDIN",
                (*intent, ("data", data)),
            )
        if way == "" and self.chance(0.06):
            values_as = f"WITH new ({', '.join(cols)}) AS (VALUES {values}) "
            casts = ", ".join(f"{c}::{t.type_of(c)}" for c in cols)
            return "insert", f"{values_as}{plain}SELECT {casts} FROM new", intent
        return "insert", f"{plain}VALUES {values}", intent

    def name_of(self, t: Table, row: Row) -> tuple[Any, ...]:
        return (t.name, *(str(row.get(k)) for k in t.identity()))

    def update(
        self,
        t: Table,
        where: str,
        rows: list[Row],
        sets: dict[str, Any],
        exprs: dict[str, str] | None = None,
    ) -> Write:
        """An update of these rows; exprs has SQL for some of the values that are set."""
        exprs, sets = exprs or {}, t.settle(sets)
        text = ", ".join(f"{c} = {exprs.get(c) or t.literal(c, v)}" for c, v in sets.items())
        intent = (
            ("table", t.name),
            ("keys", tuple(tuple(r[k] for k in t.key) for r in rows)),
            ("sets", dict(sets)),
            ("exprs", dict(exprs)),
        )
        status = t.column("status")
        if len(rows) == 1 and rows[0].get(status) == "rejected" and status in sets:
            self.asked.setdefault(self.name_of(t, rows[0]), set()).add(person_of(self.actor))
        way = self.rng.random()
        if self.racing:
            way = self.rng.choice([0.05, 0.1, 0.1, 0.15, 0.5, 0.5, 0.85, 0.85, 0.85, 0.92, 0.97])
        if way > 0.95 and len(rows) == 1 and not exprs:
            return (
                "update",
                (
                    f"DECLARE c CURSOR FOR SELECT * FROM {t.place} WHERE {where} FOR UPDATE; FETCH 1"
                    f" FROM c; UPDATE {t.place} SET {text} WHERE CURRENT OF c; CLOSE c"
                ),
                (*intent, ("cursor", True)),
            )
        if (
            way > 0.9
            and len(rows) == 1
            and set(sets) == {status}
            and isinstance(rows[0].get(status), str)
            and self.machine(t) is not None
            and t.get(status).form in ("", "boolean")
        ):
            said = dict(t.get(status).words)
            a, b = (said.get(s, s) for s in (rows[0][status], sets[status]))
            words = (t.place, key_text(t, rows[0]), a, b)
            return (
                "update",
                f"SELECT paysafe.transition({', '.join(map(literal, words))})",
                (*intent, ("transition", True)),
            )
        plain = bool(status) and not t.get(status).form
        if (
            way > 0.82
            and len(rows) == 1
            and status in sets
            and rows[0].get(status)
            and not exprs
            and plain
        ):
            return self.two_branches(t, rows[0], sets)
        if way < 0.08 and len(rows) == 1:
            on = " AND ".join(f"t.{k} = {literal(rows[0][k])}" for k in t.key)
            return (
                "merge",
                (
                    f"MERGE INTO {t.place} t USING (SELECT 1) s ON {on} WHEN MATCHED THEN UPDATE SET"
                    f" {text}"
                ),
                intent,
            )
        if (
            way < 0.14
            and len(rows) == 1
            and not t.deferrable
            and not exprs
            and not set(sets) & set(t.key)
        ):
            merged = {c.name: rows[0].get(c.name) for c in t.columns if c.role != "generated"}
            if not any(c.role == "key" and c.more for c in t.columns):
                cols = ", ".join(merged)
                values = ", ".join(t.literal(c, v) for c, v in merged.items())
                return (
                    "update",
                    (
                        f"INSERT INTO {t.place} ({cols}) VALUES ({values}) ON CONFLICT"
                        f" ({', '.join(t.key)}) DO UPDATE SET {text}"
                    ),
                    (*intent, ("upsert", merged)),
                )
        if way < 0.2:
            return (
                "update",
                (
                    f"WITH u AS (UPDATE {t.place} SET {text} WHERE {where} RETURNING 1) SELECT"
                    " count(*) FROM u"
                ),
                intent,
            )
        return "update", f"UPDATE {t.place} SET {text} WHERE {where}", intent

    def two_branches(self, t: Table, row: Row, sets: dict[str, Any]) -> Write:
        """A MERGE that moves the row from where it is, and else sets another column."""
        other = next(
            (c.name for c in t.columns if c.role in ("note", "payee", "filled")), t.column("amount")
        )
        otherwise = {other: self.rng.choice(["x", "y", "z"])}
        on = " AND ".join(f"t.{k} = {literal(row[k])}" for k in t.key)
        status = t.column("status")

        def text(what: dict[str, Any]) -> str:
            return ", ".join(f"{c} = {t.literal(c, v)}" for c, v in what.items())

        return (
            "merge",
            (
                f"MERGE INTO {t.place} t USING (SELECT 1) s ON {on} WHEN MATCHED AND"
                f" t.{status}::text = {literal(row[status])} THEN UPDATE SET {text(sets)} WHEN"
                f" MATCHED THEN UPDATE SET {text(otherwise)}"
            ),
            (
                ("table", t.name),
                ("keys", (tuple(row[k] for k in t.key),)),
                ("sets", dict(sets)),
                ("exprs", {}),
                ("when", (status, row[status])),
                ("otherwise", otherwise),
            ),
        )

    def update_row(
        self, t: Table, row: Row, sets: dict[str, Any], exprs: dict[str, str] | None = None
    ) -> Write:
        return self.update(t, same_row(t, row), [row], sets, exprs)

    def delete(self, t: Table, row: Row) -> Write:
        intent = (("table", t.name), ("keys", (tuple(row[k] for k in t.key),)))
        return "delete", f"DELETE FROM {t.place} WHERE {same_row(t, row)}", intent

    # ------------------------------------------------------------ values

    def amount(self, around: list[Any]) -> Decimal:
        """Small, and often just at, below or above something."""
        u = self.world.unit
        known = [Decimal(a) for a in around if isinstance(a, Decimal) and a.is_finite() and a > 0]
        if known and self.chance(0.55):
            step = Decimal(u) if self.world.minor or self.chance(0.5) else Decimal("0.01")
            got = self.rng.choice(known) + self.rng.choice([0, 0, 1, -1]) * step
            if got > 0:
                return got
        return Decimal(self.rng.randint(1, 8) * u)

    def new_key(self, t: Table) -> Row:
        row: Row = {}
        for c in t.columns:
            if c.role in ("key", "region") and c.name in t.key or c.role == "number":
                if t.kind in ("ledger",):
                    continue
                row[c.name] = self.rng.choice(choices(c))
        return row

    def fresh_key(self, t: Table) -> Row:
        """A key that nobody has, if one is found."""
        for _ in range(6):
            got = self.new_key(t)
            if not any(
                all(str(r[k]) == str(got[k]) for k in got if k != "region") for r in self.rows(t)
            ):
                break
        return got

    def rule(self, kind: str, table: str) -> Rule | None:
        return next((r for r in self.rules.values() if r.kind == kind and r.table == table), None)

    def machine(self, t: Table) -> Machine | None:
        rule = self.rule("status", t.name)
        return None if rule is None else rule.get("machine")

    def ways(self, t: Table) -> Machine | None:
        """Its machine, or what is usual where no rule says one."""
        return self.machine(t) or self.world.ways.get(t.name)

    def next_status(self, t: Table, row: Row, legal: float = 0.75) -> str:
        machine = self.ways(t)
        status = row[t.column("status")]
        if machine is None:
            words = [said for said, _ in t.get(t.column("status")).words]
            return self.rng.choice(words or ["created", "authorized", "captured"])
        ways = sorted(b for a, b in machine.edges if a == status)
        if ways and self.chance(legal):
            return self.rng.choice(ways)
        return self.rng.choice(sorted(machine.states))

    # ------------------------------------------------------------ money

    def captured_sets(self, t: Table, row: Row, status: str) -> dict[str, Any]:
        rule = self.rule("payment", t.name)
        sets: dict[str, Any] = {"status": status}
        if (
            rule is not None
            and status in rule.get("captured")
            and row["status"] not in rule.get("captured")
        ):
            if not self.chance(0.05):
                sets["captured"] = (
                    row["amount"] if self.chance(0.7) else self.amount([row["amount"]])
                )
        elif self.chance(0.05 if rule is None or not rule.opt("changes") else 0.3):
            sets["captured"] = self.amount([row.get("captured"), row["amount"]])
        return self.only(t, sets)

    def opening(self) -> Act:
        """Something is there: payments that are captured, the honest way, and other rows."""
        if "payment" in self.world.tables:
            yield from self.leads()
            yield from self.captured(self.world.tables["payment"])
        first: dict[str, list[Row]] = {
            "wallet": [
                {"id": i, "balance": Decimal(100), "version": 1, "note": "x"} for i in (1, 2)
            ],
            "job": [
                {"id": i, "state": "open", "payee": "x", "price": Decimal(1)}
                for i in (1, 2)[: self.rng.choice([1, 2])]
            ],
            "notes": [{"id": 1, "note": "x", "n": 1}],
        }
        for name, rows in first.items():
            if name in self.world.tables and self.chance(0.9):
                op, sql, intent = self.insert(self.world.tables[name], rows, "plain")
                yield Step(0, sql, "simple", (), op, intent)
        if "account" in self.world.tables:
            t = self.world.tables["account"]
            for code in ("cash", "fees", "sales"):
                row: Row = {"code": code, "balance": Decimal(0)}
                if t.column("minimum"):
                    row["minimum"] = Decimal(self.rng.choice([0, -5, -1000]) * self.world.unit)
                    if self.chance(0.3):
                        row |= {"balance": None, "minimum": None}
                if t.partition:
                    row["region"] = self.rng.choice([1, 2, 3])
                op, sql, intent = self.insert(t, [row], "plain")
                yield Step(0, sql, "simple", (), op, intent)

    def captured(self, t: Table) -> Act:
        machine, rule = self.machine(t), self.rule("payment", "payment")
        if rule is None or "shape" in dict(rule.args):
            yield from self.shaped(t)
            return
        for i in range(self.rng.choice([1, 1, 2])):
            row = self.new_key(t)
            for c in t.columns:
                if c.role in ("key", "number"):
                    row[c.name] = KEYS.get(c.type, [1, 2, 3])[i]
            row |= {
                "status": "created",
                "amount": Decimal(10 * self.world.unit),
                "captured": None,
                "currency": "USD",
                "note": None,
            }
            op, sql, intent = self.insert(t, [row], "plain")
            yield Step(0, sql, "simple", (), op, intent)
            path = [] if machine is None else shortest(machine, "created", rule.get("captured"))
            if machine is None:
                path = ["captured"]
            for status in path:
                sets: dict[str, Any] = {"status": status}
                if status in rule.get("captured"):
                    sets["captured"] = row["amount"]
                row |= sets
                text = ", ".join(f"{c} = {literal(v)}" for c, v in sets.items())
                yield Step(
                    0,
                    f"UPDATE {t.place} SET {text} WHERE {same_row(t, row)}",
                    "simple",
                    (),
                    "update",
                    (
                        ("table", t.name),
                        ("keys", (tuple(row[k] for k in t.key),)),
                        ("sets", sets),
                        ("exprs", {}),
                    ),
                )

    def payment_write(self) -> Write | None:
        t = self.world.tables.get("payment")
        if t is None:
            return self.add_refund()
        rows = self.rows(t)
        if not rows or self.chance(0.15):
            row = self.fresh_key(t)
            amount = self.amount([])
            status = "created" if self.chance(0.7) else self.rng.choice(["captured", "authorized"])
            row |= {
                "status": status,
                "amount": amount,
                "captured": amount if status == "captured" else None,
                "currency": "USD" if self.chance(0.85) else "EUR",
                "note": None,
                "sort": "money" if self.chance(0.85) else "test",
            }
            return self.insert(t, [self.only(t, row)])
        row = self.rng.choice(rows)
        what = self.rng.random()
        if what < 0.4:
            status = self.next_status(t, row)
            return self.update_row(t, row, self.captured_sets(t, row, status))
        if what < 0.85:
            roles = ("amount", "captured", "currency", "note", "number", "limit", "lead", "sort", "kind")
            column = self.rng.choice([*(c.name for c in t.columns if c.role in roles), *t.key])
            return self.update_row(t, row, {column: self.other(t, row, column)})
        if what < 0.9 and len(rows) > 1 and t.deferrable:
            k = t.key[0]
            a, b = literal(rows[0][k]), literal(rows[1][k])
            return self.update(
                t,
                f"{k} IN ({a}, {b})",
                rows[:2],
                {k: None},
                {k: f"CASE {k} WHEN {a} THEN {b}::{t.type_of(k)} ELSE {a}::{t.type_of(k)} END"},
            )
        return self.delete(t, row)

    def other(self, t: Table, row: Row, column: str) -> Any:
        """Another value for a column."""
        c = next(c for c in t.columns if c.name == column)
        if c.role in ("amount", "captured", "limit"):
            if self.chance(0.06):
                return self.rng.choice(
                    [None, Decimal(0), Decimal(-1)]
                    + ([] if self.world.minor else [Decimal("1.005")])
                )
            amount = row["amount"]
            negative = isinstance(amount, Decimal) and amount < 0
            got = self.amount([abs(amount) if negative else amount, row.get("captured")])
            return -got if negative and self.chance(0.8) else got
        if c.role == "currency":
            # what has no decimals has other minor units
            yen = [] if self.world.features & UNITS else ["JPY"]
            return self.rng.choice(["EUR", "EUR", "usd", *yen, None])
        if c.role in ("key", "region", "number", "ref", "lead", "sort"):
            if c.role == "sort" and (sorts := self.sorts(t)):
                return self.rng.choice(sorts)
            return self.rng.choice(choices(c))
        if c.role == "kind":
            rule = self.rule("payment", t.place)
            only = rule is not None and rule.opt("rows", ((0, 0, True),))[0][2]
            # where some rows are neither, one of these may become a refund
            return self.rng.choice(["sale", "fee", *(["refund"] if only or t.host else [])])
        if c.role == "touched":
            return f"2026-01-0{self.rng.randint(1, 9)} 00:00:00+00"
        return self.rng.choice(["x", "y", "z"])

    def refund_table(self) -> Table:
        return self.rng.choice(self.world.table("refund"))

    def new_refund(self, t: Table, status: str | None = None) -> Row | None:
        rule = self.rule("refund", t.name)
        if rule is None:
            return None
        row = dict(t.mark) | self.fresh_key(t)
        left: list[Any] = []
        code = "USD"
        if rule.get("payment") is None:
            row |= {c: self.rng.choice(choices_of(t, c)) for c in columns(rule.get("ref"))}
        else:
            payments = self.rows(self.world.tables["payment"])
            if not payments:
                return None
            p = self.rng.choice(payments)
            gross = self.captured_of(p)
            left = [gross, p["amount"]]
            if isinstance(gross, Decimal):
                left = [gross - self.returned(rule, p), *left]
            row |= dict(zip(columns(rule.get("ref")), named(rule.get("payment_key"), p) or ()))
            if not self.chance(0.95):
                column = self.rng.choice(columns(rule.get("ref")))
                row[column] = self.other(t, {}, column)
            code = p.get("currency", code)
        threshold = self.rule("threshold", t.name)
        if threshold is not None:
            left.append(Decimal(threshold.get("amount")))
        machine = self.ways(t)
        if status is None:
            status = (
                "requested"
                if self.chance(0.75)
                else self.rng.choice(sorted(machine.states if machine else ["approved"]))
            )
        row |= {
            "amount": self.amount(left),
            "currency": code if self.chance(0.95) else "EUR",
            "status": status,
            "payee": self.rng.choice(["x", "y"]),
            "provider_ref": None,
        }
        if t.column("touched"):
            row["touched"] = "2026-01-01 00:00:00+00"
        return self.shape_row(t, rule, row)

    def add_refund(self) -> Write | None:
        t = self.refund_table()
        rows = [
            r
            for r in (self.new_refund(t) for _ in range(1 if self.chance(0.85) else 2))
            if r is not None
        ]
        return self.insert(t, rows) if rows else None

    def refund_write(self) -> Write | None:
        t = self.refund_table()
        rows = self.rows(t)
        if not rows or self.chance(0.25):
            return self.add_refund()
        row = self.rng.choice(rows)
        what = self.rng.random()
        if what < 0.45:
            sets: dict[str, Any] = {"status": self.next_status(t, row)}
            if self.chance(0.12):
                column = self.rng.choice(
                    ["payee", "amount", *columns(rule.get("ref")), "provider_ref"]
                    if (rule := self.rule("refund", t.name))
                    else ["payee", "amount"]
                )
                sets[column] = self.other(t, row, column)
            if t.partition and self.chance(0.15):
                sets["region"] = self.rng.choice([1, 2, 3])
            return self.update_row(t, row, sets)
        if what < 0.55:
            status = self.next_status(t, row)
            some = [r for r in rows if r["status"] == row["status"]]
            # a literal finds no operator of a domain over an enum
            where = t.get("status").equals(row["status"])
            if t.type_of("status").endswith("_status"):
                where = where.replace("status", "status::text", 1)
            return self.update(t, where, some, {"status": status})
        if what < 0.85:
            names = [c.name for c in t.columns if c.role not in ("status", "generated")]
            column = self.rng.choice(
                [*names, "payee", "payee"] + (["region", "region"] if t.partition else [])
            )
            return self.update_row(t, row, {column: self.other(t, row, column)})
        return self.delete(t, row)

    def any_write(self) -> Callable[[], Write | None]:
        kinds = {t.kind for t in self.world.tables.values()}
        if "refund" not in kinds:
            return self.other_write
        ways = [self.refund_write, self.refund_write, self.payment_write, self.add_refund]
        if kinds & {"capture", "order"}:
            ways += [self.beside_write] * 2
        return self.rng.choice(ways)

    def some_writes(self, n: int) -> Act:
        yield from self.in_tx(n, [self.any_write() for _ in range(self.rng.choice([1, 1, 2, 3]))])

    owner_writes = some_writes

    # ------------------------------------------------------------ approvals

    def approve(self, t: Table, row: Row) -> Write:
        more = ""
        if self.chance(0.06):
            more = f", NULL, now() + interval '{self.rng.choice([50, 50, 400])} ms'"
            self.expiring = True
        reason = "looked at" if self.chance(0.97) else "\u00a0 \u3000"
        relation = t.place if self.chance(0.9) else str(row[""])
        return (
            "approve",
            (
                f"SELECT paysafe.approve({literal(relation)}, {literal(key_text(t, row))},"
                f" {literal(reason)}{more})"
            ),
            (
                ("table", t.name),
                ("keys", (tuple(row[k] for k in t.key),)),
                ("reason", reason),
                ("relation", relation),
                ("expires", float(more.split("'")[1].split()[0]) / 1000 if more else None),
            ),
        )

    def approver(self, n: int) -> int:
        """A session whose login may say who it is, or is itself somebody."""
        return n

    def pick_refund(self, wanted: str = "waiting") -> tuple[Table, Row] | None:
        some = [
            (t, r)
            for t in self.world.table("refund")
            for r in self.rows(t)
            if wanted == "any" or r["status"] in ("requested", "review")
        ]
        return self.rng.choice(some) if some else None

    def person(self) -> str:
        return self.rng.choice(self.crew).name

    def another(self, t: Table, row: Row) -> str:
        """Somebody who may approve it, mostly."""
        asked = self.asked.get(self.name_of(t, row), set())
        others = [p.name for p in self.crew if p.name not in asked]
        if others and self.chance(0.8):
            return self.rng.choice(others)
        known = sorted(p for p in asked if p is not None)
        return self.rng.choice(known) if known and self.chance(0.7) else self.person()

    def approval(self, n: int, t: Table, row: Row) -> Act:
        """Somebody approves it as it is now."""
        yield from self.in_tx(
            n, [lambda: self.approve(t, self.again(t, row) or row)], self.another(t, row), True
        )
        if self.expiring:
            self.expiring = False
            if self.chance(0.7):
                yield Step(n, "SELECT pg_sleep(0.09)", op="wait")

    def approve_some(self, n: int) -> Act:
        got = self.pick_refund("waiting" if self.chance(0.85) else "any")
        if got is None:
            yield from self.in_tx(n, [self.add_refund])
            return
        t, row = got
        yield from self.approval(n, t, row)
        if self.chance(0.5):
            yield from self.in_tx(n, [lambda: self.pay(t, row)], None, False, 0.1)

    def again(self, t: Table, row: Row) -> Row | None:
        """The row as it is now."""
        for r in self.rows(t):
            if all(r[k] == row[k] for k in t.key if k != "region"):
                return r
        return None

    def pay(self, t: Table, row: Row, sets: dict[str, Any] | None = None) -> Write | None:
        """Into the gate, by the shortest way."""
        now = self.again(t, row)
        rule, machine = self.rule("refund", t.name), self.ways(t)
        if now is None or rule is None or machine is None:
            return None
        path = shortest(machine, now["status"], rule.get("gated"))
        status = path[0] if path else self.next_status(t, now)
        return self.update_row(t, now, {"status": status, **(sets or {})})

    def request_and_pay(self, n: int) -> Act:
        """A refund, requested by one person, approved by somebody, paid by anybody."""
        t = self.refund_table()
        row = self.new_refund(t, "requested" if self.chance(0.9) else None)
        if row is None:
            return
        yield from self.in_tx(n, [lambda: self.insert(t, [row])], self.person(), self.chance(0.8))
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            now = self.again(t, row)
            if now is None:
                return
            yield from self.approval(n, t, now)
        for _ in range(self.rng.choice([1, 2])):
            yield from self.in_tx(n, [lambda: self.pay(t, row)], None, self.chance(0.7), 0.1)

    def live_again(self, n: int) -> Act:
        """The same refund once more: void and revived, or deleted and added."""
        got = self.pick_refund()
        if got is None:
            yield from self.request_and_pay(n)
            return
        t, row = got
        if self.chance(0.8):
            yield from self.approval(n, t, row)
        if self.chance(0.15):
            yield from self.in_tx(n, [lambda: self.add_payee_copy(t, row)], self.person(), True)

        def void() -> Write | None:
            now = self.again(t, row)
            return None if now is None else self.update_row(t, now, {"status": "rejected"})

        def back() -> Write | None:
            now = self.again(t, row)
            return (
                None
                if now is None
                else self.update_row(
                    t, now, {"status": self.rng.choice(["requested", "requested", "approved"])}
                )
            )

        def gone() -> Write | None:
            now = self.again(t, row)
            return None if now is None else self.delete(t, now)

        def anew() -> Write:
            new = {c.name: row.get(c.name) for c in t.columns if c.role != "generated"}
            new["status"] = "requested"
            if self.chance(0.3):
                new["payee"] = self.rng.choice(["x", "y", "thief"])
            if t.partition and self.chance(0.3):
                new["region"] = self.rng.choice([1, 2, 3])
            return self.insert(t, [new])

        steps: list[Callable[[], Write | None]] = [void]
        if self.chance(0.5):
            steps += [back]
        else:
            steps += [gone, anew]
        if self.chance(0.3):
            yield from self.in_tx(n, steps, self.person(), True)
        else:
            for s in steps:
                yield from self.in_tx(n, [s], self.person(), True)
        if self.chance(0.3):
            yield from self.approval(n, t, row)
        for _ in range(self.rng.choice([1, 2])):
            yield from self.in_tx(n, [lambda: self.pay(t, row)], None, True)

    def add_payee_copy(self, t: Table, row: Row) -> Write:
        """Another row of the same shortened key, in another partition, where that may be."""
        new = {c.name: row.get(c.name) for c in t.columns if c.role != "generated"}
        if t.partition:
            new["region"] = 1 if row["region"] != 1 else 2
        new |= {"status": "requested", "amount": Decimal(self.world.unit)}
        return self.insert(t, [new])

    def approve_then_change(self, n: int) -> Act:
        """Something changes between the approval and the payout, with it, or after it."""
        got = self.pick_refund()
        if got is None:
            yield from self.in_tx(n, [self.add_refund], self.person(), True)
            return
        t, row = got
        yield from self.approval(n, t, row)
        names = [
            c.name
            for c in t.columns
            if c.role in ("payee", "filled", "touched", "amount", "region")
        ]
        column = self.rng.choice([*names, "payee", "provider_ref"])

        def change() -> Write | None:
            now = self.again(t, row)
            return (
                None
                if now is None
                else self.update_row(t, now, {column: self.other(t, now, column)})
            )

        where = self.rng.choice(["before", "with", "after"])
        if where == "before":
            yield from self.in_tx(n, [change], None, True)
        sets = {column: self.other(t, row, column)} if where == "with" else {}
        yield from self.in_tx(n, [lambda: self.pay(t, row, sets)], None, True)
        if where == "after":
            yield from self.in_tx(n, [change], None, True)

    def withdraw(self, n: int) -> Act:
        assert self.play is not None
        yield from self.in_tx(
            n,
            [
                lambda: (
                    "withdraw",
                    (
                        "SELECT paysafe.withdraw_approval(max(id), 'changed my mind') FROM"
                        " paysafe.approval WHERE state = 'open' HAVING max(id) IS NOT NULL"
                    ),
                    (),
                )
            ],
            self.person(),
            True,
        )

    # ------------------------------------------------------------ rules

    def redeclare(self, n: int) -> Act:
        """A rule is declared again in other words, alone or with somebody's approval."""
        late = [r for r in self.world.late if r.slot not in self.rules]
        if late and self.chance(0.5):
            yield from self.declare(n, self.rng.choice(late), None)
            return
        candidates = [
            r
            for r in self.rules.values()
            if r.kind in ("status", "refund", "threshold", "columns", "payment", "captures")
            or (r.kind == "audit" and self.chance(0.3))
        ]
        if any(t.host for t in self.world.tables.values()):
            # one rule for both, which is declared for each
            candidates = [r for r in candidates if r.kind not in ("status", "audit")]
        if not candidates:
            yield from self.other_writes(n)
            return
        gates = [r for r in candidates if r.kind == "refund"]
        rule = self.rng.choice(gates if gates and self.chance(0.35) else candidates)
        yield from self.declare(n, self.changed(rule).settled(), rule)

    def declare(self, n: int, rule: Rule, old: Rule | None) -> Act:
        """Alone, and if that is refused with another person's consent."""
        sql = rule.sql()
        intent = (("table", rule.table), ("rule", rule), ("old", old))
        declare: Write = ("declare", sql, intent)
        r = yield from self.alone(n, declare, "anna")
        if r is None or r.ok or r.sqlstate != "42501" or self.chance(0.15):
            return
        # the hint has the way: propose, approve by another person, declare again
        if "propose" in r.message or self.chance(0.5):
            yield Step(n, "BEGIN", op="begin")
            yield Step(
                n, "SELECT paysafe.act_as('anna')", op="act_as", intent=(("person", "anna"),)
            )
            yield Step(n, "SELECT paysafe.propose('as agreed', 'T-9')", op="propose")
            yield Step(n, sql, op="declare", intent=(*intent, ("proposed", True)))
            yield Step(n, "COMMIT", op="commit")
        key = approval_key(r.message)
        other = "anna" if self.chance(0.2) else "groß maier"
        yield Step(n, "BEGIN", op="begin")
        yield Step(
            n, f"SELECT paysafe.act_as({literal(other)})", op="act_as", intent=(("person", other),)
        )
        if key is not None:
            yield Step(
                n,
                f"SELECT paysafe.approve('paysafe.rule', {literal(key)}, 'agreed')",
                op="approve_rule",
                intent=intent,
            )
        else:
            yield Step(
                n,
                "SELECT paysafe.approve('paysafe.rule', key, 'agreed') FROM paysafe.pending_change "
                f"WHERE relation = {literal(rule.table)}::regclass ORDER BY id DESC LIMIT 1",
                op="approve_rule",
                intent=intent,
            )
        yield Step(n, "COMMIT", op="commit")
        if old is not None and self.chance(0.12):
            # approved was another change
            rule = self.changed(rule).settled()
            declare = ("declare", rule.sql(), (intent[0], ("rule", rule), ("old", old)))
        yield from self.alone(n, declare, "anna")

    def alone(self, n: int, write: Write, person: str) -> Generator[Step, Result, Result | None]:
        assert self.play is not None
        yield Step(n, "BEGIN", op="begin")
        yield Step(
            n,
            f"SELECT paysafe.act_as({literal(person)})",
            op="act_as",
            intent=(("person", person),),
        )
        r = yield Step(n, write[1], op=write[0], intent=write[2])
        if self.play.sessions[n].failed:
            yield Step(n, "ROLLBACK", op="rollback")
        else:
            c = yield Step(n, "COMMIT", op="commit")
            if c.ok and write[0] == "declare":
                rule: Rule = dict(write[2])["rule"]
                self.rules[rule.slot] = rule
        return r

    def changed(self, rule: Rule) -> Rule:
        r = self.rng
        if rule.kind == "status":
            m: Machine = rule.get("machine")
            states = sorted(m.states)
            what = r.random()
            if rule.opt("words") and what >= 0.35 and what < 0.65:
                return rule
            if what < 0.35:
                return rule.with_(
                    machine=Machine(m.initial, m.edges | {(r.choice(states), r.choice(states))})
                )
            if what < 0.5:
                return rule.with_(machine=Machine(m.initial | {r.choice(states)}, m.edges))
            if what < 0.65 and len(m.edges) > 1:
                return rule.with_(machine=Machine(m.initial, m.edges - {r.choice(sorted(m.edges))}))
            if what < 0.85:
                return rule.with_(deletable=rule.get("deletable") | {r.choice(states)})
            return rule.with_(deletable=frozenset())
        if rule.opt("types") and self.chance(0.3):
            return self.changed_movements(rule)
        if rule.kind == "refund":
            what = r.random()
            if what < 0.5:
                return rule.with_(
                    gated=rule.get("gated") | {r.choice(["requested", "review", "paid"])}
                )
            if what < 0.7:
                return rule.with_(gated=frozenset({"paid"}))
            if what < 0.85:
                return rule.with_(void=frozenset())
            if "deletable" in dict(rule.args) and self.chance(0.5):
                return rule.with_(deletable=not rule.get("deletable"))
            return rule.with_(unapproved=frozenset({"payee", "provider_ref"}))
        if rule.kind == "threshold":
            what = r.random()
            if what < 0.3:
                return rule.with_(approvers=r.choice([1, 2]))
            if what < 0.5:
                name = r.choice(["within", "valid_for"])
                return rule.with_(**{name: r.choice([1, 2, 24, 48])})
            return rule.with_(amount=self.world.unit * r.choice([0, 2, 3, 5, 8]))
        if rule.kind == "columns":
            if rule.get("once") is not None and self.chance(0.5):
                return rule.with_(
                    once=frozenset(r.choice([{"done"}, {"sent", "done"}, {"open", "sent", "done"}]))
                )
            return rule.with_(
                columns=frozenset(r.choice([{"payee"}, {"price"}, {"payee", "price"}]))
            )
        if rule.kind == "audit":
            name = r.choice(["require_reason", "require_ticket"])
            return rule.with_(**{name: not rule.get(name)})
        if rule.kind == "captures" or rule.opt("changes"):
            return self.changed_shape(rule)
        if rule.kind == "payment":
            return rule.with_(
                captured=rule.get("captured") ^ {r.choice(["authorized", "refunded"])}
                or frozenset({"captured"})
            )
        return rule

    def commands(self, n: int) -> Act:
        """DDL, catalogs and settings: see ddl.py."""
        assert self.play is not None
        c = ddl.choose(self.world, self.rng)
        if c.superuser != (self.logins[n] == SUPERUSER) or not self.play.quiet():
            return
        yield Step(n, c.sql, op="ddl", intent=(("name", c.name), ("refused", c.refused)))
        if not c.refused and c.undo and self.play.history.results[-1].ok:
            yield Step(n, c.undo, op="undo")

    # ------------------------------------------------------------ the other tables

    def posting(self, n: int) -> Act:
        """A ledger transaction in several statements, with savepoints."""
        t = self.world.tables["entry"]
        tx = self.rng.randint(1, 8)
        unit = self.world.unit
        rest = [("cash", 3 * unit), ("fees", -unit), ("sales", -2 * unit)]
        yield Step(n, "BEGIN", op="begin")
        for account, amount in rest:
            row: Row = {"tx": tx, "account": account, "amount": Decimal(amount), "currency": "USD"}
            if t.column("direction"):
                direction = "debit" if amount > 0 else "credit"
                row |= {"amount": Decimal(abs(amount)), "direction": direction}
            inner = self.chance(0.5)
            if inner:
                yield self.mark(n, "SAVEPOINT", "a")
            op, sql, intent = self.insert(t, [row], "plain")
            r = yield Step(n, sql, "simple", (), op, intent)
            if not r.ok and not inner:
                yield Step(n, "ROLLBACK", op="rollback")
                return
            if inner and (not r.ok or self.chance(0.3)):
                yield self.mark(n, "ROLLBACK TO", "a")
            elif inner and self.chance(0.4):
                yield self.mark(n, "RELEASE", "a")
        yield Step(n, "COMMIT", op="commit")

    def other_writes(self, n: int) -> Act:
        yield from self.in_tx(n, [self.other_write for _ in range(self.rng.choice([1, 1, 2, 3]))])

    def other_write(self) -> Write | None:
        t = self.rng.choice(
            [t for t in self.world.tables.values() if t.kind not in ("payment", "refund")]
        )
        rows = self.rows(t)
        return getattr(self, f"{t.kind}_write")(t, rows)  # type: ignore[no-any-return]

    def append_write(self, t: Table, rows: list[Row]) -> Write | None:
        if self.chance(0.06):
            some = [{"id": i, "note": "x", "n": 1} for i in range(100, 1300)]
            return (
                "insert",
                (
                    f"INSERT INTO {t.place} (id, note, n) SELECT i, 'x', 1 FROM generate_series(100,"
                    " 1299) i"
                ),
                (("table", t.name), ("rows", tuple(some))),
            )
        if not rows or self.chance(0.5):
            return self.insert(t, [{"id": self.rng.randint(1, 6), "note": "x", "n": 1}])
        row = self.rng.choice(rows)
        return (
            self.delete(t, row)
            if self.chance(0.4)
            else self.update_row(t, row, {"note": self.rng.choice(["x", "y"])})
        )

    def journal_write(self, t: Table, rows: list[Row]) -> Write | None:
        if not rows or self.chance(0.4):
            return self.insert(t, [{"id": self.rng.randint(20, 25), "note": "x"}])
        return self.update_row(t, self.rng.choice(rows), {"note": self.rng.choice(["x", "y"])})

    def job_write(self, t: Table, rows: list[Row]) -> Write | None:
        if not rows or self.chance(0.25):
            return self.insert(
                t,
                [
                    {
                        "id": self.rng.randint(1, 3),
                        "state": "open",
                        "payee": "x",
                        "price": Decimal(1),
                    }
                ],
            )
        row = self.rng.choice(rows)
        what = self.rng.random()
        if what < 0.5:
            return self.update_row(t, row, {"state": self.next_status(t, row)})
        if what < 0.9:
            column = self.rng.choice(["payee", "price", "id"])
            new: Any = self.rng.choice(["x", "y"]) if column == "payee" else self.rng.randint(1, 3)
            return self.update_row(t, row, {column: new})
        return self.delete(t, row)

    def wallet_write(self, t: Table, rows: list[Row]) -> Write | None:
        if not rows or self.chance(0.1):
            return self.insert(
                t,
                [
                    {
                        "id": self.rng.randint(1, 2),
                        "balance": Decimal(100),
                        "version": 1,
                        "note": "x",
                    }
                ],
            )
        row = self.rng.choice(rows)
        where = same_row(t, row)
        value = self.rng.choice([90, 110, 130, 150])
        if self.chance(0.2):
            return self.lock(t, row)
        intent = (("table", t.name), ("keys", ((row["id"],),)), ("sets", None))
        form = self.rng.choice(["update"] * 5 + ["compared", "compared", "merge", "upsert", "cte"])
        if self.chance(0.15):
            return batch_of(self.rng, t, rows, value)
        if form == "upsert":
            expr, verdict = value_of(self.rng, value, f"{t.place}.", 2, True)
            sql = (
                f"INSERT INTO {t.place} (id, balance, version, note) VALUES ({row['id']}, {value},"
                f" 1, 'x') ON CONFLICT (id) DO UPDATE SET balance = {expr}"
            )
        elif form == "compared":
            expr, more, verdict = self.rng.choice(
                [
                    (str(value), f" AND balance = {row['balance']}", "compared"),
                    (str(value), f" AND version = {row['version']}", "absolute"),
                    (
                        f"{value}, version = {row['version'] + 1}",
                        f" AND version = {row['version']}",
                        "compared",
                    ),
                    (
                        f"{value}, version = version + 1",
                        f" AND version = {row['version']}",
                        "compared",
                    ),
                    (
                        f"{value}, version = version + 1",
                        f" AND version = {row['version']} OR id = {row['id']}",
                        "absolute",
                    ),
                    (f"{value}, version = version + 1", "", "absolute"),
                ]
            )
            sql = f"UPDATE {t.place} SET balance = {expr} WHERE {where}{more}"
        else:
            expr, verdict = value_of(self.rng, value)
            sql = f"UPDATE {t.place} SET balance = {expr} WHERE {where}"
            if form == "update" and self.chance(0.15):
                # what another relation hands over
                given, verdict = self.rng.choice(
                    [
                        ("v.x", "absolute"),
                        ("balance + v.x", "computed"),
                        ("v.x - balance", "computed"),
                    ]
                )
                where = " AND ".join(f"{t.place}.{w}" for w in where.split(" AND "))
                sql = f"UPDATE {t.place} SET balance = {given} FROM (VALUES ({value})) v (x) WHERE {where}"
            if form == "merge":
                sql = (
                    f"MERGE INTO {t.place} USING (SELECT 1) s ON {where} WHEN MATCHED THEN UPDATE"
                    f" SET balance = {expr}"
                )
            if form == "cte":
                sql = f"WITH u AS ({sql} RETURNING 1) SELECT count(*) FROM u"
        return "update", sql, (*intent, ("lock", verdict), ("value", value))

    def lock(self, t: Table, row: Row) -> Write:
        way = self.rng.choice(["", "NO KEY "])
        return (
            "lock",
            f"SELECT balance FROM {t.place} WHERE {same_row(t, row)} FOR {way}UPDATE",
            (("table", t.name), ("keys", ((row["id"],),))),
        )

    def ledger_write(self, t: Table, rows: list[Row]) -> Write | None:
        tx = self.common_tx or self.rng.randint(1, 8)
        unit = self.world.unit
        amount = Decimal(self.rng.randint(1, 4) * unit)
        accounts = ["cash", "fees", "sales"]
        if rows and self.chance(0.12):
            row = self.rng.choice(rows)
            return (
                self.delete(t, row)
                if self.chance(0.4)
                else self.update_row(t, row, {"amount": amount})
            )
        direction, reverses = t.column("direction"), t.column("reverses")

        def entry(account: str, signed: Decimal, number: int = tx, back: Any = None) -> Row:
            row: Row = {
                "tx": number,
                "account": account,
                "amount": signed,
                "currency": self.rng.choice(["USD", "USD", "USD", "usd"]),
            }
            if direction:
                row["amount"] = abs(signed)
                row["direction"] = self.rng.choice(
                    ["debit", "dr", "1"] if signed > 0 else ["credit", "CR", "-1"]
                )
            if reverses:
                row["reverses"] = back
            return row

        if reverses and self.chance(0.04):
            # each of two is the other's reversal
            other = tx % 8 + 1
            back = [entry("cash", amount, tx, other), entry("fees", -amount, tx, other)]
            forth = [entry("cash", -amount, other, tx), entry("fees", amount, other, tx)]
            return self.insert(t, back + forth)
        if reverses and rows and self.chance(0.3):
            old = self.rng.choice(rows)["tx"]
            entries = []
            for r in rows:
                if r["tx"] == old:
                    sign = (
                        r["amount"]
                        if not direction
                        else (
                            r["amount"] if r["direction"] in ("debit", "dr", "1") else -r["amount"]
                        )
                    )
                    entries.append(entry(r["account"], -sign, tx, old))
            if self.chance(0.15):
                entries[0]["amount"] += 1
            return self.insert(t, entries)
        if self.chance(0.35):
            # any number of legs, any account, in any order
            legs = [
                entry(self.rng.choice(accounts), amount * self.rng.choice([1, -1, 2, -2, 5]))
                for _ in range(self.rng.randint(1, 4))
            ]
            total = sum(
                e["amount"] * (-1 if direction and e["direction"] in ("credit", "CR", "-1") else 1)
                for e in legs
            )
            if total:
                legs.append(entry(self.rng.choice(accounts), -total))
            for e in legs:
                e["currency"] = self.rng.choice(["USD", "USD", "usd"])
            self.rng.shuffle(legs)
            return self.insert(t, legs)
        a, b = self.rng.sample(accounts, 2)
        second = amount if self.chance(0.9) else amount + unit
        entries = [entry(a, amount), entry(b, -second)]
        if self.chance(0.15):
            entries = entries[:1]
        if self.chance(0.3):
            self.rng.shuffle(entries)
        return self.insert(t, entries)

    def account_write(self, t: Table, rows: list[Row]) -> Write | None:
        if len(rows) < 3 or self.chance(0.2):
            row: Row = {"code": self.rng.choice(["cash", "fees", "sales"]), "balance": Decimal(0)}
            if t.column("minimum"):
                if self.chance(0.5):
                    row["minimum"] = Decimal(self.rng.choice([0, -5, -5, -1000]) * self.world.unit)
                else:
                    row |= {"balance": None, "minimum": None}
            if t.partition:
                row["region"] = self.rng.choice([1, 1, 2, 3])
            return self.insert(t, [row])
        row = self.rng.choice(rows)
        if self.chance(0.2):
            return self.delete(t, row)
        column = self.rng.choice([c.name for c in t.columns])
        new: Any = {
            "code": self.rng.choice(["cash", "fees", "sales"]),
            "region": self.rng.choice([1, 2, 3]),
        }.get(column, Decimal(self.rng.choice([0, -5, 1, 5]) * self.world.unit))
        return self.update_row(t, row, {column: new})


def choices_of(t: Table, name: str) -> list[Any]:
    return choices(next(c for c in t.columns if c.name == name))


def choices(c: Column) -> list[Any]:
    """The few values of a column, so that they meet."""
    if c.name.endswith("day"):
        return list(DAYS)
    return ROLES.get(c.role) or KEYS.get(c.type, [1, 2, 3])


def shortest(machine: Machine, start: str, goals: Any) -> list[str]:
    """The statuses on the shortest way into one of the goals; empty if there is none."""
    paths: list[list[str]] = [[]]
    seen = {start}
    while paths:
        path = paths.pop(0)
        here = path[-1] if path else start
        if path and here in goals:
            return path
        for a, b in sorted(machine.edges):
            if a == here and b not in seen:
                seen.add(b)
                paths.append([*path, b])
    return []


def approval_key(message: str) -> str | None:
    """The key in the hint of a refusal, if it is whole there."""
    m = re.search(r"approve\('paysafe\.rule',\s*'((?:[^']|'')*)'", message)
    return None if m is None else m[1].replace("''", "'")
