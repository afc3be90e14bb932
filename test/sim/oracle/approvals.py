"""Above the threshold each payout has approvals by other people (reference.md, Approvals)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from observe import Tx
from oracle.base import Ahead, Approval, Case, Life, Move, Writer, actor_of, own
from oracle.shapes import all_rows, amount_of, code_of, gated_row, of_type, ref_of, returns
from oracle.status import begin_of
from sessions import Result
from world import LOGINS, Row, Rule, Table, columns

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
    if len(lives) == 1 and any(
        w.sure and w.person in (person, None) and w.ended <= r.began for w in lives[0].writers
    ):
        case.say("approver", f"{person} approved what {person}, or nobody, had changed", r.number)
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


def take_ahead(case: Case, r: Result) -> None:
    """Somebody has approved money of a payment, before there is a row."""
    person = actor_of(case.by_tx[r.tx], r.number, True)
    if person is None:
        case.say("approver", "nobody approved a refund that is not there yet", r.number)
    table = case.world.tables[str(r.step.get("table"))]
    amount = Decimal(r.step.get("amount"))
    code = r.step.get("currency")
    said = (table, r.step.get("payment"), amount, code)
    for q in case.requests:
        if (q.table, q.payment, q.amount, q.currency) == said and not q.used and not q.void:
            if person is not None and q.person == person:
                case.say("approver", f"{person} approved what {person} had asked for", r.number)
    for q in case.requests:
        q.used = q.used or (q.table, q.payment) == said[:2]
    case.ahead.append(Ahead(*said, person, r))


def take_request(case: Case, r: Result) -> None:
    """Somebody has asked for one."""
    person = actor_of(case.by_tx[r.tx], r.number)
    if person is None and r.login not in LOGINS:
        case.say(
            "approver", "nobody asked for a refund over a login that acts for others", r.number
        )
    table = case.world.tables[str(r.step.get("table"))]
    amount, code = Decimal(r.step.get("amount")), r.step.get("currency")
    case.requests.append(Ahead(table, r.step.get("payment"), amount, code, person, r))


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
    for a in [*case.ahead, *case.requests]:
        gone = m.table.kind == "payment" and (m.op == "DELETE" or renamed(case, a, m))
        a.void = a.void or gone and of_row(case, a, m)
    rule = case.now("refund", m.table.name)
    if rule is not None and not (gated_row(rule, m.old) or gated_row(rule, m.new)):
        if m.life is not None and m.new is not None and of_type(rule, "chargeback", m.new):
            # like a refund: one that waits has passed no gate
            gated = m.new[rule.get("status")] in rule.get("gated")
            m.life.gone = gated and returns(case, rule, m.new)
        return
    approved(case, tx, m)


def renamed(case: Case, a: Ahead, m: Move) -> bool:
    rule = case.now("refund", a.table.name)
    if rule is None or m.old is None or m.new is None:
        return False
    return any(m.old[c] != m.new[c] for c in columns(rule.get("payment_key")))


def of_row(case: Case, a: Ahead, m: Move) -> bool:
    rule = case.now("refund", a.table.name)
    if rule is None or m.old is None or rule.get("payment") is None:
        return False
    return tuple(str(m.old[c]) for c in columns(rule.get("payment_key"))) == a.payment


def approved(case: Case, tx: Tx, m: Move) -> None:
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
    write(case, tx, m, rules)
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
        life.passed = life.gone = False
        life.approved_content = None
    elif moved and not life.passed:
        life.passed, life.gone = True, True
        if m.new[status] in gates and len(rules) == 1:
            enter(case, tx, m, life, rule)
        life.vague = m.new[status] not in gates
        case.passed_ever[str(ref_of(rule, m.new))] += amount_of(rule, m.new)


def request(tx: Tx, m: Move, life: Life, status: str, voids: Any) -> None:
    """Who has requested it: whoever adds it, or takes it back from a void status."""
    if m.new is None or m.new[status] in voids:
        if m.new is not None:
            life.passed = life.gone = False
            life.approved_content = None
            life.generation += 1
            if m.op == "INSERT":  # who adds a refund has requested it, void or not
                requester(tx, life)
        return
    if m.op == "INSERT" or (m.old is not None and m.old[status] in voids):
        life.generation += 1
        requester(tx, life)


def requester(tx: Tx, life: Life) -> None:
    if len({r.tx for r in tx.results}) != 1 or (
        sum(r.ok and r.step.op == "act_as" for r in tx.results) > 1
    ):
        life.unsure = True
    acts = [r for r in tx.results if r.step.op in ("insert", "update", "merge")]
    life.requesters.add(actor_of(tx.results, max((r.number for r in acts), default=None)))


def write(case: Case, tx: Tx, m: Move, rules: list[Rule]) -> None:
    """Who has changed what approvals are of: by the rules that were in force, or one of them."""
    if m.op != "UPDATE" or m.old is None or m.new is None or m.life is None:
        return
    changed = {k for k, v in own(m.new).items() if own(m.old).get(k) != v}
    mine = [changed - free(m.table, rule) for rule in rules]
    acts = [r for r in tx.results if r.ok and r.step.op not in ("begin", "commit", "act_as")]
    if not any(mine) or not acts:
        return
    first, last = acts[0], acts[-1]
    persons = {actor_of(tx.results, r.number) for r in acts}
    sure = (
        all(names - {"region"} for names in mine)
        and len(case.versions("refund", m.table.name, 0, tx.lsn)) == len(rules) == 1
        and len({r.tx for r in tx.results}) == 1
        and len(persons) == 1
        and not any(r.step.op in ("prepare", "commit_prepared") for r in tx.results)
    )
    for person in persons:
        m.life.writers.append(Writer(person, first.began, last.ended, sure))


def passed_total(case: Case, life: Life, rule: Rule) -> Decimal:
    """What has passed the gate for the same payment, with this one; at least that."""
    total = amount_of(rule, life.row)
    rows = all_rows(case)
    code = code_of(case, rows, rule, life.row)
    for slot, versions in case.rules.items():
        if slot[0] != "refund":
            continue
        other = versions[-1][1]
        if other.get("payment") != rule.get("payment") or (
            rule.get("payment") is None and other.table != rule.table
        ):
            continue
        for x in case.lives[other.table]:
            if x is life or not (x.passed or x.gone):
                continue
            if ref_of(other, x.row) != ref_of(rule, life.row):
                continue
            if rule.get("payment") or code_of(case, rows, other, x.row) == code:
                total += amount_of(other, x.row)
    return total


def needed(case: Case, tx: Tx, life: Life, rule: Rule) -> int:
    """How many approvals a refund needs that enters the gate; the least of what was in force."""
    found = []
    code = code_of(case, all_rows(case), rule, life.row) or ""
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
        if any(w.is_own(a, True) for w in life.writers):
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
    ahead = fitting(case, m, life, rule, began) if need else {}
    lacks = need and len(valid.keys() | ahead.keys()) < need
    if lacks and m.new is not None and m.new[rule.get("status")] in (rule.opt("recorded") or ()):
        # what has happened is stored, and has not passed the gate by it
        case.breaches.append((m.table.name, m.new, "42501"))
        life.passed = False
        return
    if lacks:
        case.say(
            "approvals",
            f"{m.table.name}: {life.row['amount']} of {passed_total(case, life, rule)} passed the"
            f" gate with {len(valid.keys() | ahead.keys())} approvals of {need}",
        )
    for q in case.requests:
        q.used = (
            q.used or need > 0 and q.table is m.table and q.payment == ref_of(rule, m.new or {})
        )
    alone = len({r.tx for r in tx.results}) == 1
    if need and alone and any(r.step.op == "prepare" and r.ok for r in tx.results):
        case.say(
            "approval prepared", f"{m.table.name}: an approval was used in a prepared transaction"
        )
    for a in list(valid.values())[: max(need, 0)]:
        a.used = True
    for person, one in list(ahead.items())[: max(need - len(valid), 0)]:
        one.used = one.used or person not in valid
    if need:
        life.approved_content = bound(m.table, rule, m.new or {})
        for c in m.table.columns:
            if c.role == "region":
                life.approved_content.pop(c.name, None)


def fitting(case: Case, m: Move, life: Life, rule: Rule, began: float) -> dict[str, Ahead]:
    """Approvals of its payment that it may use, of each person; those that leave least over first."""
    assert m.new is not None
    amount, code = amount_of(rule, m.new), code_of(case, all_rows(case), rule, m.new)
    out: dict[str, Ahead] = {}
    for a in sorted(case.ahead, key=lambda a: a.amount):
        if a.used or a.void or a.table is not m.table or a.person is None:
            continue
        if a.payment != ref_of(rule, m.new) or a.amount < amount or a.currency != code:
            continue
        if any(w.is_own(a, True) for w in life.writers):
            continue
        if life.unsure or not (a.person in life.requesters or None in life.requesters):
            out.setdefault(a.person, a)
    return out


def same_but_region(table: Table, rule: Rule, a: Row, b: Row) -> bool:
    return {k: v for k, v in bound(table, rule, a).items() if k != "region"} == {
        k: v for k, v in bound(table, rule, b).items() if k != "region"
    }
