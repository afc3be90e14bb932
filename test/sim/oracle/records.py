"""One record for each refusal; check() is green (guard.md)."""

from __future__ import annotations

from collections import Counter
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
        case.say(f"check {name}", f"{subject}: {detail}")
    for table, key, finding in h.extra.get("reconcile", ()):
        case.say("reconcile", f"{table} {key}: {finding}")
    for table, key, listed, code in h.extra.get("pending", ()):
        if listed != (code == "42501"):
            case.say(
                "pending",
                f"{table} {key} is {'' if listed else 'not '}in pending_approval; its next step is"
                f" {code or 'not refused'}",
            )
