"""Commands on protected tables: what owners and superusers try, and what becomes of it.

A play makes a few tables under rules in a database of its own, of columns of every sort,
plain, partitioned or with a child, and runs some attempts of theirs: DDL, types, triggers,
rules, settings, catalogs, extensions, windows, dumps.  Most may pass or be refused; what
counts is the data.  After each attempt the promises of doc/guard.md are looked at from
outside:

    rows         what is append-only, posted or audited is there as it was written
    arrival      what is legitimate passes, and its row arrives
    rules        what a rule forbids is refused, in every relation of the tree
    identity     tables keep their names, owners, schema, columns behind rules, triggers
    audit        each change is one audit row; reconcile has no finding
    refusals     each refusal is on record within seconds
    windows      what is done in a window is recorded; nothing of it outside
    persons      nobody approves, or gets more powerful, but by his own statement
    passes       what doc/ says passes does
    check        check() says what is weakened, and nothing else

A finding is the shortest list of attempts that still shows it.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

OWNER, APP, SECOND, SUPER = "sim_owner", "sim_app", "sim_second", "postgres"
BIN = os.environ["SIM_BIN"] + "/" if "SIM_BIN" in os.environ else ""


@dataclass(frozen=True)
class Attempt:
    """Statements of one role, one transaction each, and what doc/ says of them."""

    role: str
    sql: tuple[str, ...]
    expect: str = "any"  # pass: all of them; refuse: the last one; alone: it takes two people; any
    needs: str = ""  # another name for what follows: window, shadow, ...
    wait: float = 0.0  # seconds after it

    def text(self) -> str:
        lines = [f"SET SESSION AUTHORIZATION {self.role};"]
        lines += [s.rstrip(";") + ";" for s in self.sql]
        if self.wait:
            lines.append(f"SELECT pg_sleep({self.wait});")
        return "\n".join(lines)


@dataclass(frozen=True)
class Finding:
    seed: int
    promise: str
    words: str
    script: str
    at: float  # when it was seen first


class Found(Exception):
    def __init__(self, promise: str, words: str) -> None:
        super().__init__(f"{promise}: {words}")
        self.promise, self.words = promise, words


@dataclass
class Shape:
    """What a play's tables look like."""

    status: str  # text, enum, domain
    trees: dict[str, str]  # table: plain, list, child
    way_back: bool
    named: bool  # refunds have a status rule
    columns: dict[str, str]  # further columns of inv: name, type
    nested: bool  # values in arrays

    def protected(self) -> list[str]:
        """Refunds of partitioned payments refer to no key, and have no refund rule."""
        return [t for t in TABLES if t != "back" or self.named or self.refunds]

    @property
    def refunds(self) -> bool:
        return self.trees["pay"] != "list"


TABLES = ("log", "pay", "back", "inv")


def shape_of(rng: random.Random) -> Shape:
    return Shape(
        status=rng.choice(["text", "shop.state", "shop.st"]),
        trees={t: rng.choice(["plain", "plain", "list", "child"]) for t in TABLES},
        way_back=rng.random() < 0.6,
        named=rng.random() < 0.7,
        columns={
            "fee": "numeric(14,2)",
            "total": "bigint",
            "due": "timestamp",
            "day": "date",
            "n": "int",
            "memo": "varchar(30)",
        },
        nested=rng.random() < 0.5,
    )


MACHINE = "[*] --> created\ncreated --> authorized\nauthorized --> captured"


def setup(s: Shape) -> list[Attempt]:
    """The tables and their rules; rows come with the first look."""
    machine = MACHINE + ("\nauthorized --> created" if s.way_back else "")
    payee = "shop.payee[]" if s.nested else "shop.payee"
    bodies = {
        "log": f"id bigint NOT NULL, region int NOT NULL DEFAULT 1, body text, payee {payee}",
        "pay": f"id bigint NOT NULL, region int NOT NULL DEFAULT 1, status {s.status} NOT NULL, amount numeric(12,2), "
        "captured numeric(12,2), currency text DEFAULT 'USD', twice numeric GENERATED ALWAYS AS (amount * 2) STORED",
        "back": "id bigint NOT NULL, region int NOT NULL DEFAULT 1, payment_id bigint, amount numeric(12,2), "
        "currency text DEFAULT 'USD', status text, payee text DEFAULT 'a', approved boolean, captured numeric",
        "inv": "id bigint NOT NULL, region int NOT NULL DEFAULT 1, "
        + ", ".join(f"{k} {v}" for k, v in s.columns.items()),
    }
    make = [
        "CREATE TYPE shop.payee AS (name text, sum numeric)",
        "CREATE TYPE shop.state AS ENUM ('created', 'authorized', 'captured')",
        "CREATE DOMAIN shop.st AS shop.state",
    ]
    for t, body in bodies.items():
        tree = s.trees[t]
        key = "id" if t == "pay" and tree != "list" else "id, region"
        make.append(
            f"CREATE TABLE shop.{t} ({body}, PRIMARY KEY ({key}))"
            + (" PARTITION BY LIST (region)" if tree == "list" else "")
        )
        if tree == "list":
            make += [
                f"CREATE TABLE shop.{t}_{i} PARTITION OF shop.{t} FOR VALUES IN ({i})"
                for i in (1, 2)
            ]
        if tree == "child":
            make.append(f"CREATE TABLE shop.{t}_c (PRIMARY KEY ({key})) INHERITS (shop.{t})")
    make.append("CREATE INDEX ON shop.back (payment_id)")
    make += [f"GRANT ALL ON ALL TABLES IN SCHEMA shop TO {APP}, {SECOND}"]
    rules = [
        "SELECT paysafe.protect_append_only('shop.log')",
        f"SELECT paysafe.protect_status('shop.pay', 'status', '{machine}')",
        "SELECT paysafe.protect_payment('shop.pay', 'status', 'amount', 'captured', 'currency', '{captured}')",
        "SELECT paysafe.audit('shop.inv')",
    ]
    if s.named:
        rules.append(
            "SELECT paysafe.protect_status('shop.back', 'status', '[*] --> requested\nrequested --> approved\n"
            "requested --> rejected\napproved --> paid', '{rejected}')"
        )
    if s.refunds:
        rules += [
            "SELECT paysafe.protect_refund('shop.back', 'shop.pay', 'payment_id', 'amount', 'currency', 'status', "
            "'{approved,paid}', '{rejected}', 'captured', 'currency')",
            "SELECT paysafe.set_refund_threshold('shop.back', 'USD', 500)",
        ]
    return [Attempt(OWNER, tuple(make), "pass"), Attempt(OWNER, tuple(rules), "pass")]


# ---------------------------------------------------------------- attempts


@dataclass
class Maker:
    rng: random.Random
    shape: Shape
    n: int = 0
    made: list[Attempt] = field(default_factory=list)
    past: list[Attempt] = field(default_factory=list)  # those of the groups before

    def name(self) -> str:
        self.n += 1
        return f"shop.x{self.n}"

    def add(
        self, role: str, *sql: str, expect: str = "any", needs: str = "", wait: float = 0.0
    ) -> None:
        self.made.append(Attempt(role, tuple(sql), expect, needs, wait))

    def table(self) -> str:
        return self.rng.choice(self.shape.protected())

    def key(self, t: str) -> str:
        return "id" if t == "pay" and self.shape.trees[t] != "list" else "id, region"

    def join(self, x: str, t: str) -> str:
        if self.shape.trees[t] == "list":
            self.n += 1
            return f"ALTER TABLE shop.{t} ATTACH PARTITION {x} FOR VALUES IN ({self.n + 10})"
        return f"ALTER TABLE {x} INHERIT shop.{t}"


def like(m: Maker, t: str) -> str:
    """A table that could join the tree."""
    x = m.name()
    m.add(
        OWNER,
        f"CREATE TABLE {x} (LIKE shop.{t} INCLUDING DEFAULTS INCLUDING GENERATED, PRIMARY KEY ({m.key(t)}))",
    )
    return x


def plant(m: Maker) -> None:
    t = m.table()
    x = like(m, t)
    events = m.rng.choice(
        ["INSERT OR UPDATE OR DELETE", "INSERT OR UPDATE OR DELETE", "UPDATE", "DELETE"]
    )
    when = m.rng.choice([" WHEN (false)", " WHEN (false)", ""])
    m.add(
        OWNER,
        f"CREATE TRIGGER paysafe AFTER {events} ON {x} FOR EACH ROW{when} EXECUTE FUNCTION paysafe.enforce()",
    )
    m.add(OWNER, m.join(x, t))


SWALLOW = "CREATE FUNCTION {f}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"


