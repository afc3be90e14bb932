"""Makes a finding short: steps and rules are left out as long as the same promise is broken."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli import Played
    from runner import Server
    from sessions import Step
    from world import World

LIMIT = 120.0  # seconds


def shrink(server: Server, played: Played) -> Played:
    import cli

    promise = played.findings[0].promise
    limit = time.time() + LIMIT

    def fails(world: World, steps: list[Step]) -> Played | None:
        if time.time() > limit:
            return None
        got = cli.one(server, played.seed, steps, world, promise)
        return got if any(f.promise == promise for f in got.findings) else None

    # once more from its steps alone; if that shows nothing, it hangs on chance
    again = fails(played.world, played.steps)
    if again is None:
        print(f"-- {promise}: not shown again by the same steps", flush=True)
        return played
    best = without_steps(fails, again)
    best = without_rules(fails, best)
    best.findings = [f for f in best.findings if f.promise == promise]
    return best


def without_steps(fails: Fails, best: Played) -> Played:
    """Delta debugging: ever smaller parts, until no single step can go."""
    size = max(1, len(best.steps) // 2)
    while True:
        i, shorter = 0, False
        while i < len(best.steps):
            got = fails(best.world, best.steps[:i] + best.steps[i + size :])
            if got is not None:
                best, shorter = got, True
            else:
                i += size
        if size == 1 and not shorter:
            return best
        size = max(1, size // 2)


def without_rules(fails: Fails, best: Played) -> Played:
    """Rules that have nothing to do with it, and tables that nothing refers to."""
    for rule in list(best.world.rules):
        rules = [r for r in best.world.rules if r is not rule]
        try:
            got = fails(dataclasses.replace(best.world, rules=rules), best.steps)
        except Exception:  # what is left is no world: another rule needs this one
            continue
        best = got or best
    ruled = {r.table for r in best.world.rules}
    tables = {n: t for n, t in best.world.tables.items() if n in ruled or t.kind == "payment"}
    if len(tables) < len(best.world.tables):
        try:
            best = fails(dataclasses.replace(best.world, tables=tables), best.steps) or best
        except Exception:  # a step is about one of them
            pass
    return best


if TYPE_CHECKING:
    from collections.abc import Callable

    Fails = Callable[[World, list[Step]], Played | None]
