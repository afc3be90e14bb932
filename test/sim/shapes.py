"""Money of other shapes than the usual one (doc/fits.md): what is captured, in which
currency, named by which columns, in which table; and what is paid out without a payment.

A world has one of these instead of its payments with a captured column.  Tables and rules
are of the same kinds, with more arguments, so that all acts meet them.
"""

from __future__ import annotations

from typing import Any

from world import (
    Column,
    Machine,
    Maker,
    Partition,
    Row,
    Rule,
    Table,
    key_columns,
    named,
    partitioned,
    payment_machine,
    refund_machine,
    status_type,
)

CAPTURED = {
    "amount": 3,
    "once": 1,
    "rising": 2,
    "any": 4,
    "net": 4,
    "captures": 7,
    "movements": 6,
    "none": 4,
    "own table": 2,
}
TYPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("authorize", ("auth", "sale")),
    ("capture", ("capture", "sale")),
    ("cancel", ("cancel",)),
    ("refund", ("refund",)),
    ("chargeback", ("chargeback",)),
)
DAYS = ("2026-01-05", "2026-02-05")


# Statuses that are no words: what each of ours is there, the first one that rows are read as first.
FORMS: dict[str, dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]]] = {
    "payment": {
        "boolean": ("boolean", "boolean", ("captured", "refunded"), ("created", "authorized", "voided")),
        "time": ("time", "timestamptz", ("captured", "refunded"), ("created", "authorized", "voided")),
    },
    "capture": {
        "boolean": ("boolean", "boolean", ("done",), ("asked", "failed")),
        "time of deletion": ("time", "timestamptz", ("failed", "asked"), ("done",)),
    },
    "refund": {
        "boolean": ("boolean", "boolean", ("approved", "paid"), ("requested", "review", "rejected")),
        "boolean, or void": (
            "boolean", "boolean", ("approved", "paid"), ("rejected", "requested", "review"),
        ),
        "time": ("time", "timestamptz", ("approved", "paid"), ("requested", "review", "rejected")),
        "time of deletion": (
            "time", "timestamptz", ("rejected",), ("approved", "paid", "requested", "review"),
        ),
    },
}  # fmt: skip


def formed(m: Maker, kind: str, name: str, states: Any, json: bool) -> Column | None:
    """A status column that holds no words, now and then."""
    choices: dict[str, float] = {"words": 12, **dict.fromkeys(FORMS[kind], 0.5)}
    if json:
        choices["within jsonb"] = 1
    got = m.pick(f"{kind}'s status is", choices)
    if got == "words":
        return None
    if got == "within jsonb":
        return Column(name, "jsonb", "status", "", "json")
    form, type_, yes, no = FORMS[kind][got]
    words = ("true", "false") if form == "boolean" else ("set", "unset")
    pairs = tuple((s, words[0]) for s in yes) + tuple((s, words[1]) for s in no)
    return Column(name, type_, "status", "", form, pairs)


def machine_of(m: Maker, column: Column, machine: Machine, start: str) -> Machine:
    """The machine of a status that has two values, or which no rule can have."""
    if column.form == "json":
        return machine
    a, b = (
        column.settle(s)
        for s in (start, column.first("true" if column.form == "boolean" else "set"))
    )
    if a == b:
        b = column.first("unset" if column.form == "time" else "false")
    edges = {(a, b)} | ({(b, a)} if m.chance(0.5) else set())
    return Machine(frozenset({a, b} if m.chance(0.3) else {a}), frozenset(edges))


def rule(kind: str, table: str, **args: Any) -> Rule:
    return Rule(kind, table, (("shape", True), *args.items()))


def add_shape(m: Maker) -> None:
    w = m.world
    w.features.add("shape")
    captured = m.pick("captured", {"-": 0, **CAPTURED})
    if captured == "none":
        add_refunds(m, "payout", None, captured, "")
        return
    if captured == "own table":
        add_own_table(m)
        return
    payment = add_payment(m, captured)
    code = currency_of(w.features)
    if captured == "movements":
        add_movements(m, payment)
    else:
        if captured == "captures":
            add_captures(m, payment, "capture", code)
            if m.feature("two capture tables", 0.25):
                add_captures(m, payment, "receipt", code)
                if m.feature("captures come late", 0.4):
                    w.late.append(w.rules.pop())
        add_refunds(m, "refund", payment, captured, code)
        if m.feature("two refund tables", 0.45):
            add_refunds(m, "chargeback", payment, captured, code)
    if m.feature("payouts beside", 0.1):
        add_refunds(m, "payout", None, "none", "")


