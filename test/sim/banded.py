"""Plays of thresholds with bands, approver groups and levels, against a model.

By doc/reference.md (set_refund_threshold) and doc/people.md alone: refunds of payments whose sum grows from one band
into the next, written by people who are claimed or proven, changed and taken back by others; approvals of people
who come into a group and leave it, before and after they approve; bands that come, ask for more, and for less, which
takes two.  A model says who may approve what, which approvals count at the gate, and how many it takes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import registry
from commands import APP, OWNER, Found
from running import Unsaid

PEOPLE = ("Ann", "Bob", "Cy", "Di", "Ed")
GROUPS = ("finance", "heads")
LEVELS = ("claimed", "session", "proven")
FUNCTIONS = (
    "act_as, paysafe.act_as_token, paysafe.approve, paysafe.propose, paysafe.set_refund_threshold, paysafe.add_person,"
    " paysafe.add_to_group, paysafe.remove_from_group, paysafe.set_token_issuer, paysafe.set_token_key"
)


@dataclass(frozen=True)
class Band:
    name: str
    above: int
    approvers: int
    level: str  # of who approves; "": any
    writers: str  # of who writes it
    group: str


@dataclass
class Row:
    pay: int
    amount: int
    currency: str
    requesters: set[str]
    writers: set[str]
    known: int  # the worst level of who has written it
    status: str = "requested"
    note: int = 0


@dataclass
class Approval:
    row: int
    person: str
    level: int
    at: int
    content: tuple[str, int]


@dataclass
class Model:
    now: int = 0
    bands: dict[str, Band] = field(default_factory=dict)
    groups: dict[str, dict[str, int]] = field(default_factory=dict)  # who is in it, since when
    rows: dict[int, Row] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)
    passed: dict[int, int] = field(default_factory=dict)  # of a payment


class Play(registry.Play):
    """Who may approve so much."""

    column = ""  # one more of refunds
    said = ""  # one more argument of protect_refund

    def features(self) -> None:
        super().features()
        self.tokens = True
        self.m = Model(groups={g: {} for g in GROUPS})
        self.m.bands[""] = replace(self.band(""), above=50)
        for name in ("large", "huge"):
            if self.chance(0.6):
                self.m.bands[name] = self.band(name)
        self.dollars = self.chance(0.4)  # a currency without a threshold

    def band(self, name: str) -> Band:
        rng = self.rng
        return Band(
            name,
            rng.choice([30, 120, 120, 250]),
            rng.choice([1, 1, 2, 3]),
            rng.choice(["", "", "proven"]),
            rng.choice(["", "", "", "session", "proven"]),
            rng.choice(["", *GROUPS, *GROUPS]),
        )

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO PUBLIC;\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.{FUNCTIONS} TO {APP}, {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {APP}, {OWNER}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        self.must(
            "CREATE TABLE pay (id int PRIMARY KEY, captured numeric NOT NULL, currency text NOT NULL);\n"
            "INSERT INTO pay VALUES (1, 1000, 'EUR'), (2, 1000, 'EUR'), (3, 1000, 'USD');\n"
            "SELECT paysafe.protect_payment('pay', NULL, 'captured', currency_column => 'currency');\n"
            "CREATE TABLE refund (id int PRIMARY KEY, pay_id int, amount numeric, status text, note int DEFAULT"
            f" 0{self.column});\n"
            "CREATE INDEX ON refund (pay_id);\n"
            "SELECT paysafe.protect_refund('refund', 'pay', 'pay_id', 'amount', status_column => 'status', gated =>"
            f" '{{sent}}', void => '{{void}}', payment_key => 'id'{self.said});\n"
            "GRANT ALL ON pay, refund TO PUBLIC",
            True,
            "",
            "owner",
        )
        sql = "SELECT paysafe.bootstrap_people('Ann', '{name:user:0}', 'Bob', '{name:user:1}', 'first two')"
        self.must(sql, True, "", "super")
        self.by_ann_and_bob(
            f"paysafe.set_token_issuer('{registry.ISSUER}', '{{payments}}', 'our login')"
        )
        self.new_signer()
        for i, name in enumerate(PEOPLE[2:], 2):
            self.by_ann_and_bob(f"paysafe.add_person('{name}', 'new', '{{name:user:{i}}}')")
        for b in self.m.bands.values():
            self.must(f"SELECT {self.declared(b)}", True, "", "owner")
        for g in GROUPS:
            for name in self.rng.sample(PEOPLE, self.rng.choice([1, 1, 2])):
                self.come(g, name)

    def declared(self, b: Band, away: bool = False) -> str:
        more = [f"approver_identity => '{b.level}'"] if b.level else []
        more += [f"requester_identity => '{b.writers}'"] if b.writers else []
        more += [f"approver_group => '{b.group}'"] if b.group else []
        more += [f"band => '{b.name}'"] if b.name else []
        amount = "NULL" if away else str(b.above)
        arguments = ", ".join(["'refund'", "'EUR'", amount, str(b.approvers), *more])
        return f"paysafe.set_refund_threshold({arguments})"

    # ------------------------------------------------------------ the model

    def above(self, row: Row) -> list[Band]:
        """The bands that it is above."""
        if row.currency != "EUR":
            return [replace(b, approvers=1) for b in self.m.bands.values()]
        total = self.m.passed.get(row.pay, 0) + row.amount
        return [b for b in self.m.bands.values() if total > b.above]

    def known_enough(self, row: Row, bands: list[Band]) -> bool:
        return all(not b.writers or row.known >= LEVELS.index(b.writers) for b in bands)

    def may_sign(self, row: Row, bands: list[Band], person: str, level: int, since: int) -> bool:
        """May he approve it, or has he?"""
        if person in row.requesters:
            return False
        if person in row.writers:
            if any(b.writers for b in bands):
                return False
            raise Unsaid  # who has only changed it
        for b in bands:
            joined = self.m.groups[b.group].get(person) if b.group else 0
            if joined is None or joined > since or b.level and level < LEVELS.index(b.level):
                return False
        return True

    def good(self, i: int) -> set[str]:
        """Whose approvals count."""
        row = self.m.rows[i]
        bands = self.above(row)
        return {
            a.person
            for a in self.m.approvals
            if a.row == i
            and a.content == (row.status, row.note)
            and self.may_sign(row, bands, a.person, a.level, a.at)
        }

    def passes(self, i: int) -> bool:
        row = self.m.rows[i]
        bands = self.above(row)
        if not self.known_enough(row, bands):
            return False
        return len(self.good(i)) >= max((b.approvers for b in bands), default=0)

    # ------------------------------------------------------------ who acts

    def by(self, person: str, level: int, sql: str, codes: str = "", who: str = "a") -> bool:
        """By one of his names, claimed or proven."""
        name = self.rng.choice([person, f"user:{PEOPLE.index(person)}"])
        call = f"act_as_token('{self.token(name)}')" if level == 2 else f"act_as('{name}')"
        return self.must(f"BEGIN;\nSELECT paysafe.{call};\n{sql};\nCOMMIT", not codes, codes, who)

    def level(self) -> int:
        return self.rng.choice([0, 2, 2])

    def agreed_by_two(self, call: str) -> None:
        """Proposed by one, approved by another one who is known as well as can be."""
        one, other = self.rng.sample(PEOPLE, 2)
        self.by(one, 2, f"SELECT paysafe.propose('why');\nSELECT {call}", "", "owner")
        agree = (
            "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$"
        )
        self.by(other, 2, agree)
        self.by(one, 2, f"SELECT {call}", "", "owner")

    # ------------------------------------------------------------ acts

    def request(self) -> None:
        rng = self.rng
        i, self.next = self.next, self.next + 1
        pay = rng.choice([1, 1, 2, 3] if self.dollars else [1, 1, 2])
        row = Row(pay, rng.choice([25, 40, 60, 100]), "USD" if pay == 3 else "EUR", set(), set(), 2)
        person, row.known = rng.choice(PEOPLE), self.level()
        row.requesters, row.writers = {person}, {person}
        there = sum(r.amount for r in self.m.rows.values() if r.pay == pay and r.status != "void")
        full = there + row.amount > 1000
        sql = f"INSERT INTO refund VALUES ({i}, {pay}, {row.amount}, 'requested')"
        if self.by(person, row.known, sql, "23R01" if full else ""):
            self.m.rows[i] = row

    def waiting(self) -> list[int]:
        return [i for i, r in self.m.rows.items() if r.status == "requested"]

    def some(self) -> int | None:
        some = self.waiting()
        return self.rng.choice(some[-4:]) if some else None

    def approve(self) -> None:
        i = self.some()
        if i is not None:
            self.approve_by(i, self.rng.choice(PEOPLE), self.level())

    def approve_by(self, i: int, person: str, level: int) -> bool:
        row = self.m.rows[i]
        bands = self.above(row)
        try:
            if not bands or person in self.good(i):
                return False
            good = self.known_enough(row, bands) and self.may_sign(
                row, bands, person, level, self.m.now
            )
        except Unsaid:
            return False
        if not self.by(
            person,
            level,
            f"SELECT paysafe.approve('refund', '{i}', 'seen')",
            "" if good else "42501",
        ):
            return False
        self.m.now += 1
        self.m.approvals.append(Approval(i, person, level, self.m.now, (row.status, row.note)))
        return True

    def send(self) -> None:
        i = self.some()
        if i is not None:
            self.send_it(i)

    def send_it(self, i: int) -> None:
        row = self.m.rows[i]
        if row.status == "sent":
            return
        try:
            good = self.passes(i)
        except Unsaid:
            return
        sql = f"UPDATE refund SET status = 'sent' WHERE id = {i}"
        # who moves it writes nothing that approvals are of
        if self.by(self.rng.choice(PEOPLE), self.level(), sql, "" if good else "42501"):
            row.status = "sent"
            self.m.passed[row.pay] = self.m.passed.get(row.pay, 0) + row.amount
            self.m.approvals = [a for a in self.m.approvals if a.row != i]

    def wrote(self, i: int, person: str, level: int) -> None:
        row = self.m.rows[i]
        row.writers.add(person)
        row.known = min(row.known, level)

    def edit(self) -> None:
        i = self.some()
        if i is not None:
            self.edit_it(i)

    def edit_it(self, i: int) -> None:
        person, level = self.rng.choice(PEOPLE), self.level()
        if self.by(person, level, f"UPDATE refund SET note = note + 1 WHERE id = {i}"):
            self.m.rows[i].note += 1
            self.wrote(i, person, level)

    def again(self) -> None:
        """Void, and taken back by somebody."""
        i = self.some()
        if i is None:
            return
        self.by(
            self.rng.choice(PEOPLE),
            self.level(),
            f"UPDATE refund SET status = 'void' WHERE id = {i}",
        )
        self.m.approvals = [a for a in self.m.approvals if a.row != i]
        person, level = self.rng.choice(PEOPLE), self.level()
        self.by(person, level, f"UPDATE refund SET status = 'requested' WHERE id = {i}")
        self.wrote(i, person, level)
        self.m.rows[i].requesters.add(person)

    def refund(self) -> None:
        """All of it, as it should be; or something comes between."""
        before = len(self.m.rows)
        self.request()
        if len(self.m.rows) == before:
            return
        i = max(self.m.rows)
        for person in self.rng.sample(PEOPLE, 5):
            self.approve_by(i, person, 2 if self.chance(0.8) else 0)
        if self.chance(0.5):
            self.rng.choice(
                [self.group, self.group, self.leave_and_return, self.tighten, self.send, self.edit]
            )()
        self.send_it(i)

    # ------------------------------------------------------------ groups

    def come(self, group: str, person: str) -> None:
        """It takes two."""
        self.m.now += 1  # nobody approves what he has once proposed: another reason, another change
        self.agreed_by_two(f"paysafe.add_to_group('{person}', '{group}', 'agreed {self.m.now}')")
        self.m.groups[group][person] = self.m.now

    def go(self, group: str, person: str) -> None:
        """It takes one, the last member too: nobody approves then."""
        self.by(
            self.rng.choice(PEOPLE),
            0,
            f"SELECT paysafe.remove_from_group('{person}', '{group}', 'over')",
            "",
            "owner",
        )
        del self.m.groups[group][person]

    def group(self) -> None:
        group = self.rng.choice(GROUPS)
        members = self.m.groups[group]
        others = [p for p in PEOPLE if p not in members]
        if others and (not members or self.chance(0.5)):
            self.come(group, self.rng.choice(others))
        else:
            self.go(group, self.rng.choice(list(members)))

    def leave_and_return(self) -> None:
        """What somebody has approved before does not count after it."""
        group = self.rng.choice(GROUPS)
        some = {a.person for a in self.m.approvals} & set(self.m.groups[group])
        if some:
            person = self.rng.choice(sorted(some))
            self.go(group, person)
            self.come(group, person)

    def join_after(self) -> None:
        """Approved by who is in no group that a band asks for later; then they come into it."""
        free = [g for g in GROUPS if all(b.group != g for b in self.m.bands.values())]
        before = len(self.m.rows)
        self.request()
        if len(self.m.rows) == before:
            return
        i = max(self.m.rows)
        row = self.m.rows[i]
        some = [p for p in PEOPLE if p not in row.requesters]
        gave = [p for p in self.rng.sample(some, len(some)) if self.approve_by(i, p, 2)]
        group = self.rng.choice(free or list(GROUPS))
        for b in self.above(row)[:1]:
            if row.currency == "EUR" and not b.group and gave:
                self.by(gave[0], 0, f"SELECT {self.declared(replace(b, group=group))}", "", "owner")
                self.m.bands[b.name] = replace(b, group=group)
        for p in gave:
            if p not in self.m.groups[group]:
                self.come(group, p)
        self.send_it(i)

    # ------------------------------------------------------------ bands

    def tighten(self) -> None:
        """By one person."""
        free = [n for n in ("", "large", "huge") if n not in self.m.bands]
        if free and self.chance(0.5):
            new = self.band(self.rng.choice(free))
        else:
            old = self.rng.choice(list(self.m.bands.values()))
            new = replace(
                old,
                above=self.rng.choice([old.above, old.above, max(old.above - 20, 5)]),
                approvers=self.rng.choice([old.approvers, old.approvers, old.approvers + 1]),
                level=self.rng.choice([old.level, "proven"]),
                group=old.group or self.rng.choice(["", *GROUPS]),
            )
            if not old.writers and self.chance(0.3):
                new = replace(new, writers="proven")
        self.by(self.rng.choice(PEOPLE), 0, f"SELECT {self.declared(new)}", "", "owner")
        self.m.bands[new.name] = new

    def loosen(self) -> None:
        """Not by one person; by two."""
        old = self.rng.choice(list(self.m.bands.values()))
        ways = [replace(old, above=old.above + 25)]
        if old.approvers > 1:
            ways.append(replace(old, approvers=old.approvers - 1))
        if old.level:
            ways.append(replace(old, level=""))
        if old.writers:
            ways.append(replace(old, writers=""))
        if old.group:
            other = GROUPS[1 - GROUPS.index(old.group)]
            ways += [replace(old, group=""), replace(old, group=other)]
        away = bool(old.name) and self.chance(0.4)  # the one without a name stays
        new = self.rng.choice(ways)
        call = self.declared(new, away)
        self.by(self.rng.choice(PEOPLE), 2, f"SELECT {call}", "42501", "owner")
        if self.chance(0.5):
            self.agreed_by_two(call)
            if away:
                del self.m.bands[old.name]
            else:
                self.m.bands[old.name] = new

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = self.ask("SELECT id, pay_id, amount, status, note FROM refund ORDER BY id")
        want = [(i, r.pay, r.amount, r.status, r.note) for i, r in sorted(self.m.rows.items())]
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def evidence(self) -> None:
        m = self.m
        got = sorted(
            self.ask(
                "SELECT coalesce(band, ''), above::int, approvers, coalesce(approver_identity, ''),"
                " coalesce(requester_identity, ''), coalesce(approver_group, '') FROM paysafe.approval_limit WHERE"
                " relation = 'refund'::regclass"
            )
        )
        want = sorted(
            (b.name, b.above, b.approvers, b.level, b.writers, b.group) for b in m.bands.values()
        )
        if got != want:
            raise Found("bands", f"{got} are in force, it should be {want}")
        pending = {
            int(k): n
            for k, n in self.ask(
                "SELECT key, approvals_needed FROM paysafe.pending_approval WHERE relation = 'refund'::regclass AND"
                " key IS NOT NULL"
            )
        }
        for i in self.waiting():
            row = m.rows[i]
            try:
                waits = not self.passes(i)
            except Unsaid:
                continue
            needed = max((b.approvers for b in self.above(row)), default=0)
            if (i in pending) != waits or waits and pending[i] != needed:
                raise Found("pending", f"{pending} wait; {i}: {waits}, by {needed}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "request": 3,
    "approve": 5,
    "send": 4,
    "edit": 1,
    "again": 1,
    "refund": 9,
    "group": 2,
    "leave_and_return": 2,
    "join_after": 3,
    "tighten": 2,
    "loosen": 1.5,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of bands?"""
    return random.Random(f"banded or not {seed}").random() < 0.012
