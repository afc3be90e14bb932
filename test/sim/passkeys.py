"""Plays of approvals that a passkey signs, against a model.

By doc/passkeys.md alone: people with passkeys in software (P-256, computed here, so that a seed says what is
signed), who ask for challenges, sign them, and hand them in: as they should be, twice, for something else,
after what was shown has changed, by another key, from another page, with a counter that has not risen.
Passkeys are enrolled by two and revoked by one, also while they approve; thresholds ask for passkeys, and it
takes one to let that go; rows are approved, refunds in advance, and changes of rules.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

import accounts
from commands import APP, OWNER, Found
from signing import Signer, b64

PEOPLE = ("anna", "bert", "carl", "dora")
PAGE, PARTY = "https://pay.example", "pay.example"
UP, UV = 1, 4


class Key:
    """A passkey in software."""

    def __init__(self, owner: str, seed: str, counts: bool) -> None:
        self.owner, self.counts = owner, counts
        self.signer = Signer(seed)
        self.credential = hashlib.sha256(b"id" + seed.encode()).digest()
        self.counter = 0
        self.accepted = 0  # the last counter that was
        self.number = 0
        self.revoked = False

    def cose(self) -> bytes:
        x, y = self.signer.point
        return b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y

    def answer(self, challenge: str, wrong: str = "") -> dict[str, Any]:
        """What a browser returns; something may be wrong with it."""
        data = {
            "type": "webauthn.get",
            "challenge": challenge,
            "origin": PAGE,
            "crossOrigin": False,
        }
        if wrong == "origin":
            data["origin"] = "https://evil.example"
        elif wrong == "type":
            data["type"] = "webauthn.create"
        elif wrong == "frame":
            data["crossOrigin"] = True
        said = json.dumps(data, separators=(",", ":")).encode()
        flags = {"absent": 0, "unverified": UP}.get(wrong, UP | UV)
        if self.counts and wrong != "counter":
            self.counter += 1
        count = self.accepted if wrong == "counter" else self.counter
        party = "other.example" if wrong == "party" else PARTY
        device = hashlib.sha256(party.encode()).digest() + struct.pack(">BI", flags, count)
        signature = self.signer.der(device + hashlib.sha256(said).digest())
        if wrong == "signature":
            signature = self.signer.der(device + b"x" + hashlib.sha256(said).digest())
        return {
            "id": b64(self.credential),
            "rawId": b64(self.credential),
            "type": "public-key",
            "response": {
                "clientDataJSON": b64(said),
                "authenticatorData": b64(device),
                "signature": b64(signature),
            },
            "clientExtensionResults": {},
        }


WRONG = ("origin", "type", "frame", "absent", "unverified", "party", "signature")


@dataclass
class Row:
    requester: str
    note: int = 0
    sent: bool = False
    writers: set[str] = field(default_factory=set)


@dataclass
class Challenge:
    what: str  # a row's number, a payment's with an amount, or the words of a change
    owner: str
    text: str
    shown: tuple[object, ...]
    used: bool = False


@dataclass
class Approval:
    what: str
    person: str
    key: Key | None  # None: a claim
    shown: tuple[object, ...]


@dataclass
class Books:
    """The model."""

    rows: dict[int, Row] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    asked: list[Challenge] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)


class Play(accounts.Play):
    """Refunds, and who signs for them."""

    def features(self) -> None:
        super().features()
        self.b = Books()
        self.next = 1
        self.approvers = self.rng.choice([1, 1, 2])
        self.level = self.rng.choice(["", "passkey", "passkey"])
        self.limit = 100

    @staticmethod
    def alone(seed: int) -> bool:
        """Passkeys are the database's."""
        return True

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            "GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve, paysafe.approve_refund, paysafe.approval_challenge,"
            " paysafe.approve_with_passkey, paysafe.refund_challenge, paysafe.approve_refund_with_passkey,"
            f" paysafe.propose, paysafe.add_passkey, paysafe.revoke_passkey TO {APP}, {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change TO {APP}, {OWNER}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        self.must(
            "CREATE TABLE pay (id int PRIMARY KEY, captured numeric, currency text);\n"
            "CREATE TABLE refund (id int PRIMARY KEY, pay_id int, amount numeric, status text, note int DEFAULT 0);\n"
            "CREATE INDEX ON refund (pay_id);\n"
            "SELECT paysafe.protect_refund('refund', 'pay', 'pay_id', 'amount', status_column => 'status', gated =>"
            " '{sent}', void => '{void}', payment_key => 'id', payment_amount_column => 'captured',"
            " payment_currency_column => 'currency');\n"
            f"SELECT {self.threshold(self.limit, self.level)};\n"
            f"GRANT ALL ON pay, refund TO {APP}",
            True,
            "",
            "owner",
        )
        for name in PEOPLE[:2]:
            self.enrol_first(name)
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            self.enrol(True)

    def threshold(self, amount: int, level: str) -> str:
        more = f", approver_identity => '{level}'" if level else ""
        return f"paysafe.set_refund_threshold('refund', 'EUR', {amount}, {self.approvers}{more})"

    def new_key(self, owner: str) -> Key:
        self.next += 1
        return Key(owner, f"{self.seed} {self.next}", self.chance(0.75))

    def call(self, function: str, k: Key) -> str:
        return (
            f"paysafe.{function}(actor => '{k.owner}', credential_id => '\\x{k.credential.hex()}', cose_key =>"
            f" '\\x{k.cose().hex()}', rp_id => '{PARTY}', origins => '{{{PAGE}}}', reason => 'seen', sign_count => 0)"
        )

    def enrol_first(self, name: str) -> None:
        k = self.new_key(name)
        self.script.append(f"super: the first passkey of {name}")
        k.number = int(self.ask(f"SELECT {self.call('bootstrap_passkey', k)}")[0][0])
        self.b.keys.append(k)

    # ------------------------------------------------------------ the model

    def active(self, owner: str = "") -> list[Key]:
        return [k for k in self.b.keys if not k.revoked and owner in ("", k.owner)]

    def holders(self) -> list[str]:
        return sorted({k.owner for k in self.active()})

    def requesters(self, what: str) -> set[str]:
        """Who does not approve it: who has asked for it, or changed it."""
        row = self.b.rows[int(what)] if what.isdigit() else None
        return {row.requester, *row.writers} if row else set()

    def shown(self, what: str) -> tuple[object, ...]:
        """What a challenge has in its text, beside what never changes."""
        if not what.isdigit():
            return ()
        r = self.b.rows[int(what)]
        return r.note, r.sent

    def waiting(self) -> list[int]:
        return [i for i, r in self.b.rows.items() if not r.sent]

    def given(self, what: str) -> set[str]:
        return {a.person for a in self.b.approvals if a.what == what}

    # ------------------------------------------------------------ asking and signing

    def as_(self, name: str, sql: str, codes: str = "", who: str = "a") -> bool:
        begin = f"BEGIN;\nSELECT paysafe.act_as('{name}')"
        return self.must(f"{begin};\n{sql};\nCOMMIT", not codes, codes, who)

    def target(self, what: str) -> tuple[str, str]:
        """Function and arguments of a challenge."""
        if what.isdigit():
            return "approval_challenge", f"'refund', '{what}'"
        if what.startswith("pay "):
            _, number, amount = what.split()
            return "refund_challenge", f"'refund', '{number}', {amount}, 'EUR'"
        table, words = what.split(" ", 1)
        return "approval_challenge", f"'{table}', {psycopg.sql.Literal(words).as_string(None)}"

    def challenge(self, what: str, owner: str) -> Challenge | None:
        """What is to be signed."""
        function, arguments = self.target(what)
        c = self.conns["a"]
        self.script.append(f"a: as {owner}: SELECT paysafe.{function}({arguments});")
        try:
            c.execute("BEGIN")
            c.execute(f"SELECT paysafe.act_as('{owner}')")
            got = c.execute(f"SELECT paysafe.{function}({arguments})").fetchall()[0][0]
            c.execute("COMMIT")
        except psycopg.Error as e:
            c.execute("ROLLBACK")
            self.script.append(f"-- {e.sqlstate} {e.diag.message_primary}")
            if e.sqlstate != "42501" or self.active(owner) and owner not in self.requesters(what):
                raise Found("challenge", f"{e.sqlstate} {e}: {what} for {owner}") from e
            return None
        if owner in self.requesters(what):
            raise Found("challenge", f"{owner} has a hand in {what}, and may sign {got}")
        if not self.active(owner):
            raise Found("challenge", f"{owner} has no passkey, and may sign {got}")
        text = str(got["content"])
        own = b64(hashlib.sha256(text.encode()).digest())
        said = json.loads(text)
        ids = {x["id"] for x in got["publicKey"]["allowCredentials"]}
        if own != got["publicKey"]["challenge"] or said["approver"] != owner:
            raise Found("challenge", f"{got} is not what {owner} was shown")
        if ids != {b64(k.credential) for k in self.active(owner)}:
            raise Found("challenge", f"{ids} may sign for {owner}")
        one = Challenge(what, owner, own, self.shown(what))
        self.b.asked.append(one)
        return one

    def hand_in(
        self, what: str, answer: dict[str, Any], codes: str, who: str = "a", rest: str = "COMMIT"
    ) -> str:
        """It is judged; the SQLSTATE."""
        function, arguments = self.target(what)
        name = {
            "approval_challenge": "approve_with_passkey",
            "refund_challenge": "approve_refund_with_passkey",
        }[function]
        c = self.conns[who]
        by = self.rng.choice(PEOPLE)
        self.script.append(
            f"{who}: as {by}: SELECT paysafe.{name}({arguments}, {json.dumps(answer)}, 'x');"
        )
        code = ""
        try:
            c.execute("BEGIN")
            if codes == "55P03":  # it would wait
                c.execute("SET LOCAL lock_timeout = '150ms'")
            c.execute(f"SELECT paysafe.act_as('{by}')")
            # a parameter: what is signed has no place in a statement's text
            c.execute(
                psycopg.sql.SQL("SELECT paysafe.{}({}, %s, 'x')").format(
                    psycopg.sql.SQL(name), psycopg.sql.SQL(arguments.replace("%", "%%"))
                ),
                [Jsonb(answer)],
            )
            if rest:
                c.execute(rest)
        except psycopg.Error as e:
            code = e.sqlstate or "XX000"
            self.script.append(f"-- {code} {e.diag.message_primary} {e.diag.message_detail or ''}")
            c.execute("ROLLBACK")
        if not codes and code:
            raise Found("legitimate", f"refused with {code}: {what}")
        if codes and code not in codes.split():
            raise Found("passed", f"{code or 'no refusal'}, it is {codes}: {what}")
        return code

    def good(self, one: Challenge) -> bool:
        """May it be handed in, as it is now?"""
        if one.used or one.shown != self.shown(one.what):
            return False
        if one.what.isdigit() and self.b.rows[int(one.what)].sent:
            return False
        return one.owner not in self.requesters(one.what)

    def sign(self, one: Challenge, wrong: str = "", elsewhere: str = "") -> bool:
        """Its owner signs; or somebody else, or something else is wrong."""
        mine = self.active(one.owner)
        if not mine:
            return False
        k = self.rng.choice(mine)
        good = self.good(one) and not wrong and not elsewhere
        if wrong == "other":
            others = [x for x in self.b.keys if x.owner != one.owner or x.revoked]
            if not others:
                return False
            k = self.rng.choice(others)
        if wrong == "counter" and (not k.counts or k.accepted == 0):
            return False
        if one.owner in self.given(elsewhere or one.what):
            return False  # once more
        answer = k.answer(one.text, wrong)
        code = self.hand_in(elsewhere or one.what, answer, "" if good else "42501 22023")
        if code:
            return False
        one.used, k.accepted = True, k.counter
        self.b.approvals.append(Approval(one.what, one.owner, k, one.shown))
        self.known(k)
        return True

    def known(self, k: Key) -> None:
        got = self.ask("SELECT approver, identity FROM paysafe.approval ORDER BY id DESC LIMIT 1")[
            0
        ]
        if got != (k.owner, "passkey"):
            raise Found("level", f"the approval is {got}, it was signed by {k.owner}")

    # ------------------------------------------------------------ acts

    def request(self) -> int:
        name = self.rng.choice(PEOPLE)
        i, self.next = self.next, self.next + 1
        sql = f"INSERT INTO pay VALUES ({i}, 1000, 'EUR');\nINSERT INTO refund VALUES ({i}, {i}, 500, 'requested')"
        self.as_(name, sql)
        self.b.rows[i] = Row(name)
        return i

    def ask_one(self) -> None:
        some = self.waiting() or [self.request()]
        self.challenge(str(self.rng.choice(some[-3:])), self.rng.choice(PEOPLE))

    def present(self) -> None:
        """A challenge that somebody has: new or old, right or wrong."""
        if not self.b.asked:
            self.ask_one()
            return
        one = self.rng.choice(self.b.asked[-6:])
        if one.what.startswith("paysafe"):
            return
        wrong, elsewhere = "", ""
        if self.chance(0.4):
            wrong = self.rng.choice([*WRONG, "other", "other", "counter", "counter"])
        elif self.chance(0.2):
            others = [i for i in self.waiting() if str(i) != one.what]
            others = [i for i in others if one.owner not in self.requesters(str(i))]
            elsewhere = str(self.rng.choice(others)) if others else ""
        self.sign(one, wrong, elsewhere)

    def claim(self) -> None:
        """Somebody says that he approves; where passkeys are asked for, that is nothing."""
        some = self.waiting()
        if not some:
            return
        i = self.rng.choice(some[-3:])
        name = self.rng.choice(PEOPLE)
        if name in self.given(str(i)):
            return
        good = name not in self.requesters(str(i)) and not self.level
        sql = f"SELECT paysafe.approve('refund', '{i}', 'seen')"
        if self.as_(name, sql, "" if good else "42501"):
            self.b.approvals.append(Approval(str(i), name, None, self.shown(str(i))))

    def send(self) -> None:
        some = self.waiting()
        if some:
            self.send_it(self.rng.choice(some[-3:]))

    def send_it(self, i: int) -> None:
        r = self.b.rows[i]
        mine = [a for a in self.b.approvals if a.what == str(i)]
        count = {
            a.person
            for a in mine
            if a.shown == self.shown(str(i)) and (a.key is not None or not self.level)
        }
        enough = len(count) >= self.approvers
        sql = f"UPDATE refund SET status = 'sent' WHERE id = {i}"
        if self.as_(r.requester, sql, "" if enough else "42501"):
            r.sent = True

    def refund(self) -> None:
        """All of it, as it should be; something may come between what is shown and what is signed, or sent."""
        i = self.request()
        for name in self.rng.sample(self.holders(), min(2, len(self.holders()))):
            one = self.challenge(str(i), name)
            if one is None:
                continue
            if self.chance(0.25):
                self.rng.choice([self.edit, self.lose, self.tighten])()
            if self.chance(0.6):  # what is refused takes nothing from the challenge
                self.sign(one, self.rng.choice(WRONG))
            self.sign(one, self.rng.choice(["", "", "", "", "counter", "other"]))
            if self.chance(0.2):
                self.sign(one)
            if self.chance(0.2):
                self.rng.choice([self.edit, self.lose, self.loosen])()
        self.send_it(i)

    def copied(self) -> None:
        """A passkey that counts, and somebody who has a copy of it: one count serves once."""
        some = [k for k in self.active() if k.counts]
        if not some:
            return
        owner = self.rng.choice(some).owner
        for wrong in ("", "counter", ""):
            i = self.request()
            one = None if self.b.rows[i].requester == owner else self.challenge(str(i), owner)
            if one is not None:
                self.sign(one, wrong)

    def edit(self) -> None:
        """What was shown changes."""
        some = self.waiting()
        if not some:
            return
        i = some[-1]
        r = self.b.rows[i]
        name = self.rng.choice([r.requester, *PEOPLE])
        if self.as_(name, f"UPDATE refund SET note = note + 1 WHERE id = {i}"):
            r.note += 1
            r.writers.add(name)

    def advance(self) -> None:
        """Before there is a row; then the row, of so much or more."""
        i, self.next = self.next, self.next + 1
        self.must(f"INSERT INTO pay VALUES ({i}, 1000, 'EUR')", True, "")
        amount = self.rng.choice([300, 500])
        signed = 0
        for name in self.rng.sample(self.holders(), min(2, len(self.holders()))):
            one = self.challenge(f"pay {i} {amount}", name)
            if one is None:
                continue
            if self.chance(0.2):
                self.sign(one, "", f"pay {i} {amount + 1}")
            signed += self.sign(one, self.rng.choice(["", "", "", "signature"]))
        more = self.rng.choice([0, 0, 1])
        free = [p for p in PEOPLE if p not in self.given(f"pay {i} {amount}")]
        sql = f"INSERT INTO refund VALUES ({i}, {i}, {amount + more}, 'sent')"
        enough = signed >= self.approvers and not more
        who = self.rng.choice(free)
        if self.as_(who, sql, "" if enough else "42501"):
            self.b.rows[i] = Row(who, 0, True)

    def enrol(self, surely: bool = False) -> None:
        """One more passkey: by a proposal, and the signatures of two others; of one, while only one ever had one, and of whose it is."""
        rng = self.rng
        k = self.new_key(rng.choice(PEOPLE))
        proposer, signers = rng.choice(PEOPLE), rng.sample(self.holders(), rng.choice([1, 2, 2]))
        if surely:
            proposer, signers = "clerk", [n for n in self.holders() if n != k.owner]
        ever = {x.owner for x in self.b.keys} - {k.owner}
        # one of two does not get one in the other one's name
        both = len(ever) == 1 and k.owner in {x.owner for x in self.b.keys}
        if surely and both:
            signers = self.holders()
        need = 2 if both else min(2, len(ever))
        call = self.call("add_passkey", k)
        self.as_(proposer, f"SELECT {call}", "42501", "owner")
        self.as_(proposer, f"SELECT paysafe.propose('new');\nSELECT {call}", "", "owner")
        key = self.ask("SELECT key FROM paysafe.pending_change ORDER BY id DESC LIMIT 1")[0][0]
        if self.chance(0.3):
            # a claim, whatever it says
            claimed = rng.choice([p for p in PEOPLE if p != proposer])
            literal = psycopg.sql.Literal(key).as_string(None)
            sql = f"SELECT paysafe.approve('paysafe.passkey_record', {literal}, 'x')"
            self.run(f"BEGIN;\nSELECT paysafe.act_as('{claimed}');\n{sql};\nCOMMIT")
            self.as_(proposer, f"SELECT {call}", "42501", "owner")
        what = f"paysafe.passkey_record {key}"
        signed = {n for n in signers if self.by_signature(what, n, proposer)}
        if len(signed - {proposer} - (set() if both else {k.owner})) < need:
            self.as_(proposer, f"SELECT {call}", "42501", "owner")
            return
        c = self.conns["owner"]
        self.script.append(f"owner: as {proposer}: SELECT {call};")
        try:
            c.execute("BEGIN")
            c.execute(f"SELECT paysafe.act_as('{proposer}')")
            k.number = int(c.execute(f"SELECT {call}").fetchall()[0][0])
            c.execute("COMMIT")
        except (psycopg.Error, TypeError) as e:
            c.execute("ROLLBACK")
            raise Found("legitimate", f"{e}: {call}, signed by {signed}") from e
        self.b.keys.append(k)

    def by_signature(self, what: str, approver: str, proposer: str) -> bool:
        """A change is signed; who has asked for it cannot."""
        function, arguments = self.target(what)
        c = self.conns["a"]
        self.script.append(f"a: as {approver}: SELECT paysafe.{function}({arguments});")
        try:
            c.execute("BEGIN")
            c.execute(f"SELECT paysafe.act_as('{approver}')")
            got = c.execute(f"SELECT paysafe.{function}({arguments})").fetchall()[0][0]
            c.execute("COMMIT")
        except psycopg.Error as e:
            c.execute("ROLLBACK")
            if approver != proposer:
                raise Found("challenge", f"{e.sqlstate} {e}: {what} for {approver}") from e
            return False
        k = self.rng.choice(self.active(approver))
        codes = "42501" if approver == proposer else ""
        done = not self.hand_in(what, k.answer(got["publicKey"]["challenge"]), codes)
        if done:
            k.accepted = k.counter
        return done

    def lose(self) -> None:
        """A passkey is revoked: at once, for ever, with what it has approved."""
        if len(self.holders()) < 3:
            return
        k = self.rng.choice(self.active())
        self.must(f"SELECT paysafe.revoke_passkey({k.number}, 'lost')", True, "", "owner")
        self.gone(k)
        if self.chance(0.3):
            again = self.call("add_passkey", k)
            self.as_("clerk", f"SELECT paysafe.propose('again');\nSELECT {again}", "23505", "owner")

    def gone(self, k: Key) -> None:
        k.revoked = True
        self.b.approvals = [a for a in self.b.approvals if a.key is not k]

    def meanwhile(self) -> None:
        """Two sessions: one challenge twice, or a passkey that is revoked while it approves."""
        i = self.request()
        some = [n for n in self.holders() if n not in self.requesters(str(i))]
        if not some:
            return
        name = self.rng.choice(some)
        one = self.challenge(str(i), name)
        if one is None:
            return
        k = self.rng.choice(self.active(name))
        answer = k.answer(one.text)
        self.hand_in(one.what, answer, "", "b", "")
        revoke = len(self.holders()) > 2 and self.chance(0.5)
        if not revoke:
            self.hand_in(one.what, answer, "55P03")
        else:
            sql = f"BEGIN;\nSET LOCAL lock_timeout = '100ms';\nSELECT paysafe.revoke_passkey({k.number}, 'lost');\nCOMMIT"
            self.must(sql, False, "55P03", "owner")
        undone = self.chance(0.4)
        self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
        if not undone:
            one.used, k.accepted = True, k.counter
            self.b.approvals.append(Approval(one.what, name, k, one.shown))
        if revoke:
            self.must(f"SELECT paysafe.revoke_passkey({k.number}, 'lost')", True, "", "owner")
            self.gone(k)
        elif not undone:
            self.hand_in(one.what, answer, "42501")
        else:
            self.hand_in(one.what, answer, "")
            one.used, k.accepted = True, k.counter
            self.b.approvals.append(Approval(one.what, name, k, one.shown))
        self.send_it(i)

    def tighten(self) -> None:
        if not self.level:
            self.must(f"SELECT {self.threshold(self.limit, 'passkey')}", True, "", "owner")
            self.level = "passkey"

    def loosen(self) -> None:
        """A threshold that asks for passkeys is loosened by one; claims are nothing there."""
        proposer, approver = self.rng.choice(PEOPLE), self.rng.choice(self.holders())
        self.next += 1
        to, level = 100 + self.next, ""  # no two ask for the same
        if not self.level or self.chance(0.5):
            level = self.level
        call = self.threshold(to, level)
        self.as_(proposer, f"SELECT {call}", "42501", "owner")
        self.as_(proposer, f"SELECT paysafe.propose('busy');\nSELECT {call}", "", "owner")
        key = self.ask("SELECT key FROM paysafe.pending_change ORDER BY id DESC LIMIT 1")[0][0]
        if self.chance(0.4):
            claimed = self.rng.choice([p for p in PEOPLE if p != proposer])
            literal = psycopg.sql.Literal(key).as_string(None)
            sql = f"SELECT paysafe.approve('paysafe.rule', {literal}, 'x')"
            self.run(f"BEGIN;\nSELECT paysafe.act_as('{claimed}');\n{sql};\nCOMMIT")
            if not self.level:
                self.as_(proposer, f"SELECT {call}", "", "owner")
                self.limit = to
                return
            self.as_(proposer, f"SELECT {call}", "42501", "owner")
        if self.by_signature(f"paysafe.rule {key}", approver, proposer):
            self.as_(proposer, f"SELECT {call}", "", "owner")
            self.limit, self.level = to, level
        else:
            self.as_(proposer, f"SELECT {call}", "42501", "owner")

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = self.ask("SELECT id, status = 'sent', note FROM refund ORDER BY id")
        want = sorted((i, r.sent, r.note) for i, r in self.b.rows.items())
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def evidence(self) -> None:
        """What was signed can be verified again; passkeys are who has them."""
        bad = self.ask(
            "SELECT challenge FROM paysafe.passkey_assertion s WHERE paysafe.verify_passkey_assertion(challenge) IS"
            " NOT TRUE"
        )
        if bad:
            raise Found("signature", f"{len(bad)} assertions are not what was signed")
        got = sorted(
            self.ask("SELECT id, actor FROM paysafe.passkey WHERE state = 'active' ORDER BY 1")
        )
        want = sorted((k.number, k.owner) for k in self.active())
        if got != want:
            raise Found("passkeys", f"{got} are there, it should be {want}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "request": 2,
    "ask_one": 4,
    "present": 6,
    "claim": 2,
    "send": 2,
    "refund": 6,
    "edit": 1,
    "advance": 3,
    "copied": 1.5,
    "enrol": 2,
    "lose": 1,
    "meanwhile": 2,
    "tighten": 1,
    "loosen": 1.5,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of passkeys?"""
    return random.Random(f"passkeys or not {seed}").random() < 0.02
