"""Plays of tables that belong to tenants, against a model.

By doc/tenants.md and reference.md (protect_tenant, act_for_tenant) alone: a transaction says for whom it
works, reads and writes rows of that tenant and no others, and is that tenant's to its end, whatever is
rolled back; across tenants it is on record at once.  The tables are plain ones, trees of partitions and
children, some that come later; tenants are told by every type; other rules hold for the same rows: a
machine, what is audited, captures and refunds, cascades, policies that were there before.  Sessions keep plans, read by
several workers, through views and functions of the owner; a second one works for somebody else meanwhile.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

import accounts
from commands import APP, OWNER, Found

TYPES: dict[str, tuple[str, ...]] = {
    "int": ("1", "2", "-3", "40"),
    "smallint": ("1", "2", "-3", "40"),
    "bigint": ("1", "4294967297", "2", "-3"),
    "text": ("a", "A", "a b", "b"),
    "varchar(20)": ("a", "aa", "1", "01"),
    "name_of": ("a", "A", "aa", "01"),
    "uuid": tuple(f"{c * 8}-0000-4000-8000-{c * 12}" for c in "12ab"),
}
REGIONS = (1, 2)
STEPS = {"new": ("new", "open"), "open": ("open", "done"), "done": ("done",)}
ALL = "*"


@dataclass(frozen=True)
class Row:
    id: int
    tenant: str
    region: int
    val: int
    status: str
    hidden: bool
    child: bool = False  # does it stand in the child table?


@dataclass(frozen=True)
class Line:
    id: int
    tenant: str
    item: int


@dataclass
class Books:
    """The model: what is stored."""

    items: dict[int, Row] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)
    back: dict[int, tuple[str, int, int]] = field(default_factory=dict)  # tenant, payment, amount
    charge: dict[int, tuple[str, int, int]] = field(default_factory=dict)  # what is captured, if in rows


@dataclass
class Context:
    """For whom a transaction works."""

    who: str  # its session
    at: str | None = None
    reason: str = ""
    used: str | None = None  # whose rows it has certainly read or written
    maybe: bool = False  # ... or may have
    maybe_of: str | None = None
    saved: list[tuple[Books, str | None, str]] = field(default_factory=list)
    # for the audit log: table, what, key, for whom, why
    changes: list[tuple[str, str, int, str, str]] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)  # changes at each savepoint

    def may(self) -> None:
        self.maybe, self.maybe_of = True, self.at

    @property
    def torn(self) -> bool:
        """It works for one again, and has read another one's rows."""
        return self.at is not None and self.used is not None and self.used != self.at

    @property
    def past(self) -> bool:
        """Does it read past policies?"""
        return self.who == "super"


class Ended(Exception):
    """The transaction has failed."""


