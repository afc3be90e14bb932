"""Every change has one audit row that equals it (reference.md, audit)."""

from __future__ import annotations

from typing import Any

from observe import Tx
from oracle.base import Case, actor_of, moves, own
from oracle.status import begin_of
from sessions import Result
from world import LOGINS, Row, Table, person_of


def frozen(row: Row | None) -> Any:
    return (
        None
        if row is None
        else tuple(
            sorted(
                (k, str(v.normalize()) if hasattr(v, "normalize") else v)
                for k, v in own(row).items()
            )
        )
    )


def judge(case: Case) -> None:
    everything = {name for (kind, name, _) in case.rules if kind == "audit"}
    left: dict[int, list[Any]] = {}
    for row in case.history.audit:
        left.setdefault(row[0], []).append(row)
    for tx in case.history.txs:
        rows = left.pop(tx.xid, [])
        begin = begin_of(tx)
        # a table whose first rule comes meanwhile may have its audit rows, or not
        audited = {name for name in everything if case.versions("audit", name, begin, begin)}
        actors = {actor_of(case.by_tx[n]) for n in {r.tx for r in tx.results}}
        claims = [r for r in tx.results if r.step.op == "act_as"]
        if len(claims) > 1:  # who had the floor when is another question
            actors |= {person_of(r.step.get("person")) for r in claims} | {None}
        elif claims and wrote_before(tx.results, claims[0]):
            actors |= {None, *(r.login for r in tx.results if r.login in LOGINS)}
        for m in moves(tx):
            if m.table.name not in audited:
                continue
            match = [
                r
                for r in rows
                if r[1] == m.table.name
                and r[2] == m.op
                and frozen(r[4]) == frozen(m.old)
                and frozen(r[5]) == frozen(m.new)
            ]
            if not match:
                case.say(
                    "audit",
                    f"{m.op} of {m.table.name} {m.new or m.old} has no audit row that equals it;"
                    f" there is {rows}",
                )
                continue
            rows.remove(match[0])
            key(case, m.table, m.new or m.old or {}, match[0][3])
            who(case, match[0], actors, [r.login for r in tx.results])
            why(case, tx, m.table, match[0][8])
        for r in rows:
            if r[1] in audited:
                case.say("audit", f"an audit row of no change: {r}")
    # what ALTER TABLE gives to rows that are there is recorded, and no change of theirs
    computed = any(r.ok and "GENERATED" in r.step.sql for r in case.history.results)
    for rows in left.values():
        for r in rows:
            if computed and r[2] == "UPDATE" and frozen(r[4]) == frozen(r[5]):
                continue
            case.say("audit", f"an audit row of a transaction without changes: {r}")


def wrote_before(results: list[Result], claim: Result) -> bool:
    """Was something changed before anybody was named?"""
    return any(r.ok and r.number < claim.number and r.step.get("table") for r in results)


def key(case: Case, table: Table, row: Row, text: str) -> None:
    parts = [row[k] for k in table.identity()]
    if len(parts) == 1:
        v = parts[0]
        want = format(v.normalize(), "f") if hasattr(v, "normalize") else str(v)
        if text != want:
            case.say("audit key", f"{table.name}: the audit row has the key {text}, the row {want}")


def why(case: Case, tx: Tx, table: Table, reason: str | None) -> None:
    """Was a reason given where one is needed?"""
    rules = case.versions("audit", table.name, begin_of(tx), tx.lsn)
    if all(r.get("require_reason") for r in rules) and not str(reason or "").strip():
        case.say("reason", f"{table.name} has changed without a reason, which it requires")


def who(case: Case, r: Any, actors: set[str | None], logins: list[str]) -> None:
    actor, claimed, login = r[6], r[7], r[9]
    person = person_of(actor) if claimed else (login if login in LOGINS else None)
    if len(actors) == 1 and person not in actors:
        case.say(
            "actor",
            f"an audit row has {actor} ({'claimed' if claimed else 'login'}), it was"
            f" {actors.pop()}",
        )
    if logins and login not in logins:
        case.say("actor", f"an audit row has the login {login}, it was {logins[0]}")
