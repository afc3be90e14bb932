"""Findings as files: a script to read, and the data to play it again (test/sim/found/).

A world is kept as it was made, not as its seed: later versions make another one of it.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

import world as worlds
from sessions import Step
from world import Column, Machine, Partition, Rule, Table, World

MARK = "-- data"


def expression(value: Any) -> str:
    """The value as Python; sets in order, so that files compare."""
    if isinstance(value, frozenset):
        return f"frozenset([{', '.join(map(expression, sorted(value)))}])"
    if isinstance(value, set):
        return f"set([{', '.join(map(expression, sorted(value)))}])"
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        text = ", ".join(f"{f.name}={expression(getattr(value, f.name))}" for f in fields)
        return f"{type(value).__name__}({text})"
    if isinstance(value, tuple):
        return "(" + "".join(expression(v) + ", " for v in value) + ")"
    if isinstance(value, list):
        return "[\n" + "".join(f"  {expression(v)},\n" for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {expression(v)}" for k, v in value.items()) + "}"
    return repr(value)


def save(script: str, world: World, steps: list[Step]) -> str:
    return f"{script}\n{MARK}\n{expression((world, steps))}\n"


def load(path: Path) -> tuple[World, list[Step]]:
    text = path.read_text().split(f"\n{MARK}\n", 1)[1]
    names = {c.__name__: c for c in (World, Table, Column, Partition, Machine, Rule, Step, Decimal)}
    got: tuple[worlds.World, list[Step]] = eval(text, {**names})
    return got
