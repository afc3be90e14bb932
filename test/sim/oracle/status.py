"""Statuses are paths of the machine in force; keys and columns freeze (reference.md)."""

from __future__ import annotations

from observe import Tx
from oracle.base import Case, Life, Move, effective, sets_of
from world import Machine, Rule, key_text


def begin_of(tx: Tx) -> int:
    return min((r.lsn_before for r in tx.results), default=tx.lsn)


def key_of(m: Move) -> tuple[str, ...]:
    return m.table.identity()


def change(case: Case, tx: Tx, m: Move) -> None:
    assert m.life is not None
    life = m.life
    name = m.table.name
    begin = begin_of(tx)
    rules = case.versions("status", name, begin, tx.lsn)
    if rules:
        column = rules[0].get("column")
        machine_step(case, m, rules, column)
        overtaken(case, tx, m, column)
        key_stays(case, m, life)
        status = (m.new or m.old or {})[column]
        if m.old is not None and m.old[column] != status:
            life.moved = True
        if not case.always_initial(name, status):
            life.left_initial = True
    elif case.rules.get(("payment", name, "")):
        life.left_initial = True
    columns(case, tx, m, life)


def machine_step(case: Case, m: Move, rules: list[Rule], column: str) -> None:
    machines: list[Machine] = [r.get("machine") for r in rules]
    t = m.table.name
    if m.new is not None and m.new[column] in (rules[-1].opt("recorded") or ()):
        case.facts.add((t, key_text(m.table, m.new)))
    if m.op == "INSERT":
        assert m.new is not None
        if not any(m.new[column] in x.initial for x in machines):
            if m.new[column] in (rules[-1].opt("recorded") or ()):
                case.breaches.append((t, m.new, "23T02"))
                return
            case.say("status", f"{t}: a row was added as {m.new[column]}, which is not initial")
    elif m.op == "UPDATE":
        assert m.old is not None and m.new is not None
        a, b = m.old[column], m.new[column]
        if a != b and not any((a, b) in x.edges for x in machines):
            if b in (rules[-1].opt("recorded") or ()):
                case.breaches.append((t, m.new, "23T01"))
                return
            case.say("status", f"{t}: a row went from {a} to {b}, which the machine does not allow")
        if b is None:
            case.say("status", f"{t}: a status is NULL")
    else:
        assert m.old is not None
        if not any(m.old[column] in r.get("deletable") for r in rules):
            case.say("deletable", f"{t}: a row was deleted as {m.old[column]}")


def overtaken(case: Case, tx: Tx, m: Move, column: str) -> None:
    """Has a statement that waited set a status which somebody else had just set?"""
    if m.op != "UPDATE" or m.old is None or len({r.tx for r in tx.results}) != 1:
        return
    if m.new is None or m.new[column] != m.old[column] or case.world.meddling:
        return  # a trigger may have changed the row once more
    key = tuple(m.old[k] for k in m.table.key)
    writers = [
        r
        for r in effective(tx.results)
        if r.step.get("table") == m.table.name and key in r.step.get("keys", ())
    ]
    if len(writers) != 1 or not writers[0].waited or writers[0].isolation != "read committed":
        return
    if writers[0].for_table or writers[0].step.get("cursor"):
        return  # who waits for a lock first sees what is there then
    if column not in sets_of(writers[0], m.old) or len(writers[0].step.get("keys")) != 1:
        return
    for row in writers[0].before[m.table.name]:
        if tuple(row[k] for k in m.table.key) == key and row[column] != m.old[column]:
            case.say(
                "overtaken",
                f"{m.table.name}: set to {m.new[column]} a second time, after having waited; it was"
                f" {row[column]} when the statement began",
                writers[0].number,
            )


def key_stays(case: Case, m: Move, life: Life) -> None:
    if m.op != "UPDATE" or not life.seen_outside:
        return
    assert m.old is not None and m.new is not None
    for k in key_of(m):
        if m.old[k] != m.new[k]:
            case.say(
                "key",
                f"{m.table.name}: the key {k} of a row under way went from {m.old[k]} to"
                f" {m.new[k]}",
            )


def columns(case: Case, tx: Tx, m: Move, life: Life) -> None:
    rules = case.versions("columns", m.table.name, begin_of(tx), tx.lsn)
    if not rules:
        return
    status = m.table.column("status")
    rule = rules[0]
    if m.op == "UPDATE" and len(rules) == 1:
        assert m.old is not None and m.new is not None
        frozen = rule.get("once") is None or life.was_once or m.old[status] in rule.get("once")
        for c in sorted(rule.get("columns")):
            if frozen and m.old[c] != m.new[c]:
                case.say(
                    "columns",
                    f"{m.table.name}.{c} is frozen and went from {m.old[c]} to {m.new[c]}",
                )
    once = rule.get("once")
    if once is not None and m.new is not None and m.new[status] in once:
        life.was_once = True