def swallow(m: Maker) -> None:
    f = m.name()
    way = m.rng.choice(["create", "attach", "enable", "declare"])
    m.add(OWNER, SWALLOW.format(f=f))
    trigger = f"CREATE TRIGGER swallow BEFORE INSERT ON {{}} FOR EACH ROW EXECUTE FUNCTION {f}()"
    if way == "create":
        m.add(OWNER, trigger.format("shop.log"), expect="refuse")
    elif way == "attach":
        x = like(m, "log")
        m.add(OWNER, trigger.format(x))
        m.add(OWNER, m.join(x, "log"), expect="refuse")
    else:
        x = m.name()
        m.add(
            OWNER,
            f"CREATE TABLE {x} (id bigint PRIMARY KEY, body text)",
            trigger.format(x),
            needs=f"log {x}",
        )
        if way == "enable":
            m.add(OWNER, f"ALTER TABLE {x} DISABLE TRIGGER swallow")
        m.add(
            OWNER,
            f"SELECT paysafe.protect_append_only('{x}')",
            expect="any" if way == "enable" else "refuse",
        )
        m.add(
            OWNER,
            f"ALTER TABLE {x} ENABLE TRIGGER swallow",
            expect="refuse" if way == "enable" else "any",
        )


def rewrite(m: Maker) -> None:
    t = m.table()
    on = m.rng.choice(["INSERT", "INSERT", "UPDATE"])
    m.add(OWNER, f"CREATE RULE r AS ON {on} TO shop.{t} DO INSTEAD NOTHING", expect="refuse")


def switch(m: Maker) -> None:
    t = m.table()
    m.add(
        m.rng.choice([OWNER, SUPER]),
        m.rng.choice(
            [
                f"ALTER TABLE shop.{t} DISABLE TRIGGER ALL",
                f"ALTER TABLE shop.{t} DISABLE TRIGGER paysafe",
                f"ALTER TABLE shop.{t} ENABLE REPLICA TRIGGER paysafe",
                f"DROP TRIGGER paysafe ON shop.{t}",
                f"ALTER TRIGGER paysafe ON shop.{t} RENAME TO other",
                f"DROP TABLE shop.{t} CASCADE",
                f"TRUNCATE shop.{t} CASCADE",
                "DROP EXTENSION paysafe CASCADE",
                f"ALTER TABLE shop.{t} DROP CONSTRAINT {t}_pkey CASCADE",
                "DROP SCHEMA shop CASCADE",
            ]
        ),
        expect="refuse",
    )


def tree(m: Maker) -> None:
    t = m.table()
    style = m.shape.trees[t]
    if style == "list":
        m.add(
            OWNER,
            m.rng.choice(
                [
                    f"ALTER TABLE shop.{t} DETACH PARTITION shop.{t}_1",
                    f"DROP TABLE shop.{t}_1",
                    f"TRUNCATE shop.{t}_1",
                ]
            ),
            expect="refuse",
        )
    else:
        x = m.name()
        if m.rng.random() < 0.6:
            m.add(OWNER, f"CREATE TABLE {x} () INHERITS (shop.{t})")
        else:
            m.add(
                OWNER,
                f"CREATE TABLE {x} (PRIMARY KEY ({m.key(t)})) INHERITS (shop.{t})",
                expect="pass",
            )


def types(m: Maker) -> None:
    m.add(
        OWNER,
        m.rng.choice(
            [
                "ALTER TYPE shop.payee DROP ATTRIBUTE sum CASCADE",
                "ALTER TYPE shop.payee RENAME ATTRIBUTE name TO signed_by",
                "ALTER TYPE shop.payee ALTER ATTRIBUTE sum TYPE real CASCADE",
                "ALTER TYPE shop.payee RENAME TO other",
            ]
        ),
        expect="refuse",
    )


def label(m: Maker) -> None:
    m.add(
        OWNER,
        "ALTER TYPE shop.state RENAME VALUE 'created' TO 'fresh'",
        expect="any" if m.shape.status == "text" else "refuse",
    )


WIDER = {
    "n": ["bigint", "numeric"],
    "day": ["timestamp"],
    "memo": ["text", "varchar(40)"],
    "fee": ["numeric(16,2)", "numeric"],
    "total": ["numeric"],
}
ROUNDS = {
    "fee": ["real", "float8", "numeric(14,1)"],
    "total": ["float8", "real"],
    "due": ["timestamptz", "date"],
    "memo": ["char(40)", "name"],
}


def retype(m: Maker) -> None:
    honest = m.rng.random() < 0.5
    column = m.rng.choice(list(WIDER if honest else ROUNDS))
    to = m.rng.choice((WIDER if honest else ROUNDS)[column])
    zone = m.rng.choice(["", "SET timezone = 'Pacific/Kiritimati'; "])
    before = any(f"shop.inv ALTER {column} TYPE" in a.sql[0] for a in m.past)
    expect = "refuse" if not honest else "any" if before else "pass"
    m.add(OWNER, f"{zone}ALTER TABLE shop.inv ALTER {column} TYPE {to}", expect=expect)


def harmless(m: Maker) -> None:
    choices = [
        "ALTER TABLE shop.pay ALTER COLUMN twice DROP EXPRESSION",
        "ALTER TABLE shop.inv ADD COLUMN more text",
        "ALTER TABLE shop.inv RENAME COLUMN due TO due_on",
        "ALTER TABLE shop.back DROP COLUMN approved",
        "ALTER TABLE shop.back RENAME COLUMN captured TO captured_2",
        "ALTER TABLE shop.pay ENABLE TRIGGER USER",
        f"ALTER TABLE shop.pay OWNER TO {OWNER}",
        "ALTER TABLE shop.log ALTER body SET DEFAULT 'x'",
        "CREATE UNIQUE INDEX wider ON shop.inv (id, region, n); ALTER TABLE shop.inv ADD CONSTRAINT wider UNIQUE USING INDEX wider; "
        "ALTER TABLE shop.inv DROP CONSTRAINT wider",
        "ALTER TYPE shop.state ADD VALUE IF NOT EXISTS 'other'",
    ]
    for sql in m.rng.sample(choices, 3):
        if "USING INDEX" in sql and m.shape.trees["inv"] == "list":
            sql = choices[1]
        expect = "pass" if sql not in [a.sql[0] for a in m.made] else "any"
        m.add(OWNER, *sql.split("; "), expect=expect)


def identity(m: Maker) -> None:
    t = m.table()
    m.add(
        SUPER,
        m.rng.choice(
            [
                f"ALTER TABLE shop.{t} OWNER TO {SECOND}",
                f"REASSIGN OWNED BY {OWNER} TO {SECOND}",
                f"ALTER TABLE shop.{t} RENAME TO other",
                f"ALTER TABLE shop.{t} SET SCHEMA public",
                "ALTER SCHEMA shop RENAME TO other",
                f"ALTER SCHEMA shop OWNER TO {SECOND}",
                f"ALTER TABLE shop.{t} "
                + ("SET SCHEMA public" if m.shape.trees[t] == "list" else "SET UNLOGGED"),
            ]
        ),
        expect="refuse",
    )


def membership(m: Maker) -> None:
    m.add(SUPER, "CREATE EXTENSION IF NOT EXISTS citext")
    m.add(
        SUPER,
        "ALTER EXTENSION citext ADD "
        + m.rng.choice(["SCHEMA shop", "TYPE shop.payee", f"TABLE shop.{m.table()}"]),
        expect="refuse",
    )


def extension(m: Maker) -> None:
    m.add(
        SUPER,
        "CREATE EXTENSION IF NOT EXISTS " + m.rng.choice(["cube", "seg", "hstore", "pgcrypto"]),
        expect="pass",
    )


def setting(m: Maker) -> None:
    name, value = m.rng.choice(
        [("session_replication_role", "replica"), ("allow_system_table_mods", "on")]
    )
    m.add(
        SUPER,
        m.rng.choice(
            [
                f"SET {name} = {value}",
                f"SELECT set_config('{name}', '{value}', false)",
                f"UPDATE pg_settings SET setting = '{value}' WHERE name = '{name}'",
                f"ALTER ROLE {SUPER} SET {name} = {value}",
                f"DO $$ BEGIN PERFORM set_config('{name}', '{value}', true); END $$",
            ]
        ),
        expect="refuse",
    )


def catalog(m: Maker) -> None:
    t = m.table()
    off = f"UPDATE pg_catalog.pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'shop.{t}'::regclass"
    way = m.rng.choice(["plain", "delete", "cte", "do", "event", "event"])
    if way == "plain":
        m.add(SUPER, off, expect="refuse")
    elif way == "delete":
        m.add(
            SUPER, f"DELETE FROM pg_trigger WHERE tgrelid = 'shop.{t}'::regclass", expect="refuse"
        )
    elif way == "cte":
        m.add(SUPER, f"WITH u AS ({off} RETURNING 1) SELECT count(*) FROM u", expect="refuse")
    elif way == "do":
        m.add(SUPER, f"DO $$ BEGIN {off}; END $$", expect="refuse")
    else:
        f = m.name().replace("shop.", "public.")
        x = m.name()
        m.add(
            SUPER,
            f"CREATE FUNCTION {f}() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {off}; END $$",
            f"CREATE EVENT TRIGGER inside{m.n} ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION {f}()",
            f"CREATE TABLE {x} (id int PRIMARY KEY)",
        )
        m.add(SUPER, f"SELECT paysafe.protect_append_only('{x}')")
        m.add(SUPER, f"DROP EVENT TRIGGER inside{m.n}")


