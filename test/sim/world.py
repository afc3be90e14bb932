"""A world from a seed: tables, rules and people, as plain data that prints as SQL.

Nothing here knows how paysafe decides.  Oracle and generators both read this data;
it is all that they share.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

# arguments of rules that are statuses
STATUSES = (
    "machine",
    "captured",
    "recorded",
    "adjustable",
    "gated",
    "void",
    "counted",
    "deletable",
)


def literal(value: Any) -> str:
    """A value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def array(values: Any) -> str:
    return "'{" + ",".join(f'"{v}"' if v in ("", "NULL") else str(v) for v in values) + "}'"


def hours(args: dict[str, Any], name: str, usual: int) -> str:
    """An argument that is a time; nothing where it is the usual one."""
    got = args.get(name, usual)
    return "" if got == usual else f", \"{name}\" => '{got} hours'"


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    role: str = ""
    more: str = ""  # NOT NULL, DEFAULT and the like
    form: str = ""  # how it is stored, where that is not how it is said (below)
    words: tuple[tuple[str, str], ...] = ()  # of statuses: what is said, and what is declared

    def sql(self) -> str:
        return f"{self.name} {self.type} {self.more}".rstrip()

    # A status may be a boolean, a point in time, or stand within jsonb; an amount may be in
    # cents of dollars, or in dollars of cents.  Everybody here says it as usual.

    def kept(self, said: Any) -> Any:
        """What is said, as it is stored."""
        if self.form == "boolean" and said is not None:
            return dict(self.words)[said] == "true"
        if self.form == "time":
            return None if dict(self.words)[said] == "unset" else "2026-01-02 00:00:00+00"
        if self.form == "json":
            return json.dumps({"n": 1, "s": said})
        if self.form in ("minor", "major") and isinstance(said, Decimal) and said.is_finite():
            return said * 100 if self.form == "minor" else said / 100
        return said

    def said(self, stored: Any) -> Any:
        """The other way round; stored is a text, or an amount."""
        if self.form == "boolean" and stored is not None:
            return self.first("true" if str(stored).lower().startswith("t") else "false")
        if self.form == "time":
            return self.first("unset" if stored is None else "set")
        if self.form == "json" and stored is not None:
            return json.loads(stored).get("s")
        if self.form in ("minor", "major") and isinstance(stored, Decimal) and stored.is_finite():
            return stored / 100 if self.form == "minor" else stored * 100
        return stored

    def first(self, declared: str) -> str:
        return next(a for a, b in self.words if b == declared)

    def settle(self, said: Any) -> Any:
        """What will be said of it once it is stored."""
        if self.form in ("boolean", "time") and said is not None:
            return self.first(dict(self.words)[said])
        if self.form in ("minor", "major") and isinstance(said, Decimal) and said.is_finite():
            return round(said, 2 if self.form == "minor" else 0)
        return said

    def equals(self, said: Any) -> str:
        """A condition for it."""
        if self.form == "time":
            return f"{self.name} IS {'' if self.kept(said) is None else 'NOT '}NULL"
        name = f"({self.name} ->> 's')" if self.form == "json" else self.name
        return f"{name} = {literal(said if self.form == 'json' else self.kept(said))}"


@dataclass(frozen=True)
class Partition:
    method: str  # list, range, hash
    column: str
    parts: tuple[tuple[str, str], ...]  # name, bound
    nested: bool = False


