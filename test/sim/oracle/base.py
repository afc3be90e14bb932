"""What the oracle's modules share: the history in order, lives of rows, rules in force.

Written from doc/ alone.  A promise is judged on what was committed, in the order in
which it was committed, and on what was answered to each act.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from observe import Change, History, Tx
from sessions import Result
from world import LOGINS, Machine, Row, Rule, Table, World, person_of


@dataclass(frozen=True)
class Finding:
    promise: str
    text: str
    number: int = 0  # of the step, where there is one

    def __str__(self) -> str:
        return f"{self.promise}: {self.text}"


@dataclass
class Approval:
    table: Table
    content: list[Row]  # what the row may have been
    life: Life | None
    generation: int
    person: str | None
    result: Result
    expires: float | None
    status: Any = None  # of the row when it was approved
    used: bool = False
    withdrawn: bool = False


@dataclass
class Ahead:
    """An approval of money of a payment, before a refund's row is there."""

    table: Table
    payment: tuple[str, ...]
    amount: Decimal
    currency: str | None
    person: str | None
    result: Result
    used: bool = False
    void: bool = False  # its payment has gone, or is another one
    withdrawn: bool = False


@dataclass
class Writer:
    """Who has changed what approvals are of, while it was there."""

    person: str | None
    began: float
    ended: float
    sure: bool

    def is_own(self, a: "Approval | Ahead", surely: bool) -> bool:
        """Does the approval not count for it, surely or possibly?  What was approved before the change does."""
        if self.person not in (None, a.person) or surely and not self.sure:
            return False
        if isinstance(a, Ahead):
            return True
        return self.ended <= a.result.began if surely else self.began <= a.result.ended


@dataclass
class Life:
    """A row from its INSERT to its DELETE, under whatever key."""

    table: Table
    row: Row
    born: int
    left_initial: bool = False  # was in a status that is not initial, this change included
    moved: bool = False  # has left the status that it was added in
    seen_outside: bool = False  # before this change
    was_captured: bool = False
    left_captured: bool = False  # by its status alone, which no machine has
    was_once: bool = False
    generation: int = 0  # how often it was requested anew
    requesters: set[str | None] = field(default_factory=set)
    writers: list[Writer] = field(default_factory=list)
    passed: bool = False
    vague: bool = False  # whether it has passed depends on which rule was in force
    approved_content: Row | None = None
    unsure: bool = False  # who did what cannot be told
    gross: Decimal = Decimal(0)  # what was captured in all, where the column is what is left
    excess: Decimal = Decimal(0)  # by which facts exceed what was captured
    counted: Decimal = Decimal(0)  # what its captures came to, when last looked at
    gone: bool = False  # its money is gone, though it has not passed the gate


@dataclass
class Move:
    """A change of one row as a person would say it: a row that changes partition is updated."""

    change: Change
    table: Table
    op: str
    old: Row | None
    new: Row | None
    life: Life | None = None


def sets_of(r: Result, row: Row) -> dict[str, Any]:
    """What a statement sets in a row that is as this one: of a MERGE, the branch that it meets."""
    when = r.step.get("when")
    if when is not None and row[when[0]] != when[1]:
        return dict(r.step.get("otherwise"))
    return dict(r.step.get("sets") or {})


def own(row: Row) -> Row:
    return {k: v for k, v in row.items() if k}


def effective(results: list[Result]) -> list[Result]:
    """Those of a transaction that no rollback to a savepoint has undone."""
    out: list[Result] = []
    marks: list[tuple[str, int]] = []
    for r in results:
        if not r.ok:
            continue
        name = str(r.step.get("name", "a"))
        if r.step.op == "savepoint":
            marks.append((name, len(out)))
        elif r.step.op in ("rollback_to", "release"):
            while marks and marks[-1][0] != name:
                marks.pop()
            if r.step.op == "release":
                del marks[-1:]
            elif marks:
                del out[marks[-1][1] :]
        else:
            out.append(r)
    return out


def actor_of(
    results: list[Result], until: int | None = None, claimed_only: bool = False
) -> str | None:
    """Who acts in a transaction, as a person; None is nobody."""
    person: str | None = None
    claimed = False
    for r in effective([r for r in results if until is None or r.number < until]):
        if r.step.op == "act_as":
            person, claimed = person_of(r.step.get("person")), True
    if claimed or claimed_only:
        return person
    login = results[0].login if results else ""
    return login if login in LOGINS else None


