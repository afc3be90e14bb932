"""Plays of JSON in columns that fits a schema, against a validator of a few lines.

By doc/payloads.md and doc/reference.md (protect_payload) alone: schemas of some words, columns of every type that may have one,
two of them in a table, enforced and observed, beside a CHECK with json_valid; tables in one piece, partitions and children; rows
by INSERT, COPY, upsert, MERGE, triggers that write the body, in savepoints that are undone, prepared, by a session whose snapshot
is old; another schema, which takes two people.
"""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import tabled
from commands import APP, OWNER, Found

TYPES = ("json", "jsonb", "text", "varchar(2000)", "bytea")
Value = Any


class Dupe(Exception):
    """JSON that readers read differently."""


def pairs(items: list[tuple[str, Value]]) -> dict[str, Value]:
    out = dict(items)
    if len(out) != len(items):
        raise Dupe
    return out


def parse(text: str) -> Value:
    """Raises ValueError or Dupe for what is none."""

    def no(word: str) -> Value:
        raise ValueError(word)

    return json.loads(
        text, parse_float=Decimal, parse_int=Decimal, parse_constant=no, object_pairs_hook=pairs
    )


def type_of(v: Value) -> set[str]:
    if v is None:
        return {"null"}
    if isinstance(v, bool):
        return {"boolean"}
    if isinstance(v, Decimal):
        return {"number", "integer"} if v == v.to_integral_value() else {"number"}
    return {"string"} if isinstance(v, str) else {"array"} if isinstance(v, list) else {"object"}


