"""Plays of refunds and payouts to which somebody has said no, against a model.

By doc/refunds.md ("No") and doc/reference.md (reject) alone: people request, approve, reject and send refunds of
two tables of the same payments, and payouts; what was rejected comes again: edited, void and taken back, deleted
and added, under another key, in the other table, for less, for more, approved before its row is there, as a fact.
Rejections are taken back by who said them, and by two; so are those of changes of a threshold.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import modelled
from commands import APP, OWNER, Found
from running import Refused, Unsaid

PEOPLE = ("anna", "bert", "carl", "dora", "emil")
CAPTURED = 1000
GATE = ("sent", "paid")
WAITING = ("requested", "wait")
AMOUNTS = (20, 40, 60, 60, 100)


@dataclass
class Row:
    table: str
    key: str  # the payment's, or the payee
    amount: int
    status: str
    began: int  # when this life did
    waits: int  # since when it counts
    requesters: set[str]
    note: int = 0
    fact: bool = False  # it is stored because it has happened


@dataclass
class Approval:
    table: str
    person: str
    key: str
    amount: int
    at: int
    row: int = 0  # 0: before there is a row
    content: tuple[object, ...] = ()


@dataclass
class No:
    number: int
    person: str
    group: str
    key: str
    amount: int
    at: int
    row: tuple[str, int] | None
    own: bool  # said by who has asked for it
    standing: bool = True
    table: str = ""  # where it was said
    proposed: set[str] = field(default_factory=set)  # who would take it back
    agreed: set[str] = field(default_factory=set)


@dataclass
class Books:
    """The model."""

    now: int = 0
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    gone: list[tuple[str, int]] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    noes: list[No] = field(default_factory=list)
    passes: list[tuple[str, str, int]] = field(default_factory=list)
    asked: set[tuple[str, str, str]] = field(default_factory=set)  # group, key, who
    requests: list[tuple[str, str, int, str, int]] = field(default_factory=list)
    breaches: int = 0


class Play(modelled.Play):
    """Refunds that somebody is against."""

    there: Books

    def features(self) -> None:
        super().features()
        self.there = Books()
        self.next = 1
        self.recorded = self.chance(0.3)
        self.machine = self.chance(0.5)
        self.tables = ["refund"]
        if self.chance(0.7):
            self.tables.append("refund_2")
        if self.chance(0.4):
            self.tables.append("payout")
        self.asked_above = {t: self.rng.choice([50, 50, 80]) for t in self.tables}
        self.approvers = {t: self.rng.choice([1, 1, 2]) for t in self.tables}

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            "GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.approve_refund, paysafe.request_refund,"
            " paysafe.reject, paysafe.reject_refund, paysafe.withdraw_rejection, paysafe.propose, paysafe.transition"
            f" TO {APP}, {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {APP}, {OWNER}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        statements = [
            "CREATE TABLE pay (id int PRIMARY KEY, captured numeric NOT NULL, currency text NOT NULL)",
            "SELECT paysafe.protect_payment('pay', NULL, 'captured', currency_column => 'currency')",
            f"INSERT INTO pay SELECT i, {CAPTURED}, 'EUR' FROM generate_series(1, 3) i",
        ]
        for t in self.tables:
            statements += [
                f"CREATE TABLE {t} (id int PRIMARY KEY, key {'text' if t == 'payout' else 'int'}, amount numeric,"
                " status text, note int DEFAULT 0)",
                f"CREATE INDEX ON {t} (key)",
                *([f"SELECT {self.steps(t)}"] if self.machine else []),
                f"SELECT {self.rule(t)}",
                f"SELECT {self.threshold(t, self.asked_above[t])}",
            ]
        statements.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        self.must(";\n".join(statements), True, "", "owner")

    @staticmethod
    def steps(table: str) -> str:
        """Every one: what is refused is refused by the gate."""
        all_of = [*WAITING, *GATE, "void"]
        lines = [f"{a} --> {b}" for a in ("[*]", *all_of) for b in all_of if a != b]
        return f"paysafe.protect_status('{table}', 'status', '{' | '.join(lines)}', '{{void}}')".replace(
            " | ", "\\n"
        ).replace(
            "'[*]", "E'[*]"
        )

    def rule(self, table: str) -> str:
        recorded = ", recorded => '{paid}'" if self.recorded else ""
        rest = f"status_column => 'status', gated => '{{sent,paid}}', void => '{{void}}'{recorded}"
        if table == "payout":
            return f"paysafe.protect_refund('{table}', NULL, 'key', 'amount', currency => 'EUR', {rest})"
        return f"paysafe.protect_refund('{table}', 'pay', 'key', 'amount', {rest}, payment_key => 'id')"

    def threshold(self, table: str, amount: int) -> str:
        return f"paysafe.set_refund_threshold('{table}', 'EUR', {amount}, {self.approvers[table]})"

    # ------------------------------------------------------------ the model

    @staticmethod
    def group(table: str) -> str:
        return "payout" if table == "payout" else "pay"

    def over(self, b: Books, at: tuple[str, int], row: Row) -> list[No]:
        """Who has said no to this one."""
        out = []
        for n in b.noes:
            if not n.standing or (n.group, n.key) != (self.group(row.table), row.key):
                continue
            if n.row == at and row.amount >= n.amount:
                out.append(n)
            elif n.own and (n.row is not None or n.person not in row.requesters):
                continue
            elif row.amount >= n.amount:
                if n.row is not None and row.began < n.at:
                    if row.waits > n.at:
                        raise Unsaid  # it was void then
                    continue  # it was waiting already
                out.append(n)
        return out

    def since(self, b: Books, at: tuple[str, int], row: Row) -> int:
        """Approvals count that were given after this; 0: any."""
        group = self.group(row.table)
        of_it = [
            n for n in b.noes if n.standing and not n.own and (n.group, n.key) == (group, row.key)
        ]
        # its own row is another request once it is added again for less
        return max((n.at for n in of_it if n.row != at or row.amount < n.amount), default=0)

    def needed(self, b: Books, row: Row) -> int:
        group = self.group(row.table)
        passed = sum(a for g, k, a in b.passes if (g, k) == (group, row.key))
        return self.approvers[row.table] if passed + row.amount > self.asked_above[row.table] else 0

    @staticmethod
    def content(row: Row) -> tuple[object, ...]:
        return row.status, row.note, row.amount, row.key

    def usable(
        self, b: Books, at: tuple[str, int], row: Row, since: int, new: bool
    ) -> list[Approval]:
        """By persons who have not requested it; its own first, then what leaves least over."""
        own, ahead = [], []
        for a in b.approvals:
            if a.table != row.table or a.person in row.requesters or a.at < since:
                continue
            if a.row:
                if not new and (a.table, a.row) == at and a.content == self.content(row):
                    own.append(a)
            elif a.key == row.key and a.amount >= row.amount:
                ahead.append(a)
        out: list[Approval] = []
        for a in [*own, *sorted(ahead, key=lambda a: a.amount)]:
            if all(x.person != a.person for x in out):
                out.append(a)
        return out

    def may_pass(self, b: Books, at: tuple[str, int], row: Row, new: bool) -> list[Approval] | None:
        """What it uses up, or None."""
        if self.over(b, at, row):
            return None
        since, needed = self.since(b, at, row), self.needed(b, row)
        if since:
            needed = max(needed, 1)
        use = self.usable(b, at, row, since, new)[:needed]
        return use if len(use) == needed else None

    def full(self, b: Books, row: Row) -> bool:
        if row.table == "payout":
            return False
        there = [r for r in b.rows.values() if r.table != "payout" and r.key == row.key]
        return sum(r.amount for r in there if r.status != "void") + row.amount > CAPTURED

    def enter(self, b: Books, at: tuple[str, int], row: Row, to: str, new: bool) -> None:
        """It comes to the gate."""
        use = self.may_pass(b, at, row, new)
        if use is None:
            if to != "paid" or not self.recorded:
                raise Refused("42501")
            b.breaches += 1
            row.fact = True
        b.approvals = [
            a for a in b.approvals if not any(a is x for x in use or []) and (a.table, a.row) != at
        ]
        b.passes.append((self.group(row.table), row.key, row.amount))
        row.status = to

    def added(self, b: Books, at: tuple[str, int], who: str, row: Row, status: str) -> None:
        if self.full(b, row):
            if status == "paid" and self.recorded:
                raise Unsaid
            raise Refused("23R01", "42501")
        b.now += 1
        row.began = row.waits = b.now
        row.requesters = {who}
        b.asked.add((self.group(row.table), row.key, who))
        if status in GATE:
            self.enter(b, at, row, status, True)
        b.rows[at] = row
        if at in b.gone:
            b.gone.remove(at)

    # ------------------------------------------------------------ acts

    def some_key(self, table: str) -> str:
        return self.rng.choice(["m1", "m2"] if table == "payout" else ["1", "1", "2", "3"])

    def put(self, at: tuple[str, int], key: str, amount: int, status: str, who: str) -> bool:
        row = Row(at[0], key, amount, "requested", 0, 0, set())

        def change(b: Books) -> None:
            row.status = "requested"
            self.added(b, at, who, row, status)

        sql = f"INSERT INTO {at[0]} VALUES ({at[1]}, '{key}', {amount}, '{status}')"
        return self.attempt([sql], change, who)

    def place(self, table: str) -> tuple[str, int]:
        self.next += 1
        return table, self.next

    def request(self) -> tuple[str, int]:
        table = self.rng.choice(self.tables)
        at = self.place(table)
        self.put(
            at,
            self.some_key(table),
            self.rng.choice(AMOUNTS),
            "requested",
            self.rng.choice(PEOPLE[:3]),
        )
        return at

    def add_sent(self) -> None:
        table = self.rng.choice(self.tables)
        self.put(
            self.place(table),
            self.some_key(table),
            self.rng.choice(AMOUNTS),
            self.rng.choice(GATE),
            self.rng.choice(PEOPLE[:3]),
        )

    def waiting(self) -> list[tuple[str, int]]:
        return [at for at, r in self.there.rows.items() if r.status in WAITING]

    def some(self) -> tuple[str, int] | None:
        some = self.waiting()
        return self.rng.choice(some[-4:]) if some else None

    def send(self) -> None:
        at = self.some()
        if at is not None:
            self.send_it(at)

    def sending(self, at: tuple[str, int], to: str) -> str:
        row = self.there.rows[at]
        plain = f"UPDATE {at[0]} SET status = '{to}' WHERE id = {at[1]}"
        return self.rng.choice(
            [
                plain,
                (
                    plain
                    if not self.machine
                    else f"SELECT paysafe.transition('{at[0]}', '{at[1]}', '{row.status}', '{to}')"
                ),
                f"WITH u AS ({plain} RETURNING 1) SELECT count(*) FROM u",
            ]
        )

    def send_it(self, at: tuple[str, int], to: str = "") -> bool:
        to = to or self.rng.choice(["sent", "sent", "paid"])
        return self.attempt(
            [self.sending(at, to)],
            lambda b: self.enter(b, at, b.rows[at], to, False),
            self.rng.choice(PEOPLE[:3]),
        )

    def approve(self) -> None:
        at = self.some()
        if at is not None:
            self.approve_it(at, self.rng.choice(PEOPLE))

    def against(self, person: str, at: tuple[str, int]) -> bool:
        return any(n.standing and n.person == person and n.row == at for n in self.there.noes)

    def approve_it(self, at: tuple[str, int], person: str) -> bool:
        if self.against(person, at):
            return False

        def change(b: Books) -> None:
            row = b.rows[at]
            if any((a.table, a.row, a.person) == (*at, person) for a in b.approvals):
                raise Unsaid
            if person in row.requesters:
                raise Refused("42501")
            b.now += 1
            b.approvals.append(
                Approval(at[0], person, row.key, row.amount, b.now, at[1], self.content(row))
            )

        return self.attempt(
            [f"SELECT paysafe.approve('{at[0]}', '{at[1]}', 'seen')"], change, person
        )

    def ahead(self) -> None:
        """Approved before there is a row; then perhaps the row."""
        table = self.rng.choice(self.tables)
        key, amount = self.some_key(table), self.rng.choice(AMOUNTS)
        for person in self.rng.sample(PEOPLE, self.rng.choice([1, 2])):
            self.approve_ahead(table, key, amount, person)
        if self.chance(0.6):
            who = self.rng.choice(PEOPLE[:3])
            self.put(self.place(table), key, amount - self.rng.choice([0, 0, 1]), "sent", who)

    def approve_ahead(self, table: str, key: str, amount: int, person: str) -> None:
        def change(b: Books) -> None:
            if any(
                (a.table, a.key, a.amount, a.row) == (table, key, amount, 0) and a.person == person
                for a in b.approvals
            ):
                raise Unsaid
            if any(
                r[:3] == (self.group(table), key, amount) and r[3] == person for r in b.requests
            ):
                raise Unsaid
            b.now += 1
            b.approvals.append(Approval(table, person, key, amount, b.now))

        sql = f"SELECT paysafe.approve_refund('{table}', '{key}', {amount}, 'EUR', 'agreed')"
        self.attempt([sql], change, person)

    def ask_ahead(self) -> None:
        """Somebody asks for a refund that has no row yet; somebody says no to it, or he himself."""
        table = self.rng.choice(self.tables)
        key, amount, who = self.some_key(table), self.rng.choice(AMOUNTS), self.rng.choice(PEOPLE)

        def change(b: Books) -> None:
            b.now += 1
            b.requests.append((self.group(table), key, amount, who, b.now))
            b.asked.add((self.group(table), key, who))

        sql = f"SELECT paysafe.request_refund('{table}', '{key}', {amount}, 'EUR', 'broken')"
        if self.attempt([sql], change, who) and self.chance(0.6):
            self.reject_so_much(table, key, amount, self.rng.choice([who, *PEOPLE]))

    # ------------------------------------------------------------ no

    def reject(self) -> None:
        at = self.some()
        if at is not None:
            self.reject_it(at, self.rng.choice(PEOPLE))

    def numbered(self) -> int:
        return int(self.ask("SELECT max(id) FROM paysafe.rejection")[0][0])

    def numbers(self, table: str) -> None:
        """The last one."""
        self.there.noes[-1].number, self.there.noes[-1].table = self.numbered(), table

    def reject_it(self, at: tuple[str, int], person: str) -> bool:
        if self.against(person, at):
            return False

        def change(b: Books) -> None:
            row = b.rows[at]
            if row.status not in WAITING:
                raise Refused("22023")
            b.now += 1
            own = person in row.requesters
            b.noes.append(No(0, person, self.group(at[0]), row.key, row.amount, b.now, at, own))

        sql = f"SELECT paysafe.reject('{at[0]}', '{at[1]}', 'no')"
        if not self.attempt([sql], change, person):
            return False
        self.numbers(at[0])
        return True

    def reject_passed(self) -> None:
        """What has passed is not rejected any more."""
        some = [at for at, r in self.there.rows.items() if r.status in GATE and not r.fact]
        if some:
            self.reject_it(self.rng.choice(some), self.rng.choice(PEOPLE))

    def reject_ahead(self) -> None:
        table = self.rng.choice(self.tables)
        self.reject_so_much(
            table, self.some_key(table), self.rng.choice(AMOUNTS), self.rng.choice(PEOPLE)
        )

    def reject_so_much(self, table: str, key: str, amount: int, person: str) -> bool:
        group = self.group(table)

        def change(b: Books) -> None:
            mine = [r for r in b.requests if (r[0], r[1], r[3]) == (group, key, person)]
            rows = [r for r in b.rows.values() if (self.group(r.table), r.key) == (group, key)]
            own = any(r[2] == amount for r in mine)
            if any(person in r.requesters for r in rows) or mine and not own:
                raise Unsaid  # has asked for something else of it
            b.now += 1
            b.noes.append(No(0, person, group, key, amount, b.now, None, own))

        sql = f"SELECT paysafe.reject_refund('{table}', '{key}', {amount}, 'EUR', 'no')"
        if not self.attempt([sql], change, person):
            return False
        self.numbers(table)
        return True

    def standing(self) -> list[int]:
        return [i for i, n in enumerate(self.there.noes) if n.standing]

    def take_back(self) -> None:
        """By who has said it, at once; by anybody else not."""
        some = self.standing()
        if some:
            i = self.rng.choice(some)
            self.take_it_back(i, self.rng.choice([self.there.noes[i].person] * 2 + list(PEOPLE)))

    def take_it_back(self, i: int, person: str) -> None:
        n = self.there.noes[i]

        def change(b: Books) -> None:
            if person != n.person:
                raise Refused("42501")
            b.now += 1
            b.noes[i].standing = False

        self.attempt(
            [f"SELECT paysafe.withdraw_rejection({n.number}, 'it is right')"], change, person
        )

    def take_back_by_two(self) -> None:
        """Somebody else proposes it, another one approves; neither has ever asked for a refund of it."""
        some = self.standing()
        if not some:
            return
        i = self.rng.choice(some)
        n = self.there.noes[i]
        proposer, approver = self.rng.sample(
            [p for p in (*PEOPLE, "fred", "gina") if p != n.person], 2
        )
        asked = {w for g, k, w in self.there.asked if (g, k) == (n.group, n.key)}
        call = f"paysafe.withdraw_rejection({n.number}, 'it is right')"
        begin = f"BEGIN;\nSELECT paysafe.act_as('{proposer}')"
        proposed = not self.run(f"{begin};\nSELECT paysafe.propose('why');\nSELECT {call};\nCOMMIT")
        if not proposed and proposer not in asked:
            raise Found("legitimate", f"{proposer} may propose to take back what {n.person} said")
        if proposed:
            agree = (
                "SELECT paysafe.approve(approved_as, key, 'yes') FROM (SELECT * FROM paysafe.pending_change WHERE"
                " rule = 'rejection' ORDER BY id DESC LIMIT 1) c"
            )
            if self.chance(0.3):
                self.must(f"{begin};\n{agree};\nCOMMIT", False, "42501")
            if self.chance(0.2):
                self.must(
                    f"BEGIN;\nSELECT paysafe.act_as('gina');\n{agree.replace('approve(', 'reject(')};\nCOMMIT",
                    False,
                    "22023",
                )
            n.proposed.add(proposer)
            good = approver not in asked | n.proposed
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('{approver}');\n{agree};\nCOMMIT", good, "42501"
            )
            if good:
                n.agreed.add(approver)
        good = bool(n.agreed - {proposer} - asked) and proposer not in asked
        if self.must(f"{begin};\nSELECT {call};\nCOMMIT", good, "42501"):
            self.there.now += 1
            n.standing = False

    # ------------------------------------------------------------ what becomes of it

    def edit(self) -> None:
        at = self.some()
        if at is not None:
            self.edit_it(at)

    def edit_it(self, at: tuple[str, int]) -> None:
        def change(b: Books) -> None:
            b.rows[at].note += 1

        # who changes it has requested it, too: it is not asked here whether he may approve
        who = self.rng.choice(sorted(self.there.rows[at].requesters))
        self.attempt([f"UPDATE {at[0]} SET note = note + 1 WHERE id = {at[1]}"], change, who)

    def linger(self) -> None:
        at = self.some()
        if at is None:
            return
        to = "wait" if self.there.rows[at].status == "requested" else "requested"
        self.moved(at, to, self.rng.choice(sorted(self.there.rows[at].requesters)))

    def moved(self, at: tuple[str, int], to: str, who: str) -> bool:
        """Not through the gate."""

        def change(b: Books) -> None:
            row = b.rows[at]
            if "void" in (to, row.status):
                b.approvals = [a for a in b.approvals if (a.table, a.row) != at]
            if row.status == "void":
                if self.full(b, row):
                    raise Refused("23R01")
                b.now += 1
                row.waits = b.now
                row.requesters.add(who)
                b.asked.add((self.group(row.table), row.key, who))
            row.status = to

        return self.attempt([f"UPDATE {at[0]} SET status = '{to}' WHERE id = {at[1]}"], change, who)

    def voided(self) -> None:
        some = [at for at, r in self.there.rows.items() if r.status != "void" and not r.fact]
        if some:
            at = self.rng.choice(some[-5:])
            self.moved(at, "void", self.rng.choice(sorted(self.there.rows[at].requesters)))

    def again(self) -> None:
        some = [at for at, r in self.there.rows.items() if r.status == "void"]
        if some:
            self.moved(self.rng.choice(some), "requested", self.rng.choice(PEOPLE[:3]))

    def remove_it(self, at: tuple[str, int]) -> bool:
        def change(b: Books) -> None:
            if b.rows[at].status != "void":
                raise Refused("23R07", "23T03")
            b.approvals = [a for a in b.approvals if (a.table, a.row) != at]
            b.gone.append(at)
            del b.rows[at]

        return self.attempt([f"DELETE FROM {at[0]} WHERE id = {at[1]}"], change, "anna")

    def remove(self) -> None:
        some = [at for at, r in self.there.rows.items() if not r.fact]
        if some:
            self.remove_it(self.rng.choice(some))

    def return_(self) -> None:
        """A key that was somebody else's."""
        if self.there.gone:
            at = self.rng.choice(self.there.gone)
            self.put(
                at,
                self.some_key(at[0]),
                self.rng.choice(AMOUNTS),
                "requested",
                self.rng.choice(PEOPLE[:3]),
            )

    def story(self) -> None:
        """A refund is approved and rejected; then whatever one could think of."""
        at = self.request()
        row = self.there.rows.get(at)
        if row is None:
            return
        others = [p for p in PEOPLE if p not in row.requesters]
        yes, no = self.rng.sample(others, 2), self.rng.choice([*others * 2, *row.requesters])
        if self.chance(0.6):
            self.approve_all(at, [p for p in yes if p != no])
        if not self.reject_it(at, no):
            return
        if self.chance(0.5):
            self.send_it(at)
        at = self.around(at)
        if at not in self.there.rows or self.there.rows[at].status not in WAITING:
            return
        if self.chance(0.7):
            self.approve_all(at, [p for p in PEOPLE if p != no])
        if self.chance(0.3):
            self.take_it_back(len(self.there.noes) - 1, no)
        if self.there.rows[at].status in WAITING:
            self.send_it(at)

    def approve_all(self, at: tuple[str, int], people: list[str]) -> None:
        for p in people:
            if p not in self.there.rows[at].requesters:
                self.approve_it(at, p)

    def around(self, at: tuple[str, int]) -> tuple[str, int]:
        """Is it another one now?"""
        row, rng = self.there.rows[at], self.rng
        if row.fact:
            return at
        how = rng.choice(
            ["edited", "taken back", "added", "key", "table", "less", "more", "sent", "fact"]
        )
        who = rng.choice(PEOPLE[:3])
        if how == "edited":
            self.edit_it(at)
        elif how in ("taken back", "added"):
            if not self.moved(at, "void", who):
                return at
            if how == "taken back":
                self.moved(at, "requested", who)
            elif self.remove_it(at):
                self.put(at, row.key, row.amount + rng.choice([0, 0, 1, -1]), "requested", who)
        elif how == "fact":
            if self.recorded:
                self.send_it(at, "paid")
        else:
            pay = [t for t in self.tables if self.group(t) == self.group(at[0])]
            new = self.place(rng.choice(pay) if how == "table" else at[0])
            amount = row.amount + {"less": -rng.choice([1, 15]), "more": 5}.get(how, 0)
            self.put(new, row.key, amount, "sent" if how == "sent" else "requested", who)
            return new
        return at

    # ------------------------------------------------------------ two sessions

    def beside(self) -> None:
        """A rejection and the gate at once: one waits for the other."""
        at = self.some()
        if at is None:
            return
        b, row = self.there, self.there.rows[at]
        same = [
            x
            for x in self.waiting()
            if (self.group(x[0]), b.rows[x].key) == (self.group(at[0]), row.key)
        ]
        other = self.rng.choice([at, at, *same])
        person = self.rng.choice([p for p in PEOPLE if p not in row.requesters])
        try:
            if self.may_pass(b, other, b.rows[other], False) is None or self.against(person, at):
                return
        except Unsaid:
            return
        no = f"SELECT paysafe.reject('{at[0]}', '{at[1]}', 'no')"
        yes = f"UPDATE {other[0]} SET status = 'sent' WHERE id = {other[1]}"
        wait = "SET LOCAL lock_timeout = '60ms'"
        end = self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
        if self.chance(0.5):
            self.must(f"BEGIN;\nSELECT paysafe.act_as('{person}');\n{no}", True, "", "b")
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('anna');\n{wait};\n{yes};\nCOMMIT", False, "55P03"
            )
            self.must(end, True, "", "b")
            if end == "COMMIT":
                b.now += 1
                b.noes.append(
                    No(0, person, self.group(at[0]), row.key, row.amount, b.now, at, False)
                )
                self.numbers(at[0])
            self.send_it(other)
            return
        self.must(f"BEGIN;\nSELECT paysafe.act_as('anna');\n{yes}", True, "", "b")
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('{person}');\n{wait};\n{no};\nCOMMIT", False, "55P03"
        )
        self.must(end, True, "", "b")
        if end == "COMMIT":
            self.enter(b, other, b.rows[other], "sent", False)
        self.reject_it(at, person)

    def old_snapshot(self) -> None:
        """Who has looked before the no was said does not pass after it."""
        at = self.some()
        if at is None:
            return
        row = self.there.rows[at]
        person = self.rng.choice([p for p in PEOPLE if p not in row.requesters])
        level = self.rng.choice(["REPEATABLE READ", "SERIALIZABLE"])
        self.must(
            f"BEGIN ISOLATION LEVEL {level};\nSELECT paysafe.act_as('anna');\nSELECT count(*) FROM {at[0]}",
            True,
            "",
            "b",
        )
        if not self.reject_it(at, person):
            self.must("ROLLBACK", True, "", "b")
            return
        self.must(
            f"UPDATE {at[0]} SET status = 'sent' WHERE id = {at[1]};\nCOMMIT",
            False,
            "42501 40001",
            "b",
        )

    # ------------------------------------------------------------ changes

    def change(self) -> None:
        """A threshold that would be higher: two agree, one is against."""
        table = self.rng.choice(self.tables)
        people = self.rng.sample(("hugo", "ines", "jana", "karl"), 4)
        proposer, yes, no, other = people
        own = self.chance(0.3)
        if own:
            no = proposer
        to = self.asked_above[table] + self.rng.choice([1, 2, 5])
        call = self.threshold(table, to)
        last = "(SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) c"

        def by(who: str, sql: str, codes: str = "") -> bool:
            return self.must(
                f"BEGIN;\nSELECT paysafe.act_as('{who}');\n{sql};\nCOMMIT",
                not codes,
                codes,
                "owner",
            )

        propose = "SELECT paysafe.propose('season')"
        agree = f"SELECT paysafe.approve(approved_as, key, 'yes') FROM {last}"
        by(proposer, f"{propose};\nSELECT {call}")
        key = self.ask("SELECT key FROM paysafe.pending_change ORDER BY id DESC LIMIT 1")[0][0]
        said = [(yes, agree), (no, f"SELECT paysafe.reject(approved_as, key, 'no') FROM {last}")]
        self.rng.shuffle(said)
        if said[0][0] == yes and own:
            said.reverse()
        for who, sql in said:
            # once it is approved it does not wait any more: then by its key
            by(
                who,
                sql.replace("approved_as, key", "'paysafe.rule', $k$" + key + "$k$").split(
                    " FROM "
                )[0],
            )
        number = self.numbered()
        if self.chance(0.7):
            by(proposer, f"SELECT {call}", "42501")
        how = self.rng.choice(["taken back", "more", "others", "stays"])
        if how == "taken back":
            by(no, f"SELECT paysafe.withdraw_rejection({number}, 'it is right')")
            by(proposer, f"SELECT {call}")
            self.asked_above[table] = to
            return
        if how == "more":
            more = self.threshold(table, to + 1)
            by(proposer, f"SELECT {more}", "42501")
            by(proposer, f"{propose};\nSELECT {more}")
            by(yes, agree)
            by(proposer, f"SELECT {more}")
            self.asked_above[table] = to + 1
        elif how == "others":
            if by(other, f"SELECT {call}", "" if own else "42501"):
                self.asked_above[table] = to
        by(no, f"SELECT paysafe.withdraw_rejection({number}, 'it is over')")

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = sorted(
            row
            for t in self.tables
            for row in self.ask(f"SELECT '{t}', id, key::text, amount, status, note FROM {t}")
        )
        want = sorted(
            (t, i, r.key, r.amount, r.status, r.note) for (t, i), r in self.there.rows.items()
        )
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def evidence(self) -> None:
        b = self.there
        tables = f"relation IN (SELECT oid FROM pg_class WHERE relnamespace = '{self.schema}'::regnamespace)"
        got = self.ask(
            f"SELECT id, rejected_by, payment, amount::int, state = 'standing' FROM paysafe.rejection WHERE {tables}"
            " ORDER BY id"
        )
        want = sorted((n.number, n.person, n.key, n.amount, n.standing) for n in b.noes)
        if got != want:
            raise Found("noes", f"{got} are on record, it should be {want}")
        pending = {
            (t, int(k)): bool(no)
            for t, k, no in self.ask(
                f"SELECT relation::regclass::text, key, rejected_by IS NOT NULL FROM paysafe.pending_approval WHERE {tables} AND"
                " key IS NOT NULL"
            )
        }
        for at, row in b.rows.items():
            try:
                no = bool(self.over(b, at, row))
                waits = row.status in WAITING and self.may_pass(b, at, row, False) is None
            except Unsaid:
                continue
            if row.fact or no and self.needed(b, row) == 0:
                continue
            if (at in pending) != waits or waits and pending[at] != no:
                raise Found("pending", f"{pending} wait; {at}: {waits}, rejected: {no}")
        breaches = self.ask(
            f"SELECT count(*) FROM paysafe.breach WHERE {tables} AND sqlstate = '42501'"
        )[0][0]
        if breaches != b.breaches:
            raise Found("breaches", f"{breaches} are on record, it should be {b.breaches}")
        bad = self.ask(
            "SELECT check_name, subject, detail FROM paysafe.check() WHERE NOT ok AND check_name NOT IN ('breaches',"
            f" 'statuses') AND subject LIKE '{self.schema}.%'"
        )
        if bad:
            raise Found("check", f"check() says {bad}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "request": 4,
    "add_sent": 2,
    "send": 4,
    "approve": 3,
    "ahead": 2,
    "ask_ahead": 2,
    "reject": 4,
    "reject_passed": 1,
    "reject_ahead": 2,
    "take_back": 3,
    "take_back_by_two": 2,
    "edit": 1,
    "linger": 1,
    "voided": 1.5,
    "again": 1.5,
    "remove": 1,
    "return_": 1.5,
    "story": 8,
    "beside": 2,
    "old_snapshot": 1,
    "change": 1.5,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of rejections?"""
    return random.Random(f"rejected or not {seed}").random() < 0.025
