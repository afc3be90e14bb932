"""Plays of many refusals: of few kinds or of hundreds, one by one or all at once.

Tables of one rule each, some of which observe.  By doc/guard.md (Refusals on record): every refusal is on
record, described or counted, with its table and its SQLSTATE; of what is observed, ten of a kind in a
transaction are described.  How many kinds there are in two seconds stays within what is kept apart.
"""

from __future__ import annotations

import random
import time

import accounts
from commands import APP, OWNER, Found

LATEST = 120.0  # seconds after which all is on record
AT_ONCE = 170  # kinds that are kept apart within a window
WINDOW = 2.3  # seconds
WRITTEN = 10.0  # seconds after which it has been, on a machine with much to do, too
MOST = 10  # of a kind in a transaction that are described
ROWS = 40


class Play(accounts.Play):
    """Tables, and what was refused or would have been."""

    def features(self) -> None:
        super().features()
        self.count = self.rng.choice([3, 30, 120, 320, 320])
        self.observed = [self.chance(0.8) for _ in range(self.count)]
        self.columns_only = [self.chance(0.4) for _ in range(self.count)]  # else append-only
        self.made = [0] * self.count  # of each table, by now
        self.first: dict[int, int] = {}  # how many the first transaction made of those that observe
        self.lately: list[tuple[float, int]] = []  # when, and of which table
        self.floods = 0

    def setup(self) -> None:
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        statements = []
        for i in range(self.count):
            rule = f"protect_append_only('t{i}'"
            if self.columns_only[i]:
                rule = f"protect_columns('t{i}', '{{note}}'"
            mode = ", mode => 'observe'" if self.observed[i] else ""
            statements += [
                f"CREATE TABLE t{i} (id int PRIMARY KEY, note text)",
                f"SELECT paysafe.{rule}{mode})",
                f"INSERT INTO t{i} SELECT g, 'x' FROM generate_series(1, {ROWS}) g",
            ]
        statements.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        for i in range(0, len(statements), 60):
            self.must(";\n".join(["BEGIN", *statements[i : i + 60], "COMMIT"]), True, "", "owner")

    def code(self, i: int) -> str:
        return "23R03" if self.columns_only[i] else "23L01"

    # ------------------------------------------------------------ acts

    def breaks(self, tables: list[int], together: bool) -> None:
        """Some rows of each of these are changed."""
        for start in range(0, len(tables), AT_ONCE):
            some = tables[start : start + AT_ONCE]
            self.wait_for(some)
            one = together and all(self.observed[i] for i in some)
            if one:
                self.must("BEGIN", True, "")
            for i in some:
                n = self.rng.choice([1, 1, 1, 2, 12])
                if self.chance(0.1) and self.floods < 6:
                    n, self.floods = ROWS, self.floods + 1
                sql = f"UPDATE t{i} SET note = note || 'y' WHERE id <= {n}"
                self.must(sql, self.observed[i], self.code(i))
                if self.observed[i]:
                    self.first.setdefault(i, n)
                self.made[i] += n if self.observed[i] else 1
                self.lately.append((time.time(), i))
            if one:
                # what is observed is on record, whatever becomes of the transaction
                self.must("ROLLBACK" if self.chance(0.3) else "COMMIT", True, "")

    def wait_for(self, some: list[int]) -> None:
        """Until these and what was broken lately can be kept apart: a window is over, and written."""
        waiting = "SELECT sum(value) FROM paysafe.meter() WHERE name = 'paysafe_refusals_waiting'"
        while True:
            now = time.time()
            self.lately = [(t, i) for t, i in self.lately if now - t < WRITTEN]
            late = {i for t, i in self.lately if now - t < WINDOW}
            if len({i for _, i in self.lately} | set(some)) <= AT_ONCE:
                return
            if len(late | set(some)) <= AT_ONCE and not self.ask(waiting)[0][0]:
                return
            self.run("SELECT pg_sleep(0.2)")

    def all_of_them(self) -> None:
        tables = list(range(self.count))
        self.rng.shuffle(tables)
        self.breaks(tables, self.chance(0.3))

    def some_of_them(self) -> None:
        n = min(self.count, self.rng.choice([1, 3, 20]))
        self.breaks(self.rng.sample(range(self.count), n), self.chance(0.4))

    def pause(self) -> None:
        self.run(f"SELECT pg_sleep({self.rng.choice([0.3, 1, WINDOW])})")

    # ------------------------------------------------------------ judging

    def records(self) -> dict[tuple[str, str, bool], list[int]]:
        """By table, SQLSTATE and mode: how many, and how many of them are described."""
        rows = self.ask(
            "SELECT table_name, sqlstate, observed, sum(count), count(*) FILTER (WHERE count = 1)"
            f" FROM paysafe.refusal_log WHERE schema_name = '{self.schema}' GROUP BY 1, 2, 3"
        )
        return {(t, s, o): [int(n), int(d)] for t, s, o, n, d in rows}

    def missing(self) -> str:
        got = self.records()
        for i in range(self.count):
            key = (f"t{i}", self.code(i), self.observed[i])
            n, described = got.pop(key, [0, 0])
            if n != self.made[i]:
                return f"{n} of {key} are on record, it should be {self.made[i]}"
            if described < min(self.first.get(i, 0), MOST):
                return f"{described} of {key} are described, the first transaction had {self.first[i]}"
        return f"{got} are on record, and nobody caused them" if got else ""

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.all_of_them()
        self.plays(plan, look=False)
        limit = time.time() + LATEST
        while (words := self.missing()) and time.time() < limit:
            time.sleep(0.2)
        if words:
            raise Found("counted", words)


ACTS: dict[str, float] = {"all_of_them": 0.3, "some_of_them": 12, "pause": 2}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of many refusals?"""
    return random.Random(f"floods or not {seed}").random() < 0.02