def add_own_table(m: Maker) -> None:
    """Payments and their refunds in one table, under one machine."""
    w = m.world
    a, captured = payment_machine(m)
    b = refund_machine(m)
    machine = Machine(a.initial | b.initial, a.edges | b.edges)
    code = m.pick("money's currency", {"column": 4, "constant": 2})
    money = money_type(m)
    status = status_type(m, "payment", sorted(machine.states))
    negative = m.feature("negative amounts", 0.5)

    def columns(key: str, ref: str) -> tuple[Column, ...]:
        out = [
            Column("id", key, "key"),
            Column("kind", "text", "kind"),
            Column("payment_id", "bigint ", ref),
            Column("amount", money, "amount"),
            Column("status", status, "status"),
            Column("payee", "text", "payee"),
            Column("provider_ref", "text", "filled"),
            Column("note", "text", "note"),
        ]
        return (*out, Column("currency", "text", "currency")) if code == "column" else tuple(out)

    more: tuple[str, ...] = ()
    if m.chance(0.4):
        more = ("FOREIGN KEY (payment_id) REFERENCES payment (id)",)
    w.tables["payment"] = Table(
        "payment",
        "payment",
        columns("bigint", "beside"),
        ("id",),
        more=more,
        mark=(("kind", "sale"),),
    )
    w.tables["refund"] = Table(
        "refund",
        "refund",
        columns("int8", "ref"),
        ("id",),
        host="payment",
        mark=(("kind", "refund"),),
    )
    deletable = frozenset({"rejected", "created"} if m.chance(0.5) else {"rejected"})
    for name in w.tables:
        args: list[tuple[str, Any]] = [("column", "status"), ("machine", machine)]
        w.rules.append(Rule("status", name, (*args, ("deletable", deletable), ("host", "payment"))))
    others = ("kind", ("refund",), True) if m.chance(0.5) else ("kind", ("sale",), False)
    own = code == "column" and m.chance(0.6)
    w.rules.append(
        rule(
            "payment",
            "payment",
            status="status",
            amount="amount",
            captured_column=None,
            currency="currency" if code == "column" else None,
            constant="USD" if code == "constant" else None,
            captured=captured,
            rows=(others,),
            path=None,
            recorded=None,
            changes=None,
            limit=None,
            over=None,
            adjustable=None,
        )
    )
    w.rules.append(
        rule(
            "refund",
            "refund",
            payment="payment",
            ref=("payment_id",),
            payment_key=("id",),
            explicit=not more,
            amount="amount",
            currency="currency" if own else None,
            constant=None,
            status="status",
            gated=frozenset({"approved", "paid"}),
            void=frozenset({"rejected"}),
            captured_column=None,
            payment_currency=None,
            unapproved=(
                frozenset({"provider_ref"}) if m.feature("unapproved columns", 0.3) else None
            ),
            recorded=None,
            amounts="negative" if negative else None,
            deletable=m.feature("refunds are deleted", 0.15),
            rows=(("kind", ("refund",), False),),
            host="payment",
        )
    )
    add_threshold(m, "refund", "payment")
    if m.feature("audit", 0.6):
        for name in w.tables:
            args = [("require_reason", False), ("require_ticket", False), ("host", "payment")]
            w.rules.append(Rule("audit", name, tuple(args)))


def currency_of(features: set[str]) -> str:
    return next((f.split(":")[1] for f in features if f.startswith("money's currency:")), "column")


def money_type(m: Maker) -> str:
    return "bigint" if m.world.minor else m.rng.choice(["numeric(12,2)", "numeric"])