def same(a: Value, b: Value) -> bool:
    """true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return bool(type(a) is type(b) and a == b)


def good(s: Value, v: Value, top: Value) -> bool:
    """Does the value fit the schema?"""
    if isinstance(s, bool):
        return s
    if "$ref" in s and not good(top["$defs"][s["$ref"].rsplit("/", 1)[1]], v, top):
        return False
    types = s.get("type")
    if types is not None and not type_of(v) & set([types] if isinstance(types, str) else types):
        return False
    if (
        "const" in s
        and not same(s["const"], v)
        or "enum" in s
        and not any(same(x, v) for x in s["enum"])
    ):
        return False
    if isinstance(v, Decimal) and not isinstance(v, bool):
        if (
            v < s.get("minimum", v)
            or v > s.get("maximum", v)
            or v <= s.get("exclusiveMinimum", v - 1)
        ):
            return False
        if "multipleOf" in s and v % s["multipleOf"] != 0:
            return False
    if isinstance(v, str) and not s.get("minLength", 0) <= len(v) <= s.get("maxLength", len(v)):
        return False
    if isinstance(v, list):
        if not s.get("minItems", 0) <= len(v) <= s.get("maxItems", len(v)):
            return False
        if s.get("uniqueItems") and any(same(x, y) for i, x in enumerate(v) for y in v[:i]):
            return False
        if "items" in s and not all(good(s["items"], x, top) for x in v):
            return False
    if isinstance(v, dict):
        known = s.get("properties", {})
        if any(k not in v for k in s.get("required", [])):
            return False
        if any(k in v and not good(x, v[k], top) for k, x in known.items()):
            return False
        if "additionalProperties" in s and not all(
            good(s["additionalProperties"], x, top) for k, x in v.items() if k not in known
        ):
            return False
    return True


@dataclass(frozen=True)
class Row:
    body: str | None
    more: str | None
    note: int
    place: int = 1


@dataclass
class Column:
    name: str
    kind: str
    schema: dict[str, Value]
    observed: bool = False
    checked: bool = False  # by a constraint of the table's owner


@dataclass
class Model:
    rows: dict[int, Row] = field(default_factory=dict)


class Play(tabled.Play):
    """A table of events."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.tree = rng.choice(["plain", "plain", "list", "child"])
        self.traps = self.chance(0.4)
        self.cols = [Column("body", rng.choice(TYPES), self.a_schema(), checked=self.chance(0.3))]
        if self.chance(0.6):
            self.cols.append(Column("more", rng.choice(TYPES), self.a_schema(), self.chance(0.5)))
        self.m = Model()
        self.next, self.gid, self.refused, self.seen, self.perhaps = 1, 0, 0, 0, 0

    # ------------------------------------------------------------ schemas and values

    def a_schema(self) -> dict[str, Value]:
        rng = self.rng
        props: dict[str, Value] = {
            "a": rng.choice(
                [
                    {"type": "integer", "minimum": 1},
                    {"type": "number", "multipleOf": Decimal("0.01")},
                    {"$ref": "#/$defs/money"},
                    {"type": ["number", "null"], "exclusiveMinimum": 0},
                ]
            ),
            "s": rng.choice(
                [{"enum": ["eur", "usd"]}, {"type": "string", "maxLength": 3}, {"const": "eur"}]
            ),
            "l": {"type": "array", "maxItems": 3, "items": rng.choice([{"type": "integer"}, True])},
        }
        if self.chance(0.5):
            props["l"]["uniqueItems"] = True
        out: dict[str, Value] = {
            "type": "object",
            "properties": props,
            "required": rng.choice([["a"], ["a", "s"]]),
        }
        if self.chance(0.6):
            out["additionalProperties"] = rng.choice([False, {"type": "integer"}])
        if "$ref" in props["a"]:
            out["$defs"] = {"money": {"type": "integer", "maximum": 1000}}
        return out

    @staticmethod
    def said(schema: dict[str, Value]) -> str:
        return json.dumps(schema, default=float)

    def a_text(self) -> str:
        """Most of them fit many schemas."""
        rng = self.rng
        amounts = ["1", "1", "5", "10.00", "1e2", "0.5", "0.015", "0", "null", "1001", "true"]
        words = ['"eur"', '"eur"', '"usd"', r'"\u00e9\u00e9\u00e9"', '"euro"', "1"]
        lists = ["[]", "[1, 2]", "[1, 1.0]", "[1, true]", "[1,2,3,4]", "{}"]
        parts = [f'"a": {rng.choice(amounts)}']
        if self.chance(0.8):
            parts.append(f'"s": {rng.choice(words)}')
        if self.chance(0.4):
            parts.append(f'"l": {rng.choice(lists)}')
        if self.chance(0.15):
            parts.append(rng.choice(['"x": 1', '"x": "y"', '"A": 1']))
        if self.chance(0.07):
            parts.append('"a": 1')  # twice
        if self.chance(0.06):
            return rng.choice(["[]", "null", "1", "{}", '{"a": {"a": 1}}'])
        rng.shuffle(parts)
        return "{" + ", ".join(parts) + "}"

    def is_fit(self, c: Column, text: str | None, now: bool = True) -> bool:
        if text is None:
            return True
        try:
            value = parse(text)
        except (Dupe, ValueError):
            if c.kind != "jsonb":
                return False
            # the last one is left, whoever wrote the others
            value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        return good(
            json.loads(self.said(c.schema), parse_float=Decimal, parse_int=Decimal), value, c.schema
        )

    # ------------------------------------------------------------ tables

    def declared(self, c: Column) -> str:
        mode = ", mode => 'observe'" if c.observed else ""
        return f"SELECT paysafe.protect_payload('event', '{c.name}', '{self.said(c.schema)}'{mode})"

    def setup(self) -> None:
        self.begin_schema("defer_validation")
        key = "id, place" if self.tree == "list" else "id"
        by = " PARTITION BY LIST (place)" if self.tree == "list" else ""
        kinds = {c.name: c.kind for c in self.cols}
        checks = "".join(
            f", CHECK (paysafe.json_valid('{self.said(c.schema)}', {c.name}))"
            for c in self.cols
            if c.checked
        )
        made = [
            f"CREATE TABLE event (id int, body {kinds['body']}, more {kinds.get('more', 'text')}, note int,"
            f" place int NOT NULL DEFAULT 1, PRIMARY KEY ({key}){checks}){by}"
        ]
        if self.tree == "list":
            made += [
                f"CREATE TABLE event_{i} PARTITION OF event FOR VALUES IN ({i})" for i in (1, 2)
            ]
        elif self.tree == "child":
            made.append("CREATE TABLE event_child (PRIMARY KEY (id)) INHERITS (event)")
        if self.traps:
            bad = self.literal(self.cols[0], "{}")
            made.append(
                "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.note = 13 THEN NEW.body :="
                f" {bad}; END IF; RETURN NEW; END$$"
            )
            made += [
                f"CREATE TRIGGER zz_spoil BEFORE INSERT OR UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION spoil()"
                for t in (["event", "event_child"] if self.tree == "child" else ["event"])
            ]
        made += [self.declared(c) for c in self.cols]
        made.append(f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}")
        self.must(";\n".join(made), True, "", "owner")

    def literal(self, c: Column | None, text: str | None) -> str:
        if text is None:
            return "NULL"
        if c is not None and c.kind == "bytea":
            return f"'\\x{text.encode().hex()}'"
        return f"'{text}'"

    def row_values(self, i: int, r: Row) -> str:
        more = self.cols[1] if len(self.cols) > 1 else None
        return f"({i}, {self.literal(self.cols[0], r.body)}, {self.literal(more, r.more)}, {r.note}, {r.place})"

    # ------------------------------------------------------------ the model

    def as_stored(self, r: Row) -> Row:
        return replace(r, body="{}") if self.traps and r.note == 13 else r

    def put(self, m: Model, some: list[tuple[int, Row]]) -> tuple[set[str], int]:
        """Codes with which it may be refused, and how much is only observed."""
        codes, seen = set(), 0
        for i, new in some:
            old = m.rows.get(i)
            new = self.as_stored(new)
            m.rows[i] = new
            for c in self.cols:
                text = getattr(new, c.name)
                if self.is_fit(c, text):
                    continue
                if c.checked:
                    codes.add("23514")
                if old is not None and getattr(old, c.name) == text:
                    continue
                if c.observed:
                    seen += 1
                else:
                    codes.add("23H01")
        return codes, seen

    # ------------------------------------------------------------ statements

    def a_row(self) -> Row:
        rng = self.rng
        body = None if self.chance(0.1) else self.a_text()
        more = None if self.chance(0.3) else self.a_text()
        if len(self.cols) == 1:
            more = rng.choice([None, "x"])
        for _ in range(6):  # most of them fit
            if self.chance(0.25):
                break
            if not self.is_fit(self.cols[0], body):
                body = self.a_text()
            if len(self.cols) > 1 and not self.is_fit(self.cols[1], more):
                more = self.a_text()
        return Row(
            body,
            more,
            13 if self.chance(0.08) else rng.randint(20, 40),
            rng.choice([1, 2]) if self.tree == "list" else 1,
        )

    def addition(self) -> tuple[str, list[tuple[int, Row]]]:
        some = []
        for _ in range(self.rng.choice([1, 1, 2, 4])):
            some.append((self.next, self.a_row()))
            self.next += 1
        rows = ", ".join(self.row_values(i, r) for i, r in some)
        t = self.rng.choice(["event", "event_child"]) if self.tree == "child" else "event"
        way = self.rng.choice(["plain", "copy", "cte", "merge"])
        sql = f"INSERT INTO {t} VALUES {rows}"
        if way == "cte":
            sql = f"WITH x AS ({sql} RETURNING 1) SELECT count(*) FROM x"
        elif way == "merge" and len(some) == 1:
            sql = f"MERGE INTO {t} USING (SELECT {some[0][0]} AS i) v ON id = i WHEN NOT MATCHED THEN INSERT VALUES {rows}"
        elif way == "copy" and all(c.kind != "bytea" for c in self.cols):
            sql = self.copy_rows(t, [(i, r.body, r.more, r.note, r.place) for i, r in some])
        return sql, some

    def update(self, m: Model) -> tuple[str, list[tuple[int, Row]]] | None:
        if not m.rows:
            return None
        i = self.rng.choice(list(m.rows))
        old, other = m.rows[i], self.a_row()
        name = self.rng.choice(["body", "body", "more", "note", "place"])
        new = replace(old, **{name: getattr(other, name)})
        more = self.cols[1] if len(self.cols) > 1 else None
        value = {
            "body": self.literal(self.cols[0], new.body),
            "more": self.literal(more, new.more),
            "note": str(new.note),
            "place": str(new.place),
        }[name]
        sql = f"UPDATE event SET {name} = {value} WHERE id = {i}"
        if self.chance(0.25):
            sql = f"MERGE INTO event USING (SELECT {i} AS i) v ON id = i WHEN MATCHED THEN UPDATE SET {name} = {value}"
        elif self.tree == "plain" and self.chance(0.35):
            sql = f"INSERT INTO event VALUES {self.row_values(i, replace(old, note=20))} ON CONFLICT (id) DO UPDATE SET {name} = {value}"
            if self.put(Model(), [(i, replace(old, note=20))])[0]:
                return None
        elif self.chance(0.15):
            some = [(n, replace(r, note=r.note + 50)) for n, r in m.rows.items()]
            return "UPDATE event SET note = note + 50", some
        return sql, [(i, new)]

    # ------------------------------------------------------------ acts

    def write(self) -> None:
        m, codes, steps, seen = copy.deepcopy(self.m), set[str](), [], 0
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            got = self.addition() if self.chance(0.6) else self.update(m)
            if got is None:
                continue
            sql, some = got
            aside = copy.deepcopy(m)
            codes, n = self.put(aside, some)
            seen += n
            if codes:
                steps.append(sql)
                break
            if self.chance(0.2):
                steps += ["SAVEPOINT s", sql, "ROLLBACK TO s"]
                continue
            steps.append(sql)
            m = aside
        if not steps:
            return
        end = "COMMIT" if codes or self.chance(0.9) else "ROLLBACK"
        text = ";\n".join([f"BEGIN{self.isolation()}", *steps, end])
        who = self.rng.choice(["a", "a", "b", "owner", "super"])
        code = self.run(text, who)
        if code not in (codes or {""}):
            raise Found(
                "passed" if codes else "legitimate",
                f"{code or 'no refusal'}, it is {codes}: {text}",
            )
        self.refused += code == "23H01"
        if code:
            self.perhaps += seen  # what was observed before it was refused
        else:
            self.seen += seen
        if not code and end == "COMMIT":
            self.m = m

    def prepare(self) -> None:
        """What fits is prepared, and is there or not."""
        sql, some = self.addition()
        aside = copy.deepcopy(self.m)
        codes, seen = self.put(aside, some)
        code = self.run(f"BEGIN;\n{sql}", "b")
        if code not in (codes or {""}):
            raise Found(
                "passed" if codes else "legitimate", f"{code or 'no refusal'}, it is {codes}: {sql}"
            )
        self.refused += code == "23H01"
        if code:
            self.perhaps += seen
            return
        self.seen += seen
        self.gid += 1
        end = self.prepared(self.gid, self.rng.choice(["COMMIT", "ROLLBACK"]))
        self.must(end, True, "", "b")
        if end.startswith("COMMIT"):
            self.m = aside

    def ask_it(self) -> None:
        """json_valid and json_fault say what the rule would."""
        c = self.rng.choice(self.cols)
        text = self.a_text()
        kind = c.kind.split("(")[0]
        said = self.said(c.schema)
        value = f"{self.literal(c, text)}::{kind}"
        valid, fault = self.ask(
            f"SELECT paysafe.json_valid('{said}', {value}), paysafe.json_fault('{said}', {value})"
        )[0]
        want = self.is_fit(c, text)
        if valid != want or (fault is None) != want:
            raise Found("valid", f"{valid}, {fault}; it should be {want}: {value} by {said}")

    def another(self) -> None:
        """Another schema, stricter or not, takes two; and all rows fit it."""
        c = self.rng.choice(self.cols)
        new = replace(c, schema=self.a_schema())
        if c.checked or self.said(new.schema) == self.said(c.schema):
            return
        fits = all(self.is_fit(new, getattr(r, c.name)) for r in self.m.rows.values())
        sql = self.declared(new)
        if c.observed:
            self.must(f"BEGIN;\nSELECT paysafe.act_as('carl');\n{sql};\nCOMMIT", True, "", "owner")
        else:
            self.refused_alone(sql)
            if self.chance(0.4) or not fits:
                return
            self.agreed_by_two(sql)
        c.schema = new.schema

    def none_of_it(self) -> None:
        """Words that nobody checks are refused when they are declared."""
        word = self.rng.choice(
            [
                '"anyOf": [true]',
                '"format": "date"',
                '"minlength": 1',
                '"not": {}',
                '"$ref": "http://x"',
            ]
        )
        c = self.rng.choice(self.cols)
        sql = f"SELECT paysafe.protect_payload('event', '{c.name}', '{{{word}}}')"
        self.must(sql, False, "22023", "owner")

    def enforce(self) -> None:
        """From observing to enforcing it takes nobody, if the rows allow, or are left for later."""
        for c in self.cols:
            if not c.observed:
                continue
            new = replace(c, observed=False)
            fits = all(self.is_fit(c, getattr(r, c.name)) for r in self.m.rows.values())
            sql = self.declared(new)
            if self.chance(0.6):
                sql, fits = f"BEGIN;\nSELECT paysafe.defer_validation();\n{sql};\nCOMMIT", True
            if self.must(sql, fits, "23H01 23514", "owner"):
                c.observed = False
            self.unsure = True

    unsure = False  # was something observed that nobody has counted here?

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = {i: (b, m, n) for i, b, m, n in self.ask("SELECT id, body, more, note FROM event")}
        if got.keys() != self.m.rows.keys():
            raise Found("rows", f"{sorted(got)} are there, it should be {sorted(self.m.rows)}")
        for i, r in self.m.rows.items():
            body = got[i][0]
            if isinstance(body, bytes):
                body = body.decode()
            if got[i][2] != r.note or isinstance(body, str) and body != r.body:
                raise Found("rows", f"row {i} is {got[i]}, it should be {r}")

    def wrong(self) -> str:
        n = self.recorded("event", "23H01")
        if n != self.refused:
            return f"{n} refusals are on record, it should be {self.refused}"
        n = self.recorded("event", "23H01", True)
        if not self.seen <= n <= self.seen + self.perhaps and not self.unsure:
            return f"{n} were observed, it should be {self.seen} to {self.seen + self.perhaps}"
        return ""


ACTS: dict[str, float] = {
    "write": 12,
    "prepare": 2,
    "ask_it": 3,
    "another": 2.5,
    "none_of_it": 0.5,
    "enforce": 1,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of JSON in columns?"""
    return random.Random(f"bodies or not {seed}").random() < 0.015
