"""Plays of a fifth sort: what a rule in observe mode puts on record is what it would have refused.

A world of one session is played under rules that are enforced, and each of its steps once more in
a twin whose rules observe, all of them or some.  What was refused there happens here, and is undone,
so that both go on from the same rows.  By doc/reference.md (Modes):

    observed     each refusal is on record here, with its SQLSTATE, although it was undone; and
                 nothing else is
    legitimate   nothing is refused here because of a rule that observes
    same         in the end both have the same rows
    enforced     the twin's rules can be enforced by its owner alone, existing rows pass, and from
                 then on each step has the same answer; the way back takes a second person
"""

from __future__ import annotations

import dataclasses
import random
import time
from typing import Any

import psycopg

import world as worlds
from commands import Finding, Found
from moves import Act, Write
from observe import snapshot_sql
from runner import Place, Play, Server
from sessions import Dead, Result, Session, Step, settle
from stories import Tellers
from world import OWNER, SHARED, Row, Rule, Table, World

ENFORCED_ONLY = ("threshold",)  # has no mode: it is part of the refund rule
LIMIT = 60.0  # seconds for making a finding short
LATEST = 120.0  # seconds after which all is on record


class Alone(Tellers):
    """One person at a time, and nothing that hangs on the clock."""

    def turn(self, free: list[int], weights: list[int]) -> int:
        return 0

    def withdraw(self, n: int) -> Act:
        return self.some_writes(n)

    def approve(self, t: Table, row: Row) -> Write:
        got = super().approve(t, row)
        while dict(got[2])["expires"] is not None:
            got = super().approve(t, row)
        self.expiring = False
        return got


def world_of(seed: int) -> World:
    """The world of a seed, for one session; balances do not move where they are observed."""
    w = worlds.make(seed, shapes=False)
    w.sessions = 1
    w.rules = [r for r in w.rules if r.kind != "balance"]
    w.late = []
    return w


def observed(rule: Rule) -> str:
    return f"{rule.sql()[:-1]}, mode => 'observe')"