def name_columns(m: Maker) -> tuple[list[Column], tuple[str, ...], Partition | None]:
    """By what a payment is named."""
    kind = m.pick("payment's name", {"one": 5, "two columns": 3, "with a partition key": 2})
    if kind == "one":
        keys = [Column("id", m.rng.choice(["bigint", "int", "text", "uuid"]), "key")]
        return partitioned(m, "payment", keys, ("id",)) if m.chance(0.15) else (keys, ("id",), None)
    if kind == "two columns":
        keys = [
            Column("id", m.rng.choice(["bigint", "text", "varchar(8)"]), "key"),
            Column("shop", "int", "key"),
        ]
        return keys, (("shop", "id") if m.chance(0.5) else ("id", "shop")), None
    parts = (
        ("payment_p0", f"FOR VALUES FROM (MINVALUE) TO ('{DAYS[1]}')"),
        ("payment_p1", f"FOR VALUES FROM ('{DAYS[1]}') TO (MAXVALUE)"),
    )
    keys = [Column("id", "bigint", "key"), Column("day", "date", "key")]
    key = ("id", "day") if m.chance(0.5) else ("day", "id")
    return keys, key, Partition("range", "day", parts)


def add_orders(m: Maker, long: bool) -> None:
    """What payments have their currency from."""
    w = m.world
    if long:
        columns = [Column("id", "bigint", "key"), Column("currency", "text", "currency")]
        w.tables["event"] = Table("event", "order", tuple(columns), ("id",))
    columns = [Column("id", "bigint", "key")]
    if long:
        columns.append(Column("event_id", "bigint", "lead"))
    else:
        columns.append(Column("currency", "text", "currency"))
    more = ("FOREIGN KEY (event_id) REFERENCES event (id)",) if long else ()
    w.tables["orders"] = Table("orders", "order", tuple(columns), ("id",), more=more)


def add_payment(m: Maker, captured: str) -> Table:
    w = m.world
    keys, key, partition = name_columns(m)
    machine, statuses = payment_machine(m)
    money = money_type(m)
    rowwise = captured not in ("captures", "movements")
    units = None
    if rowwise and w.minor and m.feature("cents in numeric", 0.15):
        money, units = "numeric", "minor"
    code = m.pick("money's currency", {"column": 4, "constant": 2, "path": 3, "long path": 1})
    status = formed(m, "payment", "status", machine.states, rowwise) if rowwise else None
    if status is None:
        status = Column("status", status_type(m, "payment", sorted(machine.states)), "status")
    else:
        machine = machine_of(m, status, machine, "created")
        statuses = frozenset(status.settle(s) for s in statuses) & machine.states
        statuses = statuses if status.form == "json" else frozenset({"captured"})
        w.ways["payment"] = machine
    columns = [*keys, status, Column("amount", money, "amount")]
    rows: Any = ()
    if captured in ("amount", "once", "rising", "any") and m.feature("only some payments", 0.12):
        columns.append(Column("sort", "text", "sort"))
        rows = (("sort", ("money",), False),) if m.chance(0.5) else (("sort", ("test",), True),)
    more: list[str] = []
    if captured in ("once", "rising", "any", "net"):
        columns.append(Column("captured", money, "captured"))
    limit = captured in ("rising", "any", "net") and m.feature("limit column", 0.3)
    if limit:
        columns.append(Column("ceiling", money, "limit"))
    if code == "column":
        columns.append(Column("currency", "text" if m.chance(0.5) else "char(3)", "currency"))
    elif code != "constant":
        add_orders(m, code == "long path")
        columns.append(Column("order_id", "bigint", "lead"))
        more.append("FOREIGN KEY (order_id) REFERENCES orders (id)")
    columns.append(Column("note", "text", "note"))
    if m.chance(0.3):
        m.rng.shuffle(columns)
    table = Table("payment", "payment", tuple(columns), key, partition, more=tuple(more))
    w.tables["payment"] = table
    if status.form != "json" and not m.feature(
        "payment without machine", 0.6 if captured == "amount" else 0.15
    ):
        deletable = frozenset({"created"} if m.chance(0.5) else ())
        w.rules.append(
            Rule(
                "status",
                "payment",
                (
                    ("column", "status"),
                    ("machine", machine),
                    ("deletable", deletable),
                    ("words", status.words),
                ),
            )
        )
    if captured in ("captures", "movements") and not m.feature("payment rule beside", 0.3):
        return table
    changes = captured if captured in ("rising", "any", "net") else None
    over = m.rng.choice([10, 50]) if changes and m.feature("over the amount", 0.25) else None
    adjustable = None
    if m.feature("adjustable", 0.25):
        adjustable = frozenset({status.settle("authorized")} - statuses)
    column = "captured" if any(c.name == "captured" for c in columns) else None
    path = {"path": ("order_id", "currency"), "long path": ("order_id", "event_id", "currency")}
    w.rules.append(
        rule(
            "payment",
            "payment",
            status="status",
            amount="amount",
            captured_column=column,
            currency="currency" if code == "column" else None,
            constant="USD" if code == "constant" else None,
            path=path.get(code),
            captured=statuses,
            recorded=statuses if column and m.feature("recorded captures", 0.15) else None,
            changes=changes,
            limit="ceiling" if limit else None,
            over=over,
            adjustable=adjustable or None,
            units=units,
            status_path=("s",) if status.form == "json" else None,
            rows=rows,
            words=status.words,
        )
    )
    return table


