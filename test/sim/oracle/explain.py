"""What was legitimate passes: each refusal is explained by a rule.

For an act that was refused the possible reasons are worked out from what its
session saw, and from what was committed when it ended.  Where more than that can
have counted (other sessions, earlier statements of the transaction), more reasons
count as possible: this asks for one, never for the only one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from oracle import why
from oracle.approvals import free
from oracle.base import Case, Life, actor_of, currency, effective, number, own, sets_of, written
from oracle.money import bad_amount
from oracle.rowlock import must_refuse
from oracle.rules import tightens
from oracle.shapes import amount_of, code_of, name_of, ref_of
from sessions import Result
from world import Row, Rule, Table, holds, person_of

# errors that PostgreSQL's own constraints and types raise, or that the act itself asks for
ORDINARY = set(
    "23505 23503 23502 23514 22003 22P02 22001 25P02 3B001 42704 25001 25P01 428C9 22007 21000"
    " 55006 24000".split()
)
BROKEN = ("XX", "08", "57", "58", "0A", "26", "53")


def judge(case: Case, r: Result) -> None:
    if r.failed_before or r.sqlstate == "25P02" or r.step.op == "kill":
        return
    code = r.sqlstate
    if code.startswith(BROKEN) and not (code == "0A000" and not r.constraint):
        case.say("error", f"{code} {r.message}: {r.step.sql}", r.number)
        return
    if code in ("40001", "40P01"):
        serialization(case, r)
        return
    if code in ORDINARY and not r.constraint.startswith("paysafe_"):
        return
    if case.world.meddling:
        return  # what the statement became, triggers know
    if code not in reasons(case, r):
        case.say(
            "legitimate",
            f"refused without a reason that doc/ has: {code} {r.message}: {r.step.text()}",
            r.number,
        )


def concurrent(case: Case, r: Result) -> bool:
    """Was another session in a transaction while this one was?"""
    mine = case.by_tx[r.tx]
    first, last = mine[0].number, max(
        r.number, mine[-1].number if mine[-1].number <= r.number else r.number
    )
    for n, results in case.by_tx.items():
        if n != r.tx and results[0].number <= last and results[-1].number >= first:
            return True
    return False


def serialization(case: Case, r: Result) -> None:
    if not concurrent(case, r):
        case.say(
            "legitimate",
            f"{r.sqlstate} though nobody else was there: {r.message}: {r.step.sql}",
            r.number,
        )
    elif r.isolation == "read committed" and r.sqlstate == "40001":
        table = case.world.tables.get(str(r.step.get("table")))
        if "moved to another partition" in r.message and not r.constraint:
            return  # PostgreSQL's own: it cannot follow the row
        if not r.waited:
            case.say(
                "legitimate", f"40001 without having waited: {r.message}: {r.step.sql}", r.number
            )
        elif table is not None and table.kind in ("payment", "job"):
            status = table.column("status")
            for row in r.after[table.name]:
                key = tuple(row[k] for k in table.key)
                if key in r.step.get("keys", ()) and status not in sets_of(r, row):
                    case.say(
                        "legitimate",
                        f"40001 for a statement that does not set the status: {r.step.sql}",
                        r.number,
                    )


def reasons(case: Case, r: Result) -> set[str]:
    op = r.step.op
    if op in ("commit", "prepare"):
        return at_commit(case, r)
    if op == "declare":
        return declaring(case, r)
    if op in ("approve", "approve_rule", "withdraw"):
        return approving(case, r)
    if op in ("approve_ahead", "request_ahead", "settle"):
        return why.approving(case, r)
    table = case.world.tables.get(str(r.step.get("table")))
    if table is None:
        return {r.sqlstate} if op in ("propose", "act_as") else set()
    out: set[str] = {"22023"} if r.step.get("transition") else set()
    # who waited met what was there when it was let go, which is gone perhaps
    views = [r.before, r.after, r.between] if r.waited and r.between else [r.before, r.after]
    for view in views:
        for old, new in changes(table, r, view):
            out |= row_reasons(case, r, table, old, new, view)
    return out


def changes(
    table: Table, r: Result, view: dict[str, list[Row]]
) -> list[tuple[Row | None, Row | None]]:
    if r.step.op == "insert":
        return [(None, complete(table, row)) for row in r.step.get("rows")]
    out: list[tuple[Row | None, Row | None]] = []
    keys = r.step.get("keys", ())
    upsert = r.step.get("upsert")
    for row in view[table.name]:
        if tuple(row[k] for k in table.key) not in keys:
            continue
        if r.step.op == "delete":
            out.append((row, None))
            continue
        new = dict(row)
        for c, v in sets_of(r, row).items():
            new[c] = v
        out.append((row, complete(table, new)))
    if upsert is not None:
        out.append((None, complete(table, upsert)))
    return out


def complete(table: Table, row: Row) -> Row:
    out: Row = {}
    for c in table.columns:
        v = row.get(c.name, 1 if c.role == "region" else None)
        if isinstance(v, int):
            v = Decimal(v)
        if isinstance(v, str) and c.type.startswith("char"):
            v = v.rstrip()
        out[c.name] = v
    return out


def has_twin(r: Result, t: Table, old: Row | None, new: Row, view: dict[str, list[Row]]) -> bool:
    """Is there another row of this name, in a tree or of a key that is looked at later?"""
    if t.partition is None and not t.child and not t.deferrable:
        return False
    name = [new[k] for k in t.identity()]
    rows = [x for x in view[t.name] if x is not old]
    if r.step.op == "insert":
        added = [complete(t, x) for x in r.step.get("rows")]
        rows += [x for x in added if x != new]
    return any([x[k] for k in t.identity()] == name for x in rows)


def row_reasons(
    case: Case, r: Result, t: Table, old: Row | None, new: Row | None, view: dict[str, list[Row]]
) -> set[str]:
    out: set[str] = set()
    if new is not None and has_twin(r, t, old, new, view):
        out.add("23505")
    if "shape" in case.world.features:
        out |= why.reasons(case, r, t, old, new, view)
    for (kind, name, _), versions in case.rules.items():
        if name != t.name:
            continue
        for _, rule in versions[-2:]:
            if rule.opt("shape"):
                continue
            if kind == "status":
                out |= status_reasons(case, t, rule, old, new)
                if old is not None and new is not None and touched_in_tx(case, r, t):
                    out |= {"23T05"} if any(old[k] != new[k] for k in t.identity()) else set()
            elif kind == "payment":
                out |= payment_reasons(case, r, t, rule, old, new, view)
            elif kind == "refund":
                out |= refund_reasons(case, r, t, rule, old, new, view)
            elif kind == "columns" and old is not None and new is not None:
                if any(old[c] != new[c] for c in rule.get("columns")):
                    status = t.column("status")
                    once = rule.get("once")
                    if (
                        once is None
                        or {old[status], new[status]} & once
                        or touched(case, r, t, old)
                    ):
                        out.add("23R03")
            elif kind == "append_only" and old is not None:
                out.add("23L01")
            elif kind == "row_lock":
                lock_reasons(case, r, out)
            elif kind == "audit":
                reason = has_reason(case, r)
                if (rule.get("require_reason") or rule.get("require_ticket")) and not reason:
                    out.add("42501")
            elif kind == "ledger":
                out |= entry_reasons(case, rule, old, new, view, r)
            elif kind == "balance":
                out |= account_reasons(case, rule, old, new, view)
    # an entry moves accounts, a payment's key moves refunds by a foreign key
    follow = {"ledger": ("account", "journal"), "payment": ("refund",)}.get(t.kind, ())
    if follow and not has_reason(case, r):
        for (kind, name, _), versions in case.rules.items():
            if kind == "audit" and case.world.tables[name].kind in follow:
                if any(
                    v.get("require_reason") or v.get("require_ticket") for _, v in versions[-2:]
                ):
                    out.add("42501")
    if t.kind == "payment":
        for x in case.world.table("refund"):
            if any("CASCADE" in m for m in x.more):
                out |= {"23R03", "23R07", "23T03", "23T05"} if old is not None else set()
    return out


def has_reason(case: Case, r: Result) -> bool:
    """Has the transaction said why, before this?"""
    earlier = [x for x in case.by_tx[r.tx] if x.number < r.number]
    claims = [x for x in effective(earlier) if x.step.op == "act_as"]
    return bool(claims) and bool(claims[-1].step.get("reason"))


def lives_of(case: Case, t: Table, row: Row) -> list[Life]:
    key = tuple(row[k] for k in t.key)
    return case.by_key(t, key)


def touched(case: Case, r: Result, t: Table, row: Row) -> bool:
    """May the row have a past?  Also one in this very transaction."""
    if any(
        x.moved or x.left_initial or x.was_captured or x.was_once for x in lives_of(case, t, row)
    ):
        return True
    return any(
        x.number < r.number and x.step.get("table") == t.name for x in case.by_tx[r.tx]
    ) or not lives_of(case, t, row)


def status_reasons(case: Case, t: Table, rule: Rule, old: Row | None, new: Row | None) -> set[str]:
    out = set()
    m, c = rule.get("machine"), rule.get("column")
    if new is not None and new[c] not in m.states:
        out |= {"23T04", "22P02", "23T01", "23T02"}
    if old is None and new is not None and new[c] not in m.initial:
        out.add("23T02")
    if old is not None and new is not None:
        if old[c] != new[c] and (old[c], new[c]) not in m.edges:
            out.add("23T01")
        if any(old[k] != new[k] for k in t.identity()):
            lives = lives_of(case, t, old)
            if (
                not lives
                or any(x.moved or x.left_initial for x in lives)
                or old[c] != new[c]
                or old[c] not in m.initial
                or new[c] not in m.initial
            ):
                out.add("23T05")
    if old is not None and new is None and old[c] not in rule.get("deletable"):
        out.add("23T03")
    return out


def payment_reasons(
    case: Case,
    r: Result,
    t: Table,
    rule: Rule,
    old: Row | None,
    new: Row | None,
    view: dict[str, list[Row]],
) -> set[str]:
    out = set()
    status, captured = rule.get("status"), rule.get("captured")
    used = refunded(case, old, view) if old is not None else Decimal(0)
    any_refund = old is not None and any(
        row[f.get("ref")] == old[f.get("payment_key")]
        for f in refund_rules(case)
        for row in view[f.table]
    )
    if new is not None:
        if (
            bad_amount(new["amount"], new["currency"], case.world.minor, True)
            or currency(new["currency"]) is None
        ):
            out.add("23R04")
        if new["captured"] is not None and bad_amount(
            new["captured"], new["currency"], case.world.minor, True
        ):
            out.add("23R04")
        if currency(new["currency"]) not in ("USD", "EUR", "JPY"):
            out.add("23R04")
        if number(new["captured"]) > number(new["amount"]) or (
            new[status] in captured and new["captured"] is None
        ):
            out.add("23R05")
        if old is None and new[status] not in captured and number(new["captured"]) != 0:
            out.add("23R05")
        if old is not None and old["captured"] != new["captured"]:
            falls = number(new["captured"]) < number(old["captured"])
            if falls or new[status] not in captured or old[status] in captured:
                out.add("23R05")
        if old is not None and number(new["captured"]) < used:
            out.add("23R01")
    if (
        old is not None
        and new is not None
        and any(old[k] != new[k] for k in ("amount", "currency", *t.identity()))
    ):
        if touched(case, r, t, old) or {old[status], new[status]} & captured or any_refund:
            out.add("23R03")
        if case.now("status", t.name) is None:
            out.add("23R03")
    if old is not None and new is not None and any_refund:
        names = {"currency", *(f.get("payment_key") for f in refund_rules(case))}
        if any(old[k] != new[k] for k in names):
            out.add("23R03")
    # what passed and went counts under the key that the payment has
    if old is not None and new is not None:
        for f in refund_rules(case):
            name = name_of(f, old)
            if name != name_of(f, new) and case.passed_ever.get(str(name)):
                out.add("23R03")
    if old is not None and new is None and (number(old["captured"]) != 0 or any_refund):
        out.add("23R07")
    return out


def refund_rules(case: Case) -> list[Rule]:
    return [v[-1][1] for (kind, _, _), v in case.rules.items() if kind == "refund"]


def refunded(case: Case, payment: Row, view: dict[str, list[Row]]) -> Decimal:
    total = Decimal(0)
    for f in refund_rules(case):
        for row in view[f.table]:
            if row[f.get("ref")] == payment[f.get("payment_key")] and row[
                f.get("status")
            ] not in f.get("void"):
                total += number(row["amount"])
    return total


def refund_reasons(
    case: Case,
    r: Result,
    t: Table,
    rule: Rule,
    old: Row | None,
    new: Row | None,
    view: dict[str, list[Row]],
) -> set[str]:
    out = set()
    status, void = rule.get("status"), rule.get("void")
    if new is None:
        return {"23R07"} if old is not None and old[status] not in void else set()
    if bad_amount(new["amount"], new["currency"], case.world.minor, False) or currency(
        new["currency"]
    ) not in (
        "USD",
        "EUR",
        "JPY",
    ):
        out.add("23R04")
    payments = [
        p for p in view[rule.get("payment")] if p[rule.get("payment_key")] == new[rule.get("ref")]
    ]
    if len(payments) != 1:
        out.add("23R06")
    for p in payments:
        if written(p["currency"]) != written(new["currency"]):
            out.add("23R02")
    if old is not None:
        if any(old[k] != new[k] for k in (*t.identity(), rule.get("ref"), "amount", "currency")):
            out.add("23R03")
        lives = lives_of(case, t, old)
        approved = (
            [x for x in lives if x.approved_content or x.unsure]
            or not lives
            or touched(case, r, t, old)
        )
        names = [c.name for c in t.columns if c.name not in free(t, rule)]
        if approved and any(old[k] != new[k] and old[k] is not None for k in names):
            out.add("23R03")
    if new[status] not in void:
        # all rows of the statement count, and what it voids does not
        total = number(new["amount"])
        mine = own(old) if old is not None else None
        for f in refund_rules(case):
            for row in counted(case, r, case.world.tables[f.table], view):
                if (
                    own(row) != mine
                    and row[f.get("ref")] == new[rule.get("ref")]
                    and row[f.get("status")] not in f.get("void")
                ):
                    total += number(row["amount"])
        if old is None:
            total += sum((number(x.get("amount")) for x in extra_rows(r, new)), Decimal(0))
        if not payments or total > min(number(p["captured"]) for p in payments):
            out.add("23R01")
    return out | gate_reasons(case, r, t, rule, old, new)


def counted(case: Case, r: Result, t: Table, view: dict[str, list[Row]]) -> list[Row]:
    """The rows that may count: what its own transaction has added, and what others have."""
    if not concurrent(case, r):
        return view[t.name]
    rows = {
        tuple(map(str, own(row).values())): row for v in (r.before, r.after) for row in v[t.name]
    }
    return list(rows.values())


def freed_columns(case: Case, rule: Rule) -> bool:
    """Were other columns free once?  One that has changed since takes another approval."""
    return len({x.get("unapproved") for _, x in case.rules[rule.slot]}) > 1


def extra_rows(r: Result, new: Row) -> list[Row]:
    rows = [complete_amount(x) for x in r.step.get("rows", ())]
    return rows[1:] if len(rows) > 1 else []


def complete_amount(row: Row) -> Row:
    v = row.get("amount")
    return {"amount": Decimal(v) if isinstance(v, int) else v}


def gate_reasons(
    case: Case, r: Result, t: Table, rule: Rule, old: Row | None, new: Row
) -> set[str]:
    """Is it a move into the gate that may lack an approval?"""
    status = rule.get("status")
    if new[status] not in rule.get("gated") or (old is not None and old[status] == new[status]):
        return set()
    lives = lives_of(case, t, old) if old is not None else []
    if (
        lives
        and all(x.passed and not x.unsure and not x.vague for x in lives)
        and len(lives) == 1
        and not touched_in_tx(case, r, t)
        and not freed_columns(case, rule)
    ):
        return set()
    code = code_of(case, r.after, rule, new) or code_of(case, r.before, rule, new) or ""
    over = not any(k == "threshold" and n == t.name and c == code for k, n, c in case.rules)
    for (kind, name, cur), versions in case.rules.items():
        if kind == "threshold" and name == t.name and cur == code:
            total = abs(number(new["amount"])) + sum(
                (abs(number(x.get("amount"))) for x in extra_rows(r, new)), Decimal(0)
            )
            # what its own transaction has added it sees, and nobody else
            seen = total + sum(
                amount_of(f, x)
                for f in refund_rules(case)
                for x in r.before[f.table]
                if ref_of(f, x) == ref_of(rule, new) and (old is None or own(x) != own(old))
            )
            for f in refund_rules(case):
                known = [own(x.row) for x in case.lives[f.table]]
                for x in case.lives[f.table]:
                    if x not in lives and ref_of(f, x.row) == ref_of(rule, new):
                        total += amount_of(f, x.row)
                for row in r.before[f.table]:  # those of its own transaction
                    if own(row) not in known and ref_of(f, row) == ref_of(rule, new):
                        total += amount_of(f, row)
                # what passed and went is counted as well
            total += gone(case, rule, new)
            over = over or any(max(total, seen) > v.get("amount") for _, v in versions[-2:])
    if not over:
        return set()
    need = (
        max(
            v.get("approvers")
            for (kind, name, _), versions in case.rules.items()
            if kind == "threshold" and name == t.name
            for _, v in versions[-2:]
        )
        if any(k == "threshold" and n == t.name for k, n, _ in case.rules)
        else 1
    )
    persons = set()
    for a in case.approvals:
        if (
            a.used
            or a.table is not t
            or a.withdrawn
            or a.person is None
            or not lives
            or a.expires is not None
        ):
            continue
        life = lives[0]
        if a.life is not life or a.generation != life.generation or life.unsure:
            continue
        if a.person in life.requesters or None in life.requesters or touched_in_tx(case, r, t):
            continue
        if any(w.is_own(a, False) for w in life.writers):
            continue
        if (
            len(a.content)
            and all(same(t, rule, row, new) for row in a.content)
            and a.status == old_status(old, status)
        ):
            persons.add(a.person)
    if len(lives) == 1 and not concurrent(case, r) and not touched_in_tx(case, r, t):
        persons |= why.ahead(case, lives[0], rule, t, new)
    if len(persons) >= need and len(lives) == 1 and not concurrent(case, r):
        return set()
    return {"42501"}


def old_status(old: Row | None, status: str) -> Any:
    return None if old is None else old[status]


def same(t: Table, rule: Rule, a: Row, b: Row) -> bool:
    return all(a[k] == b[k] for k in (c.name for c in t.columns) if k not in free(t, rule))


def gone(case: Case, rule: Rule, new: Row) -> Decimal:
    """What passed for this payment and is not there any more, or void."""
    return case.passed_ever.get(str(ref_of(rule, new)), Decimal(0))


def touched_in_tx(case: Case, r: Result, t: Table) -> bool:
    return any(
        x.number < r.number and x.step.get("table") == t.name and x.step.op != "approve"
        for x in case.by_tx[r.tx]
    )


def lock_reasons(case: Case, r: Result, out: set[str]) -> None:
    writers = [
        x
        for x in case.by_tx[r.tx]
        if x.ok
        and x.step.get("table") == r.step.get("table")
        and x.step.get("keys") == r.step.get("keys")
    ]
    if r.step.get("lock") == "absolute" and r.isolation == "read committed":
        if not has_row(case, r):
            out.add("23M04")
    elif must_refuse(r, writers):
        out.add("23M04")


def has_row(case: Case, r: Result) -> bool:
    """Has its transaction locked the row, or written it, and not taken that back?"""
    earlier = effective([x for x in case.by_tx[r.tx] if x.number < r.number])
    if "ON CONFLICT" in r.step.sql:  # locks FOR NO KEY UPDATE itself
        earlier = [x for x in earlier if "FOR NO KEY" not in x.step.sql]
    return any(
        x.step.op in ("lock", "update", "merge")
        and x.step.get("table") == r.step.get("table")
        and x.step.get("keys") == r.step.get("keys")
        and x.tag in ("SELECT 1", "UPDATE 1", "MERGE 1", "INSERT 0 1")
        and not x.step.sql.startswith("WITH ")
        for x in earlier
    )


def entry_reasons(
    case: Case, rule: Rule, old: Row | None, new: Row | None, view: dict[str, list[Row]], r: Result
) -> set[str]:
    out: set[str] = set()
    if old is not None:
        out.add("23L01")
    if new is None:
        return out
    entries = [x.row for x in case.lives[rule.table]]
    tx = new[rule.get("tx")]
    if any(e[rule.get("tx")] == tx for e in [*view[rule.table], *entries]):
        out.add("23L04")
    if not any(x.step.op == "begin" for x in case.by_tx[r.tx]) and unbalanced(rule, r):
        out.add("23L02")
    reverses = rule.get("reverses")
    if reverses:
        (
            out.add("23L05")
            if any(x.get(reverses) is not None for x in r.step.get("rows", ()))
            else None
        )
        if any(e[rule.get("tx")] == tx and e[reverses] is not None for e in view[rule.table]):
            out.add("23L05")
    balance = next((v[-1][1] for (k, _, _), v in case.rules.items() if k == "balance"), None)
    if balance is not None:
        accounts = view[balance.table]
        same_code = [a for a in accounts if a[balance.get("key")] == new["account"]]
        # several are let go at once: one account may have gone before the next of its key came
        came = any(
            r.lsn_before < x.born <= r.lsn_after and x.row[balance.get("key")] == new["account"]
            for x in case.lives[balance.table]
        )
        if len(same_code) != 1 or (r.waited and came):
            out.add("23M03")
        minimum = balance.get("minimum")
        if minimum and any(falls(a, minimum, balance, rule, r) for a in accounts):
            out.add("23M01")
    return out


def unbalanced(rule: Rule, r: Result) -> bool:
    from oracle.books import signed

    sums: dict[Any, Decimal] = {}
    for row in r.step.get("rows", ()):
        where = (row[rule.get("tx")], currency(row["currency"]))
        sums[where] = sums.get(where, Decimal(0)) + signed(rule, {**row, **complete_amount(row)})
    return any(v != 0 for v in sums.values())


def falls(a: Row, minimum: str, balance: Rule, ledger: Rule, r: Result) -> bool:
    """Could the entries of this statement take the account below its minimum?"""
    from oracle.books import signed

    if a[minimum] is None:
        return False
    moved = sum(
        (
            signed(ledger, {**x, **complete_amount(x)})
            for x in r.step.get("rows", ())
            if x["account"] == a[balance.get("key")]
        ),
        Decimal(0),
    )
    return number(a[balance.get("balance")]) + moved < number(a[minimum])


def account_reasons(
    case: Case, rule: Rule, old: Row | None, new: Row | None, view: dict[str, list[Row]]
) -> set[str]:
    out: set[str] = set()
    key, balance, minimum = rule.get("key"), rule.get("balance"), rule.get("minimum")
    if old is None and new is not None:
        if number(new[balance]) != 0:
            out.add("23M02")
        if new[balance] is None and not (minimum and new[minimum] is None):
            out |= {"23M02", "23M03"}
        if any(a[key] == new[key] for a in view[rule.table]):
            out |= {"23505", "23M03"}
        if minimum and new[minimum] is not None and number(new[minimum]) > 0:
            out.add("23M01")
    elif old is not None and new is not None:
        if old[balance] != new[balance] or old[key] != new[key]:
            out.add("23M02")
        if minimum and (old[minimum] is None) != (new[minimum] is None):
            out.add("23M02")
        if minimum and new[minimum] is not None and number(new[minimum]) > number(old[balance]):
            out.add("23M01")
    else:
        assert old is not None
        moved = any(e["account"] == old[key] for e in view[rule.get("ledger")])
        if moved or (minimum and old[minimum] is None):
            out.add("23M02")
    return out


def at_commit(case: Case, r: Result) -> set[str]:
    out: set[str] = set()
    acts = [x for x in case.by_tx[r.tx] if x.ok]
    if any(x.step.get("table") == "entry" for x in acts):
        out |= {"23L02", "23L05"}
    if any(
        x.step.op in ("update", "merge", "insert") and case.now("refund", str(x.step.get("table")))
        for x in acts
    ):
        out.add(
            "42501"
        )  # an approval was used: it may have ended, and is not for PREPARE TRANSACTION
    return out


def approving(case: Case, r: Result) -> set[str]:
    """Approving what one has requested, or what is not there, is refused."""
    if r.step.op == "withdraw":
        return {"42501", "22023"}
    actor = actor_of(case.by_tx[r.tx], r.number, True)
    if r.step.op == "approve_rule":
        return {"42501", "22023", "22004"}
    if not str(r.step.get("reason")).strip():
        return {"22023"}
    table = case.world.tables[str(r.step.get("table"))]
    names = table.identity()
    wanted = dict(zip(table.key, r.step.get("keys")[0]))
    lives = [x for x in case.lives[table.name] if all(x.row[k] == wanted[k] for k in names)]
    rule = case.now("refund", table.name)
    out: set[str] = set()
    if r.step.get("relation") not in (None, table.name, table.place):
        out.add("22023")
    if len(lives) != 1 or concurrent(case, r) or touched_in_tx(case, r, table):
        return {"42501", "22023", "40001"}
    life = lives[0]
    if life.unsure or actor is None or actor in life.requesters or None in life.requesters:
        out.add("42501")
    if any(w.person in (actor, None) for w in life.writers):
        out.add("42501")
    if not life.requesters:  # nothing that waits: who asked for it is not followed
        out.add("42501")
    if r.login in [person_of(p) for p in [*life.requesters, *(w.person for w in life.writers)] if p]:
        out.add("42501")
    if any(a.life is life and a.person == actor for a in case.approvals):
        out |= {"42501", "22023"}
    if rule is not None and (life.row[rule.get("status")] in rule.get("void") or life.passed):
        out |= {"22023", "42501"}
    if rule is not None and not holds(rule, life.row):
        out.add("22023")
    if rule is not None and life.row[rule.get("status")] in rule.get("gated"):
        out |= {"22023", "42501"}
    if r.step.get("expires") is not None:
        out.add("22023")
    return out


def declaring(case: Case, r: Result) -> set[str]:
    rule: Rule = r.step.get("rule")
    old = case.now(
        rule.kind, rule.table, str(rule.get("currency")) if rule.kind == "threshold" else ""
    )
    out = {"23514", "22023"}
    if old is None or not tightens(old, rule):
        out.add("42501")
    return out