@dataclass(frozen=True)
class Table:
    name: str
    kind: str  # payment, refund, ledger, account, plain
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: Partition | None = None
    child: str = ""  # a child that inherits
    deferrable: bool = False
    more: tuple[str, ...] = ()  # further constraints
    host: str = ""  # its rows are in this table
    mark: tuple[tuple[str, Any], ...] = ()  # what its rows say in a table of several sorts

    @property
    def place(self) -> str:
        """The table that has its rows."""
        return self.host or self.name

    def has(self, row: Row) -> bool:
        """Of those in the same table, is it one of its rows?"""
        kind = row.get("kind")
        return not self.mark or (kind == "refund") == (("kind", "refund") in self.mark)

    def column(self, role: str) -> str:
        """The name of the column that has a role; an empty string if none has."""
        for c in self.columns:
            if c.role == role:
                return c.name
        return ""

    def type_of(self, name: str) -> str:
        return self.get(name).type

    def get(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    def literal(self, name: str, said: Any) -> str:
        """A value of a column, as SQL."""
        return literal(self.get(name).kept(said))

    def settle(self, row: Row) -> Row:
        """The values as they will be read."""
        kept = {c.name: c for c in self.columns if c.form}
        return {k: kept[k].settle(v) if k in kept else v for k, v in row.items()}

    def relations(self) -> list[str]:
        """The relations that may have rows."""
        if self.partition is None:
            return [self.place] + ([self.child] if self.child else [])
        names = []
        for name, _bound in self.partition.parts:
            names += [f"{name}_0", f"{name}_1"] if self.partition.nested else [name]
        return names

    def identity(self) -> tuple[str, ...]:
        """The key without what only the partitioning needs, level by level from the root."""
        rest = self.key
        if self.partition is not None:
            levels = [self.partition.column, self.key[0] if self.partition.nested else ""]
            for column in levels:
                rest = tuple(k for k in rest if k != column) or rest
        return rest

    def sql(self) -> list[str]:
        if self.host:
            return []
        parts = [c.sql() for c in self.columns]
        key = f"PRIMARY KEY ({', '.join(self.key)})"
        if self.deferrable:
            key += " DEFERRABLE INITIALLY DEFERRED"
        parts += [key, *self.more]
        text = f"CREATE TABLE {self.name} ({', '.join(parts)})"
        if self.partition is None:
            out = [text]
            if self.child:
                out.append(
                    f"CREATE TABLE {self.child} (PRIMARY KEY ({', '.join(self.key)})) INHERITS"
                    f" ({self.name})"
                )
        else:
            p = self.partition
            out = [f"{text} PARTITION BY {p.method} ({p.column})"]
            for name, bound in p.parts:
                sub = f"CREATE TABLE {name} PARTITION OF {self.name} {bound}"
                if p.nested:
                    sub += f" PARTITION BY HASH ({self.key[0]})"
                out.append(sub)
                if p.nested:
                    for i in (0, 1):
                        out.append(
                            f"CREATE TABLE {name}_{i} PARTITION OF {name} FOR VALUES WITH (MODULUS"
                            f" 2, REMAINDER {i})"
                        )
        ref = ", ".join(c.name for c in self.columns if c.role == "ref")
        if self.mark:
            out.append(f"CREATE INDEX ON {self.name} (payment_id)")
        if self.kind in ("refund", "capture") and ref:
            out.append(f"CREATE INDEX ON {self.name} ({ref})")
            if self.child:
                out.append(f"CREATE INDEX ON {self.child} ({ref})")
        if self.kind == "account" and self.partition is not None:
            out += [f"CREATE UNIQUE INDEX ON {r} ({self.column('key')})" for r in self.relations()]
        if self.kind == "ledger":
            out.append(f"CREATE INDEX ON {self.name} ({self.column('tx')})")
        out += [f"ALTER TABLE {r} REPLICA IDENTITY FULL" for r in self.relations()]
        return out


def key_text(t: Table, row: Row) -> str:
    def one(v: Any) -> str:
        if isinstance(v, Decimal):
            v = format(v.normalize(), "f")
        return str(v).replace("\\", "\\\\").replace(",", "\\,")

    names = t.identity()
    if len(names) == 1:
        v = row[names[0]]
        return format(v.normalize(), "f") if isinstance(v, Decimal) else str(v)
    return ",".join(one(row[k]) for k in names)


@dataclass(frozen=True)
class Machine:
    initial: frozenset[str]
    edges: frozenset[tuple[str, str]]

    @property
    def states(self) -> frozenset[str]:
        return self.initial | {s for e in self.edges for s in e}

    def diagram(self) -> str:
        lines = [f"[*] --> {s}" for s in sorted(self.initial)]
        lines += [f"{a} --> {b}" for a, b in sorted(self.edges)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Rule:
    """A rule as it is declared: kind, table and arguments of that kind."""

    kind: str
    table: str
    args: tuple[tuple[str, Any], ...]

    def get(self, name: str) -> Any:
        return dict(self.args)[name]

    def opt(self, name: str, default: Any = None) -> Any:
        """An argument that most rules of the kind do not have."""
        return dict(self.args).get(name, default)

    def with_(self, **changes: Any) -> Rule:
        return Rule(self.kind, self.table, tuple((k, changes.get(k, v)) for k, v in self.args))

    def settled(self) -> Rule:
        """With statuses as rows will have them, where several are stored as one."""
        words = dict(self.opt("words") or ())
        if not words:
            return self
        firsts = {a: next(c for c, d in words.items() if d == b) for a, b in words.items()}

        def one(v: Any) -> Any:
            if isinstance(v, frozenset):
                return frozenset(firsts.get(s, s) for s in v)
            if isinstance(v, Machine):
                edges = {(firsts[a], firsts[b]) for a, b in v.edges}
                return Machine(
                    frozenset(firsts[s] for s in v.initial),
                    frozenset((a, b) for a, b in edges if a != b),
                )
            return v

        return Rule(
            self.kind, self.table, tuple((k, one(v) if k in STATUSES else v) for k, v in self.args)
        )

    def declared(self) -> dict[str, Any]:
        """Its arguments with statuses in the words that declarations take."""
        words = dict(self.opt("words") or ())

        def one(v: Any) -> Any:
            if isinstance(v, frozenset):
                return frozenset(words.get(s, s) for s in v)
            if isinstance(v, Machine):
                return Machine(
                    frozenset(words[s] for s in v.initial),
                    frozenset((words[a], words[b]) for a, b in v.edges),
                )
            return v

        return {k: one(v) if words and k in STATUSES else v for k, v in self.args}

    @property
    def place(self) -> str:
        return str(self.opt("host") or self.table)

    @property
    def slot(self) -> tuple[str, str, str]:
        """What a declaration takes the place of."""
        return (
            self.kind,
            self.table,
            str(self.get("currency")) if self.kind == "threshold" else "",
        )

    def sql(self) -> str:
        a = self.declared()
        t = literal(self.place)
        if "shape" in a:
            return declaration(self)
        if self.kind == "status":
            recorded = a.get("recorded")
            more = f", recorded => {array(sorted(recorded))}" if recorded else ""
            return (
                f"SELECT paysafe.protect_status({t}, {literal(a['column'])}, "
                f"{literal(a['machine'].diagram())}, {array(sorted(a['deletable']))}{more})"
            )
        if self.kind == "payment":
            return (
                f"SELECT paysafe.protect_payment({t}, {literal(a['status'])},"
                f" {literal(a['amount'])}, {literal(a['captured_column'])},"
                f" {literal(a['currency'])}, captured => {array(sorted(a['captured']))})"
            )
        if self.kind == "refund":
            free = a["unapproved"]
            more = "" if free is None else f", unapproved_columns => {array(sorted(free))}"
            return (
                f"SELECT paysafe.protect_refund({t}, {literal(a['payment'])}, payment_column =>"
                f" {literal(a['ref'])}, amount_column => {literal(a['amount'])}, currency_column =>"
                f" {literal(a['currency'])}, status_column => {literal(a['status'])}, gated =>"
                f" {array(sorted(a['gated']))}, void => {array(sorted(a['void']))},"
                f" payment_amount_column => {literal(a['captured_column'])},"
                f" payment_currency_column => {literal(a['payment_currency'])}{more})"
            )
        if self.kind == "threshold":
            return (
                f"SELECT paysafe.set_refund_threshold({t}, {literal(a['currency'])}, {a['amount']},"
                f" approvers => {a['approvers']}{hours(a, 'within', 24)}{hours(a, 'valid_for', 1)})"
            )
        if self.kind == "columns":
            once = a["once"]
            more = "" if once is None else f", once_status => {array(sorted(once))}"
            return f"SELECT paysafe.protect_columns({t}, {array(sorted(a['columns']))}{more})"
        if self.kind == "append_only":
            return f"SELECT paysafe.protect_append_only({t})"
        if self.kind == "row_lock":
            return f"SELECT paysafe.protect_row_lock({t}, {array(sorted(a['columns']))})"
        if self.kind == "audit":
            more = "".join(f", {k} => true" for k in ("require_reason", "require_ticket") if a[k])
            return f"SELECT paysafe.audit({t}{more})"
        if self.kind == "ledger":
            more = "".join(
                f", {k}_column => {literal(a[k])}"
                for k in ("direction", "reverses", "posting_date")
                if a[k]
            )
            return (
                f"SELECT paysafe.protect_ledger({t}, {literal(a['tx'])}, {literal(a['account'])}, "
                f"{literal(a['amount'])}, {literal(a['currency'])}{more})"
            )
        if self.kind == "balance":
            more = "".join(
                f", {k}_column => {literal(a[k])}" for k in ("minimum", "currency", "side") if a[k]
            )
            return (
                f"SELECT paysafe.protect_balance({t}, {literal(a['key'])}, {literal(a['balance'])},"
                f" {literal(a['ledger'])}{more})"
            )
        raise ValueError(self.kind)


def holds(rule: Rule, row: Row | None) -> bool:
    """Is it one of the rows that the rule is for?"""
    if row is None:
        return False
    return all((row[c] in values) != other for c, values, other in rule.opt("rows", ()))


def columns(names: Any) -> tuple[str, ...]:
    """Names of columns, of one or of several."""
    return names if isinstance(names, tuple) else (names,)


def named(names: Any, row: Row) -> tuple[Any, ...] | None:
    """What a row says in one column or several; None where it says nothing in one of them."""
    values = tuple(row[c] for c in columns(names))
    return None if any(v is None for v in values) else values


def listed(columns: Any) -> str:
    """One column, or several in their order, as an argument."""
    if isinstance(columns, tuple):
        return literal(columns[0]) if len(columns) == 1 else array(columns)
    return literal(columns)


def declaration(rule: Rule) -> str:
    """A rule about money of another shape than usual; only what it says is named (shapes.py)."""
    a = rule.declared()
    out: list[str] = []

    def name(argument: str, key: str) -> None:
        value = a.get(key)
        if isinstance(value, bool):
            out.extend([f"{argument} => true"] if value else [])
        elif isinstance(value, frozenset):
            out.append(f"{argument} => {array(sorted(value))}")
        elif isinstance(value, tuple):
            out.append(f"{argument} => {listed(value)}")
        elif value is not None:
            out.append(f"{argument} => {literal(value)}")

    def within() -> None:
        if a.get("status_path"):
            out.append(f"status_path => {array(a['status_path'])}")

    def condition() -> None:
        if a.get("rows"):
            said = {c: {"not": list(v)} if other else list(v) for c, v, other in a["rows"]}
            out.append(f"rows => {literal(json.dumps(said))}")

    if rule.kind == "payment":
        first = f"{literal(a['status'])}, {literal(a['amount'])}"
        for argument, key in (
            ("captured_column", "captured_column"),
            ("currency_column", "currency"),
            ("captured", "captured"),
            ("recorded", "recorded"),
            ("currency", "constant"),
            ("currency_path", "path"),
            ("changes", "changes"),
            ("limit_column", "limit"),
            ("over_percent", "over"),
            ("adjustable", "adjustable"),
            ("units", "units"),
        ):
            name(argument, key)
        condition()
        within()
        return f"SELECT paysafe.protect_payment({literal(rule.place)}, {first}, {', '.join(out)})"
    name("payment_column", "ref")
    name("amount_column", "amount")
    name("currency_column", "currency")
    name("status_column", "status")
    if a.get("explicit"):
        name("payment_key", "payment_key")
    payment = literal(a["payment"])
    if rule.kind == "captures":
        for argument, key in (
            ("counted", "counted"),
            ("limit_column", "limit"),
            ("over_percent", "over"),
            ("currency", "constant"),
            ("currency_path", "path"),
            ("deletable", "deletable"),
            ("recorded", "recorded"),
        ):
            name(argument, key)
        condition()
        return (
            f"SELECT paysafe.protect_captures({literal(rule.table)}, {payment}, {', '.join(out)})"
        )
    for argument, key in (
        ("gated", "gated"),
        ("void", "void"),
        ("unapproved_columns", "unapproved"),
    ):
        name(argument, key)
    name("recorded", "recorded")
    if a.get("types"):
        out.append(f"type_column => {literal(a['type'])}")
        out += [f"{verb} => {array(v)}" for verb, v in a["types"] if v]
        name("counted", "counted")
        return (
            f"SELECT paysafe.protect_movements({literal(rule.table)}, {payment}, {', '.join(out)})"
        )
    for argument, key in (
        ("payment_amount_column", "captured_column"),
        ("payment_currency_column", "payment_currency"),
        ("amounts", "amounts"),
        ("units", "units"),
        ("deletable", "deletable"),
        ("currency", "constant"),
    ):
        name(argument, key)
    condition()
    within()
    return f"SELECT paysafe.protect_refund({literal(rule.place)}, {payment}, {', '.join(out)})"


@dataclass(frozen=True)
class Person:
    """Somebody, with all spellings of the name that are the same person."""

    name: str
    spellings: tuple[str, ...]


PEOPLE = (
    Person("anna", ("anna", "ANNA", "Anna", "ａｎｎａ")),
    Person("groß maier", ("groß maier", "GROSS MAIER", "gross  maier", "Groß Maier")),
    Person("odysseus", ("odysseus", "ODYSSEUS", "ODYſſEUS")),
    Person("νίκος", ("νίκος", "ΝΊΚΟΣ", "νίκοσ")),
    Person("irem", ("irem", "İrem", "IREM", "ırem")),
)

# logins that bear a person's name, and one that all share
LOGINS = ("anna", "irem")
SHARED = "sim_app"
OWNER = "sim_owner"


def person_of(name: str | None) -> str | None:
    """Who bears this name, in whatever spelling."""
    for p in PEOPLE:
        if name in p.spellings:
            return p.name
    return name


@dataclass
class World:
    seed: int
    tables: dict[str, Table] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    late: list[Rule] = field(default_factory=list)  # rules that are declared when there are rows
    extras: list[str] = field(default_factory=list)  # triggers and functions of the user's
    meddling: bool = False  # do they change what others write?
    features: set[str] = field(default_factory=set)
    sessions: int = 1
    ways: dict[str, Machine] = field(default_factory=dict)  # of tables whose status has no rule
    minor: bool = False
    unit: int = 1  # amounts of this world are small multiples of it

    def table(self, kind: str) -> list[Table]:
        return [t for t in self.tables.values() if t.kind == kind]

    def root(self, relation: str, row: Row | None = None) -> Table | None:
        """The table of a relation; of those that share it, the one that has this row."""
        for t in self.tables.values():
            if relation == t.place or relation in t.relations():
                if row is None or t.has(row):
                    return t
        return None

    def named(self, relation: str, key: str) -> str:
        """The table that a row of this key is of."""
        for t in self.tables.values():
            if t.host == relation and key in ("11", "12", "13"):
                return t.name
        return relation

    def sql(self) -> list[str]:
        """All statements that make this world, as the owner of its tables."""
        out = list(self.types)
        for t in self.tables.values():
            out += t.sql()
        out += self.extras
        names = ", ".join(
            r
            for t in self.tables.values()
            for r in dict.fromkeys([t.place, *t.relations()])
            if not t.host
        )
        out.append(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {names} TO {SHARED}, {', '.join(LOGINS)}"
        )
        out += [r.sql() for r in self.rules]
        return out


# ---------------------------------------------------------------- making one


@dataclass
class Maker:
    rng: random.Random
    world: World

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def feature(self, name: str, p: float) -> bool:
        if self.chance(p):
            self.world.features.add(name)
            return True
        return False

    def pick(self, name: str, choices: dict[str, float]) -> str:
        """One of the choices by weight; a feature unless it is the first one."""
        got = self.rng.choices(list(choices), list(choices.values()))[0]
        if got != next(iter(choices)):
            self.world.features.add(f"{name}:{got}")
        return got


def status_type(m: Maker, name: str, states: list[str]) -> str:
    kind = m.pick(
        f"{name} status",
        {"text": 5, "varchar(20)": 1, "char(12)": 1, "enum": 2, "domain": 1, "domain of enum": 1},
    )
    if kind == "enum":
        labels = ", ".join(literal(s) for s in states)
        m.world.types.append(f"CREATE TYPE {name}_status AS ENUM ({labels})")
        return f"{name}_status"
    if kind == "domain of enum":
        labels = ", ".join(literal(s) for s in states)
        m.world.types.append(f"CREATE TYPE {name}_label AS ENUM ({labels})")
        m.world.types.append(f"CREATE DOMAIN {name}_status AS {name}_label")
        return f"{name}_status"
    if kind == "domain":
        m.world.types.append(f"CREATE DOMAIN {name}_status AS text")
        return f"{name}_status"
    return kind


def key_columns(m: Maker, name: str) -> tuple[list[Column], tuple[str, ...]]:
    kinds: dict[str, float] = {
        "bigint": 6,
        "int": 1,
        "text": 1,
        "varchar(8)": 1,
        "uuid": 1,
        "two columns": 2,
    }
    if name != "payment":
        kinds |= {"numeric": 1, "date": 1}
    kind = m.pick(f"{name} key", kinds)
    if kind == "two columns":
        order = ("shop", "id") if m.chance(0.5) else ("id", "shop")
        return [Column("id", "bigint", "key"), Column("shop", "int", "key")], order
    return [Column("id", kind, "key")], ("id",)


def partitioned(
    m: Maker, name: str, columns: list[Column], key: tuple[str, ...]
) -> tuple[list[Column], tuple[str, ...], Partition | None]:
    """Perhaps partitions by a further column of the key."""
    method = m.pick(
        f"{name} partitions", {"none": 6, "list": 2, "range": 1, "hash": 1, "nested": 1}
    )
    if method == "none":
        return columns, key, None
    column = Column("region", "int", "region", "NOT NULL DEFAULT 1")
    columns = [*columns, column]
    key = (*key, "region") if m.chance(0.6) else ("region", *key)
    if method == "hash":
        parts = tuple(
            (f"{name}_p{i}", f"FOR VALUES WITH (MODULUS 2, REMAINDER {i})") for i in (0, 1)
        )
    elif method == "range":
        parts = (
            (f"{name}_p0", "FOR VALUES FROM (MINVALUE) TO (2)"),
            (f"{name}_p1", "FOR VALUES FROM (2) TO (MAXVALUE)"),
        )
    else:
        parts = ((f"{name}_p0", "FOR VALUES IN (1)"), (f"{name}_p1", "FOR VALUES IN (2, 3)"))
    nested = method == "nested"
    if nested:
        key = tuple(k for k in key if k != "region") + ("region",)
    return columns, key, Partition("list" if nested else method, "region", parts, nested)


def payment_machine(m: Maker) -> tuple[Machine, frozenset[str]]:
    """Statuses of payments, and which of them are captured."""
    edges = {("created", "authorized"), ("authorized", "captured")}
    initial = {"created"}
    captured = {"captured"}
    if m.chance(0.5):
        edges.add(("created", "captured"))
    if m.chance(0.3):
        edges.add(("authorized", "voided"))
    if m.chance(0.4):
        edges.add(("captured", "refunded"))
    if m.feature("captured is initial", 0.25):
        initial.add("captured")
    if m.feature("way back", 0.35):
        edges.add(
            m.rng.choice(
                [("captured", "created"), ("authorized", "created"), ("captured", "authorized")]
            )
        )
    if m.chance(0.15):
        captured.add("authorized")
    return Machine(frozenset(initial), frozenset(edges)), frozenset(captured)


def refund_machine(m: Maker) -> Machine:
    edges = {("requested", "approved"), ("approved", "paid"), ("requested", "rejected")}
    initial = {"requested"}
    if m.chance(0.4):
        edges.add(("approved", "rejected"))
    if m.feature("revival", 0.45):
        edges.add(("rejected", "requested"))
    if m.feature("revived as approved", 0.15):
        edges.add(("rejected", "approved"))
    if m.feature("back to waiting", 0.3):
        edges.add(("approved", "requested"))
    if m.feature("a step between", 0.3):
        edges |= {("requested", "review"), ("review", "approved"), ("review", "rejected")}
    if m.feature("born approved", 0.25):
        initial.add("approved")
    if m.chance(0.2):
        initial.add("rejected")
    return Machine(frozenset(initial), frozenset(edges))


def money_type(m: Maker) -> str:
    if m.world.minor:
        return m.rng.choice(["bigint", "int"])
    return m.rng.choice(["numeric(12,2)", "numeric"])


def add_payment(m: Maker) -> Table:
    w = m.world
    keys, key = key_columns(m, "payment")
    machine, captured = payment_machine(m)
    if len(key) == 1 and not m.world.features & {"payment partitions:list"}:
        keys, key, partition = (
            partitioned(m, "payment", keys, key) if m.chance(0.5) else (keys, key, None)
        )
    else:
        partition = None
    money = money_type(m)
    columns = [
        *keys,
        Column("status", status_type(m, "payment", sorted(machine.states)), "status"),
        Column("amount", money, "amount"),
        Column("captured", money, "captured"),
        Column("currency", m.rng.choice(["char(3)", "text"]), "currency"),
        Column("note", "text", "note"),
    ]
    if partition is None and len(key) > 1:
        # refunds name a payment by a column of their own
        columns.append(Column("number", "bigint", "number", "UNIQUE"))
    if m.chance(0.3):
        m.rng.shuffle(columns)
        w.features.add("columns in another order")
    deferrable = partition is None and len(key) == 1 and m.feature("deferrable key", 0.15)
    child = (
        "payment_child"
        if partition is None and len(key) == 1 and m.feature("payment child", 0.12)
        else ""
    )
    table = Table("payment", "payment", tuple(columns), key, partition, child, deferrable)
    w.tables["payment"] = table
    status = Rule(
        "status",
        "payment",
        (
            ("column", "status"),
            ("machine", machine),
            ("deletable", frozenset({"created"} if m.chance(0.5) else ())),
        ),
    )
    payment = Rule(
        "payment",
        "payment",
        (
            ("status", "status"),
            ("amount", "amount"),
            ("captured_column", "captured"),
            ("currency", "currency"),
            ("captured", captured),
        ),
    )
    if m.feature("payment without machine", 0.1):
        w.rules.append(payment)
    else:
        w.rules += [status, payment]
    return table


def reference(payment: Table) -> str:
    return payment.column("number") or payment.identity()[0]


def add_refund(m: Maker, name: str, payment: Table) -> Table:
    w = m.world
    machine = refund_machine(m)
    keys, key = key_columns(m, name)
    if len(key) == 1 or m.chance(0.3):
        keys, key, partition = partitioned(m, name, keys, key)
    else:
        partition = None
    money = payment.type_of("amount")
    ref = reference(payment)
    columns = [
        *keys,
        Column("payment_id", payment.type_of(ref), "ref"),
        Column("amount", money, "amount"),
        Column("currency", "char(3)" if m.chance(0.7) else "text", "currency"),
        Column("status", status_type(m, name, sorted(machine.states)), "status"),
        Column("payee", "text", "payee"),
        Column("provider_ref", "text", "filled"),
    ]
    if m.chance(0.5):
        columns.append(Column("touched", "timestamptz", "touched"))
    if m.feature("generated column", 0.15):
        columns.append(
            Column("doubled", money, "generated", "GENERATED ALWAYS AS (amount * 2) STORED")
        )
    if m.chance(0.3):
        m.rng.shuffle(columns)
        w.features.add("columns in another order")
    child = f"{name}_child" if partition is None and m.feature("refund child", 0.12) else ""
    more: tuple[str, ...] = ()
    if ref == "number" or (
        payment.partition is None and not payment.child and not payment.deferrable and m.chance(0.4)
    ):
        cascade = " ON DELETE CASCADE ON UPDATE CASCADE" if m.feature("cascade", 0.4) else ""
        if len(payment.key) == 1 or ref == "number":
            more = (f"FOREIGN KEY (payment_id) REFERENCES payment ({ref}){cascade}",)
    table = Table(name, "refund", tuple(columns), key, partition, child, False, more)
    w.tables[name] = table
    deletable = frozenset({"rejected", "requested"} if m.chance(0.4) else {"rejected"})
    gated = {"approved", "paid"}
    if m.chance(0.1):
        gated = {"paid"}
        w.features.add("gate at the last step")
    unapproved = None
    if m.feature("unapproved columns", 0.3):
        unapproved = frozenset(
            {"provider_ref"} | ({"touched"} if any(c.name == "touched" for c in columns) else set())
        )
    w.rules.append(
        Rule("status", name, (("column", "status"), ("machine", machine), ("deletable", deletable)))
    )
    w.rules.append(
        Rule(
            "refund",
            name,
            (
                ("payment", "payment"),
                ("ref", "payment_id"),
                ("payment_key", ref),
                ("amount", "amount"),
                ("currency", "currency"),
                ("status", "status"),
                ("gated", frozenset(gated)),
                ("void", frozenset({"rejected"})),
                ("captured_column", "captured"),
                ("payment_currency", "currency"),
                ("unapproved", unapproved),
            ),
        )
    )
    if m.chance(0.85):
        w.rules.append(
            Rule(
                "threshold",
                name,
                (
                    ("currency", "USD"),
                    ("amount", w.unit * m.rng.choice([0, 3, 5])),
                    ("approvers", 2 if m.feature("two approvers", 0.35) else 1),
                    ("within", 24),
                    ("valid_for", 1),
                ),
            )
        )
    return table


def add_plain(m: Maker) -> None:
    """Tables of one rule each: append-only, frozen columns, row locks."""
    w = m.world
    if m.feature("append-only", 0.35):
        columns = [
            Column("id", "bigint", "key"),
            Column("note", "text", "note"),
            Column("n", "int"),
        ]
        if m.feature("composite", 0.5):
            w.types.append("CREATE TYPE spot AS (x int, y int)")
            columns.append(Column("place", m.rng.choice(["spot", "spot[]"])))
        w.tables["notes"] = Table("notes", "append", tuple(columns), ("id",))
        w.rules.append(Rule("append_only", "notes", ()))
    if m.feature("row lock", 0.4):
        key = ("id",)
        cols = [
            Column("id", "bigint", "key"),
            Column("balance", "numeric", "counter"),
            Column("version", "int", "version", "NOT NULL DEFAULT 0"),
            Column("note", "text", "note"),
        ]
        w.tables["wallet"] = Table("wallet", "wallet", tuple(cols), key)
        w.rules.append(Rule("row_lock", "wallet", (("columns", frozenset({"balance"})),)))
    if m.feature("frozen columns", 0.35):
        machine = Machine(
            frozenset({"open"}),
            frozenset(
                {("open", "sent"), ("sent", "done")}
                | ({("sent", "open")} if m.chance(0.5) else set())
            ),
        )
        cols = [
            Column("id", "bigint", "key"),
            Column("state", "text", "status"),
            Column("payee", "text", "payee"),
            Column("price", "numeric", "price"),
        ]
        w.tables["job"] = Table("job", "job", tuple(cols), ("id",))
        w.rules.append(
            Rule(
                "status",
                "job",
                (("column", "state"), ("machine", machine), ("deletable", frozenset({"open"}))),
            )
        )
        if m.chance(0.7):
            w.rules.append(
                Rule(
                    "columns",
                    "job",
                    (("columns", frozenset({"payee"})), ("once", frozenset({"sent", "done"}))),
                )
            )
        else:
            w.rules.append(
                Rule("columns", "job", (("columns", frozenset({"price"})), ("once", None)))
            )


def add_ledger(m: Maker) -> None:
    w = m.world
    if not m.feature("ledger", 0.45):
        return
    money = "bigint" if w.minor else "numeric(12,2)"
    direction = m.feature("direction", 0.25)
    reverses = m.feature("reversals", 0.5)
    cols = [
        Column("id", "bigint", "key", "GENERATED BY DEFAULT AS IDENTITY"),
        Column("tx", "bigint", "tx"),
        Column("account", "text", "account"),
        Column("amount", money, "amount"),
        Column("currency", "char(3)", "currency", "DEFAULT 'USD'"),
    ]
    if direction:
        cols.append(Column("direction", "text", "direction"))
    if reverses:
        cols.append(Column("reverses", "bigint", "reverses"))
    w.tables["entry"] = Table("entry", "ledger", tuple(cols), ("id",))
    w.rules.append(
        Rule(
            "ledger",
            "entry",
            (
                ("tx", "tx"),
                ("account", "account"),
                ("amount", "amount"),
                ("currency", "currency"),
                ("direction", "direction" if direction else ""),
                ("reverses", "reverses" if reverses else ""),
                ("posting_date", ""),
            ),
        )
    )
    if m.feature("journal", 0.15):
        columns = (Column("id", "bigint", "key"), Column("note", "text", "note"))
        w.tables["journal"] = Table("journal", "journal", columns, ("id",))
    if m.feature("balances", 0.75):
        minimum = m.chance(0.8)
        cols = [Column("code", "text", "key"), Column("balance", money, "balance")]
        if minimum:
            cols.append(Column("minimum", money, "minimum"))
        key: tuple[str, ...] = ("code",)
        partition = None
        if m.feature("account partitions", 0.3):
            cols.append(Column("region", "int", "region", "NOT NULL DEFAULT 1"))
            key = ("region", "code") if m.chance(0.5) else ("code", "region")
            partition = Partition(
                "list",
                "region",
                (("account_p0", "FOR VALUES IN (1)"), ("account_p1", "FOR VALUES IN (2, 3)")),
            )
        w.tables["account"] = Table("account", "account", tuple(cols), key, partition)
        w.rules.append(
            Rule(
                "balance",
                "account",
                (
                    ("key", "code"),
                    ("balance", "balance"),
                    ("ledger", "entry"),
                    ("minimum", "minimum" if minimum else ""),
                    ("currency", ""),
                    ("side", ""),
                ),
            )
        )


def make(seed: int, shapes: bool = True) -> World:
    """The world of a seed."""
    rng = random.Random(f"world {seed}")
    world = World(seed)
    m = Maker(rng, world)
    world.minor = m.feature("minor units", 0.25)
    world.unit = 100 if world.minor else 1
    world.sessions = m.rng.choices([1, 2, 3, 5, 8], [3, 4, 3, 1, 0.5])[0]
    if world.sessions > 1:
        world.features.add("several sessions")
    theme = m.rng.choices(["money", "both", "rest"], [5, 2, 3])[0]
    if shapes and random.Random(f"shape {seed}").random() < 0.4:
        from shapes import add_shape

        add_shape(m)
    elif theme != "rest":
        payment = add_payment(m)
        add_refund(m, "refund", payment)
        if m.feature("two refund tables", 0.35):
            add_refund(m, "chargeback", payment)
    if theme == "both" or theme == "rest" and "shape" not in world.features:
        add_ledger(m)
        add_plain(m)
    if not world.tables:
        add_plain(m)
    if not world.tables:
        payment = add_payment(m)
        add_refund(m, "refund", payment)
    for t in list(world.tables.values()):
        if t.host or t.mark:
            continue
        if t.kind == "journal" or m.feature("audit", 0.6):
            reason = m.feature("reason required", 0.08) and t.kind != "journal"
            world.rules.append(
                Rule("audit", t.name, (("require_reason", reason), ("require_ticket", False)))
            )
    add_triggers(m)
    add_nesting(m)
    postpone(m)
    return world


TRIGGERS = (
    # name, when it fires, what it does; honest ones first
    ("touch", "BEFORE INSERT OR UPDATE ON {t}", "NEW.{note} := coalesce(NEW.{note}, ''x'')", ""),
    ("same", "BEFORE UPDATE ON {t}", "NEW.{note} := NEW.{note}", ""),
    ("payee", "BEFORE UPDATE ON {t}", "NEW.{note} := ''thief''", ""),
    ("amount", "BEFORE INSERT OR UPDATE ON {t}", "NEW.amount := NEW.amount + {unit}", ""),
    ("skip", "BEFORE UPDATE OR DELETE ON {t}", "RETURN NULL", "OLD.amount > 5 * {unit}"),
    ("old", "BEFORE UPDATE ON {t}", "NEW := OLD", "OLD.amount > 3 * {unit}"),
    (
        "again",
        "AFTER UPDATE ON {t}",
        "UPDATE {t} SET {note} = ''again'' WHERE {key} = NEW.{key}",
        "",
    ),
    (
        "onward",
        "AFTER INSERT ON {t}",
        "UPDATE {t} SET {status} = ''{next}'' WHERE {key} = NEW.{key}",
        "",
    ),
)


def add_triggers(m: Maker) -> None:
    """Triggers of the user's, honest or not."""
    w = m.world
    for t in list(w.tables.values()):
        if (
            t.kind not in ("payment", "refund")
            or t.mark
            or not m.feature(f"trigger on {t.name}", 0.12)
        ):
            continue
        # a word for a status is none where it is stored otherwise
        plain = not any(c.form for c in t.columns)
        name, when, what, condition = m.rng.choice(TRIGGERS if plain else TRIGGERS[:-1])
        words = {
            "t": t.name,
            "note": "note" if t.kind == "payment" else "payee",
            "status": "status",
            "next": "captured" if t.kind == "payment" else "approved",
            "key": t.key[0],
            "unit": str(w.unit),
        }
        w.features.add(f"trigger {name}")
        w.meddling = w.meddling or name != "same"
        first = "a" if m.chance(0.6) else "z"  # before paysafe's own, or after
        event = f"TG_OP <> ''INSERT'' AND {condition.format(**words)}" if condition else "true"
        body = (
            f"BEGIN IF pg_trigger_depth() < 3 AND {event} THEN {what.format(**words)}; END IF;"
            " RETURN CASE WHEN TG_OP = ''DELETE'' THEN OLD ELSE NEW END; END"
        )
        w.extras += [
            f"CREATE FUNCTION {first}_{name}_{t.name}() RETURNS trigger LANGUAGE plpgsql AS '{body}'",
            f"CREATE TRIGGER {first}_{name} {when.format(**words)} FOR EACH ROW EXECUTE FUNCTION"
            f" {first}_{name}_{t.name}()",
        ]
    if "journal" in w.tables:
        w.extras += [
            "CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO"
            " journal (id, note) SELECT coalesce(max(id), 0) + 1, NEW.account FROM journal;"
            " RETURN NULL; END'",
            "CREATE TRIGGER a_note AFTER INSERT ON entry FOR EACH ROW EXECUTE FUNCTION note_it()",
        ]


def add_nesting(m: Maker) -> None:
    """What runs a statement inside of another one: a function, a trigger of a table beside."""
    if not m.feature("writes inside others", 0.2):
        return
    definer = " SECURITY DEFINER" if m.feature("inside as the owner", 0.3) else ""
    m.world.extras += [
        "CREATE TABLE outbox (command text)",
        f"GRANT INSERT, SELECT ON outbox TO {SHARED}, {', '.join(LOGINS)}",
        f"CREATE FUNCTION run_it(command text) RETURNS int LANGUAGE plpgsql{definer} AS 'BEGIN"
        " EXECUTE command; RETURN 1; END'",
        f"CREATE FUNCTION run_new() RETURNS trigger LANGUAGE plpgsql{definer} AS 'BEGIN EXECUTE"
        " NEW.command; RETURN NULL; END'",
        "CREATE TRIGGER run AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION run_new()",
    ]


def postpone(m: Maker) -> None:
    """Some rules come when the tables are in use."""
    w = m.world
    for rule in list(w.rules):
        alone = not any(
            r is not rule
            and r.table == rule.table
            and (r.kind != "audit" and rule.kind == "status")
            for r in w.rules
        )
        if rule.kind not in ("columns", "append_only", "row_lock") and not (
            rule.kind == "status" and alone
        ):
            continue
        if m.feature("a rule comes late", 0.15):
            w.rules.remove(rule)
            w.late.append(rule)
    lone = [
        r
        for r in w.rules
        if r.kind == "payment" and not has_status(w, r.table) and "shape" not in dict(r.args)
    ]
    for rule in lone:
        machine, _captured = payment_machine(m)
        everything = Machine(machine.states, machine.edges)
        w.late.append(
            Rule(
                "status",
                rule.table,
                (
                    ("column", "status"),
                    ("machine", everything if m.chance(0.5) else machine),
                    ("deletable", frozenset()),
                ),
            )
        )


def has_status(world: World, table: str) -> bool:
    return any(r.kind == "status" and r.table == table for r in world.rules)