def reference(payment: Table) -> tuple[tuple[str, ...], list[Column]]:
    """The columns that name a payment elsewhere, in the order of its key."""
    names = payment.key if payment.partition is None or "day" in payment.key else payment.identity()
    if len(names) == 1:
        return ("payment_id",), [Column("payment_id", payment.type_of(names[0]), "ref")]
    return tuple(f"payment_{n}" for n in names), [
        Column(f"payment_{n}", payment.type_of(n), "ref") for n in names
    ]


def named_by(payment: Table) -> tuple[str, ...]:
    return payment.key if payment.partition is None or "day" in payment.key else payment.identity()


def foreign_key(m: Maker, payment: Table) -> tuple[str, ...]:
    names, _ = reference(payment)
    if payment.partition is not None and "day" not in payment.key or not m.chance(0.4):
        return ()
    cascade = " ON DELETE CASCADE ON UPDATE CASCADE" if m.feature("cascade", 0.3) else ""
    key = ", ".join(named_by(payment))
    return (f"FOREIGN KEY ({', '.join(names)}) REFERENCES payment ({key}){cascade}",)


def add_captures(m: Maker, payment: Table, name: str, code: str) -> None:
    w = m.world
    ref, columns = reference(payment)
    own = m.feature("captures say their currency", 0.4) or (
        code != "constant" and (len(ref) > 1 or not w_rule(m, "payment"))
    )
    states = ["asked", "done", "failed"]
    columns = [
        Column("id", "bigint", "key"),
        *columns,
        Column("amount", payment.type_of("amount"), "amount"),
        status := (
            formed(m, "capture", "state", states, False)
            or Column("state", status_type(m, name, states), "status")
        ),
        Column("payee", "text", "payee"),
    ]
    path = None
    more = foreign_key(m, payment)
    if own:
        columns.append(Column("currency", "text", "currency"))
    elif code != "constant":
        chain = {"column": (), "path": ("order_id",), "long path": ("order_id", "event_id")}[code]
        path = (ref[0], *chain, "currency")
        if payment.partition is not None:
            own, path = True, None
            columns.append(Column("currency", "text", "currency"))
        elif not more:
            more = (f"FOREIGN KEY ({ref[0]}) REFERENCES payment ({named_by(payment)[0]})",)
    w.tables[name] = Table(name, "capture", tuple(columns), ("id",), more=more)
    if not m.feature("captures without machine", 0.5):
        edges = {("asked", "done"), ("asked", "failed"), ("done", "failed")}
        edges |= {("done", "asked")} if m.chance(0.5) else set()
        edges |= {("failed", "asked")} if m.chance(0.3) else set()
        initial = frozenset({"asked", "done"} if m.chance(0.8) else {"asked"})
        machine = Machine(initial, frozenset(edges))
        w.rules.append(
            Rule(
                "status",
                name,
                (
                    ("column", "state"),
                    ("machine", machine),
                    ("deletable", frozenset(states if m.chance(0.7) else {"asked"})),
                    ("words", status.words),
                ),
            ).settled()
        )
    w.rules.append(
        rule(
            "captures",
            name,
            payment="payment",
            ref=ref,
            payment_key=named_by(payment),
            explicit=not more,
            amount="amount",
            currency="currency" if own else None,
            constant=None if own or path or code != "constant" else "USD",
            path=path,
            status="state",
            counted=frozenset({"done"}),
            limit=limit_of(m),
            over=None,
            deletable=m.feature("captures are deleted", 0.2),
            recorded=frozenset({"done"}) if m.feature("recorded captures", 0.15) else None,
            words=status.words,
        )
    )