def power(m: Maker) -> None:
    f, x = m.name(), m.name()
    what = m.rng.choice(
        [
            f"ALTER ROLE {OWNER} CREATEDB",
            f"GRANT pg_read_all_data TO {OWNER}",
            "PERFORM paysafe.approve('shop.back', '7', 'fine')",
            f"GRANT EXECUTE ON FUNCTION paysafe.withdraw_approval TO {SECOND}",
            f"CREATE FUNCTION shop.own{m.n}() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            f"REASSIGN OWNED BY {SECOND} TO {OWNER}",
            f"ALTER ROLE {OWNER} SET work_mem = '5MB'",
        ]
    )
    body = f"LANGUAGE plpgsql AS $$ BEGIN {what}; RETURN {{}}; END $$"
    carrier = m.rng.choice(["trigger", "trigger", "default", "check", "view"])
    grant = f"GRANT ALL ON {x} TO {APP}, {SECOND}"
    insert = f"INSERT INTO {x} (id) VALUES (1)"
    if carrier == "trigger":
        m.add(
            OWNER,
            f"CREATE TABLE {x} (id int)",
            grant,
            f"CREATE FUNCTION {f}() RETURNS trigger {body.format('NULL')}",
            f"CREATE TRIGGER t AFTER INSERT ON {x} FOR EACH ROW EXECUTE FUNCTION {f}()",
        )
    else:
        table = {
            "default": f"CREATE TABLE {x} (id int, y int DEFAULT {f}())",
            "check": f"CREATE TABLE {x} (id int, CHECK ({f}() = 1))",
            "view": f"CREATE VIEW {x} AS SELECT {f}() AS id",
        }[carrier]
        m.add(OWNER, f"CREATE FUNCTION {f}() RETURNS int {body.format('1')}", table, grant)
        if carrier == "view":
            insert = f"SELECT * FROM {x}"
    if "approve" in what:
        m.add(
            APP,
            "BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO shop.back (id, payment_id, amount, status) VALUES (7, 1, 900, 'requested'); COMMIT",
        )
        m.add(
            SECOND,
            f"BEGIN; SELECT paysafe.act_as('bob'); {insert}; COMMIT",
            needs="code",
            expect="refuse",
        )
    else:
        m.add(SUPER, insert, needs="code", expect="refuse")


def shadow(m: Maker) -> None:
    m.add(
        APP,
        "SET search_path = shop",
        f"CREATE TEMPORARY TABLE {m.table()} (LIKE shop.pay INCLUDING DEFAULTS)",
        expect="refuse",
        needs="shadow",
    )


def window(m: Maker, tables: str, seconds: int, role: str, ticket: str) -> None:
    # one of the same words as an earlier one has a number in its key
    ticket = f"{ticket}.{zlib.crc32(repr(m.rng.getstate()).encode())}"
    words = f"maintenance of {tables.replace(',', ', ')} by '{role}' for {seconds} s: {ticket}, sim"
    quoted = words.replace("'", "''")
    m.add(
        SECOND,
        f"BEGIN; SELECT paysafe.act_as('bob'); SELECT paysafe.approve('paysafe.maintenance_record', '{quoted}', 'ok'); COMMIT",
        expect="pass",
    )
    m.add(
        role,
        f"BEGIN; SELECT paysafe.act_as('alice'); SELECT paysafe.open_maintenance('sim', '{ticket}', '{seconds} s', '{{{tables}}}'); COMMIT",
        expect="pass",
        needs="window",
    )


def maintain(m: Maker) -> None:
    """In a window: what it permits, and what it does not."""
    way = m.rng.choice(["inner", "over", "recorded", "catalog"])
    t = "log" if way == "inner" else m.rng.choice(["log", "inv"])
    if way == "catalog":
        window(m, "pg_catalog.pg_trigger", 3600, SUPER, f"T-{m.n}")
        m.add(
            SUPER,
            f"UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'paysafe' AND tgrelid = 'shop.{t}'::regclass",
            expect="pass",
            needs=f"recorded off {t}",
        )
        m.add(SUPER, "SELECT paysafe.close_maintenance()", needs="closed")
        return
    if way == "over":
        window(m, f"shop.{t}", 1, OWNER, f"T-{m.n}")
        m.made[-1] = Attempt(OWNER, m.made[-1].sql, "pass", "window", 1.2)
        m.add(
            OWNER, f"ALTER TABLE shop.{t} DROP COLUMN region CASCADE", expect="refuse", needs="over"
        )
        return
    window(m, f"shop.{t}", 3600, OWNER, f"T-{m.n}")
    if way == "inner":
        f, x = m.name(), m.name()
        m.add(
            OWNER,
            f"CREATE TABLE {x} (i int)",
            f"INSERT INTO {x} VALUES (1)",
            f"CREATE FUNCTION {f}() RETURNS int LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE shop.{t} DROP COLUMN body; RETURN 1; END $$",
        )
        m.add(
            OWNER, f"ALTER TABLE {x} ADD COLUMN y int DEFAULT {f}()", expect="refuse", needs="inner"
        )
    else:
        x = m.name()
        if m.shape.trees[t] == "list":
            m.add(
                OWNER,
                f"ALTER TABLE shop.{t}_2 ALTER COLUMN {'body' if t == 'log' else 'memo'} SET DEFAULT 'w'",
                expect="pass",
                needs=f"recorded shop.{t}_2",
            )
        else:
            m.add(
                OWNER,
                f"ALTER TABLE shop.{t} ADD COLUMN w{m.n} int",
                expect="pass",
                needs=f"recorded shop.{t}",
            )
    m.add(OWNER, "SELECT paysafe.close_maintenance()", needs="closed")


def copy(m: Maker) -> None:
    """A dump, whole or without a table, and its copy."""
    m.add(
        SUPER,
        m.rng.choice(["dump", "dump", "dump -T shop.log*", "dump -T shop.inv*"]),
        needs="copy",
    )


def launcher(m: Maker) -> None:
    m.add(
        SUPER,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'paysafe refusal launcher'",
        wait=2.5,
    )
    m.add(OWNER, "DROP TABLE shop.log", expect="refuse")


def restart(m: Maker) -> None:
    """The server is stopped, politely or not, while refusals wait for their record."""
    m.add(OWNER, "DROP TABLE shop.log", expect="refuse")
    m.add(SUPER, m.rng.choice(["fast", "fast", "fast", "immediate"]), needs="restart")


def huge(m: Maker) -> None:
    x = m.name()
    m.add(
        OWNER,
        f"CREATE TABLE {x} (id int PRIMARY KEY, status text, body text)",
        f"ALTER TABLE {x} ALTER body SET STORAGE EXTERNAL",
        f"SELECT paysafe.protect_status('{x}', 'status', '[*] --> a\na --> b')",
        f"INSERT INTO {x} VALUES (1, 'a', repeat('x', 70000000))",
    )
    m.add(OWNER, f"UPDATE {x} SET status = 'zz'", expect="refuse")


def bulk(m: Maker) -> None:
    m.add(
        OWNER,
        f"INSERT INTO shop.inv (id) SELECT g FROM generate_series({m.n + 1}000, {m.n + 1}300) g",
        expect="pass",
        needs="changes 301",
    )
    m.n += 1


def move(m: Maker) -> None:
    if m.shape.trees["inv"] == "list":
        i = 900 + m.n
        m.n += 1
        m.add(
            OWNER,
            f"INSERT INTO shop.inv (id, memo) VALUES ({i}, 'm')",
            expect="pass",
            needs="changes 1",
        )
        m.add(
            OWNER,
            f"UPDATE shop.inv SET region = 2, n = 3 WHERE id = {i}",
            expect="pass",
            needs="changes 1",
        )
    else:
        bulk(m)


