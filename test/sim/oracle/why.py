"""What may be refused where money has another shape (reference.md); for explain.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from oracle import explain
from oracle.approvals import free
from oracle.base import DECIMALS, Case, Life, actor_of, currency, number, written_otherwise
from oracle.shapes import (
    Rows,
    amount_of,
    bad,
    captured,
    code_of,
    counted_code,
    counts,
    gated_row,
    limit_of,
    moved,
    name_of,
    of_kind,
    of_type,
    payment_code,
    payments_of,
    ref_of,
    refunded,
    returns,
)
from sessions import Result
from world import LOGINS, Row, Rule, Table, columns, holds

KNOWN = set(DECIMALS)


def reasons(
    case: Case, r: Result, t: Table, old: Row | None, new: Row | None, view: Rows
) -> set[str]:
    out: set[str] = set()
    if t.kind == "order":
        return lead(case, t, old, new, view)
    if t.kind == "payment":
        out |= beside(case, r, t, old, new, view)
    for kind, why in (("payment", payment), ("captures", capture), ("refund", refund)):
        for _, rule in case.rules.get((kind, t.name, ""), [])[-2:]:
            if rule.opt("shape"):
                out |= why(case, r, t, rule, old, new, view)
    # a refund that stands among payments may become one, or would
    for _, rule in case.rules.get(("payment", t.host, ""), [])[-2:] if t.host else []:
        out |= payment(case, r, t, rule, old, new, view)
    return out


def unsure(case: Case, r: Result, t: Table) -> bool:
    """May other things count than those that were seen?"""
    return explain.concurrent(case, r) or touched(case, r) or len(r.step.get("rows", ())) > 1


def touched(case: Case, r: Result) -> bool:
    """Did the transaction write before?"""
    return any(
        x.number < r.number and x.step.get("table") and not x.step.op.startswith("approve")
        for x in case.by_tx[r.tx]
    )


def lead(case: Case, t: Table, old: Row | None, new: Row | None, view: Rows) -> set[str]:
    """What leads to a currency."""
    if old is None:
        return set()
    depends = [old["id"]]
    if t.name == "event":
        depends = [o["id"] for o in view["orders"] if o["event_id"] == old["id"]]
    if not any(p["order_id"] in depends for p in view["payment"]):
        return set()
    return {"23R03", "23R04"} if new is not None else {"23R07"}


def payment(
    case: Case, r: Result, t: Table, rule: Rule, old: Row | None, new: Row | None, view: Rows
) -> set[str]:
    out: set[str] = set()
    was, now = holds(rule, old), holds(rule, new)
    if not was and not now:
        return out
    if not now and new is not None:
        return {"23R03"}
    old = old if was else None
    status, inside, column = rule.get("status"), rule.get("captured"), rule.get("captured_column")
    how = rule.opt("changes") or "once"
    if new is not None:
        path = rule.opt("path")
        code = payment_code(case, view, new)
        unset = path and new[path[0]] is None
        if bad(case, new["amount"], code, case.world.minor, True):
            out.add("23R04")
        if code not in KNOWN and not unset:
            out.add("23R04")
        if rule.opt("limit") and new[rule.get("limit")] is not None:
            if bad(case, new[rule.get("limit")], code, case.world.minor, True):
                out.add("23R04")
        if column:
            out |= column_reasons(case, r, t, rule, old, new, view, code, how)
    if old is not None and new is not None:
        out |= frozen(case, r, t, rule, old, new, inside)
    if old is not None and new is None:
        once = column and number(old[column]) != 0 or not column and old[status] in inside
        if not column and (
            any(x.was_captured for x in explain.lives_of(case, t, old))
            or explain.touched(case, r, t, old)
            or unsure(case, r, t)
        ):
            out.add("23R07")  # it has left the status that said so
        if rule.opt("recorded"):
            out.add("23R07")  # while a breach is open
        if once or how == "net" and explain.touched(case, r, t, old):
            out.add("23R07")
    return out


def column_reasons(
    case: Case,
    r: Result,
    t: Table,
    rule: Rule,
    old: Row | None,
    new: Row,
    view: Rows,
    code: str | None,
    how: str,
) -> set[str]:
    out: set[str] = set()
    status, inside, column = rule.get("status"), rule.get("captured"), rule.get("captured_column")
    if new[column] is not None and bad(case, new[column], code, case.world.minor, True):
        out.add("23R04")
    if number(new[column]) > limit_of(rule, new) or (new[status] in inside and new[column] is None):
        out.add("23R05")
    if old is None:
        return out | ({"23R05"} if new[status] not in inside and number(new[column]) else set())
    before, now = number(old[column]), number(new[column])
    if old[column] == new[column]:
        return out
    if new[status] not in inside or how == "once" and old[status] in inside:
        out.add("23R05")
    used = refunded(case, view, old, True)
    if now < before and how in ("once", "rising"):
        out.add("23R05")
    if now < used and how != "net":
        out.add("23R01")
    if how == "net":
        lives = explain.lives_of(case, t, old)
        gross = lives[0].gross if len(lives) == 1 and not unsure(case, r, t) else None
        if gross is None or now < before and gross - now > used:
            out.add("23R05")
        if gross is None or now > before and gross + now - before > limit_of(rule, new):
            out.add("23R05")
    return out


def frozen(
    case: Case, r: Result, t: Table, rule: Rule, old: Row, new: Row, inside: Any
) -> set[str]:
    """Key, amount and currency of a payment under way."""
    out: set[str] = set()
    status = rule.get("status")
    lead = rule.get("path")[0] if rule.opt("path") else None
    amounts = ["amount", *([rule.get("limit")] if rule.opt("limit") else [])]
    names = [*amounts, *t.identity(), *(c for c in (lead, rule.get("currency")) if c)]
    under_way = explain.touched(case, r, t, old) or {old[status], new[status]} & inside
    for c in names:
        if old[c] == new[c] or c == lead and old[c] is None:
            continue
        rises = c in amounts and number(new[c]) > number(old[c])
        if rises and old[status] in (rule.opt("adjustable") or ()) and old[status] == new[status]:
            continue
        if under_way or case.now("status", t.name) is None:
            out |= {"23R03", "23R05"} if c in amounts else {"23R03"}
    return out


def beside(
    case: Case, r: Result, t: Table, old: Row | None, new: Row | None, view: Rows
) -> set[str]:
    """What refunds and captures of a payment hold in place."""
    if old is None:
        return set()
    out: set[str] = set()
    life = next(iter(explain.lives_of(case, t, old)), None)
    depends = []
    for kind in ("captures", "refund"):
        for rule in of_kind(case, kind):
            if rule.get("payment") is None or not rule.opt("shape"):
                continue
            rows = [x for x in view[rule.table] if ref_of(rule, x) == name_of(rule, old)]
            if rows:
                depends.append(rule)
            if rows and new is None:
                out.add("23R07")
            if new is not None and rows and name_of(rule, old) != name_of(rule, new):
                out.add("23R03")
            if new is not None and kind == "captures" and rule.get("limit"):
                total = sum((number(x["amount"]) for x in rows if counts(rule, x)), Decimal(0))
                a, b = old[rule.get("limit")], new[rule.get("limit")]
                if a != b and (total or touched(case, r) or explain.concurrent(case, r)):
                    out |= {"23R03", "23R05"}
                if a != b and (b is None or number(b) <= 0):
                    out |= {"23R04", "23R05"}
    if not depends:
        return out
    if new is None:
        return out | {"23R07"}
    if payment_code(case, view, old) != payment_code(case, view, new):
        out |= {"23R03"}
    for c in t.columns:
        if c.role in ("currency", "lead") and old[c.name] != new[c.name]:
            out.add("23R03")
    used = refunded(case, view, old, True)
    if used > captured_after(case, view, life, old, new):
        out.add("23R01")
    cascades = any("CASCADE" in m for x in case.world.tables.values() for m in x.more)
    if cascades and any(old[k] != new[k] for k in t.key):
        out |= {"23R03", "23T05"}
    return out


def captured_after(case: Case, view: Rows, life: Life | None, old: Row, new: Row) -> Decimal:
    """What would limit the refunds of a payment after this change."""
    rule = case.now("payment", "payment")
    if rule is not None and rule.opt("changes") == "net":
        return Decimal("Infinity")
    return captured(case, view, life, {**old, **new}, True)


def capture(
    case: Case, r: Result, t: Table, rule: Rule, old: Row | None, new: Row | None, view: Rows
) -> set[str]:
    out: set[str] = set()
    was = old is not None and counts(rule, old)
    now = new is not None and counts(rule, new)
    rows = [x for x in (old, new) if x is not None]
    if now and new is not None:
        code = code_of(case, view, rule, new)
        if bad(case, new["amount"], code, case.world.minor, False) or code not in KNOWN:
            out.add("23R04")
        payments = payments_of(view, rule, new)
        if len(payments) != 1 or touched(case, r):
            out.add("23R06")
        if written_otherwise(new, *(x for some in view.values() for x in some)):
            out.add("23R02")
        for p in payments:
            theirs = payment_code(case, view, p) or counted_code(case, view, p)
            others = codes_of(case, view, p)
            if code != theirs and (theirs is not None or payment_code(case, view, p) is None):
                out.add("23R02") if theirs is not None or others - {code} else None
            if others - {code} or unsure(case, r, t):
                out.add("23R02")
            out |= {"23R05"} if over(case, r, t, rule, p, new, old, view) else set()
    if was and now and old is not None and new is not None:
        names = [*t.identity(), *columns(rule.get("ref")), "amount", rule.get("currency")]
        if any(c and old[c] != new[c] for c in names):
            out.add("23R03")
    if was and new is None and (not rule.get("deletable") or rule.opt("recorded")):
        out.add("23R07")
    if was and new is None and rule.opt("recorded"):
        out.add("23T03")  # while a breach is open
    if was and not now and old is not None:
        for p in payments_of(view, rule, old):
            left = captured(case, view, None, p) - number(old["amount"])
            if refunded(case, view, p, True) > left or unsure(case, r, t):
                out.add("23R01")
        if new is None and touched(case, r):
            out |= {"23R07"}
    if touched(case, r) and rows:
        out |= {"23R03", "23R07"}
    return out


def codes_of(case: Case, view: Rows, p: Row) -> set[str | None]:
    """In which currencies money of a payment is said to be."""
    out: set[str | None] = set()
    for kind in ("captures", "refund"):
        for rule in of_kind(case, kind):
            if rule.get("payment") and rule.opt("currency"):
                for row in view[rule.table]:
                    if ref_of(rule, row) == name_of(rule, p):
                        out.add(currency(row[rule.get("currency")]))
    return out


def over(
    case: Case,
    r: Result,
    t: Table,
    rule: Rule,
    p: Row,
    new: Row,
    old: Row | None,
    view: Rows,
) -> bool:
    if not rule.get("limit") or new[rule.get("status")] in (rule.opt("recorded") or ()):
        return False
    total = captured(case, view, None, p) + number(new["amount"])
    if old is not None and counts(rule, old):
        total -= number(old["amount"])
    return total > number(p[rule.get("limit")]) or unsure(case, r, t)


def refund(
    case: Case, r: Result, t: Table, rule: Rule, old: Row | None, new: Row | None, view: Rows
) -> set[str]:
    out: set[str] = set()
    if rule.opt("types"):
        out |= movement(case, r, t, rule, old, new, view)
    was, now = holds(rule, old), holds(rule, new)
    if was and new is not None and not now:
        out.add("23R03")
    if was and old is not None and new is None:
        if returns_now(rule, old) and not rule.opt("deletable"):
            out.add("23R07")
        if rule.opt("recorded") or rule.opt("types"):
            out |= {"23R07", "23T03"}  # while a breach is open
        if rule.opt("deletable") and touched(case, r):
            out.add("23R07")
        return out
    if not now or new is None:
        return out
    out |= money(case, r, t, rule, old if was else None, new, view)
    if was and old is not None:
        names = [*t.identity(), *columns(rule.get("ref")), "amount", rule.get("currency")]
        if any(c and old[c] != new[c] for c in names):
            out.add("23R03")
        lives = explain.lives_of(case, t, old)
        bound = [c.name for c in t.columns if c.name not in free(t, rule)]
        approved = not lives or any(x.approved_content or x.unsure for x in lives)
        if approved or explain.touched(case, r, t, old):
            if any(old[k] != new[k] and old[k] not in (None, "") for k in bound):
                out.add("23R03")
    if gated_row(rule, new) and new[rule.get("status")] not in (rule.opt("recorded") or ()):
        out |= explain.gate_reasons(case, r, t, rule, old if was else None, new)
    return out


def returns_now(rule: Rule, row: Row) -> bool:
    return row[rule.get("status")] not in rule.get("void")


def money(
    case: Case, r: Result, t: Table, rule: Rule, old: Row | None, new: Row, view: Rows
) -> set[str]:
    """The amount, its payment, what is left."""
    out: set[str] = set()
    v = new["amount"]
    payout = rule.get("payment") is None and not rule.opt("types")
    if isinstance(v, Decimal) and (rule.opt("amounts") or payout and v < 0):
        v = -v if rule.opt("amounts") else abs(v)
    code = code_of(case, view, rule, new)
    if bad(case, v, code, case.world.minor, False):
        out.add("23R04")
    if code not in KNOWN:
        out |= {"23R04", "23R02", "23R06"}
    if written_otherwise(new, *(x for some in view.values() for x in some)):
        out.add("23R02")
    if ref_of(rule, new) is None:
        out.add("23R06")
    if payout:
        return out
    payments = payments_of(view, rule, new)
    if rule.get("payment") and (len(payments) != 1 or touched(case, r)):
        out.add("23R06")
    of = case.now("payment", "payment")
    if of is not None and not all(holds(of, p) for p in payments):
        out |= {"23R01", "23R02", "23R06"}
    if t.host and any(
        currency(p.get("currency")) != currency(new.get("currency")) for p in payments
    ):
        out.add("23R02")  # no column of its own, and yet it says one
    for p in payments:
        theirs = payment_code(case, view, p)
        if theirs != code or unsure(case, r, t) or codes_of(case, view, p) - {code}:
            out.add("23R02")
    if not rule.get("payment"):
        mine = [x for x in view[rule.table] if ref_of(rule, x) == ref_of(rule, new)]
        if any(currency(x["currency"]) != code for x in mine) or unsure(case, r, t):
            out.add("23R02")
    if returns_now(rule, new):
        fact = of_type(rule, "chargeback", new) or (
            new[rule.get("status")] in (rule.opt("recorded") or ())
        )
        if not fact and exceeds(case, r, t, rule, old, new, view, payments):
            out.add("23R01")
    return out


def exceeds(
    case: Case,
    r: Result,
    t: Table,
    rule: Rule,
    old: Row | None,
    new: Row,
    view: Rows,
    payments: list[Row],
) -> bool:
    if unsure(case, r, t):
        return True
    add = amount_of(rule, new)
    if rule.get("payment"):
        for p in payments:
            total = refunded(case, view, p, True) + add
            if old is not None and returns(case, rule, old):
                total -= amount_of(rule, old)
            lives = explain.lives_of(case, case.world.tables["payment"], p)
            life = lives[0] if len(lives) == 1 else None
            if life is None or total > captured(case, view, life, p, True):
                return True
        return not payments
    mine = [x for x in view[rule.table] if ref_of(rule, x) == ref_of(rule, new)]
    total = add + sum((amount_of(rule, x) for x in mine if returns(case, rule, x)), Decimal(0))
    if old is not None and returns(case, rule, old):
        total -= amount_of(rule, old)
    return total > moved(rule, mine, ref_of(rule, new), "capture")


SORTS = ("authorize", "capture", "cancel")


def movement(
    case: Case, r: Result, t: Table, rule: Rule, old: Row | None, new: Row | None, view: Rows
) -> set[str]:
    """Authorizations, captures and cancellations of one table."""
    out: set[str] = set()

    def inside(row: Row | None) -> bool:
        return (
            row is not None
            and any(of_type(rule, v, row) for v in SORTS)
            and row[rule.get("status")] in rule.get("counted")
        )

    column = rule.get("type")
    if old is not None and new is not None and old[column] != new[column]:
        if inside(old) or holds(rule, old) or holds(rule, new) or touched(case, r):
            out.add("23R03")
    if inside(new) and new is not None:
        empty = new["amount"] is None and of_type(rule, "cancel", new)
        code = currency(new["currency"])
        if bad(case, new["amount"], code, case.world.minor, False) and not empty:
            out.add("23R04")
        if code not in KNOWN:
            out.add("23R04")
        if (
            ref_of(rule, new) is None
            or rule.get("payment")
            and (len(payments_of(view, rule, new)) != 1 or touched(case, r))
        ):
            out.add("23R06")
        mine = [x for x in view[t.name] if ref_of(rule, x) == ref_of(rule, new)]
        codes = {currency(x["currency"]) for x in mine}
        codes |= {payment_code(case, view, p) for p in payments_of(view, rule, new)} - {None}
        if codes - {code} or unsure(case, r, t) or written_otherwise(new, *mine):
            out.add("23R02")
    if inside(old) and inside(new) and old is not None and new is not None:
        names = [*t.identity(), *columns(rule.get("ref")), "amount", "currency", column]
        if any(old[c] != new[c] for c in names):
            out.add("23R03")
    if inside(old) and new is None:
        out.add("23R07")
    if inside(old) or inside(new):
        out |= sums(case, r, t, rule, old, new, view)
    if touched(case, r) and (inside(old) or inside(new)):
        out |= {"23R03", "23R07"}
    return out


def sums(
    case: Case, r: Result, t: Table, rule: Rule, old: Row | None, new: Row | None, view: Rows
) -> set[str]:
    """Captured within authorized, refunded within captured, after this change."""
    if unsure(case, r, t):
        return {"23R01", "23R05"}
    out: set[str] = set()
    for ref in {ref_of(rule, x) for x in (old, new) if x is not None} - {None}:
        rows = [x for x in view[t.name] if ref_of(rule, x) == ref and x != old]
        rows += [new] if new is not None and ref_of(rule, new) == ref else []
        got = moved(rule, rows, ref, "capture")
        empty = any(of_type(rule, "cancel", x) and x["amount"] is None for x in rows)
        may = moved(rule, rows, ref, "authorize") - moved(rule, rows, ref, "cancel")
        if dict(rule.get("types")).get("authorize") and (got > may or empty):
            out.add("23R05")
        back = sum((amount_of(rule, x) for x in rows if returns(case, rule, x, True)), Decimal(0))
        if back > got:
            out.add("23R01")
    return out


# ---------------------------------------------------------------- approvals before the row


def ahead(case: Case, life: Life, rule: Rule, t: Table, new: Row) -> set[str]:
    """Who has approved money that this refund may use, for certain."""
    amount = amount_of(rule, new)
    return {
        a.person
        for a in case.ahead
        if a.person is not None
        and not (a.used or a.void or a.withdrawn or life.unsure)
        and a.table is t
        and a.payment == ref_of(rule, new)
        and a.amount >= amount
        and not (a.person in life.requesters or None in life.requesters)
        and not any(w.is_own(a, False) for w in life.writers)
        and a.currency == code_of(case, {n: case.rows(n) for n in case.lives}, rule, new)
    }


def of_group(case: Case, rule: Rule, t: Table, r: Result) -> set[str]:
    """A payment that no table has is what its movements say: so much, in that currency."""
    ref = r.step.get("payment")
    mine = [row for row in r.before[t.name] if ref_of(rule, row) == ref]
    codes = {code_of(case, r.before, rule, row) for row in mine}
    less = Decimal(r.step.get("amount")) > moved(rule, mine, ref, "capture")
    return {"22023"} if less or codes != {r.step.get("currency")} else set()


def approving(case: Case, r: Result) -> set[str]:
    if r.step.op == "settle":
        return {"42501", "22023"}
    actor = actor_of(case.by_tx[r.tx], r.number, True)
    t = case.world.tables[str(r.step.get("table"))]
    rule = case.now("refund", t.name)
    out: set[str] = set()
    if actor is None:
        out.add("42501")
    if rule is None or explain.concurrent(case, r) or touched(case, r):
        return {"42501", "22023"}
    if r.step.op == "request_ahead":
        out.discard("42501") if r.login in LOGINS else None
    if any(a.person == actor and a.table is t for a in case.requests):
        out |= {"42501", "22023"}
    if any(a.person == actor and not a.used and a.table is t for a in case.ahead):
        out |= {"42501", "22023"}
    if rule.get("payment") is None:
        return out | (of_group(case, rule, t, r) if rule.opt("types") else set())
    found = [p for p in r.before["payment"] if name_of(rule, p) == r.step.get("payment")]
    if len(found) != 1:
        return out | {"22023"}
    lives = explain.lives_of(case, case.world.tables["payment"], found[0])
    life = lives[0] if len(lives) == 1 else None
    amount = Decimal(r.step.get("amount"))
    code = payment_code(case, r.before, found[0]) or counted_code(case, r.before, found[0])
    if life is None or amount > captured(case, r.before, life, found[0], True):
        out.add("22023")
    if code != r.step.get("currency"):
        out |= {"22023"}
    return out
