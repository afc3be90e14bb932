"""Money of other shapes (reference.md: protect_payment, protect_captures, protect_movements,
protect_refund): what is captured, in which currency, and what returns of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from observe import Tx
from oracle.base import DECIMALS, Case, Life, Move, currency, number
from oracle.status import begin_of
from world import Row, Rule, columns, holds, key_text, named

Rows = dict[str, list[Row]]


def shaped(rule: Rule) -> bool:
    return bool(rule.opt("shape"))


# ---------------------------------------------------------------- what a row says


def amount_of(rule: Rule, row: Row) -> Decimal:
    """What a refund is of, as people say it."""
    v = number(row[rule.get("amount")])
    return abs(v) if rule.opt("amounts") or rule.get("payment") is None else v


def ref_of(rule: Rule, row: Row) -> tuple[str, ...] | None:
    """The payment that it names."""
    got = named(rule.get("ref"), row)
    return None if got is None else tuple(map(str, got))


def name_of(rule: Rule, payment: Row) -> tuple[str, ...] | None:
    got = named(rule.get("payment_key"), payment)
    return None if got is None else tuple(map(str, got))


def of_type(rule: Rule, verb: str, row: Row) -> bool:
    types = rule.opt("types")
    return bool(types) and row[rule.get("type")] in dict(types).get(verb, ())


def gated_row(rule: Rule, row: Row | None) -> bool:
    """Is it a refund that somebody is asked for?"""
    return row is not None and holds(rule, row) and not of_type(rule, "chargeback", row)


def payments_of(rows: Rows, rule: Rule, row: Row) -> list[Row]:
    if rule.get("payment") is None:
        return []
    ref = ref_of(rule, row)
    return [p for p in rows[rule.get("payment")] if ref is not None and name_of(rule, p) == ref]


def follow(rows: Rows, path: tuple[str, ...], row: Row) -> str | None:
    """The currency at the end of a path over foreign keys; from a capture it begins at its payment."""
    tables = {"order_id": "orders", "event_id": "event"}
    for step in path[:-1]:
        if step.startswith("payment_"):
            found = [p for p in rows["payment"] if str(p["id"]) == str(row[step])]
        else:
            found = [x for x in rows[tables[step]] if x["id"] == row[step]]
        if len(found) != 1:
            return None
        row = found[0]
    return currency(row[path[-1]])


def payment_code(case: Case, rows: Rows, payment: Row) -> str | None:
    """The currency of a payment; None where nothing says it."""
    rule = case.now("payment", "payment")
    if rule is not None and shaped(rule):
        if rule.get("constant"):
            return str(rule.get("constant"))
        if rule.get("path"):
            return follow(rows, rule.get("path"), payment)
        return currency(payment[rule.get("currency")])
    if rule is not None:
        return currency(payment["currency"])
    for captures in of_kind(case, "captures"):
        if captures.get("constant"):
            return str(captures.get("constant"))
        if captures.get("path"):
            return follow(rows, captures.get("path")[1:], payment)
    return None


def code_of(case: Case, rows: Rows, rule: Rule, row: Row) -> str | None:
    """The currency of a refund or a capture."""
    if rule.opt("constant"):
        return str(rule.get("constant"))
    if rule.get("currency"):
        return currency(row[rule.get("currency")])
    for p in payments_of(rows, rule, row):
        return payment_code(case, rows, p) or counted_code(case, rows, p)
    return None


def counted_code(case: Case, rows: Rows, p: Row) -> str | None:
    """Where only captures say a currency: theirs."""
    for rule in of_kind(case, "captures"):
        if not rule.opt("currency"):
            continue
        for row in rows[rule.table]:
            if ref_of(rule, row) == name_of(rule, p) and row[rule.get("status")] in rule.get(
                "counted"
            ):
                return currency(row[rule.get("currency")])
    return None


def of_kind(case: Case, kind: str) -> list[Rule]:
    return [v[-1][1] for (k, _, _), v in case.rules.items() if k == kind]


def all_rows(case: Case) -> Rows:
    return {t: case.rows(t) for t in case.lives}


# ---------------------------------------------------------------- sums of a payment


def captured(case: Case, rows: Rows, life: Life | None, p: Row, least: bool = False) -> Decimal:
    """What limits the refunds of a payment; at most, or at least, where rules have changed."""
    total, found = captures_of(case, rows, p)
    if found:
        return total
    versions = [r for _, r in case.rules.get(("payment", "payment", ""), [])]
    if not versions:
        return Decimal(0)
    rule = versions[-1]
    if not holds(rule, p):
        return Decimal(0)
    if rule.get("captured_column") is None:
        inside = [p[rule.get("status")] in r.get("captured") for r in versions]
        return number(p["amount"]) if (all if least else any)(inside) else Decimal(0)
    if rule.opt("changes") == "net" and life is not None:
        return life.gross
    return number(p[rule.get("captured_column")])


def captures_of(case: Case, rows: Rows, p: Row) -> tuple[Decimal, bool]:
    """The sum of captures, and whether there are tables of them."""
    total, found = Decimal(0), False
    for rule in of_kind(case, "captures"):
        found = True
        for row in rows[rule.table]:
            if counts(rule, row) and ref_of(rule, row) == name_of(rule, p):
                total += number(row["amount"])
    for rule in of_kind(case, "refund"):
        if rule.opt("types") and rule.get("payment"):
            found = True
            total += moved(rule, rows[rule.table], name_of(rule, p), "capture")
    return total, found


def counts(rule: Rule, row: Row) -> bool:
    return holds(rule, row) and row[rule.get("status")] in rule.get("counted")


def moved(rule: Rule, rows: list[Row], ref: Any, verb: str) -> Decimal:
    """The sum of movements of one sort that count."""
    return sum(
        (
            number(row["amount"])
            for row in rows
            if ref is not None
            and ref_of(rule, row) == ref
            and of_type(rule, verb, row)
            and row[rule.get("status")] in rule.get("counted")
        ),
        Decimal(0),
    )


def refunded(case: Case, rows: Rows, p: Row, most: bool = False) -> Decimal:
    """What returns of a payment, over all tables; the least, or most, where rules have changed."""
    total = Decimal(0)
    for rule in of_kind(case, "refund"):
        if rule.get("payment") is None:
            continue
        for row in rows[rule.table]:
            if returns(case, rule, row, most) and ref_of(rule, row) == name_of(rule, p):
                total += amount_of(rule, row)
    return total


def returns(case: Case, rule: Rule, row: Row, most: bool = False) -> bool:
    voids = [set(r.get("void")) for _, r in case.rules[rule.slot]]
    void = set.intersection(*voids) if most else set().union(*voids)
    return holds(rule, row) and row[rule.get("status")] not in void


# ---------------------------------------------------------------- each change


def change(case: Case, tx: Tx, m: Move) -> None:
    for kind, judge in (("payment", payment), ("captures", capture), ("refund", refund)):
        versions = case.versions(kind, m.table.name, begin_of(tx), tx.lsn)
        if versions and shaped(versions[0]):
            judge(case, tx, m, versions)
    if m.table.kind == "order":
        lead(case, m)
    if m.table.kind == "payment" and m.op != "INSERT":
        stays(case, m)
        authorized_more(case, tx, m)
    follow_net(case)


def bad(case: Case, v: Any, code: str | None, minor: bool, zero: bool) -> bool:
    if not isinstance(v, Decimal) or not v.is_finite() or v < 0 or (v == 0 and not zero):
        return True
    return not minor and code in DECIMALS and v != round(v, DECIMALS[code or ""])


def limit_of(rule: Rule, row: Row) -> Decimal:
    """The most that may be captured."""
    limit = number(row["amount"])
    if rule.opt("limit") and row[rule.get("limit")] is not None:
        limit = number(row[rule.get("limit")])
    return limit * (100 + (rule.opt("over") or 0)) / 100


def payment(case: Case, tx: Tx, m: Move, rules: list[Rule]) -> None:
    assert m.life is not None
    if rules[0].opt("rows"):
        seen = of_rule(case, rules[0], m)
        if seen is None:
            return
        m = seen
    rule, life, old, new = rules[0], m.life, m.old, m.new
    assert life is not None
    captured_in: set[str] = set().union(*(r.get("captured") for r in rules))
    status, column = rule.get("status"), rule.get("captured_column")
    rows = all_rows(case)
    if new is not None:
        code = payment_code(case, rows, new)
        if bad(case, new["amount"], code, case.world.minor, True):
            case.say("amount", f"a payment has the amount {new['amount']} {code}")
        limit = max(limit_of(r, new) for r in rules)
        facts = rule.opt("recorded") or ()
        if new[status] in facts:
            case.facts.add((m.table.name, key_text(m.table, new)))
        if column and number(new[column]) > limit and grew(old, new, rule):
            if new[status] in facts and (old is None or old[status] != new[status]):
                case.breaches.append((m.table.name, new, "23R05"))
            else:
                case.say("captured", f"captured {new[column]} of {limit}")
    if column:
        captured_moves(case, m, rule, captured_in)
    if m.op == "UPDATE" and old is not None and new is not None:
        if life.seen_outside or life.was_captured:
            faults = [frozen(m, r) for r in rules]
            if all(faults):
                case.say("frozen", f"payment: {faults[0]} in a payment under way")
    machine = any(k[:2] == ("status", "payment") for k in case.rules)
    if m.op == "UPDATE" and old is not None and new is not None and not column and not machine:
        if all(old[status] in r.get("captured") for r in rules) and number(old["amount"]) != 0:
            life.left_captured |= new[status] not in captured_in
    if m.op == "DELETE" and old is not None:
        if life.left_captured:
            case.say("captured", "a payment was deleted that its status had said was captured")
        strictly = all(old[status] in r.get("captured") for r in rules)
        if column and number(old[column]) != 0 or not column and strictly:
            case.say("captured", "a payment was deleted with money captured")
        if rule.opt("changes") == "net" and life.gross != 0:
            case.say("captured", f"a payment was deleted of which {life.gross} had been captured")
    now = new or old or {}
    if now[status] in captured_in:
        life.was_captured = True


def of_rule(case: Case, rule: Rule, m: Move) -> Move | None:
    """The change as a rule for some rows sees it; None where it does not."""
    old, new = (row if holds(rule, row) else None for row in (m.old, m.new))
    if old is None and new is None:
        return None
    if old is not None and new is None and m.new is not None:
        case.say("rows", f"a payment has become something else: {m.new}")
        return None
    return Move(m.change, m.table, "INSERT" if old is None else m.op, old, new, m.life)


def grew(old: Row | None, new: Row, rule: Rule) -> bool:
    """What was captured beyond a limit that has fallen since is no fault of a later change."""
    column = rule.get("captured_column")
    return (
        old is None
        or number(new[column]) > number(old[column])
        or (limit_of(rule, new) < limit_of(rule, old))
    )


def frozen(m: Move, rule: Rule) -> str:
    """What has changed that stays, if anything."""
    assert m.old is not None and m.new is not None
    status = rule.get("status")
    free = rule.opt("adjustable") or frozenset()
    may_rise = m.old[status] in free or m.new[status] in free
    amounts = {"amount", rule.opt("limit")} - {None}
    lead = {rule.opt("path")[0]} if rule.opt("path") else set()
    code = {rule.get("currency")} - {None}
    for c in sorted(amounts | lead | code | set(m.table.identity())):
        if m.old[c] == m.new[c] or m.old[c] is None and c in lead:
            continue
        if c in amounts and may_rise and number(m.new[c]) > number(m.old[c]):
            continue
        return f"{c} went from {m.old[c]} to {m.new[c]}"
    return ""


def captured_moves(case: Case, m: Move, rule: Rule, captured_in: set[str]) -> None:
    """How the captured column moves."""
    assert m.life is not None
    status, column = rule.get("status"), rule.get("captured_column")
    how = rule.opt("changes") or "once"
    new = number(m.new[column]) if m.new is not None else Decimal(0)
    old = number(m.old[column]) if m.old is not None else Decimal(0)
    if m.op == "DELETE":
        return
    assert m.new is not None
    inside = m.new[status] in captured_in
    if m.op == "INSERT":
        m.life.gross = new
        if new != 0 and not inside:
            case.say("captured", f"a payment was added as {m.new[status]} with {new} captured")
        return
    assert m.old is not None
    if new > old:
        m.life.gross += new - old
        if how == "net" and column != "amount":  # it adds to that up to the limit
            m.life.gross = min(m.life.gross, max(limit_of(rule, m.new), new))
        if not inside or how == "once" and m.old[status] == m.new[status]:
            case.say("captured", f"captured rose from {old} to {new} as {m.new[status]}")
    elif new < old:
        if how in ("once", "rising") or how == "any" and not inside:
            case.say("captured", f"captured fell from {old} to {new} as {m.new[status]}")
        if how == "net":
            life = m.life
            case.falls.append((life, life.gross - new, refunded(case, all_rows(case), m.new)))


def follow_net(case: Case) -> None:
    """A refund that is void makes less captured, where the column has fallen for it."""
    rule = case.now("payment", "payment")
    if rule is None or rule.opt("changes") != "net":
        return
    rows = all_rows(case)
    for life in case.lives["payment"]:
        column = number(life.row[rule.get("captured_column")])
        life.gross = min(life.gross, column + refunded(case, rows, life.row, True))


def capture(case: Case, tx: Tx, m: Move, rules: list[Rule]) -> None:
    rule, old, new = rules[-1], m.old, m.new
    if len(rules) > 1:
        return  # what counts is another question then
    was = old is not None and counts(rule, old)
    if new is not None and counts(rule, new):
        begins(case, m, rule, new)
    if was and old is not None and new is not None and counts(rule, new):
        for c in (*m.table.identity(), *columns(rule.get("ref")), "amount", rule.get("currency")):
            if c and old[c] != new[c]:
                case.say("counted stays", f"{m.table.name}: {c} went from {old[c]} to {new[c]}")
    if was and new is None and not rule.get("deletable"):
        case.say("counted stays", f"{m.table.name}: a capture that counts was deleted")


def begins(case: Case, m: Move, rule: Rule, new: Row) -> None:
    rows = all_rows(case)
    code = code_of(case, rows, rule, new)
    if bad(case, new["amount"], code, case.world.minor, False):
        case.say("amount", f"{m.table.name} counts with {new['amount']} {code}")
    if m.old is None or not counts(rule, m.old):
        found = payments_of(rows, rule, new)
        if len(found) != 1:
            case.say("reference", f"{m.table.name}: a capture of {len(found)} payments")


def refund(case: Case, tx: Tx, m: Move, rules: list[Rule]) -> None:
    rule, t = rules[0], m.table.name
    if rule.opt("types") and len(rules) == 1:
        movement(case, m, rule)
    old = m.old if holds(rule, m.old) else None
    new = m.new if holds(rule, m.new) else None
    if old is not None and m.new is not None and new is None:
        case.say("rows", f"{t}: a refund has become something else: {m.new}")
    if new is not None:
        rows = all_rows(case)
        v = new["amount"]
        if isinstance(v, Decimal):
            payout = rule.get("payment") is None and not rule.opt("types")
            v = abs(v) if payout else -v if rule.opt("amounts") else v
        code = code_of(case, rows, rule, new)
        if bad(case, v, code, case.world.minor, False):
            case.say("amount", f"{t} has the amount {new['amount']} {code}")
        if old is None and rule.get("payment") and not payments_of(rows, rule, new):
            case.say("reference", f"{t}: a refund of no payment was added")
    if old is not None and new is not None:
        for c in (*m.table.identity(), *columns(rule.get("ref")), "amount", rule.get("currency")):
            if c and old[c] != new[c]:
                case.say("as requested", f"{t}: {c} of a refund went from {old[c]} to {new[c]}")
    if old is not None and m.op == "DELETE":
        if returns(case, rule, old) and not rule.opt("deletable"):
            case.say("refund stays", f"{t}: a refund was deleted as {old[rule.get('status')]}")


def movement(case: Case, m: Move, rule: Rule) -> None:
    """What counts of a table of movements keeps what it says."""
    old, new, t = m.old, m.new, m.table.name
    column = rule.get("type")
    if old is not None and new is not None and old[column] != new[column]:
        if new[column] in dict(rule.get("types")).get("chargeback", ()):
            case.say("rows", f"{t}: a {old[column]} has become a chargeback")
    sorts = [v for v in ("authorize", "capture", "cancel") if dict(rule.get("types")).get(v)]
    if old is None or not any(of_type(rule, v, old) for v in sorts):
        return
    if old[rule.get("status")] not in rule.get("counted"):
        return
    if new is None:
        case.say("counted stays", f"{t}: a {old[column]} that counts was deleted")
    elif new[rule.get("status")] in rule.get("counted"):
        for c in (*m.table.identity(), *columns(rule.get("ref")), "amount", "currency", column):
            if old[c] != new[c]:
                case.say("counted stays", f"{t}: {c} went from {old[c]} to {new[c]}")


def lead(case: Case, m: Move) -> None:
    """What leads to a currency stays while a payment depends on it."""
    rule = case.now("payment", "payment")
    if rule is None or not rule.opt("path") or m.old is None:
        return
    if m.new is not None and own_same(m):
        return
    depends = [m.old["id"]]
    if m.table.name == "event":
        depends = [o["id"] for o in case.rows("orders") if o["event_id"] == m.old["id"]]
    for p in case.rows("payment"):
        if p["order_id"] in depends:
            case.say(
                "lead", f"{m.table.name}: {m.old} became {m.new}; payments have their currency"
            )


def authorized_more(case: Case, tx: Tx, m: Move) -> None:
    """What limits captures rises, once something is captured, only where a payment rule says so."""
    if m.old is None or m.new is None or case.now("payment", "payment") is not None:
        return
    for slot in [s for s in case.rules if s[0] == "captures"]:
        rules = case.versions("captures", slot[1], begin_of(tx), tx.lsn)
        if len(rules) != 1 or not rules[0].get("limit"):
            continue
        a, b = (number(row[rules[0].get("limit")]) for row in (m.old, m.new))
        total = sum(
            (
                number(row["amount"])
                for row in case.rows(slot[1])
                if counts(rules[0], row) and ref_of(rules[0], row) == name_of(rules[0], m.old)
            ),
            Decimal(0),
        )
        if b > a and total > 0:
            case.say("limit", f"{total} are captured, and what is authorized rose from {a} to {b}")


def own_same(m: Move) -> bool:
    assert m.old is not None and m.new is not None
    return all(currency(m.old[c.name]) == currency(m.new[c.name]) for c in m.table.columns)


def stays(case: Case, m: Move) -> None:
    """A payment with refunds or captures keeps its key, and is not deleted."""
    assert m.old is not None
    rows = all_rows(case)
    for kind in ("captures", "refund"):
        for rule in of_kind(case, kind):
            if not shaped(rule) or rule.get("payment") is None:
                continue
            name = name_of(rule, m.old)
            if m.new is not None and name_of(rule, m.new) == name:
                continue
            for row in rows[rule.table]:
                if ref_of(rule, row) != name or name is None:
                    continue
                moves_money = counts(rule, row) if kind == "captures" else returns(case, rule, row)
                if rule.opt("types") and of_type(rule, "capture", row):
                    moves_money = row[rule.get("status")] in rule.get("counted")
                if moves_money:
                    what = "was deleted" if m.new is None else f"became {name_of(rule, m.new)}"
                    case.say("payment stays", f"payment {name} {what}, and has {row}")


# ---------------------------------------------------------------- each transaction


def commit(case: Case, tx: Tx, changes: list[Move]) -> None:
    rows = all_rows(case)
    for life, fallen, before in case.falls:
        if fallen > max(before, refunded(case, rows, life.row)):
            case.say(
                "net", f"{fallen} are missing of what was captured, refunds account for {before}"
            )
    case.falls.clear()
    facts = {id(m.life): m for m in changes}
    for m in changes:
        if is_fact(case, m, None) and m.new is not None:
            case.facts.add((m.table.name, key_text(m.table, m.new)))
    for life in case.lives.get("payment", ()):
        p = life.row
        total, limit = refunded(case, rows, p), captured(case, rows, life, p)
        if total > limit and total - limit > life.excess:
            over(case, total, limit, [m for m in facts.values() if is_fact(case, m, p)])
        life.excess = max(Decimal(0), total - limit)
        one_currency(case, rows, p)
        authorized(case, rows, life, p, changes)
    groups(case, rows, facts)


def over(case: Case, total: Decimal, limit: Decimal, entered: list[Move]) -> None:
    """More is refunded than was captured: a breach, where somebody else says that it is so."""
    rows = [(m.table.name, m.new) for m in entered if m.new is not None]
    if rows:
        case.some_breach.append((rows, "23R01"))
    else:
        case.say("cap", f"{total} are refunded of {limit} captured")


def begin(case: Case) -> None:
    """A rule has changed: what is there by then is not judged by it."""
    if "shape" not in case.world.features:
        return
    rows = all_rows(case)
    for life in case.lives.get("payment", ()):
        left = refunded(case, rows, life.row) - captured(case, rows, life, life.row)
        life.excess = max(life.excess, left)
        life.counted = max(life.counted, captures_of(case, rows, life.row)[0])
    for rule in of_kind(case, "refund"):
        if rule.opt("types") and rule.get("payment") is None:
            some = rows[rule.table]
            for ref in {ref_of(rule, r) for r in some} - {None}:
                mine = [r for r in some if ref_of(rule, r) == ref and returns(case, rule, r)]
                left = sum((amount_of(rule, r) for r in mine), Decimal(0))
                left -= moved(rule, some, ref, "capture")
                case.excess[ref] = max(case.excess.get(ref, Decimal(0)), left)


def is_fact(case: Case, m: Move, p: Row | None) -> bool:
    """Does this change say what has happened in the world?  Then it is stored whatever it breaks."""
    rule = case.now("refund", m.table.name)
    if rule is None or m.new is None or not holds(rule, m.new):
        return False
    if p is not None and ref_of(rule, m.new) != name_of(rule, p):
        return False
    if of_type(rule, "chargeback", m.new):
        return returns(case, rule, m.new)
    return m.new[rule.get("status")] in (rule.opt("recorded") or ())


def one_currency(case: Case, rows: Rows, p: Row) -> None:
    """Refunds and captures have the payment's currency; where it has none, all have one."""
    codes: set[str | None] = {payment_code(case, rows, p)} - {None}
    for kind in ("captures", "refund"):
        for rule in of_kind(case, kind):
            if rule.get("payment") is None or not rule.opt("currency") or not shaped(rule):
                continue
            for row in rows[rule.table]:
                if ref_of(rule, row) != name_of(rule, p) or name_of(rule, p) is None:
                    continue
                if (
                    kind == "captures"
                    and counts(rule, row)
                    or (kind == "refund" and returns(case, rule, row))
                ):
                    codes.add(currency(row[rule.get("currency")]))
    if len(codes) > 1:
        case.say("currency", f"money of one payment is in {sorted(map(str, codes))}")


