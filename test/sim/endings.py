"""What becomes of one account from its last entries on: emptied, reserved of, closed, used, opened again.

A part of the plays of accounts (accounts.py), whose model says what passes.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts import Account, Books, Leg


class Endings:
    """What plays of accounts do with one of them."""

    books: Books
    rng: random.Random
    kind: str
    held: list[Leg] | None

    if TYPE_CHECKING:

        def chance(self, p: float) -> bool: ...
        def codes(self) -> list[str]: ...
        def states(self) -> list[str]: ...
        def state(self, state: str) -> str: ...
        def in_rows(self) -> list[Account]: ...
        def open(self, code: str, minimum: int | None) -> None: ...
        def post(self, legs: list[Leg] | None = None) -> None: ...
        def up(self, code: str, amount: int) -> int: ...
        def name(self, code: str) -> str: ...
        def where(self, code: str) -> str: ...
        def money(self, v: int) -> str: ...
        def void(self, number: int | None = None) -> None: ...
        def reserve_of(self, a: Account) -> None: ...
        def must(self, sql: str, passes: bool, codes: str, who: str = "a") -> bool: ...

    def ending(self) -> None:
        """One account, towards its end and beyond."""
        if not self.kind or "closed" not in self.states():
            return
        code = self.rng.choice([self.codes()[i] for i in (1, 2, 4)])
        if code not in self.books.accounts:
            self.open(code, self.rng.choice([0, -500]))
        a = next((x for x in self.in_rows() if x.code == code), None)
        if a is None:
            return
        plan = [self.emptied, self.overdrawn, self.reserved_of, self.closed, self.moved_a_little]
        plan += [self.emptied, self.closed, self.freed_of, self.closed, self.after_closing]
        plan += [self.after_closing, self.after_closing]
        i = self.rng.randrange(len(plan))
        plan[i : i + 2] = plan[i : i + 2][::-1]
        for way in plan:
            if self.chance(0.75):
                way(a)

    def after_closing(self, a: Account) -> None:
        if a.status != "closed":
            return
        ways = [self.opened_alone, self.opened_alone, self.opened_by_two, self.moved_a_little]
        self.rng.choice([*ways, self.reserved_of, self.closed])(a)

    def emptied(self, a: Account) -> None:
        """All of it goes elsewhere, or what is missing comes."""
        if a.sum:
            self.post(self.two_legs(a, -a.sum))

    def moved_a_little(self, a: Account) -> None:
        self.post(self.two_legs(a, self.up(a.code, self.rng.choice([10, 10, -10]))))

    def two_legs(self, a: Account, amount: int) -> list[Leg]:
        from accounts import Leg

        return [Leg(a.code, amount), Leg(self.codes()[3], -amount)]

    def overdrawn(self, a: Account) -> None:
        """There is something to reserve, though it has nothing."""
        if a.minimum is None:
            return
        new = a.minimum - self.rng.choice([100, 500])
        sql = f"UPDATE account SET minimum = {self.money(new)} WHERE {self.where(a.code)}"
        if self.must(sql, True, ""):
            a.minimum = new

    def reserved_of(self, a: Account) -> None:
        if a.minimum is not None:
            self.reserve_of(a)

    def freed_of(self, a: Account) -> None:
        """One of its reservations is void."""
        some = [
            i for i, r in self.books.reservations.items() if r.code == a.code and r.state == "open"
        ]
        if some:
            self.void(self.rng.choice(some))

    def written_as(self, a: Account, state: str) -> str:
        """Its status, by any statement that writes it."""
        value, where = self.state(state), self.where(a.code)
        on = where.replace("code =", "account.code =").replace("shop =", "account.shop =")
        return self.rng.choice(
            [
                f"UPDATE account SET status = {value} WHERE {where}",
                f"UPDATE account SET status = {value} WHERE {where}",
                f"UPDATE account SET status = {value}, minimum = minimum WHERE {where}",
                (
                    f"MERGE INTO account USING (SELECT 1) s ON {on} WHEN MATCHED THEN UPDATE SET"
                    f" status = {value}"
                ),
                (
                    f"WITH u AS (UPDATE account SET status = {value} WHERE {where} RETURNING 1)"
                    " SELECT count(*) FROM u"
                ),
                f"DO $do$BEGIN UPDATE account SET status = {value} WHERE {where}; END$do$",
            ]
        )

    def closed(self, a: Account) -> None:
        wrong = set()
        if a.status != "closed" and (a.sum or self.books.reserved(a.code)):
            wrong.add("23M08")
        if self.must(self.written_as(a, "closed"), not wrong, " ".join(wrong)):
            a.status = "closed"

    def opened_alone(self, a: Account) -> None:
        """Whoever says that he is somebody, or does not: one is not enough."""
        state = self.rng.choice([s for s in ("active", "active", "frozen") if s in self.states()])
        person = self.rng.choice(["clerk", "controller", ""])
        act = f"SELECT paysafe.act_as('{person}');\n" if person else ""
        sql = f"BEGIN;\n{act}{self.written_as(a, state)};\nCOMMIT"
        if self.chance(0.2):
            sql = self.written_as(a, state)
        self.must(sql, False, "42501")

    def opened_by_two(self, a: Account) -> None:
        """One approves, another one opens it; and an approval is used once."""
        key = self.name(a.code)
        approve = (
            "BEGIN;\nSELECT paysafe.act_as('controller');\n"
            f"SELECT paysafe.approve('account', {key}, 'it is used again');\nCOMMIT"
        )
        self.must(approve, True, "")
        if self.chance(0.3):
            by = f"SELECT paysafe.act_as('controller');\n{self.written_as(a, 'active')}"
            self.must(f"BEGIN;\n{by};\nCOMMIT", False, "42501")
        by = f"SELECT paysafe.act_as('clerk');\n{self.written_as(a, 'active')}"
        if self.must(f"BEGIN;\n{by};\nCOMMIT", True, ""):
            a.status = "active"
        if self.chance(0.5) and not (a.sum or self.books.reserved(a.code)):
            self.closed(a)
            self.must(f"BEGIN;\n{by};\nCOMMIT", False, "42501")
