"""Plays of ledgers that have no accounts beside them: of every shape that doc/reference.md has,
drafts that are posted, columns that may change, single entries whose sums keep a minimum.

As in accounts.py a model of a few lines says what passes, and what is there afterwards.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import accounts
from commands import APP, OWNER, Found

DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0}
BAD = Decimal("NaN")


@dataclass(frozen=True)
class Entry:
    id: int
    tx: int | None
    account: str | None
    amount: Decimal | None  # debits positive, in the table's unit
    currency: str | None
    word: str = ""  # a direction that is none of the two
    both: bool = False  # a debit and a credit at once
    negative: bool = False  # of a kind that has no signs
    draft: bool = False
    note: str = "x"


class Play(accounts.Play):
    """A ledger, and what people do with it."""

    def features(self) -> None:
        super().features()
        rng = self.rng
        self.single = self.chance(0.5)
        self.sides_by = rng.choice(["sign", "direction", "words", "columns"])
        self.currency_by = rng.choice(["column", "constant", "path"])
        self.places = rng.choice([None, None, 3]) if not self.minor else None
        self.zero = self.chance(0.3)
        self.mutable = self.chance(0.5)
        self.open_ended = not self.single and self.chance(0.35)
        self.drafts = self.chance(0.4)
        self.minimum = Decimal(rng.choice([0, 0, -5])) if self.single and self.chance(0.8) else None
        self.rows_there: dict[int, Entry] = {}
        self.next_id = 1
        self.documents = {1: "USD", 2: "EUR", 3: "JPY", 4: "USD"}

    # ------------------------------------------------------------ the table

    def setup(self) -> None:
        money = "bigint" if self.minor else "numeric"
        columns = [f"id int PRIMARY KEY, tx int, account text, amount {money}, note text"]
        if self.sides_by in ("direction", "words"):
            columns.append("kind text")
        if self.sides_by == "columns":
            columns.append(f"credit {money}")
        if self.currency_by == "column":
            columns.append("currency text")
        if self.currency_by == "path":
            columns.append("document int REFERENCES document")
        if self.drafts:
            columns.append("state text")
        args = {
            "direction_column": "kind" if self.sides_by in ("direction", "words") else "",
            "debits": "{issue,refund}" if self.sides_by == "words" else "",
            "credits": "{spend}" if self.sides_by == "words" else "",
            "credit_column": "credit" if self.sides_by == "columns" else "",
            "currency_column": "currency" if self.currency_by == "column" else "",
            "currency": "USD" if self.currency_by == "constant" else "",
            "currency_path": "{document,currency}" if self.currency_by == "path" else "",
            "decimals": "" if self.places is None else str(self.places),
            "zero_amounts": "true" if self.zero else "",
            "mutable_columns": "{note}" if self.mutable else "",
            "rows": '{"state": ["posted"]}' if self.drafts else "",
            "closed": "false" if self.open_ended else "",
            "minimum": "" if self.minimum is None else str(self.minimum),
        }
        given = "".join(f", {k} => '{v}'" for k, v in args.items() if v)
        first = (
            "'entry', 'account', 'amount'" if self.single else "'entry', 'tx', 'account', 'amount'"
        )
        rule = f"SELECT paysafe.protect_{'entries' if self.single else 'ledger'}({first}{given})"
        self.run(
            f"CREATE SCHEMA {self.schema} AUTHORIZATION {OWNER};\n"
            f"GRANT USAGE ON SCHEMA {self.schema} TO {APP}",
            "super",
        )
        for who in self.conns:
            self.run(f"SET search_path = {self.schema}", who)
        statements = [
            "CREATE TABLE document (id int PRIMARY KEY, currency text)",
            f"CREATE TABLE entry ({', '.join(columns)})",
            "CREATE INDEX ON entry (tx)",
            "CREATE INDEX ON entry (account)",
            *(["CREATE INDEX ON entry (document)"] if self.currency_by == "path" else []),
            f"GRANT ALL ON ALL TABLES IN SCHEMA {self.schema} TO {APP}",
            "INSERT INTO document VALUES (1, 'USD'), (2, 'EUR'), (3, 'JPY'), (4, 'USD')",
            rule,
        ]
        self.must(";\n".join(statements), True, "", "owner")

    def values(self, e: Entry | str) -> str:
        """An entry as a row; of accounts, its parent's."""
        if isinstance(e, str):
            return super().values(e)
        names = ["id", "tx", "account", "note"]
        out: list[Any] = [e.id, e.tx, e.account, e.note]
        amount = e.amount
        if self.sides_by in ("direction", "words"):
            debit = amount is None or amount > 0
            if self.sides_by == "words":
                word = self.rng.choice(["issue", "refund"]) if debit else "spend"
            else:
                word = self.rng.choice(accounts.DEBIT if debit else accounts.CREDIT)
            names.append("kind")
            out.append(e.word or word)
            amount = None if amount is None else abs(amount)
            amount = -amount if e.negative and amount is not None else amount
        if self.sides_by == "columns":
            names.append("credit")
            credit = None if amount is None or amount >= 0 else -amount
            amount = amount if credit is None else self.rng.choice([None, Decimal(0)])
            if e.both:
                credit = amount = Decimal(3)
            if e.negative:
                credit, amount = None, Decimal(-3)
            out.append(credit)
        names.append("amount")
        out.append(amount)
        if self.currency_by == "column":
            names.append("currency")
            out.append(e.currency)
        if self.currency_by == "path":
            names.append("document")
            some = [d for d, c in self.documents.items() if c == e.currency]
            out.append(self.rng.choice(some) if some else None)
        if self.drafts:
            names.append("state")
            out.append("draft" if e.draft else "posted")
        self.names = ", ".join(names)
        return "(" + ", ".join("NULL" if v is None else f"'{v}'" for v in out) + ")"

    def add(self, some: list[Entry]) -> str:
        rows = [self.values(e) for e in some]
        return f"INSERT INTO entry ({self.names}) VALUES {', '.join(rows)}"

    # ------------------------------------------------------------ the model

    def faults(self, e: Entry) -> set[str]:
        """What is wrong with an entry by itself."""
        if e.draft:
            return set()
        out = set()
        if e.account is None or (e.tx is None and not self.single) or e.currency is None:
            out.add("23L03")
        if e.amount is None or e.word or e.both or e.negative:
            return {"23L03"}
        if e.amount.is_nan() or (e.amount == 0 and not self.zero):
            return {"23L03"}
        places = self.places
        if places is None:
            places = DECIMALS.get(e.currency or "", 2)
        if not self.minor and e.amount != round(e.amount, places):
            out.add("23L03")
        return out

    def unbalanced(self, some: list[Entry]) -> bool:
        sums: dict[tuple[Any, Any], Decimal] = {}
        for e in some:
            if e.amount is not None and not e.draft:
                sums[e.tx, e.currency] = sums.get((e.tx, e.currency), Decimal(0)) + e.amount
        return not self.single and any(sums.values())

    def closed_tx(self, some: list[Entry]) -> bool:
        there = {e.tx for e in self.rows_there.values() if not e.draft}
        return (
            not self.single
            and not self.open_ended
            and any(e.tx in there for e in some if not e.draft)
        )

    def too_low(self, some: list[Entry], there: dict[int, Entry]) -> bool:
        """Do these take more than an account has, with what is there?"""
        if self.minimum is None:
            return False
        taken = {(e.account, e.currency) for e in some if not e.draft and e.amount and e.amount < 0}
        return any(self.total(a, c, there) < self.minimum for a, c in taken)

    def total(self, account: str | None, currency: str | None, there: dict[int, Entry]) -> Decimal:
        return sum(
            (
                e.amount
                for e in there.values()
                if (e.account, e.currency) == (account, currency) and not e.draft and e.amount
            ),
            Decimal(0),
        )

    def judge(self, parts: list[list[Entry]]) -> set[str]:
        """What is wrong with statements that post these, one after another."""
        wrong: set[str] = set()
        there = dict(self.rows_there)
        for part in parts:
            for e in part:
                wrong |= self.faults(e)
            if any(e.amount is not None and e.amount.is_nan() for e in part):
                continue
            there |= {e.id: e for e in part}
            if self.too_low(part, there):
                wrong.add("23M01")
        everything = [e for part in parts for e in part]
        if not any(e.amount is not None and e.amount.is_nan() for e in everything):
            if self.unbalanced(everything):
                wrong.add("23L02")
        if self.closed_tx(everything):
            wrong.add("23L04")
        return wrong

    # ------------------------------------------------------------ acts

    def a_currency(self) -> str:
        if self.currency_by == "constant":
            return "USD"
        if self.currency_by == "path":
            return self.rng.choice(list(self.documents.values()))
        if self.currency_by == "column" and self.places is not None and self.chance(0.3):
            return "points"
        return self.rng.choice(["USD", "USD", "USD", "EUR", "JPY"])

    def entry(self, tx: int | None, amount: Decimal, currency: str, draft: bool = False) -> Entry:
        self.next_id += 1
        account = self.rng.choice(["anna", "bert", "carl"])
        return Entry(self.next_id, tx, account, amount, currency, draft=draft)

    def some_entries(self, draft: bool) -> list[Entry]:
        """A transaction, or single entries; mostly they are as they should be."""
        rng, currency = self.rng, self.a_currency()
        unit = (
            Decimal(1)
            if self.minor or currency == "JPY"
            else rng.choice([Decimal(1), Decimal("0.01")])
        )
        tx = rng.randint(1, 12)
        some = []
        for _ in range(rng.choice([1, 1, 2, 3])):
            e = self.entry(tx, unit * rng.randint(1, 9) * rng.choice([1, 1, -1]), currency, draft)
            if self.minimum is not None and self.chance(0.4):
                left = self.total(e.account, currency, self.rows_there) - self.minimum
                wanted = -(left + unit * rng.choice([0, 0, 1]))
                e = replace(e, amount=wanted if wanted else unit)
            some.append(e)
        if not self.single:
            rest = -sum((e.amount or Decimal(0) for e in some), Decimal(0))
            if rest or self.zero and self.chance(0.5):
                some.append(self.entry(tx, rest, currency, draft))
            if self.chance(0.08):
                some.append(self.entry(tx, unit, currency, draft))
            if self.chance(0.05) and currency != "JPY" and self.currency_by == "column":
                some.append(self.entry(tx, unit, "JPY" if unit == 1 else "EUR", draft))
        if self.chance(0.15):
            i = rng.randrange(len(some))
            some[i] = self.spoilt(some[i])
        rng.shuffle(some)
        return some

    def spoilt(self, e: Entry) -> Entry:
        ways: list[dict[str, Any]] = [{"account": None}, {"amount": None}, {"amount": Decimal(0)}]
        if self.currency_by != "constant":
            ways.append({"currency": None})
        if not self.single:
            ways.append({"tx": None})
        if not self.minor:
            ways += [{"amount": Decimal("1.0001")}, {"amount": Decimal("0.005")}]
            if self.sides_by == "sign":
                ways.append({"amount": BAD})
        if self.sides_by in ("direction", "words"):
            ways += [{"word": "Issued"}, {"word": "both"}, {"negative": True}]
        if self.sides_by == "columns":
            ways += [{"both": True}, {"negative": True}]
            ways.remove({"amount": None})  # nothing on either side: of nothing, or none
        return replace(e, **self.rng.choice(ways))

    def post_some(self) -> None:
        some = self.some_entries(self.drafts and self.chance(0.4))
        parts = [some]
        if len(some) > 1 and self.chance(0.3):
            i = self.rng.randint(1, len(some) - 1)
            parts = [some[:i], some[i:]]
        statements = [self.add(p) for p in parts]
        wrong = self.judge(parts)
        if len(parts) > 1 or self.chance(0.2):
            if self.chance(0.3) and not wrong:
                again = [replace(e, id=e.id + 100000) for e in parts[0]]
                if not self.too_low(again, self.rows_there | {e.id: e for e in [*some, *again]}):
                    statements.insert(0, f"SAVEPOINT s;\n{self.add(again)};\nROLLBACK TO s")
            statements = ["BEGIN", *statements, "COMMIT"]
        if self.must(";\n".join(statements), not wrong, " ".join(wrong)):
            self.rows_there |= {e.id: e for e in some}

    def in_turns(self) -> None:
        """One transaction takes from an account and gives to it, by and by: to the last cent, or beyond."""
        if self.minimum is None:
            return
        rng, currency = self.rng, self.a_currency()
        account = rng.choice(["anna", "bert", "carl"])
        unit = Decimal(1)
        there = dict(self.rows_there)
        parts: list[list[Entry]] = []
        statements: list[str] = []
        for _ in range(rng.randint(2, 5)):
            part: list[Entry] = []
            for _ in range(rng.choice([1, 1, 2, 3])):
                known = there | {e.id: e for e in part}
                left = self.total(account, currency, known) - self.minimum
                # more often than not what is there would do if something else of this were not
                taken = [-e.amount for e in [*sum(parts, []), *part] if e.amount and e.amount < 0]
                wanted = left + rng.choice([Decimal(0), unit, *taken])
                half = (wanted / 2).quantize(unit) if wanted > unit else wanted
                amount = -rng.choice([wanted, half, half, unit])
                if amount >= 0 or self.chance(0.15):
                    amount = unit * rng.randint(1, 9)
                part.append(replace(self.entry(1, amount, currency), account=account))
            fits = not any(self.faults(e) for e in part) and not self.too_low(
                part, there | {e.id: e for e in part}
            )
            if fits and self.chance(0.25):
                statements.append(f"SAVEPOINT s;\n{self.add(part)};\nROLLBACK TO s")
                part = [replace(e, id=e.id + 100000) for e in part] if self.chance(0.5) else []
            if not part:
                continue
            statements.append(self.add(part))
            parts.append(part)
            there |= {e.id: e for e in part}
        wrong = self.judge(parts)
        if self.must(";\n".join(["BEGIN", *statements, "COMMIT"]), not wrong, " ".join(wrong)):
            self.rows_there = there

    def post_drafts(self) -> None:
        """Drafts become entries then and there."""
        some = [e for e in self.rows_there.values() if e.draft]
        if not some:
            return
        tx = self.rng.choice(some).tx
        mine = [e for e in some if e.tx == tx]
        if self.single or self.chance(0.15):
            mine = mine[:1]
        posted = [replace(e, draft=False) for e in mine]
        wrong = self.judge([posted])
        ids = ", ".join(str(e.id) for e in mine)
        sql = f"UPDATE entry SET state = 'posted' WHERE id IN ({ids})"
        if self.must(sql, not wrong, " ".join(wrong)):
            self.rows_there |= {e.id: e for e in posted}

    def change(self) -> None:
        """A note may change where it is named; nothing else of an entry does."""
        if not self.rows_there:
            return
        e = self.rng.choice(list(self.rows_there.values()))
        where = f"WHERE id = {e.id}"
        way = self.rng.choice(["note", "amount", "account", "tx", "delete", "unpost", "merge"])
        if way == "note":
            wrong = set() if e.draft or self.mutable else {"23L01"}
            if self.must(f"UPDATE entry SET note = 'y' {where}", not wrong, " ".join(wrong)):
                self.rows_there[e.id] = replace(e, note="y")
        elif way == "delete":
            wrong = set() if e.draft else {"23L01"}
            if self.must(f"DELETE FROM entry {where}", not wrong, " ".join(wrong)):
                del self.rows_there[e.id]
        elif way == "unpost" and self.drafts and not e.draft:
            self.must(f"UPDATE entry SET state = 'draft' {where}", False, "23R03 23L01")
        elif way == "unpost":
            self.must("TRUNCATE entry", False, "23L01", self.rng.choice(["a", "owner"]))
        elif not e.draft:
            what = {"amount": "amount = 7777", "account": "account = 'dora'", "tx": "tx = 99"}
            text = what.get(way, "note = 'z', amount = 7777")
            sql = f"UPDATE entry SET {text} {where}"
            if way == "merge":
                sql = f"MERGE INTO entry USING (SELECT 1) s ON id = {e.id} WHEN MATCHED THEN UPDATE SET {text}"
            self.must(sql, False, "23L01")

    def change_document(self) -> None:
        """The currency that entries have from elsewhere stays there."""
        if self.currency_by != "path":
            return
        d = self.rng.choice(list(self.documents))
        used = {
            r[0]
            for r in self.ask(
                "SELECT document FROM entry" + (" WHERE state = 'posted'" if self.drafts else "")
            )
        }
        drafts = {r[0] for r in self.ask("SELECT document FROM entry")} - used
        if d in drafts:
            return  # the model has the currency with the draft
        new = "EUR" if self.documents[d] != "EUR" else "USD"
        sql = f"UPDATE document SET currency = '{new}' WHERE id = {d}"
        if self.must(sql, d not in used, "23R03"):
            self.documents[d] = new

    def take_and_hold(self) -> None:
        """Who takes from an account keeps others who take; who gives waits for nobody."""
        if self.minimum is None:
            return
        currency = self.documents[4]  # the last one
        if currency != "USD":
            return
        first = self.entry(1, Decimal(-1), currency)
        if self.total(first.account, currency, self.rows_there) - self.minimum < 2:
            first = replace(first, amount=Decimal(5))
        self.must(f"BEGIN;\n{self.add([first])}", True, "", "b")
        wait = "SET LOCAL lock_timeout = '60ms'"
        for _ in range(2):
            e = self.entry(1, Decimal(self.rng.choice([-1, 1])), currency)
            there = self.rows_there | {e.id: e}
            same = e.account == first.account and first.amount == -1 and e.amount == -1
            wrong = {"55P03"} if same else {"23M01"} if self.too_low([e], there) else set()
            if self.must(f"BEGIN;\n{wait};\n{self.add([e])};\nCOMMIT", not wrong, " ".join(wrong)):
                self.rows_there[e.id] = e
        back = self.chance(0.4)
        self.must("ROLLBACK" if back else "COMMIT", True, "", "b")
        if not back:
            self.rows_there[first.id] = first

    # ------------------------------------------------------------ judging

    def look(self) -> None:
        got = {
            (r[0], r[1], r[2], r[3])
            for r in self.ask(
                f"SELECT id, account, note, {'state' if self.drafts else 'NULL'} = 'draft' FROM entry"
            )
        }
        want = {
            (e.id, e.account, e.note, e.draft if self.drafts else None)
            for e in self.rows_there.values()
        }
        if got != want:
            raise Found(
                "entries", f"{sorted(got - want)} are there, {sorted(want - got)} should be"
            )
        if self.minimum is None:
            return
        sign = {
            "sign": "amount",
            "columns": "coalesce(amount, 0) - coalesce(credit, 0)",
        }.get(
            self.sides_by,
            "CASE WHEN lower(kind) IN ('debit', 'dr', 'd', '1', 'issue', 'refund') THEN amount ELSE -amount END",
        )
        group = {"column": ", currency", "path": ", document"}.get(self.currency_by, "")
        if group == ", document":
            return  # several documents have one currency: the model has it
        where = "WHERE state = 'posted'" if self.drafts else ""
        sql = f"SELECT account, min(s) FROM (SELECT account, sum({sign}) AS s FROM entry {where} GROUP BY account{group}) t GROUP BY 1"
        for account, low in self.ask(sql):
            if low < self.minimum:
                raise Found("minimum", f"the entries of {account} sum to {low}")

    def all(self, plan: list[tuple[int, str]]) -> None:
        self.setup()
        self.plays(plan)


ACTS: dict[str, float] = {
    "post_some": 8,
    "in_turns": 3,
    "post_drafts": 3,
    "change": 3,
    "change_document": 1,
    "take_and_hold": 1.5,
}


def is_play(seed: int) -> bool:
    """Does this seed stand for a play of a ledger?"""
    return random.Random(f"ledger or not {seed}").random() < 0.06