def stated(case: Case, p: Row, changes: list[Move]) -> list[tuple[str, Row]]:
    """Captures of a payment that say what has happened, among these changes."""
    out = []
    for m in changes:
        rule = case.now("captures", m.table.name)
        if rule is not None and m.new is not None and counts(rule, m.new):
            if m.new[rule.get("status")] in (rule.opt("recorded") or ()):
                case.facts.add((m.table.name, key_text(m.table, m.new)))
                if ref_of(rule, m.new) == name_of(rule, p):
                    out.append((m.table.name, m.new))
    return out


def authorized(case: Case, rows: Rows, life: Life, p: Row, changes: list[Move]) -> None:
    """Rows of captures are within their limit."""
    total, found = captures_of(case, rows, p)
    stated(case, p, changes)
    if not found:
        return
    rules = of_kind(case, "captures")
    for rule in rules:
        # where another table has none, nothing limits the sum
        if all(r.get("limit") for r in rules):
            limit = number(p[rule.get("limit")]) * (100 + (rule.opt("over") or 0)) / 100
            # what was there when the rule became stricter stays
            if total > limit and total > life.counted and len(case.rules[rule.slot]) == 1:
                facts = stated(case, p, changes)
                if facts:
                    case.some_breach.append((facts, "23R05"))
                else:
                    case.say("limit", f"{total} are captured of {limit}")
    life.counted = total
    for rule in of_kind(case, "refund"):
        if rule.opt("types") and rule.get("payment"):
            within(case, rule, rows[rule.table], name_of(rule, p))


