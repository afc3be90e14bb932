"""What has happened in the world is stored, and what it breaks is a breach (refunds.md)."""

from __future__ import annotations

from oracle.base import Case
from oracle.records import breaches
from world import Row, key_text, person_of


def judge(case: Case) -> None:
    """Each of them is on record, and no other; who caused it has not settled it."""
    if "breaches" not in case.history.extra:
        return
    named = case.world.named
    there = [(named(r[0].split(".")[-1], r[1]), r[1], r[2]) for r in breaches(case)]

    def has(table: str, row: Row, sqlstate: str) -> bool:
        return (table, key_text(case.world.tables[table], row), sqlstate) in there

    for table, row, sqlstate in case.breaches:
        if not has(table, row, sqlstate):
            case.say("breach", f"{table}: {row} is no breach on record of {sqlstate}")
    for rows, sqlstate in case.some_breach:
        if not any(has(t, row, sqlstate) for t, row in rows):
            case.say("breach", f"none of {rows} is a breach on record of {sqlstate}")
    for table, key, sqlstate in there:
        if (table, key) not in case.facts:
            case.say("breach", f"{table} {key}: a breach {sqlstate} of what says nothing")
    for table, key, _, settled, actor, claimed, by in breaches(case):
        if settled and claimed and person_of(by) == person_of(actor):
            case.say("settled", f"{table} {key}: {by} settled what {actor} had caused")
    if case.history.check is not None:
        opened = {r[0].split(".")[-1] for r in breaches(case) if not r[3]}
        said = {s.split(".")[-1] for s, name, _ in case.history.check if name == "breaches"}
        if opened != said:
            case.say("check breaches", f"open breaches of {opened}, check() has them of {said}")
