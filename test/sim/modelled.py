"""What plays with a model have in common: an act is tried on a copy of it before it is done."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import accounts
from running import Refused, Unsaid


class Play(accounts.Play):
    """A play whose model is `there`."""

    there: Any

    def attempt(self, sql: list[str], change: Callable[[Any], None], who: str) -> bool:
        """Somebody does it; the model says whether it passes, and is what it says then."""
        trial = copy.deepcopy(self.there)
        try:
            change(trial)
            codes: tuple[str, ...] = ()
        except Refused as r:
            codes = r.codes
        except Unsaid:
            return False
        begin = f"BEGIN;\nSELECT paysafe.act_as('{who}')"
        text = ";\n".join(sql)
        if self.chance(0.15):
            begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT paysafe.act_as('{who}')"
        if self.chance(0.2) and not codes:
            begin += f";\nSAVEPOINT s;\n{text};\nROLLBACK TO s"
        end = "ROLLBACK" if self.chance(0.08) and not codes else "COMMIT"
        if self.must(f"{begin};\n{text};\n{end}", not codes, " ".join(codes)) and end == "COMMIT":
            self.there = trial
            return True
        return False