def within(case: Case, rule: Rule, rows: list[Row], ref: Any) -> None:
    """Of one table of movements: captured is at most authorized, less what was cancelled."""
    if not dict(rule.get("types")).get("authorize"):
        return
    may = moved(rule, rows, ref, "authorize") - moved(rule, rows, ref, "cancel")
    got = moved(rule, rows, ref, "capture")
    if got > max(may, Decimal(0)) and got > 0:
        case.say("limit", f"{got} are captured of {may} authorized")


def groups(case: Case, rows: Rows, facts: dict[int, Move]) -> None:
    """Movements without a table of payments: those that name the same one."""
    for rule in of_kind(case, "refund"):
        if not rule.opt("types") or rule.get("payment") is not None:
            continue
        some = rows[rule.table]
        for ref in {ref_of(rule, r) for r in some} - {None}:
            mine = [r for r in some if ref_of(rule, r) == ref]
            total = sum((amount_of(rule, r) for r in mine if returns(case, rule, r)), Decimal(0))
            limit = moved(rule, mine, ref, "capture")
            within(case, rule, mine, ref)
            entered = [
                m
                for m in facts.values()
                if m.table.name == rule.table
                and is_fact(case, m, None)
                and m.new is not None
                and ref_of(rule, m.new) == ref
            ]
            if total > limit and total - limit > case.excess.get(ref, Decimal(0)):
                over(case, total, limit, entered)
            case.excess[ref] = max(Decimal(0), total - limit)
            counted = {
                currency(r["currency"])
                for r in mine
                if returns(case, rule, r)
                or r[rule.get("status")] in rule.get("counted")
                and any(of_type(rule, v, r) for v in ("authorize", "capture", "cancel"))
            }
            if len(counted) > 1:
                case.say("currency", f"money of one payment is in {sorted(map(str, counted))}")