class Play(accounts.Play):
    """Items of tenants, their lines, their payments."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.type = rng.choice(list(TYPES))
        self.names = TYPES[self.type]
        self.shape = rng.choice(["plain", "plain", "tenant", "region", "child"])
        self.lined = rng.choice(["", "", "wide", "narrow"])  # lines refer to items, with the tenant
        if self.shape in ("region", "child") and self.lined:
            self.lined = ""
        if self.shape == "tenant" and self.lined:
            self.lined = "wide"
        self.policy = self.chance(0.3)  # the table had policies before
        self.machine = self.chance(0.4)
        self.most = rng.choice([None, None, 3, 5])
        self.money_too = self.chance(0.5)
        self.wide = self.chance(0.5)  # payments are named with their tenant
        self.by_rows = self.chance(0.5)  # what is captured of them is in rows
        self.rows_owned = self.chance(0.6)  # which belong to tenants, too
        self.later = self.chance(0.3)  # rows are there before the rule
        self.seen_across = 0
        self.there = Books()
        self.next = 1
        self.grown = 0
        self.gid = 0
        self.beside_me: Context | None = None  # of session b
        self.logged: list[tuple[str, str, int, str, str]] = []

    # ------------------------------------------------------------ tables

    def lit(self, tenant: str) -> str:
        return f"'{tenant}'" if self.type not in ("int", "smallint", "bigint") else tenant

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            "GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.act_for_tenant, paysafe.across_tenants TO"
            f" {APP}, {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {OWNER}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        key = {"tenant": "tenant, id", "region": "region, id"}.get(self.shape, "id")
        by = {
            "tenant": " PARTITION BY LIST (tenant)",
            "region": " PARTITION BY LIST (region)",
        }.get(self.shape, "")
        out = ["CREATE DOMAIN name_of AS text CHECK (VALUE <> '')"]
        out.append(
            f"CREATE TABLE item (id int, tenant {self.type}, region int NOT NULL DEFAULT 1, val int DEFAULT 0, status"
            f" text DEFAULT 'new', hidden boolean DEFAULT false, PRIMARY KEY ({key})){by}"
        )
        a, b, c, d = (self.lit(t) for t in self.names)
        if self.shape == "tenant":
            out.append(f"CREATE TABLE item_a PARTITION OF item FOR VALUES IN ({a}, {b})")
            out.append(f"CREATE TABLE item_b PARTITION OF item FOR VALUES IN ({c})")
        if self.shape == "region":
            out += [f"CREATE TABLE item_{i} PARTITION OF item FOR VALUES IN ({i})" for i in REGIONS]
        if self.shape == "child":
            out.append("CREATE TABLE item_c (PRIMARY KEY (id)) INHERITS (item)")
        if self.lined == "wide" and self.shape == "plain":
            out.append("ALTER TABLE item ADD UNIQUE (tenant, id)")
        if self.lined:
            columns = "tenant, item" if self.lined == "wide" else "item"
            of = "tenant, id" if self.lined == "wide" else "id"
            out.append(
                f"CREATE TABLE line (id int PRIMARY KEY, tenant {self.type}, item int, FOREIGN KEY ({columns})"
                f" REFERENCES item ({of}) ON DELETE CASCADE)"
            )
        if self.money_too:
            out += [
                f"CREATE TABLE pay (id int, tenant {self.type}, captured bigint, currency text, PRIMARY KEY (tenant, id),"
                " UNIQUE (id))",
                f"CREATE TABLE back (id int PRIMARY KEY, tenant {self.type}, pay_id int, amount bigint, status text)",
                "CREATE INDEX ON back (tenant, pay_id)",
                "CREATE INDEX ON back (pay_id)",
                f"CREATE TABLE charge (id int PRIMARY KEY, tenant {self.type}, pay_id int, amount bigint)",
                "CREATE INDEX ON charge (tenant, pay_id)",
                "CREATE INDEX ON charge (pay_id)",
            ]
        if self.policy:
            out += [
                "ALTER TABLE item ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY shown ON item USING (NOT hidden)",
            ]
        out.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        out += [
            "CREATE VIEW item_view AS SELECT * FROM item",
            f"GRANT SELECT ON item_view TO {APP}",
            "CREATE FUNCTION item_ids() RETURNS SETOF int LANGUAGE sql SECURITY DEFINER SET search_path ="
            f" {self.schema} AS 'SELECT id FROM item'",
        ]
        if self.later:
            self.must(";\n".join(out), True, "", "owner")
            self.before()
            out = []
        self.must(";\n".join([*out, *self.rules()]), True, "", "owner")
        if self.money_too:
            self.payments()
        for who in ("a", "b"):
            self.plans(who)

    def before(self) -> None:
        """Rows that are there when the rule is declared; one without a tenant is in its way."""
        for i, t in enumerate(self.names[:3]):
            self.run(
                f"INSERT INTO item (id, tenant, val) VALUES ({i + 1}, {self.lit(t)}, 0)", "super"
            )
            self.there.items[i + 1] = Row(i + 1, t, 1, 0, "new", False)
        self.next = 4
        if self.shape != "tenant":
            self.run("INSERT INTO item (id, region) VALUES (99, 1)", "super")
            self.must(f"SELECT {self.rule('item', self.most)}", False, "23514", "owner")
            self.run("DELETE FROM item WHERE id = 99", "super")

    def rule(self, table: str, most: int | None) -> str:
        more = "" if most is None else f", max_rows => {most}"
        return f"paysafe.protect_tenant('{table}', 'tenant'{more})"

    def rules(self) -> list[str]:
        out = [f"SELECT {self.rule('item', self.most)}", "SELECT paysafe.audit('item')"]
        if self.machine:
            ways = "[*] --> new\nnew --> open\nopen --> done"
            out.append(f"SELECT paysafe.protect_status('item', 'status', '{ways}', '{{new,open}}')")
        if self.lined:
            out += [f"SELECT {self.rule('line', None)}", "SELECT paysafe.audit('line')"]
        if self.money_too:
            names = "'{tenant,pay_id}'" if self.wide else "'pay_id'"
            key = "'{tenant,id}'" if self.wide else "'id'"
            captured = ", payment_amount_column => 'captured', payment_currency_column => 'currency'"
            if self.by_rows:
                captured = ""
                out += [
                    f"SELECT paysafe.protect_captures('charge', 'pay', {names}, 'amount', currency => 'EUR', payment_key =>"
                    f" {key}, deletable => true)",
                ]
                if self.rows_owned:
                    out.append(f"SELECT {self.rule('charge', None)}")
            out += [
                f"SELECT paysafe.protect_refund('back', 'pay', {names}, 'amount', status_column => 'status', gated =>"
                f" '{{sent}}', void => '{{failed}}', payment_key => {key}{captured})",
                "SELECT paysafe.set_refund_threshold('back', 'EUR', 100000)",
                f"SELECT {self.rule('pay', None)}",
                f"SELECT {self.rule('back', None)}",
            ]
        return out

    def payments(self) -> None:
        """A payment of 100 for each tenant; its number is the tenant's."""
        for i, t in enumerate(self.names):
            sql = f"SELECT paysafe.act_for_tenant('{t}');\nINSERT INTO pay VALUES ({i}, {self.lit(t)}, 100, 'EUR')"
            if self.by_rows:
                sql += f";\nINSERT INTO charge VALUES ({i}, {self.lit(t)}, {i}, 60)"
                self.there.charge[i] = (t, i, 60)
                self.next = max(self.next, len(self.names))
            self.must(f"BEGIN;\n{sql};\nCOMMIT", True, "")

    def plans(self, who: str) -> None:
        """What a session keeps."""
        if self.chance(0.5):
            self.run("SET plan_cache_mode = force_generic_plan", who)
        if self.chance(0.5):
            self.run(
                "SET parallel_setup_cost = 0;\nSET parallel_tuple_cost = 0;\nSET min_parallel_table_scan_size = 0",
                who,
            )
        if self.chance(0.5):
            self.run("SET enable_seqscan = off", who)
        self.must(
            "PREPARE kept AS SELECT id FROM item;\nPREPARE kept_set (int, int) AS UPDATE item SET val = $2 WHERE id = $1",
            True,
            "",
            who,
        )

    # ------------------------------------------------------------ a transaction

    def sees(self, c: Context, r: Row) -> bool:
        if c.past:
            return True
        if self.policy and r.hidden:
            return False
        return c.at == ALL or c.at is not None and r.tenant == c.at

    def try_it(self, c: Context, sql: str, codes: set[str]) -> bool:
        """A statement of it, that passes or is refused with one of these."""
        within = bool(codes) and self.chance(0.6)
        if within:
            self.must("SAVEPOINT x", True, "", c.who)
        self.script.append(f"{c.who}: {sql};")
        code = ""
        try:
            self.conns[c.who].execute(sql)
        except psycopg.Error as e:
            code = e.sqlstate or "XX000"
            self.script.append(f"-- {e.sqlstate} {e.diag.message_primary}")
            if code[:2] in ("XX", "08", "57"):
                raise Found("error", f"{code} {e}") from e
        if not codes and code:
            raise Found("legitimate", f"refused with {code}: {sql}")
        if codes and code not in codes:
            raise Found("passed", f"{code or 'no refusal'}, it is {' '.join(sorted(codes))}: {sql}")
        if not code:
            return True
        if within:
            self.must("ROLLBACK TO x", True, "", c.who)
            if c.at is not None:
                c.may()  # what was refused may have read something
            return False
        raise Ended

    def wrong(self, c: Context, *tenants: str | None) -> set[str]:
        """Rows of these are written."""
        out = set()
        for t in tenants:
            if c.at is None:
                out.add("23N02")
            elif t is None or c.at != ALL and t != c.at:
                out.add("23N01")
        return out

    def wrote(self, c: Context, table: str, op: str, key: int) -> None:
        c.used = c.at
        said = f"{ALL}: {c.reason}" if c.at == ALL else c.at or ""
        if table not in ("back", "charge"):
            c.changes.append((table, op, key, said, c.reason))

    def act(self, c: Context) -> None:
        """It says for whom it works; again, for another one, for all."""
        to = self.rng.choice([*self.names, c.at or self.names[0], c.at or self.names[0]])
        if self.chance(0.12) or c.at == ALL and self.chance(0.5):
            to = ALL
        self.next += 1
        reason = f"r{self.next}"
        sql = f"SELECT paysafe.act_for_tenant('{to}', '{reason}')"
        if to == ALL:
            sql = f"SELECT paysafe.across_tenants('{reason}')"
        refused = c.used is not None and c.used != to
        if c.maybe and not refused and (c.at != to or c.maybe_of != to):
            return  # who knows what it has read
        if self.try_it(c, sql, {"42501"} if refused else set()):
            c.at, c.reason = to, reason
            if to == ALL:
                self.seen_across += 1

    def read(self, c: Context) -> None:
        """Rows that it sees, by one of many ways."""
        rng = self.rng
        ways = ["SELECT id FROM item"] * 3
        ways += ["SELECT id FROM ONLY item"] if self.shape == "child" else []
        ways += ["SELECT id FROM item ORDER BY tenant, id", "SELECT id FROM item WHERE id > 0"]
        if c.who != "owner":
            ways += ["EXECUTE kept"] * 2 if c.who in ("a", "b") else []
        if not c.past:
            ways += ["SELECT id FROM item_view", "SELECT item_ids()"]
        ways += ["SELECT i.id FROM item i LEFT JOIN item j ON j.id = i.id AND j.tenant = i.tenant"]
        ways += ["WITH x AS MATERIALIZED (SELECT * FROM item) SELECT id FROM x"]
        leaf = rng.choice(self.leaves())
        want = [r for r in self.there.items.values() if self.sees(c, r)]
        way = rng.choice(ways)
        if leaf and self.chance(0.25) and self.reads_leaves(c):
            way = f"SELECT id FROM {leaf}"
            want = [r for r in want if self.leaf_of(r) == leaf]
        elif "ONLY" in way:
            want = [r for r in want if not r.child]
        if self.chance(0.2) and way.startswith("SELECT id FROM item"):
            way = f"DECLARE k CURSOR FOR {way}"
        self.script.append(f"{c.who}: {way};")
        conn = self.conns[c.who]
        try:
            if way.startswith("DECLARE"):
                conn.execute(way)
                rows = conn.execute("FETCH ALL FROM k").fetchall()
                conn.execute("CLOSE k")
            else:
                rows = conn.execute(way).fetchall()
        except psycopg.Error as e:
            raise Found("legitimate", f"{e.sqlstate} {e}: {way}") from e
        got = sorted(i for (i,) in rows)
        if got != sorted(r.id for r in want):
            raise Found("tenant", f"{c.at} sees {got}, not {sorted(r.id for r in want)}: {way}")
        if want and not c.past and c.at is not None:
            c.used = c.at
        elif c.at is not None or c.past:
            c.may()

    def reads_leaves(self, c: Context) -> bool:
        """A policy of the tree's root is none of its partitions'."""
        return c.past or not self.policy

    def leaves(self) -> list[str]:
        more = [f"item_g{i}" for i in range(1, self.grown + 1)]
        return {
            "tenant": ["item_a", "item_b", *more],
            "region": ["item_1", "item_2", *more],
            "child": ["item_c"],
        }.get(self.shape, [""])

    def leaf_of(self, r: Row) -> str:
        if self.shape == "tenant":
            i = self.names.index(r.tenant)
            return "item_a" if i < 2 else "item_b" if i == 2 else "item_g1"
        if self.shape == "region":
            return f"item_{r.region}" if r.region < 3 else "item_g1"
        return "item_c" if r.child else "item"

    def ways(self) -> list[str]:
        """Tenants that have a place."""
        if self.shape == "tenant" and not self.grown:
            return list(self.names[:3])
        return list(self.names)

    def add(self, c: Context) -> None:
        """Rows, of its tenant or of another one, or of nobody."""
        rng = self.rng
        own = c.at if c.at in self.ways() else rng.choice(self.ways())
        n = rng.choice([1, 1, 1, 2, 4, 7])
        of: list[str | None] = [own if self.chance(0.9) else rng.choice(self.ways())] * n
        if self.chance(0.15):
            of[rng.randrange(n)] = rng.choice(self.ways())
        if self.chance(0.06) and self.shape != "tenant":
            of[rng.randrange(n)] = None
        child = self.shape == "child" and self.chance(0.5)
        region = rng.choice(REGIONS if not self.grown or self.shape != "region" else (1, 2, 3))
        rows = []
        for t in of:
            rows.append((self.next, t))
            self.next += 1
        table = "item_c" if child else "item"
        values = ", ".join(
            f"({i}, {'NULL' if t is None else self.lit(t)}, {region}, 1)" for i, t in rows
        )
        if any(t is None for t in of) and n > 1 and self.type != "text":
            values = values.replace("NULL", f"NULL::{self.type}")
        columns = "(id, tenant, region, val)"
        codes = self.wrong(c, *of)
        if self.most is not None and n > self.most:
            codes.add("23N03")
        way = rng.choice(
            ["values", "values", "returning", "each", "upsert", "merge", "cte", "copy"]
        )
        sql = f"INSERT INTO {table} {columns} VALUES {values}"
        if way == "returning":
            sql += " RETURNING id"
            if codes and not c.past:
                codes.add("42501")
        elif way == "each":
            some = "; ".join(
                f"INSERT INTO {table} {columns} VALUES ({i}, {'NULL' if t is None else self.lit(t)}, {region}, 1)"
                for i, t in rows
            ).replace("'", "''")
            sql = f"DO '{'BEGIN ' + some + '; END'}'"
        elif way == "upsert" and self.shape == "plain":
            sql += " ON CONFLICT (id) DO UPDATE SET val = 2"
            if codes and not c.past:
                codes.add("42501")
        elif way == "merge" and not child and n == 1:
            t = of[0]
            value = f"NULL::{self.type}" if t is None else self.lit(t)
            sql = (
                f"MERGE INTO item USING (SELECT {rows[0][0]} AS k) s ON item.id = s.k WHEN MATCHED THEN UPDATE SET val = 3"
                f" WHEN NOT MATCHED THEN INSERT {columns} VALUES (s.k, {value}, {region}, 1)"
            )
        elif way == "cte":
            sql = f"WITH x AS (INSERT INTO {table} {columns} VALUES {values}) SELECT 1"
        if self.try_it(c, sql, codes):
            for i, t in rows:
                assert t is not None
                self.there.items[i] = Row(i, t, region, 1, "new", False, child)
                self.wrote(c, table, "INSERT", i)

    def takes(self, c: Context) -> None:
        """An id that is there already: its own, or somebody else's."""
        if not self.there.items or self.shape != "plain" or c.at in (None, ALL):
            return
        r = self.rng.choice(list(self.there.items.values()))
        assert c.at is not None
        way = self.rng.choice(["insert", "nothing", "update", "merge"])
        sql = f"INSERT INTO item (id, tenant, val) VALUES ({r.id}, {self.lit(c.at)}, 8)"
        codes: set[str] = set()
        own = r.tenant == c.at
        if way == "insert":
            codes = {"23505"}
        elif way == "nothing":
            sql += " ON CONFLICT (id) DO NOTHING"
        elif way == "update":
            sql += " ON CONFLICT (id) DO UPDATE SET val = 8"
            if not own:
                codes = {"23N01"} if c.past else {"42501", "23N01"}
            elif not self.sees(c, r):
                codes = {"42501"}
        else:
            sql = (
                f"MERGE INTO item USING (SELECT {r.id} AS k) s ON item.id = s.k WHEN MATCHED THEN UPDATE SET val = 8"
                f" WHEN NOT MATCHED THEN INSERT (id, tenant, val) VALUES (s.k, {self.lit(c.at)}, 8)"
            )
            if not self.sees(c, r):
                codes = {"23505"}
            elif not own:
                codes = {"23N01"}
        if self.machine and way in ("update", "merge") and r.status == "done":
            pass  # only the status is kept
        if self.try_it(c, sql, codes) and way in ("update", "merge"):
            self.there.items[r.id] = replace(r, val=8)
            self.wrote(c, "item", "UPDATE", r.id)
        else:
            c.may()

    def some(self, c: Context) -> tuple[str, list[Row]]:
        """A condition, and the rows that it finds."""
        rows = [r for r in self.there.items.values() if self.sees(c, r)]
        everything = list(self.there.items.values())
        if not everything or self.chance(0.2):
            return "", rows
        if self.chance(0.2):
            n = self.rng.choice(everything).id
            return f" WHERE id <= {n}", [r for r in rows if r.id <= n]
        ids = {self.rng.choice(everything).id for _ in range(self.rng.choice([1, 1, 2]))}
        if self.chance(0.6) and rows:
            ids = {self.rng.choice(rows).id}
        text = ", ".join(str(i) for i in sorted(ids))
        return f" WHERE id IN ({text})", [r for r in rows if r.id in ids]

    def change(self, c: Context) -> None:
        """Rows that it sees, in one of many ways; to another tenant, too."""
        rng = self.rng
        where, rows = self.some(c)
        what = rng.choice(["val", "val", "val", "tenant", "region", "status", "hidden"])
        codes = self.wrong(c, *(r.tenant for r in rows))
        new = [replace(r, val=r.val + 1) for r in rows]
        sets = "val = val + 1"
        if what == "tenant":
            to = rng.choice(self.ways())
            sets = f"tenant = {self.lit(to)}"
            new = [replace(r, tenant=to) for r in rows]
            moved = [r for r in rows if r.tenant != to]
            if moved:
                codes.add("23N01")
                if not c.past:
                    codes.add("42501")
                if self.lined == "wide":
                    codes.add("23503")
            if self.shape == "tenant" and moved and self.lined:
                codes.add("23503")
        elif what == "region" and self.shape == "region":
            to_region = rng.choice((1, 2, 3) if self.grown else REGIONS)
            sets = f"region = {to_region}"
            new = [replace(r, region=to_region) for r in rows]
        elif what == "status":
            status = rng.choice(["open", "done"])
            sets = f"status = '{status}'"
            new = [replace(r, status=status) for r in rows]
            if self.machine and any(status not in STEPS[r.status] for r in rows):
                codes |= {"23T01", "23T04"}
        elif what == "hidden" and (c.past or not self.policy):
            sets = "hidden = NOT hidden"
            new = [replace(r, hidden=not r.hidden) for r in rows]
        if self.most is not None and len(rows) > self.most:
            codes.add("23N03")
        if codes and not c.past:
            codes.add("42501") if what == "tenant" else None
        form = rng.choice(["plain", "plain", "merge", "loop", "cursor", "kept", "returning"])
        sql = f"UPDATE item SET {sets}{where}"
        if form == "merge" and where:
            sql = (
                f"MERGE INTO item USING (SELECT id AS k FROM item{where}) s ON item.id = s.k WHEN MATCHED THEN"
                f" UPDATE SET {sets}"
            )
        elif form == "loop":
            one = sets.replace("'", "''")
            sql = (
                f"DO 'DECLARE r record; BEGIN FOR r IN SELECT id FROM item{where} LOOP UPDATE item SET {one} WHERE id ="
                " r.id; END LOOP; END'"
            )
        elif form == "returning":
            sql += " RETURNING id"
        elif form == "kept" and len(rows) == 1 and what == "val" and c.who in ("a", "b"):
            sql = f"EXECUTE kept_set ({rows[0].id}, {rows[0].val + 1})"
        if self.try_it(c, sql, codes):
            for r in new:
                self.there.items[r.id] = r
                self.wrote(c, "item", "UPDATE", r.id)
        if not rows and c.at is not None or c.past or codes:
            c.may()

    def remove(self, c: Context) -> None:
        where, rows = self.some(c)
        gone = {r.id for r in rows}
        lines = [x for x in self.there.lines.values() if x.item in gone]
        codes = self.wrong(c, *(r.tenant for r in rows), *(x.tenant for x in lines))
        if self.machine and any(r.status == "done" for r in rows):
            codes.add("23T03")
        if self.most is not None and len(rows) > self.most:
            codes.add("23N03")
        if self.try_it(c, f"DELETE FROM item{where}", codes):
            for r in rows:
                del self.there.items[r.id]
                self.wrote(c, "item", "DELETE", r.id)
            for x in lines:
                del self.there.lines[x.id]
                self.wrote(c, "line", "DELETE", x.id)
        if not rows and c.at is not None or c.past or codes:
            c.may()

    def line(self, c: Context) -> None:
        """A line of an item: its own, or, where the key does not say whose, of somebody else's."""
        if not self.lined or not self.there.items:
            return
        r = self.rng.choice(list(self.there.items.values()))
        t = c.at if c.at in self.names else r.tenant
        assert t is not None
        codes = self.wrong(c, t)
        if self.lined == "wide" and t != r.tenant:
            codes.add("23503")
        i = self.next
        self.next += 1
        if self.try_it(c, f"INSERT INTO line VALUES ({i}, {self.lit(t)}, {r.id})", codes):
            self.there.lines[i] = Line(i, t, r.id)
            self.wrote(c, "line", "INSERT", i)

    def of_whom(self, c: Context) -> tuple[str, int, set[str]]:
        """Whose row it will be, and its payment: one of his, or of another tenant, whatever is said."""
        t = self.rng.choice(self.names) if c.at in (None, ALL) else c.at
        assert t is not None
        n = self.names.index(t)
        codes = self.wrong(c, t)
        if self.chance(0.25):
            n = self.rng.choice([i for i in range(len(self.names)) if i != n])
            codes.add("23R06")
        return t, n, codes

    def captured(self, n: int) -> int:
        return sum(a for _, p, a in self.there.charge.values() if p == n) if self.by_rows else 100

    def refunded(self, n: int) -> int:
        return sum(a for _, p, a in self.there.back.values() if p == n)

    def refund(self, c: Context) -> None:
        """Of a payment of its tenant; what others have refunded of it counts, whoever sees it."""
        if not self.money_too:
            return
        t, n, codes = self.of_whom(c)
        left = self.captured(n) - self.refunded(n)
        amount = self.rng.choice([left, left + 1, 10, 30])
        if amount > left:
            codes.add("23R01")
        if amount <= 0:
            codes.add("23R04")
        if amount <= 0 and left <= 0:
            codes.add("23R01")
        i = self.next
        self.next += 1
        status = self.rng.choice(["new", "sent"])
        sql = f"INSERT INTO back VALUES ({i}, {self.lit(t)}, {n}, {amount}, '{status}')"
        if self.try_it(c, sql, codes):
            self.there.back[i] = (t, n, amount)
            self.wrote(c, "back", "INSERT", i)
        else:
            c.may()

    def capture(self, c: Context) -> None:
        """Of a payment of its tenant; or what was captured is taken back, as far as it is not refunded."""
        if not self.money_too or not self.by_rows:
            return
        if self.there.charge and self.chance(0.4):
            self.uncapture(c, self.rng.choice(list(self.there.charge)))
            return
        t, n, codes = self.of_whom(c)
        if not self.rows_owned:
            # whose payment it is counts alone
            other = n != self.names.index(t)
            codes = {"23N02"} if c.at is None else set()
            if other and (self.wide or c.at not in (None, ALL)):
                codes.add("23R06")
        amount = self.rng.choice([10, 20, 50, 0])
        if amount <= 0:
            codes.add("23R04")
        i = self.next
        self.next += 1
        sql = f"INSERT INTO charge VALUES ({i}, {self.lit(t)}, {n}, {amount})"
        if self.try_it(c, sql, codes):
            self.there.charge[i] = (t, n, amount)
            self.wrote(c, "charge", "INSERT", i)
        else:
            c.may()

    def uncapture(self, c: Context, i: int) -> None:
        t, n, amount = self.there.charge[i]
        shown = c.past or c.at in (t, ALL) or not self.rows_owned
        codes = self.wrong(c, t) if shown else set()
        if not self.rows_owned:
            codes = {"23N02"} if c.at is None else set()
            if c.at not in (None, ALL, self.names[n]):
                codes |= {"23R06", "23R07"}  # the payment is not there
        if shown and self.captured(n) - amount < self.refunded(n):
            codes.add("23R01")
        if self.try_it(c, f"DELETE FROM charge WHERE id = {i}", codes) and shown:
            del self.there.charge[i]
            self.wrote(c, "charge", "DELETE", i)
        elif c.at is not None or c.past:
            c.may()

    def savepoint(self, c: Context) -> None:
        """One more, or back to the last one: the context is what it was, but not what is known."""
        if not c.saved or self.chance(0.5):
            self.must(f"SAVEPOINT s{len(c.saved)}", True, "", c.who)
            c.saved.append((copy.deepcopy(self.there), c.at, c.reason))
            c.kept.append(len(c.changes))
            return
        self.undo(c, self.rng.randrange(len(c.saved)))

    def aside(self, c: Context) -> None:
        """For whom it works it says within a savepoint that is undone; then it says so again, or for another one."""
        if len(c.saved) > 2:
            return
        self.must(f"SAVEPOINT s{len(c.saved)}", True, "", c.who)
        c.saved.append((copy.deepcopy(self.there), c.at, c.reason))
        c.kept.append(len(c.changes))
        self.act(c)
        for _ in range(self.rng.choice([1, 1, 2])):
            self.step(c, self.rng.choice(["read", "read", "add", "change"]))
        self.undo(c, len(c.saved) - 1)
        self.act(c)
        self.step(c, "read")

    def undo(self, c: Context, n: int) -> None:
        self.must(f"ROLLBACK TO s{n}", True, "", c.who)
        self.there, c.at, c.reason = c.saved[n]
        self.there = copy.deepcopy(self.there)
        del c.saved[n + 1 :], c.changes[c.kept[n] :], c.kept[n + 1 :]

    def empty(self, c: Context) -> None:
        if self.beside_me is None:
            self.try_it(c, "TRUNCATE item" + (" CASCADE" if self.lined else ""), {"42501", "23T03"})

    STEPS = {
        "act": 3, "read": 5, "add": 5, "takes": 1, "change": 5, "remove": 1.5, "line": 2, "refund": 2, "capture": 3,
        "savepoint": 2, "aside": 1, "empty": 0.2,
    }  # fmt: skip

    def work(self, who: str, steps: int) -> None:
        """A transaction of a session, to its end."""
        c = self.begin(who)
        before = copy.deepcopy(self.there)
        try:
            self.go(c, steps)
        except Ended:
            self.must("ROLLBACK", True, "", who)
            self.there = before
            return
        self.finish(c, before)

    def begin(self, who: str) -> Context:
        level = self.rng.choice(["", "", "", " ISOLATION LEVEL REPEATABLE READ"])
        self.must(f"BEGIN{level}", True, "", who)
        return Context(who)

    def go(self, c: Context, steps: int) -> None:
        if self.chance(0.2):
            self.aside(c)
        elif self.chance(0.85):
            self.act(c)
        names = self.rng.choices(list(self.STEPS), list(self.STEPS.values()), k=steps)
        for name in names:
            self.step(c, name)

    def step(self, c: Context, name: str) -> None:
        """One of its steps, if it may do any."""
        if c.maybe and c.at != c.maybe_of:
            raise Ended  # who knows
        if c.torn and name not in ("act", "savepoint", "aside"):
            if not c.past and any(self.sees(c, r) for r in self.there.items.values()):
                self.try_it(c, "SELECT id FROM item", {"42501"})
            return
        getattr(self, name)(c)

    def finish(self, c: Context, before: Books) -> None:
        way = self.rng.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK", "two"])
        if way == "ROLLBACK":
            self.must("ROLLBACK", True, "", c.who)
            self.there = before
            return
        if way == "two":
            self.gid += 1
            name = f"{self.schema}_{self.gid}"
            self.must(f"PREPARE TRANSACTION '{name}'", True, "", c.who)
            self.nobody(c.who)
            self.must(f"COMMIT PREPARED '{name}'", True, "", "super")
        else:
            self.must("COMMIT", True, "", c.who)
        self.logged += c.changes

    def nobody(self, who: str) -> None:
        """A session's next transaction works for nobody."""
        rows = self.ask("SELECT id FROM item", who)
        if rows and who != "super":
            raise Found("tenant", f"without a context {who} sees {rows}")

    # ------------------------------------------------------------ acts

    def one(self) -> None:
        self.work(self.rng.choice(["a", "a", "a", "owner", "super"]), self.rng.choice([2, 4, 7]))

    def alone_stands(self) -> None:
        """What is said in a transaction of its own is worth nothing in the next one."""
        who = self.rng.choice(["a", "owner"])
        self.must(f"SELECT paysafe.act_for_tenant('{self.names[0]}')", True, "", who)
        self.nobody(who)
        i, self.next = self.next, self.next + 1
        sql = f"INSERT INTO item (id, tenant) VALUES ({i}, {self.lit(self.names[0])})"
        self.must(sql, False, "23N02", who)

    def beside(self) -> None:
        """Somebody else works for another tenant at the same time."""
        if self.beside_me is not None:
            return
        t = self.rng.choice(self.ways())
        self.must(f"BEGIN;\nSELECT paysafe.act_for_tenant('{t}')", True, "", "b")
        c = Context("b", t)
        i, self.next = self.next, self.next + 1
        good = self.chance(0.7)
        if good:
            self.must(f"INSERT INTO item (id, tenant) VALUES ({i}, {self.lit(t)})", True, "", "b")
        self.beside_me = c
        self.work(self.rng.choice(["a", "owner"]), 4)
        self.beside_me = None
        if good:
            self.there.items[i] = Row(i, t, 1, 0, "new", False)
        self.read(c)
        self.must("COMMIT", True, "", "b")
        if good:
            self.logged.append(("item", "INSERT", i, t, ""))

    def grow(self) -> None:
        """Another partition; from then on rows of it are like all others."""
        if self.shape not in ("tenant", "region") or self.grown:
            return
        value = self.lit(self.names[3]) if self.shape == "tenant" else "3"
        sql = f"CREATE TABLE item_g1 PARTITION OF item FOR VALUES IN ({value})"
        if self.chance(0.5):
            sql = (
                "CREATE TABLE item_g1 (LIKE item INCLUDING ALL);\nALTER TABLE item ATTACH PARTITION item_g1 FOR"
                f" VALUES IN ({value})"
            )
        self.must(f"{sql};\nGRANT ALL ON item_g1 TO {APP}", True, "", "owner")
        self.grown = 1

    def meddle(self) -> None:
        """What would show rows to others is refused, in each table of the tree; some other things are not."""
        t = self.rng.choice(["item", *self.leaves()]) or "item"
        some = [
            f"ALTER TABLE {t} DISABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY",
            f"DROP POLICY paysafe_tenant ON {t}",
            f"ALTER POLICY paysafe_tenant ON {t} USING (true)",
            f"ALTER POLICY paysafe_tenant ON {t} RENAME TO other",
        ]
        who = self.rng.choice(["owner", "super"])
        self.must(self.rng.choice(some), False, "42501", who)
        if self.chance(0.3):
            self.must(f"ALTER ROLE {APP} BYPASSRLS", False, "42501", "super")
        if self.chance(0.3):
            sql = "CREATE POLICY more ON item AS RESTRICTIVE USING (id > 0);\nDROP POLICY more ON item"
            self.must(sql, True, "", "owner")

    def redeclare(self) -> None:
        """Another max_rows takes a second person; the same again takes nobody."""
        if self.chance(0.3):
            self.must(f"SELECT {self.rule('item', self.most)}", True, "", "owner")
            return
        to = self.rng.choice([x for x in (None, 2, 3, 5) if x != self.most])
        what = f"PERFORM {self.rule('item', to)};"
        self.by_two(what, "", "tenant", ("42501",))
        self.most = to

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        rows = self.ask(
            "SELECT id, tenant::text, region, val, status, hidden, tableoid::regclass::text FROM item"
        )
        got = sorted((*r[:6], str(r[6]).endswith("item_c")) for r in rows)
        want = sorted(
            (r.id, r.tenant, r.region, r.val, r.status, r.hidden, r.child)
            for r in self.there.items.values()
        )
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")
        stored: dict[str, Iterable[int]] = {"line": self.there.lines} if self.lined else {}
        if self.money_too:
            stored |= {"back": self.there.back, "charge": self.there.charge}
        for name, model in stored.items():
            ids = sorted(i for (i,) in self.ask(f"SELECT id FROM {name}"))
            if ids != sorted(model):
                raise Found("rows", f"{name} has {ids}, it should be {sorted(model)}")

    def evidence(self) -> None:
        """The audit log says for whom; who read across is on record; check() is green."""
        got = self.ask(
            "SELECT table_name, op, key, tenant, reason FROM paysafe.audit_log WHERE schema_name ="
            f" '{self.schema}' AND actor IS DISTINCT FROM 'x' ORDER BY 1, 2, 3"
        )
        some: dict[tuple[str, str, str], list[Any]] = {}
        for table, op, key, tenant, reason in got:
            name = "line" if table == "line" else "item"
            number = next((p for p in reversed(str(key).split(",")) if p), "")
            if self.shape == "tenant" and name == "item":
                number = str(key).rsplit(",", 1)[-1]
            some.setdefault((name, op, number), []).append((tenant or "", reason or ""))
        for table, op, number_, said, reason in self.logged:
            name = "line" if table == "line" else "item"
            there = some.get((name, op, str(number_)), [])
            if (said, reason) not in there:
                raise Found("audit", f"{op} of {name} {number_} for {said} ({reason}): {there}")
            there.remove((said, reason))
        left = {k: v for k, v in some.items() if v}
        if self.later:
            left = {k: v for k, v in left.items() if int(k[2]) > 3}
        if left:
            raise Found("audit", f"nobody has committed {left}")
        n = self.across_on_record()
        if n != self.seen_across:
            raise Found("across", f"{n} are on record, there were {self.seen_across}")
        bad = self.ask(
            "SELECT check_name, subject, detail FROM paysafe.check() WHERE NOT ok AND (check_name IN"
            f" ('row_security', 'tenant_views', 'tenants') OR subject LIKE '{self.schema}.%')"
        )
        bad = [r for r in bad if r[0] not in ("statuses", "captured")]
        if bad:
            raise Found("check", f"check() says {bad}")

    def across_on_record(self) -> int:
        """How often somebody has read across; the worker writes what was rolled back."""
        sql = (
            "SELECT coalesce(sum(count), 0) FROM paysafe.refusal_log WHERE rule = 'across_tenants'"
        )
        limit = time.time() + 120
        while True:
            n = int(self.ask(sql)[0][0]) - self.across_before
            if n >= self.seen_across or time.time() > limit:
                return n
            time.sleep(0.1)

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.across_before = 0
        self.across_before = int(
            self.ask(
                "SELECT coalesce(sum(count), 0) FROM paysafe.refusal_log WHERE rule = 'across_tenants'"
            )[0][0]
        )
        self.setup()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "one": 12,
    "alone_stands": 0.5,
    "beside": 3,
    "grow": 1,
    "meddle": 1.5,
    "redeclare": 0.7,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of tenants?"""
    return random.Random(f"tenants or not {seed}").random() < 0.035
