"""Plays of break-glass, with the passkeys of `passkeys`.

By doc/refunds.md (Break-glass) alone: it is allowed by two, one of whom signs, and forbidden by one; whoever has a
passkey signs for one row as it stands, who has requested it too; it passes once, and not when somebody has said no,
when it has changed, when the passkey is revoked or break-glass forbidden.  Somebody else looks at it afterwards.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from dataclasses import dataclass

import psycopg
from psycopg.types.json import Jsonb

import passkeys
from commands import APP, OWNER, Found
from passkeys import PEOPLE, WRONG, Challenge, Key
from signing import b64


@dataclass
class Use:
    number: int
    row: int
    person: str
    key: Key
    shown: tuple[object, ...]
    state: str = "open"
    verdict: str | None = None
    level: str = ""  # as an approval would have needed it


class Play(passkeys.Play):
    """Refunds that one person alone lets pass."""

    def features(self) -> None:
        super().features()
        self.allowed = False
        self.uses: list[Use] = []
        self.noes: set[int] = set()
        self.hasty = self.chance(0.12)  # has somebody to look at it within a minute?
        self.passed_at = 0.0
        self.asked_for: set[str] = set()  # who has asked that it be allowed
        self.unsaid: set[int] = set()  # signed for, forbidden and allowed again

    def setup(self) -> None:
        super().setup()
        self.run(
            "GRANT EXECUTE ON FUNCTION paysafe.break_glass_challenge, paysafe.break_glass, paysafe.review_break_glass,"
            f" paysafe.reject TO {APP};\nGRANT EXECUTE ON FUNCTION paysafe.set_break_glass TO {OWNER}",
            "super",
        )
        if self.chance(0.9):
            self.allow()

    # ------------------------------------------------------------ the model

    def good_use(self, i: int) -> Use | None:
        some = [u for u in self.uses if u.row == i and u.state == "open" and not u.key.revoked]
        some = [u for u in some if u.shown == self.shown(str(i))]
        return some[0] if some and self.allowed else None

    def send_it(self, i: int) -> None:
        """By approvals, or by one who has broken the glass."""
        r = self.b.rows[i]
        use = self.good_use(i)
        if r.sent or i in self.unsaid:
            return
        if use is None and i not in self.noes:
            super().send_it(i)
        else:
            sql = f"UPDATE refund SET status = 'sent' WHERE id = {i}"
            if self.as_(r.requester, sql, "42501" if i in self.noes else ""):
                r.sent = True
        if r.sent:
            self.passed_at = time.monotonic()
            by_it = use is not None and not self.approved(i)
            for u in self.uses:
                if u.row == i and u.state == "open":
                    u.state = "used" if u is use and by_it else "" if u is use else "void"

    def approved(self, i: int) -> bool:
        """It might have passed without."""
        return any(a.what == str(i) for a in self.b.approvals)

    # ------------------------------------------------------------ acts

    def allow(self) -> None:
        """By two, of whom one signs."""
        proposer, approver = self.rng.choice(PEOPLE), self.rng.choice(self.holders())
        self.next += 1
        within = "1 minute" if self.hasty else "1 day"
        call = f"paysafe.set_break_glass('refund', '{within}', 'nights {self.next}')"
        if self.allowed:
            return
        self.as_(proposer, f"SELECT {call}", "42501", "owner")
        self.as_(proposer, f"SELECT paysafe.propose('nights');\nSELECT {call}", "", "owner")
        table, key = self.ask(
            "SELECT approved_as::regclass::text, key FROM paysafe.pending_change ORDER BY id DESC LIMIT 1"
        )[0]
        claimed = self.rng.choice([p for p in PEOPLE if p != proposer])
        literal = psycopg.sql.Literal(key).as_string(None)
        sql = f"SELECT paysafe.approve('{table}', {literal}, 'x')"
        self.run(f"BEGIN;\nSELECT paysafe.act_as('{claimed}');\n{sql};\nCOMMIT")
        self.as_(proposer, f"SELECT {call}", "42501", "owner")
        # who has asked for the same before has a hand in it, too
        self.asked_for.add(proposer)
        other = approver if approver in self.asked_for else proposer
        if self.by_signature(f"{table} {key}", approver, other):
            self.as_(proposer, f"SELECT {call}", "", "owner")
            self.allowed = True
            self.asked_for.clear()
            self.unsaid |= {u.row for u in self.uses if u.state == "open"}

    def forbid(self) -> None:
        """At once, also what was signed and has not passed."""
        if self.allowed:
            self.as_(
                self.rng.choice(PEOPLE),
                "SELECT paysafe.set_break_glass('refund', NULL, 'over')",
                "",
                "owner",
            )
            self.allowed = False

    def to_be_signed(self, i: int, owner: str) -> Challenge | None:
        """What is to be signed: in other words than an approval."""
        c = self.conns["a"]
        self.script.append(f"a: as {owner}: SELECT paysafe.break_glass_challenge('refund', '{i}');")
        good = self.allowed and bool(self.active(owner))
        try:
            c.execute("BEGIN")
            c.execute(f"SELECT paysafe.act_as('{owner}')")
            got = c.execute(f"SELECT paysafe.break_glass_challenge('refund', '{i}')").fetchall()[0][
                0
            ]
            c.execute("COMMIT")
        except psycopg.Error as e:
            c.execute("ROLLBACK")
            self.script.append(f"-- {e.sqlstate} {e.diag.message_primary}")
            if good or e.sqlstate not in ("42501", "55000", "22023"):
                raise Found("challenge", f"{e.sqlstate} {e}: glass of {i} for {owner}") from e
            return None
        text = str(got["content"])
        if not good or "BREAK GLASS" not in text:
            raise Found("challenge", f"{owner} may break the glass: {text}")
        return Challenge(
            str(i), owner, b64(hashlib.sha256(text.encode()).digest()), self.shown(str(i))
        )

    def glass(
        self, one: Challenge, k: Key, wrong: str, ticket: str, codes: str, function: str
    ) -> bool:
        """It is handed in."""
        answer = k.answer(one.text, wrong)
        c = self.conns["a"]
        by = self.rng.choice(PEOPLE)
        more = f", {ticket}" if function == "break_glass" else ""
        call = f"paysafe.{function}('refund', '{one.what}', %s, 'the provider closes'{more})"
        self.script.append(f"a: as {by}: SELECT {call.replace('%s', json.dumps(answer))};")
        code = ""
        try:
            c.execute("BEGIN")
            c.execute(f"SELECT paysafe.act_as('{by}')")
            got = c.execute(f"SELECT {call}".encode(), [Jsonb(answer)]).fetchall()
            c.execute("COMMIT")
        except psycopg.Error as e:
            code = e.sqlstate or "XX000"
            self.script.append(f"-- {code} {e.diag.message_primary} {e.diag.message_detail or ''}")
            c.execute("ROLLBACK")
        if bool(code) != bool(codes) or code and code not in codes.split():
            raise Found(
                "passed" if codes else "legitimate",
                f"{code or 'no refusal'}, it is {codes}: glass of {one.what}",
            )
        if code:
            return False
        one.used, k.accepted = True, k.counter
        self.uses.append(
            Use(int(got[0][0]), int(one.what), one.owner, k, one.shown, level=self.level)
        )
        return True

    def night(self) -> None:
        """One person alone; something may come between, or be wrong."""
        rng = self.rng
        i = (
            self.request()
            if self.chance(0.7) or not self.waiting()
            else rng.choice(self.waiting()[-3:])
        )
        if (
            i in self.unsaid
            or i in self.noes
            or any(u.row == i and u.state == "open" for u in self.uses)
        ):
            return
        owner = rng.choice([*PEOPLE, *self.holders(), self.b.rows[i].requester])
        one = self.to_be_signed(i, owner)
        if one is None:
            return
        if self.chance(0.25):
            rng.choice([self.edit, self.forbid, self.lose])()
        if not self.active(owner):
            return
        k = rng.choice(self.active(owner))
        good = self.allowed and one.shown == self.shown(str(i))
        bad = "42501 55000 22023"
        if self.chance(0.5):
            self.glass(one, k, rng.choice(WRONG), "'T-1'", bad, "break_glass")
        if self.chance(0.3):
            self.glass(one, k, "", rng.choice(["NULL", "'  '"]), f"{bad} 22004", "break_glass")
        if self.chance(0.4):  # it is no approval
            self.glass(one, k, "", "", bad, "approve_with_passkey")
        if not self.glass(one, k, "", "'T-1'", "" if good else bad, "break_glass"):
            return
        if self.chance(0.3):  # once
            self.glass(one, k, "", "'T-1'", bad, "break_glass")
        if self.chance(0.4):
            rng.choice([self.edit, self.forbid, self.lose, self.say_no])()
        self.send_it(i)
        if self.chance(0.5):
            self.review()

    def approval_is_none(self) -> None:
        """What is signed as an approval breaks no glass."""
        if not self.waiting() or not self.allowed:
            return
        i = self.waiting()[-1]
        some = [
            p
            for p in self.holders()
            if p != self.b.rows[i].requester and p not in self.given(str(i))
        ]
        if some:
            one = self.challenge(str(i), self.rng.choice(some))
            if one is not None:
                k = self.rng.choice(self.active(one.owner))
                self.glass(one, k, "", "'T-1'", "42501 55000 22023", "break_glass")

    def say_no(self) -> None:
        """What somebody has rejected does not pass by it."""
        some = self.waiting()
        if some:
            i = some[-1]
            name = self.rng.choice([p for p in PEOPLE if p != self.b.rows[i].requester])
            if i not in self.noes:
                self.as_(name, f"SELECT paysafe.reject('refund', '{i}', 'no')")
                self.noes.add(i)

    def review(self) -> None:
        """By another person, who has not requested it, once; a claim is nothing where an approval
        would have been one by passkey."""
        some = [u for u in self.uses if u.state == "used"]
        if not some:
            return
        use = self.rng.choice(some[-3:])
        name = self.rng.choice(PEOPLE)
        verdict = self.rng.choice(["right", "right", "wrong", "maybe"])
        own = name in (use.person, self.b.rows[use.row].requester)
        good = not own and use.verdict is None and verdict != "maybe" and not use.level
        sql = f"SELECT paysafe.review_break_glass({use.number}, '{verdict}', 'seen', 'T-2')"
        if self.as_(name, sql, "" if good else "42501 22023 55000"):
            use.verdict = verdict

    # ------------------------------------------------------------ judging

    def evidence(self) -> None:
        super().evidence()
        got = self.ask(
            "SELECT id, key::int, broken_by, state, verdict FROM paysafe.break_glass_use ORDER BY id"
        )
        if [x[:3] for x in got] != [(u.number, u.row, u.person) for u in self.uses]:
            raise Found("uses", f"{got} are on record, it should be {self.uses}")
        for x, u in zip(got, self.uses):
            if (
                u.state == "used"
                and x[3:] != ("used", u.verdict)
                or u.state == "void"
                and x[3] == "used"
            ):
                raise Found("uses", f"{x} is on record, it should be {u}")
        self.overdue()

    def overdue(self) -> None:
        """Who has not looked at it in time is told of, and nobody else."""
        seen = {u.state for u in self.uses if u.verdict is None}
        late = self.hasty and "used" in seen
        if self.hasty and "" in seen and not late:
            return  # was it by that?
        if late:
            time.sleep(max(self.passed_at + 61 - time.monotonic(), 0))
        got = self.ask("SELECT 1 FROM paysafe.check() WHERE check_name = 'break_glass' AND NOT ok")
        if bool(got) != late:
            raise Found("check", f"{self.uses}: somebody is late to look at it: {late}")


ACTS: dict[str, float] = {
    "request": 1,
    "ask_one": 1,
    "present": 1,
    "send": 2,
    "refund": 2,
    "edit": 1,
    "lose": 0.7,
    "enrol": 0.7,
    "allow": 2,
    "forbid": 1,
    "night": 9,
    "approval_is_none": 1.5,
    "say_no": 1,
    "review": 3,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of break-glass?"""
    return random.Random(f"glass or not {seed}").random() < 0.012
