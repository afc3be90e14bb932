"""Makes the script of a finding short: steps are left out as long as the same promise is broken."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli import Played
    from runner import Server
    from sessions import Step

LIMIT = 120.0  # seconds


def shrink(server: Server, played: Played) -> Played:
    import cli

    promise = played.findings[0].promise
    best = played
    limit = time.time() + LIMIT

    def fails(steps: list[Step]) -> Played | None:
        got = cli.one(server, played.seed, steps)
        return got if any(f.promise == promise for f in got.findings) else None

    # once more from its steps alone; if that shows nothing, it hangs on chance
    again = fails(played.steps)
    if again is None:
        print(f"-- {promise}: not shown again by the same steps", flush=True)
        return played
    best = again
    size = max(1, len(best.steps) // 2)
    while size >= 1 and time.time() < limit:
        i, shorter = 0, False
        while i < len(best.steps) and time.time() < limit:
            got = fails(best.steps[:i] + best.steps[i + size :])
            if got is not None:
                best, shorter = got, True
            else:
                i += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2) if size > 1 else (1 if shorter else 0)
    best.findings = [f for f in best.findings if f.promise == promise]
    return best
