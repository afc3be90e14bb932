"""Plays of signals and decisions, against a model: what is raised is on record, once, and read, once.

By doc/signals.md alone: signals and decisions of transactions that are committed, undone, undone in part, prepared, only
read, or whose backend is ended; those of limits and of refunds just below a threshold; refusals and approvals, which are
decisions.  Somebody reads signals one after the other meanwhile, a few at a time, while transactions are open.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg

import accounts
from commands import APP, OWNER, Found

SEVERITIES = ("info", "warning", "critical")
SUBJECTS = ("{192.0.2.7}", "{ann,DE}", "{ann}")
STEPS = (1, 3, 10)  # of a requester's refunds just below a threshold
WAIT = 120.0  # for the worker


@dataclass(frozen=True)
class Sign:
    kind: str
    severity: str
    subject: str
    actor: str | None
    request: str | None
    business: str | None
    figures: str


@dataclass(frozen=True)
class Decided:
    name: str
    outcome: str
    digest: str
    actor: str | None
    business: str | None
    version: str


@dataclass
class Work:
    """What a transaction has said."""

    signs: list[Sign] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)


class Play(accounts.Play):
    """What should be seen."""

    def features(self) -> None:
        super().features()
        self.done = Work()
        self.running: Work | None = None  # what session b has said
        self.cursor: str | None = None
        self.read: list[str] = []
        self.count_of = 0
        self.near: Counter[str] = Counter()
        self.refused = 0
        self.approved = 0
        self.short = self.chance(0.5)  # is what has passed soon forgotten?
        self.limited: dict[str, int] = {}
        self.flooded: dict[str, int] = {}
        self.next = 1

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP};\n"
            "GRANT EXECUTE ON FUNCTION paysafe.act_as, paysafe.signal, paysafe.decide, paysafe.approve, paysafe.throttle"
            f" TO {APP};\n"
            f"GRANT EXECUTE ON FUNCTION paysafe.set_throttle TO {OWNER}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        within = ", within => '1 microsecond'" if self.short else ""
        self.must(
            "CREATE TABLE pay (id int PRIMARY KEY, captured numeric, currency text);\n"
            "INSERT INTO pay SELECT i, 100000, 'EUR' FROM generate_series(1, 200) i;\n"
            "CREATE TABLE refund (id int PRIMARY KEY, pay_id int, amount numeric, status text);\n"
            "CREATE INDEX ON refund (pay_id);\n"
            "SELECT paysafe.protect_refund('refund', 'pay', 'pay_id', 'amount', status_column => 'status', gated =>"
            " '{sent}', void => '{void}', payment_key => 'id', payment_amount_column => 'captured',"
            " payment_currency_column => 'currency');\n"
            f"SELECT paysafe.set_refund_threshold('refund', 'EUR', 100{within});\n"
            f"SELECT paysafe.set_throttle('{self.schema}', 1, '1 hour', 'guessed', per => '{{user}}', burst => 2);\n"
            f"GRANT ALL ON refund, pay TO {APP}",
            True,
            "",
            "owner",
        )
        # those of plays before
        self.cursor = None
        while rows := self.ask(f"SELECT cursor FROM paysafe.signals({self.literal(self.cursor)})"):
            self.cursor = rows[-1][0]

    @staticmethod
    def literal(text: str | None) -> str:
        return "NULL" if text is None else str(psycopg.sql.Literal(text).as_string(None))

    # ------------------------------------------------------------ who says what

    def named(self) -> tuple[str, str | None, str | None, str | None]:
        """Who acts, in which request, about which order."""
        if self.chance(0.15):
            return "SELECT 1", APP, None, None  # the login
        actor = self.rng.choice(["ann", "bob"]) + f" {self.schema}"
        self.count_of += 1
        request = f"r {self.schema} {self.count_of}"
        business = f"order {self.schema} {self.rng.randint(1, 3)}"
        call = f"SELECT paysafe.act_as('{actor}', request_id => '{request}', business_id => '{business}')"
        return call, actor, request, business

    def sign(self, who: tuple[str, str | None, str | None, str | None]) -> tuple[str, Sign]:
        _, actor, request, business = who
        self.count_of += 1
        kind = self.rng.choice(["odd", "card_testing"])
        severity, subject = self.rng.choice(SEVERITIES), self.rng.choice(SUBJECTS)
        figures = f'{{"n": {self.count_of}}}'
        more = ""
        if self.chance(0.3):  # said here, and not by act_as
            business = f"order {self.schema} {self.rng.randint(4, 5)}"
            more = f", business_id => '{business}'"
        sql = (
            f"SELECT paysafe.signal('{kind}', '{subject}', '{severity}', '{self.schema}', '{figures}'{more})"
        )
        return sql, Sign(kind, severity, subject, actor, request, business, figures)

    def decision(self, who: tuple[str, str | None, str | None, str | None]) -> tuple[str, Decided]:
        _, actor, _, business = who
        self.count_of += 1
        name, outcome = "screening", self.rng.choice(["declined", "passed"])
        text = f"what was sent {self.count_of}"
        version = f"{self.schema} {self.count_of}"
        sql = (
            f"DO $$BEGIN IF paysafe.decide('{name}', '{outcome}', '{text}', '{{\"n\": 1}}', '{version}') <> sha256('{text}')"
            " THEN RAISE 'another hash'; END IF; END$$"
        )
        digest = hashlib.sha256(text.encode()).hexdigest()
        return sql, Decided(name, outcome, digest, actor, business, version)

    def said(self, who: tuple[str, str | None, str | None, str | None], work: Work) -> list[str]:
        """One thing or two, perhaps in savepoints."""
        out = []
        for _ in range(self.rng.choice([1, 1, 2])):
            if self.chance(0.7):
                sql, sign = self.sign(who)
                work.signs.append(sign)
            else:
                sql, decided = self.decision(who)
                work.decided.append(decided)
            way = self.rng.choice(["", "", "undone", "kept", "inner", "caught"])
            if way == "undone":
                out += ["SAVEPOINT s", sql, "ROLLBACK TO s"]
            elif way == "kept":
                out += ["SAVEPOINT s", sql, "RELEASE s"]
            elif way == "inner":
                out += ["SAVEPOINT s", "SAVEPOINT t", sql, "RELEASE t", "ROLLBACK TO s"]
            elif way == "caught" and sql.startswith("SELECT"):
                perform = "PERFORM" + sql.removeprefix("SELECT")
                out.append(
                    f"DO $$BEGIN BEGIN {perform}; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END; END$$"
                )
            else:
                out.append(sql)
        return out

    def keep(self, work: Work) -> None:
        self.done.signs += work.signs
        self.done.decided += work.decided

    # ------------------------------------------------------------ acts

    def say(self) -> None:
        """Whatever becomes of the transaction, it is said."""
        who, work = self.named(), Work()
        begin = self.rng.choice(
            ["BEGIN", "BEGIN", "BEGIN READ ONLY", "BEGIN ISOLATION LEVEL SERIALIZABLE"]
        )
        steps = [begin, who[0], *self.said(who, work)]
        end = self.rng.choice(["COMMIT", "ROLLBACK", "SELECT 1 / 0"])
        self.must(";\n".join([*steps, end]), "0" not in end, "22012")
        self.keep(work)

    def prepare(self) -> None:
        """What is prepared is said if it is committed."""
        who, work = self.named(), Work()
        steps = ["BEGIN", who[0]]
        for _ in range(2):
            sql, sign = self.sign(who)
            steps.append(sql)
            work.signs.append(sign)
        name = f"{self.schema} {self.count_of}"
        self.must(";\n".join([*steps, f"PREPARE TRANSACTION '{name}'"]), True, "")
        if self.chance(0.5):
            self.say()
            self.look_on()
        end = self.rng.choice(["COMMIT", "ROLLBACK"])
        self.must(f"{end} PREPARED '{name}'", True, "")
        if end == "COMMIT":
            self.keep(work)

    def begin(self) -> None:
        """A transaction that is open while others come and go."""
        if self.running is not None:
            self.let_go()
            return
        who, self.running = self.named(), Work()
        steps = ["BEGIN", who[0]]
        if self.chance(0.5):  # it has a number, and says something later
            steps.append(f"INSERT INTO pay VALUES ({1000 + self.count_of}, 1, 'EUR')")
        self.who = who
        if len(steps) == 2 or self.chance(0.5):
            steps += self.said(who, self.running)
        self.must(";\n".join(steps), True, "", "b")

    def let_go(self) -> None:
        """It says something more, and ends; or it is ended."""
        if self.running is None:
            return
        work, self.running = self.running, None
        if self.chance(0.6):
            self.must(";\n".join(self.said(self.who, work)), True, "", "b")
        if self.chance(0.2):
            info = self.conns["b"].info
            self.script.append("super: the backend of b is ended;")
            self.ask(f"SELECT pg_terminate_backend({info.backend_pid}, 5000)")
            where = f"host={info.host} port={info.port} dbname={info.dbname} user={info.user}"
            self.conns["b"].close()
            c = psycopg.connect(where, autocommit=True)
            c.prepare_threshold = None
            c.execute(
                f"SET client_min_messages = error; SET lock_timeout = '5s'; SET search_path = {self.schema}"
            )
            self.conns["b"] = c
        else:
            self.must(self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"]), True, "", "b")
        self.keep(work)

    def look_on(self) -> None:
        """Who reads goes on from where he was."""
        for _ in range(self.rng.choice([1, 3])):
            self.next_ones(self.rng.choice([1, 2, 5, 1000]))

    def next_ones(self, limit: int) -> int:
        rows = self.ask(
            "SELECT cursor, segment, figures ->> 'n' FROM"
            f" paysafe.signals({self.literal(self.cursor)}, {limit})"
        )
        for cursor, segment, n in rows:
            self.cursor = cursor
            if segment == self.schema and n is not None:
                self.read.append(n)
        return len(rows)

    def flood(self) -> None:
        """More than a thousand of one transaction, which is undone."""
        self.count_of += 1
        kind = f"flood_{self.schema}_{self.count_of}"
        n = self.rng.choice([900, 1100, 1700])
        sql = f"SELECT count(paysafe.signal('{kind}', segment => '{self.schema}')) FROM generate_series(1, {n})"
        self.must(f"BEGIN;\n{sql};\nROLLBACK", True, "")
        self.flooded[kind] = n

    # ------------------------------------------------------------ paysafe's own

    def near_it(self) -> None:
        """Refunds of about a threshold, that nobody has approved."""
        actor = self.rng.choice(["ann", "bob"]) + f" {self.schema}"
        for _ in range(self.rng.choice([1, 2, 3])):
            i, self.next = self.next, self.next + 1
            pay = i if not self.short or self.chance(0.5) else 200
            amount = self.rng.choice([79, 80, 90, 100, 100, 101])
            sql = f"INSERT INTO refund VALUES ({i}, {pay}, {amount}, 'sent')"
            end = self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
            text = f"BEGIN;\nSELECT paysafe.act_as('{actor}');\n{sql};\n{end}"
            if not self.must(text, amount <= 100, "42501"):
                self.refused += 1
            elif amount >= 80:
                self.just_below(actor, f"{pay}")

    def just_below(self, actor: str, pay: str) -> None:
        self.near[actor] += 1
        self.near[pay] += 1
        n, m = self.near[actor], self.near[pay]
        if n in STEPS or m in STEPS[1:]:
            severity = "warning" if n >= 3 or m >= 3 else "info"
            figures = json.dumps([n, m])
            self.done.signs.append(
                Sign("structuring", severity, f"{{{actor}}}", actor, None, None, figures)
            )

    def approve(self) -> None:
        """What is approved is a decision, and no signal."""
        i, self.next = self.next, self.next + 1
        by = f"BEGIN;\nSELECT paysafe.act_as('carl {self.schema}')"
        self.must(f"{by};\nINSERT INTO refund VALUES ({i}, {i}, 150, 'requested');\nCOMMIT", True, "")
        by = f"BEGIN;\nSELECT paysafe.act_as('dora {self.schema}')"
        self.must(f"{by};\nSELECT paysafe.approve('refund', '{i}', 'seen');\nCOMMIT", True, "")
        self.approved += 1
        if self.chance(0.5):
            self.must(
                f"{by};\nUPDATE refund SET status = 'sent' WHERE id = {i};\nCOMMIT", True, ""
            )

    def limit(self) -> None:
        """Who comes too often is a signal, the first time."""
        user = self.rng.choice(["x", "y"])
        for _ in range(self.rng.choice([1, 3])):
            sql = f"SELECT allowed FROM paysafe.throttle('{self.schema}', '{{\"user\": \"{user}\"}}')"
            end = self.rng.choice(["COMMIT", "ROLLBACK"])
            self.must(f"BEGIN;\n{sql};\n{end}", True, "")
            self.limited[user] = self.limited.get(user, 0) + 1

    # ------------------------------------------------------------ judging

    def wanted(self) -> Counter[Sign]:
        out = Counter(self.done.signs)
        for user, n in self.limited.items():
            if n > 2:
                out[Sign("throttled", "warning", f"{{{user}}}", None, None, None, "")] += 1
        return out

    def on_record(self) -> Counter[Sign]:
        """What is there, in the words of the model."""
        subjects = {s.subject for s in self.wanted()}
        names = {}
        for s in subjects:
            array = psycopg.sql.Literal(s).as_string(None)
            got = self.ask(f"SELECT paysafe.signal_subject(VARIADIC {array}::text[])")[0][0]
            names[bytes(got)] = s
        out: Counter[Sign] = Counter()
        for kind, severity, subject, actor, request, business, figures, n in self.ask(
            "SELECT kind, severity, subject, actor, request_id, business_id, figures, count FROM paysafe.signal WHERE"
            f" segment IN ('{self.schema}', '{self.schema}.refund') AND kind !~ '^flood'"
        ):
            words = json.dumps(figures)
            if kind == "structuring":
                words = json.dumps([figures["of_requester"], figures["of_payment"]])
            elif kind == "throttled":
                words, actor = "", None
            who = names.get(bytes(subject or b""), "?")
            out[Sign(kind, severity, who, actor, request, business, words)] += n
        return out

    def decisions(self) -> Counter[Decided]:
        out: Counter[Decided] = Counter()
        for name, outcome, digest, actor, business, version, n in self.ask(
            "SELECT name, outcome, encode(input_sha256, 'hex'), actor, business_id, version, count FROM paysafe.decision"
            f" WHERE version LIKE '{self.schema} %' AND name = 'screening'"
        ):
            out[Decided(name, outcome, digest, actor, business, version)] += n
        return out

    def floods(self) -> dict[str, int]:
        return dict(
            self.ask(
                # those beyond a thousand are of no segment
                f"SELECT kind, sum(count)::int FROM paysafe.signal WHERE kind ~ '^flood_{self.schema}_' GROUP BY 1"
            )
        )

    def others(self) -> tuple[int, int, int]:
        """Decisions that are refusals, approvals and limits."""
        return self.ask(
            "SELECT coalesce(sum(count) FILTER (WHERE outcome = 'refused' AND table_name ="
            f" '{self.schema}.refund'), 0)::int,"
            " coalesce(sum(count) FILTER (WHERE outcome = 'approved' AND table_name = 'refund'), 0)::int, coalesce(sum(count)"
            f" FILTER (WHERE outcome = 'throttled' AND detail -> 'figures' ->> 'policy' = '{self.schema}'), 0)::int FROM paysafe.decision"
        )[0]

    def evidence(self) -> None:
        self.let_go()
        until = time.monotonic() + WAIT
        signs, decided = self.wanted(), Counter(self.done.decided)
        others = (self.refused, self.approved, sum(n > 2 for n in self.limited.values()))
        while True:
            got: list[tuple[str, Any, Any]] = [
                ("signals", self.on_record(), signs),
                ("decisions", self.decisions(), decided),
                ("flood", self.floods(), self.flooded),
                ("others", self.others(), others),
            ]
            wrong = [x for x in got if x[1] != x[2]]
            more = any(
                isinstance(a, Counter) and a - b or isinstance(a, tuple) and a > b
                for _, a, b in wrong
            )
            if not wrong or more or time.monotonic() > until:
                break
            time.sleep(0.1)
        for name, a, b in wrong:
            if isinstance(a, Counter):
                raise Found(name, f"{list((a - b).elements())} too many, {list((b - a).elements())} are missing")
            raise Found(name, f"{a} are on record, it should be {b}")
        until = time.monotonic() + WAIT
        want = sorted(json.loads(s.figures)["n"] for s in self.done.signs if "n" in s.figures)
        while len(self.read) < len(want) and time.monotonic() < until:
            if not self.next_ones(1000):
                time.sleep(0.1)
        self.next_ones(1000)
        if sorted(int(n) for n in self.read) != want:
            raise Found("read", f"{self.read} were read, it should be {want}")
        self.stories()

    def stories(self) -> None:
        """All of an order."""
        for business in {s.business for s in self.done.signs if s.business}:
            got = self.ask(
                "SELECT count(*) FILTER (WHERE source = 'signal'), count(*) FILTER (WHERE source = 'decision') FROM"
                f" paysafe.story('{business}')"
            )[0]
            want = (
                sum(s.business == business for s in self.done.signs),
                sum(d.business == business for d in self.done.decided),
            )
            if got != want:
                raise Found("story", f"{got} of {business}, it should be {want}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan, look=False)
        self.evidence()


ACTS: dict[str, float] = {
    "say": 6,
    "prepare": 2,
    "begin": 4,
    "let_go": 1,
    "look_on": 5,
    "flood": 0.3,
    "near_it": 4,
    "approve": 1.5,
    "limit": 2,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of signals?"""
    return random.Random(f"signs or not {seed}").random() < 0.012
