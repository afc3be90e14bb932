"""Plays of large tables that are looked at in parts, beside those who write.

Payments with wide rows, in many blocks, were there before their rule, which is in force at once and
left for later.  By doc/reference.md (validate_in_parts, defer_validation, accept_rows): it is the whole
table that counts, as if it were looked at at once, wherever rows are by then; a part that ends early is
gone on from; what is accepted is passed over, and looked for from the beginning.
"""

from __future__ import annotations

import random
from decimal import Decimal

import psycopg

import accounts
from commands import APP, OWNER, Found

MACHINE = "[*] --> new\nnew --> paid\npaid --> back\nnew --> void"
CLEAR = Decimal("10")


class Play(accounts.Play):
    """A table of payments, its rule, and the model of both."""

    def features(self) -> None:
        super().features()
        self.tree = self.rng.choice(["plain", "plain", "parts", "child"])
        self.places = self.rng.choice([None, None, 4])
        self.wrong = Decimal("1.005") if self.places is None else Decimal("1.00005")
        self.there: dict[int, tuple[str, Decimal]] = {}
        self.accepted: set[int] = set()
        self.mode = ""
        self.unlooked = False
        self.next_id = 1

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
            "CREATE TABLE pay (id int, region int NOT NULL, status text, amount numeric, note text,"
            f" PRIMARY KEY ({key})){part}"
        ]
        if self.tree == "parts":
            statements += [
                f"CREATE TABLE pay_{i} PARTITION OF pay FOR VALUES IN ({i})" for i in (1, 2)
            ]
        if self.tree == "child":
            statements.append("CREATE TABLE pay_c (PRIMARY KEY (id)) INHERITS (pay)")
        # notes are stored as they are, so that a block has four rows or so
        for t in ("pay", "pay_1", "pay_2", "pay_c"):
            if t == "pay" and self.tree == "parts" or t[3:] not in ("", *self.leaves()):
                continue
            statements.append(f"ALTER TABLE {t} ALTER note SET STORAGE PLAIN")
        statements += [
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
            f"SELECT paysafe.protect_status('pay', 'status', '{MACHINE}', '{{new,void}}')",
        ]
        self.must(";\n".join(statements), True, "", "owner")
        self.fill(self.rng.randint(15, 50), True)

    def leaves(self) -> tuple[str, ...]:
        return {"parts": ("_1", "_2"), "child": ("_c",)}.get(self.tree, ())

    # ------------------------------------------------------------ rows

    def fill(self, n: int, wrong: bool) -> None:
        rows = []
        for _ in range(n):
            amount = self.wrong if wrong and self.chance(0.12) else CLEAR
            rows.append(
                f"({self.next_id}, {self.rng.choice([1, 2])}, 'new', {amount}, repeat('x', 1800))"
            )
            self.there[self.next_id] = ("new", amount)
            self.next_id += 1
        half = len(rows) // 2 if self.tree == "child" else len(rows)
        for table, some in (("pay", rows[:half]), ("pay_c", rows[half:])):
            if some:
                self.must(f"INSERT INTO {table} VALUES {', '.join(some)}", True, "")

    def faults(self) -> set[int]:
        return {i for i, (_, a) in self.there.items() if a == self.wrong and i not in self.accepted}

    def some(self, faulty: float) -> int | None:
        bad = [i for i, (_, a) in self.there.items() if a == self.wrong]
        if bad and self.chance(faulty):
            return self.rng.choice(bad)
        return self.rng.choice(list(self.there)) if self.there else None

    def add(self) -> None:
        self.fill(self.rng.randint(1, 4), False)
        if self.mode == "enforce":
            row = f"({self.next_id}, 1, 'new', {self.wrong}, 'x')"
            self.must(f"INSERT INTO pay VALUES {row}", False, "23R04")

    def touch(self) -> None:
        """What is wrong with a row stays, and the row goes somewhere else."""
        i = self.some(0.8)
        if i is None:
            return
        size = self.rng.choice([10, 400, 1800])
        more = ", region = 3 - region" if self.tree == "parts" and self.chance(0.4) else ""
        sql = f"UPDATE pay SET note = repeat('y', {size}){more} WHERE id = {i}"
        if self.chance(0.3):
            sql = f"BEGIN;\nSAVEPOINT s;\n{sql};\nROLLBACK TO s;\n{sql};\nRELEASE s;\nCOMMIT"
        elif self.chance(0.2):
            sql = f"BEGIN;\n{sql};\nROLLBACK"
        self.must(sql, True, "")

    def step(self) -> None:
        """To its next status, whatever is wrong with its amount; not where the amount begins to count."""
        i = self.some(0.3)
        if i is None:
            return
        status, amount = self.there[i]
        to = {"new": "void", "paid": "back"}.get(status)
        if to is None or amount == self.wrong:
            return
        if self.must(f"UPDATE pay SET status = '{to}' WHERE id = {i}", True, ""):
            self.there[i] = (to, amount)

    def correct(self) -> None:
        bad = [i for i, (s, a) in self.there.items() if a == self.wrong and s == "new"]
        if not bad:
            return
        i = self.rng.choice(bad)
        if self.must(f"UPDATE pay SET amount = {CLEAR} WHERE id = {i}", True, ""):
            self.there[i] = ("new", CLEAR)
            self.accepted.discard(i)

    def remove(self) -> None:
        """Rows at the beginning go, and what is written later takes their place."""
        some = [i for i, (s, _) in self.there.items() if s in ("new", "void")][:8]
        some = [i for i in some if self.there[i][1] != self.wrong or self.chance(0.2)]
        if not some:
            return
        ids = ", ".join(map(str, some))
        self.must(f"DELETE FROM pay WHERE id IN ({ids})", True, "")
        for i in some:
            del self.there[i]
            self.accepted.discard(i)
        self.must("VACUUM pay", True, "", "super")
        if self.chance(0.7):
            self.touch()

    def rewrite(self) -> None:
        tables = [f"pay{x}" for x in ("", *self.leaves())]
        if self.tree == "parts":
            tables.remove("pay")
        self.must(f"VACUUM FULL {self.rng.choice(tables)}", True, "", "super")

    # ------------------------------------------------------------ the rule

    def declaration(self, mode: str) -> str:
        more = "" if self.places is None else f", decimals => {self.places}"
        return (
            "PERFORM paysafe.protect_payment('pay', 'status', 'amount', captured => '{paid}', currency =>"
            f" 'EUR'{more}, mode => '{mode}');"
        )

    def declare(self) -> None:
        mode = "observe" if self.mode == "" and self.chance(0.2) else "enforce"
        if self.mode == "enforce":
            return
        later = self.chance(0.85)
        what = ("PERFORM paysafe.defer_validation();" if later else "") + self.declaration(mode)
        broken = mode == "enforce" and bool(self.faults()) and not later
        if self.must(f"DO $$BEGIN {what} END$$", not broken, "23514", "owner"):
            self.mode = mode
            self.unlooked = later

    def call(self) -> str:
        blocks = self.rng.choice([1, 1, 2, 3, 1000])
        if self.chance(0.15):
            return "SELECT paysafe.validate_rows('pay')"
        rule = ", 'payment'" if self.chance(0.3) else ""
        return f"CALL paysafe.validate_in_parts('pay'{rule}, blocks => {blocks})"

    def validate(self) -> None:
        if self.mode != "enforce":
            return
        if self.chance(0.1):
            inside = "BEGIN;\nCALL paysafe.validate_in_parts('pay');\nCOMMIT"
            self.must(inside, False, "2D000", "owner")
        if not self.unlooked:
            # nothing is left: or is looked at all the same
            return
        if self.must(self.call(), not self.faults(), "23514", "owner"):
            self.unlooked = False

    def mend(self) -> None:
        """It ends at a part; a row that is wrong goes behind it, what was named is put right, and so on."""
        if self.mode != "enforce" or not self.unlooked:
            return
        for _ in range(self.rng.randint(1, 4)):
            self.validate()
            if not self.unlooked:
                return
            if self.chance(0.7):
                self.remove()
            if self.chance(0.35):
                self.rewrite()
                if self.chance(0.7):
                    continue
            self.touch()
            self.correct()
        if self.chance(0.5):
            while any(a == self.wrong and s == "new" for s, a in self.there.values()):
                self.correct()
                self.validate()
                if not self.unlooked:
                    return

    def anew(self) -> None:
        """One row is left that is wrong, behind what was looked at; then it is somewhere else."""
        bad = [i for i, (s, a) in self.there.items() if a == self.wrong and s == "new"]
        if self.mode != "enforce" or not self.unlooked or not bad:
            return
        last = max(bad)
        for i in bad:
            if i != last and self.must(f"UPDATE pay SET amount = {CLEAR} WHERE id = {i}", True, ""):
                self.there[i] = ("new", CLEAR)
                self.accepted.discard(i)
        self.must(
            "CALL paysafe.validate_in_parts('pay', blocks => 1)",
            not self.faults(),
            "23514",
            "owner",
        )
        self.unlooked = bool(self.faults())
        before = [i for i, (s, _) in self.there.items() if s in ("new", "void") and i < last]
        some = [i for i in before if self.chance(0.8) and self.there[i][1] != self.wrong]
        if some:
            self.must(f"DELETE FROM pay WHERE id IN ({', '.join(map(str, some))})", True, "")
            for i in some:
                del self.there[i]
        way = self.rng.choice(["rewrite", "rewrite", "touch", "remove", "nothing"])
        if way == "rewrite":
            self.must("VACUUM FULL pay", True, "", "super")
        elif way != "nothing":
            getattr(self, way)()
        self.validate()

    def cancel(self) -> None:
        """It takes too long, wherever it is."""
        if self.mode != "enforce" or not self.unlooked:
            return
        call = "CALL paysafe.validate_in_parts('pay', blocks => 1)"
        limit = self.rng.choice([2, 4, 8, 15])
        c = self.conns["owner"]
        self.script.append(f"owner: SET statement_timeout = '{limit}ms'; {call};")
        c.execute(f"SET statement_timeout = '{limit}ms'")
        code = ""
        try:
            c.execute(call)
        except psycopg.Error as e:
            code = e.sqlstate or "?"
        self.script.append(f"-- {code}")
        c.execute("RESET statement_timeout")
        if code == "57014":
            return
        if code != ("23514" if self.faults() else ""):
            raise Found("legitimate" if code else "passed", f"{code} for {self.faults()}: {call}")
        self.unlooked = bool(code)

    def beside(self) -> None:
        """Somebody has not committed yet what he wrote."""
        if self.mode != "enforce" or not self.unlooked:
            return
        i = self.some(0.9)
        if i is None:
            return
        status, amount = self.there[i]
        mends = status == "new" and self.chance(0.5)
        change = f"amount = {CLEAR}" if mends else "note = 'z'"
        if self.tree == "parts" and self.chance(0.4):
            change += ", region = 3 - region"
        self.must(f"BEGIN;\nUPDATE pay SET {change} WHERE id = {i}", True, "", "b")
        self.run("SET lock_timeout = '60ms'", "owner")
        code = self.run(self.call(), "owner")
        self.run("SET lock_timeout = '5s'", "owner")
        if code not in ("55P03", "23514" if self.faults() else ""):
            raise Found("passed", f"{code or 'no fault'} is found, and there are {self.faults()}")
        if not code:
            self.unlooked = False
        undone = self.chance(0.5)
        self.must("ROLLBACK" if undone else "COMMIT", True, "", "b")
        if mends and not undone:
            self.there[i] = (status, CLEAR)
            self.accepted.discard(i)

    def accept(self) -> None:
        faults = self.faults()
        if not faults or not (self.mode == "observe" or self.mode == "enforce" and self.unlooked):
            return
        what = "PERFORM paysafe.accept_rows('pay', 'payment', 'a release of 2019', 'T-1');"
        self.by_two(what, "", "payment", ("42501",))
        self.accepted |= faults

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = {i: (s, a) for i, s, a in self.ask("SELECT id, status, amount FROM pay")}
        if got != self.there:
            raise Found("rows", f"{got} are there, it should be {self.there}")

    def evidence(self) -> None:
        if self.mode != "enforce":
            return
        rows = self.ask(
            "SELECT check_name, ok FROM paysafe.check() WHERE check_name = 'validated' AND subject LIKE"
            f" '{self.schema}.pay%'"
        )
        if self.unlooked != (("validated", False) in rows):
            raise Found("check", f"check() says {rows}; is it looked at? {not self.unlooked}")
        got = self.ask(
            "SELECT count(*) FROM paysafe.accepted WHERE relation = 'pay'::regclass AND ended_at IS NULL"
        )[0][0]
        if got != len(self.accepted):
            raise Found("accepted", f"{got} faults stand as accepted, it should be {self.accepted}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays([(-1, "declare"), *plan])
        self.evidence()
        self.validate()
        self.evidence()


ACTS: dict[str, float] = {
    "declare": 0.7,
    "add": 1,
    "touch": 3,
    "step": 1,
    "correct": 1.5,
    "remove": 2,
    "rewrite": 0.8,
    "validate": 2,
    "mend": 3,
    "anew": 2,
    "cancel": 1.5,
    "beside": 2,
    "accept": 0.5,
    "evidence": 0.5,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of rows that are looked at in parts?"""
    return random.Random(f"parts or not {seed}").random() < 0.03
