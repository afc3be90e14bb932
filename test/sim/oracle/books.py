"""Ledgers balance at every commit, balances equal their entries (reference.md, protect_ledger, protect_balance)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from observe import Tx
from oracle.base import Case, Move, currency, number
from world import Row, Rule, Table

DEBIT = ("debit", "dr", "d", "1")


def signed(rule: Rule, row: Row) -> Decimal:
    amount = number(row["amount"])
    direction = rule.get("direction")
    if direction:
        return amount if str(row[direction]).lower() in DEBIT else -amount
    return amount


def change(case: Case, tx: Tx, m: Move) -> None:
    if case.now("ledger", m.table.name) is not None and m.op != "INSERT":
        case.say("append-only", f"{m.table.name}: {m.op} of a row of a ledger")
    rule = case.now("balance", m.table.name)
    if rule is not None and m.op == "INSERT" and m.new is not None:
        same = [r for r in case.rows(m.table.name) if r[rule.get("key")] == m.new[rule.get("key")]]
        if len(same) > 1:
            case.say("account", f"a second account {m.new[rule.get('key')]} was opened")
    if rule is not None and m.op == "UPDATE" and m.old is not None and m.new is not None:
        if m.old[rule.get("key")] != m.new[rule.get("key")]:
            case.say("account", "the key of an account changed")


def commit(case: Case, tx: Tx, changes: list[Move]) -> None:
    for (kind, name, _), versions in case.rules.items():
        if kind == "ledger" and any(m.table.name == name for m in changes):
            ledger(case, tx, [m.new for m in changes if m.table.name == name and m.new], versions[-1][1])
        if kind == "balance" and any(m.table.name in (name, versions[-1][1].get("ledger")) for m in changes):
            balances(case, versions[-1][1])


def ledger(case: Case, tx: Tx, entries: list[Row], rule: Rule) -> None:
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for e in entries:
        sums[e[rule.get("tx")], currency(e["currency"])] += signed(rule, e)
        if number(e["amount"]) == 0 or e["account"] is None or e[rule.get("tx")] is None:
            case.say("entry", f"an entry that is none: {e}")
    for (number_, code), total in sums.items():
        if total != 0:
            case.say("ledger", f"transaction {number_} sums to {total} {code}")
    before = [x.row for x in case.lives[rule.table] if x.born < tx.lsn]
    for n in {e[rule.get("tx")] for e in entries}:
        if any(b[rule.get("tx")] == n for b in before):
            case.say("posted", f"entries were added to transaction {n}, which was posted before")
    if rule.get("reverses"):
        reversals(case, [e for e in entries if e[rule.get("reverses")] is not None], before, entries, rule)


def reversals(case: Case, new: list[Row], before: list[Row], entries: list[Row], rule: Rule) -> None:
    def line(e: Row, sign: int) -> tuple[Any, ...]:
        return (e["account"], currency(e["currency"]), sign * signed(rule, e))

    for n in {e[rule.get("tx")] for e in new}:
        own_ = [e for e in entries if e[rule.get("tx")] == n]
        named = {e[rule.get("reverses")] for e in own_}
        if len(named) != 1:
            case.say("reversal", f"transaction {n} reverses {named}")
            continue
        old = named.pop()
        reversed_ = [e for e in [*before, *entries] if e[rule.get("tx")] == old and e[rule.get("tx")] != n]
        if sorted(map(repr, (line(e, 1) for e in own_))) != sorted(map(repr, (line(e, -1) for e in reversed_))):
            case.say("reversal", f"transaction {n} is not the opposite of {old}, which it reverses")
        if any(b[rule.get("reverses")] == old and b[rule.get("tx")] != n for b in before):
            case.say("reversal", f"transaction {old} was reversed before")
        back = {e[rule.get("reverses")] for e in reversed_}
        if n in back:
            case.say("reversal", f"transactions {n} and {old} reverse each other")


def balances(case: Case, rule: Rule) -> None:
    account: Table = case.world.tables[rule.table]
    entries = case.rows(rule.get("ledger"))
    booked = case.now("ledger", rule.get("ledger"))
    assert booked is not None
    codes = {a[rule.get("key")] for a in case.rows(account.name)}
    for e in entries:
        if e["account"] not in codes:
            case.say("account", f"an entry of account {e['account']}, which is not there")
    minimum = rule.get("minimum")
    for a in case.rows(account.name):
        total = sum((signed(booked, e) for e in entries if e["account"] == a[rule.get("key")]), Decimal(0))
        balance = a[rule.get("balance")]
        if minimum and a[minimum] is None:
            if number(balance) != 0:
                case.say("balance", f"account {a[rule.get('key')]} without a minimum has {balance} in its row")
        elif number(balance) != total:
            case.say("balance", f"account {a[rule.get('key')]} has {balance}, its entries sum to {total}")
        elif minimum and number(balance) < number(a[minimum]):
            case.say("minimum", f"account {a[rule.get('key')]} has {balance}, below {a[minimum]}")
