"""Plays of the registry of people, against a model: who is one person, and who approves what.

By doc/people.md alone: people with several names and logins of their own, services, strangers; names that
change hands, people who are disabled while they act and enabled again, groups that begin and end, logins that
somebody has changed, only registered people.  They request refunds, approve and send them, and agree on
rules and on the registry itself.  A model says who may approve what, which approvals count, and at which level.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field

import psycopg

import accounts
from commands import APP, OWNER, SUPER, Found
from signing import Signer, b64

NAMES = ("Ann", "Bob", "Cy Dale", "Di", "Queue")
STRANGERS = ("clerk", "visitor")
GROUPS = ("approver", "rule_administrator")
ISSUER = "https://login.example"
Claims = dict[str, object] | None


@dataclass
class Person:
    name: str
    service: bool = False
    enabled: bool = True


@dataclass
class Login:
    role: str
    person: str
    state: str = "in force"


@dataclass
class Approval:
    row: int
    name: str
    people: frozenset[str]  # whose the name ever was
    group: bool  # was he in the group, if it was asked for?
    open: bool = True
    sure: bool = True  # is it said whether it counts?


@dataclass
class Row:
    requesters: list[str]
    sent: bool = False
    murky: bool = False
    nobody: bool = False  # nobody can tell who has requested it


@dataclass
class Books:
    """The model."""

    people: dict[str, Person] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)  # of names, folded: the person
    ever: dict[str, set[str]] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    required: bool = False
    logins: dict[str, Login] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)


class Play(accounts.Play):
    """People, what they are called, and what they agree on."""

    def features(self) -> None:
        super().features()
        self.b = Books()
        self.approvers = self.rng.choice([1, 1, 2])
        self.limit = 100
        self.next = 1
        self.next_name = 1
        self.roles: list[str] = []
        self.free: list[str] = []  # roles that are nobody's
        self.signer: Signer | None = None  # the login service, where tokens are accepted
        self.kid = ""
        self.tokens = self.chance(0.5)
        self.needs = "proven" if self.tokens and self.chance(0.4) else ""  # of who approves

    @staticmethod
    def alone(seed: int) -> bool:
        """The registry is the database's."""
        return True

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        info = self.conns["super"].info
        self.where_to = f"host={info.host} port={info.port} dbname={info.dbname}"
        self.stem = f"{info.dbname}_l"
        functions = (
            "act_as, paysafe.approve, paysafe.approve_refund, paysafe.propose, paysafe.set_refund_threshold"
            ", paysafe.add_person, paysafe.add_alias, paysafe.disable_person, paysafe.enable_person"
            ", paysafe.add_to_group, paysafe.remove_from_group, paysafe.require_registered"
        )
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO PUBLIC;\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.{functions} TO {APP}, {OWNER};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.act_as_token TO {APP};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.set_token_issuer, paysafe.set_token_key, paysafe.revoke_token_key TO {OWNER};\n"
            f"GRANT SELECT ON paysafe.pending_change, paysafe.person, paysafe.person_alias TO {APP}, {OWNER}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        self.must(
            "CREATE TABLE pay (id int PRIMARY KEY, captured numeric, currency text);\n"
            "CREATE TABLE refund (id int PRIMARY KEY, pay_id int, amount numeric, status text);\n"
            "CREATE INDEX ON refund (pay_id);\n"
            "SELECT paysafe.protect_refund('refund', 'pay', 'pay_id', 'amount', status_column => 'status', gated =>"
            " '{sent}', void => '{void}', payment_key => 'id', payment_amount_column => 'captured',"
            " payment_currency_column => 'currency');\n"
            f"SELECT {self.threshold(self.limit)};\n"
            "GRANT ALL ON pay, refund TO PUBLIC",
            True,
            "",
            "owner",
        )
        for i in range(3):
            self.role(f"{self.stem}{i}")
        self.free = list(self.roles)
        self.begin()

    def threshold(self, amount: int) -> str:
        more = f", approver_identity => '{self.needs}'" if self.needs else ""
        return f"paysafe.set_refund_threshold('refund', 'EUR', {amount}, {self.approvers}{more})"

    def role(self, name: str) -> None:
        """A login of its own, which may act for others as long as it is nobody's."""
        super_ = self.conns["super"]
        for r in (name, f"{name}_x"):
            if super_.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (r,)).fetchall():
                super_.execute(f"DROP OWNED BY {r}")
                super_.execute(f"DROP ROLE {r}")
        self.run(
            f"CREATE ROLE {name} LOGIN;\nGRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.approve TO {name}",
            "super",
        )
        self.roles.append(name)

    def close(self) -> None:
        c = self.conns["super"]
        for name, login in self.conns.items():
            if name.startswith("login "):
                login.close()
        for r in getattr(self, "roles", []):
            for name in (r, f"{r}_x"):
                try:
                    if (
                        not c.closed
                        and c.execute(
                            "SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)
                        ).fetchall()
                    ):
                        c.execute(f"DROP OWNED BY {name}")
                        c.execute(f"DROP ROLE {name}")
                except psycopg.Error:
                    pass
        super().close()

    def begin(self) -> None:
        """The first two; before them names are compared by their spelling."""
        if self.chance(0.3):
            self.request()
            self.approve()
        a, b = self.new_name(), self.new_name()
        aliases = [f"name:{a}", f"name:{b}"]
        logins = []
        if self.chance(0.8):
            role = self.free.pop()
            aliases[0] += f",login:{role}"
            logins.append((role, "Ann"))
        sql = f"SELECT paysafe.bootstrap_people('Ann', '{{{aliases[0]}}}', 'Bob', '{{{aliases[1]}}}', 'first two')"
        self.must(sql, False, "42501", "a")
        self.must(sql, True, "", "super")
        for name, alias in (("Ann", a), ("Bob", b)):
            self.registered(name, [alias])
        for role, name in logins:
            self.b.logins[role] = Login(role, name)
        self.must(sql, False, "42501 42710 55000", "super")
        if self.tokens:
            self.by_ann_and_bob(
                f"paysafe.set_token_issuer('{ISSUER}', '{{payments}}', 'our login')"
            )
            self.new_signer()
        for _ in range(self.rng.choice([0, 1, 2, 2])):
            self.add_person(True)

    def registered(self, name: str, aliases: list[str], service: bool = False) -> None:
        self.b.people[name] = Person(name, service)
        for x in (name, *aliases):
            self.give(x, name)

    def give(self, alias: str, name: str) -> None:
        """A name is somebody's from now on."""
        key = alias.lower()
        for i, r in self.b.rows.items():
            some = [a for a in self.b.approvals if a.row == i and a.open]
            if any(n.lower() == key for n in [*r.requesters, *(a.name for a in some)]):
                r.murky = r.murky or bool(some)
                for a in some:
                    a.sure = False
        self.b.owner[key] = name
        self.b.ever.setdefault(key, set()).add(name)

    def new_name(self) -> str:
        self.next_name += 1
        return f"user:{self.next_name}"

    # ------------------------------------------------------------ the model

    def person(self, name: str) -> Person | None:
        who = self.b.owner.get(name.lower())
        return self.b.people[who] if who else None

    def everybody(self, name: str) -> frozenset[str]:
        """Whom the name ever belonged to."""
        return frozenset(self.b.ever.get(name.lower(), {name.lower()}))

    def may_act(self, name: str) -> bool:
        p = self.person(name)
        if p is None:
            return not self.b.required
        return p.enabled

    def may_approve(self, name: str, group: str) -> bool:
        """Whatever it is."""
        p = self.person(name)
        if not self.may_act(name) or p is not None and p.service:
            return False
        return self.in_group(name, group)

    def in_group(self, name: str, group: str) -> bool:
        members = self.b.groups.get(group)
        p = self.person(name)
        return not members or p is not None and p.name in members

    def apart(self, one: str, other: str) -> bool:
        """Are these two people?"""
        return not self.everybody(one) & self.everybody(other)

    def names(self) -> list[str]:
        return [*self.b.owner, *STRANGERS]

    def spelled(self, name: str) -> str:
        """In one of its spellings."""
        return self.rng.choice([name, name, name.upper(), name.lower()])

    # ------------------------------------------------------------ tokens

    def by_ann_and_bob(self, call: str) -> None:
        """Who signs is declared by two; alone it is refused."""
        begin = "BEGIN;\nSELECT paysafe.act_as('Ann');\n"
        self.must(f"{begin}SELECT {call};\nCOMMIT", False, "42501", "owner")
        self.must(
            f"{begin}SELECT paysafe.propose('our login');\nSELECT {call};\nCOMMIT",
            True,
            "",
            "owner",
        )
        self.must(
            "BEGIN;\nSELECT paysafe.act_as('Bob');\nDO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM"
            " (SELECT * FROM paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$;\nCOMMIT",
            True,
            "",
        )
        self.must(f"{begin}SELECT {call};\nCOMMIT", True, "", "owner")

    def new_signer(self) -> None:
        """Another key; the one before ends, if there is one."""
        before = self.kid
        self.next_name += 1
        self.kid = f"k{self.next_name}"
        signer = Signer(f"{self.seed} {self.kid}")
        x, y = (b64(v) for v in signer.point)
        jwk = f'{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}'
        self.by_ann_and_bob(
            f"paysafe.set_token_key('{ISSUER}', '{self.kid}', 'ES256', '{jwk}', 'a key')"
        )
        self.signer = signer
        if before:
            # by somebody: where only registered people act, nobody else does
            sql = f"SELECT paysafe.revoke_token_key('{ISSUER}', '{before}', 'over')"
            self.must(f"BEGIN;\nSELECT paysafe.act_as('Ann');\n{sql};\nCOMMIT", True, "", "owner")
            old = Signer(f"{self.seed} {before}")
            self.must(
                f"SELECT paysafe.act_as_token('{self.token('Ann', before, old)}')", False, "42501"
            )

    def token(
        self, who: str, kid: str = "", signer: Signer | None = None, more: Claims = None
    ) -> str:
        """What the login service says of somebody."""
        signer = signer or self.signer
        assert signer is not None
        self.next_name += 1
        now = int(time.time())
        said = {"iss": ISSUER, "sub": who, "aud": "payments", "iat": now, "exp": now + 300}
        said |= {"jti": f"{self.schema} {self.seed} {self.next_name}"}
        said |= more or {}
        head = {"alg": "ES256", "kid": kid or self.kid, "typ": "JWT"}
        parts = [b64(json.dumps(p, separators=(",", ":")).encode()) for p in (head, said)]
        text = ".".join(parts)
        return f"{text}.{b64(signer.raw(text.encode()))}"

    def wrong_token(self) -> None:
        """One that is not accepted; one that is, once."""
        free = self.actors()
        if self.signer is None or not free:
            return
        who = self.rng.choice(free)
        now = int(time.time())
        way = self.rng.choice(
            ["exp", "nbf", "aud", "iss", "sub", "kid", "key", "jti", "twice", "undone"]
        )
        if way in ("twice", "undone"):
            use = f"BEGIN;\nSELECT paysafe.act_as_token('{self.token(who)}');\n"
            self.must(use + ("COMMIT" if way == "twice" else "ROLLBACK"), True, "")
            self.must(use + "COMMIT", way == "undone", "42501")
            if self.chance(0.5):
                self.must(use + "COMMIT", False, "42501")
            return
        wrong: dict[str, object] = {
            "exp": now - 60,
            "nbf": now + 120,
            "aud": "others",
            "iss": "https://login.example/",
            "sub": "",
            "jti": "",
        }
        other = Signer("somebody") if way == "key" else None
        text = self.token(who, "k0" if way == "kid" else "", other)
        if way in wrong:
            text = self.token(who, more={way: wrong[way]})
        self.must(f"SELECT paysafe.act_as_token('{text}')", False, "42501")

    def rotate(self) -> None:
        """The login service has another key."""
        good = all(self.b.people[n].enabled and self.in_group(n, GROUPS[1]) for n in ("Ann", "Bob"))
        if self.signer is not None and good:
            self.new_signer()

    def proven(self) -> bool:
        """Does somebody act by a token this time?"""
        return self.signer is not None and self.chance(0.6 if self.needs else 0.25)

    # ------------------------------------------------------------ who acts

    def as_(
        self, name: str, sql: str, codes: set[str], who: str = "a", proven: bool | None = None
    ) -> bool:
        """Statements of somebody in a transaction."""
        if who == "a" and not self.may_act(name):
            codes = {"42501"}
        begin = "BEGIN"
        if who == "a":
            name = self.spelled(name)
            by = self.proven() if proven is None else proven
            call = f"act_as_token('{self.token(name)}')" if by else f"act_as('{name}')"
            begin += f";\nSELECT paysafe.{call}"
        return self.must(f"{begin};\n{sql};\nCOMMIT", not codes, " ".join(codes), who)

    def session(self, role: str) -> str:
        """A session over a login."""
        who = f"login {role}"
        if who not in self.conns or self.conns[who].closed:
            c = psycopg.connect(f"{self.where_to} user={role}", autocommit=True)
            c.prepare_threshold = None
            c.execute(
                f"SET client_min_messages = error; SET lock_timeout = '5s'; SET search_path = {self.schema}"
            )
            self.conns[who] = c
        return who

    def actors(self) -> list[str]:
        """Who may act."""
        return [n for n in self.names() if self.may_act(n)]

    def somebody(self) -> str:
        return self.rng.choice(self.names())

    def human(self) -> str | None:
        """Somebody who may agree on the registry."""
        some = [n for n in self.b.owner if self.may_approve(n, "rule_administrator")]
        return self.rng.choice(some) if some else None

    # ------------------------------------------------------------ refunds

    def request(self) -> None:
        name = self.somebody()
        i, self.next = self.next, self.next + 1
        sql = f"INSERT INTO pay VALUES ({i}, 1000, 'EUR');\nINSERT INTO refund VALUES ({i}, {i}, 500, 'requested')"
        if self.as_(name, sql, set()):
            self.b.rows[i] = Row([name])

    def waiting(self) -> list[int]:
        return [i for i, r in self.b.rows.items() if not r.sent]

    def approve(self) -> None:
        """Somebody approves a refund, or is told why not."""
        some = self.waiting()
        if not some:
            return
        i = self.rng.choice(some[-3:])
        self.approve_as(i, self.somebody())

    def approve_as(self, i: int, name: str) -> bool:
        row = self.b.rows[i]
        good = self.may_approve(name, "approver")
        good = good and all(self.apart(name, r) for r in row.requesters) and not row.nobody
        before = [a for a in self.b.approvals if a.row == i and a.open]
        if any(a.people & self.everybody(name) for a in before):
            return False  # once more
        sql = f"SELECT paysafe.approve('refund', '{i}', 'seen')"
        proven = self.proven()
        good = good and (proven or not self.needs)
        if not self.as_(name, sql, set() if good else {"42501"}, "a", proven):
            return False
        self.noted(i, name, "proven" if proven else "claimed")
        return True

    def noted(self, i: int, name: str, level: str) -> None:
        self.b.approvals.append(
            Approval(i, name, self.everybody(name), bool(self.b.groups.get("approver")))
        )
        got = self.ask("SELECT identity FROM paysafe.approval ORDER BY id DESC LIMIT 1")[0][0]
        if got != level:
            raise Found("level", f"the approval by {name} is {got}, it should be {level}")

    def counts(self, a: Approval) -> bool | None:
        """Does an approval that is open count now?  None: that is not said."""
        if not a.sure:
            return None
        p = self.person(a.name)
        if p is None and self.b.required:
            return False
        if self.in_group(a.name, "approver"):
            return True
        a.sure = False  # if the group ends, or he comes into it
        return False

    def send(self) -> None:
        """The refund is paid out, if enough people have approved it."""
        some = self.waiting()
        if not some:
            return
        i = self.rng.choice(some[-4:])
        self.send_it(i)

    def send_it(self, i: int) -> None:
        row = self.b.rows[i]
        name = row.requesters[0]
        mine = [a for a in self.b.approvals if a.row == i and a.open]
        if row.murky:
            return
        if not self.may_act(name):
            free = [n for n in self.names() if self.may_act(n)]
            free = [n for n in free if not any(a.people & self.everybody(n) for a in mine)]
            if not free:
                return
            name = self.rng.choice(free)
        judged = [self.counts(a) for a in mine]
        if None in judged:
            return
        good = [a for a, ok in zip(mine, judged) if ok]
        enough = len(good) >= self.approvers
        sql = f"UPDATE refund SET status = 'sent' WHERE id = {i}"
        if self.as_(name, sql, set() if enough else {"42501"}):
            row.sent = True
            for a in mine:
                a.open = len(mine) > self.approvers  # which of them were used?
                a.sure = False

    def refund(self) -> None:
        """All of it: somebody requests, others approve, it is sent."""
        self.request()
        some = self.waiting()
        if not some:
            return
        for _ in range(self.rng.choice([1, 2, 3])):
            self.approve_as(some[-1], self.somebody())
        if self.chance(0.3):
            self.between()
        self.send_it(some[-1])

    def between(self) -> None:
        """Something happens to those who have approved."""
        for a in self.b.approvals[-1:]:
            p = self.person(a.name)
            way = self.rng.choice(["off", "off", "group", "group", "out", "move"])
            if way == "off" and p is not None:
                self.disable(p.name)
                if self.chance(0.5):
                    self.enable(p.name)
            elif way == "group":
                self.join("approver", p.name if p else "")
            elif way == "out" and p is not None:
                self.leave()
            elif way == "move":
                self.alias(a.name)

    # ------------------------------------------------------------ the registry

    def two(self, sql: str, proposer: str = "", approver: str = "") -> bool:
        """A change of the registry: not alone; by two, if the second one may."""
        self.next_name += 1
        sql = sql.replace("'why'", f"'why {self.next_name}'")
        proposer = proposer or self.rng.choice(
            [n for n in self.names() if self.may_act(n)] or ["clerk"]
        )
        approver = approver or self.rng.choice(
            [self.human() or "clerk", self.human() or "clerk", self.somebody()]
        )
        if not self.may_act(proposer):
            return False
        self.as_(proposer, f"SELECT {sql}", {"42501"})
        good = self.person(approver) is not None and self.may_approve(
            approver, "rule_administrator"
        )
        good = good and self.apart(proposer, approver)
        self.as_(proposer, f"SELECT paysafe.propose('needed');\nSELECT {sql}", set())
        # what is asked for is said once; nobody has two that are alike
        asked = "FROM paysafe.pending_change WHERE rule = 'people' ORDER BY id DESC LIMIT 1"
        done = self.as_(
            approver,
            f"DO $$BEGIN PERFORM paysafe.approve(approved_as, key, 'agreed') FROM (SELECT * {asked}) x; END$$",
            set() if good else {"42501"},
        )
        if not done:
            return False
        return self.as_(proposer, f"SELECT {sql}", set())

    def good_two(self) -> tuple[str, str]:
        """Two who may agree on the registry; or nobody."""
        some = [n for n in self.b.owner if self.may_approve(n, "rule_administrator")]
        pairs = [(a, b) for b in some for a in self.b.owner if self.may_act(a) and self.apart(a, b)]
        return self.rng.choice(pairs) if pairs else ("", "")

    def add_person(self, surely: bool = False) -> None:
        free = [n for n in NAMES if n not in self.b.people]
        if not free:
            return
        name = free[0]
        alias = self.rng.choice([self.new_name(), self.new_name(), "visitor"])
        if alias in self.b.owner:
            alias = self.new_name()
        service = name == "Queue"
        more, role = "", ""
        if self.free and self.chance(0.5):
            role = self.free.pop()
            more = f",login:{role}"
        call = (
            f"paysafe.add_person('{name}', 'why', '{{name:{alias}{more}}}', {str(service).lower()})"
        )
        if self.two(call, *(self.good_two() if surely else ())):
            self.registered(name, [alias], service)
            if role:
                self.b.logins[role] = Login(role, name)
        elif role:
            self.free.append(role)

    def alias(self, moved: str = "") -> None:
        """One more name; or one that was somebody else's, whose open approvals end."""
        p = self.rng.choice(list(self.b.people.values()))
        own = {x.lower() for x in self.b.people}
        others = [n for n, o in self.b.owner.items() if o != p.name and n not in own]
        name = self.rng.choice([self.new_name(), *others, "visitor"])
        surely = moved in others
        if surely:
            name = moved
        if self.b.owner.get(name) == p.name:
            return
        call = f"paysafe.add_alias('{p.name}', 'name', '{name}', 'why')"
        if not self.two(call, *(self.good_two() if surely else ())):
            return
        loser = self.b.owner.get(name)
        if loser:
            self.end_of(loser)
        self.give(name, p.name)

    def end_of(self, person: str) -> int | None:
        """His open approvals end; how many, if that is known."""
        n: int | None = 0
        for a in self.b.approvals:
            if a.open and person in a.people:
                if not a.sure or self.b.owner.get(a.name.lower()) != person:
                    n = None
                elif n is not None:
                    n += 1
                if self.b.owner.get(a.name.lower()) == person:
                    a.open = False
                else:
                    a.sure = False
        return n

    def disable(self, name: str = "") -> None:
        """At once, by one; who is in the middle of something hears of it."""
        some = [p for p in self.b.people.values() if p.enabled]
        if not some or not self.actors():
            return  # nobody is left
        if len([p for p in some if not p.service]) < 3 and self.chance(0.7) and not name:
            return
        p = self.b.people[name] if name else self.rng.choice(some)
        if not p.enabled:
            return
        by = self.rng.choice(self.actors())
        call = f"paysafe.disable_person('{p.name}', 'has left')"
        his = [n for n, o in self.b.owner.items() if o == p.name]
        open_one = self.rng.choice(his) if self.chance(0.5) else ""
        if open_one:
            i, self.next = self.next, self.next + 1
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('{open_one}');\nINSERT INTO pay VALUES ({i}, 1, 'EUR')",
                True,
                "",
                "b",
            )
        self.script.append(f"a: as {by}: SELECT {call};")
        c = self.conns["a"]
        try:
            c.execute("BEGIN")
            c.execute(f"SELECT paysafe.act_as('{by}')")
            got = c.execute(f"SELECT {call}").fetchall()[0][0]
            c.execute("COMMIT")
        except psycopg.Error as e:
            c.execute("ROLLBACK")
            raise Found("legitimate", f"{e.sqlstate} {e}: {call} by {by}") from e
        p.enabled = False
        n = self.end_of(p.name)
        if n is not None and got != n:
            raise Found("disabled", f"{call} says that {got} approvals ended, there were {n}")
        if open_one:
            j, self.next = self.next, self.next + 1
            sql = f"INSERT INTO refund VALUES ({j}, {i}, 1, 'requested')"
            self.must(sql, False, "42501", "b")

    def enable(self, name: str = "") -> None:
        some = [p.name for p in self.b.people.values() if not p.enabled]
        if not some:
            return
        surely = name != "" and self.chance(0.8)
        name = name or self.rng.choice(some)
        who = self.good_two() if surely else ()
        if self.two(f"paysafe.enable_person('{name}', 'why')", *who):
            self.b.people[name].enabled = True

    def approving(self) -> None:
        """Somebody is disabled while he approves: what he approves does not count."""
        some = self.waiting()
        good = [
            n
            for n in self.b.owner
            if some
            and self.may_approve(n, "approver")
            and all(self.apart(n, r) for r in self.b.rows[some[-1]].requesters)
            and not self.b.rows[some[-1]].nobody
        ]
        if not good or len([p for p in self.b.people.values() if p.enabled]) < 3:
            return
        i, name = some[-1], self.rng.choice(good)
        others = [n for n in good if self.apart(n, name)]
        if self.approvers == 2 and others:
            self.approve_as(i, self.rng.choice(others))
        p = self.person(name)
        assert p is not None
        if any(a.row == i and p.name in a.people for a in self.b.approvals):
            return
        whoever = [n for n in self.actors() if self.apart(n, name)]
        if not whoever:
            return
        sql = f"SELECT paysafe.approve('refund', '{i}', 'seen')"
        call = f"act_as_token('{self.token(name)}')" if self.needs else f"act_as('{name}')"
        self.must(f"BEGIN;\nSELECT paysafe.{call};\n{sql}", True, "", "b")
        by = self.rng.choice(whoever)
        call = f"SELECT paysafe.disable_person('{p.name}', 'has left')"
        begin = f"BEGIN;\nSET LOCAL lock_timeout = '100ms';\nSELECT paysafe.act_as('{by}')"
        code = self.run(f"{begin};\n{call};\nCOMMIT", "a")
        self.run("COMMIT", "b")
        if code == "55P03":
            self.as_(by, call, set())
        elif code:
            raise Found("legitimate", f"{code}: {call}")
        p.enabled = False
        self.end_of(p.name)
        if not code:
            # what came after it counts for nothing, and may be ended another time
            self.b.approvals.append(Approval(0, name, self.everybody(name), True, True, False))
        if self.chance(0.8):
            self.enable(p.name)
        self.send_it(i)

    def join(self, group: str = "", but: str = "") -> None:
        """A group; from its first member on it is asked for."""
        surely = group != ""
        group = group or self.rng.choice(GROUPS)
        members = self.b.groups.setdefault(group, set())
        some = [p.name for p in self.b.people.values() if p.name not in members and not p.service]
        some = [n for n in some if n != but]
        if not some:
            return
        name = self.rng.choice(some)
        who = self.good_two() if surely else ()
        if self.two(f"paysafe.add_to_group('{name}', '{group}', 'why')", *who):
            if group == "approver":
                for a in self.b.approvals:
                    p = self.person(a.name)
                    if a.open and p is not None and p.name == name and members:
                        a.sure = False  # it did not count, and now?
            members.add(name)

    def leave(self) -> None:
        """Out of it at once; the last one by two."""
        some = [(g, n) for g, m in self.b.groups.items() for n in sorted(m)]
        if not some:
            return
        group, name = self.rng.choice(some)
        members = self.b.groups[group]
        call = f"paysafe.remove_from_group('{name}', '{group}', 'why')"
        if len(members) == 1:
            if self.two(call):
                members.discard(name)
                for a in self.b.approvals:
                    a.sure = a.sure and group != "approver"
            return
        if not self.actors():
            return
        by = self.rng.choice(self.actors())
        if self.as_(by, f"SELECT {call}", set()):
            members.discard(name)

    def only(self) -> None:
        """Only registered people act, at once; everybody again by two."""
        if not self.b.required:
            some = [n for n in self.b.owner if self.may_act(n)]
            if not some:
                return
            by = self.rng.choice(some)
            if len([p for p in self.b.people.values() if p.enabled and not p.service]) < 2:
                self.as_(by, "SELECT paysafe.require_registered(true, 'audit')", {"55000"})
                return
            if self.as_(by, "SELECT paysafe.require_registered(true, 'audit')", set()):
                self.b.required = True
                sql = "INSERT INTO refund VALUES (0, 1, 1, 'requested')"
                self.must(sql, False, "42501 23R01 23R06", "a")
            return
        if self.two("paysafe.require_registered(false, 'why')"):
            self.b.required = False
            for a in self.b.approvals:
                a.sure = a.sure and self.person(a.name) is not None

    # ------------------------------------------------------------ logins

    def add_login(self) -> None:
        """A login is somebody's; or is confirmed as it is now."""
        changed = [x for x in self.b.logins.values() if x.state != "in force"]
        if changed and self.chance(0.7):
            x = self.rng.choice(changed)
            if x.state == "renamed":
                return
            call = f"paysafe.add_alias('{x.person}', 'login', '{x.role}', 'why')"
            if self.two(call):
                x.state = "in force"
            return
        if not self.free:
            return
        role = self.free[-1]
        p = self.rng.choice(list(self.b.people.values()))
        if self.two(f"paysafe.add_alias('{p.name}', 'login', '{role}', 'why')"):
            self.b.logins[self.free.pop()] = Login(role, p.name)

    def change_login(self) -> None:
        """Somebody changes a role; what only sets something is none."""
        some = [x for x in self.b.logins.values() if x.state == "in force"]
        if not some:
            return
        x = self.rng.choice(some)
        r = x.role
        way = self.rng.choice(["password", "until", "grant", "set", "no", "rename", "into"])
        sql = {
            "password": f"ALTER ROLE {r} PASSWORD 'new'",
            "until": f"ALTER ROLE {r} VALID UNTIL 'infinity'",
            "grant": f"GRANT pg_monitor TO {r}",
            "into": f"GRANT {r} TO {APP};\nREVOKE {r} FROM {APP}",
            "set": f"ALTER ROLE {r} SET work_mem = '4MB'",
            "no": f"ALTER ROLE {r} NOCREATEDB",
            "rename": f"ALTER ROLE {r} RENAME TO {r}_x",
        }[way]
        self.must(sql, True, "", "super")
        if way == "rename":
            x.state = "renamed"
        elif way not in ("set", "into"):
            x.state = "changed"
        for a in self.b.approvals:
            a.sure = a.sure and a.name != x.person  # what came over it before
        if way == "into":
            return
        got = self.ask(
            f"SELECT state FROM paysafe.person_alias WHERE kind = 'login' AND value = '{r}'"
        )
        if [s for (s,) in got] != [x.state] and not self.b.people[x.person].service:
            raise Found("login", f"after {sql} the login is {got}, it should be {x.state}")
        if self.chance(0.7):
            self.request()
        self.by_login(x)

    def by_login(self, x: Login | None = None) -> None:
        """Over a login of his own somebody is himself, and nobody else."""
        if x is None:
            if not self.b.logins:
                return
            x = self.rng.choice(list(self.b.logins.values()))
        p = self.b.people[x.person]
        if x.state == "renamed":
            return
        who = self.session(x.role)
        acts = p.enabled
        other = self.rng.choice(self.names())
        mine = self.b.owner.get(other) == p.name
        if self.chance(0.5):
            sql = f"BEGIN;\nSELECT paysafe.act_as('{other}');\nCOMMIT"
            # that of a service claims whom it wants, whatever was changed
            claims = self.may_act(other) if p.service else mine
            self.must(sql, claims and acts, "42501", who)
        if self.chance(0.4):
            i, self.next = self.next, self.next + 1
            sql = f"INSERT INTO pay VALUES ({i}, 1000, 'EUR');\nINSERT INTO refund VALUES ({i}, {i}, 500, 'requested')"
            if self.must(f"BEGIN;\n{sql};\nCOMMIT", acts, "42501", who):
                self.b.rows[i] = Row([p.name], nobody=p.service or x.state != "in force")
        some = self.waiting()
        if not some:
            return
        apart = [i for i in some if all(self.apart(p.name, r) for r in self.b.rows[i].requesters)]
        i = self.rng.choice((apart if self.chance(0.8) and apart else some)[-3:])
        good = acts and not p.service and self.in_group(p.name, "approver")
        good = good and (x.state == "in force")
        good = good and all(self.apart(p.name, r) for r in self.b.rows[i].requesters)
        good = good and not self.b.rows[i].nobody and not self.needs
        if any(a.row == i and a.open and a.people & {p.name} for a in self.b.approvals):
            return
        sql = f"SELECT paysafe.approve('refund', '{i}', 'seen')"
        if self.chance(0.5):  # by his name, too
            sql = f"SELECT paysafe.act_as('{p.name}');\n{sql}"
        if self.must(f"BEGIN;\n{sql};\nCOMMIT", good, "42501", who):
            self.noted(i, p.name, "session")

    def borrowed(self) -> None:
        """Who has become a registered person's role is nobody by that."""
        some = self.waiting()
        if not self.b.logins or not some:
            return
        x = self.rng.choice([y for y in self.b.logins.values() if y.state != "renamed"] or [None])
        if x is None:
            return
        how = self.rng.choice(["SESSION AUTHORIZATION", "ROLE"])
        back = "RESET SESSION AUTHORIZATION" if how != "ROLE" else "RESET ROLE"
        sql = f"SELECT paysafe.approve('refund', '{some[-1]}', 'seen')"
        self.must(f"SET {how} {x.role}", True, "", "super")
        self.must(sql, False, "42501", "super")
        self.must(back, True, "", "super")

    # ------------------------------------------------------------ rules

    def rule(self) -> None:
        """A threshold is raised by two, whoever they are called."""
        one, other = self.somebody(), self.somebody()
        self.next_name += 1
        to = 100 + self.next_name  # no two ask for the same
        if not self.may_act(one) or to > 400:
            return
        c = f"SELECT {self.threshold(to)}"
        self.must(
            f"BEGIN;\nSELECT paysafe.act_as('{one}');\nSELECT paysafe.propose('busy');\n{c};\nCOMMIT",
            True,
            "",
            "owner",
        )
        good = self.may_approve(other, "rule_administrator") and self.apart(one, other)
        sql = (
            "DO $$BEGIN PERFORM paysafe.approve('paysafe.rule', key, 'agreed') FROM (SELECT * FROM"
            " paysafe.pending_change ORDER BY id DESC LIMIT 1) x; END$$"
        )
        proven = self.proven()
        if not self.as_(other, sql, set() if good else {"42501"}, "a", proven):
            return
        if self.needs and not proven:
            # it takes as much as the threshold asks for; what was approved stays open
            self.b.approvals.append(Approval(0, other, self.everybody(other), True))
            self.must(
                f"BEGIN;\nSELECT paysafe.act_as('{one}');\n{c};\nCOMMIT", False, "42501", "owner"
            )
            return
        self.must(f"BEGIN;\nSELECT paysafe.act_as('{one}');\n{c};\nCOMMIT", True, "", "owner")
        self.limit = to

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = self.ask("SELECT id, status = 'sent' FROM refund ORDER BY id")
        want = sorted((i, r.sent) for i, r in self.b.rows.items())
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def fewer(self) -> None:
        """Members of the group are disabled until too few are left, perhaps."""
        for name in sorted(self.b.groups.get("approver", ())):
            if self.chance(0.7):
                self.disable(name)

    def evidence(self) -> None:
        b = self.b
        if self.chance(0.4):
            self.fewer()
        people = self.ask("SELECT name FROM paysafe.person ORDER BY 1")
        if sorted(n for (n,) in people) != sorted(b.people):
            raise Found("people", f"{people} are registered, it should be {sorted(b.people)}")
        bad = self.ask(
            "SELECT check_name, subject, detail FROM paysafe.check() WHERE NOT ok AND subject LIKE"
            f" '{self.schema}.%'"
        )
        few = [r for r in bad if r[0] == "approvers"]
        bad = [r for r in bad if r[0] not in ("statuses", "captured", "approvers")]
        if bad:
            raise Found("check", f"check() says {bad}")
        members = [n for n in b.groups.get("approver", ()) if b.people[n].enabled]
        if bool(few) != (bool(b.groups.get("approver")) and len(members) < self.approvers):
            raise Found(
                "check", f"{members} are left who can approve, it takes {self.approvers}: {few}"
            )

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)
        self.evidence()


ACTS: dict[str, float] = {
    "request": 3,
    "approve": 4,
    "send": 3,
    "refund": 8,
    "add_person": 4,
    "alias": 4,
    "disable": 2,
    "enable": 1.5,
    "approving": 2,
    "join": 2,
    "leave": 1,
    "only": 1,
    "add_login": 2,
    "change_login": 2,
    "by_login": 4,
    "borrowed": 0.7,
    "rule": 2,
    "wrong_token": 2,
    "rotate": 0.7,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of the registry?"""
    return random.Random(f"registry or not {seed}").random() < 0.035
