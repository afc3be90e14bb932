"""What happened, seen from outside: committed changes by logical decoding, and the log of acts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from sessions import Monitor, Result
from world import Column, Row, Table, World

NUMBERS = ("bigint", "int", "smallint", "numeric")


def read(column: Column, text: str | None) -> Any:
    """What a stored value says."""
    return column.said(value(column.type, text))


def value(type_: str, text: str | None) -> Any:
    """A value so that equal ones are equal."""
    if text is None:
        return None
    if type_.startswith(NUMBERS):
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    if type_.startswith("char"):
        return text.rstrip(" ")
    if type_ == "timestamptz":
        return text.replace("T", " ").replace("+00:00", "+00")
    return text


@dataclass
class Change:
    """A committed change of one row."""

    table: Table
    relation: str
    op: str  # INSERT, UPDATE, DELETE
    old: Row | None
    new: Row | None


@dataclass
class Tx:
    """A committed transaction, and the steps that it may have consisted of."""

    xid: int
    lsn: int
    changes: list[Change] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


@dataclass
class History:
    world: World
    results: list[Result] = field(default_factory=list)
    txs: list[Tx] = field(default_factory=list)
    audit: list[Any] = field(default_factory=list)
    refusals: list[Any] | None = None
    check: list[tuple[str, str, str]] | None = None
    final: dict[str, list[Row]] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def only(t: Table) -> str:
    if not t.mark:
        return ""
    word = "NOT " if ("kind", "refund") in t.mark else ""
    return f" WHERE kind IS {word}DISTINCT FROM 'refund'"


def snapshot_sql(world: World) -> str:
    """All rows of the world's tables, as one value."""
    parts = []
    for t in world.tables.values():
        cols = ", ".join(f"{c.name}::text" for c in t.columns)
        parts.append(
            f"SELECT '{t.name}' AS t, coalesce(json_agg(json_build_array(tableoid::regclass::text,"
            f" {cols}) ORDER BY {', '.join(t.key)}), '[]') AS j FROM {t.place}{only(t)}"
        )
    return f"SELECT json_object_agg(t, j)::text FROM ({' UNION ALL '.join(parts)}) s"


def snapshot(world: World, text: str) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    for name, rows in json.loads(text).items():
        t = world.tables[name]
        out[name] = [
            {
                "": r[0].split(".")[-1],
                **{c.name: read(c, v) for c, v in zip(t.columns, r[1:])},
            }
            for r in rows
        ]
    return out


FIELD = re.compile(
    r' ?("(?:[^"]|"")+"|[^\s\[]+)\[((?:[^\[\]]|\[\])*)\]:(null|\'(?:[^\']|\'\')*\'|\S+)'
)
LINE = re.compile(r"table (\w+)\.(\w+): (INSERT|UPDATE|DELETE): ?(.*)$", re.S)


def tuple_of(table: Table, text: str) -> Row:
    raw: dict[str, str | None] = {}
    for name, _type, v in FIELD.findall(text):
        if v == "null":
            raw[name] = None
        elif v.startswith("'"):
            raw[name] = v[1:-1].replace("''", "'")
        else:
            raw[name] = v
    return {c.name: read(c, raw.get(c.name)) for c in table.columns}


def lsn(text: str) -> int:
    a, b = text.split("/")
    return (int(a, 16) << 32) + int(b, 16)


def decode(world: World, schema: str, lines: list[tuple[str, str, str]]) -> list[Tx]:
    """The transactions of a slot of test_decoding that changed rows of this world."""
    out: list[Tx] = []
    tx: Tx | None = None
    for at, xid, data in lines:
        if data.startswith("BEGIN"):
            tx = Tx(int(xid), 0)
        elif data.startswith("COMMIT"):
            assert tx is not None
            tx.lsn = lsn(at)
            if tx.changes:
                out.append(tx)
            tx = None
        elif (m := LINE.match(data)) and m[1] == schema and tx is not None:
            table = world.root(m[2])
            if table is None:
                continue
            old: Row | None = None
            new: Row | None = None
            text = m[4]
            if m[3] == "INSERT":
                new = tuple_of(table, text)
            elif m[3] == "DELETE":
                old = tuple_of(table, text)
            else:
                before, _, after = text.partition(" new-tuple:")
                old = tuple_of(table, before.removeprefix("old-key:"))
                new = tuple_of(table, after)
            table = world.root(m[2], old or new) or table
            tx.changes.append(Change(table, m[2], m[3], old, new))
    return out


def words(v: Any) -> str | None:
    """A value of JSON as text."""
    return json.dumps(v, default=str) if isinstance(v, dict) else None if v is None else str(v)


def audit_rows(world: World, monitor: Monitor, schema: str) -> list[Any]:
    rows = monitor.all(
        "SELECT xid::text, table_name, op, key, before::text, after::text, actor, actor_claimed,"
        " reason, login FROM paysafe.audit_log WHERE schema_name = %s",
        (schema,),
    )
    out = []
    for xid, table, op, key, before, after, actor, claimed, reason, login in rows:
        t = world.root(table)
        if t is None:
            continue

        def image(text: str | None, t: Table = t) -> Row | None:
            if text is None:
                return None
            got = json.loads(text, parse_float=Decimal, parse_int=Decimal)
            return {c.name: read(c, words(got.get(c.name))) for c in t.columns}

        t = world.root(table, image(before) or image(after)) or t
        out.append(
            (int(xid), t.name, op, key, image(before), image(after), actor, claimed, reason, login)
        )
    return out
