"""Expressions that set a guarded column, and what protect_row_lock must think of each."""

from __future__ import annotations

import random
from typing import Any

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


def batch_of(
    rng: random.Random, t: Any, rows: list[dict[str, Any]], value: int
) -> tuple[str, str, tuple[tuple[str, Any], ...]]:
    """Several optimistic locks in one UPDATE: of each row one version; or not."""
    some = rng.sample(rows, rng.randint(1, len(rows)))
    pairs = [(r["id"], r["version"]) for r in some]
    way = rng.choice(["as they were", "as they were", "two of one", "two of one", "none", "other"])
    if way == "two of one" or len(pairs) == 1 and way == "none":
        # whatever its version is by now, one of them is it
        way = "two of one"
        one = rng.choice(pairs)
        pairs.append((one[0], one[1] + rng.choice([1, 1, -1])))
    rng.shuffle(pairs)
    parts = [f"(id = {i} AND version = {v})" for i, v in pairs]
    if way == "none":
        parts[0] = f"id = {pairs[0][0]}"
    if way == "other":
        parts[0] = f"(id = {pairs[0][0]} AND note = 'x')"
    keys = tuple((i,) for i in dict.fromkeys(i for i, _ in pairs))
    cases = " ".join(f"WHEN {k[0]} THEN {value + 10 * n}" for n, k in enumerate(keys))
    balance = rng.choice([str(value), f"CASE id {cases} END"])
    sql = f"UPDATE {t.place} SET balance = {balance}, version = version + 1 WHERE {' OR '.join(parts)}"
    verdict = "compared" if way == "as they were" else "absolute"
    intent = (("table", t.name), ("keys", keys), ("sets", None))
    return "update", sql, (*intent, ("lock", verdict), ("value", value))
