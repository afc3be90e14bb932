"""What the answers about accounts must be: available balances, trial balances and statements, by
the clock and by posting date; for plays of accounts.py.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg

from commands import Found

if TYPE_CHECKING:
    from accounts import Account, Play


def units(p: Play, v: Any) -> int:
    """An amount of an answer, as the model has it."""
    return int(Decimal(v or 0) * (1 if p.minor else 100))


def ask(p: Play, sql: str) -> list[tuple[Any, ...]] | None:
    """Its rows; nothing if somebody may still count by then, and somebody may."""
    try:
        return p.ask(sql)
    except psycopg.errors.LockNotAvailable as e:
        if p.held is None:
            raise Found("time", f"55P03, and nothing is open: {sql}") from e
        return None
    except psycopg.Error as e:
        raise Found("report", f"{e.sqlstate} {e}: {sql}") from e


def same(what: str, got: Any, want: Any) -> None:
    if got != want:
        raise Found("report", f"{what} is {got}, it should be {want}")


def accounts_of(p: Play) -> list[Account]:
    return [a for c, a in p.books.accounts.items() if c in p.codes()]


def available(p: Play) -> None:
    """What an account has, what is reserved of it, and for it."""
    b = p.books
    for a in accounts_of(p):
        sql = f"SELECT * FROM paysafe.available_balance({p.name(a.code)}, 'account', 'USD')"
        rows = ask(p, sql) or []
        some = [r for r in b.reservations.values() if r.state == "open" and r.to == a.code]
        coming = sum(r.amount - r.posted for r in some)
        out = b.reserved(a.code)
        want = (a.balance, coming, out, a.balance - out)
        same(sql, tuple(units(p, v) for v in rows[0]), want)


def trial_balance(p: Play) -> None:
    """Now, or at a time whose balances are known: debits and credits sum to the same."""
    if len(p.books.accounts) > 20:
        return
    known = dict(p.times)
    at = p.rng.choice([None, *list(known)[-4:]])
    of = p.rng.choice(["entry", "account"])
    when = "" if at is None else f", '{at.isoformat()}'"
    sql = (
        f"SELECT account, debit, credit, balance, settled FROM paysafe.trial_balance('{of}'{when})"
    )
    rows = ask(p, sql)
    if rows is None:
        return
    balances = {a.code: a.balance for a in accounts_of(p)} if at is None else known[at]
    names = {p.name(c).strip("'"): c for c in balances}
    got = {names[str(r[0])]: r for r in rows}
    same(f"debits less credits of {sql}", sum(units(p, r[1]) - units(p, r[2]) for r in rows), 0)
    for code, balance in balances.items():
        row = got.get(code)
        if row is None:
            same(f"{code}, which is not in {sql},", 0, balance)
            continue
        same(f"{code} in {sql}", units(p, row[3]), balance)
        sign = -1 if p.books.accounts[code].credit else 1
        same(
            f"debit less credit of {code} in {sql}",
            units(p, row[1]) - units(p, row[2]),
            sign * balance,
        )
        if at is not None:
            same(f"{code} is settled in {sql}:", row[4], True)


def statement(p: Play) -> None:
    """Lines lead from one balance to the other."""
    known = p.times[-5:]
    if len(known) < 2:
        return
    i = p.rng.randrange(len(known) - 1)
    (start, first), (end, last) = known[i], p.rng.choice(known[i + 1 :])
    code = p.rng.choice([c for c in first if c in last])
    sql = (
        f"SELECT line, amount, balance FROM paysafe.statement({p.name(code)}, '{start.isoformat()}',"
        f" '{end.isoformat()}', 'account', 'USD')"
    )
    rows = ask(p, sql)
    if rows is None:
        return
    lines(p, sql, [(r[0], r[1], r[2]) for r in rows], "moved", first[code], last[code])
    answer = [tuple(r) for r in rows]
    same(f"{sql}, asked once more,", answer, p.answers.setdefault((code, start, end), answer))


def lines(
    p: Play, sql: str, rows: list[tuple[str, Any, Any]], name: str, first: int, last: int
) -> None:
    same(f"first line of {sql}", (rows[0][0], units(p, rows[0][2])), ("opening", first))
    same(f"last line of {sql}", (rows[-1][0], units(p, rows[-1][2])), ("closing", last))
    balance = first
    for line, amount, after in rows[1:-1]:
        balance += units(p, amount)
        same(f"a line of {sql}", (line, units(p, after)), (name, balance))
    same(f"the lines of {sql} come to", balance, last)


# ---------------------------------------------------------------- by posting date


def by_day(p: Play, code: str, until: str) -> int:
    """What an account has by the end of a day, by its posting dates."""
    some = [leg.amount for d, _, leg in p.books.days if leg.code == code and d <= until]
    return -sum(some) if p.books.accounts[code].credit else sum(some)


def a_day(p: Play) -> str:
    return p.rng.choice([*p.some_days(), "2024-01-01", "2024-06-30", "2099-12-31"])


def on_day(p: Play) -> None:
    if not p.dated:
        return
    day = a_day(p)
    final = day <= p.books.closed
    for a in accounts_of(p):
        if a.code in p.loose:
            continue
        sql = f"SELECT * FROM paysafe.balance_on({p.name(a.code)}, '{day}', 'account', 'USD', '{p.zone}')"
        rows = ask(p, sql) or []
        same(sql, [(units(p, r[0]), r[1]) for r in rows], [(by_day(p, a.code, day), final)])


def trial_on_day(p: Play) -> None:
    if not p.dated or p.loose:
        return
    day, of = a_day(p), p.rng.choice(["entry", "account"])
    sql = f"SELECT account, debit, credit, balance, final FROM paysafe.trial_balance_on('{of}', '{day}', '{p.zone}')"
    rows = ask(p, sql) or []
    names = {p.name(a.code).strip("'"): a.code for a in accounts_of(p)}
    got = {names[str(r[0])]: r for r in rows}
    same(f"debits less credits of {sql}", sum(units(p, r[1]) - units(p, r[2]) for r in rows), 0)
    for a in accounts_of(p):
        want = by_day(p, a.code, day)
        row = got.get(a.code)
        same(f"{a.code} in {sql}", 0 if row is None else units(p, row[3]), want)
        if row is not None:
            same(f"{a.code} is final in {sql}:", row[4], day <= p.books.closed)


def statement_on_day(p: Play) -> None:
    codes = [a.code for a in accounts_of(p) if a.code not in p.loose]
    if not p.dated or not codes:
        return
    code, days = p.rng.choice(codes), sorted([a_day(p), a_day(p)])
    sql = (
        f"SELECT line, day::text, transaction, amount, balance FROM paysafe.statement_on({p.name(code)},"
        f" '{days[0]}', '{days[1]}', 'account', 'USD', '{p.zone}')"
    )
    rows = ask(p, sql) or []
    sign = -1 if p.books.accounts[code].credit else 1
    want = [
        (d, tx, leg) for d, tx, leg in p.books.days if leg.code == code and days[0] <= d <= days[1]
    ]
    some_before = [leg.amount for d, _, leg in p.books.days if leg.code == code and d < days[0]]
    before = sign * sum(some_before)
    lines(p, sql, [(r[0], r[3], r[4]) for r in rows], "posted", before, by_day(p, code, days[1]))
    same(
        f"entries of {sql}",
        sorted((r[2], units(p, r[3])) for r in rows[1:-1]),
        sorted((p.tx_text(tx), sign * leg.amount) for _, tx, leg in want),
    )
    same(
        f"order of the days in {sql}", [r[1] for r in rows[1:-1]], sorted(r[1] for r in rows[1:-1])
    )