class Twin:
    """The same tables once more, under rules that observe."""

    def __init__(self, world: World, place: Place, rng: random.Random) -> None:
        self.world, self.place, self.rng = world, place, rng
        place.worlds += 1
        self.schema = f"w{place.worlds}"
        self.mixed = rng.random() < 0.3  # some of the rules are enforced
        self.watching = {
            r.slot
            for r in world.rules
            if r.kind not in ENFORCED_ONLY and not (self.mixed and rng.random() < 0.5)
        }
        # a payment rule does not read a status rule that only observes
        self.watching -= {
            ("status", r.table, "")
            for r in world.rules
            if r.kind == "payment" and r.slot not in self.watching
        }
        self.parked: list[str] = []
        self.enforced = False
        self.skipping = False  # is the transaction in a state from which only ROLLBACK leads?
        self.approved = False  # approvals are not used up here
        self.wanted: list[tuple[Result, Any, Any]] = []  # steps with the time that they took
        self.open()

    def sql(self) -> list[str]:
        rules = [r.sql() for r in self.world.rules]
        out = [s for s in self.world.sql() if s not in rules]
        return out + [observed(r) if r.slot in self.watching else r.sql() for r in self.world.rules]

    def open(self) -> None:
        m = self.place.monitor
        try:
            m.do(
                f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER}; GRANT USAGE ON SCHEMA"
                f" {self.schema} TO {SHARED}; SET search_path = {self.schema}; SET ROLE {OWNER};"
                f" BEGIN; {'; '.join(self.sql())}; COMMIT; RESET ROLE"
            )
        except psycopg.Error as e:
            m.do("ROLLBACK; RESET ROLE")
            raise Found("legitimate", f"rules that observe cannot be declared: {e}") from e
        self.session: Session = self.place.session(0, SHARED, self.schema)
        self.session.plain("SET plan_cache_mode = auto")

    # ------------------------------------------------------------ steps

    def now(self) -> Any:
        return self.place.monitor.one("SELECT clock_timestamp()")

    def run(self, r: Result, step: Step) -> Result:
        got = Result(step, r.number, login=r.login)
        self.session.send(got)
        settle([self.session], self.place.monitor)
        if self.session.running is not None:
            raise Diverged  # it waits for what it has prepared itself
        return got

    def step(self, r: Result, origin: str) -> None:
        """What the other one has done, here."""
        s, step = self.session, r.step
        step = dataclasses.replace(step, sql=step.sql.replace(f"'{origin}_", f"'{self.schema}_"))
        if step.op == "kill":
            s.plain("ROLLBACK")
            s.in_tx = s.failed = self.skipping = False
            return
        if step.op == "approve":
            self.approved = self.approved or r.ok
        gid = str(step.get("gid"))
        if r.ok and step.op == "prepare" and r.tag == "PREPARE TRANSACTION":
            self.parked.append(gid.replace(f"{origin}_", f"{self.schema}_"))
        elif r.ok and step.op in ("commit_prepared", "rollback_prepared"):
            self.parked.remove(gid.replace(f"{origin}_", f"{self.schema}_"))
        if step.op == "rollback_to":
            self.skipping = False
        elif self.skipping and step.op not in ("rollback", "commit", "prepare"):
            return
        if self.skipping and r.ok:
            step, self.skipping = Step(0, "ROLLBACK", op="rollback"), False
        if self.enforced:
            self.equal(r, self.run(r, step))
        elif r.ok:
            began = self.now()
            got = self.run(r, step)
            self.wanted.append((r, began, self.now()))
            if not got.ok:
                raise Found(
                    "legitimate", f"refused with {got.sqlstate} {got.message}: {step.text()}"
                )
        else:
            self.undone(r, step)

    def equal(self, r: Result, got: Result) -> None:
        if got.sqlstate == r.sqlstate:
            return
        if self.approved and r.sqlstate == "42501":
            raise Diverged  # an approval counts here that was used up there
        raise Found(
            "enforced",
            f"{got.sqlstate or 'no refusal'} {got.message} after observing; it is"
            f" {r.sqlstate or 'none'} {r.message} where it was enforced all the time:"
            f" {r.step.text()}",
        )

    def undone(self, r: Result, step: Step) -> None:
        """What is refused there happens here, and is rolled back."""
        s = self.session
        inside = s.in_tx
        ends = step.op in ("commit", "prepare")
        began = self.now()
        if ends or not inside:
            if not inside:
                s.plain("BEGIN")
                got = self.run(r, step)
            else:
                got = Result(step, r.number)
            if got.ok and (ends or r.sqlstate == "23L02"):
                # what is judged at COMMIT is judged at PREPARE TRANSACTION
                gid = f"{self.schema}_undone"
                got = self.run(r, Step(0, f"PREPARE TRANSACTION '{gid}'", op="prepare"))
                if got.ok and got.tag != "ROLLBACK":
                    s.plain(f"ROLLBACK PREPARED '{gid}'")
            s.plain("ROLLBACK")
            s.in_tx = s.failed = False
        else:
            s.plain("SAVEPOINT undone")
            got = self.run(r, step)
            s.plain("ROLLBACK TO undone; RELEASE undone")
            s.failed = False
            self.skipping = True
        r.tag = got.sqlstate  # what it was here, if anything
        self.wanted.append((r, began, self.now()))

    # ------------------------------------------------------------ judging

    def records(self) -> list[tuple[Any, ...]]:
        return self.place.monitor.all(
            "SELECT at, sqlstate, table_name, count, message FROM paysafe.refusal_log WHERE observed"
            " AND schema_name = %s",
            (self.schema,),
        )

    def judge(self) -> None:
        """Is each refusal on record, and nothing else?"""
        limit = time.time() + LATEST
        while True:
            records = self.records()
            missing = [r for r, a, b in self.wanted if not self.on_record(r, a, b, records)]
            if not missing or time.time() > limit:
                break
            time.sleep(0.1)
        for r in missing:
            raise Found(
                "observed", f"not on record: {r.sqlstate} {r.message}: {r.step.text()}; {records}"
            )
        for r, a, b in self.wanted:
            more = [x for x in records if a <= x[0] <= b]
            if r.ok and more:
                raise Found(
                    "observed",
                    f"passes where it is enforced, and is on record: {more}: {r.step.text()}",
                )

    def on_record(self, r: Result, began: Any, ended: Any, records: list[tuple[Any, ...]]) -> bool:
        if r.ok or not r.constraint.startswith("paysafe_"):
            return True  # PostgreSQL's own
        if r.tag:
            return True  # refused here, too: by a rule that is enforced, or a constraint
        if r.step.op == "prepare" and r.sqlstate == "42501":
            return True  # no approval is used up
        if r.sqlstate == "42501" and (self.approved or r.step.op == "approve"):
            return True
        return any(x[1] == r.sqlstate and (began <= x[0] <= ended or x[3] > 1) for x in records)

    def same(self, other: str) -> None:
        m = self.place.monitor
        got = []
        for schema in (other, self.schema):
            m.do(f"SET search_path = {schema}")
            got.append(m.one(snapshot_sql(self.world)).replace(f'"{schema}.', '"'))
        if got[0] != got[1]:
            raise Found("same", f"{got[0]} where it is enforced, {got[1]} where it is observed")

    def enforce(self) -> None:
        """By the owner alone; and not back again."""
        m = self.place.monitor
        rules = [r for r in self.world.rules if r.slot in self.watching]
        m.do(f"SET search_path = {self.schema}")
        try:
            m.do(
                f"SET ROLE {OWNER}; BEGIN; {'; '.join(r.sql() for r in rules)}; COMMIT; RESET ROLE"
            )
        except psycopg.Error as e:
            m.do("ROLLBACK; RESET ROLE")
            raise Found("enforced", f"{e.sqlstate} {e}: observed rules that nothing broke") from e
        self.enforced = True
        if not rules:
            return
        rule = self.rng.choice(rules)
        try:
            m.do(
                f"SET ROLE {OWNER}; BEGIN; SELECT paysafe.act_as('anna'); {observed(rule)}; COMMIT"
            )
            raise Found("loosening", f"one person alone lets a rule observe: {observed(rule)}")
        except psycopg.Error as e:
            if e.sqlstate != "42501":
                raise Found("loosening", f"{e.sqlstate} {e}, not 42501: {observed(rule)}") from e
        finally:
            m.do("ROLLBACK; RESET ROLE")


