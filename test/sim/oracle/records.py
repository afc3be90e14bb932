"""One record for each refusal; check() is green (guard.md)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from oracle.base import Case
from runner import is_refusal


def breaches(case: Case) -> list[Any]:
    """Breaches that are on record when it ends."""
    return list(case.history.extra.get("breaches", ()))


def judge(case: Case) -> None:
    h = case.history
    if h.refusals is not None:
        want = Counter(r.sqlstate for r in h.results if is_refusal(r))
        got: Counter[str] = Counter()
        for sqlstate, _table, count in h.refusals:
            got[sqlstate] += int(count)
        if want != got:
            case.say("refusal on record", f"refused: {dict(want)}, on record: {dict(got)}")
    for subject, name, detail in h.check or []:
        if name == "breaches" and any(not settled for _, _, _, settled, *_ in breaches(case)):
            continue  # breaches.py
        if name == "statuses" and unruled(case, subject.split(".")[-1]):
            continue  # so it is
        case.say(f"check {name}", f"{subject}: {detail}")
    for table, key, finding in h.extra.get("reconcile", ()):
        case.say("reconcile", f"{table} {key}: {finding}")
    if "asked for" in h.extra:
        requests(case)
    for table, key, listed, code in h.extra.get("pending", ()):
        if listed != (code == "42501"):
            case.say(
                "pending",
                f"{table} {key} is {'' if listed else 'not '}in pending_approval; its next step is"
                f" {code or 'not refused'}",
            )


def requests(case: Case) -> None:
    """What somebody has asked for stands in pending_approval until it is approved or used."""
    if case.taken or case.world.meddling:
        return  # which rule it was asked under is another question
    there = {(t, p, Decimal(a), str(c).strip()) for t, p, a, c in case.history.extra["asked for"]}
    for q in case.requests:
        if q.used or q.void or any(a.table is q.table for a in case.ahead):
            continue
        name = ",".join(k.replace("\\", "\\\\").replace(",", "\\,") for k in q.payment)
        name = name if len(q.payment) > 1 else q.payment[0]
        if (q.table.place, name, q.amount, q.currency) not in there:
            case.say("pending", f"{q.amount} of {name}, asked for, is not in pending_approval")


def unruled(case: Case, table: str) -> bool:
    """A table of refunds whose status no rule knows."""
    return case.now("status", table) is None and case.now("refund", table) is not None