class Case:
    """A history that is being judged."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.world: World = history.world
        self.findings: list[Finding] = []
        self.lives: dict[str, list[Life]] = {t: [] for t in self.world.tables}
        self.by_tx: dict[int, list[Result]] = defaultdict(list)
        for r in history.results:
            self.by_tx[r.tx].append(r)
        # rules in force from a place in the log on
        self.rules: dict[tuple[str, str, str], list[tuple[int, Rule]]] = defaultdict(list)
        for rule in self.world.rules:
            self.rules[rule.slot].append((0, rule))
        self.first_row: dict[str, int] = {}  # where in the log a table got one
        self.approvals: list[Approval] = []
        self.passed_ever: dict[str, Decimal] = defaultdict(Decimal)  # by payment
        self.ahead: list[Ahead] = []  # approvals before there is a row
        self.requests: list[Ahead] = []  # who has asked for one
        self.falls: list[tuple[Life, Decimal, Decimal]] = []  # of net columns, in this transaction
        self.excess: dict[Any, Decimal] = {}  # by names of payments that have no row
        # what was stored and breaks a rule: each of these rows, or one of several
        self.breaches: list[tuple[str, Row, str]] = []
        self.some_breach: list[tuple[list[tuple[str, Row]], str]] = []
        self.facts: set[tuple[str, str]] = set()  # rows that said what has happened, by key
        self.taken: list[Result] = []  # declarations that were taken over
        self.committed: set[int] = {
            n for n, results in self.by_tx.items() if self.has_committed(results)
        }

    def has_committed(self, results: list[Result]) -> bool:
        last = results[-1]
        if last.step.op == "commit":
            return last.ok and last.tag == "COMMIT"
        if last.step.op == "commit_prepared":
            return last.ok
        if any(r.step.op == "begin" and r.ok for r in results):
            return False
        return last.ok

    def say(self, promise: str, text: str, number: int = 0) -> None:
        self.findings.append(Finding(promise, text, number))

    # ------------------------------------------------------------ rules

    def versions(
        self, kind: str, table: str, begin: int, end: int, currency: str = ""
    ) -> list[Rule]:
        """The rules that were in force at some time between two places in the log."""
        all_ = self.rules.get((kind, table, currency), [])
        out = []
        for i, (since, rule) in enumerate(all_):
            until = all_[i + 1][0] if i + 1 < len(all_) else 1 << 62
            if since <= end and until >= begin:
                out.append(rule)
        return out

    def now(self, kind: str, table: str, currency: str = "") -> Rule | None:
        got = self.rules.get((kind, table, currency), [])
        return got[-1][1] if got else None

    def always_initial(self, table: str, status: Any) -> bool:
        """Is it an initial status for every machine that has known it?"""
        machines = [r.get("machine") for _, r in self.rules.get(("status", table, ""), [])]
        known = [m for m in machines if status in m.states]
        return bool(known) and all(status in m.initial for m in known)

    def ever_initial(self, table: str, status: Any) -> bool:
        machines: list[Machine] = [
            r.get("machine") for _, r in self.rules.get(("status", table, ""), [])
        ]
        return any(status in m.initial for m in machines)

    # ------------------------------------------------------------ rows

    def find(self, table: Table, row: Row) -> Life | None:
        """The life of the row that is like this one."""
        same = [x for x in self.lives[table.name] if x.row == row]
        return same[0] if same else None

    def by_key(self, table: Table, key: tuple[Any, ...]) -> list[Life]:
        return [x for x in self.lives[table.name] if tuple(x.row[k] for k in table.key) == key]

    def rows(self, table: str) -> list[Row]:
        return [x.row for x in self.lives[table]]


def moves(tx: Tx) -> list[Move]:
    """The changes of a transaction; a row that goes and comes without a DELETE has moved."""
    deleted = {
        (str(r.step.get("table")), key)
        for r in effective(tx.results)
        if r.step.op == "delete" and r.tag != "DELETE 0"
        for key in r.step.get("keys", ())
    }
    out: list[Move] = []
    for c in tx.changes:
        if c.op == "INSERT" and c.table.partition is not None and c.new is not None:
            gone = next(
                (
                    m
                    for m in reversed(out)
                    if m.op == "DELETE"
                    and m.table is c.table
                    and m.change.relation != c.relation
                    and m.old is not None
                    and (c.table.name, tuple(m.old[k] for k in c.table.key)) not in deleted
                ),
                None,
            )
            if gone is not None:
                out.remove(gone)
                out.append(Move(c, c.table, "UPDATE", gone.old, c.new))
                continue
        out.append(Move(c, c.table, c.op, c.old, c.new))
    return out


def number(v: Any) -> Decimal:
    """An amount; what is none counts as nothing."""
    return v if isinstance(v, Decimal) and v.is_finite() else Decimal(0)


DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0}


def currency(v: Any) -> str | None:
    return None if v is None else str(v).strip().upper()


def written(v: Any) -> str | None:
    """A currency as it is written: so it is compared between payments, captures and refunds."""
    return None if v is None else str(v).strip()


def written_otherwise(*rows: Row) -> bool:
    """Is a currency in one of these not written as usual?"""
    codes = [row["currency"] for row in rows if row.get("currency") is not None]
    return any(written(c) != currency(c) for c in codes)
