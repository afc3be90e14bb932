"""The oracle: what doc/ promises, judged on the history of a world."""

from __future__ import annotations

from typing import Any

from observe import History, Tx
from oracle import (
    approvals,
    audit,
    books,
    breaches,
    ddl,
    explain,
    money,
    records,
    rowlock,
    rules,
    status,
)
from oracle.base import Case, Finding, Life, Move, effective, moves
from sessions import Result


def judge(history: History) -> list[Finding]:
    case = Case(history)
    events: list[tuple[int, int, Any]] = [(tx.lsn, 0, tx) for tx in history.txs]
    # what ends at one place in the log is looked at after what was committed up to it
    for r in history.results:
        # who has waited, and is refused, is told so by what let him go
        late = r.waited and not r.ok
        events.append((r.lsn_after, len(history.results) + r.number if late else r.number, r))
    for _, _, what in sorted(events, key=lambda e: e[:2]):
        if isinstance(what, Tx):
            committed(case, what)
        else:
            answered(case, what)
    audit.judge(case)
    records.judge(case)
    breaches.judge(case)
    seen = set()
    out = []
    for f in case.findings:
        if f.promise not in seen:
            seen.add(f.promise)
            out.append(f)
    return out


def committed(case: Case, tx: Tx) -> None:
    """Judge a transaction, and take its changes over."""
    rules.take_over(case, [r for r in effective(tx.results) if r.step.op == "declare"])
    changes = moves(tx)
    for m in changes:
        if apply(case, tx, m) and m.life is not None:
            status.change(case, tx, m)
            money.change(case, tx, m)
            approvals.change(case, tx, m)
            rowlock.change(case, tx, m)
            books.change(case, tx, m)
            m.life.seen_outside = m.life.left_initial
    money.commit(case, tx, changes)
    books.commit(case, tx, changes)


def apply(case: Case, tx: Tx, m: Move) -> bool:
    """Take a change of a row over into the lives."""
    lives = case.lives[m.table.name]
    if m.op == "INSERT":
        assert m.new is not None
        m.life = Life(m.table, m.new, tx.lsn)
        lives.append(m.life)
        case.first_row.setdefault(m.table.name, tx.lsn)
        return True
    assert m.old is not None
    m.life = case.find(m.table, m.old)
    if m.life is None:
        case.say("history", f"{m.table.name}: a row changes that nobody has added: {m.old}")
        return False
    if m.op == "DELETE":
        lives.remove(m.life)
    else:
        assert m.new is not None
        m.life.row = m.new
    return True


def answered(case: Case, r: Result) -> None:
    """Take over what is no change of a row, and judge a refusal."""
    if r.step.op == "ddl":
        ddl.judge(case, r)
        return
    if not r.ok:
        explain.judge(case, r)
        return
    if r.tx not in case.committed:
        return
    results = effective(case.by_tx[r.tx])
    if r.step.op == "approve" and r in results:
        approvals.take_over(case, r)
    if r.step.op == "approve_ahead" and r in results:
        approvals.take_ahead(case, r)
    if r.step.op == "request_ahead" and r in results:
        approvals.take_request(case, r)
    if r.step.op == "withdraw":
        for a in case.approvals:
            a.withdrawn = True  # which one is not known: none is counted on
        for b in case.ahead:
            b.withdrawn = True
    if r is case.by_tx[r.tx][-1]:
        rules.take_over(case, [x for x in results if x.step.op == "declare"])