def listed(m: Maker) -> None:
    """What the table of guard.md says is refused, whoever runs it, one of each class."""
    t = m.table()
    x = m.name()
    plain = m.shape.trees[t] != "list"
    like_t = f"CREATE TABLE {x} (LIKE shop.{t} INCLUDING DEFAULTS INCLUDING GENERATED, PRIMARY KEY ({m.key(t)}))"
    one_row = {
        "log": f"INSERT INTO {x} (id, region, body) VALUES (77, {m.n + 10}, 'x')",
        "inv": f"INSERT INTO {x} (id, region) VALUES (77, {m.n + 10})",
        "pay": f"INSERT INTO {x} (id, region, status, amount) VALUES (77, {m.n + 10}, 'created', 1)",
        "back": f"INSERT INTO {x} (id, region, amount) VALUES (77, {m.n + 10}, 1)",
    }[t]
    join = (
        f"ALTER TABLE {x} INHERIT shop.{t}"
        if plain
        else f"ALTER TABLE shop.{t} ATTACH PARTITION {x} FOR VALUES IN ({m.n + 10})"
    )
    named = m.rng.choice([n for n in m.shape.protected() if n != "inv"])
    behind = {"log": "body", "pay": "amount", "back": "status"}[named]
    used = t if t != "back" or m.shape.refunds else "log"  # it has rows
    refuses = "CREATE FUNCTION {f}() RETURNS int LANGUAGE sql{more} AS 'SELECT 1'"
    ways: list[tuple[str, tuple[str, ...]]] = [
        # the triggers, by whatever command
        (
            OWNER,
            (
                f"CREATE OR REPLACE TRIGGER paysafe AFTER INSERT ON shop.{t} FOR EACH ROW EXECUTE FUNCTION paysafe.enforce()",
            ),
        ),
        (SUPER, ("DROP FUNCTION paysafe.enforce() CASCADE",)),
        (SUPER, (f"DROP OWNED BY {OWNER} CASCADE",)),
        (OWNER, (f"DO $$ BEGIN EXECUTE 'ALTER TABLE shop.{t} DISABLE TRIGGER paysafe'; END $$",)),
        # columns
        (OWNER, (f"ALTER TABLE shop.{named} DROP COLUMN {behind} CASCADE",)),
        (OWNER, (f"ALTER TABLE shop.{named} RENAME COLUMN {behind} TO gone",)),
        (
            OWNER,
            (
                "ALTER TABLE shop.pay ALTER COLUMN status TYPE varchar(3) USING left(status::text, 3)",
            ),
        ),
        (OWNER, ("ALTER TABLE shop.log ALTER COLUMN body TYPE text USING body || '!'",)),
        (OWNER, ("ALTER TABLE shop.inv ALTER COLUMN n TYPE int USING n + 1",)),
        (OWNER, ("ALTER TABLE shop.log DROP COLUMN payee",)),
        # trees
        (OWNER, (like_t, one_row, join)),
        (
            OWNER,
            (
                f"CREATE TABLE {x} (LIKE shop.{t} INCLUDING DEFAULTS INCLUDING GENERATED)",
                f"ALTER TABLE shop.{t} INHERIT {x}",
            ),
        ),
        (OWNER, (like_t, f"CREATE RULE r AS ON INSERT TO {x} DO INSTEAD NOTHING", join)),
        # types
        (OWNER, ("ALTER TYPE shop.payee SET SCHEMA public",)),
        (OWNER, ("DROP TYPE shop.payee CASCADE",)),
        (OWNER, ("ALTER TYPE shop.payee ADD ATTRIBUTE more int CASCADE",)),
        # catalogs
        (
            SUPER,
            (
                f"CREATE VIEW {x} AS SELECT * FROM pg_catalog.pg_trigger",
                f"UPDATE {x} SET tgenabled = 'D' WHERE tgname = 'paysafe'",
            ),
        ),
        (SUPER, (f"CREATE TABLE {x} () INHERITS (pg_catalog.pg_trigger)",)),
        (SUPER, ("TRUNCATE pg_catalog.pg_statistic_ext",)),
        (SUPER, ("DELETE FROM pg_catalog.pg_depend WHERE refclassid = 'pg_extension'::regclass",)),
        (SUPER, ("UPDATE pg_proc SET prosrc = 'x' WHERE proname = 'enforce'",)),
        (SUPER, ("UPDATE pg_class SET relhastriggers = false WHERE relname = 'pay'",)),
        (
            SUPER,
            (
                "UPDATE pg_attribute SET attname = 'gone' WHERE attrelid = 'shop.pay'::regclass AND attname = 'amount'",
            ),
        ),
        (
            SUPER,
            (
                "MERGE INTO pg_trigger t USING (SELECT 1) s ON t.tgname = 'paysafe' WHEN MATCHED THEN UPDATE SET tgenabled = 'D'",
            ),
        ),
        # what comes with PostgreSQL, and what is paysafe's
        (
            SUPER,
            (
                "CREATE OR REPLACE FUNCTION pg_catalog.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
            ),
        ),
        (SUPER, ("ALTER FUNCTION pg_catalog.lower(text) COST 5",)),
        (SUPER, ("INSERT INTO paysafe.currency VALUES ('ZZZ', 2, false)",)),
        (SUPER, ("UPDATE paysafe.rule SET version = version",)),
        (SUPER, ("DELETE FROM paysafe.audit_row",)),
        (SUPER, ("TRUNCATE paysafe.refusal_record",)),
        (SUPER, ("ALTER TABLE paysafe.rule DISABLE TRIGGER ALL",)),
        (SUPER, ("ALTER TABLE paysafe.rule ADD more int",)),
        (SUPER, ("BEGIN; LOCK TABLE paysafe.refusal_record; COMMIT",)),
        (SUPER, ("CREATE TABLE paysafe.mine (i int)",)),
        (SUPER, (f"CREATE TABLE {x} (i int)", f"ALTER TABLE {x} SET SCHEMA paysafe")),
        (
            SUPER,
            (
                "CREATE OR REPLACE FUNCTION paysafe.enforce() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            ),
        ),
        (SUPER, ("DROP VIEW paysafe.protection CASCADE",)),
        (SUPER, ("ALTER EXTENSION paysafe DROP FUNCTION paysafe.enforce()",)),
        (SUPER, ("ALTER SCHEMA paysafe RENAME TO other",)),
        (SUPER, ("DROP SCHEMA paysafe CASCADE",)),
        # settings
        (SUPER, ("ALTER SYSTEM SET paysafe.expiry_interval = 5",)),
        (SUPER, ("ALTER SYSTEM SET shared_preload_libraries = ''",)),
        (SUPER, ("SET zero_damaged_pages = on",)),
        (SUPER, ("SET ignore_checksum_failure = on",)),
        (
            SUPER,
            (
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$",
            ),
        ),
        (
            SUPER,
            (refuses.format(f=x, more=" SET session_replication_role = replica"), f"SELECT {x}()"),
        ),
        # others
        (APP, (f"TRUNCATE shop.{t}",)),
        (
            APP,
            (
                "SET search_path = shop",
                f"CREATE TEMPORARY VIEW {t} AS SELECT 1 AS id",
            ),
        ),
        (
            OWNER,
            (
                f"SELECT paysafe.unprotect('shop.{used}', '{ {'log': 'append_only', 'pay': 'payment', 'back': 'status' if m.shape.named else 'refund', 'inv': 'audit'}[used]}', 'tired of it')",
            ),
        ),
        (APP, ("SELECT paysafe.protect_append_only('shop.inv')",)),
        (OWNER, ("SELECT paysafe.declare_test_database()",)),
    ]
    if not plain:
        away = f"ALTER TABLE shop.{t} DETACH PARTITION shop.{t}_2 CONCURRENTLY"
        ways.append((OWNER, (away,)))
    if m.shape.trees[t] == "child":
        ways.append((OWNER, (f"ALTER TABLE shop.{t}_c NO INHERIT shop.{t}",)))
        ways.append((OWNER, (f"DROP TABLE shop.{t}_c",)))
    role, sql = m.rng.choice(ways)
    for one in sql[:-1]:
        m.add(role, one)
    m.add(role, sql[-1], expect="refuse")
    if "search_path" in sql[0]:
        m.add(role, "RESET search_path")


BAD_KEYS = (
    "float8",
    "real",
    "interval",
    "money",
    "jsonb",
    "int[]",
    "int4range",
    "shop.payee",
    "regclass",
    "citext",
    'text COLLATE "shop"."either"',
)
GOOD_KEYS = (
    *("bigint", "smallint", "numeric", "numeric(8,2)", "text", "varchar(9)", "char(9)", "name"),
    *("uuid", "bytea", "boolean", "date", "timestamptz", "time", "inet", "cidr", "oid", "bit(4)"),
    *("shop.state", "shop.st", "macaddr"),
)
DECLARES = (
    "SELECT paysafe.protect_status('{x}', 'status', '[*] --> a\na --> b')",
    "SELECT paysafe.audit('{x}')",
    "SELECT paysafe.protect_append_only('{x}')",
    "SELECT paysafe.protect_columns('{x}', '{{body}}')",
    "SELECT paysafe.protect_row_lock('{x}', '{{n}}')",
)


def keys(m: Maker) -> None:
    """A rule for a table whose key may be one, or may not."""
    x = m.name()
    rule = m.rng.choice(DECLARES).format(x=x)
    if m.rng.random() < 0.2:
        # partitions have keys of their own
        m.add(
            OWNER,
            f"CREATE TABLE {x} (id int NOT NULL, status text, body text, n int) PARTITION BY HASH (id)",
            f"CREATE TABLE {x}_0 PARTITION OF {x} (PRIMARY KEY (id)) FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            f"CREATE TABLE {x}_1 PARTITION OF {x} (PRIMARY KEY (id)) FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        )
        m.add(OWNER, rule, expect="refuse")
        return
    bad = m.rng.random() < 0.6
    key = m.rng.choice(BAD_KEYS if bad else GOOD_KEYS)
    if key == "citext":
        m.add(SUPER, "CREATE EXTENSION IF NOT EXISTS citext")
    if "COLLATE" in key:
        m.add(
            OWNER,
            "CREATE COLLATION IF NOT EXISTS shop.either (provider = icu, locale = 'und-u-ks-level2',"
            " deterministic = false)",
        )
    m.add(OWNER, f"CREATE TABLE {x} (id {key} PRIMARY KEY, status text, body text, n int)")
    m.add(OWNER, rule, expect="refuse" if bad else "pass")


def by(person: str, *what: str) -> str:
    return f"BEGIN; SELECT paysafe.act_as('{person}'); {'; '.join(what)}; COMMIT"


def long_machine(initial: list[int], *more: tuple[int, int]) -> str:
    """A chain of statuses with long names, and some ways beside it."""
    edges = [(i, i + 1) for i in range(11)] + list(more)
    lines = [f"[*] --> step_of_payment_{i}" for i in initial]
    return "\n".join(lines + [f"step_of_payment_{a} --> step_of_payment_{b}" for a, b in edges])


def long_columns(m: Maker, n: int) -> list[str]:
    return [f"column_that_stays_{i}" for i in range(n)]


def some_rule(m: Maker) -> tuple[list[str], list[str], str]:
    """Tables under a rule; declarations of it, each of which loosens and is another change than the
    others; and a table."""
    x, rng = m.name(), m.rng
    way = rng.choice(["status", "columns", "row_lock", "audit", "refund", "refund", "payment", "threshold"])
    names = long_columns(m, 9)
    if way == "status":
        edges = rng.sample([(a, b) for a in range(12) for b in range(12) if b > a + 1], 3)
        first = rng.randint(1, 11)
        declare = f"SELECT paysafe.protect_status('{x}', 'status', '{{}}'{{}})"
        changes = [declare.format(long_machine([0], e), "") for e in edges]
        changes.append(declare.format(long_machine([0, first], edges[0]), ""))
        deletable = f", '{{step_of_payment_{first}}}'"
        changes.append(declare.format(long_machine([0], edges[0]), deletable))
        made = [
            f"CREATE TABLE {x} (id int PRIMARY KEY, status text)",
            declare.format(long_machine([0]), ""),
            f"INSERT INTO {x} VALUES (1, 'step_of_payment_0')",
        ]
        return made, changes, x
    if way in ("columns", "row_lock"):
        declare = f"SELECT paysafe.protect_{way}('{x}', '{{{{{{}}}}}}')"
        made = [
            f"CREATE TABLE {x} (id int PRIMARY KEY, {', '.join(f'{c} int' for c in names)})",
            declare.format(",".join(names)),
            f"INSERT INTO {x} (id) VALUES (1)",
        ]
        gone = rng.sample(names, 4)
        return made, [declare.format(",".join(c for c in names if c != g)) for g in gone], x
    if way == "audit":
        made = [
            f"CREATE TABLE {x} (id int PRIMARY KEY, n int)",
            f"SELECT paysafe.audit('{x}', require_reason => true, require_ticket => true)",
            by("clerk", f"INSERT INTO {x} VALUES (1, 1)").replace("'clerk'", "'clerk', 'why', 'T-1'"),
        ]
        flags = ["require_reason => true", "require_ticket => true", "require_reason => false"]
        return made, [f"SELECT paysafe.audit('{x}', {f})" for f in flags], x
    return money_rule(m, x, way)


def money_rule(m: Maker, x: str, way: str) -> tuple[list[str], list[str], str]:
    """The same of payments and their refunds."""
    made = []
    for p in ("a", "b", "c"):
        made += [
            f"CREATE TABLE {x}_{p} (id int PRIMARY KEY, status text, amount numeric(12,2), captured numeric(12,2),"
            " currency text)",
            f"SELECT paysafe.protect_status('{x}_{p}', 'status', '[*] --> created\ncreated --> held\nheld -->"
            " captured\ncaptured --> settled')",
            f"SELECT paysafe.protect_payment('{x}_{p}', 'status', 'amount', 'captured', 'currency', '{{captured}}')",
            f"INSERT INTO {x}_{p} VALUES (1, 'created', 100, NULL, 'USD')",
        ]
    made += [
        f"CREATE TABLE {x} (id int PRIMARY KEY, payment_id int, amount numeric(12,2), currency text, status text,"
        " payee text, note text)",
        f"CREATE INDEX ON {x} (payment_id)",
        f"SELECT paysafe.protect_status('{x}', 'status', '[*] --> requested\nrequested --> review\nreview -->"
        " approved\nrequested --> approved\napproved --> paid\nrequested --> rejected', '{rejected}')",
    ]

    def refund(to: str = "a", gated: str = "approved,paid", more: str = "") -> str:
        return (
            f"SELECT paysafe.protect_refund('{x}', '{x}_{to}', 'payment_id', 'amount', 'currency', 'status',"
            f" '{{{gated}}}', '{{rejected}}', 'captured', 'currency'{more})"
        )

    def threshold(amount: int, approvers: int, hours: int = 24) -> str:
        return (
            f"SELECT paysafe.set_refund_threshold('{x}', 'USD', {amount}, approvers => {approvers},"
            f" \"within\" => '{hours} hours')"
        )

    def payment(captured: str) -> str:
        return (
            f"SELECT paysafe.protect_payment('{x}_a', 'status', 'amount', 'captured', 'currency',"
            f" '{{{captured}}}')"
        )

    made += [refund(), threshold(500, 2)]
    if way == "payment":
        return made, [payment(f"captured,{s}") for s in ("settled", "held", "settled,held")], f"{x}_a"
    if way == "threshold":
        return made, [threshold(700, 2), threshold(701, 2), threshold(500, 1), threshold(500, 2, 12)], x
    if m.rng.random() < 0.5:
        return made, [refund("b"), refund("c")], x
    free = ", unapproved_columns => '{note}'"
    others = [refund(gated="paid"), refund(gated="approved,paid,review"), refund(more=free)]
    return made, [refund("b"), *others], x


def agreed(m: Maker) -> None:
    """Two people agree on a change of a rule: on this one, on this table, and on no other."""
    made, changes, x = some_rule(m)
    m.add(OWNER, *made, expect="pass")
    one, other = m.rng.sample(changes, 2)
    m.add(OWNER, by("clerk", one), expect="alone")
    m.add(OWNER, by("clerk", "SELECT paysafe.propose('as agreed', 'T-9')", one), expect="pass")
    approve = (
        "SELECT paysafe.approve('paysafe.rule', key, 'agreed') FROM paysafe.pending_change"
        f" WHERE relation = '{x}'::regclass ORDER BY id DESC LIMIT 1"
    )
    m.add(OWNER, by("controller", approve), expect="pass")
    m.add(OWNER, by("clerk", other), expect="alone")
    if m.rng.random() < 0.5:
        m.add(OWNER, by("clerk", one), expect="pass")


def passing(m: Maker) -> None:
    """What guard.md says keeps working."""
    t = m.table()
    x = m.name().replace("shop.", "")
    column = {"log": "body", "pay": "amount", "back": "amount", "inv": "n"}[t]
    ways = [
        f"CREATE INDEX {x} ON shop.{t} ({column})",
        f"ALTER TABLE shop.{t} ADD CONSTRAINT {x} CHECK ({column} IS NOT NULL) NOT VALID; ALTER TABLE shop.{t} DROP CONSTRAINT {x}",
        f"ALTER TABLE shop.{t} ADD COLUMN {x} numeric; ALTER TABLE shop.{t} ALTER {x} SET DEFAULT 5",
        f"VACUUM FULL shop.{t}",
        f"REINDEX TABLE shop.{t}",
        f"ANALYZE shop.{t}",
        f"CREATE STATISTICS shop.{x} ON id, region FROM shop.{t}",
        f"COMMENT ON COLUMN shop.{t}.{column} IS 'x'",
        f"ALTER TABLE shop.{t} ENABLE TRIGGER ALL",
        f"ALTER TABLE shop.{t} SET (fillfactor = 90); ALTER TABLE shop.{t} RESET (fillfactor)",
        f"CREATE VIEW shop.{x} AS SELECT * FROM shop.{t}; DROP VIEW shop.{x}",
        f"CREATE TABLE shop.{x} (i int); DROP TABLE shop.{x}",
        f"GRANT SELECT ON shop.{t} TO {SECOND}",
        f"CREATE FUNCTION shop.{x}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        f"CREATE TRIGGER {x} AFTER INSERT ON shop.{t} FOR EACH ROW EXECUTE FUNCTION shop.{x}(); "
        f"ALTER TABLE shop.{t} DISABLE TRIGGER {x}; DROP TRIGGER {x} ON shop.{t}",
        "ALTER TABLE shop.back ALTER amount TYPE numeric(14,2)",
    ]
    sql = m.rng.choice(ways)
    if "fillfactor" in sql and m.shape.trees[t] == "list":
        sql = ways[5]
    if sql == ways[-1] and (any(sql in a.sql for a in m.past)):
        sql = ways[5]
    if "; ALTER TABLE" in sql or "; DROP" in sql or "; CREATE" in sql:
        parts = re.split(r"; (?=ALTER TABLE|DROP|CREATE TRIGGER)", sql)
    else:
        parts = [sql]
    m.add(OWNER, *parts, expect="pass")


KINDS: tuple[tuple[Callable[[Maker], None], float], ...] = (
    (plant, 3),
    (swallow, 4),
    (rewrite, 2),
    (switch, 3),
    (tree, 3),
    (types, 2),
    (label, 2),
    (retype, 4),
    (harmless, 4),
    (identity, 3),
    (membership, 1.5),
    (extension, 1),
    (setting, 2.5),
    (catalog, 3),
    (power, 3),
    (shadow, 2),
    (maintain, 5),
    (copy, 2),
    (launcher, 1),
    (huge, 0.7),
    (bulk, 1.5),
    (move, 1.5),
    (listed, 14),
    (passing, 4),
    (keys, 3),
    (agreed, 5),
    (restart, 0.7),
)


def attempts(rng: random.Random, shape: Shape) -> list[list[Attempt]]:
    """Some attempts, each of them a few statements that belong together."""
    groups = []
    m = Maker(rng, shape)
    for kind in rng.choices([k for k, _ in KINDS], [w for _, w in KINDS], k=rng.randint(4, 9)):
        m.made = []
        kind(m)
        groups.append(m.made)
        m.past += m.made
    return groups


# ---------------------------------------------------------------- a play


def text_of(value: Any) -> str:
    """What a value says, whatever honest type it has."""
    text = str(value)
    return re.sub(r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1", text)


@dataclass
class Play:
    """One database, its connections, and what is expected of it."""

    dsn: str
    name: str
    shape: Shape
    connections: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)
    rows: dict[str, dict[Any, dict[str, str]]] = field(default_factory=dict)
    changes: int = 0  # of inv
    refusals: int = 0
    next_id: int = 10
    window: bool = False
    off: set[str] = field(default_factory=set)  # tables whose triggers a window has switched off
    extra: list[str] = field(default_factory=list)  # further append-only tables
    done: set[str] = field(default_factory=set)  # what cannot be done twice, done once
    roles: Any = None

    def conn(self, role: str) -> psycopg.Connection[Any]:
        c = self.connections.get(role)
        if c is None or c.closed:
            c = psycopg.connect(f"{self.dsn} dbname={self.name} user={role}", autocommit=True)
            c.prepare_threshold = None
            c.execute("SET client_min_messages = error")
            c.execute("SET lock_timeout = '20s'")
            self.connections[role] = c
        return c

    def close(self) -> None:
        for c in self.connections.values():
            c.close()
        self.connections.clear()

    def ask(self, sql: str, role: str = SUPER) -> list[tuple[Any, ...]]:
        return self.conn(role).execute(sql).fetchall()

    def run(self, role: str, sql: str) -> tuple[str, str, str]:
        """SQLSTATE, message and tag."""
        c = self.conn(role)
        try:
            cur = c.execute(sql)
            return "", "", cur.statusmessage or ""
        except psycopg.Error as e:
            constraint = e.diag.constraint_name or ""
            if constraint.startswith("paysafe_"):
                self.refusals += 1
            if c.closed:
                return e.sqlstate or "08006", str(e), ""
            if c.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                c.execute("ROLLBACK")
            return e.sqlstate or "XX000", f"{e.diag.message_primary or e} {constraint}", ""


def leaves(p: Play, t: str) -> list[str]:
    return [
        r[0]
        for r in p.ask(
            "WITH RECURSIVE x(r) AS (SELECT to_regclass(%s)::oid UNION SELECT inhrelid FROM x JOIN pg_inherits ON inhparent = r) "
            "SELECT r::regclass::text FROM x JOIN pg_class c ON c.oid = r WHERE c.relkind = 'r' ORDER BY 1"
            % f"'shop.{t}'"
        )
    ]


def legitimate(p: Play, t: str, role: str = APP) -> None:
    """A row that everything allows arrives."""
    i = p.next_id
    p.next_id += 1
    body = "ARRAY[ROW('p', 1)::shop.payee]" if p.shape.nested else "ROW('p', 1)::shop.payee"
    sql = {
        "log": f"INSERT INTO shop.log (id, body, payee) VALUES ({i}, 'legit', {body})",
        "pay": f"INSERT INTO shop.pay (id, status, amount, currency) VALUES ({i}, 'created', 10, 'USD')",
        "back": f"INSERT INTO shop.back (id, payment_id, amount, status) VALUES ({i}, 1, 0.01, 'requested')",
        "inv": f"INSERT INTO shop.inv (id, fee, total, n, memo, day) VALUES ({i}, 1.25, {2**60 + i}, 3, 'legit', '2024-02-03')",
    }[t]
    code, words, tag = p.run(role, sql)
    if code:
        raise Found("arrival", f"{sql}: {code} {words}")
    n = p.ask(f"SELECT count(*) FROM shop.{t} WHERE id = {i}")[0][0]
    if n != 1:
        raise Found("arrival", f"{sql} said {tag}, and {n} rows are there")
    if t == "inv":
        p.changes += 1
    if t == "pay":
        for status in ("authorized",):
            sql = f"UPDATE shop.pay SET status = '{status}' WHERE id = {i}"
            code, words, tag = p.run(role, sql)
            if code or tag != "UPDATE 1":
                raise Found("arrival", f"{sql}: {code} {words} {tag}")
    look_row(p, t, i)


def look_row(p: Play, t: str, i: int) -> None:
    if t in ("log", "inv"):
        rows = read(p, t, f"WHERE id = {i}")
        p.rows.setdefault(t, {}).update(rows)


def read(p: Play, t: str, where: str = "") -> dict[Any, dict[str, str]]:
    cur = p.conn(SUPER).execute(f"SELECT t.*, to_jsonb(t) AS whole FROM shop.{t} t {where}")
    names = [d.name for d in cur.description or ()]
    out = {}
    for row in cur.fetchall():
        values = dict(zip(names, row))
        whole = values.pop("whole")
        # composite values as jsonb has them
        out[values["id"]] = {
            k: text_of(whole[k]) if k in ("payee",) else text_of(v) for k, v in values.items()
        }
    return out


def forbidden(p: Play, t: str, relation: str) -> Iterator[str]:
    """Statements that a rule forbids."""
    i = 5_000_000 + p.next_id
    p.next_id += 1
    region = next((r for r in "12" if relation.endswith(f"_{r}")), None)
    place = f", region) VALUES ({{}}, {region})" if region else ") VALUES ({})"
    if t == "log":
        yield f"UPDATE {relation} SET body = 'rewritten' WHERE body IS NOT NULL"
        yield f"DELETE FROM {relation}"
    elif t == "pay":
        if not (region is None and p.shape.trees[t] == "list" and relation != "shop.pay"):
            yield f"INSERT INTO {relation} (id, status, amount, captured, currency" + place.format(
                f"{i}, 'captured', 5, 5, 'USD'"
            )
        yield f"UPDATE {relation} SET status = 'captured', captured = amount WHERE status::text = 'created'"
        yield f"UPDATE {relation} SET amount = 77 WHERE status::text = 'authorized'"
        if p.shape.way_back:
            yield f"UPDATE {relation} SET amount = 77 WHERE id = 2"
    elif t == "back" and p.shape.refunds:
        yield f"UPDATE {relation} SET status = 'approved' WHERE amount > 500 AND status = 'requested'"
        yield f"UPDATE {relation} SET amount = 2 WHERE status = 'requested'"


def rules_hold(p: Play, t: str, relations: list[str]) -> None:
    if t in p.off:
        return
    for relation in relations:
        for sql in forbidden(p, t, relation):
            code, words, tag = p.run(APP if relation == f"shop.{t}" else OWNER, sql)
            if not code and not tag.endswith(" 0"):
                raise Found("rules", f"{sql}: {tag}")


def first_rows(p: Play) -> None:
    body = (
        "ARRAY[ROW('alice', 100)::shop.payee]"
        if p.shape.nested
        else "ROW('alice', 100)::shop.payee"
    )
    regions = {t: ("(1), (2)" if p.shape.trees[t] == "list" else "(1)") for t in TABLES}
    statements = [
        f"INSERT INTO shop.log (id, region, body, payee) SELECT r, r, 'first', {body} FROM (VALUES {regions['log']}) v (r)",
        "INSERT INTO shop.pay (id, status, amount) VALUES (1, 'created', 5000), (2, 'created', 50), (3, 'created', 60)",
        "UPDATE shop.pay SET status = 'authorized' WHERE id IN (1, 2)",
        "UPDATE shop.pay SET status = 'captured', captured = 5000 WHERE id = 1",
        "INSERT INTO shop.inv (id, region, fee, total, due, day, n, memo) SELECT r, r, 123456789.99, 9007199254740993, "
        f"'2024-01-01 01:02:03', '2024-01-01', 7, 'ticket' FROM (VALUES {regions['inv']}) v (r)",
    ]
    if p.shape.way_back:
        statements.append("UPDATE shop.pay SET status = 'created' WHERE id = 2")
    for sql in statements:
        code, words, _ = p.run(APP, sql)
        if code:
            raise Found("arrival", f"{sql}: {code} {words}")
    if p.shape.refunds:
        sql = (
            "BEGIN; SELECT paysafe.act_as('alice'); INSERT INTO shop.back (id, payment_id, amount, status) "
            "VALUES (1, 1, 900, 'requested'); COMMIT"
        )
        code, words, _ = p.run(APP, sql)
        if code:
            raise Found("arrival", f"{sql}: {code} {words}")
    p.changes += 2 if p.shape.trees["inv"] == "list" else 1
    for t in ("log", "inv"):
        p.rows[t] = read(p, t)
    p.roles = roles(p)


def roles(p: Play) -> Any:
    return p.ask(
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolconfig::text, "
        "(SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) FROM pg_roles r WHERE rolname LIKE 'sim\\_%' ORDER BY 1"
    )


def rows_stay(p: Play) -> None:
    for t, known in p.rows.items():
        now = read(p, t)
        for i, values in known.items():
            if i not in now:
                raise Found("rows", f"row {i} of {t} is gone")
            for column, value in values.items():
                if column not in now[i]:
                    if t == "log":
                        raise Found("rows", f"column {column} of {t} is gone")
                elif now[i][column] != value and not same_number(now[i][column], value):
                    raise Found(
                        "rows", f"row {i} of {t}: {column} was {value}, is {now[i][column]}"
                    )


def same_number(a: str, b: str) -> bool:
    number = re.compile(r"^-?\d+(\.\d+)?$")
    if not (number.match(a) and number.match(b)):
        return False
    return Decimal(a) == Decimal(b)


def identity_stays(p: Play) -> None:
    for t in p.shape.protected():
        got = p.ask(
            f"SELECT relowner::regrole::text, relpersistence FROM pg_class WHERE oid = to_regclass('shop.{t}')"
        )
        if got != [(OWNER, "p")]:
            raise Found("identity", f"shop.{t} is {got}")
        if t not in p.off:
            n = p.ask(
                f"SELECT count(*) FROM pg_trigger WHERE tgrelid = 'shop.{t}'::regclass AND tgenabled = 'A' "
                "AND tgname IN ('paysafe', 'paysafe_statement')"
            )[0][0]
            if n != 2:
                raise Found("identity", f"shop.{t} has {n} of 2 triggers in force")
    if p.ask(
        "SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND (objid = 'shop'::regnamespace OR objid IN "
        "(SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace UNION SELECT oid FROM pg_type WHERE typnamespace = 'shop'::regnamespace))"
    )[0][0]:
        raise Found("identity", "an object of schema shop belongs to an extension")
    for name, value in (("session_replication_role", "origin"), ("allow_system_table_mods", "off")):
        if p.ask(f"SHOW {name}")[0][0] != value:
            raise Found("identity", f"{name} is {p.ask(f'SHOW {name}')[0][0]}")
    if (now := roles(p)) != p.roles:
        raise Found("persons", f"roles were {p.roles}, are {now}")
    if p.ask("SELECT count(*) FROM paysafe.approval WHERE relation = to_regclass('shop.back')")[0][
        0
    ]:
        raise Found(
            "persons", "there is an approval that nobody has given by a statement of his own"
        )


# a child that has no key is named, and left out: that is no finding
RECONCILE = """
SELECT key, finding FROM paysafe.reconcile('shop.inv')
 WHERE key IS NOT NULL OR NOT EXISTS (
       SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE finding LIKE format('table "%s" is not compared: %%', c.relname)
          AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary))
"""


def audit_agrees(p: Play) -> None:
    n = p.ask(
        "SELECT count(*) FROM paysafe.audit_log WHERE schema_name = 'shop' AND table_name LIKE 'inv%'"
    )[0][0]
    restated = p.ask(
        "SELECT count(*) FROM paysafe.maintenance_change WHERE relation = to_regclass('shop.inv')"
    )[0][0]
    if n != p.changes and not restated:
        raise Found("audit", f"{p.changes} changes of inv, {n} audit rows")
    try:
        found = p.ask(RECONCILE)
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return  # the table has no key
    if found:
        raise Found("audit", f"reconcile: {found[0]}")


# check() but for what says whether the extension's own functions are as they were: that takes time
PARTS = " UNION ALL ".join(
    f"SELECT * FROM paysafe.check_{part}()" for part in ("tables", "rules", "names", "work")
)


def check_agrees(p: Play, whole: bool) -> None:
    p.conn(SUPER).close()
    check = "paysafe.check()" if whole else f"({PARTS}) c"
    wrong = {(r[0], r[1]) for r in p.ask(f"SELECT subject, check_name FROM {check} WHERE NOT ok")}
    ours = re.compile(r"^shop\.(log|pay|back|inv)(_\w+)?$")
    has = {c for s, c in wrong if ours.match(s)}
    if p.window and ("maintenance", "window") not in wrong:
        raise Found("check", "check() does not say that a window is open")
    if not p.window and ("maintenance", "window") in wrong:
        raise Found("check", "check() says that a window is open")
    lone = not p.shape.named and p.shape.refunds
    if lone != (("shop.back", "statuses") in wrong):
        raise Found(
            "check",
            f"refunds have {'no' if lone else 'a'} status rule, check() says {sorted(wrong)}",
        )
    for t in p.off:
        if (f"shop.{t}", "row_trigger") not in wrong:
            raise Found("check", f"check() does not say that the trigger of shop.{t} is off")
    if not p.off and has & {
        "row_trigger",
        "statement_trigger",
        "rules",
        "dropped",
        "rules_fit",
        "rewrite_rules",
    }:
        raise Found("check", f"check(): {sorted(wrong)}")


def refusals_recorded(p: Play) -> None:
    for _ in range(1200):
        n = p.ask("SELECT coalesce(sum(count), 0) FROM paysafe.refusal_log")[0][0]
        if n >= p.refusals:
            return
        time.sleep(0.1)
    raise Found("refusals", f"{p.refusals} refusals, {n} on record")


def look(p: Play, heavy: bool) -> None:
    """All promises."""
    identity_stays(p)
    rows_stay(p)
    for t in TABLES:
        if t == "back" and not p.shape.refunds:
            continue
        rules_hold(p, t, [f"shop.{t}", *[r for r in leaves(p, t) if r != f"shop.{t}"]])
        if t not in p.off:
            legitimate(p, t)
    for x in p.extra:
        code, _, tag = p.run(OWNER, f"INSERT INTO {x} (id, body) VALUES ({p.next_id}, 'x')")
        p.next_id += 1
        protected = p.ask(
            f"SELECT count(*) FROM paysafe.protection WHERE relation = to_regclass('{x}')"
        )[0][0]
        if protected and not code and tag != "INSERT 0 1":
            raise Found("arrival", f"INSERT INTO {x} said {tag}")
    rows_stay(p)
    if "inv" not in p.off:
        audit_agrees(p)
    if heavy:
        check_agrees(p, p.next_id % 3 == 0)
        refusals_recorded(p)


def attempt(p: Play, a: Attempt) -> None:
    """Run it; compare with what doc/ says of it."""
    if a.needs == "copy":
        copied(p, a.sql[0])
        return
    if a.needs == "restart":
        restarted(p, a.sql[0])
        return
    if a.needs.startswith("log "):
        p.extra.append(a.needs[4:])
    recorded = a.needs.split()[1:] if a.needs.startswith("recorded") else []
    before = p.ask("SELECT count(*) FROM paysafe.maintenance_change")[0][0] if recorded else 0
    code = words = ""
    for sql in a.sql:
        code, words, _ = p.run(a.role, sql)
        if code and a.expect == "pass" and sql not in p.done:
            raise Found("passes", f"{sql}: {code} {words}")
        if not code:
            p.done.add(sql)
    if a.expect == "alone" and code != "42501":
        raise Found("refused", f"one person alone: {a.sql[-1]}: {code or 'passed'} {words}")
    if a.expect == "refuse" and not code:
        raise Found("windows" if a.needs in ("over", "inner") else "refused", f"{a.sql[-1]} passed")
    if a.wait:
        time.sleep(a.wait)
    if a.needs.startswith("changes"):
        p.changes += int(a.needs.split()[1])
        for t in ("inv",):
            p.rows[t] = {**read(p, t), **p.rows[t]} if "UPDATE" not in a.sql[-1] else read(p, t)
    if a.needs == "window":
        p.window = True
    if a.needs == "closed":
        p.window = False
        p.off.clear()
    if recorded and not code:
        rows = p.ask("SELECT table_name FROM paysafe.maintenance_change")
        names = [r[0] for r in rows]
        want = "pg_catalog.pg_trigger" if recorded[0] == "off" else recorded[0]
        if len(rows) == before or want not in names:
            raise Found("windows", f"{a.sql[-1]} in a window left {names}")
        if recorded[0] == "off":
            p.off.add(recorded[1])
            p.connections.pop(APP, None)
    if a.needs == "shadow":
        # the session means what it says
        i = p.next_id
        p.next_id += 1
        code, words, tag = p.run(
            APP,
            f"INSERT INTO pay (id, status, amount, currency) VALUES ({i}, 'captured', 5, 'USD')",
        )
        if not code:
            raise Found("rules", f"INSERT INTO pay without its schema: {tag}")
        p.run(APP, "RESET search_path")


def restarted(p: Play, mode: str) -> None:
    """Stopped and started again.  Whoever writes refusals down has been held up meanwhile: what waits
    then is written after a shutdown; of a crash only what is on record stays."""
    data = Path(p.ask("SHOW data_directory")[0][0])
    if mode == "immediate":
        refusals_recorded(p)
    workers = "FROM pg_stat_activity WHERE backend_type = 'paysafe refusal"
    held = [r[0] for r in p.ask(f"SELECT pid {workers} launcher'")]
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        p.ask(f"SELECT pg_terminate_backend(pid, 3000) {workers} writer'")
        if mode == "fast":
            for _ in range(3):
                code, words, _ = p.run(OWNER, "TRUNCATE shop.log")
                if not code:
                    raise Found("refused", "TRUNCATE shop.log passed")
        p.close()
        control(data, "stop", "-m", mode, "-W")
        time.sleep(0.3)
    finally:
        for pid in held:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
    for _ in range(6000):
        if not (data / "postmaster.pid").exists():
            break
        time.sleep(0.1)
    control(data, "start", "-w", "-l", str(data / "server.log"))


def control(data: Path, *what: str) -> None:
    """pg_ctl, as whoever owns the server."""
    owner = data.stat().st_uid
    done = subprocess.run(
        [f"{BIN}pg_ctl", "-D", str(data), "-s", *what],
        user=owner if os.getuid() == 0 else None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if done.returncode:
        raise Found("alive", f"pg_ctl {' '.join(what)} fails")


def restarts(groups: list[list[Attempt]]) -> bool:
    return any(a.needs == "restart" for g in groups for a in g)


def copied(p: Play, what: str) -> None:
    """Dump and restore; the copy is under the same rules."""
    args = what.split()[1:]
    other = p.name + "_copy"
    options = psycopg.conninfo.conninfo_to_dict(p.dsn)
    where = ["-h", str(options["host"]), "-p", str(options["port"]), "-U", SUPER]
    with psycopg.connect(f"{p.dsn} dbname=postgres user={SUPER}", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {other} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {other} TEMPLATE template0")
        try:
            dump = subprocess.run([f"{BIN}pg_dump", *where, *args, p.name], capture_output=True)
            if dump.returncode:
                raise Found("passes", f"pg_dump: {dump.stderr.decode()[:300]}")
            subprocess.run(
                [f"{BIN}psql", "-qX", *where, "-d", other], input=dump.stdout, capture_output=True
            )
            look_at_copy(p, Play(p.dsn, other, p.shape), bool(args))
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {other} WITH (FORCE)")


def look_at_copy(p: Play, q: Play, partial: bool) -> None:
    try:
        q.next_id = p.next_id + 100
        here = {
            r[0]
            for r in q.ask(
                "SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'p')"
            )
        }
        rules = "SELECT relation::text, rule FROM paysafe.protection WHERE relation::text LIKE 'shop.%' ORDER BY 1, 2"
        want = [r for r in p.ask(rules) if r[0].removeprefix("shop.") in here]
        if (got := q.ask(rules)) != want:
            raise Found("dumps", f"rules in the copy {got}, {want} were there")
        for t in TABLES:
            if t in here and t not in p.off and not (t == "back" and not p.shape.refunds):
                rules_hold(q, t, [f"shop.{t}"])
                if not partial:
                    legitimate(q, t)
        if p.shape.refunds and not partial:
            code, words, _ = q.run(
                APP,
                "BEGIN; SELECT paysafe.act_as('alice'); SELECT paysafe.approve('shop.back', '1', 'mine'); COMMIT",
            )
            if not code:
                raise Found("dumps", "in the copy alice approves what she has requested")
        if "inv" in here and not partial and (found := q.ask(RECONCILE)):
            raise Found("dumps", f"reconcile in the copy: {found[0]}")
    except psycopg.Error as e:
        raise Found("dumps", f"the copy cannot be read: {e}") from e
    finally:
        q.close()


def prepare(dsn: str) -> None:
    """Roles, and the database that plays are copies of."""
    with psycopg.connect(f"{dsn} dbname=postgres user={SUPER}", autocommit=True) as c:
        for role in (OWNER, APP, SECOND):
            if not c.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchall():
                c.execute(f"CREATE ROLE {role} LOGIN")
        if c.execute("SELECT 1 FROM pg_database WHERE datname = 'sim_play'").fetchall():
            return
        c.execute("CREATE DATABASE sim_play TEMPLATE template0")
    with psycopg.connect(f"{dsn} dbname=sim_play user={SUPER}", autocommit=True) as c:
        c.execute("CREATE EXTENSION paysafe")
        c.execute(f"CREATE SCHEMA shop AUTHORIZATION {OWNER}")
        c.execute(f"GRANT USAGE ON SCHEMA shop TO {APP}, {SECOND}")
        c.execute(
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.propose TO {OWNER}, {APP}, {SECOND}"
        )
        for f in ("set_refund_threshold",):
            c.execute(f"GRANT EXECUTE ON FUNCTION paysafe.{f} TO {OWNER}")


def play(dsn: str, name: str, shape: Shape, groups: list[list[Attempt]]) -> Found | None:
    """In a database of its own."""
    p = Play(dsn, name, shape)
    as_admin(dsn, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    as_admin(dsn, f"CREATE DATABASE {name} TEMPLATE sim_play")
    try:
        for a in setup(shape):
            attempt(p, a)
        first_rows(p)
        look(p, False)
        for i, group in enumerate(groups):
            for a in group:
                attempt(p, a)
                if a.needs.startswith("recorded") or a.needs == "window":
                    check_agrees(p, False)
            look(p, i == len(groups) - 1 or len(groups) < 3)
        return None
    except Found as f:
        return f
    finally:
        p.close()
        as_admin(
            dsn,
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            *[f"ALTER ROLE {role} RESET ALL" for role in (OWNER, APP, SECOND, SUPER)],
            f"ALTER ROLE {OWNER} NOCREATEDB",
            f"REVOKE pg_read_all_data FROM {OWNER}",
        )


def as_admin(dsn: str, *statements: str) -> None:
    """From a connection that no restart has ended."""
    with psycopg.connect(f"{dsn} dbname=postgres user={SUPER}", autocommit=True) as admin:
        for sql in statements:
            admin.execute(sql)


def shrink(
    dsn: str, name: str, shape: Shape, groups: list[list[Attempt]], found: Found
) -> tuple[list[list[Attempt]], Found]:
    """Fewer attempts, while they break the same promise."""
    i = len(groups) - 1
    while i >= 0:
        fewer = groups[:i] + groups[i + 1 :]
        again = play(dsn, name, shape, fewer)
        if again is not None and again.promise == found.promise:
            groups, found = fewer, again
        i -= 1
    return groups, found


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of commands?"""
    return random.Random(f"sort {seed}").random() < 0.22


def plan(seed: int) -> tuple[Shape, list[list[Attempt]]]:
    rng = random.Random(f"commands {seed}")
    shape = shape_of(rng)
    return shape, attempts(rng, shape)


def one(dsn: str, seed: int, name: str, shorten: bool = True) -> Finding | None:
    """The play of a seed."""
    prepare(dsn)
    shape, groups = plan(seed)
    found = play(dsn, name, shape, groups)
    if found is None:
        return None
    at = time.time()
    if shorten:
        groups, found = shrink(dsn, name, shape, groups, found)
    script = "\n".join(a.text() for g in groups for a in g)
    made = "\n".join(a.text() for a in setup(shape))
    return Finding(
        seed, found.promise, found.words, f"{made}\n-- and then\n{script}\n-- {found.words}", at
    )
