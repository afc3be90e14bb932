"""Owners and superusers do not weaken protection, and everything else works (guard.md)."""

from __future__ import annotations

from oracle.base import Case
from sessions import Result

# missing in this PostgreSQL, or not there: says nothing
BESIDE = {"58P01", "0A000", "55P03", "55006", "40P01", "42P07", "42701", "42710"}


def judge(case: Case, r: Result) -> None:
    name = str(r.step.get("name"))
    if r.failed_before or r.sqlstate in BESIDE:
        return
    if r.step.get("refused"):
        if r.ok:
            case.say(f"guard {name}", f"passed: {r.step.text()}", r.number)
    elif not r.ok:
        case.say(f"guard passes {name}", f"{r.sqlstate} {r.message}: {r.step.text()}", r.number)
