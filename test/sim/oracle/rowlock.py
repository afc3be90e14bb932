"""The lost-update guard, and tables that only grow (reference.md)."""

from __future__ import annotations

from observe import Tx
from oracle.base import Case, Move, effective
from sessions import Result
from world import Row, Table


def change(case: Case, tx: Tx, m: Move) -> None:
    if case.now("append_only", m.table.name) is not None and m.op != "INSERT":
        case.say("append-only", f"{m.table.name}: {m.op} of a row of an append-only table")
    if (
        case.now("row_lock", m.table.name) is None
        or m.op != "UPDATE"
        or m.old is None
        or m.new is None
    ):
        return
    if m.old["balance"] == m.new["balance"] or len({r.tx for r in tx.results}) != 1:
        return
    done = effective(tx.results)
    writers = [
        r for r in done if r.step.get("table") == m.table.name and is_about(m.table, r, m.old)
    ]
    by = [r for r in writers if r.step.op in ("update", "merge")]
    if len(by) == 1 and must_refuse(by[0], writers):
        case.say(
            "row lock",
            f"{m.table.name}: overwritten without a lock: {by[0].step.sql}",
            by[0].number,
        )


def is_about(table: Table, r: Result, row: Row) -> bool:
    """Is it the row that the statement names, or adds?"""
    key = [str(row[k]) for k in table.key]
    added = [[str(x.get(k)) for k in table.key] for x in r.step.get("rows", ())]
    return tuple(row[k] for k in table.key) in r.step.get("keys", ()) or key in added


def must_refuse(r: Result, before: list[Result]) -> bool:
    """Is it a value that depends on nothing, for a row that was neither locked nor written?"""
    if r.step.get("lock") != "absolute" or r.step.get("cursor") or r.isolation != "read committed":
        return False
    return not any(
        b.number < r.number and b.step.op in ("lock", "insert", "update", "merge") for b in before
    )
