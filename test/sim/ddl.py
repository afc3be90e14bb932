"""What owners and superusers do to tables: DDL, catalogs, settings.

Each entry says what doc/guard.md says of it: refused, or passed.  What passes is
undone, so that the world stays as it was made.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from world import OWNER, Rule, Table, World, columns


@dataclass(frozen=True)
class Command:
    name: str
    sql: str
    refused: bool
    undo: str = ""
    superuser: bool = False


def ruled(world: World, table: Table) -> set[str]:
    """Columns that rules of the table name."""
    out = set(table.key)
    for r in world.rules:
        if r.table == table.name:
            out |= columns_of(r)
        if r.kind == "refund" and r.get("payment") == table.name:
            out |= {*columns(r.get("payment_key"))}
            out |= {r.get("captured_column"), r.get("payment_currency")} - {None}
        if r.kind == "captures" and r.get("payment") == table.name:
            out |= {*columns(r.get("payment_key"))} | ({r.get("limit")} - {None})
        if r.kind == "balance" and r.get("ledger") == table.name:
            out |= {"account", "amount", "currency"}
    return out


def columns_of(rule: Rule) -> set[str]:
    names = {
        "status": ("column",),
        "payment": ("status", "amount", "captured_column", "currency", "limit"),
        "refund": ("ref", "amount", "currency", "status", "type"),
        "captures": ("ref", "amount", "currency", "status"),
        "ledger": ("tx", "account", "amount", "currency", "direction", "reverses"),
        "balance": ("key", "balance", "minimum"),
    }.get(rule.kind, ())
    out = {c for n in names if rule.opt(n) for c in columns(rule.opt(n))}
    out |= {c for c, _, _ in rule.opt("rows", ())} | set((rule.opt("path") or ())[:1])
    if rule.kind in ("columns", "row_lock"):
        out |= set(rule.get("columns"))
    return out


def protected(world: World, table: Table) -> bool:
    return any(r.table == table.name for r in world.rules)


def of_table(world: World, t: Table, rng: random.Random) -> Iterator[Command]:
    """What is done to one table of the world that has rules."""
    n = rng.choice(t.relations())
    behind = ruled(world, t)
    some = rng.choice(sorted(behind))
    grows = any(r.table == t.name and r.kind in ("append_only", "ledger") for r in world.rules)
    yield Command("disable trigger", f"ALTER TABLE {n} DISABLE TRIGGER paysafe", True)
    yield Command("disable all", f"ALTER TABLE {n} DISABLE TRIGGER ALL", True, "", True)
    yield Command("enable replica", f"ALTER TABLE {n} ENABLE REPLICA TRIGGER paysafe", True)
    yield Command("drop trigger", f"DROP TRIGGER paysafe ON {t.name}", True)
    yield Command(
        "rename trigger", f"ALTER TRIGGER paysafe_statement ON {t.name} RENAME TO x", True
    )
    yield Command(
        "planted trigger",
        "CREATE TABLE fake (id int); CREATE TRIGGER paysafe AFTER INSERT ON fake FOR EACH ROW WHEN"
        " (false) EXECUTE FUNCTION paysafe.enforce()",
        True,
    )
    yield Command("drop table", f"DROP TABLE {n} CASCADE", True)
    yield Command("rename table", f"ALTER TABLE {n} RENAME TO other", True)
    yield Command("other owner", f"ALTER TABLE {n} OWNER TO sim_app", True, "", True)
    yield Command("unlogged", f"ALTER TABLE {n} SET UNLOGGED", True)
    yield Command("other schema", f"ALTER TABLE {t.name} SET SCHEMA public", True, "", True)
    yield Command("drop column", f"ALTER TABLE {t.name} DROP COLUMN {some} CASCADE", True)
    yield Command("rename column", f"ALTER TABLE {t.name} RENAME COLUMN {some} TO other", True)
    yield Command("drop key", f"ALTER TABLE {t.name} DROP CONSTRAINT {t.name}_pkey CASCADE", True)
    yield Command("rule", f"CREATE RULE r AS ON UPDATE TO {n} DO INSTEAD NOTHING", True)
    yield Command("shadow", f"CREATE TEMPORARY TABLE {t.name} (id int)", True)
    yield Command("truncate", f"TRUNCATE {n} CASCADE", True)
    yield Command(
        "own table",
        f"DELETE FROM paysafe.rule WHERE relation = '{t.name}'::regclass",
        True,
        "",
        True,
    )
    yield Command(
        "catalog",
        f"UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = '{n}'::regclass AND tgname ="
        " 'paysafe'",
        True,
        "",
        True,
    )
    # a table that never had a row lets its rules go
    yield Command(
        "unprotect",
        f"SELECT 1 / count(*) FROM {t.name}; "
        f"SELECT paysafe.unprotect('{t.name}', '{world_rule(world, t)}', 'because')",
        True,
    )
    amount = t.column("amount")
    if amount and t.type_of(amount).startswith("numeric"):
        yield Command(
            "round", f"ALTER TABLE {t.name} ALTER COLUMN {amount} TYPE numeric(12,1)", True
        )
        yield Command(
            "using",
            f"ALTER TABLE {t.name} ALTER COLUMN {amount} TYPE numeric USING {amount} * 2",
            True,
        )
    status = t.column("status")
    if (
        status
        and t.type_of(status) == f"{t.name}_status"
        and any(s.startswith(f"CREATE TYPE {t.name}_status") for s in world.types)
    ):
        label = "created" if t.kind == "payment" else "requested"
        yield Command("label", f"ALTER TYPE {t.name}_status RENAME VALUE '{label}' TO 'gone'", True)
        yield Command("rename type", f"ALTER TYPE {t.name}_status RENAME TO other", True)
    if t.partition is not None:
        part = t.partition.parts[0][0]
        yield Command("detach", f"ALTER TABLE {t.name} DETACH PARTITION {part}", True)
        if t.partition.method == "list":
            if not any(c.role == "generated" for c in t.columns):
                yield Command(
                    "attach rows",
                    f"CREATE TABLE extra (LIKE {t.name} INCLUDING ALL); "
                    f"INSERT INTO extra SELECT * FROM {t.name} LIMIT 1; "
                    f"UPDATE extra SET {t.partition.column} = 9; SELECT 1 / count(*) FROM extra; "
                    f"ALTER TABLE {t.name} ATTACH PARTITION extra FOR VALUES IN (9)",
                    True,
                )
            yield Command(
                "attach empty",
                f"CREATE TABLE {t.name}_p9 PARTITION OF {t.name} FOR VALUES IN (9)",
                False,
            )
    elif t.child:
        yield Command("no inherit", f"ALTER TABLE {t.child} NO INHERIT {t.name}", True)
    elif any(r.table == t.name and r.kind in ("payment", "refund") for r in world.rules):
        yield Command("child without key", f"CREATE TABLE orphan () INHERITS ({t.name})", True)
    if grows:
        yield Command(
            "swallow",
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL;"
            f" END'; CREATE TRIGGER a BEFORE INSERT ON {n} FOR EACH ROW EXECUTE FUNCTION swallow()",
            True,
        )
    if any(c.type.startswith("spot") for c in t.columns):
        some_rows = f"SELECT 1 / count(*) FROM {t.name}; "
        yield Command("attribute", f"{some_rows}ALTER TYPE spot DROP ATTRIBUTE x CASCADE", True)
        yield Command(
            "rename attribute", f"{some_rows}ALTER TYPE spot RENAME ATTRIBUTE x TO z", True
        )
    if any(s.startswith(f"CREATE TYPE {t.name}_label") for s in world.types):
        label = "created" if t.kind == "payment" else "requested"
        rename = f"ALTER TYPE {t.name}_label RENAME VALUE '{label}' TO 'gone'"
        yield Command("label below domain", rename, True)
    # what keeps working
    yield Command("index", f"CREATE INDEX added ON {n} ({some})", False, "DROP INDEX added")
    yield Command(
        "column",
        f"ALTER TABLE {t.name} ADD COLUMN added int",
        False,
        f"ALTER TABLE {t.name} DROP COLUMN added",
    )
    yield Command("no-op owner", f"ALTER TABLE {n} OWNER TO {OWNER}", False)
    yield Command("enable user", f"ALTER TABLE {n} ENABLE TRIGGER USER", False)
    yield Command("comment", f"COMMENT ON TABLE {n} IS 'x'", False)
    yield Command("analyze", f"ANALYZE {n}", False)
    yield Command(
        "check",
        f"ALTER TABLE {t.name} ADD CONSTRAINT c CHECK (true)",
        False,
        f"ALTER TABLE {t.name} DROP CONSTRAINT c",
    )
    yield Command("statistics", f"ALTER TABLE {n} ALTER COLUMN {some} SET STATISTICS 10", False)
    if not any(c.role == "generated" for c in t.columns):
        yield Command(
            "drop expression",
            f"ALTER TABLE {t.name} ADD COLUMN g int GENERATED ALWAYS AS (1) STORED; "
            f"ALTER TABLE {t.name} ALTER COLUMN g DROP EXPRESSION",
            False,
            f"ALTER TABLE {t.name} DROP COLUMN g",
        )


def world_rule(world: World, t: Table) -> str:
    return next(r.kind for r in world.rules if r.table == t.name and r.kind != "threshold")


def of_server(rng: random.Random) -> Iterator[Command]:
    """What concerns no table."""
    yield Command("replica", "SET session_replication_role = replica", True, "", True)
    yield Command(
        "set_config",
        "SELECT set_config('session_replication_role', 'replica', false)",
        True,
        "",
        True,
    )
    yield Command(
        "pg_settings",
        "UPDATE pg_settings SET setting = 'replica' WHERE name = 'session_replication_role'",
        True,
        "",
        True,
    )
    yield Command("drop extension", "DROP EXTENSION paysafe CASCADE", True, "", True)
    yield Command("truncate catalog", "TRUNCATE pg_catalog.pg_statistic_ext", True, "", True)
    yield Command("lock own table", "LOCK TABLE paysafe.refusal_record", True, "", True)
    yield Command(
        "alter system", "ALTER SYSTEM SET paysafe.superuser_lockdown = off", True, "", True
    )
    yield Command(
        "role setting", "ALTER ROLE sim_app SET session_replication_role = replica", True, "", True
    )
    yield Command("own trigger", "ALTER TABLE paysafe.rule DISABLE TRIGGER ALL", True, "", True)
    yield Command("own function", "ALTER FUNCTION paysafe.enforce() RENAME TO x", True, "", True)
    yield Command("extension", "CREATE EXTENSION cube", False, "DROP EXTENSION cube", True)
    yield Command("table", "CREATE TABLE other (id int); DROP TABLE other", False)


def choose(world: World, rng: random.Random) -> Command:
    tables = [t for t in world.tables.values() if protected(world, t) and not t.host]
    if not tables or rng.random() < 0.15:
        return rng.choice(list(of_server(rng)))
    return rng.choice(list(of_table(world, rng.choice(tables), rng)))
