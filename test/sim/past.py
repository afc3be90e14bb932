"""Plays of rows that were there before their rule: observed, left for later, looked at, accepted.

One table with rows that a status machine does or does not know, in a database of its own, which
may be one for tests.  By doc/reference.md and doc/rollout.md: a declaration names what is wrong
unless it observes or leaves the rows for later; two people accept what cannot be put right; what
was accepted is passed over, kept as it is and in sight; who nobody depends on changes rules alone.
"""

from __future__ import annotations

import random
from typing import Any

import accounts
from commands import APP, OWNER, Found

KNOWN = ("new", "paid")
MACHINE = "[*] --> new\nnew --> paid"
WIDER = MACHINE + "\npaid --> new"


class Play(accounts.Play):
    """A table, its rule, and the model of both."""

    def features(self) -> None:
        super().features()
        self.tree = self.rng.choice(["plain", "plain", "parts", "child"])
        self.testing = self.alone(self.seed)
        self.mode = ""  # or observe, enforce
        self.machine = MACHINE
        self.deletable: tuple[str, ...] = ()
        self.unlooked = False  # has nobody looked at the rows that were there?
        self.there: dict[int, str] = {}
        self.accepted: set[tuple[int, str]] = set()  # faults that stand as accepted
        self.had_rows = False
        self.tried = False  # rows that were rolled back may count, too
        self.next_id = 1

    @staticmethod
    def alone(seed: int) -> bool:
        """Plays in a database for tests."""
        return random.Random(f"testing {seed}").random() < 0.2

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        part = " PARTITION BY LIST (region)" if self.tree == "parts" else ""
        key = "id, region" if self.tree == "parts" else "id"
        statements = [
            "CREATE TABLE pay (id int, region int NOT NULL DEFAULT 1, status text, note text,"
            f" PRIMARY KEY ({key})){part}"
        ]
        if self.tree == "parts":
            statements += [
                f"CREATE TABLE pay_{i} PARTITION OF pay FOR VALUES IN ({i})" for i in (1, 2)
            ]
        if self.tree == "child":
            statements.append("CREATE TABLE pay_c (PRIMARY KEY (id)) INHERITS (pay)")
        statements.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}, {OWNER}")
        self.must(";\n".join(statements), True, "", "owner")
        if self.testing:
            self.must("SELECT paysafe.declare_test_database()", False, "42501", "owner")
            self.must("SELECT paysafe.declare_test_database()", True, "", "super")
        if self.chance(0.8):
            for _ in range(self.rng.randint(1, 5)):
                self.add()

    # ------------------------------------------------------------ rows

    def refused(self, code: str) -> set[str]:
        return {code} if self.mode == "enforce" else set()

    def add(self) -> None:
        status = self.rng.choice(["new", "new", "paid", "Paid", "lost"])
        table = "pay_c" if self.tree == "child" and self.chance(0.4) else "pay"
        region = self.rng.choice([1, 2])
        i = self.next_id
        self.next_id += 1
        wrong: set[str] = set()
        if status not in KNOWN:
            wrong = self.refused("23T04") | self.refused("23T02")
        elif status != "new":
            wrong = self.refused("23T02")
        sql = f"INSERT INTO {table} VALUES ({i}, {region}, '{status}', 'x')"
        self.tried = True
        if self.must(sql, not wrong, " ".join(wrong)):
            self.there[i] = status
            self.had_rows = True

    def write(self) -> None:
        if not self.there or self.chance(0.25):
            self.add()
            return
        i, old = self.rng.choice(list(self.there.items()))
        if self.chance(0.2):
            self.must(f"UPDATE pay SET note = 'y' WHERE id = {i}", True, "")
            return
        new = self.rng.choice(["new", "paid", "Paid", "lost", old])
        wrong: set[str] = set()
        edges = {("new", "paid")} | ({("paid", "new")} if self.machine == WIDER else set())
        if new != old and new not in KNOWN:
            wrong = self.refused("23T04") | self.refused("23T01")
        elif new != old and old in KNOWN and (old, new) not in edges:
            wrong = self.refused("23T01")
        elif new != old and old not in KNOWN and (i, old) not in self.accepted:
            wrong = self.refused("23T01") | self.refused("23T04")
        if self.must(f"UPDATE pay SET status = '{new}' WHERE id = {i}", not wrong, " ".join(wrong)):
            self.there[i] = new
            if new != old:  # it says something else now
                self.accepted.discard((i, old))

    def remove(self) -> None:
        if not self.there:
            return
        i, status = self.rng.choice(list(self.there.items()))
        wrong = set() if status in self.deletable else self.refused("23T03")
        if self.must(f"DELETE FROM pay WHERE id = {i}", not wrong, " ".join(wrong)):
            del self.there[i]
            self.accepted.discard((i, status))

    def empty(self) -> None:
        wrong = set() if self.testing else self.refused("23T03")
        if not self.mode or self.mode == "observe" and not self.chance(0.2):
            return
        if self.must("TRUNCATE pay", not wrong, " ".join(wrong), "owner"):
            self.there, self.accepted = {}, set()

    def fixtures(self) -> None:
        """Whatever rules say, in a database for tests; nowhere else."""
        if not self.testing:
            self.must(
                "BEGIN;\nSELECT paysafe.begin_fixtures('rows');\nCOMMIT", False, "42501", "owner"
            )
            return
        i, status = self.next_id, self.rng.choice(["paid", "paid", "new"])
        self.next_id += 1
        self.tried = True
        begin = "BEGIN;\nSELECT paysafe.begin_fixtures('orders of last year')"
        row = f"INSERT INTO pay VALUES ({i}, 1, '{status}', 'x')"
        if self.chance(0.3):
            self.must(f"{begin};\nSAVEPOINT s;\n{row};\nROLLBACK TO s;\nCOMMIT", True, "", "owner")
            return
        if self.chance(0.5):
            # with the savepoint after which it began it ends, however it is nested
            late = f"INSERT INTO pay VALUES ({i}, 1, 'paid', 'x')"
            wrong = self.refused("23T02")
            inner = begin.replace("BEGIN;\n", "")
            deep = self.chance(0.5)
            inside = f"SAVEPOINT s;\n{inner}" + (
                f";\nSAVEPOINT t;\n{row};\nRELEASE t" if deep else ""
            )
            if self.chance(0.3):
                inside = f"SAVEPOINT o;\n{inside}"
            sql = f"BEGIN;\n{inside};\nROLLBACK TO s;\n{late};\nROLLBACK"
            self.must(sql, not wrong, " ".join(wrong), "owner")
            return
        self.must(f"{begin};\n{row};\nSELECT paysafe.end_fixtures();\nCOMMIT", True, "", "owner")
        self.there[i] = status
        self.had_rows = True
        after = f"INSERT INTO pay VALUES ({i + 1}, 1, 'paid', 'x')"
        wrong = self.refused("23T02")
        more = f"{begin};\nSELECT paysafe.end_fixtures();\n{after};\nROLLBACK"
        self.must(more, not wrong, " ".join(wrong), "owner")

    # ------------------------------------------------------------ the rule

    def faults(self) -> dict[int, str]:
        """Rows that break the rule and are not accepted."""
        return {
            i: s for i, s in self.there.items() if s not in KNOWN and (i, s) not in self.accepted
        }

    def sql(self, mode: str, machine: str, deletable: tuple[str, ...]) -> str:
        names = ",".join(deletable)
        return f"PERFORM paysafe.protect_status('pay', 'status', '{machine}', '{{{names}}}', mode => '{mode}');"

    def declare(self) -> None:
        """The first time, or in another mode or other words."""
        rng = self.rng
        mode = rng.choice(["enforce", "enforce", "observe"])
        machine = rng.choice([MACHINE, MACHINE, WIDER])
        deletable = rng.choice([(), (), ("new",)])
        later = self.chance(0.4)
        if self.mode == "" or self.chance(0.5):
            if self.mode:
                machine, deletable = self.machine, self.deletable
        same = (mode, machine, deletable) == (self.mode, self.machine, self.deletable)
        if same and (self.unlooked or self.faults()):
            return  # nothing changes: whether it looks at rows is not said
        loosens = self.mode == "enforce" and (
            mode == "observe"
            or machine != self.machine
            or bool(set(deletable) - set(self.deletable))
        )
        if self.mode == "enforce" and not loosens and (self.unlooked or self.faults()):
            return
        names = self.chance(0.4)
        if loosens and self.tried and not self.had_rows:
            return
        what = ("PERFORM paysafe.defer_validation();" if later else "") + self.sql(
            mode, machine, deletable
        )
        broken = mode == "enforce" and bool(self.faults()) and not later
        if loosens and (self.had_rows or names) and not self.testing:
            if broken or self.faults():
                return
            if names:
                self.by_two(what, "", "status", ("42501",))
            else:
                self.must(f"DO $$BEGIN {what} END$$", False, "42501", "owner")
                return
        else:
            who = "PERFORM paysafe.act_as('clerk');" if names else ""
            sql = f"DO $$BEGIN {who} {what} END$$"
            if not self.must(sql, not broken, "23514", "owner"):
                return
        if not same:
            # what is observed is left for later, too; a first look may have been enough
            self.unlooked = later and (mode == "enforce" or self.unlooked)
        self.mode, self.machine, self.deletable = mode, machine, deletable
        self.had_rows = self.had_rows or bool(self.there)

    def validate(self) -> None:
        if self.mode != "enforce":
            return
        faults = self.faults()
        if self.must("SELECT paysafe.validate_rows('pay')", not faults, "23514", "owner"):
            self.unlooked = False
            self.accepted = {(i, s) for i, s in self.accepted if self.there.get(i) == s}

    def accept(self) -> None:
        if not (self.mode == "observe" or self.mode == "enforce" and self.unlooked):
            return
        faults = self.faults()
        what = "PERFORM paysafe.accept_rows('pay', 'status', 'a release of 2019', 'T-1');"
        if not faults:
            return
        if self.testing:
            return  # there nobody else is needed, or is: not said
        if self.chance(0.3):
            self.must(
                f"DO $$BEGIN PERFORM paysafe.act_as('clerk'); {what} END$$", False, "42501", "owner"
            )
            return
        self.by_two(what, "", "status", ("42501",))
        self.accepted |= set(faults.items())

    def accept_others(self) -> None:
        """Approved were other faults than those that are there when it is done."""
        if self.testing or not (self.mode == "observe" and self.faults()):
            return
        what = "PERFORM paysafe.accept_rows('pay', 'status', 'a release of 2019', 'T-1');"
        self.must(
            "DO $$BEGIN PERFORM paysafe.act_as('clerk'); PERFORM paysafe.propose('as agreed');"
            f" {what} PERFORM paysafe.propose(NULL); PERFORM paysafe.act_as('controller'); PERFORM"
            " paysafe.approve(approved_as, key, 'agreed') FROM paysafe.pending_change WHERE relation ="
            " 'pay'::regclass; END$$",
            True,
            "",
            "owner",
        )
        i = self.next_id
        self.next_id += 1
        self.must(f"INSERT INTO pay VALUES ({i}, 1, 'stolen', 'x')", True, "")
        self.there[i] = "stolen"
        self.must(
            f"DO $$BEGIN PERFORM paysafe.act_as('clerk'); {what} END$$", False, "42501", "owner"
        )

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = dict(self.ask("SELECT id, status FROM pay"))
        if got != self.there:
            raise Found("rows", f"{got} are there, it should be {self.there}")
        modes = [
            r[0]
            for r in self.ask(
                "SELECT mode FROM paysafe.protection WHERE relation = 'pay'::regclass"
            )
        ]
        if modes != ([self.mode] if self.mode else []):
            raise Found("mode", f"{modes}, it should be {self.mode}")

    def evidence(self) -> None:
        """What was accepted is in sight, and so is what nobody has looked at."""
        got = self.ask(
            "SELECT count(*) FROM paysafe.accepted WHERE relation = 'pay'::regclass AND ended_at IS NULL"
        )[0][0]
        if got != len(self.accepted):
            raise Found("accepted", f"{got} faults stand as accepted, it should be {self.accepted}")
        if not self.mode:
            return
        rows: list[Any] = self.ask(
            "SELECT check_name, ok FROM paysafe.check() WHERE check_name IN ('validated', 'accepted')"
            f" AND subject LIKE '{self.schema}.pay%'"
        )
        if ("validated", False) in rows and not self.unlooked and self.mode == "enforce":
            raise Found("check", f"check() says {rows}, and all rows were looked at")
        if self.unlooked and self.mode == "enforce" and ("validated", False) not in rows:
            raise Found("check", f"check() says {rows}, and nobody has looked at the rows")
        if self.accepted and ("accepted", True) not in rows:
            raise Found("check", f"check() says {rows}, and {self.accepted} are accepted")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)


ACTS: dict[str, float] = {
    "declare": 5,
    "write": 5,
    "remove": 1,
    "empty": 0.4,
    "fixtures": 2,
    "validate": 2,
    "accept": 3,
    "accept_others": 0.7,
    "evidence": 2,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of rows that were there before?"""
    return random.Random(f"past or not {seed}").random() < 0.04
