"""Plays of rows that have owners, against a model: who writes whose.

By doc/reference.md (protect_owner) and doc/people.md alone: people with several names, which change hands, strangers,
services, logins, tokens; they add rows for themselves and for others, change, give away and delete them, one by one and
all at once, by upsert and MERGE, over a trigger that gives rows away, and after somebody else has given one away meanwhile.
Members of a group write everybody's rows, and take none over.
"""

from __future__ import annotations

import random
import threading
import time

import psycopg

import registry
from commands import OWNER, Found

GROUP = "support"
LEVELS = ("claimed", "session", "proven")
LOST = 13  # a row with this note is given away by a trigger


class Play(registry.Play):
    """Rows and their owners."""

    def features(self) -> None:
        super().features()
        self.needs = ""
        self.grouped = self.chance(0.6)
        self.identity = self.rng.choice(["claimed", "claimed", "claimed", "session"])
        if self.tokens and self.chance(0.5):
            self.identity = "proven"
        self.jobs: dict[int, tuple[str, int]] = {}
        self.b.groups[GROUP] = set()
        self.traps = self.chance(0.4)

    # ------------------------------------------------------------ tables

    def setup(self) -> None:
        super().setup()
        self.run(f"GRANT EXECUTE ON FUNCTION paysafe.act_as_token TO {OWNER}", "super")
        group = f", owner_group => '{GROUP}'" if self.grouped else ""
        trap = ""
        if self.traps:
            trap = (
                "CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.note ="
                f" {LOST} THEN NEW.owner := 'visitor'; END IF; RETURN NEW; END$$;\n"
                "CREATE TRIGGER zz_give BEFORE INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION give();\n"
            )
        self.must(
            f"CREATE TABLE job (id int PRIMARY KEY, owner {self.rng.choice(['text', 'varchar(60)'])}, note int DEFAULT 0);\n"
            f"{trap}"
            f"SELECT paysafe.protect_owner('job', 'owner'{group}, identity => '{self.identity}');\n"
            f"GRANT ALL ON job TO PUBLIC",
            True,
            "",
            "owner",
        )

    # ------------------------------------------------------------ the model

    def same(self, name: str, owner: str) -> bool:
        """Is this owner who acts by that name?"""
        mine, theirs = self.person(name), self.person(owner)
        if mine is None or theirs is None:
            return mine is theirs and name == owner
        return mine is theirs

    def member(self, name: str) -> bool:
        p = self.person(name)
        return self.grouped and p is not None and p.name in self.b.groups[GROUP]

    def may(self, name: str, before: str | None, after: str | None) -> bool:
        """May he turn a row of this owner into one of that?  "": there is none; None: it names nobody."""
        if before is None or after is None:
            return False
        if self.member(name):
            return before in ("", after) or after == "" or not self.takes(name, before, after)
        return all(not owner or self.same(name, owner) for owner in (before, after))

    def takes(self, name: str, before: str, after: str) -> bool:
        return self.same(name, after) and not self.same(name, before)

    # ------------------------------------------------------------ who acts

    def called(self, name: str) -> str:
        """In any spelling, who is registered; others are whom they spell."""
        return self.spelled(name) if self.person(name) else name

    def by(self, sql: str, good: bool, name: str = "") -> bool:
        """Somebody does it; the model says whether he may."""
        known = 2 if self.proven() else 0
        enough = known >= LEVELS.index(self.identity)
        called = self.called(name)
        call = f"act_as_token('{self.token(called)}')" if known else f"act_as('{called}')"
        who = self.rng.choice(["a", "a", "b", "owner", "super"])
        begin = f"BEGIN;\nSELECT paysafe.{call}"
        if self.chance(0.15):
            begin = f"BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT paysafe.{call}"
        if self.chance(0.2) and good and enough:
            begin += f";\nSAVEPOINT s;\n{sql};\nROLLBACK TO s"
        codes = "" if good and enough else "23J01" if enough else "23J02"
        if not self.may_act(name):
            codes = "42501"
        return self.must(f"{begin};\n{sql};\nCOMMIT", not codes, codes, who)

    def owner_for(self, name: str) -> str:
        """His own, or somebody's."""
        mine = [n for n in [name, *self.b.owner] if self.same(name, n)]
        return self.rng.choice(mine if self.chance(0.5) else self.names())

    def some(self, name: str) -> int | None:
        """A row, often one of his."""
        mine = [i for i, (o, _) in self.jobs.items() if self.same(name, o)]
        return self.rng.choice((mine if self.chance(0.5) and mine else list(self.jobs)) or [None])

    def actor(self) -> str:
        """Somebody; often a member of the group."""
        some = [n for n in self.names() if self.member(n)]
        return self.rng.choice(some if some and self.chance(0.4) else self.names())

    # ------------------------------------------------------------ acts

    def add(self, name: str = "", owner: str = "") -> None:
        name = name or self.actor()
        owner = owner or self.owner_for(name)
        i, self.next = self.next, self.next + 1
        note = LOST if self.chance(0.15) else 0
        if self.chance(0.08):
            self.by(f"INSERT INTO job VALUES ({i}, NULL, 1)", False, name)
            return
        got = "visitor" if self.traps and note == LOST else owner
        if self.by(f"INSERT INTO job VALUES ({i}, '{owner}', {note})", self.may(name, "", got), name):
            self.jobs[i] = (got, note)

    def change(self) -> None:
        """A note; or a row is added that is there."""
        name = self.actor()
        i = self.some(name)
        if i is None:
            return
        owner, note = self.jobs[i]
        to = LOST if self.chance(0.15) else note + 1
        to += to == LOST and not self.chance(0.3)
        got = "visitor" if self.traps and to == LOST else owner
        sql = self.rng.choice(
            [
                f"UPDATE job SET note = {to} WHERE id = {i}",
                f"INSERT INTO job VALUES ({i}, '{owner}', {to}) ON CONFLICT (id) DO UPDATE SET note = excluded.note",
                f"MERGE INTO job USING (VALUES ({i})) v (i) ON id = i WHEN MATCHED THEN UPDATE SET note = {to}",
                f"WITH x AS (UPDATE job SET note = {to} WHERE id = {i} RETURNING 1) SELECT * FROM x",
            ]
        )
        if self.by(sql, self.may(name, owner, got), name):
            self.jobs[i] = (got, to)

    def give_row(self) -> None:
        """To somebody else, to oneself, to another name of the same one, to nobody."""
        name = self.actor()
        i = self.some(name)
        if i is None:
            return
        owner, note = self.jobs[i]
        if self.traps and note == LOST:
            return
        to = self.owner_for(name)
        if self.chance(0.5):  # his own, to another one
            name, to = owner, self.rng.choice([n for n in self.names() if not self.same(owner, n)])
        if self.chance(0.1):
            self.by(f"UPDATE job SET owner = NULL WHERE id = {i}", False, name)
        elif self.by(
            f"UPDATE job SET owner = '{to}' WHERE id = {i}", self.may(name, owner, to), name
        ):
            self.jobs[i] = (to, note)

    def upsert_over(self) -> None:
        """A row of his own over one of somebody else."""
        name = self.actor()
        i = self.some(name)
        if i is None or not self.may(name, "", name):
            return
        owner, note = self.jobs[i]
        sql = (
            f"INSERT INTO job VALUES ({i}, '{name}', {LOST + 1}) ON CONFLICT (id) DO UPDATE SET owner = excluded.owner,"
            " note = excluded.note"
        )
        if self.by(sql, self.may(name, owner, name), name):
            self.jobs[i] = (name, LOST + 1)

    def remove(self) -> None:
        name = self.actor()
        i = self.some(name)
        if i is not None and self.by(
            f"DELETE FROM job WHERE id = {i}", self.may(name, self.jobs[i][0], ""), name
        ):
            del self.jobs[i]

    def all_rows(self) -> None:
        """One statement over all of them, or his own only."""
        name = self.actor()
        mine = [n for n in self.names() if self.same(name, n)]
        some = list(self.jobs)
        where = ""
        if self.chance(0.5):
            some = [i for i in some if self.jobs[i][0] in mine]
            where = " WHERE owner IN (" + ", ".join(f"'{n}'" for n in mine) + ")"
        good = all(self.may(name, self.jobs[i][0], self.jobs[i][0]) for i in some)
        # so that no row comes upon the trigger's number
        if (not some or self.by(f"UPDATE job SET note = note + 100{where}", good, name)) and some:
            for i in some:
                self.jobs[i] = (self.jobs[i][0], self.jobs[i][1] + 100)

    def nobody(self) -> None:
        """Whoever is not named writes nothing, whatever his role."""
        i = self.rng.choice(list(self.jobs) or [1])
        sql = self.rng.choice(
            [
                "INSERT INTO job VALUES (0, 'clerk', 1)",
                f"UPDATE job SET note = 1 WHERE id = {i}",
                f"DELETE FROM job WHERE id = {i}",
            ]
        )
        if "INSERT" in sql or self.jobs:
            self.must(sql, False, "23J02 42501", self.rng.choice(["a", "b", "owner", "super"]))

    def over_login(self) -> None:
        """Over a login of his own somebody is himself; that of a service is nobody by itself."""
        some = [
            x
            for x in self.b.logins.values()
            if x.state == "in force" and self.b.people[x.person].enabled
        ]
        if not some:
            return
        x = self.rng.choice(some)
        p = self.b.people[x.person]
        owner = self.owner_for(p.name)
        i, self.next = self.next, self.next + 1
        enough = LEVELS.index(self.identity) < 2 and not p.service
        good = self.may(p.name, "", owner)
        codes = "" if enough and good else "23J01" if enough else "23J02 42501"
        sql = f"INSERT INTO job VALUES ({i}, '{owner}', 1)"
        if self.must(sql, not codes, codes, self.session(x.role)):
            self.jobs[i] = (owner, 1)

    def meanwhile(self) -> None:
        """A row is given away while somebody waits to write it."""
        if self.identity != "claimed":
            return
        members = [n for n in self.actors() if self.member(n)]
        name = self.rng.choice(self.actors() or [""])
        i = self.some(name) if name else None
        if i is None:
            return
        owner, note = self.jobs[i]
        giver = self.rng.choice(members or [owner])
        to = self.rng.choice(self.names())
        if not self.may_act(giver) or not self.may(giver, owner, to) or self.traps and note == LOST:
            return
        begin = f"BEGIN;\nSELECT paysafe.act_as('{giver}')"
        self.must(f"{begin};\nUPDATE job SET owner = '{to}' WHERE id = {i}", True, "", "b")
        sql = f"UPDATE job SET note = note + 100 WHERE id = {i}"
        c, code = self.conns["a"], ""
        self.script.append(f"a: as {name}, who waits for b: {sql};")

        def wait() -> None:
            nonlocal code
            try:
                with c.transaction():
                    c.execute(f"SELECT paysafe.act_as('{name}')")
                    c.execute(sql)
            except psycopg.Error as e:
                code = e.sqlstate or "?"

        waiter = threading.Thread(target=wait)
        waiter.start()
        pid, until = c.info.backend_pid, time.monotonic() + 60
        while not self.ask(f"SELECT pg_blocking_pids({pid}) <> '{{}}'")[0][0]:
            if time.monotonic() > until or not waiter.is_alive():
                break
            time.sleep(0.02)
        end = self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
        self.must(end, True, "", "b")
        waiter.join()
        if end == "COMMIT":
            self.jobs[i] = (to, note)
        now = self.jobs[i][0]
        good = self.may(name, now, now)
        if code != ("" if good else "23J01"):
            raise Found("passed", f"{code or 'no refusal'} of {name} after {end}: {sql}")
        if good:
            self.jobs[i] = (now, note + 100)

    def work(self) -> None:
        """Some rows, and who writes them."""
        for _ in range(3):
            self.add()
        self.rng.choice([self.change, self.give_row, self.upsert_over, self.all_rows])()

    # ------------------------------------------------------------ the group

    def come(self) -> None:
        """It takes two."""
        if self.grouped:
            self.join(GROUP)

    def go(self) -> None:
        """It takes one."""
        some, by = sorted(self.b.groups[GROUP]), self.actors()
        if some and by:
            name = self.rng.choice(some)
            call = f"SELECT paysafe.remove_from_group('{name}', '{GROUP}', 'over')"
            if self.as_(self.rng.choice(by), call, set()):
                self.b.groups[GROUP].discard(name)

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = self.ask("SELECT id, owner, note FROM job ORDER BY id")
        want = [(i, *r) for i, r in sorted(self.jobs.items())]
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")


ACTS: dict[str, float] = {
    "add": 4,
    "work": 3,
    "change": 5,
    "give_row": 5,
    "upsert_over": 2,
    "remove": 2,
    "all_rows": 2,
    "nobody": 1,
    "over_login": 2,
    "meanwhile": 2,
    "come": 3,
    "go": 1,
    "add_person": 2,
    "alias": 2,
    "disable": 0.5,
    "enable": 0.5,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of owners?"""
    return random.Random(f"owned or not {seed}").random() < 0.012
