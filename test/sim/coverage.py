"""Which pairs of features have met in a world, and what to prefer where they have not."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import world as worlds

CANDIDATES = 4  # seeds looked at for the next world: making a world's data is cheap


class Coverage:
    def __init__(self) -> None:
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.features: Counter[str] = Counter()

    def score(self, world: worlds.World) -> float:
        """How much is new about it: a pair that met n times is worth 1/(1+n)^2."""
        return sum(1 / (1 + self.pairs[p]) ** 2 for p in pairs_of(world.features))

    def choose(self, seeds: list[int]) -> int:
        """Of these seeds the one whose world has most that has not met."""
        return max(seeds, key=lambda s: self.score(worlds.make(s)))

    def add(self, features: set[str]) -> None:
        self.features.update(features)
        self.pairs.update(pairs_of(features))

    def report(self) -> str:
        """A line for each feature: how often, with how many others, with which not."""
        names = sorted(self.features)
        out = [f"{'feature':34} {'worlds':>6}     met  not with"]
        for a in names:
            others = [b for b in names if b != a and not exclusive(a, b)]
            missing = [b for b in others if not self.pairs[pair(a, b)]]
            text = ", ".join(missing[:4]) + (
                f" and {len(missing) - 4} more" if len(missing) > 4 else ""
            )
            met = f"{len(others) - len(missing)}/{len(others)}"
            out.append(f"{a:34} {self.features[a]:6} {met:>7}  {text}".rstrip())
        possible = [p for p in combinations(names, 2) if not exclusive(*p)]
        met_ones = sum(1 for p in possible if self.pairs[p])
        out.append(f"{met_ones} of {len(possible)} pairs of {len(names)} features have met")
        return "\n".join(out)


def pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)


def exclusive(a: str, b: str) -> bool:
    """Two values of one choice."""
    return ":" in a and a.partition(":")[0] == b.partition(":")[0]


def pairs_of(features: set[str]) -> list[tuple[str, str]]:
    return list(combinations(sorted(features), 2))
