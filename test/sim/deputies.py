"""Plays of thresholds by other sums, at other times, and by others, against a model.

By doc/reference.md (set_refund_threshold) and doc/people.md (in somebody's place) alone, with the bands, groups and levels of
`banded.py`: sums of what a payment, a beneficiary or a requester has had; approvals that count when they are given at
their time; groups that may approve what has waited; people who let others approve in their place, directly or in a
chain, and take it back, leave their group or are disabled meanwhile.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

import banded
from banded import GROUPS, LEVELS, PEOPLE
from commands import APP, OWNER, Found
from running import Unsaid

ALWAYS = "Mon-Sun 00:00-24:00 UTC"
SOON, LATE = "1 microsecond", "1 hour"
BENEFICIARIES = ("x", "y", None)
DOLLARS = 3  # the payment that is in these


@dataclass(frozen=True)
class Band(banded.Band):
    per: str = "payment"
    during: str = ""
    instead: str = ""  # who may approve what has waited
    after: str = ""
    counts: int = 0  # since when it sums up, unless payments


@dataclass
class Row(banded.Row):
    beneficiary: str | None = None


@dataclass
class Delegation:
    giver: str
    taker: str
    level: int
    number: int


@dataclass
class Approval(banded.Approval):
    place: Delegation | None = None  # in whose
    others: bool = False  # could it have been in somebody's place?


@dataclass
class Passed:
    pay: int
    beneficiary: str | None
    requesters: set[str]
    amount: int
    at: int


@dataclass
class Model(banded.Model):
    delegations: list[Delegation] = field(default_factory=list)
    gone: list[Passed] = field(default_factory=list)


class Play(banded.Play):
    """Whose sum, when, and in whose place."""

    column = ", iban text"
    said = ", beneficiary_column => 'iban'"

    def features(self) -> None:
        self.m: Model = Model()  # bands are made at a time
        super().features()
        self.m = Model(groups=self.m.groups, bands=self.m.bands)

    def band(self, name: str) -> Band:
        old, rng, now = super().band(name), self.rng, self.m.now
        instead = ""
        if old.group and self.chance(0.5):
            instead = GROUPS[1 - GROUPS.index(old.group)]
        return Band(
            name,
            old.above,
            rng.choice([1, 1, 2]),
            old.level if self.chance(0.5) else "",
            "",
            old.group,
            rng.choice(["payment", "beneficiary", "requester"]),
            rng.choice(["", "", "", "", ALWAYS]),
            instead,
            rng.choice([SOON, SOON, LATE]) if instead else "",
            now,
        )

    def far(self) -> str:
        """A day that is neither today nor next to it."""
        day = datetime.now(timezone.utc) + timedelta(days=3)
        return f"{day:%a} 09:00-10:00 UTC"

    def setup(self) -> None:
        super().setup()
        functions = "paysafe.delegate_approval, paysafe.end_delegation, paysafe.disable_person, paysafe.enable_person"
        self.run(f"GRANT EXECUTE ON FUNCTION {functions} TO {APP}, {OWNER}", "super")

    def declared(self, b: banded.Band, away: bool = False) -> str:
        assert isinstance(b, Band)
        call = super().declared(b, away)[:-1] + f", per => '{b.per}'"
        if b.during:
            call += f", approved_during => '{b.during}'"
        if b.instead:
            call += f", escalation_group => '{b.instead}', escalation_after => '{b.after}'"
        return call + ")"

    # ------------------------------------------------------------ the model

    def total(self, row: Row, b: Band) -> int:
        """What its sum is, with this one."""
        # of which sums it is known is the same for all bands of them
        since = min((o.counts for o in self.all_bands() if o.per == b.per), default=b.counts)
        gone = [p for p in self.m.gone if b.per == "payment" or p.at > min(since, b.counts)]
        gone = [p for p in gone if p.pay != DOLLARS]  # of the same currency
        if b.per == "payment":
            some = [p for p in gone if p.pay == row.pay]
        elif b.per == "beneficiary":
            some = [p for p in gone if p.beneficiary == row.beneficiary]
        else:
            each = [sum(p.amount for p in gone if r in p.requesters) for r in row.requesters]
            return max(each) + row.amount
        return sum(p.amount for p in some) + row.amount

    def all_bands(self) -> list[Band]:
        return [b for b in self.m.bands.values() if isinstance(b, Band)]

    def above(self, row: banded.Row) -> list[banded.Band]:
        assert isinstance(row, Row)
        if row.currency != "EUR":
            return [replace(b, approvers=1) for b in self.all_bands()]
        return [b for b in self.all_bands() if self.total(row, b) > b.above]

    @staticmethod
    def in_time(bands: list[banded.Band]) -> bool:
        """Are approvals that are given here and now, or were today, of a time that all of them have?"""
        return all(isinstance(b, Band) and b.during in ("", ALWAYS) for b in bands)

    def in_group(self, name: str, group: str, since: int | None = None) -> bool:
        """Was he in it when he approved, and ever since?"""
        if since is None:
            return super().in_group(name, group)
        joined = self.m.groups[group].get(name)
        return joined is not None and joined <= since

    def stands(self, bands: list[banded.Band], person: str, level: int, at: int) -> bool:
        """Is he in the groups that are asked for, or in those that may approve what has waited?"""
        for g in GROUPS:
            asking = [b for b in bands if isinstance(b, Band) and b.group == g]
            instead = {(b.instead, b.after) for b in asking}
            ways = {g} if asking else set()
            if len({w for w, _ in instead}) == 1 and all(a == SOON for _, a in instead):
                ways |= {w for w, _ in instead}
            if ways and not any(self.in_group(person, w, at) for w in ways if w):
                return False
        return all(not b.level or level >= LEVELS.index(b.level) for b in bands)

    def hands(self, row: banded.Row, person: str) -> bool:
        """Has he a hand in it?"""
        if person in row.requesters:
            return True
        if person in row.writers:
            raise Unsaid  # who has only changed it
        return False

    def may_sign(
        self, row: banded.Row, bands: list[banded.Band], person: str, level: int, since: int
    ) -> bool:
        return (
            not self.hands(row, person)
            and self.in_time(bands)
            and self.stands(bands, person, level, since)
        )

    def may_sign_for(
        self, row: banded.Row, bands: list[banded.Band], d: Delegation, level: int, since: int
    ) -> bool:
        """In somebody's place: neither of the two has a hand in it."""
        return (
            not self.hands(row, d.taker)
            and not self.hands(row, d.giver)
            and self.in_time(bands)
            and self.stands(bands, d.giver, min(level, d.level), since)
        )

    def counting(self, i: int) -> list[set[str]]:
        """Who has approved it, each with whose place it was in."""
        row, out = self.m.rows[i], []
        bands = self.above(row)
        for a in self.m.approvals:
            if a.row != i or a.content != (row.status, row.note):
                continue
            assert isinstance(a, Approval)
            if a.place is not None:
                if a.place in self.m.delegations and self.may_sign_for(
                    row, bands, a.place, a.level, a.at
                ):
                    out.append({a.person, a.place.giver})
            elif self.may_sign(row, bands, a.person, a.level, a.at):
                out.append({a.person})
            elif a.others:
                raise Unsaid  # for whom was it?
        return out

    def good(self, i: int) -> set[str]:
        return {p for s in self.counting(i) for p in s}

    def voices(self, i: int) -> int:
        """Who stands for somebody, or for the same one, is one with him."""
        out: list[set[str]] = []
        for s in self.counting(i):
            joined = set(s).union(*(o for o in out if o & s))
            out = [o for o in out if not o & s] + [joined]
        return len(out)

    def passes(self, i: int) -> bool:
        needed = max((b.approvers for b in self.above(self.m.rows[i])), default=0)
        return not needed or self.voices(i) >= needed

    # ------------------------------------------------------------ refunds

    def request(self) -> None:
        self.request_by(self.rng.choice(PEOPLE))

    def request_by(self, person: str) -> None:
        rng = self.rng
        i, self.next = self.next, self.next + 1
        pay = rng.choice([1, 1, 2, 3] if self.dollars else [1, 1, 2])
        known = self.level()
        row = Row(
            pay,
            rng.choice([25, 40, 60, 100]),
            "USD" if pay == DOLLARS else "EUR",
            {person},
            {person},
            known,
            beneficiary=rng.choice(BENEFICIARIES),
        )
        there = sum(r.amount for r in self.m.rows.values() if r.pay == pay and r.status != "void")
        full = there + row.amount > 1000
        iban = f"'{row.beneficiary}'" if row.beneficiary else "NULL"
        sql = f"INSERT INTO refund VALUES ({i}, {pay}, {row.amount}, 'requested', 0, {iban})"
        if self.by(person, known, sql, "23R01" if full else ""):
            self.m.rows[i] = row

    def approve_by(self, i: int, person: str, level: int) -> bool:
        row, now = self.m.rows[i], self.m.now
        bands = self.above(row)
        try:
            if not bands or any(
                a.row == i and a.person == person and a.content == (row.status, row.note)
                for a in self.m.approvals
            ):
                return False
            good = self.may_sign(row, bands, person, level, now + 1)
            places = [
                d
                for d in self.m.delegations
                if d.taker == person and self.may_sign_for(row, bands, d, level, now + 1)
            ]
            voices = self.good(i)
        except Unsaid:
            return False
        if not good and len(places) > 1:
            return False  # in whose place?
        sql = f"SELECT paysafe.approve('refund', '{i}', 'seen')"
        if not good and places and places[0].giver in voices:
            # together they are one; whether it is said then or at the gate is not
            name = f"user:{PEOPLE.index(person)}"
            call = f"act_as_token('{self.token(name)}')" if level == 2 else f"act_as('{name}')"
            code = self.run(f"BEGIN;\nSELECT paysafe.{call};\n{sql};\nCOMMIT")
            if code not in ("", "42501"):
                raise Found("legitimate", f"refused with {code}: {sql}")
            if code:
                return False
        elif not self.by(person, level, sql, "" if good or places else "42501"):
            return False
        self.m.now += 1
        place = None if good else places[0]
        content = (row.status, row.note)
        others = any(d.taker == person for d in self.m.delegations)
        self.m.approvals.append(Approval(i, person, level, self.m.now, content, place, others))
        return True

    def send_it(self, i: int) -> None:
        row = self.m.rows[i]
        before = row.status
        super().send_it(i)
        if row.status == "sent" and before != "sent":
            self.went(row)

    def went(self, row: banded.Row) -> None:
        assert isinstance(row, Row)
        self.m.now += 1
        self.m.gone.append(
            Passed(row.pay, row.beneficiary, set(row.requesters), row.amount, self.m.now)
        )

    def send(self) -> None:
        i = self.some()
        if i is not None and self.m.rows[i].status != "sent":
            self.send_it(i)

    def beside(self) -> None:
        """Two refunds of one sum at the same time: the second one waits, and is judged with the first."""
        per = {b.per for b in self.all_bands()}
        some = [i for i in self.waiting() if self.m.rows[i].currency == "EUR"]
        pairs = [
            (i, j)
            for i in some
            for j in some
            if i != j
            and self.m.rows[i].pay != self.m.rows[j].pay
            and (self.joined(i, j, per))
            and not self.above(self.m.rows[i])
        ]
        if not pairs:
            return
        i, j = self.rng.choice(pairs)
        sql = "UPDATE refund SET status = 'sent' WHERE id = "
        self.must(f"BEGIN;\nSELECT paysafe.act_as('clerk');\n{sql}{i}", True, "", "b")
        self.must(
            f"BEGIN;\nSET LOCAL lock_timeout = '100ms';\nSELECT paysafe.act_as('clerk');\n{sql}{j};\nCOMMIT",
            False,
            "55P03",
        )
        end = self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
        self.must(end, True, "", "b")
        if end == "COMMIT":
            self.m.rows[i].status = "sent"
            self.m.approvals = [a for a in self.m.approvals if a.row != i]
            self.went(self.m.rows[i])
        self.send_it(j)

    def joined(self, i: int, j: int, per: set[str]) -> bool:
        one, other = self.m.rows[i], self.m.rows[j]
        assert isinstance(one, Row) and isinstance(other, Row)
        return (
            "beneficiary" in per
            and one.beneficiary == other.beneficiary
            or "requester" in per
            and bool(one.requesters & other.requesters)
        )

    def spread(self) -> None:
        """Small ones, each of which nobody looks at: of several payments, for one, or by one."""
        for _ in range(2):
            self.request()
        self.beside()

    # ------------------------------------------------------------ in somebody's place

    def comes_back(self, giver: str, taker: str) -> bool:
        """Does it lead from him to whom it would come from?"""
        seen, ahead = set(), [taker]
        while ahead:
            at = ahead.pop()
            if at not in seen:
                seen.add(at)
                ahead += [d.taker for d in self.m.delegations if d.giver == at]
        return giver in seen

    def delegate(self) -> None:
        giver, taker = self.rng.choice(PEOPLE), self.rng.choice(PEOPLE)
        members = [p for g in GROUPS for p in self.m.groups[g]]
        if members and self.chance(0.7):
            giver = self.rng.choice(members)
        level = self.level()
        if any(d.giver == giver and d.taker == taker for d in self.m.delegations):
            return
        days = 367 if self.chance(0.05) else 1
        bad = self.comes_back(giver, taker) or days > 366
        sql = f"SELECT paysafe.delegate_approval('{taker}', now() + interval '{days} days', 'away')"
        if not self.by(giver, level, sql, "22023" if bad else ""):
            return
        number = self.ask("SELECT max(id) FROM paysafe.delegation")[0][0]
        self.m.delegations.append(Delegation(giver, taker, level, number))
        if self.chance(0.5):
            self.in_place(self.m.delegations[-1])

    def stand_in(self) -> None:
        """Somebody who is in no group approves for a member, and others as far as it takes; something comes between."""
        asked = {b.group for b in self.all_bands() if b.group and self.m.groups[b.group]}
        if not asked:
            return
        # who is in all that are asked for, if there is such a one
        members = [self.m.groups[g] for g in sorted(asked)]
        givers = [p for p in PEOPLE if all(p in m for m in members)] or sorted(members[0])
        giver = self.rng.choice(givers)
        takers = [p for p in PEOPLE if all(p not in m for m in members)]
        if not takers:
            return
        taker = self.rng.choice(takers)
        there = [d for d in self.m.delegations if (d.giver, d.taker) == (giver, taker)]
        if not there:
            if self.comes_back(giver, taker):
                return
            sql = f"SELECT paysafe.delegate_approval('{taker}', now() + interval '1 day', 'away')"
            self.by(giver, 2, sql)
            number = self.ask("SELECT max(id) FROM paysafe.delegation")[0][0]
            there = [Delegation(giver, taker, 2, number)]
            self.m.delegations += there
        before = len(self.m.rows)
        self.request_by(self.rng.choice([p for p in PEOPLE if p not in (giver, taker)]))
        if len(self.m.rows) == before:
            return
        i = max(self.m.rows)
        if self.approve_by(i, taker, 2):
            for person in self.rng.sample(PEOPLE, len(PEOPLE)):
                if person not in (giver, taker) and not self.ready(i):
                    self.approve_by(i, person, 2)
            self.comes_between(there[0], i)
        self.send_it(i)

    def ready(self, i: int) -> bool:
        """Would it pass?"""
        try:
            return self.passes(i)
        except Unsaid:
            return True

    def in_place(self, d: Delegation) -> None:
        """Who has been asked to approves; something may come between."""
        before = len(self.m.rows)
        self.request_by(self.rng.choice([*PEOPLE, d.giver, d.giver, d.taker]))
        if len(self.m.rows) == before:
            return
        i = max(self.m.rows)
        order = [d.taker, d.giver]
        if self.chance(0.3):
            order.reverse()
        for person in order[: self.rng.choice([1, 2])]:
            self.approve_by(i, person, 2 if self.chance(0.7) else 0)
        if self.chance(0.6):
            self.comes_between(d, i)
        self.send_it(i)

    def comes_between(self, d: Delegation, i: int) -> None:
        """What was approved in his place: it is over, or he is nobody who could."""
        way = self.rng.choice(["back", "back", "leaves", "leaves", "returns", "away"])
        some = [g for g in GROUPS if d.giver in self.m.groups[g]]
        asked = {b.group for b in self.above(self.m.rows[i])}
        some = [g for g in some if g in asked] or some
        if way == "back":
            self.over(d)
        elif way == "away":
            self.away(self.rng.choice([d.giver, d.taker]))
        elif some:
            group = self.rng.choice(some)
            self.go(group, d.giver)
            if way == "returns":
                self.come(group, d.giver)

    def take_back(self) -> None:
        """By anybody; once."""
        if not self.m.delegations:
            return
        self.over(self.rng.choice(self.m.delegations[-2:]))

    def over(self, d: Delegation) -> None:
        if d not in self.m.delegations:
            return
        sql = f"SELECT paysafe.end_delegation({d.number}, 'back')"
        self.by(self.rng.choice(PEOPLE), 0, sql)
        self.m.delegations.remove(d)
        if self.chance(0.5):  # what was approved so does not come back
            again = f"SELECT paysafe.delegate_approval('{d.taker}', now() + interval '1 day', 'again')"
            self.by(d.giver, d.level, again)
            number = self.ask("SELECT max(id) FROM paysafe.delegation")[0][0]
            self.m.delegations.append(Delegation(d.giver, d.taker, d.level, number))

    def away(self, person: str = "") -> None:
        """One of the two is disabled, and comes back."""
        some = {p for d in self.m.delegations for p in (d.giver, d.taker)}
        if not some:
            return
        person = person or self.rng.choice(sorted(some))
        by, other = self.rng.sample([p for p in PEOPLE if p != person], 2)
        self.by(by, 0, f"SELECT paysafe.disable_person('{person}', 'has left')")
        m = self.m
        m.delegations = [d for d in m.delegations if person not in (d.giver, d.taker)]
        m.approvals = [a for a in m.approvals if a.person != person]
        m.now += 1
        call = f"SELECT paysafe.enable_person('{person}', 'is back {m.now}')"
        self.by(by, 2, f"SELECT paysafe.propose('why');\n{call}", "", "owner")
        agree = (
            "DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$"
        )
        self.by(other, 2, agree)
        self.by(by, 2, call, "", "owner")

    # ------------------------------------------------------------ bands

    def told(self, old: Band, new: Band) -> None:
        self.m.now += 1
        self.m.bands[new.name] = replace(new, counts=self.m.now) if new.per != old.per else new
        self.m.now += 1

    def tighten(self) -> None:
        """By one person: more is asked for, or at fewer times."""
        self.m.now += 1
        free = [n for n in ("", "large", "huge") if n not in self.m.bands]
        if free and self.chance(0.5):
            new = self.band(self.rng.choice(free))
            self.by(self.rng.choice(PEOPLE), 0, f"SELECT {self.declared(new)}", "", "owner")
            self.m.bands[new.name] = new
            self.m.now += 1
            return
        old = self.rng.choice(self.all_bands())
        ways = [
            replace(old, above=max(old.above - 20, 5)),
            replace(old, approvers=min(old.approvers + 1, 3)),
            replace(old, level="proven"),
        ]
        if not old.during:
            ways += [replace(old, during=ALWAYS), replace(old, during=self.far())]
        new = self.rng.choice(ways)
        self.by(self.rng.choice(PEOPLE), 0, f"SELECT {self.declared(new)}", "", "owner")
        self.told(old, new)

    def other_times(self) -> None:
        """What is approved, and then approvals count of other times only."""
        before = len(self.m.rows)
        self.request()
        if len(self.m.rows) == before:
            return
        i = max(self.m.rows)
        for person in self.rng.sample(PEOPLE, 4):
            self.approve_by(i, person, 2)
        row = self.m.rows[i]
        some = [b for b in self.all_bands() if not b.during and b in self.above(row)]
        if row.currency != "EUR" or not some:
            self.send_it(i)
            return
        old = self.rng.choice(some)
        new = replace(old, during=self.rng.choice([ALWAYS, self.far()]))
        self.by(self.rng.choice(PEOPLE), 0, f"SELECT {self.declared(new)}", "", "owner")
        self.told(old, new)
        self.send_it(i)
        new = self.all_bands()[list(self.m.bands).index(old.name)]
        if new.during != ALWAYS or self.chance(0.5):
            free = replace(new, during="")
            self.agreed_by_two(self.declared(free))
            self.told(new, free)
            self.send_it(i)

    def loosen(self) -> None:
        """Not by one person; by two."""
        old = self.rng.choice(self.all_bands())
        ways = [replace(old, above=old.above + 25)]
        if old.approvers > 1:
            ways.append(replace(old, approvers=old.approvers - 1))
        if old.level:
            ways.append(replace(old, level=""))
        if old.during:
            ways += [replace(old, during=d) for d in ("", ALWAYS) if d != old.during] * 2
        if old.after == LATE:
            ways.append(replace(old, after=SOON))
        for per in ("payment", "beneficiary", "requester"):
            if per != old.per:
                ways.append(replace(old, per=per))
        new = self.rng.choice(ways)
        call = self.declared(new)
        self.by(self.rng.choice(PEOPLE), 2, f"SELECT {call}", "42501", "owner")
        far = old.during not in ("", ALWAYS)
        if far or self.chance(0.6):
            self.agreed_by_two(call)
            self.told(old, new)

    # ------------------------------------------------------------ judging

    def evidence(self) -> None:
        super().evidence()
        got = sorted(
            self.ask(
                "SELECT coalesce(band, ''), per, coalesce(approved_during, ''), coalesce(escalation_group, '') FROM"
                " paysafe.approval_limit WHERE relation = 'refund'::regclass"
            )
        )
        want = sorted((b.name, b.per, b.during, b.instead) for b in self.all_bands())
        if got != want:
            raise Found("bands", f"{got} are in force, it should be {want}")
        ids = sorted(
            self.ask("SELECT id, delegator, delegate FROM paysafe.delegation WHERE state = 'in force'")
        )
        places = sorted((d.number, d.giver, d.taker) for d in self.m.delegations)
        if ids != places:
            raise Found("delegations", f"{ids} are in force, it should be {places}")


ACTS: dict[str, float] = {
    "request": 2,
    "approve": 3,
    "send": 4,
    "edit": 0.5,
    "again": 1,
    "refund": 6,
    "group": 1.5,
    "leave_and_return": 1,
    "spread": 5,
    "beside": 3,
    "delegate": 5,
    "stand_in": 5,
    "take_back": 2,
    "away": 1,
    "tighten": 2,
    "other_times": 2,
    "loosen": 2,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of sums, times and places?"""
    return random.Random(f"deputies or not {seed}").random() < 0.02