def limit_of(m: Maker) -> str | None:
    """All tables of captures have one limit, or none."""
    for r in m.world.rules:
        if r.kind == "captures":
            limit: str | None = r.opt("limit")
            return limit
    return None if m.feature("captures without limit", 0.3) else "amount"


def w_rule(m: Maker, kind: str) -> Rule | None:
    return next((r for r in m.world.rules if r.kind == kind), None)


def add_refunds(m: Maker, name: str, payment: Table | None, captured: str, code: str) -> None:
    w = m.world
    machine = refund_machine(m)
    keys, key = key_columns(m, name)
    if len(key) == 1 and m.chance(0.6):
        keys, key, partition = partitioned(m, name, keys, key)
    else:
        partition = None
    more: tuple[str, ...] = ()
    ref: tuple[str, ...] = ("payment_id",)
    if payment is None:
        refs = [Column("payment_id", "text", "ref")]
        money = money_type(m)
    else:
        ref, refs = reference(payment)
        money = payment.type_of("amount")
        more = foreign_key(m, payment)
    constant = "USD" if payment is None and m.feature("payouts in one currency", 0.3) else None
    own = constant is None and (payment is None or m.chance(0.6))
    word = formed(m, "refund", "status", machine.states, True)
    if word is not None:
        machine = machine_of(m, word, machine, "requested")
        w.ways[name] = machine
    money, form = other_units(m, money) if payment is not None else (money, "")
    units = form or None
    if payment is not None and "cents in numeric" in w.features:
        units = "minor"  # the type would say the other
    columns = [
        *keys,
        *refs,
        Column("amount", money, "amount", "", form),
        word or Column("status", status_type(m, name, sorted(machine.states)), "status"),
        Column("payee", "text", "payee"),
        Column("provider_ref", "text", "filled"),
    ]
    if own:
        columns.append(Column("currency", "char(3)" if m.chance(0.5) else "text", "currency"))
    rows: Any = ()
    if m.feature("only some rows", 0.2):
        columns.append(Column("sort", "text", "sort", "NOT NULL DEFAULT 'money'"))
        rows = (("sort", ("money",), False),) if m.chance(0.5) else (("sort", ("test",), True),)
    if m.chance(0.3):
        m.rng.shuffle(columns)
    w.tables[name] = Table(name, "refund", tuple(columns), key, partition, more=more)
    status = status_rule(m, name, machine)
    recorded = frozenset({"paid"} if word is None and m.feature("recorded", 0.2) else ())
    gated = frozenset({"approved", "paid"})
    if recorded and m.chance(0.7):
        status = Rule("status", name, (*status.args, ("recorded", recorded)))
    if word is not None:
        status = Rule("status", name, (*status.args, ("words", word.words))).settled()
    if word is None or word.form != "json" and not m.feature("refunds without machine", 0.3):
        w.rules.append(status)
    void = frozenset({"rejected"})
    if word is not None:
        void = frozenset({word.settle("rejected")} & {"rejected"})
    unapproved = frozenset({"provider_ref"}) if m.feature("unapproved columns", 0.3) else None
    w.rules.append(
        rule(
            "refund",
            name,
            payment=None if payment is None else "payment",
            ref=ref,
            payment_key=() if payment is None else named_by(payment),
            explicit=payment is not None and not more,
            amount="amount",
            currency="currency" if own else None,
            constant=constant,
            status="status",
            gated=gated,
            void=void,
            captured_column=None,
            payment_currency=None,
            unapproved=unapproved,
            recorded=recorded or None,
            units=units,
            status_path=("s",) if word is not None and word.form == "json" else None,
            words=word.words if word is not None else (),
            amounts="negative" if m.feature("negative amounts", 0.15) else None,
            deletable=m.feature("refunds are deleted", 0.15),
            rows=rows,
        ).settled()
    )
    add_threshold(m, name)


