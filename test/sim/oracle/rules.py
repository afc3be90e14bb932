"""Rules that change: what loosens takes a second person (reference.md, Declaring rules)."""

from __future__ import annotations

from oracle import shapes
from oracle.base import Case, actor_of, effective
from sessions import Result
from world import Rule, person_of


def moves(rule: Rule) -> set[tuple[str, str]]:
    """The moves of a machine; staying is always allowed."""
    return {(a, b) for a, b in rule.get("machine").edges if a != b}


def tightens(old: Rule, new: Rule) -> bool:
    """Does the table of reference.md say that this change only tightens?"""
    if old == new:
        return True
    if old.kind != new.kind:
        return False
    if old.kind == "status":
        return bool(
            moves(old) == moves(new)
            and old.get("machine").initial == new.get("machine").initial
            and new.get("deletable") <= old.get("deletable")
        )
    if old.kind == "columns":
        a, b = old.get("once"), new.get("once")
        return bool(
            new.get("columns") >= old.get("columns")
            and ((a is None and b is None) or (a is not None and b is not None and b >= a))
        )
    if old.kind in ("captures", "refund") and old.opt("deletable"):
        return new == old.with_(deletable=False)
    if old.kind == "threshold":
        return bool(
            new.get("amount") <= old.get("amount")
            and new.get("approvers") >= old.get("approvers")
            and new.get("within") >= old.get("within")
            and new.get("valid_for") <= old.get("valid_for")
        )
    if old.kind == "audit":
        return all(
            new.get(flag) or not old.get(flag) for flag in ("require_reason", "require_ticket")
        )
    return False


def take_over(case: Case, declared: list[Result]) -> None:
    for r in declared:
        if r.step.get("proposed") or r in case.taken:
            continue
        case.taken.append(r)
        rule: Rule = r.step.get("rule")
        old = case.now(
            rule.kind, rule.table, str(rule.get("currency")) if rule.kind == "threshold" else ""
        )
        if rule == old:
            continue
        alone = is_depended_on(case, r, rule) and not was_approved(case, r, rule)
        if old is None and thaws(case, rule) and alone:
            case.say(
                "loosening",
                f"one person alone declared {rule.sql()}, which frees payments that were frozen",
                r.number,
            )
        if old is not None and not tightens(old, rule) and alone:
            case.say(
                "loosening",
                f"one person alone declared {rule.sql()} in place of {old.sql()}",
                r.number,
            )
        case.rules[rule.slot].append((r.lsn_before, rule))
        shapes.begin(case)


def is_depended_on(case: Case, declared: Result, rule: Rule) -> bool:
    """Did its table, or the one that it refers to, have a row before?"""
    refund = case.now("refund", rule.table) if rule.kind == "threshold" else rule
    args = dict(refund.args) if refund is not None else {}
    tables = (rule.table, args.get("payment"), args.get("ledger"))
    return any(case.first_row.get(t, 1 << 62) <= declared.lsn_before for t in tables if t)


def thaws(case: Case, rule: Rule) -> bool:
    """The first status rule beside a payment rule lets amounts change in initial statuses; one
    more table of captures lets more be refunded."""
    if rule.kind == "captures":
        return any(slot[0] == "captures" for slot in case.rules if case.rules[slot])
    return rule.kind == "status" and case.now("payment", rule.table) is not None


def was_approved(case: Case, declared: Result, rule: Rule) -> bool:
    """Did another person approve this change, before it was made?"""
    actor = actor_of(case.by_tx[declared.tx])
    for results in case.by_tx.values():
        for r in effective(results):
            if (
                r.step.op == "approve_rule"
                and r.number < declared.number
                and r.step.get("rule") == rule
                and r.tx in case.committed
            ):
                person = actor_of(results)
                if (
                    person is not None
                    and actor is not None
                    and person_of(person) != person_of(actor)
                ):
                    return True
    return False
