"""Above the threshold each payout has approvals by other people (reference.md, Approvals)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from observe import Tx
from oracle.base import Approval, Case, Life, Move, actor_of, currency, number, own
from oracle.status import begin_of
from sessions import Result
from world import Row, Rule, Table

SLACK = 0.02  # seconds by which an expiry may be judged differently


def free(table: Table, rule: Rule) -> set[str]:
    """Columns that an approval does not bind."""
    names = {rule.get("status")} | {c.name for c in table.columns if c.role == "generated"}
    if rule.get("unapproved") is None:
        return names | {c.name for c in table.columns if c.type.startswith("timestamp")}
    return names | set(rule.get("unapproved"))


def bound(table: Table, rule: Rule, row: Row) -> Row:
    # a row may move between partitions: that alone takes no approval away
    return {k: v for k, v in own(row).items() if k not in free(table, rule)}


def take_over(case: Case, r: Result) -> None:
    """Somebody has approved a row."""
    table = case.world.tables[str(r.step.get("table"))]
    key = r.step.get("keys")[0]
    content = [
        row
        for view in (r.before, r.after)
        for row in view[table.name]
        if tuple(row[k] for k in table.key) == key
    ]
    unseen(case, table, key, r)
    person = actor_of(case.by_tx[r.tx], r.number, True)
    if not str(r.step.get("reason")).strip():
        case.say("reason", "an approval whose reason is blank", r.number)
    if person is None:
        case.say("approver", "nobody approved a refund", r.number)
    lives = case.by_key(table, key)
    if (
        len(lives) == 1
        and person is not None
        and person in lives[0].requesters
        and not lives[0].unsure
    ):
        case.say("approver", f"{person} approved what {person} had requested", r.number)
    if len(lives) == 1 and None in lives[0].requesters and not lives[0].unsure:
        case.say(
            "approver", "a refund that nobody is known to have requested was approved", r.number
        )
    life = lives[0] if len(lives) == 1 else None
    rule = case.now("refund", table.name)
    status = life.row[rule.get("status")] if life is not None and rule is not None else None
    case.approvals.append(
        Approval(
            table,
            content,
            life,
            life.generation if life else 0,
            person,
            r,
            r.step.get("expires"),
            status,
        )
    )


def unseen(case: Case, table: Table, key: tuple[Any, ...], r: Result) -> None:
    """With one snapshot for the transaction, what was looked at is what is approved."""
    if r.isolation == "read committed" or r.waited or not r.alone:
        return
    if any(b.ok and b.step.get("table") for b in case.by_tx[r.tx] if b.number < r.number):
        return  # it has written itself
    seen, there = (
        [own(row) for row in view[table.name] if tuple(row[k] for k in table.key) == key]
        for view in (r.before, r.after)
    )
    if seen and there and seen != there:
        case.say("unseen", f"{there} was approved, and {seen} was looked at", r.number)


def change(case: Case, tx: Tx, m: Move) -> None:
    assert m.life is not None
    rules = case.versions("refund", m.table.name, begin_of(tx), tx.lsn)
    if not rules:
        return
    life, rule = m.life, rules[-1]
    status = rule.get("status")
    voids: Any = set().union(*(r.get("void") for r in rules))
    gates: Any = set(rules[0].get("gated"))
    for r in rules:
        gates &= r.get("gated")
    request(tx, m, life, status, voids)
    if m.op == "UPDATE" and life.approved_content is not None and life.passed:
        assert m.new is not None
        freed = set().union(*(free(m.table, r) for r in rules))
        for c, v in list(life.approved_content.items()):
            if c in freed:  # columns that are named later are free from then on
                life.approved_content[c] = m.new[c]
            elif v is not None and m.new[c] != v and m.new[status] not in voids:
                case.say(
                    "approved stays",
                    f"{m.table.name}: {c} went from {v} to {m.new[c]} after the approval",
                )
    if m.new is None:
        return
    moved = m.op == "INSERT" or (m.old is not None and m.old[status] != m.new[status])
    if not any(m.new[status] in r.get("gated") for r in rules):
        life.passed = False
        life.approved_content = None
    elif moved and not life.passed:
        if m.new[status] in gates and len(rules) == 1:
            enter(case, tx, m, life, rule)
        life.passed = True
        life.vague = m.new[status] not in gates
        case.passed_ever[str(m.new[rule.get("ref")])] += number(m.new["amount"])


def request(tx: Tx, m: Move, life: Life, status: str, voids: Any) -> None:
    """Who has requested it: whoever adds it, or takes it back from a void status."""
    if m.new is None or m.new[status] in voids:
        if m.new is not None:
            life.passed = False
            life.approved_content = None
            life.generation += 1
        return
    if m.op == "INSERT" or (m.old is not None and m.old[status] in voids):
        numbers = {r.tx for r in tx.results}
        life.generation += 1
        if len(numbers) != 1 or sum(r.ok and r.step.op == "act_as" for r in tx.results) > 1:
            life.unsure = True
        acts = [r for r in tx.results if r.step.op in ("insert", "update", "merge")]
        life.requesters.add(actor_of(tx.results, max((r.number for r in acts), default=None)))


def passed_total(case: Case, life: Life, rule: Rule) -> Decimal:
    """What has passed the gate for the same payment, with this one; at least that."""
    total = number(life.row["amount"])
    for slot, versions in case.rules.items():
        if slot[0] != "refund":
            continue
        other = versions[-1][1]
        for x in case.lives[other.table]:
            if x is not life and x.passed and x.row[other.get("ref")] == life.row[rule.get("ref")]:
                total += number(x.row["amount"])
    return total


def needed(case: Case, tx: Tx, life: Life, rule: Rule) -> int:
    """How many approvals a refund needs that enters the gate; the least of what was in force."""
    found = []
    code = currency(life.row["currency"]) or ""
    for threshold in case.versions("threshold", rule.table, begin_of(tx), tx.lsn, code):
        over = passed_total(case, life, rule) > threshold.get("amount")
        found.append(threshold.get("approvers") if over else 0)
    # where no threshold is set each refund needs one
    return min(found, default=1)


def enter(case: Case, tx: Tx, m: Move, life: Life, rule: Rule) -> None:
    need = needed(case, tx, life, rule)
    began = max((r.began for r in tx.results), default=0.0)
    valid: dict[str, Approval] = {}
    for a in case.approvals:
        if a.used or a.table is not m.table or a.person is None:
            continue
        if a.life is not None and (a.life is not life or a.generation != life.generation):
            continue
        if not life.unsure and (a.person in life.requesters or None in life.requesters):
            continue
        if a.expires is not None and began > a.result.ended + a.expires + SLACK:
            continue
        if not any(
            bound(m.table, rule, row) == bound(m.table, rule, m.new or {}) for row in a.content
        ):
            if a.content and "region" not in m.table.key:
                continue
            if a.content and not any(
                same_but_region(m.table, rule, row, m.new or {}) for row in a.content
            ):
                continue
        valid.setdefault(a.person, a)
    if need and len(valid) < need:
        case.say(
            "approvals",
            f"{m.table.name}: {life.row['amount']} of {passed_total(case, life, rule)} passed the"
            f" gate with {len(valid)} approvals of {need}",
        )
    if need and any(r.step.op == "prepare" and r.ok for r in tx.results):
        case.say(
            "approval prepared", f"{m.table.name}: an approval was used in a prepared transaction"
        )
    for a in list(valid.values())[: max(need, 0)]:
        a.used = True
    if need:
        life.approved_content = bound(m.table, rule, m.new or {})
        for c in m.table.columns:
            if c.role == "region":
                life.approved_content.pop(c.name, None)


def same_but_region(table: Table, rule: Rule, a: Row, b: Row) -> bool:
    return {k: v for k, v in bound(table, rule, a).items() if k != "region"} == {
        k: v for k, v in bound(table, rule, b).items() if k != "region"
    }
