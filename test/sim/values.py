"""Expressions that set a guarded column, and what protect_row_lock must think of each."""

from __future__ import annotations

import random

# verdicts: computed from the row's own value in every branch, or absolute in one of them
Value = tuple[str, str]


def leaf(rng: random.Random, value: int, column: str) -> Value:
    return rng.choice(
        [
            (str(value), "absolute"),
            (f"{column} + {value - 100}", "computed"),
            (column, "computed"),
            (f"coalesce({column}, 0) + {value - 100}", "computed"),
            (f"({column} * 2 - {value - 80})::numeric", "computed"),
            (f"(SELECT {value})", "absolute"),
            (f"(SELECT {column} + {value - 100})", "computed"),
        ]
    )


def value_of(
    rng: random.Random, value: int, prefix: str = "", depth: int = 2, excluded: bool = False
) -> Value:
    """An expression over a row's columns; what it gives does not matter."""
    column = f"{prefix}balance"
    if depth == 0 or rng.random() < 0.45:
        if excluded and rng.random() < 0.3:
            return "EXCLUDED.balance", "absolute"
        return leaf(rng, value, column)
    a, one = value_of(rng, value, prefix, depth - 1, excluded)
    b, two = value_of(rng, value + 20, prefix, depth - 1, excluded)
    verdict = "absolute" if "absolute" in (one, two) else "computed"
    condition = rng.choice(
        [f"{prefix}note = 'x'", f"{column} > 100", f"{prefix}version = 1", f"{prefix}id = 1"]
    )
    text = rng.choice(
        [
            f"CASE WHEN {condition} THEN {a} ELSE {b} END",
            f"CASE {prefix}id WHEN 1 THEN {a} WHEN 7 THEN {b} ELSE {column} END",
            f"greatest({a}, {b})",
            f"least({a}, {b})",
        ]
        # a constant that stands for a missing value is another question
        + ([f"coalesce({a}, {b})"] if verdict == "computed" else [f"coalesce(NULL, {a}, {b})"])
    )
    if rng.random() < 0.4:
        # known before the row is: with parameters too, whatever the plan
        yes = rng.random() < 0.5
        for _ in range(3):
            if one == two:
                b, two = value_of(rng, value + 20, prefix, depth - 1, excluded)
        known = rng.choice(
            [
                f"'yes' = '{'yes' if yes else 'no'}'",
                f"7 = {7 if yes else 8}",
                f"NOT '' = '{'x' if yes else ''}'",
            ]
        )
        text = f"CASE WHEN {known} THEN {a} ELSE {b} END"
        return text, one if yes else two
    if text.startswith("coalesce(NULL") and one == "computed":
        text = f"coalesce(NULL, {b}, {a})"
    return text, verdict