def other_units(m: Maker, money: str) -> tuple[str, str]:
    """Refunds in cents of payments in dollars, or the other way round."""
    if money == "bigint" and m.feature("refunds in major units", 0.12):
        return "numeric(12,2)", "major"
    if (
        money.startswith("numeric")
        and not m.world.minor
        and m.feature("refunds in minor units", 0.12)
    ):
        return "bigint", "minor"
    return money, ""


def status_rule(m: Maker, name: str, machine: Machine) -> Rule:
    deletable = frozenset({"rejected", "requested"} if m.chance(0.4) else {"rejected"})
    return Rule(
        "status", name, (("column", "status"), ("machine", machine), ("deletable", deletable))
    )


def add_threshold(m: Maker, name: str, host: str = "") -> None:
    w = m.world
    if m.chance(0.85):
        w.rules.append(
            Rule(
                "threshold",
                name,
                (
                    ("currency", "USD"),
                    ("amount", w.unit * m.rng.choice([0, 3, 5])),
                    ("approvers", 2 if m.feature("two approvers", 0.2) else 1),
                    ("within", 24),
                    ("valid_for", 1),
                    *([("host", host)] if host else []),
                ),
            )
        )


def add_movements(m: Maker, payment: Table) -> None:
    """One table of all movements of payments."""
    w = m.world
    ref, refs = reference(payment)
    alone = m.feature("no table of payments", 0.25)
    machine = refund_machine(m)
    edges = machine.edges | {("requested", "approved")}
    initial = machine.initial | {"requested"}
    if m.chance(0.5):
        edges |= {("approved", "rejected")}
        initial |= {"approved"}
    machine = Machine(frozenset(initial), frozenset(edges))
    columns = [
        Column("id", "bigint", "key"),
        *refs,
        Column("sort", "text", "sort"),
        Column("amount", payment.type_of("amount"), "amount"),
        Column("currency", "text", "currency"),
        Column("status", status_type(m, "movement", sorted(machine.states)), "status"),
        Column("payee", "text", "payee"),
        Column("provider_ref", "text", "filled"),
    ]
    more = () if alone else foreign_key(m, payment)
    w.tables["movement"] = Table("movement", "refund", tuple(columns), ("id",), more=more)
    w.rules.append(status_rule(m, "movement", machine))
    types = TYPES
    if m.feature("nothing authorizes", 0.2):
        types = tuple((v, t) for v, t in TYPES if v not in ("authorize", "cancel"))
    w.rules.append(
        rule(
            "refund",
            "movement",
            payment=None if alone else "payment",
            ref=ref,
            payment_key=named_by(payment),
            explicit=not alone and not more,
            amount="amount",
            currency="currency",
            status="status",
            type="sort",
            types=types,
            counted=frozenset({"approved", "paid"}),
            gated=frozenset({"approved", "paid"}),
            void=frozenset({"rejected"}),
            captured_column=None,
            payment_currency=None,
            unapproved=None,
            recorded=None,
            rows=(("sort", ("refund", "chargeback"), False),),
        )
    )
    add_threshold(m, "movement")


def of_type(r: Rule, verb: str, row: Row) -> bool:
    """Is a row of a table of movements one of those?"""
    return row[r.get("type")] in dict(r.get("types")).get(verb, ())


def refers(r: Rule, row: Row) -> tuple[Any, ...] | None:
    """The payment that a row names."""
    return named(r.get("ref"), row)


__all__ = ["add_shape", "of_type", "refers", "TYPES", "DAYS"]