class Diverged(Exception):
    """From here on both are different, as doc/ says."""


class Twins:
    """Plays of twins, on a server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.steps: list[Step] = []
        self.world = World(0)
        self.script: list[str] = []

    def play(self, seed: int, world: World, steps: list[Step] | None) -> Found | None:
        rng = random.Random(f"twins {seed}")
        actors = Alone(world, rng.choice([25, 40, 60]), random.Random(f"acts {seed}"))
        rest = iter(steps or ())
        place = self.server.get()
        self.steps = actors.program if steps is None else steps
        self.script = []
        try:
            p = Play(world, place)
            p.open()
            choose: Any = actors if steps is None else lambda _: next(rest, None)
            while p.can_run(0) and (step := choose(p)) is not None:
                p.step(step)
            p.end()
            p.observe(False, False, False)
            self.mirror(p, Twin(world, place, rng), rng.random())
        except Found as f:
            self.server.drop()
            return f
        except Diverged:
            self.server.drop()
        except Dead as e:
            self.server.drop()
            return Found("alive", str(e))
        return None

    def mirror(self, p: Play, twin: Twin, part: float) -> None:
        results = p.history.results
        switch = int(len(results) * (0.5 + part))  # or not at all
        self.script = [f"-- the twin: {s};" for s in twin.sql()]
        for i, r in enumerate(results):
            if i >= switch and not (twin.enforced or twin.session.in_tx or twin.parked):
                twin.judge()
                twin.enforce()
                self.script.append("-- enforced from here on")
            self.script.append(f"0: {r.step.text()}")
            if not r.ok:
                self.script.append(f"-- {r.sqlstate} {r.message}")
            twin.step(r, p.schema)
        if not twin.enforced:
            twin.judge()
        if twin.session.in_tx:
            twin.session.plain("ROLLBACK")
        for gid in twin.parked:
            p.monitor.do(f"ROLLBACK PREPARED '{gid}'")
        twin.same(p.schema)
        self.server.drop() if twin.session.failed else twin.place.give_back(twin.session)

    def one(self, seed: int, shorten: bool) -> Finding | None:
        world = world_of(seed)
        got = self.play(seed, world, None)
        if got is None:
            return None
        at = time.time()
        steps = list(self.steps)
        best, script = got, self.script
        i = len(steps) - 1
        while shorten and i >= 0 and time.time() < at + LIMIT:
            fewer = steps[:i] + steps[i + 1 :]
            again = self.play(seed, world, fewer)
            if again is not None and again.promise == got.promise:
                steps, best, script = fewer, again, self.script
            i -= 1
        text = "\n".join(script)
        return Finding(seed, best.promise, best.words, f"{text}\n-- {best.words}", at)


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of twins?"""
    return random.Random(f"twins or not {seed}").random() < 0.03
