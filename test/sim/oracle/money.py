"""Payments and refunds (reference.md, protect_payment, protect_refund)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from observe import Tx
from oracle import shapes
from oracle.base import DECIMALS, Case, Life, Move, currency, number
from oracle.status import begin_of
from world import Row, Rule


def change(case: Case, tx: Tx, m: Move) -> None:
    assert m.life is not None
    if "shape" in case.world.features:
        shapes.change(case, tx, m)
        return
    for rule in case.versions("payment", m.table.name, begin_of(tx), tx.lsn):
        payment(case, tx, m, m.life, rule)
        break
    for rule in case.versions("refund", m.table.name, begin_of(tx), tx.lsn):
        refund(case, m, rule)
        break


def bad_amount(v: Any, code: Any, minor: bool, zero: bool) -> bool:
    """Is it an amount that cannot be one?"""
    if not isinstance(v, Decimal) or not v.is_finite() or v < 0 or (v == 0 and not zero):
        return True
    if minor or currency(code) not in DECIMALS:
        return False
    return v != round(v, DECIMALS[currency(code) or ""])


def payment(case: Case, tx: Tx, m: Move, life: Life, rule: Rule) -> None:
    status = rule.get("status")
    captured_in: Any = set().union(
        *(r.get("captured") for r in case.versions("payment", m.table.name, begin_of(tx), tx.lsn))
    )
    strictly: Any = rule.get("captured")
    for r in case.versions("payment", m.table.name, begin_of(tx), tx.lsn):
        strictly = strictly & r.get("captured")
    if m.new is not None:
        if bad_amount(m.new["amount"], m.new["currency"], case.world.minor, True):
            case.say("amount", f"a payment has the amount {m.new['amount']} {m.new['currency']}")
        if number(m.new["captured"]) > number(m.new["amount"]):
            case.say("captured", f"captured {m.new['captured']} of {m.new['amount']}")
        if m.new[status] in strictly and m.new["captured"] is None:
            if m.old is None or m.old[status] != m.new[status] or m.old["captured"] is not None:
                case.say("captured", f"nothing is captured in status {m.new[status]}")
    if m.op == "INSERT":
        assert m.new is not None
        if m.new[status] not in captured_in and number(m.new["captured"]) != 0:
            case.say(
                "captured",
                f"a payment was added as {m.new[status]} with {m.new['captured']} captured",
            )
    if m.op == "UPDATE":
        assert m.old is not None and m.new is not None
        if number(m.old["captured"]) != number(m.new["captured"]):
            falls = number(m.new["captured"]) < number(m.old["captured"])
            if falls or m.new[status] not in captured_in or m.old[status] == m.new[status]:
                case.say(
                    "captured",
                    f"captured went from {m.old['captured']} to {m.new['captured']} without a"
                    f" capture ({m.old[status]} to {m.new[status]})",
                )
        if life.seen_outside or life.was_captured:
            for c in ("amount", "currency", *m.table.identity()):
                if m.old[c] != m.new[c]:
                    case.say(
                        "frozen",
                        f"payment: {c} went from {m.old[c]} to {m.new[c]} in a payment that had"
                        " left its initial status",
                    )
    if m.op == "DELETE":
        assert m.old is not None
        if number(m.old["captured"]) != 0:
            case.say("captured", "a payment was deleted with money captured")
    now = m.new or m.old or {}
    if now[status] in captured_in:
        life.was_captured = True


def refund(case: Case, m: Move, rule: Rule) -> None:
    t = m.table.name
    if m.new is not None:
        if bad_amount(m.new["amount"], m.new["currency"], case.world.minor, False):
            case.say("amount", f"{t} has the amount {m.new['amount']} {m.new['currency']}")
        if m.op == "INSERT":
            found = of_payment(case, rule, m.new)
            if not found:
                case.say("reference", f"{t}: a refund of no payment was added")
    if m.op == "UPDATE":
        assert m.old is not None and m.new is not None
        for c in (*m.table.identity(), rule.get("ref"), "amount", "currency"):
            if m.old[c] != m.new[c]:
                case.say("as requested", f"{t}: {c} of a refund went from {m.old[c]} to {m.new[c]}")
    if m.op == "DELETE":
        assert m.old is not None
        voids: set[str] = set()
        for _, r in case.rules[rule.slot]:
            voids |= r.get("void")
        if m.old[rule.get("status")] not in voids:
            case.say("refund stays", f"{t}: a refund was deleted as {m.old[rule.get('status')]}")


def of_payment(case: Case, rule: Rule, row: Row) -> list[Row]:
    return [
        p
        for p in case.rows(rule.get("payment"))
        if p[rule.get("payment_key")] == row[rule.get("ref")]
    ]


def commit(case: Case, tx: Tx, changes: list[Move]) -> None:
    """What returns of a payment, over all tables, is within what was captured."""
    if "shape" in case.world.features:
        shapes.commit(case, tx, changes)
        return
    refunds = [rules[-1][1] for (kind, _, _), rules in case.rules.items() if kind == "refund"]
    if not refunds or not any(m.table.kind in ("payment", "refund") for m in changes):
        return
    for p in case.rows("payment"):
        total = Decimal(0)
        for rule in refunds:
            voids: set[str] = set().union(*(r.get("void") for _, r in case.rules[rule.slot]))
            for row in case.rows(rule.table):
                if (
                    row[rule.get("ref")] == p[rule.get("payment_key")]
                    and row[rule.get("status")] not in voids
                ):
                    total += number(row["amount"])
                    if currency(row["currency"]) != currency(p["currency"]):
                        case.say(
                            "currency",
                            f"{row['amount']} {row['currency']} of a payment in {p['currency']}",
                        )
        if total > number(p["captured"]):
            case.say("cap", f"{total} are refunded of {p['captured']} captured")
