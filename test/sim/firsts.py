"""Plays of what is seen first, against a model: a value that a scope has never had is a signal, once.

By doc/alarms.md (What is seen first) and doc/reference.md (protect_first_seen) alone: values of every type that a column may
have, with a scope or without, rows that are added, changed, given to another scope or partition, by INSERT, COPY, upsert, MERGE,
triggers, in savepoints and transactions that are undone, prepared, by two sessions at once, at every isolation level; the
function of the same kind; periods of learning; a server that crashes.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from dataclasses import dataclass, field, replace

import tabled
from commands import APP, Found

TYPES = {
    "int": "{}",
    "bigint": "{}",
    "text": "'v{}'",
    "varchar(20)": "'v{}'",
    "uuid": "'00000000-0000-0000-0000-00000000000{}'",
    "inet": "'192.0.2.{}'",
}
MOST = 40  # of a kind, a hundred in a minute are signals each


@dataclass(frozen=True)
class Row:
    account: int | None
    customer: int | None
    note: int
    place: int = 1


@dataclass
class Model:
    rows: dict[int, Row] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)  # scope and value


class Play(tabled.Play):
    """A table of payouts."""

    record = "signals"

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.tree = rng.choice(["plain", "plain", "list", "child"])
        self.value_type = rng.choice(list(TYPES))
        self.scoped = self.chance(0.75)
        self.kind = f"k_{self.schema}"
        self.learning = self.chance(0.25)
        self.traps = self.chance(0.3)
        self.breaks = restarts(self.seed)
        self.m = Model()
        self.signals: Counter[str] = Counter()  # by scope
        self.next, self.gid = 1, 0

    @staticmethod
    def alone(seed: int) -> bool:
        return restarts(seed)

    def setup(self) -> None:
        self.begin_schema("first_seen")
        key = "id, place" if self.tree == "list" else "id"
        by = " PARTITION BY LIST (place)" if self.tree == "list" else ""
        made = [
            f"CREATE TABLE payout (id int, account {self.value_type}, customer text, note int, place int NOT NULL DEFAULT 1,"
            f" PRIMARY KEY ({key})){by}"
        ]
        if self.tree == "list":
            made += [
                f"CREATE TABLE payout_{i} PARTITION OF payout FOR VALUES IN ({i})" for i in (1, 2)
            ]
        elif self.tree == "child":
            made.append("CREATE TABLE payout_child (PRIMARY KEY (id)) INHERITS (payout)")
        if self.traps:
            made.append(
                "CREATE FUNCTION turn() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.note = 13 THEN NEW.account :="
                f" {self.value(1)}; END IF; RETURN NEW; END$$"
            )
            made += [
                f"CREATE TRIGGER zz_turn BEFORE INSERT OR UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION turn()"
                for t in (["payout", "payout_child"] if self.tree == "child" else ["payout"])
            ]
        scope = ", scope_column => 'customer'" if self.scoped else ""
        learning = ", learning => '30 days'" if self.learning else ""
        made.append(
            f"SELECT paysafe.protect_first_seen('payout', 'account'{scope}, kind => '{self.kind}'{learning})"
        )
        made.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        self.must(";\n".join(made), True, "", "owner")

    def value(self, v: int | None) -> str:
        return "NULL" if v is None else TYPES[self.value_type].format(v)

    def customer(self, c: int | None) -> str:
        return "NULL" if c is None else f"'c{c}'"

    def row_values(self, i: int, r: Row) -> str:
        return f"({i}, {self.value(r.account)}, {self.customer(r.customer)}, {r.note}, {r.place})"

    # ------------------------------------------------------------ the model

    def scope(self, r: Row) -> str | None:
        if not self.scoped:
            return ""
        return None if r.customer is None else f"c{r.customer}"

    def note(self, m: Model, scope: str, value: int) -> bool:
        """Somebody sees it; the signal stays, whatever becomes of the transaction."""
        if (scope, value) in m.seen:
            return False
        m.seen.add((scope, value))
        if not self.learning:
            self.signals[scope] += 1
        return True

    def put(self, m: Model, some: list[tuple[int, Row]]) -> None:
        for i, new in some:
            old = m.rows.get(i)
            if self.traps and new.note == 13:
                new = replace(new, account=1)
            m.rows[i] = new
            scope = self.scope(new)
            if scope is None or new.account is None:
                continue
            if old is None or old.account != new.account or self.scope(old) != scope:
                self.note(m, scope, new.account)

    def full(self) -> bool:
        return sum(self.signals.values()) > MOST

    # ------------------------------------------------------------ statements

    def a_row(self) -> Row:
        rng = self.rng
        return Row(
            rng.choice([1, 2, 3, 4, 5, 6, 7, None]),
            rng.choice([1, 1, 2, 3, None]),
            13 if self.chance(0.1) else rng.randint(20, 30),
            rng.choice([1, 2]) if self.tree == "list" else 1,
        )

    def addition(self) -> tuple[str, list[tuple[int, Row]]]:
        some = []
        for _ in range(self.rng.choice([1, 1, 2, 4])):
            some.append((self.next, self.a_row()))
            self.next += 1
        rows = ", ".join(self.row_values(i, r) for i, r in some)
        t = self.rng.choice(["payout", "payout_child"]) if self.tree == "child" else "payout"
        way = self.rng.choice(["plain", "copy", "cte", "merge", "upsert"])
        sql = f"INSERT INTO {t} VALUES {rows}"
        if way == "cte":
            sql = f"WITH x AS ({sql} RETURNING 1) SELECT count(*) FROM x"
        elif way == "merge" and len(some) == 1:
            sql = f"MERGE INTO {t} USING (SELECT {some[0][0]} AS i) v ON id = i WHEN NOT MATCHED THEN INSERT VALUES {rows}"
        elif way == "copy":
            cells = [
                (
                    i,
                    *[
                        None if x == "NULL" else x.strip("'")
                        for x in (self.value(r.account), self.customer(r.customer))
                    ],
                    r.note,
                    r.place,
                )
                for i, r in some
            ]
            sql = self.copy_rows(t, cells)
        elif way == "upsert" and self.tree != "list":
            sql += " ON CONFLICT (id) DO UPDATE SET note = 1"
        return sql, some

    def update(self, m: Model) -> tuple[str, list[tuple[int, Row]]] | None:
        if not m.rows:
            return None
        i = self.rng.choice(list(m.rows))
        other, old = self.a_row(), m.rows[i]
        name = self.rng.choice(["account", "account", "customer", "note", "place"])
        new = replace(old, **{name: getattr(other, name)})
        value = {
            "account": self.value(new.account),
            "customer": self.customer(new.customer),
            "note": str(new.note),
            "place": str(new.place),
        }[name]
        if self.chance(0.15):
            some = [(n, replace(r, **{name: getattr(other, name)})) for n, r in m.rows.items()]
            return f"UPDATE payout SET {name} = {value}", some
        if self.tree == "plain" and self.chance(0.3):
            # what is proposed, and not added, has not been seen
            like = self.row_values(i, replace(self.a_row(), note=20))
            if self.chance(0.4):
                return f"INSERT INTO payout VALUES {like} ON CONFLICT (id) DO NOTHING", []
            return (
                f"INSERT INTO payout VALUES {like} ON CONFLICT (id) DO UPDATE SET {name} = {value}",
                [(i, new)],
            )
        if self.chance(0.2):
            return (
                f"MERGE INTO payout USING (SELECT {i} AS i) v ON id = i WHEN MATCHED THEN UPDATE SET {name} = {value}",
                [(i, new)],
            )
        return f"UPDATE payout SET {name} = {value} WHERE id = {i}", [(i, new)]

    # ------------------------------------------------------------ acts

    def write(self) -> None:
        """What is undone has not been seen, and is first again."""
        if self.full():
            return
        m, steps = copy.deepcopy(self.m), []
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            got = self.addition() if self.chance(0.55) else self.update(m)
            if got is None:
                continue
            sql, some = got
            if self.chance(0.2):
                aside = copy.deepcopy(m)
                self.put(aside, some)
                steps += ["SAVEPOINT s", sql, "ROLLBACK TO s"]
                continue
            steps.append(sql)
            self.put(m, some)
        if not steps:
            return
        end = "COMMIT" if self.chance(0.8) else self.rng.choice(["ROLLBACK", "SELECT 1 / 0"])
        text = ";\n".join([f"BEGIN{self.isolation()}", *steps, end])
        bad = "0" in end
        self.must(text, not bad, "22012", self.rng.choice(["a", "a", "b", "owner", "super"]))
        if end == "COMMIT":
            self.m = m

    def call(self) -> None:
        """The function knows the same values, and says what it has found."""
        if not self.scoped or self.value_type not in ("text", "varchar(20)") or self.full():
            return
        scope, v = f"c{self.rng.choice([1, 2])}", self.rng.choice([1, 2, 3, 8])
        learning = ", learning => '30 days'" if self.learning else ""
        sql = f"SELECT first, learning_still FROM paysafe.first_seen('{scope}', '{self.kind}', 'v{v}'{learning})"
        end = self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])
        self.must(f"BEGIN{self.isolation()}", True, "")
        self.script.append(f"a: {sql};")
        first, _ = self.ask(sql, "a")[0]
        m = copy.deepcopy(self.m)
        want = self.note(m, scope, v)
        again = self.ask(sql, "a")[0][0]
        self.must(end, True, "")
        if first != want or again:
            raise Found("first", f"{first}, then {again}; it should be {want}: {sql}")
        if end == "COMMIT":
            self.m = m

    def reads_only(self) -> None:
        sql = f"SELECT paysafe.first_seen('x', '{self.kind}', 'y')"
        self.must(f"BEGIN READ ONLY;\n{sql};\nCOMMIT", False, "25006")

    def beside(self) -> None:
        """Of two at once one is the first, and nobody waits; where he undoes it, it has not been seen."""
        if self.full():
            return
        row = replace(self.a_row(), note=20)
        i, self.next = self.next, self.next + 2
        m = copy.deepcopy(self.m)
        way = self.isolation()
        self.must(f"BEGIN{way};\nSELECT count(*) FROM payout", True, "")
        self.must(
            f"BEGIN{self.isolation()};\nINSERT INTO payout VALUES {self.row_values(i, row)}",
            True,
            "",
            "b",
        )
        self.put(m, [(i, row)])
        end, before = self.rng.choice(["COMMIT", "ROLLBACK"]), self.chance(0.4)
        if self.chance(0.2):
            self.gid += 1
            end = self.prepared(self.gid, end)
        if before:
            self.must(end, True, "", "b")
            self.m = m if end.startswith("COMMIT") else self.m
            m = copy.deepcopy(self.m)
        mine = copy.deepcopy(m)
        sql = f"SET LOCAL lock_timeout = '2s';\nINSERT INTO payout VALUES {self.row_values(i + 1, row)}"
        self.must(sql, True, "")
        self.put(mine, [(i + 1, row)])  # told false, if the other one has it
        self.must("COMMIT", True, "")
        if not before:
            self.must(end, True, "", "b")
            if end.startswith("ROLLBACK"):
                del mine.rows[i]
                mine.seen = {*self.m.seen}  # nobody has
        self.m = mine

    def crash(self) -> None:
        """What was committed is known."""
        if self.breaks:
            self.until_right("signals", self.wrong)
            self.stop_and_start()

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = [
            tuple(x) for x in self.ask("SELECT id, note, customer, place FROM payout ORDER BY id")
        ]
        want = [
            (i, r.note, None if r.customer is None else f"c{r.customer}", r.place)
            for i, r in sorted(self.m.rows.items())
        ]
        if got != want:
            raise Found("rows", f"{got} are there, it should be {want}")

    def wrong(self) -> str:
        got = dict(
            self.ask(
                "SELECT encode(subject, 'hex'), sum(count)::int FROM paysafe.signal WHERE kind = 'first_seen' AND segment ="
                f" '{self.kind}' GROUP BY 1"
            )
        )
        n, want = sum(got.values()), sum(self.signals.values())
        if n != want:
            return f"{n} are signals, it should be {want}"
        if self.scoped and sorted(got.values()) != sorted(x for x in self.signals.values() if x):
            return f"{got} are signals by scope, it should be {self.signals}"
        return ""


ACTS: dict[str, float] = {
    "write": 12,
    "call": 4,
    "reads_only": 0.5,
    "beside": 5,
    "crash": 1.5,
}


def restarts(seed: int) -> bool:
    """Does this play stop the server that it has?"""
    return tabled.stops(seed, "firsts", 0.1)


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of what is seen first?"""
    return random.Random(f"firsts or not {seed}").random() < 0.015
